-- test/sql/session_partition.sql
-- Marks and refreshes where http_log is partitioned.
\getenv root CLICKSTREAM_ROOT
\set live :root '/test/support/live.sql'
\set marks :root '/sql/postgres/session_mark.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_partition;
SET search_path = use_partition, public, pg_temp;
CREATE TABLE http_log ("timestamp" timestamptz, http_method text, http_path text, user_id text, load_id bigint)
    PARTITION BY RANGE ("timestamp");
CREATE TABLE early PARTITION OF http_log FOR VALUES FROM (MINVALUE) TO ('2024-03-02 UTC');
CREATE TABLE late PARTITION OF http_log FOR VALUES FROM ('2024-03-02 UTC') TO (MAXVALUE)
    PARTITION BY LIST (http_method);
CREATE TABLE late_get (load_id bigint, user_id text, dropped int, "timestamp" timestamptz, http_method text, http_path text);
ALTER TABLE late_get DROP dropped;
ALTER TABLE late ATTACH PARTITION late_get FOR VALUES IN ('GET');
CREATE TABLE "late Others" PARTITION OF late DEFAULT;
CREATE TABLE timeless PARTITION OF http_log DEFAULT;
\set ECHO none
\i :live
\set ECHO all
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname ~ '^session_mark' GROUP BY 1 ORDER BY tgrelid::regclass::text COLLATE "C";

-- loads through the root and into a partition
SELECT load('SELECT * FROM requests(1, 300)');
SELECT refresh_sessions();
TABLE verdict;
SELECT load('SELECT * FROM requests(2, 50)');
SELECT load($$SELECT * FROM requests(3, 50) WHERE "timestamp" < '2024-03-02 UTC'$$, 'early') > 10 AS loaded;
TABLE verdict;
SELECT refresh_sessions() > 10 AS many;
TABLE verdict;
SELECT session_is_log('use_partition.http_log') AS root, session_is_log('use_partition."late Others"') AS leaf,
       session_is_log('use_partition.late') AS branch, session_is_log('use_partition.gone') AS gone,
       session_is_log('use_partition.session_mark') AS other;
-- of a large table only the ends are read
CREATE TABLE big AS SELECT * FROM requests(4, 30000, 500);
SELECT load('SELECT * FROM big');
SELECT refresh_sessions() > 400 AS many;
SELECT load('SELECT * FROM requests(5, 20)');
SELECT regexp_count(session_rows_behind(array_agg(start_pages)), 'FROM ONLY') > 1 AS partly FROM load_batch WHERE NOT refreshed;
SELECT refresh_sessions() > 10 AS many;
TABLE verdict;

-- what is written to a partition directly
INSERT INTO early VALUES ('2024-03-01', 'GET', '/campaigns/1', 'direct');
TABLE verdict;
SELECT refresh_sessions();
UPDATE late_get SET user_id = 'changed' WHERE user_id = 'user 1';
DELETE FROM "late Others" WHERE user_id = 'user 2';
SELECT DISTINCT user_id FROM session_mark ORDER BY 1;
SELECT refresh_sessions();
TABLE verdict;
-- rows that move from one to another
UPDATE http_log SET "timestamp" = '2024-03-05' WHERE user_id = 'direct';
SELECT DISTINCT user_id FROM session_mark;
SELECT refresh_sessions();
TRUNCATE early;
TABLE verdict;
SELECT refresh_sessions() > 0 AS some;
TABLE verdict;

-- a partition that is attached is not seen before a rebuild; afterwards the files give it triggers
CREATE TABLE attached (LIKE http_log);
INSERT INTO attached VALUES ('2024-03-05', 'HEAD', '/', 'attached');
ALTER TABLE late ATTACH PARTITION attached FOR VALUES IN ('HEAD');
TABLE verdict;
SELECT refresh_sessions(true);
TABLE verdict;
\set ECHO none
\i :marks
\set ECHO all
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'attached'::regclass;
INSERT INTO attached VALUES ('2024-03-06', 'HEAD', '/', 'attached');
SELECT refresh_sessions();
TABLE verdict;

-- forgetting
CREATE TABLE before AS SELECT * FROM session_report();
SELECT forget_before('2024-03-03') > 1000 AS dropped;
SELECT count(*) > 100 AS rest, min("timestamp") >= '2024-03-03' AS recent FROM http_log;
TABLE verdict;
(TABLE before EXCEPT ALL SELECT * FROM session_report()) UNION ALL (SELECT * FROM session_report() EXCEPT ALL TABLE before);
DROP SCHEMA use_partition CASCADE;
