-- test/sql/session_mark.sql
-- Marks: rows that are inserted, updated or deleted by hand are in the report at once.
\getenv root CLICKSTREAM_ROOT
\set live :root '/test/support/live.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_mark;
SET search_path = use_mark, public, pg_temp;
\set ECHO none
\i :live
\set ECHO all
SELECT tgname, pg_get_triggerdef(oid) ~ 'old_rows' AS old_rows, obj_description(oid, 'pg_trigger') IS NOT NULL AS commented
FROM pg_trigger WHERE tgrelid = 'http_log'::regclass ORDER BY 1;
SELECT load('SELECT * FROM requests(1, 300)');
SELECT refresh_sessions();

-- INSERT, COPY and TRUNCATE mark everyone
INSERT INTO http_log SELECT * FROM requests(2, 50);
SELECT user_id FROM session_mark;
TABLE verdict;
COPY http_log ("timestamp", user_id) FROM STDIN (DELIMITER ',');
2024-03-01 08:00+00,copied
\.
SELECT user_id FROM session_mark;
TABLE verdict;
SELECT refresh_sessions() > 15 AS many;
TABLE verdict;
BEGIN;
TRUNCATE http_log;
SELECT user_id FROM session_mark;
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;
SELECT count(*) FROM session_report();
ROLLBACK;
TABLE verdict;

-- UPDATE and DELETE mark the users they touch, old and new; rows without a user concern nobody
UPDATE http_log SET user_id = 'renamed' WHERE user_id = 'user 3';
UPDATE http_log SET http_path = '/campaigns/4' WHERE user_id IN ('user 4', 'user 5') OR user_id IS NULL;
DELETE FROM http_log WHERE user_id IN ('user 6', 'user 7') OR "timestamp" IS NULL;
SELECT DISTINCT user_id COLLATE "C" FROM session_mark WHERE user_id ~ '[3-7]|renamed' ORDER BY 1;
SELECT bool_and(user_id IS NOT NULL) FROM session_mark;
TABLE verdict;
SELECT refresh_sessions() = count(DISTINCT user_id) AS those FROM session_mark;
TABLE verdict;
SELECT user_id FROM session_state WHERE user_id IN ('user 3', 'user 6', 'user 7', 'renamed');
UPDATE http_log SET user_id = NULL WHERE user_id = 'renamed';
SELECT refresh_sessions();
UPDATE http_log SET user_id = 'renamed' WHERE user_id IS NULL AND http_path <> '/campaigns/4';
SELECT refresh_sessions();
UPDATE http_log SET user_id = user_id WHERE user_id = 'no such user';
DELETE FROM http_log WHERE user_id = 'no such user';
TABLE verdict;

-- a batch and marks at once: marked users are not counted twice
SELECT load('SELECT * FROM requests(3, 200)');
UPDATE http_log SET http_path = '/rewards/1' WHERE user_id IN ('user 1', 'user 2') AND load_id IS NOT NULL;
DELETE FROM http_log WHERE user_id = 'user 4' AND load_id = (SELECT max(load_id) FROM load_batch);
SELECT refresh_sessions() > 10 AS many;
TABLE verdict;
-- and a batch together with a mark of everyone
SELECT load('SELECT * FROM requests(4, 100)');
INSERT INTO http_log SELECT * FROM requests(5, 20);
SELECT refresh_sessions() > 10 AS many;
TABLE verdict;

-- MERGE
MERGE INTO http_log AS l USING (VALUES ('user 1'), ('merged')) AS v (u) ON l.user_id = v.u
WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT ("timestamp", user_id) VALUES ('2024-03-01', v.u);
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;

-- quiet while the setting is set, unless a trigger writes
SET clickstream.load = 'on';
INSERT INTO http_log SELECT NULL, NULL, NULL, NULL;
UPDATE http_log SET http_path = http_path;
DELETE FROM http_log WHERE user_id IS NULL AND "timestamp" IS NULL;
SELECT count(*) FROM session_mark;
CREATE TABLE inbox (t timestamptz, u text);
CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO http_log ("timestamp", user_id) VALUES (NEW.t, NEW.u); RETURN NULL; END$$;
CREATE TRIGGER forward AFTER INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION forward();
INSERT INTO inbox VALUES ('2024-03-01', 'forwarded');
TABLE verdict;
SET clickstream.load = '';
SELECT refresh_sessions();
INSERT INTO http_log VALUES ('2024-03-01', NULL, NULL, 'user 1');
TABLE verdict;
SELECT refresh_sessions();

-- a role that may only insert needs no right to the marks; nor can it make a trigger of the function
CREATE ROLE regress_writer;
GRANT USAGE, CREATE ON SCHEMA use_mark TO regress_writer;
GRANT INSERT ON http_log TO regress_writer;
SET ROLE regress_writer;
INSERT INTO http_log VALUES ('2024-03-01', NULL, NULL, 'user 2');
CREATE TABLE mine (n int);
CREATE TRIGGER t AFTER INSERT ON mine EXECUTE FUNCTION session_mark_all(); -- ERROR
DROP TABLE mine;
SELECT * FROM session_report(); -- ERROR
SELECT refresh_sessions(); -- ERROR
RESET ROLE;
TABLE verdict;
SELECT refresh_sessions();
-- one that may read what the report reads
CREATE ROLE regress_analyst;
GRANT USAGE ON SCHEMA use_mark TO regress_analyst;
GRANT SELECT ON http_log, campaign_reward_mapping, session_state, session_mark, load_batch TO regress_analyst;
SET ROLE regress_analyst;
SELECT count(*) > 100 AS many FROM session_report();
SELECT refresh_sessions(); -- ERROR
SELECT forget_user('user 1'); -- ERROR
SELECT forget_before('infinity'); -- ERROR
RESET ROLE;
-- and one that keeps the states
CREATE ROLE regress_keeper;
GRANT USAGE ON SCHEMA use_mark TO regress_keeper;
GRANT SELECT ON http_log TO regress_keeper;
GRANT SELECT, INSERT, UPDATE, DELETE ON session_state, session_mark, session_refresh, load_batch TO regress_keeper;
INSERT INTO http_log SELECT * FROM requests(6, 20);
SELECT load('SELECT * FROM requests(7, 20)');
SET ROLE regress_keeper;
SELECT refresh_sessions() > 10 AS many;
SELECT refresh_sessions(true);
RESET ROLE;
TABLE verdict;
SELECT load('SELECT * FROM requests(8, 20)');
SET ROLE regress_keeper;
SELECT refresh_sessions() > 10 AS many;
RESET ROLE;
TABLE verdict;
-- row security: the report reads the log, and such a role does not keep states
ALTER TABLE http_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY one ON http_log USING (user_id = 'user 1');
SET ROLE regress_analyst;
SELECT DISTINCT user_id FROM session_report();
SET ROLE regress_keeper;
SELECT refresh_sessions(); -- ERROR
RESET ROLE;
TABLE verdict;
DROP POLICY one ON http_log;
ALTER TABLE http_log DISABLE ROW LEVEL SECURITY;
-- nor is one trusted to see marks, or to erase, that cannot see all rows of the tables
INSERT INTO http_log VALUES ('2024-03-01', 'GET', '/', 'unseen');
ALTER TABLE session_mark ENABLE ROW LEVEL SECURITY;
SET ROLE regress_analyst;
SELECT session_states_fresh(), count(*) FROM session_report() WHERE user_id = 'unseen' GROUP BY 1;
RESET ROLE;
ALTER TABLE session_mark DISABLE ROW LEVEL SECURITY;
ALTER TABLE interaction ENABLE ROW LEVEL SECURITY;
SET ROLE regress_keeper;
SELECT forget_user('unseen'); -- ERROR
RESET ROLE;
ALTER TABLE interaction DISABLE ROW LEVEL SECURITY;
SELECT refresh_sessions() > 0 AS some;

-- a batch that no refresh has seen may go from the ledger, but not unnoticed
SELECT load('SELECT * FROM requests(9, 20)');
DELETE FROM load_batch WHERE NOT refreshed;
TABLE verdict;
SELECT refresh_sessions() > 0 AS some;
TABLE verdict;
DELETE FROM load_batch WHERE load_id = (SELECT min(load_id) FROM load_batch);
TABLE verdict;

-- names of temporary tables mislead nobody
CREATE TEMP TABLE http_log (LIKE use_mark.http_log);
CREATE TEMP TABLE session_state (LIKE use_mark.session_state);
CREATE TEMP TABLE session_mark (mark_id bigint, user_id text);
CREATE TEMP TABLE load_batch (LIKE use_mark.load_batch);
SET search_path = pg_temp, public;
UPDATE use_mark.http_log SET http_path = '/campaigns/1' WHERE user_id = 'user 9';
SELECT count(*) FROM use_mark.session_mark;
SELECT use_mark.refresh_sessions(), use_mark.refresh_sessions(true);
SELECT use_mark.forget_user('user 9') > 0 AS erased, use_mark.forget_before('2024-03-01 12:00') > 0 AS dropped;
SET search_path = use_mark, public, pg_temp;
DROP TABLE pg_temp.http_log, pg_temp.session_state, pg_temp.session_mark, pg_temp.load_batch;
TABLE verdict;

DROP SCHEMA use_mark CASCADE;
DROP ROLE regress_writer, regress_analyst, regress_keeper;
