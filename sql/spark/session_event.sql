-- sql/spark/session_event.sql
--     The log as events of sessions: each request of a user with the start of the
--     session that it is in, and what it means. Needs load.sql.

-- From the inside out: the rows, of touched users only within a refresh; the ids in
-- their paths; what they mean.
--
-- Events of one instant are no neighbours in a certain order, and any one of them may
-- be the first of the session. RANGE sees them all at once; ROWS would leave some of
-- them in the session before.
CREATE OR REPLACE TEMPORARY VIEW session_event AS
SELECT s.user_id,
       MAX(CASE WHEN s.is_first = 1 THEN s.timestamp END) OVER (
           PARTITION BY s.user_id
           ORDER BY s.timestamp
           RANGE UNBOUNDED PRECEDING) AS session_start,
       s.timestamp,
       s.kind,
       s.id
FROM (
    SELECT e.user_id,
           e.timestamp,
           CASE
               WHEN e.campaign_id IS NOT NULL THEN 'view'
               WHEN e.reward_id IS NOT NULL THEN 'issue'
               ELSE 'other'
           END AS kind,
           COALESCE(e.campaign_id, e.reward_id) AS id,
           CASE
               WHEN e.previous IS NULL
                    OR UNIX_MICROS(e.timestamp) - UNIX_MICROS(e.previous) >= e.gap_microseconds
               THEN 1
               ELSE 0
           END AS is_first
    FROM (
        SELECT p.user_id,
               p.timestamp,
               p.gap_microseconds,
               CASE
                   WHEN p.http_method = 'GET'
                   THEN TRY_CAST(NULLIF(REGEXP_EXTRACT(
                       p.http_path, r'(?s)^/campaigns/0*([0-9]+)/?(?:[?#].*)?\z', 1), '') AS BIGINT)
               END AS campaign_id,
               CASE
                   WHEN p.http_method = 'POST'
                   THEN TRY_CAST(NULLIF(REGEXP_EXTRACT(
                       p.http_path, r'(?s)^/rewards/0*([0-9]+)/?(?:[?#].*)?\z', 1), '') AS BIGINT)
               END AS reward_id,
               LAG(p.timestamp) OVER (
                   PARTITION BY p.user_id
                   ORDER BY p.timestamp) AS previous
        FROM (
            SELECT l.user_id,
                   l.timestamp,
                   l.http_method,
                   l.http_path,
                   g.gap_microseconds
            FROM session_log AS l
            CROSS JOIN (
                SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
                FROM report_setting
            ) AS g
            WHERE l.user_id IS NOT NULL
              AND l.timestamp IS NOT NULL
        ) AS p
    ) AS e
) AS s;
