-- test/sql/avro_scan.sql
-- Avro tables as the rest of SQL sees them: binding, file columns, generations, rescans, cursors.
\set name avro_scan
\getenv root CLICKSTREAM_ROOT
\set support :root '/test/support/avro_scan.sql'
CREATE SCHEMA avro_scan;
SET search_path = avro_scan, public;
\set ECHO none
\i :support
\set ECHO all

-- columns bind by name, exactly or but for case, in any order, to any part of the record; or by option
SELECT make_table('"A_LONG" bigint, an_int int, text text OPTIONS (field ''a_string''), again text OPTIONS (field ''a_string'')', '/types.avro');
SELECT * FROM t;
SELECT text, again FROM t WHERE again <> '' AND text > 'r';
SELECT make_table('a_lnog bigint', '/types.avro');
SELECT failure('SELECT * FROM t');
SELECT count(*) FROM t;
SELECT make_table('x text OPTIONS (field ''A_string'')', '/types.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('', '/types.avro');
SELECT FROM t;
SELECT make_table('value bigint', '/long.avro');
SELECT * FROM t;

-- file columns, unless the file has a field of that name
SELECT make_table('id bigint, _row bigint, _filename text, _block bigint', '/codecs/null.avro');
SELECT count(*), count(DISTINCT _row), min(_row), max(_row), bool_and(_row = id + 1), min(_block), max(plain(_filename)) FROM t;
SELECT make_table('_row int, _block bigint', '/names/reserved.avro');
SELECT * FROM t;
SELECT make_table('_row text', '/codecs/null.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('id bigint, _block int', '/codecs/null.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('id bigint, _filename varchar(9)', '/codecs/null.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('_block int OPTIONS (field ''block'')', '/codecs/null.avro');
SELECT failure('SELECT * FROM t');

-- a sync marker inside data means nothing; blocks and rows are numbered
SELECT make_table('id bigint, text text, n bigint, body bytea, _block bigint, _row bigint', '/scan/blocks.avro');
SELECT count(*), sum(id), sum(n), sum(length(text)), sum(length(body)), bool_and(_row = id), bool_and(_block = (id - 1) / 10) FROM t;
SELECT count(*) FROM t;

-- generations of a schema: by the union of all files, or by a reader's schema
SELECT make_table('id bigint, buyer text, status text, note text', '/generations');
SELECT * FROM t ORDER BY id;
SELECT make_table('id bigint, customer text, level text', '/generations/[12].avro',
    'schema ''{"type": "record", "name": "Order", "fields": [{"name": "customer", "type": "string"}, {"name": "id", "type": "double"},
        {"name": "level", "type": "string", "default": "gold"}]}''');
SELECT failure('SELECT * FROM t');
ALTER FOREIGN TABLE t ALTER id TYPE float8;
SELECT * FROM t ORDER BY id;
SELECT make_table('id bigint, missing text', '/generations/[12].avro',
    'schema ''{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}, {"name": "missing", "type": "string"}]}''');
SELECT failure('SELECT * FROM t');
SELECT make_table('id bigint', '/misfit');
SELECT failure('SELECT * FROM t');
SELECT make_table('id bigint', '/nothing');
SELECT count(*), sum(id) FROM t;
SELECT make_table('id bigint', '/nothing/*.avro');
SELECT failure('SELECT * FROM t');

-- whole rows, system columns, joins, rescans, aggregates over each file, LIMIT
SELECT make_table('id bigint, text text, n bigint', '/scan/blocks.avro');
SELECT t, t.tableoid::regclass FROM t WHERE id = 7;
SELECT count(*) FROM t AS a JOIN t AS b USING (id) WHERE a.n IS NOT NULL;
SELECT i, (SELECT sum(id) FROM t WHERE id <= i) FROM generate_series(1, 1000, 400) AS i;
SELECT i, x.id FROM generate_series(5, 6) AS i, LATERAL (SELECT id FROM t WHERE id > i LIMIT 2) AS x;
SELECT id FROM t LIMIT 3 OFFSET 500;
SELECT count(*) FROM t WHERE id IN (SELECT n FROM t) AND text LIKE 'item%';
SELECT id, text FROM t WHERE id < 4 FOR UPDATE;
-- subplans in a filter
SELECT count(*) FROM t WHERE id > (SELECT avg(id) FROM t) AND EXISTS (SELECT FROM t AS u WHERE u.id = t.id + 1);
SELECT count(*) FROM t WHERE id = ANY (ARRAY(SELECT n FROM t WHERE id < 3)) OR NOT EXISTS (SELECT FROM t AS u WHERE u.n = t.id);

-- a partition, with its columns in another order
CREATE TABLE parts (n bigint, id bigint, text text) PARTITION BY RANGE (id);
CREATE TABLE part_plain PARTITION OF parts FOR VALUES FROM (1001) TO (2000);
INSERT INTO parts VALUES (NULL, 1500, 'plain');
ALTER TABLE parts ATTACH PARTITION t FOR VALUES FROM (1) TO (1001);
SELECT count(*), sum(id), count(n), max(text) FROM parts;
SELECT count(*) FROM parts;
SET enable_partitionwise_aggregate = on;
SELECT count(*), sum(id) FROM parts;
SELECT * FROM parts WHERE id IN (7, 1500) ORDER BY id;
RESET enable_partitionwise_aggregate;
ALTER TABLE parts DETACH PARTITION t;

-- cursors, prepared statements, exceptions inside a block
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t;
FETCH 2 FROM c;
SAVEPOINT s;
SELECT sum(1 / (id - 500)) FROM t;
ROLLBACK TO s;
FETCH 2 FROM c;
COMMIT;
PREPARE p (bigint) AS SELECT id, text FROM t WHERE id = $1;
SET plan_cache_mode = force_generic_plan;
EXECUTE p (4);
EXECUTE p (5);
RESET plan_cache_mode;
DO $$
DECLARE r record; caught int := 0;
BEGIN
    FOR i IN 1 .. 20 LOOP
        BEGIN
            FOR r IN SELECT 1 / (id - 33) FROM t LOOP END LOOP;
        EXCEPTION WHEN division_by_zero THEN caught := caught + 1;
        END;
    END LOOP;
    RAISE WARNING 'caught %', caught;
END $$;
SELECT failure('UPDATE t SET id = 1');
SELECT failure('DELETE FROM t');

\set VERBOSITY terse
DROP SCHEMA avro_scan CASCADE;
DROP SERVER avro_scan;
