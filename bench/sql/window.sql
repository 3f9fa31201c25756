-- bench/sql/window.sql
-- The session report by window functions in PostgreSQL. lag() finds the breaks, the sum
-- over them numbers the sessions, and the distinct ids of a session give the lists. A
-- covering index in the order of the windows saves the sort, and an index on the mapping
-- makes driven a look-up; joins as in duckdb.sql take half as long again.
WITH event AS (
    SELECT user_id COLLATE "C" AS user_id, "timestamp" AS ts,
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
), seen AS (
    SELECT user_id, session, kind, id, min(ts) AS first, max(ts) AS last
    FROM numbered GROUP BY user_id, session, kind, id
), listed AS (
    SELECT user_id, session, min(first) AS session_start, max(last) AS session_end,
           array_agg(id ORDER BY first, id) FILTER (WHERE kind = 'view') AS campaigns,
           array_agg(first ORDER BY first, id) FILTER (WHERE kind = 'view') AS viewed,
           array_agg(id ORDER BY first, id) FILTER (WHERE kind = 'issue') AS rewards_issued,
           array_agg(last ORDER BY first, id) FILTER (WHERE kind = 'issue') AS issued
    FROM seen GROUP BY user_id, session
)
SELECT user_id, session_start, session_end, campaigns, rewards_issued,
       campaigns IS NOT NULL AND rewards_issued IS NOT NULL AND EXISTS (
           SELECT FROM unnest(campaigns, viewed) AS v (id, first)
           JOIN campaign_reward_mapping AS m ON m.campaign_id = v.id
           JOIN unnest(rewards_issued, issued) AS i (id, last)
               ON i.id = m.reward_id AND v.first < i.last)
       AS reward_driven_by_campaign_view
FROM listed
