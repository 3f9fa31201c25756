-- sql/redshift/session_event.sql
--     The log as events of sessions: each request of a user with the start of the
--     session that it is in, and what it means. Needs tables.sql.

-- From the inside out: the rows, of touched users only within a refresh; the path
-- without query and fragment; what could be a number; what it is. VARCHARs that
-- differ in spaces at their end only are equal here, hence the lengths; and a
-- number is told without the end of a pattern, which may pass over a line break.
--
-- Events of one instant are no neighbours in a certain order. So the first one of
-- a session is put before the others, or they would be in the session before.
CREATE OR REPLACE VIEW session_event AS
SELECT s.user_id,
       MAX(CASE WHEN s.is_first = 1 THEN s."timestamp" END) OVER (
           PARTITION BY s.user_id
           ORDER BY s."timestamp", s.is_first DESC
           ROWS UNBOUNDED PRECEDING) AS session_start,
       s."timestamp",
       s.kind,
       s.id
FROM (
    SELECT e.user_id,
           e."timestamp",
           CASE WHEN e.is_id = 1 THEN e.wanted ELSE 'other' END AS kind,
           CASE WHEN e.is_id = 1 THEN CAST('0' || LTRIM(e.number, '0') AS BIGINT) END AS id,
           CASE
               WHEN e.previous IS NULL
                    OR DATEDIFF(microsecond, e.previous, e."timestamp") >= e.gap_microseconds
               THEN 1
               ELSE 0
           END AS is_first
    FROM (
        SELECT n.user_id,
               n."timestamp",
               n.gap_microseconds,
               n.wanted,
               n.number,
               CASE
                   WHEN n.wanted <> 'other'
                        AND LEN(n.number) > 0
                        AND n.number !~ '[^0-9]'
                        AND (LEN(LTRIM(n.number, '0')) < 19
                             OR (LEN(LTRIM(n.number, '0')) = 19
                                 AND LTRIM(n.number, '0') <= '9223372036854775807'))
                   THEN 1
                   ELSE 0
               END AS is_id,
               LAG(n."timestamp") OVER (
                   PARTITION BY n.user_id
                   ORDER BY n."timestamp") AS previous
        FROM (
            SELECT t.user_id,
                   t."timestamp",
                   t.gap_microseconds,
                   t.wanted,
                   CASE
                       WHEN RIGHT(t.tail, 1) = '/' THEN LEFT(t.tail, LEN(t.tail) - 1)
                       ELSE t.tail
                   END AS number
            FROM (
                SELECT p.user_id,
                       p."timestamp",
                       p.gap_microseconds,
                       CASE
                           WHEN p.http_method = 'GET' AND LEN(p.http_method) = 3
                                AND LEFT(p.path, 11) = '/campaigns/'
                           THEN 'view'
                           WHEN p.http_method = 'POST' AND LEN(p.http_method) = 4
                                AND LEFT(p.path, 9) = '/rewards/'
                           THEN 'issue'
                           ELSE 'other'
                       END AS wanted,
                       CASE
                           WHEN LEFT(p.path, 11) = '/campaigns/' THEN SUBSTRING(p.path, 12)
                           ELSE SUBSTRING(p.path, 10)
                       END AS tail
                FROM (
                    SELECT l.user_id,
                           l."timestamp",
                           l.http_method,
                           SPLIT_PART(SPLIT_PART(l.http_path, '?', 1), '#', 1) AS path,
                           g.gap_microseconds
                    FROM http_log AS l
                    CROSS JOIN (
                        SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
                        FROM report_setting
                    ) AS g
                    CROSS JOIN (SELECT COUNT(*) AS users FROM session_touched) AS c
                    LEFT JOIN session_touched AS u ON u.user_id = l.user_id
                    WHERE l.user_id IS NOT NULL
                      AND l."timestamp" IS NOT NULL
                      AND (c.users = 0 OR l."timestamp" BETWEEN u.first_at AND u.last_at)
                ) AS p
            ) AS t
        ) AS n
    ) AS e
) AS s;

COMMENT ON VIEW session_event IS
    'requests of users: user_id, session_start, "timestamp", kind (view, issue, other) and id';
