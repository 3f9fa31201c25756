-- sql/spark/session_items.sql
--     What each session holds: one row for each campaign viewed and each reward
--     issued, and one for all other requests. Needs session_event.sql.

CREATE OR REPLACE TEMPORARY VIEW session_items AS
SELECT user_id,
       session_start,
       kind,
       id,
       COUNT(*) AS events,
       MIN(timestamp) AS first_at,
       MAX(timestamp) AS last_at
FROM session_event
GROUP BY user_id, session_start, kind, id;
