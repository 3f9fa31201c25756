-- bench/sql/duckdb.sql
-- The session report by window functions in DuckDB. lag() finds the breaks; the sum over
-- peers numbers the sessions; lists and driven come from the distinct ids of each session,
-- by joins, which DuckDB runs faster than a look-up for each session.
WITH event AS (
    SELECT user_id, "timestamp" AS ts,
           CASE WHEN http_method = 'GET' AND http_path LIKE '/campaigns/%' THEN 'view'
                WHEN http_method = 'POST' AND http_path LIKE '/rewards/%' THEN 'issue'
           END AS kind,
           CASE WHEN http_method = 'GET' AND http_path LIKE '/campaigns/%'
                    THEN CAST(substr(http_path, 12) AS bigint)
                WHEN http_method = 'POST' AND http_path LIKE '/rewards/%'
                    THEN CAST(substr(http_path, 10) AS bigint)
           END AS id
    FROM http_log
), marked AS (
    SELECT *, CASE WHEN ts - lag(ts) OVER (PARTITION BY user_id ORDER BY ts) < interval '5 minutes'
                   THEN 0 ELSE 1 END AS is_new
    FROM event
), numbered AS (
    SELECT *, sum(is_new) OVER (PARTITION BY user_id ORDER BY ts) AS session FROM marked
), span AS (
    SELECT user_id, session, min(ts) AS session_start, max(ts) AS session_end
    FROM numbered GROUP BY user_id, session
), seen AS (
    SELECT user_id, session, kind, id, min(ts) AS first, max(ts) AS last
    FROM numbered WHERE kind IS NOT NULL GROUP BY user_id, session, kind, id
), list AS (
    SELECT user_id, session,
           array_agg(id ORDER BY first, id) FILTER (WHERE kind = 'view') AS campaigns,
           array_agg(id ORDER BY first, id) FILTER (WHERE kind = 'issue') AS rewards_issued
    FROM seen GROUP BY user_id, session
), driven AS (
    SELECT DISTINCT v.user_id, v.session
    FROM seen v
    JOIN campaign_reward_mapping m ON m.campaign_id = v.id
    JOIN seen i ON i.user_id = v.user_id AND i.session = v.session AND i.kind = 'issue'
               AND i.id = m.reward_id AND v.first < i.last
    WHERE v.kind = 'view'
)
SELECT user_id, session_start, session_end, campaigns, rewards_issued,
       driven.session IS NOT NULL AS reward_driven_by_campaign_view
FROM span
LEFT JOIN list USING (user_id, session)
LEFT JOIN driven USING (user_id, session)
