-- test/sql/forget.sql
-- forget_before drops rows and keeps their events; forget_user keeps nothing.
\getenv root CLICKSTREAM_ROOT
\set live :root '/test/support/live.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_forget;
SET search_path = use_forget, public, pg_temp;
\set ECHO none
\i :live
\set ECHO all
\set VERBOSITY terse

-- the report stays the same, from states and from the log, also in sessions over the bound
SELECT load('SELECT * FROM requests(1, 300)') + load('SELECT * FROM requests(2, 200)');
INSERT INTO http_log SELECT * FROM requests(3, 100);
SELECT load($$SELECT timestamptz '2024-03-01 23:59', 'GET', '/campaigns/1', 'over'$$)
     + load($$SELECT timestamptz '2024-03-02 00:01', 'POST', '/rewards/1', 'over'$$)
     + load($$SELECT timestamptz '2024-02-01', 'GET', '/campaigns/1', 'gone'$$)
     + load($$SELECT timestamptz '2024-02-01', 'GET', '/campaigns/1', NULL$$);
CREATE TABLE before AS SELECT * FROM session_report();
CREATE VIEW change AS
    SELECT * FROM ((TABLE before EXCEPT ALL SELECT * FROM session_report())
                   UNION ALL (SELECT * FROM session_report() EXCEPT ALL TABLE before)) AS c;
SELECT count(*) FILTER (WHERE "timestamp" < '2024-03-02') AS old, count(*) FILTER (WHERE "timestamp" IS NULL) AS timeless
FROM http_log;
SELECT forget_before('2024-03-02');
SELECT count(*) FILTER (WHERE "timestamp" < '2024-03-02') AS old, count(*) FILTER (WHERE "timestamp" IS NULL) AS timeless
FROM http_log;
SELECT current_setting('clickstream.load', true) AS setting;
TABLE verdict;
TABLE change;
SELECT * FROM way('SELECT * FROM session_report()');
INSERT INTO session_mark (user_id) VALUES (NULL);
SELECT * FROM way('SELECT * FROM session_report()');
TABLE change;
SELECT session_start, session_end, reward_driven_by_campaign_view FROM session_report() WHERE user_id = 'over';
SELECT session_start, campaigns FROM session_report(gap => '1 min', frame => 'overlap') WHERE user_id = 'gone';
SELECT refresh_sessions();
SELECT refresh_sessions(true);
TABLE change;
SELECT load_id, rows_loaded, rows_forgotten FROM load_batch WHERE rows_forgotten > 0 ORDER BY load_id;
-- again: nothing, the next piece, everything
SELECT forget_before('2024-03-02');
SELECT forget_before('-infinity');
SELECT forget_before('2024-03-03') > 50 AS dropped;
TABLE verdict;
TABLE change;
SELECT load('SELECT * FROM requests(4, 100)');
INSERT INTO http_log VALUES ('2024-02-02', 'GET', '/campaigns/2', 'gone'), ('2024-02-02', 'GET', '/campaigns/2', 'new');
UPDATE http_log SET http_path = '/campaigns/3' WHERE user_id = 'user 1';
DROP TABLE before CASCADE;
CREATE TABLE before AS SELECT * FROM session_report();
CREATE VIEW change AS
    SELECT * FROM ((TABLE before EXCEPT ALL SELECT * FROM session_report())
                   UNION ALL (SELECT * FROM session_report() EXCEPT ALL TABLE before)) AS c;
SELECT forget_before('infinity') > 100 AS dropped;
SELECT count(*) AS rest FROM http_log WHERE "timestamp" IS NOT NULL;
TABLE verdict;
TABLE change;
SELECT count(*) > 20 AS all_based, count(*) FILTER (WHERE base = state) = count(*) AS equal FROM session_state;
-- a late row joins what is in base; deleting it leaves base alone; TRUNCATE, too
SELECT load($$SELECT timestamptz '2024-02-02 00:04', 'POST', '/rewards/2', 'new'$$);
SELECT refresh_sessions();
SELECT session_start, session_end, reward_driven_by_campaign_view FROM session_report() WHERE user_id = 'new';
DELETE FROM http_log WHERE user_id = 'new';
SELECT refresh_sessions();
TABLE change;
TRUNCATE http_log;
TABLE change;
SELECT refresh_sessions();
TABLE change;
TABLE verdict;
SELECT forget_before(NULL); \echo ERROR :SQLSTATE
-- the setting of the transaction is put back
BEGIN;
SET LOCAL clickstream.load = 'mine';
SELECT forget_before('-infinity'), current_setting('clickstream.load');
SELECT current_setting('clickstream.load');
SELECT forget_user('nobody');
SELECT current_setting('clickstream.load');
ROLLBACK;

-- forget_user: log, state, base, marks, interactions, rejects
SELECT load('SELECT * FROM requests(5, 300)');
SELECT forget_before('2024-03-02') > 10 AS dropped;
UPDATE http_log SET http_path = '/' WHERE user_id IN ('user 1', 'user 2');
INSERT INTO interaction VALUES ('user 1', 1, 1, NULL), ('user 12', 1, 1, NULL);
CREATE TABLE others AS SELECT * FROM session_report() WHERE user_id <> 'user 1';
SELECT forget_user('user 1') = (SELECT count(*) FROM http_log WHERE user_id = 'user 1') AS rows_told;
SELECT (SELECT count(*) FROM http_log WHERE user_id = 'user 1') AS log,
       (SELECT count(*) FROM session_state WHERE user_id = 'user 1') AS states,
       (SELECT count(*) FROM session_mark WHERE user_id = 'user 1') AS marks,
       (SELECT array_agg(user_id) FROM interaction) AS interactions;
SELECT DISTINCT user_id FROM session_mark;
TABLE verdict;
SELECT refresh_sessions();
TABLE verdict;
(TABLE others EXCEPT ALL SELECT * FROM session_report()) UNION ALL (SELECT * FROM session_report() EXCEPT ALL TABLE others);
-- in a batch that is not refreshed yet; without one; twice
SELECT load('SELECT * FROM requests(6, 100)');
SELECT forget_user('user 2') > 0 AS erased;
SELECT refresh_sessions() > 10 AS many;
TABLE verdict;
SELECT user_id FROM session_report() WHERE user_id IN ('user 1', 'user 2') GROUP BY 1;
SELECT forget_user('user 2'), forget_user('never seen'), forget_user('');
TABLE verdict;
SELECT forget_user(NULL); \echo ERROR :SQLSTATE

-- rejects: the field of an Avro record, or a whole field of a line of CSV
CREATE TABLE reject (n int, avro boolean, user_id text, hit boolean, record_text text);
INSERT INTO reject VALUES
    (1, true, '1', true, '{"timestamp":"x","user_id":"1"}'),
    (2, true, '1', false, '{"timestamp":"1","http_path":"/1","user_id":"12"}'),
    (3, true, '1', true, '{"USER_ID":1}'),
    (4, true, '1', false, '{"user_id":null,"x":"1"}'),
    (5, true, 'été "x"', true, '{"user_id":"\u00e9t\u00e9 \"x\""}'),
    (6, true, '1', true, '{"http_path":"/\u0000","user_id":"1"}'),
    (7, true, '1', false, 'not JSON 1'),
    (8, true, '1', false, '["user_id", "1"]'),
    (9, false, '1', true, '2024,GET,/,1'),
    (10, false, '1', false, '2024,GET,/,12'),
    (11, false, '1', false, '2024,GET,/1,21'),
    (12, false, '1', false, '2024,"a,1,b",/,2'),
    (13, false, '1', true, '2024,"a,""1"",b",/,"1"'),
    (14, false, 'a,b', true, '2024,GET,/,"a,b"'),
    (15, false, 'a,b', false, '2024,GET,a,b'),
    (16, false, '"q"', true, '2024,GET,/,"""q"""'),
    (17, false, '1', true, E'2024,GET,/,1\r'),
    (18, false, '1', true, '1'),
    (19, false, '1', true, '"1",2'),
    (20, false, '1', true, '2024,GET,/,"1'),
    (21, false, 'x', false, '{"user_id":"y"}'),
    (22, false, '1', false, ''),
    (23, false, 'a b', true, E'2024,"two\nlines",a b'),
    (24, false, '.*', false, 'x,y'),
    (25, false, '', false, '2024,GET,/,'),
    (27, false, '', false, ',GET,/,2'),
    (28, false, '', true, '2024,GET,/,""'),
    (29, false, '1', false, NULL),
    (26, true, '1', false, NULL);
SELECT n, avro, record_text, user_id FROM reject WHERE reject_names_user(record_text, avro, user_id) IS DISTINCT FROM hit ORDER BY n;
INSERT INTO load_reject (load_id, block, reason, record_text)
SELECT (SELECT min(load_id) FROM load_batch), CASE WHEN avro THEN 0 END, n, record_text FROM reject;
SELECT forget_user('1');
SELECT count(*) = (SELECT count(*) FROM reject) - (SELECT count(*) FROM reject WHERE user_id = '1' AND hit) AS those
FROM load_reject;
DROP SCHEMA use_forget CASCADE;
