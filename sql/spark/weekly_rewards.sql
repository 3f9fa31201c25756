-- sql/spark/weekly_rewards.sql
--     Report: redemptions per reward and ISO week, with the change on the week
--     before in per cent. Needs tables.sql.

-- The weeks of some days, of one campaign:
--     SELECT reward_name, redeemed, pct_change, week FROM weekly_rewards
--     WHERE campaign_id = 1
--       AND week BETWEEN DATE_TRUNC('week', DATE '2019-08-12') AND DATE '2019-08-31'
--     ORDER BY week, reward_name, reward_id;
--
-- Weeks are told by their Monday. A reward has a row for each from its first with
-- a redemption to its last, so the row before is the week before.
CREATE OR REPLACE TEMPORARY VIEW weekly_rewards AS
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
), calendar AS (
    SELECT r.id, r.campaign_id, r.reward_name,
           EXPLODE(SEQUENCE(r.first_week, r.last_week, INTERVAL 7 DAY)) AS week
    FROM reward AS r
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
