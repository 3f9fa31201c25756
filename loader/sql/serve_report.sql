-- loader/sql/serve_report.sql
-- The sessions that start in [$1, $2), NULL being no bound: the first $3 of them, as JSON.
WITH found AS (
    SELECT *
    FROM session_report(coalesce($1::timestamptz, '-infinity'),
                        coalesce($2::timestamptz, 'infinity'), interval '5 min', 'start'::text)
    ORDER BY user_id COLLATE "C", session_start
    LIMIT $3::bigint + 1
), numbered AS (
    SELECT f.*, row_number() OVER (ORDER BY f.user_id COLLATE "C", f.session_start) AS n
    FROM found AS f
)
SELECT pg_catalog.json_build_object(
    'truncated', count(*) > $3::bigint,
    'sessions', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'user_id', user_id, 'session_start', session_start, 'session_end', session_end,
        'campaigns', campaigns, 'rewards_issued', rewards_issued,
        'reward_driven_by_campaign_view', reward_driven_by_campaign_view) ORDER BY n)
        FILTER (WHERE n <= $3::bigint), '[]'))
FROM numbered
