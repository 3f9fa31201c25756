-- sql/bigquery/session_items.sql
--     What each session holds: one row for each campaign viewed and each reward
--     issued, and one for all other requests. Needs session_event.sql.

CREATE OR REPLACE TABLE FUNCTION clickstream.session_items(since TIMESTAMP, until TIMESTAMP)
AS (
SELECT user_id,
       session_start,
       kind,
       id,
       COUNT(*) AS events,
       MIN(timestamp) AS first_at,
       MAX(timestamp) AS last_at
FROM clickstream.session_event(since, until)
GROUP BY user_id, session_start, kind, id
);
