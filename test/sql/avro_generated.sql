-- test/sql/avro_generated.sql
-- A generated column of an Avro table: not stored where the server can do that (18), stored else.
\getenv root CLICKSTREAM_ROOT
\set name avro_generated
\set avro :root '/test/support/avro.sql'
CREATE SCHEMA avro_generated;
SET search_path = avro_generated, public;
\set ECHO none
\i :avro
\set ECHO all
SELECT current_setting('server_version_num')::int >= 180000 AS "virtual" \gset
\if :virtual
\set kind VIRTUAL
\else
\set kind STORED
\endif
CREATE SERVER avro_generated FOREIGN DATA WRAPPER avro_fdw;
\! mkdir "$AVRO_FILES"/out
SELECT :'dir' || '/out/' AS directory \gset
CREATE FOREIGN TABLE item (id int, twice int GENERATED ALWAYS AS (id * 2) :kind, name text)
    SERVER avro_generated OPTIONS (filename :'directory');
INSERT INTO item (id, name) VALUES (1, 'a'), (2, 'b') RETURNING *;
COPY item (id, name) FROM stdin (DELIMITER ' ');
3 c
\.
SELECT * FROM item ORDER BY id;
SELECT twice FROM item WHERE twice > 2 ORDER BY twice;
SELECT item FROM item WHERE item IS NOT NULL ORDER BY id;
SELECT count(twice), sum(twice) FROM item;
-- it has a field where it is stored only
SELECT DISTINCT (avro_schema(filename) -> 'fields' @> '[{"name": "twice"}]') <> :'virtual' AS right FROM avro_files(:'dir' || '/out');
ANALYZE item;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'item' AND attname <> 'twice' ORDER BY attname;
DROP SCHEMA avro_generated CASCADE;
DROP SERVER avro_generated CASCADE;
