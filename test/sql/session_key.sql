-- test/sql/session_key.sql
-- A user_id that is too long for the key of session_state: the log takes it, a refresh says which one.
\getenv root CLICKSTREAM_ROOT
\set live :root '/test/support/live.sql'
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_key;
SET search_path = use_key, public, pg_temp;
\set ECHO none
\i :live
\set ECHO all
CREATE FUNCTION noise(bytes int) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT left(string_agg(encode(sha256(i::text::bytea), 'hex'), ''), bytes) FROM generate_series(0, bytes / 64) AS i$$;

-- one that compresses is no trouble
SELECT load($$SELECT timestamptz '2024-01-01', 'GET', '/', u FROM unnest(ARRAY[repeat('long ', 1000), 'user 1']) AS u$$);
SELECT refresh_sessions();
TABLE verdict;

-- by a batch, by everything anew, and before forgetting
SELECT load($$SELECT timestamptz '2024-01-02', 'GET', '/', u FROM unnest(ARRAY['Zoë ' || noise(4000), 'user 2']) AS u$$);
SELECT refresh_sessions();  -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT refresh_sessions(rebuild => true);  -- ERROR
SELECT forget_before('2024-01-02');  -- ERROR
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM http_log;

-- rows changed by hand; longer than any page
UPDATE http_log SET user_id = noise(20000) WHERE user_id ~ '^Zoë ';
SELECT refresh_sessions();  -- ERROR
\echo :LAST_ERROR_SQLSTATE

-- reports from the log stay right, and the hint helps
SELECT count(*), max(octet_length(user_id)) FROM session_report();
DELETE FROM http_log WHERE octet_length(user_id) > 2600;
SELECT refresh_sessions();
TABLE verdict;
SELECT count(*), max(octet_length(user_id)) FROM session_report();

-- what an index of somebody else's cannot hold is not ours to explain
INSERT INTO http_log VALUES ('2024-01-03', 'GET', '/', repeat('long ', 1000)), ('2024-01-03', 'GET', '/', 'user 3');
CREATE INDEX other ON session_state (noise(CASE user_id WHEN 'user 3' THEN 4000 ELSE 1 END));
\set VERBOSITY terse
SELECT refresh_sessions();  -- ERROR
DROP INDEX other;
SELECT refresh_sessions();
TABLE verdict;

DROP SCHEMA use_key CASCADE;
