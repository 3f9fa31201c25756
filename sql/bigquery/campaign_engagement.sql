-- sql/bigquery/campaign_engagement.sql
--     Report: transactions of a campaign's rewards, whatever their status, per local
--     day and hour. Needs tables.sql.

-- One campaign, a range of days, most first:
--     SELECT transactions, date, time FROM clickstream.campaign_engagement
--     WHERE campaign_id = 1 AND date BETWEEN '2019-08-01' AND '2019-08-31'
--     ORDER BY transactions DESC, date, time;
CREATE OR REPLACE VIEW clickstream.campaign_engagement AS
SELECT h.campaign_id,
       COUNT(*) AS transactions,
       DATE(h.local_hour) AS date,
       TIME(h.local_hour) AS time
FROM (
    SELECT r.campaign_id,
           DATETIME_TRUNC(DATETIME(t.updated_at, z.time_zone), HOUR) AS local_hour
    FROM clickstream.reward_campaign AS r
    JOIN clickstream.reward_transaction AS t ON t.reward_campaign_id = r.id
    CROSS JOIN (
        SELECT COALESCE(MAX(time_zone), 'Asia/Singapore') AS time_zone
        FROM clickstream.report_setting
    ) AS z
    WHERE t.updated_at IS NOT NULL
) AS h
GROUP BY h.campaign_id, h.local_hour;
