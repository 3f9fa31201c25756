-- sql/postgres/queries/report_rows.sql
--     The first rows of the session report, in order of time.
SELECT user_id, session_start, session_end, campaigns, rewards_issued,
       reward_driven_by_campaign_view AS driven
FROM session_report()
ORDER BY session_start, user_id COLLATE "C"
LIMIT 10
