-- sql/bigquery/load.sql
--     What loads a file of the log: CALL clickstream.load_log('gs://bucket/log.avro').
--     Needs tables.sql.

-- LOAD DATA is no part of a transaction: it fills a temporary table, and the transaction
-- goes on from there. Without enable_logical_types the times would be numbers.
--
-- INSERTs do not meet each other, UPDATEs of one row do: so of two loads at once, one
-- is broken off before it has done anything, and is to be called again.
CREATE OR REPLACE PROCEDURE clickstream.load_log(file STRING)
OPTIONS (strict_mode = FALSE) -- the temporary table is not there yet
BEGIN
    EXECUTE IMMEDIATE FORMAT("""
        LOAD DATA OVERWRITE TEMP TABLE http_log_stage (
            timestamp TIMESTAMP, http_method STRING, http_path STRING, user_id STRING)
        FROM FILES (format = 'AVRO', uris = [%T], enable_logical_types = TRUE)""", file);
    BEGIN TRANSACTION;
    UPDATE clickstream.report_setting SET gap_microseconds = gap_microseconds WHERE TRUE;
    IF EXISTS (SELECT 1 FROM clickstream.load_batch AS b WHERE b.file_name = file) THEN
        RAISE USING MESSAGE = FORMAT('"%s" was loaded before', file);
    END IF;
    INSERT INTO clickstream.load_batch
        (load_id, file_name, rows_loaded, first_at, last_at, loaded_at, refreshed)
    SELECT (SELECT COALESCE(MAX(b.load_id), 0) + 1 FROM clickstream.load_batch AS b),
           file, COUNT(*), MIN(s.timestamp), MAX(s.timestamp), CURRENT_TIMESTAMP(), FALSE
    FROM http_log_stage AS s;
    INSERT INTO clickstream.http_log (timestamp, http_method, http_path, user_id, load_id)
    SELECT s.timestamp, s.http_method, s.http_path, s.user_id, b.load_id
    FROM http_log_stage AS s
    CROSS JOIN clickstream.load_batch AS b
    WHERE b.file_name = file;
    COMMIT TRANSACTION;
END;
