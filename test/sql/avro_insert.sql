-- test/sql/avro_insert.sql
-- INSERT and COPY into Avro tables: types, schemas, transactions, privileges.
\getenv root CLICKSTREAM_ROOT
\set name avro_insert
\set avro :root '/test/support/avro.sql'
CREATE SCHEMA avro_insert;
SET search_path = avro_insert, public;
\set ECHO none
\i :avro
\set ECHO all
CREATE SERVER avro_insert FOREIGN DATA WRAPPER avro_fdw;
\! mkdir "$AVRO_FILES"/out "$AVRO_FILES"/out/types "$AVRO_FILES"/out/rows
-- Make a foreign table over a directory of its own; with further options.
CREATE FUNCTION create_table(name text, columns text, filename text DEFAULT NULL, options text DEFAULT '') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE FOREIGN TABLE %I (%s) SERVER avro_insert OPTIONS (filename %L %s)', name, columns,
                   current_setting('test.dir') || '/out/' || coalesce(filename, name), options);
END
$$;
-- The files below the directory of a table, temporary ones too, with what differs from run to run left out.
CREATE FUNCTION files(directory text) RETURNS TABLE (file text, rows bigint) LANGUAGE sql AS $$
    SELECT regexp_replace(f, '\d{8}T\d{12}Z-[0-9a-f]{16}', 'NAME'),
           (SELECT a.rows FROM avro_files(path || '/' || f) AS a WHERE f !~ '^\.')
    FROM (SELECT current_setting('test.dir') || '/out/' || directory AS path) AS p, pg_ls_dir(path) AS f ORDER BY 1, 2
$$;

-- every type, by the schema that is made from the columns
SELECT create_table('types', $$yes boolean, small smallint, whole integer NOT NULL, big bigint, single real, "double" double precision,
    amount numeric(6, 2), cents numeric(4, -1), tiny numeric(2, 4), note text, code varchar(9), fixed char(5), raw bytea,
    day date, at time, "timestamp" timestamptz, local timestamp, id uuid, span interval, numbers integer[], words text[],
    prices numeric(4, 1)[], doc jsonb, raw_doc json, address inet, period tstzrange, days date[],
    twice integer GENERATED ALWAYS AS (whole * 2) STORED, seven integer DEFAULT 7, _filename text, _row bigint$$);
INSERT INTO types (yes, small, whole, big, single, "double", amount, cents, tiny, note, code, fixed, raw, day, at, "timestamp",
    local, id, span, numbers, words, prices, doc, raw_doc, address, period, days)
VALUES (true, -3, 4, 2::bigint ^ 62, 0.1, 0.1, -12.3, 450, 0.0012, 'naïve €', 'abc', 'ab', '\x00ff', '2024-02-29', '23:59:59.999999',
    '2024-03-10 12:00:00.123456+02', '2024-03-10 12:00:00', '00112233-4455-6677-8899-aabbccddeeff', '1 mon 2 days 3.004 s',
    '{1,NULL,3}', '{a,"b c",NULL}', '{1.5,-2}', '{"a": [1, null]}', '{"b":1}', '10.0.0.1/8', '[2024-01-01,2024-02-01)', '{2024-01-01}')
    RETURNING whole, twice, seven;
INSERT INTO types (whole) VALUES (0);
SELECT plain(_filename) ~ '^<dir>/out/types/\d{8}T\d{12}Z-[0-9a-f]{16}\.avro$' AS named, _row, whole FROM types ORDER BY whole;
\x
SELECT (jsonb_populate_record(NULL::types, to_jsonb(t) - '_filename')).* FROM types AS t ORDER BY whole DESC;
\x
SELECT avro_schema(filename) = avro_schema(first_value(filename) OVER ()) AS same, codec FROM avro_files(:'dir' || '/out/types');
SELECT f ->> 'name' AS name, f -> 'type' AS type, f -> 'default' AS "default"
FROM avro_files(:'dir' || '/out/types') AS file, jsonb_array_elements(avro_schema(filename) -> 'fields') WITH ORDINALITY AS e (f, n)
WHERE filename = (SELECT min(filename) FROM avro_files(:'dir' || '/out/types')) ORDER BY n;
-- the range of the field "timestamp" stands in the header, for pruning
SELECT key, convert_from(value, 'UTF8') AS value FROM avro_files(:'dir' || '/out/types'), avro_metadata(filename)
WHERE key ~ 'timestamp' ORDER BY key;

-- text that settings would change, or cut
\! mkdir "$AVRO_FILES"/out/texts
CREATE TYPE record_of_ours AS (at point, span interval, day date);
SELECT create_table('texts', 'at point, area box, spans interval[], real float4, round path, many point[], ours record_of_ours');
BEGIN;
SET LOCAL extra_float_digits = -10;
SET LOCAL intervalstyle = sql_standard;
SET LOCAL datestyle = German;
INSERT INTO texts VALUES ('(0.1234567890123456,1)', '(0.1234567890123456,1),(0,0)', '{1 day 2.5 s}', 0.12345678,
    '[(0.1234567890123456,1)]', '{"(0.1234567890123456,1)"}', ('(0.1234567890123456,1)', '1.5 s', '2024-03-10'));
COMMIT;
SELECT * FROM texts;

-- values that do not fit
SELECT failure(format('INSERT INTO types (whole, %I) VALUES (1, %L)', c, v)) FROM (VALUES
    ('amount', 'NaN'), ('timestamp', 'infinity'), ('local', '-infinity'), ('day', 'infinity'), ('at', '24:00'), ('span', '-1 day'),
    ('span', '0.0001 s'), ('numbers', '{{1,2}}'), ('_filename', 'x'), ('_row', '1')) AS v (c, v);
SELECT failure('INSERT INTO types (small) VALUES (1)');
-- tables that no schema can be made for
SELECT create_table('open', 'n numeric', 'rows'), create_table('badname', '"a b" int', 'rows'),
       create_table('named', '"a b" int OPTIONS (field ''a_b''), c int', 'rows'), create_table('same', 'a int, b int OPTIONS (field ''a'')', 'rows');
SELECT failure(format('INSERT INTO %I VALUES (1)', t)) FROM unnest(ARRAY['open', 'badname', 'same']) AS t;
INSERT INTO named VALUES (1, 2);
SELECT * FROM named;
SELECT * FROM files('rows');
\! rm "$AVRO_FILES"/out/rows/*

-- by the option "schema": units, unions, nested values, defaults, enums; codecs
\! mkdir "$AVRO_FILES"/out/given
SELECT create_table('given', 'ts timestamptz, "any" jsonb, tree jsonb, ages jsonb, suit text, lists jsonb, day date, price numeric(9, 2)', NULL, $$,
    codec 'deflate', schema '{"type": "record", "name": "Given", "fields": [
    {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}}, {"name": "any", "type": ["null", "long", "string"]},
    {"name": "tree", "type": ["null", {"type": "record", "name": "T", "fields": [{"name": "v", "type": "int"},
        {"name": "c", "type": {"type": "array", "items": "T"}, "default": []}]}]},
    {"name": "ages", "type": {"type": "map", "values": "int"}, "default": {}},
    {"name": "suit", "type": ["null", {"type": "enum", "name": "S", "symbols": ["SPADES", "HEARTS"]}]},
    {"name": "lists", "type": ["null", {"type": "array", "items": {"type": "array", "items": "int"}}]},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "price", "type": ["null", {"type": "fixed", "name": "P", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}]},
    {"name": "more", "type": "string", "default": "x"}, {"name": "maybe", "type": ["string", "null"]}]}'$$);
INSERT INTO given VALUES
    ('2024-03-10 12:00:00.123Z', '"text"', '{"v": 1, "c": [{"v": 2}]}', '{"ann": 31}', 'HEARTS', '[[1], []]', '2024-03-10', -1.5),
    ('2024-03-10 12:00:00Z', '5', NULL, '{}', NULL, NULL, NULL, NULL);
SELECT * FROM given;
SELECT codec FROM avro_files(:'dir' || '/out/given');
SELECT failure(format('INSERT INTO given (ts, ages, %I) VALUES (%s, %L, %L)', c, 'now()::timestamptz(0)', '{}', v)) FROM (VALUES
    ('any', 'true'), ('tree', '{"c": []}'), ('suit', 'CLUBS'), ('lists', '[1]'), ('lists', '[[1.5]]')) AS v (c, v);
SELECT failure($$INSERT INTO given (ts, ages) VALUES ('2024-03-10 12:00:00.123456Z', '{}')$$);
SELECT failure($$INSERT INTO given (ages) VALUES ('{}')$$);
ALTER FOREIGN TABLE given ADD COLUMN extra int;
SELECT failure($$INSERT INTO given (ts, ages) VALUES ('2024-03-10 12:00:00Z', '{}')$$);
ALTER FOREIGN TABLE given DROP COLUMN extra, ALTER COLUMN day TYPE boolean;
SELECT failure($$INSERT INTO given (ts, ages) VALUES ('2024-03-10 12:00:00Z', '{}')$$);
ALTER FOREIGN TABLE given ALTER COLUMN day TYPE date, DROP COLUMN ts;
SELECT failure($$INSERT INTO given (ages) VALUES ('{}')$$);

-- which tables take rows, and where the file goes
SELECT create_table('rows', 'id bigint'), create_table('by_glob', 'id bigint', 'rows/part-??-*.avro'), create_table('single', 'id bigint', 'rows/one.avro'),
       create_table('no_star', 'id bigint', 'rows/?.avro'), create_table('class', 'id bigint', 'rows/[a-c]*.avro'),
       create_table('anywhere', 'id bigint', '*/x*.avro'), create_table('absent', 'id bigint', 'absent/x*.avro'), create_table('hive', 'id bigint', '../hive'),
       create_table('keyed', 'id bigint, code bigint', '../hive/day=2024-03-09/code=7/x*'), create_table('below', 'id bigint', '../hive/day=2024-03-09/code=7');
INSERT INTO rows SELECT generate_series(1, 10000);
COPY by_glob FROM stdin;
1
2
\.
INSERT INTO rows SELECT 1 WHERE false;
SELECT file ~ '^part-[0-9a-f]{2}-NAME\.avro$' AS by_glob, rows FROM files('rows') ORDER BY rows;
SELECT count(*), max(id) FROM rows;
SELECT failure(format('INSERT INTO %I VALUES (1)', t))
FROM unnest(ARRAY['single', 'no_star', 'class', 'anywhere', 'absent', 'hive', 'keyed', 'below']) AS t;
SELECT failure('UPDATE rows SET id = 1'), failure('DELETE FROM rows'), failure('TRUNCATE rows');
SELECT table_name, is_insertable_into FROM information_schema.tables WHERE table_schema = 'avro_insert' AND table_name IN ('rows', 'single') ORDER BY 1;
-- as a partition, by way of a trigger function's loop, by a writable view
CREATE TABLE parted (id bigint, kind text) PARTITION BY LIST (kind);
\! mkdir "$AVRO_FILES"/out/part
CREATE TABLE here PARTITION OF parted FOR VALUES IN ('here');
SELECT create_table('there', 'id bigint, kind text', 'part');
ALTER TABLE parted ATTACH PARTITION there FOR VALUES IN ('there');
INSERT INTO parted SELECT n, CASE WHEN n % 2 = 0 THEN 'here' ELSE 'there' END FROM generate_series(1, 10) AS n;
COPY parted FROM stdin (DELIMITER ',');
11,there
12,here
\.
SELECT tableoid::regclass, count(*), sum(id) FROM parted GROUP BY 1 ORDER BY 1;

-- transactions: a file for each level of subtransactions that inserts, nothing before the commit, nothing of what is rolled back
\! rm "$AVRO_FILES"/out/rows/*
BEGIN;
INSERT INTO rows VALUES (1);
INSERT INTO rows VALUES (2);
SAVEPOINT a;
INSERT INTO rows VALUES (3);
SAVEPOINT b;
INSERT INTO rows VALUES (4);
SELECT * FROM files('rows');
SELECT count(*) FROM rows;
ROLLBACK TO b;
SELECT * FROM files('rows');
INSERT INTO rows VALUES (5);
RELEASE a;
INSERT INTO rows VALUES (6);
COMMIT;
SELECT * FROM files('rows');
SELECT id FROM rows ORDER BY id;
BEGIN;
INSERT INTO rows VALUES (7);
SAVEPOINT a;
INSERT INTO rows VALUES (8);
RELEASE a;
ROLLBACK;
BEGIN;
INSERT INTO rows VALUES (9);
SELECT 1 / 0;
COMMIT;
INSERT INTO rows SELECT 1 / (100 - n) FROM generate_series(1, 100) AS n;
SELECT * FROM files('rows');
-- a commit in a procedure makes the file appear
\! rm "$AVRO_FILES"/out/rows/*
DO $$
BEGIN
    FOR n IN 1..3 LOOP
        BEGIN
            INSERT INTO avro_insert.rows VALUES (n), (10 / (2 - n));
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
        COMMIT;
    END LOOP;
END
$$;
SELECT * FROM files('rows');
SELECT id FROM rows ORDER BY id;
-- what a deferred constraint refuses does not appear
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
\! rm "$AVRO_FILES"/out/rows/*
BEGIN;
INSERT INTO rows VALUES (1);
INSERT INTO child VALUES (1);
COMMIT;
SELECT * FROM files('rows');
BEGIN READ ONLY;
INSERT INTO rows VALUES (1);
ROLLBACK;

-- who may: members of pg_write_server_files, by the rights of the view's owner where there is one
CREATE ROLE regress_avro_writer;
CREATE VIEW by_owner AS SELECT * FROM rows;
GRANT USAGE ON SCHEMA avro_insert TO regress_avro_writer;
GRANT ALL ON rows, by_owner TO regress_avro_writer;
SET ROLE regress_avro_writer;
SELECT failure('INSERT INTO rows VALUES (1)');
COPY rows FROM stdin;
1
\.
INSERT INTO by_owner VALUES (2) ON CONFLICT DO NOTHING;
RESET ROLE;
GRANT pg_write_server_files TO regress_avro_writer;
SET ROLE regress_avro_writer;
INSERT INTO rows VALUES (3);
RESET ROLE;
SELECT id FROM rows ORDER BY id;
DROP SCHEMA avro_insert CASCADE;
DROP SERVER avro_insert CASCADE;
DROP ROLE regress_avro_writer;
