-- test/sql/session_state.sql
-- Stored states: refreshed once for each batch, and used by the report while they are fresh.
\getenv root CLICKSTREAM_ROOT
\set live :root '/test/support/live.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_state;
SET search_path = use_state, public, pg_temp;
\set ECHO none
\i :live
\set ECHO all

-- every function: volatility, parallel, pinned path, definer; all have a comment
SELECT p.proname, p.provolatile, p.proparallel, p.prosecdef,
       coalesce(p.prosqlbody IS NOT NULL OR p.proconfig::text ~ 'search_path="?use_state', false) AS pinned,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented
FROM pg_proc AS p
WHERE p.pronamespace = 'use_state'::regnamespace AND p.proname ~ '^(session|refresh|forget|reject)'
ORDER BY p.proname COLLATE "C";

-- states that were never built are not fresh; then they are
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;
SELECT load('SELECT * FROM requests(1, 300)');
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;
-- nothing to do
SELECT refresh_sessions();

-- loads in batches, several to a refresh, late rows, new users, a batch without rows or without times
SELECT load('SELECT * FROM requests(2, 100)') + load('SELECT * FROM requests(3, 50, 30)')
     + load('SELECT * FROM requests(4, 0)');
SELECT refresh_sessions() > 20 AS many;
TABLE verdict;
SELECT load($$SELECT timestamptz '2020-01-01', 'GET', '/campaigns/1', 'user 1'$$);
SELECT load($$SELECT NULL::timestamptz, 'GET', '/campaigns/1', 'timeless'$$);
SELECT refresh_sessions();
TABLE verdict;
SELECT load($$SELECT timestamptz '2024-01-01', 'GET', '/', 'timeless'$$);
SELECT refresh_sessions();
TABLE verdict;

-- only the rows of new batches were looked at: pages behind the start, if all rows are there
CREATE TABLE big AS SELECT * FROM requests(5, 20000, 500);
SELECT load('SELECT * FROM big');
SELECT refresh_sessions() > 400 AS many;
SELECT load('SELECT * FROM requests(6, 20)');
SELECT regexp_replace(session_rows_behind(array_agg(start_pages)), '\d\d+', 'N') FROM load_batch WHERE NOT refreshed;
SELECT refresh_sessions();
TABLE verdict;
-- a table that was rewritten, rows that found room further ahead, a start that is unknown
SELECT load('SELECT * FROM requests(7, 30)');
CREATE INDEX by_time ON http_log ("timestamp");
CLUSTER http_log USING by_time;
DROP INDEX by_time;
SELECT refresh_sessions() > 10 AS some;
TABLE verdict;
SELECT load('SELECT * FROM requests(8, 30)');
UPDATE load_batch SET start_pages = jsonb_build_object('http_log'::regclass::oid, 1000000) WHERE NOT refreshed;
SELECT refresh_sessions() > 10 AS some;
SELECT load('SELECT * FROM requests(9, 30)') + load('SELECT * FROM requests(10, 30)');
UPDATE load_batch SET start_pages = NULL WHERE load_id = (SELECT max(load_id) FROM load_batch);
SELECT refresh_sessions() > 10 AS some;
SELECT load('SELECT * FROM requests(11, 30)');
UPDATE load_batch SET start_pages = '{}' WHERE load_id = (SELECT max(load_id) FROM load_batch);
SELECT refresh_sessions() > 10 AS some;
TABLE verdict;

-- room that was made further ahead, with an index for that
DELETE FROM http_log WHERE user_id < 'user 2';
SELECT refresh_sessions() > 100 AS many;
VACUUM http_log;
CREATE INDEX ON http_log USING brin (load_id) WITH (pages_per_range = 4, autosummarize = on);
SELECT load('SELECT * FROM requests(14, 30)');
SELECT refresh_sessions() > 10 AS some;
SHOW enable_seqscan;
TABLE verdict;
DROP INDEX http_log_load_id_idx;

-- loads of other tables concern nobody; one whose table is gone or renamed might
CREATE TABLE other (LIKE http_log);
SELECT load('SELECT * FROM requests(12, 30)', 'other');
TABLE verdict;
SELECT * FROM way('SELECT * FROM session_report()');
ALTER TABLE other RENAME TO another;
SELECT session_states_fresh();
SELECT refresh_sessions();
TABLE verdict;

-- EXPLAIN says which way; the other branch is not executed, whatever the arguments
SELECT plan FROM plan('SELECT * FROM session_report()') AS plan WHERE plan ~ 'One-Time';
SELECT * FROM way('SELECT * FROM session_report()');
SELECT * FROM way($$SELECT * FROM session_report('2024-03-02', '2024-03-03', '1 hour', 'overlap')$$);
SELECT * FROM way($$SELECT * FROM session_report() WHERE user_id = 'user 1'$$);
SELECT bool_or(plan ~ 'Index Cond: \(user_id') AS by_index, bool_or(plan ~ 'Filter: .*\(user_id = ''user 1') AS log_filtered
FROM plan($$SELECT * FROM session_report() WHERE user_id = 'user 1'$$) AS plan;
BEGIN;
SELECT load('SELECT * FROM requests(13, 20)');
SELECT * FROM way('SELECT * FROM session_report()');
ROLLBACK;
SELECT * FROM way('SELECT * FROM session_report()');
-- in a transaction that may only read, as on a standby
BEGIN READ ONLY;
SELECT * FROM way('SELECT * FROM session_report()');
ROLLBACK;

-- states and log give the same under any gap and frame
CREATE TABLE question AS
    SELECT row_number() OVER () AS n, since, until, gap, frame
    FROM (VALUES (timestamptz '-infinity', timestamptz 'infinity'), ('2024-03-01 12:00', '2024-03-02 12:00'),
                 ('2024-03-02 12:00', 'infinity'), ('2024-03-02', '2024-03-02')) AS t (since, until),
         (VALUES (interval '5 min'), ('1 us'), ('100 s'), ('1 day'), ('365 days')) AS g (gap),
         (VALUES ('start'), ('overlap')) AS f (frame);
CREATE TABLE answer AS
    SELECT 'states' AS way, n, r.* FROM question AS q, session_report(since, until, gap, frame) AS r;
SELECT session_states_fresh();
INSERT INTO session_mark (user_id) VALUES (NULL);
SELECT session_states_fresh();
INSERT INTO answer SELECT 'log' AS way, n, r.* FROM question AS q, session_report(since, until, gap, frame) AS r;
SELECT count(*) > 10000 AS enough, count(DISTINCT n) FROM answer;
SELECT s, l FROM (SELECT a AS s FROM answer AS a WHERE way = 'states') AS s
    FULL JOIN (SELECT a AS l FROM answer AS a WHERE way = 'log') AS l ON to_jsonb(s.s) - 'way' = to_jsonb(l.l) - 'way'
WHERE s IS NULL OR l IS NULL;

-- a rebuild repairs what it finds, and only that
SELECT refresh_sessions();
UPDATE session_state SET state = sessionize_from FROM (SELECT sessionize(timestamptz '2024-01-01') AS sessionize_from) AS x
WHERE user_id IN ('user 1', 'user 2');
DELETE FROM session_state WHERE user_id = 'user 3';
INSERT INTO session_state SELECT 'nobody', sessionize(timestamptz '2024-01-01');
SELECT refresh_sessions();
SELECT states_behind FROM verdict;
SELECT refresh_sessions(rebuild => true);
TABLE verdict;
SELECT refreshed_at IS NOT NULL AS said FROM session_refresh;

-- the files again: states and marks stay
DELETE FROM http_log WHERE user_id = 'user 5';
\set ECHO none
\i :objects
\set ECHO all
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;

DROP SCHEMA use_state CASCADE;
