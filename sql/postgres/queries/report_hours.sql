-- sql/postgres/queries/report_hours.sql
--     Sessions by the local hour they started in.
SELECT
    CAST(extract(hour FROM session_start AT TIME ZONE 'Asia/Singapore') AS int) AS hour,
    count(*) AS sessions,
    count(*) FILTER (WHERE reward_driven_by_campaign_view) AS driven
FROM session_report()
GROUP BY hour
ORDER BY hour
