-- sql/postgres/queries/report_days.sql
--     Sessions over time: by the local day they started on.
SELECT
    CAST(session_start AT TIME ZONE 'Asia/Singapore' AS date) AS day,
    count(*) AS sessions,
    count(*) FILTER (WHERE reward_driven_by_campaign_view) AS driven
FROM session_report()
GROUP BY day
ORDER BY day
