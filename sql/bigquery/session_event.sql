-- sql/bigquery/session_event.sql
--     The log as events of sessions: each request of a user with the start of the
--     session that it is in, and what it means. Needs tables.sql.

-- NULL is no bound. With bounds, the partitions from a day before to a day behind
-- are read: a session that starts between them is told rightly, since the gap is a
-- day at most, and whole, since session_report refuses one that goes on past that day.
-- Others may be cut.
--
-- From the inside out: the rows, of touched users only within a refresh; the ids in
-- their paths; what they mean.
--
-- Events of one instant are no neighbours in a certain order, and any one of them may
-- be the first of the session. RANGE sees them all at once; ROWS would leave some of
-- them in the session before.
CREATE OR REPLACE TABLE FUNCTION clickstream.session_event(since TIMESTAMP, until TIMESTAMP)
AS (
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
                    OR TIMESTAMP_DIFF(e.timestamp, e.previous, MICROSECOND) >= e.gap_microseconds
               THEN 1
               ELSE 0
           END AS is_first
    FROM (
        SELECT p.user_id,
               p.timestamp,
               p.gap_microseconds,
               CASE
                   WHEN p.http_method = 'GET'
                   THEN SAFE_CAST(REGEXP_EXTRACT(
                       p.http_path, r'(?s)^/campaigns/0*([0-9]+)/?(?:[?#].*)?$') AS INT64)
               END AS campaign_id,
               CASE
                   WHEN p.http_method = 'POST'
                   THEN SAFE_CAST(REGEXP_EXTRACT(
                       p.http_path, r'(?s)^/rewards/0*([0-9]+)/?(?:[?#].*)?$') AS INT64)
               END AS reward_id,
               LAG(p.timestamp) OVER (
                   PARTITION BY p.user_id
                   ORDER BY p.timestamp) AS previous
        FROM (
            SELECT l.user_id,
                   l.timestamp,
                   l.http_method,
                   l.http_path,
                   CASE
                       WHEN g.gap_microseconds > 86400000000
                            AND (since IS NOT NULL OR until IS NOT NULL)
                       THEN ERROR('a range needs a gap of a day at most: ask without bounds')
                       ELSE g.gap_microseconds
                   END AS gap_microseconds
            FROM clickstream.http_log AS l
            CROSS JOIN (
                SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
                FROM clickstream.report_setting
            ) AS g
            CROSS JOIN (SELECT COUNT(*) AS users FROM clickstream.session_touched) AS c
            LEFT JOIN clickstream.session_touched AS u ON u.user_id = l.user_id
            WHERE l.user_id IS NOT NULL
              AND l.timestamp >= COALESCE(
                  SAFE.TIMESTAMP_SUB(since, INTERVAL 1 DAY), TIMESTAMP '0001-01-01 00:00:00+00')
              AND l.timestamp <= COALESCE(
                  SAFE.TIMESTAMP_ADD(until, INTERVAL 1 DAY), TIMESTAMP '9999-12-31 23:59:59.999999+00')
              AND (c.users = 0 OR l.timestamp BETWEEN u.first_at AND u.last_at)
        ) AS p
    ) AS e
) AS s
);
