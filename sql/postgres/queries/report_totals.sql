-- sql/postgres/queries/report_totals.sql
--     What the session report holds, in one row.
SELECT
    count(*) AS sessions,
    count(DISTINCT user_id) AS users,
    count(*) FILTER (WHERE campaigns <> '{}') AS with_view,
    count(*) FILTER (WHERE rewards_issued <> '{}') AS with_issue,
    count(*) FILTER (WHERE campaigns <> '{}' AND rewards_issued <> '{}') AS with_both,
    count(*) FILTER (WHERE reward_driven_by_campaign_view) AS driven
FROM session_report()
