-- test/sql/avro_prune.sql
-- Files left out by their path or their range of times, rows skipped, and what EXPLAIN says.
\set name avro_prune
\getenv root CLICKSTREAM_ROOT
\set support :root '/test/support/avro_scan.sql'
CREATE SCHEMA avro_prune;
SET search_path = avro_prune, public;
\set ECHO none
\i :support
\set ECHO all
SET max_parallel_workers_per_gather = 0;

-- directories "name=value": decoded, NULL, and stronger than a field of the same name
SELECT make_table('id bigint, day date, code int, region text, _filename text', '/hive');
SELECT id, day, code, region, plain(_filename) FROM t ORDER BY id;
SELECT plan('SELECT * FROM t WHERE day = ''2024-03-09''', 'COSTS OFF');
SELECT plan('SELECT id FROM t WHERE day = ''2024-03-09''');
SELECT plan('SELECT id FROM t WHERE code IS NULL OR region = ''Süd'' AND day > ''2024-03-09''');
SELECT plan('SELECT id FROM t WHERE _filename LIKE ''%day=2024-03-1%'' AND id > 3');
SELECT plan('SELECT id FROM t WHERE day = (SELECT max(x) FROM (VALUES (date ''2024-03-10'')) AS v (x))');
SELECT plan('SELECT id FROM t WHERE day < now() - interval ''1 day'' AND code > random() * 0');
SELECT plan('SELECT id FROM t WHERE day = ''2000-01-01''');
SELECT d, (SELECT sum(id) FROM t WHERE day = d) FROM generate_series(date '2024-03-09', '2024-03-12', interval '1 day') AS d;
SELECT plan('SELECT d, (SELECT sum(id) FROM t WHERE day = d) FROM generate_series(date ''2024-03-09'', ''2024-03-12'', interval ''1 day'') AS d');
-- what a view hides is not told, not even of files
CREATE FUNCTION leak(date) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0001 AS $$BEGIN RAISE WARNING 'seen %', $1; RETURN true; END$$;
CREATE VIEW hidden WITH (security_barrier) AS SELECT * FROM t WHERE id = 3;
SELECT id FROM hidden WHERE leak(day);
SELECT count(*) FROM plan('SELECT id FROM hidden WHERE day = ''2024-03-09''') AS line WHERE line ~ 'Files Pruned by Path: 2';
SELECT make_table('id bigint, day int', '/hive');
SELECT failure('SELECT * FROM t');
-- a glob over directories
SELECT make_table('id bigint, day text, code text', '/hive/*=2024-03-0[89]');
SELECT * FROM t WHERE day > '' ORDER BY id;
-- files without the directory have the field, its default, or NULL; a filter is tried on each row of these
SELECT make_table('id bigint, day text, code int', '/scan/mixed');
SELECT * FROM t ORDER BY id;
SELECT plan('SELECT id FROM t WHERE day = ''2024-03-11''');
SELECT id FROM t WHERE day >= '2024-03-10' AND code IS NULL ORDER BY id;
SELECT id FROM t WHERE code = 7 OR day = '2024-03-10' ORDER BY id;

-- a join that prunes by the other side; not where files say nothing of their times
CREATE TABLE days (day text, at timestamptz);
INSERT INTO days VALUES ('2024-03-10', '2024-03-10 03:00+00'), ('none', '2024-03-10 12:00+00');
ANALYZE days;
SELECT line FROM plan('SELECT id FROM days JOIN t USING (day)') AS line WHERE line ~ 'Loop|Join|Files|Blocks|Skipped';
SELECT id FROM days JOIN t USING (day) ORDER BY id;
SELECT make_table('"timestamp" timestamptz, hour int', '/scan/times/[abc]*');
SELECT line FROM plan('SELECT hour FROM days JOIN t ON "timestamp" = at') AS line WHERE line ~ 'Loop|Join|Files|Blocks|Skipped';
SELECT line FROM plan('SELECT day, hour FROM days JOIN t ON "timestamp" BETWEEN at - interval ''3 h'' AND at') AS line WHERE line ~ 'Loop|Join|Files|Blocks|Skipped';
SELECT day, hour FROM days JOIN t ON "timestamp" BETWEEN at - interval '3 h' AND at ORDER BY hour;
SELECT make_table('"timestamp" timestamptz, hour int', '/scan/times/[abd]*');
SELECT line FROM plan('SELECT hour FROM days JOIN t ON "timestamp" = at', 'COSTS OFF') AS line WHERE line ~ 'Loop|Join|Files|Blocks|Skipped';
SELECT hour FROM days JOIN t ON "timestamp" = at;

-- times: by the range in the metadata, in the file's unit; absent or wrong ranges prune nothing
SELECT make_table('"timestamp" timestamptz, hour int, _filename text', '/scan/times');
SELECT "timestamp", hour, substr(_filename, length(_filename) - 12) AS file FROM t ORDER BY hour, file;
SELECT plan('SELECT hour FROM t WHERE "timestamp" < ''2024-03-10 05:00+00''');
SELECT plan('SELECT hour FROM t WHERE "timestamp" <= ''2024-03-10 06:00+00'' AND hour > 3');
SELECT plan('SELECT hour FROM t WHERE "timestamp" > ''2024-03-10 17:00+00''');
SELECT plan('SELECT hour FROM t WHERE timestamptz ''2024-03-10 17:00+00'' <= "timestamp"');
SELECT plan('SELECT hour FROM t WHERE "timestamp" = ''2024-03-10 11:00+00''');
SELECT plan('SELECT hour FROM t WHERE "timestamp" BETWEEN date ''2024-03-11'' AND timestamp ''2024-03-12 12:00''');
SELECT plan('SELECT hour FROM t WHERE "timestamp" > NULL');
SELECT plan('SELECT hour FROM t WHERE "timestamp" <> ''2024-03-10 11:00+00'' OR hour = 3');
SELECT plan('SELECT hour FROM t WHERE "timestamp" > (SELECT timestamptz ''2024-03-10 12:00+00'') AND "timestamp" > now() - interval ''100 years''');
PREPARE between_hours (timestamptz, timestamptz) AS SELECT count(*), min(hour), max(hour) FROM t WHERE "timestamp" BETWEEN $1 AND $2;
SET plan_cache_mode = force_generic_plan;
SELECT plan('EXECUTE between_hours (''2024-03-10 00:00+00'', ''2024-03-10 03:00+00'')');
EXECUTE between_hours ('2024-03-10 00:00+00', '2024-03-10 03:00+00');
EXECUTE between_hours ('2024-03-10 11:00+00', '2024-03-10 17:00+00');
RESET plan_cache_mode;
SELECT h, (SELECT count(*) FROM t WHERE "timestamp" = timestamptz '2024-03-10 00:00+00' + h * interval '1 h') FROM generate_series(0, 12, 3) AS h;
-- another column, and another type, have no range
SELECT make_table('x timestamptz OPTIONS (field ''timestamp''), hour int', '/scan/times/a-millis.avro');
SELECT plan('SELECT hour FROM t WHERE x > ''2024-03-10 06:00+00''');
SELECT make_table('"timestamp" text, hour int', '/scan/times/a-millis.avro');
SELECT plan('SELECT hour FROM t WHERE "timestamp" > ''2024-03-10T06:00''');

-- rows that a filter refuses are not decoded; clause by clause
SELECT make_table('id bigint, text text, n bigint', '/scan/blocks.avro');
SELECT plan('SELECT text FROM t WHERE n > 990 AND id < 996');
SELECT text FROM t WHERE n > 990 AND id < 996;
SELECT plan('SELECT n FROM t WHERE id = 4', 'ANALYZE, FORMAT JSON, COSTS OFF, TIMING OFF, SUMMARY OFF') ~
    '"Files": 1,\s+"Files Pruned by Path": 0,\s+"Files Pruned by Time": 0,\s+"Columns Decoded": \["id", "n"\],\s+"Blocks Read": 100,\s+"Bytes Read": \d+,\s+"Rows Skipped Before Decoding": 999' AS json;

\set VERBOSITY terse
DROP SCHEMA avro_prune CASCADE;
DROP SERVER avro_prune;
