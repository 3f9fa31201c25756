-- sql/spark/refresh_sessions.sql
--     Brings table sessions up to date with the log: run it in a Spark session that ran
--     the other files, one at a time. Needs sessions.sql.

-- New requests change only sessions that they are less than the gap away from. So
-- of each touched user, what lies between the first and the last of these is made
-- anew; the rest of the log is not sessionised. Under another gap all files are new.
--
-- There are no transactions. Broken off anywhere and run again, this does it all
-- over, to the same end: load_batch comes last.
SET spark.sql.sources.partitionOverwriteMode = dynamic;

REFRESH TABLE http_log;

INSERT OVERWRITE TABLE session_file
SELECT f.file_name
FROM (SELECT DISTINCT _metadata.file_path AS file_name FROM http_log) AS f
CROSS JOIN (
    SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
    FROM report_setting
) AS g
LEFT ANTI JOIN load_batch AS b
    ON b.file_name = f.file_name AND b.gap_microseconds = g.gap_microseconds;

INSERT OVERWRITE TABLE session_touched
SELECT n.user_id,
       LEAST(n.first_at, COALESCE(MIN(s.session_start), n.first_at)) AS first_at,
       GREATEST(n.last_at, COALESCE(MAX(s.session_end), n.last_at)) AS last_at
FROM (
    SELECT l.user_id, MIN(l.timestamp) AS first_at, MAX(l.timestamp) AS last_at
    FROM (SELECT *, _metadata.file_path AS file_name FROM http_log) AS l
    JOIN session_file AS b ON b.file_name = l.file_name
    WHERE l.user_id IS NOT NULL AND l.timestamp IS NOT NULL
    GROUP BY l.user_id
) AS n
CROSS JOIN (
    SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
    FROM report_setting
) AS g
LEFT JOIN sessions AS s
    ON s.user_id = n.user_id
   AND UNIX_MICROS(n.first_at) - UNIX_MICROS(s.session_end) < g.gap_microseconds
   AND UNIX_MICROS(s.session_start) - UNIX_MICROS(n.last_at) < g.gap_microseconds
GROUP BY n.user_id, n.first_at, n.last_at;

CREATE OR REPLACE TEMPORARY VIEW session_log AS
SELECT l.user_id, l.timestamp, l.http_method, l.http_path
FROM http_log AS l
JOIN session_touched AS t ON t.user_id = l.user_id
WHERE l.timestamp BETWEEN t.first_at AND t.last_at;

INSERT OVERWRITE TABLE session_fresh
SELECT r.*, PMOD(HASH(r.user_id), 64) AS bucket
FROM session_report AS r
UNION ALL
SELECT s.*
FROM sessions AS s
LEFT SEMI JOIN (SELECT DISTINCT PMOD(HASH(user_id), 64) AS bucket FROM session_touched) AS b
    ON b.bucket = s.bucket
LEFT ANTI JOIN session_touched AS t
    ON t.user_id = s.user_id AND s.session_start BETWEEN t.first_at AND t.last_at;

INSERT OVERWRITE TABLE sessions PARTITION (bucket)
SELECT *
FROM session_fresh;

INSERT INTO load_batch
SELECT f.file_name, g.gap_microseconds, CURRENT_TIMESTAMP()
FROM session_file AS f
CROSS JOIN (
    SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
    FROM report_setting
) AS g;

CREATE OR REPLACE TEMPORARY VIEW session_log AS
SELECT l.user_id, l.timestamp, l.http_method, l.http_path
FROM http_log AS l;
