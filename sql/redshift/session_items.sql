-- sql/redshift/session_items.sql
--     What each session holds: one row for each campaign viewed and each reward
--     issued, and one for all other requests. Needs session_event.sql.

CREATE OR REPLACE VIEW session_items AS
SELECT user_id,
       session_start,
       kind,
       id,
       COUNT(*) AS events,
       MIN("timestamp") AS first_at,
       MAX("timestamp") AS last_at
FROM session_event
GROUP BY user_id, session_start, kind, id;

COMMENT ON VIEW session_items IS
    'ids of a session, in order of first_at, id those of the report''s lists; id is NULL where kind is other';
