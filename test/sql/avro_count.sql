-- test/sql/avro_count.sql
-- count(*) from the heads of blocks, estimates, ANALYZE.
\set name avro_count
\getenv root CLICKSTREAM_ROOT
\set support :root '/test/support/avro_scan.sql'
CREATE SCHEMA avro_count;
SET search_path = avro_count, public;
\set ECHO none
\i :support
\set ECHO all

-- a bare count, also inside an expression, a subquery, a prepared statement
SELECT make_table('id bigint, n bigint', '/scan/blocks.avro');
SELECT plan('SELECT count(*) FROM t');
SELECT count(*) FROM t;
SELECT count(*) + 1 AS more, count(*) = 1000 AS same FROM t;
SELECT plan('SELECT count(*) + 1, 7 FROM t', 'COSTS OFF');
SELECT plan('SELECT count(*), generate_series(1, 2) FROM t', 'COSTS OFF');
SELECT (SELECT count(*) FROM t) AS a, i FROM generate_series(1, 2) AS i;
SELECT i, (SELECT count(*) + i FROM t) AS b FROM generate_series(1, 2) AS i;
PREPARE p AS SELECT count(*) FROM t;
EXECUTE p;
SELECT plan('SELECT count(*) FROM t', 'FORMAT JSON, COSTS OFF') ~ '"Count From Block Headers": true' AS json;
CREATE VIEW v AS SELECT count(*) AS n FROM t;
SELECT n FROM v, (VALUES (1), (2)) AS x (i);
SELECT count(*) FROM (SELECT * FROM t UNION ALL SELECT * FROM t) AS u;
-- contents are not looked at, heads are
SELECT make_table('id bigint', '/scan/refused/record.avro');
SELECT count(*) FROM t;
SELECT make_table('id bigint', '/scan/refused/tail.avro');
SELECT failure('SELECT count(*) FROM t');
SELECT make_table('id bigint', '/codecs');
SELECT plan('SELECT count(*) FROM t');
SELECT make_table('id bigint', '/nothing');
SELECT count(*) FROM t;

-- anything else reads the rows
SELECT make_table('id bigint, n bigint', '/scan/blocks.avro');
SELECT plan('SELECT count(*) FROM t WHERE id > 0', 'COSTS OFF');
SELECT plan('SELECT count(n) FROM t', 'COSTS OFF');
SELECT plan('SELECT count(*), max(id) FROM t', 'COSTS OFF');
SELECT plan('SELECT count(*) FILTER (WHERE id > 0) FROM t', 'COSTS OFF');
SELECT plan('SELECT count(*) FROM t GROUP BY n', 'COSTS OFF');
SELECT plan('SELECT count(*) FROM t HAVING count(*) > 0', 'COSTS OFF');
SELECT plan('SELECT count(*) FROM t AS a, t AS b', 'COSTS OFF');
ALTER FOREIGN TABLE t OPTIONS (ADD on_error 'ignore');
SELECT plan('SELECT count(*) FROM t');

-- estimates before ANALYZE, and after it
CREATE FUNCTION estimated(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
SELECT make_table('id bigint, n bigint, text text', '/scan/blocks.avro');
SELECT abs(estimated('SELECT * FROM t') - 1000) < 200 AS rows;
ANALYZE t;
SELECT reltuples, relpages FROM pg_class WHERE relname = 't' AND relnamespace = 'avro_count'::regnamespace;
SELECT attname, null_frac, n_distinct, avg_width FROM pg_stats WHERE tablename = 't' AND schemaname = 'avro_count' ORDER BY attname;
SELECT abs(estimated('SELECT * FROM t WHERE id <= 250') - 250) < 60 AS rows;
SELECT make_table('id bigint, day date, code int, region text', '/hive');
SELECT estimated('SELECT * FROM t'), estimated('SELECT * FROM t WHERE day = ''2024-03-09''');
ANALYZE t (day, code);
SELECT attname, null_frac, n_distinct FROM pg_stats WHERE tablename = 't' AND schemaname = 'avro_count' ORDER BY attname;
SELECT make_table('id bigint', '/scan/refused/head.avro');
SELECT failure('ANALYZE t');
SELECT make_table('id bigint', '/nothing');
ANALYZE t;
-- a sample is as large as asked for, and takes from all files
SELECT make_table('id bigint, _filename text', '/codecs');
ALTER FOREIGN TABLE t ALTER id SET STATISTICS 1, ALTER _filename SET STATISTICS 1;
ANALYZE t;
SELECT n_distinct FROM pg_stats WHERE tablename = 't' AND schemaname = 'avro_count' AND attname = '_filename';

\set VERBOSITY terse
DROP SCHEMA avro_count CASCADE;
DROP SERVER avro_count;
