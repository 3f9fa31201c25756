-- sql/redshift/weekly_rewards.sql
--     Report: redemptions per reward and ISO week, with the change on the week
--     before in per cent. Needs tables.sql.

-- The weeks of some days, of one campaign:
--     SELECT reward_name, redeemed, pct_change, week FROM weekly_rewards
--     WHERE campaign_id = 1
--       AND week BETWEEN DATE_TRUNC('week', DATE '2019-08-12') AND DATE '2019-08-31'
--     ORDER BY week, reward_name, reward_id;
--
-- Weeks are told by their Monday. A reward has a row for each from its first with
-- a redemption to its last, so the row before is the week before. The week numbers
-- come from digits: 10,000 weeks.
CREATE OR REPLACE VIEW weekly_rewards AS
WITH weekly AS (
    SELECT r.id,
           r.campaign_id,
           r.reward_name,
           CAST(DATE_TRUNC('week', CONVERT_TIMEZONE('UTC', z.time_zone, t.updated_at)) AS DATE)
               AS week,
           COUNT(*) AS redeemed
    FROM reward_campaign AS r
    JOIN reward_transaction AS t ON t.reward_campaign_id = r.id
    CROSS JOIN (
        SELECT COALESCE(MAX(time_zone), 'Asia/Singapore') AS time_zone
        FROM report_setting
    ) AS z
    WHERE t.status = 'redeemed' AND t.updated_at IS NOT NULL
    GROUP BY 1, 2, 3, 4
), reward AS (
    SELECT id, campaign_id, reward_name, MIN(week) AS first_week, MAX(week) AS last_week
    FROM weekly
    GROUP BY 1, 2, 3
), digit AS (
    SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4
    UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
), number AS (
    SELECT 1000 * a.n + 100 * b.n + 10 * c.n + d.n AS n
    FROM digit AS a CROSS JOIN digit AS b CROSS JOIN digit AS c CROSS JOIN digit AS d
), calendar AS (
    SELECT r.id, r.campaign_id, r.reward_name,
           CAST(DATEADD(day, 7 * w.n, r.first_week) AS DATE) AS week
    FROM reward AS r
    JOIN number AS w ON w.n <= DATEDIFF(day, r.first_week, r.last_week) / 7
), counted AS (
    SELECT c.id, c.campaign_id, c.reward_name, c.week,
           COALESCE(w.redeemed, 0) AS redeemed,
           LAG(w.redeemed) OVER (PARTITION BY c.id ORDER BY c.week) AS previous
    FROM calendar AS c
    LEFT JOIN weekly AS w ON w.id = c.id AND w.week = c.week
)
SELECT campaign_id,
       id AS reward_id,
       reward_name,
       redeemed,
       CAST(ROUND(100.0 * (redeemed - previous) / previous, 2) AS DECIMAL(18, 2)) AS pct_change,
       week
FROM counted;

COMMENT ON VIEW weekly_rewards IS
    'redeemed transactions per reward and ISO week of report_setting.time_zone, and the change on the week before in per cent';
