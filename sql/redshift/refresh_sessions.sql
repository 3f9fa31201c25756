-- sql/redshift/refresh_sessions.sql
--     What brings table sessions up to date with the log: CALL refresh_sessions().
--     Needs sessions.sql.

-- New requests change only sessions that they are less than the gap away from. So
-- of each touched user, what lies between the first and the last of these is made
-- anew; the rest of the log is not sessionised. Under another gap all is.
--
-- The lock keeps loads out, so that no row comes in between what is read and what
-- is marked. DELETE, not TRUNCATE, which would commit.
CREATE OR REPLACE PROCEDURE refresh_sessions()
AS $$
DECLARE
    gap   BIGINT;
    built BIGINT;
    users BIGINT;
BEGIN
    LOCK TABLE load_batch;
    SELECT COALESCE(MAX(r.gap_microseconds), 300000000), MAX(r.built_gap_microseconds)
    INTO gap, built
    FROM report_setting AS r;
    DELETE FROM session_touched;
    IF built IS NULL OR built <> gap THEN
        DELETE FROM sessions;
        INSERT INTO sessions SELECT * FROM session_report;
        UPDATE report_setting SET built_gap_microseconds = gap;
    ELSE
        INSERT INTO session_touched
        SELECT n.user_id,
               LEAST(n.first_at, COALESCE(MIN(s.session_start), n.first_at)) AS first_at,
               GREATEST(n.last_at, COALESCE(MAX(s.session_end), n.last_at)) AS last_at
        FROM (
            SELECT l.user_id, MIN(l."timestamp") AS first_at, MAX(l."timestamp") AS last_at
            FROM http_log AS l
            JOIN load_batch AS b ON b.load_id = l.load_id
            WHERE NOT b.refreshed AND l.user_id IS NOT NULL AND l."timestamp" IS NOT NULL
            GROUP BY l.user_id
        ) AS n
        LEFT JOIN sessions AS s
            ON s.user_id = n.user_id
           AND DATEDIFF(microsecond, s.session_end, n.first_at) < gap
           AND DATEDIFF(microsecond, n.last_at, s.session_start) < gap
        GROUP BY n.user_id, n.first_at, n.last_at;
        SELECT COUNT(*) INTO users FROM session_touched;
        IF users > 0 THEN
            DELETE FROM sessions
            USING session_touched
            WHERE sessions.user_id = session_touched.user_id
              AND sessions.session_start
                  BETWEEN session_touched.first_at AND session_touched.last_at;
            INSERT INTO sessions SELECT * FROM session_report;
            DELETE FROM session_touched;
        END IF;
    END IF;
    UPDATE load_batch SET refreshed = TRUE WHERE NOT refreshed;
END;
$$ LANGUAGE plpgsql;
