-- sql/postgres/queries/report_funnel.sql
--     From a view to a driven reward, in sessions.
SELECT t.step, t.sessions
FROM (
    SELECT
        count(*) FILTER (WHERE campaigns <> '{}') AS viewed,
        count(*) FILTER (WHERE campaigns <> '{}' AND rewards_issued <> '{}') AS issued,
        count(*) FILTER (WHERE reward_driven_by_campaign_view) AS driven
    FROM session_report()
) AS r
CROSS JOIN LATERAL (VALUES
    (1, 'viewed a campaign', r.viewed),
    (2, 'viewed and took a reward', r.issued),
    (3, 'reward driven by the view', r.driven)
) AS t (number, step, sessions)
ORDER BY t.number
