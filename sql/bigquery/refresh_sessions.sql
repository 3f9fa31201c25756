-- sql/bigquery/refresh_sessions.sql
--     What brings table sessions up to date with the log:
--     CALL clickstream.refresh_sessions(). Needs sessions.sql.

-- New requests change only sessions that they are less than the gap away from. So
-- of each touched user, what lies between the first and the last of these is made
-- anew; the rest of the log is not sessionised. Under another gap all is.
--
-- The ranges in variables are constants to the statements, which so read only the
-- partitions of the new files, and then those of the touched sessions.
CREATE OR REPLACE PROCEDURE clickstream.refresh_sessions()
BEGIN
    DECLARE gap INT64;
    DECLARE built INT64;
    DECLARE new_from TIMESTAMP;
    DECLARE new_to TIMESTAMP;
    DECLARE touched_from TIMESTAMP;
    DECLARE touched_to TIMESTAMP;
    BEGIN TRANSACTION;
    SET (gap, built) = (
        SELECT AS STRUCT COALESCE(MAX(r.gap_microseconds), 300000000) AS gap,
               MAX(r.built_gap_microseconds) AS built
        FROM clickstream.report_setting AS r);
    DELETE FROM clickstream.session_touched WHERE TRUE;
    IF built IS NULL OR built <> gap THEN
        DELETE FROM clickstream.sessions WHERE TRUE;
        INSERT INTO clickstream.sessions SELECT * FROM clickstream.session_report(NULL, NULL);
        UPDATE clickstream.report_setting SET built_gap_microseconds = gap WHERE TRUE;
    ELSE
        SET (new_from, new_to) = (
            SELECT AS STRUCT MIN(b.first_at) AS first_at, MAX(b.last_at) AS last_at
            FROM clickstream.load_batch AS b
            WHERE NOT b.refreshed);
        INSERT INTO clickstream.session_touched
        SELECT n.user_id,
               LEAST(n.first_at, COALESCE(MIN(s.session_start), n.first_at)) AS first_at,
               GREATEST(n.last_at, COALESCE(MAX(s.session_end), n.last_at)) AS last_at
        FROM (
            SELECT l.user_id, MIN(l.timestamp) AS first_at, MAX(l.timestamp) AS last_at
            FROM clickstream.http_log AS l
            JOIN clickstream.load_batch AS b ON b.load_id = l.load_id
            WHERE NOT b.refreshed AND l.user_id IS NOT NULL
              AND l.timestamp BETWEEN new_from AND new_to
            GROUP BY l.user_id
        ) AS n
        LEFT JOIN clickstream.sessions AS s
            ON s.user_id = n.user_id
           AND TIMESTAMP_DIFF(n.first_at, s.session_end, MICROSECOND) < gap
           AND TIMESTAMP_DIFF(s.session_start, n.last_at, MICROSECOND) < gap
        GROUP BY n.user_id, n.first_at, n.last_at;
        SET (touched_from, touched_to) = (
            SELECT AS STRUCT MIN(t.first_at) AS first_at, MAX(t.last_at) AS last_at
            FROM clickstream.session_touched AS t);
        IF touched_from IS NOT NULL THEN
            DELETE FROM clickstream.sessions AS s
            WHERE s.session_start BETWEEN touched_from AND touched_to
              AND EXISTS (
                  SELECT 1
                  FROM clickstream.session_touched AS t
                  WHERE t.user_id = s.user_id
                    AND s.session_start BETWEEN t.first_at AND t.last_at);
            INSERT INTO clickstream.sessions
            SELECT *
            FROM clickstream.session_report(
                touched_from, SAFE.TIMESTAMP_ADD(touched_to, INTERVAL 1 MICROSECOND));
            DELETE FROM clickstream.session_touched WHERE TRUE;
        END IF;
    END IF;
    UPDATE clickstream.load_batch SET refreshed = TRUE WHERE NOT refreshed;
    COMMIT TRANSACTION;
END;
