-- test/sql/avro_functions.sql
-- Avro files and data looked into: schema, metadata, columns, files, one datum as jsonb.
\getenv root CLICKSTREAM_ROOT
\set name avro_functions
\set avro :root '/test/support/avro.sql'
CREATE SCHEMA avro_functions;
SET search_path = avro_functions, public;
\set ECHO none
\i :avro
\set ECHO all

-- schema and metadata
SELECT avro_schema(:'dir' || '/none.avro'), avro_schema(:'dir' || '/long.avro');
SELECT s ->> 'name' AS name, jsonb_array_length(s -> 'fields') AS fields, s -> 'fields' -> 27 AS a_field
FROM avro_schema(:'dir' || '/types.avro') AS s;
SELECT convert_from(value, 'UTF8')::jsonb = avro_schema(:'dir' || '/types.avro') AS same
FROM avro_metadata(:'dir' || '/types.avro') WHERE key = 'avro.schema';
SELECT key, CASE WHEN key <> 'avro.schema' THEN convert_from(value, 'UTF8') END AS value
FROM avro_metadata(:'dir' || '/types.avro') ORDER BY key;

-- columns: every type; a type at the top; several generations of a schema; directories
SELECT * FROM avro_columns(:'dir' || '/types.avro');
SELECT * FROM avro_columns(:'dir' || '/long.avro');
SELECT * FROM avro_columns(:'dir' || '/generations');
SELECT * FROM avro_columns(:'dir' || '/generations/[12].avro');
SELECT * FROM avro_columns(:'dir' || '/hive/day=*');
-- a directory that only begins with a date, or has its dashes elsewhere, makes no column of dates
\! mkdir -p "$AVRO_FILES"/odd/a=2024-01-1-/b=2-01-01-01/c=2024-01-01
\! cp "$AVRO_FILES"/none.avro "$AVRO_FILES"/odd/a=2024-01-1-/b=2-01-01-01/c=2024-01-01
SELECT name, sql_type FROM avro_columns(:'dir' || '/odd/a*') WHERE avro_type IS NULL;
\! rm -r "$AVRO_FILES"/odd
SELECT failure(format('SELECT * FROM avro_columns(%L)', :'dir' || '/misfit'));
SELECT failure(format('SELECT * FROM avro_columns(%L)', :'dir' || '/nothing'));

-- files: by directory, by glob, sorted by bytes; rows are those that the headers of blocks say
SELECT plain(filename) AS filename, rows, blocks, bytes > 0 AS bytes, codec FROM avro_files(:'dir' || '/*.avro');
SELECT plain(filename) AS filename, rows, codec FROM avro_files(:'dir' || '/codecs');
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/hive');
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/hive/*');
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/generations/2.avro');
SELECT count(*) FROM avro_files(:'dir' || '/nothing');
-- a file with the characters of a glob is that file
\! cp "$AVRO_FILES"/none.avro "$AVRO_FILES"/'n[o]*.avro'
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/n[o]*.avro');
\! rm "$AVRO_FILES"/'n[o]*.avro'
-- links are followed, but not in circles
\! mkdir "$AVRO_FILES"/links && ln -s ../generations "$AVRO_FILES"/links/more && ln -s ../none.avro "$AVRO_FILES"/links/none.avro
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/links');
\! ln -s ../links "$AVRO_FILES"/links/again
SELECT failure(format('SELECT avro_files(%L)', :'dir' || '/links'));
-- one that leads nowhere is nothing, unless its name is that of an Avro file
\! rm "$AVRO_FILES"/links/again && ln -s gone "$AVRO_FILES"/links/latest && ln -s /gone/too "$AVRO_FILES"/links/more.avro.tmp
SELECT plain(filename) AS filename, rows FROM avro_files(:'dir' || '/links');
SELECT count(*) > 0 AS columns FROM avro_columns(:'dir' || '/links');
\! ln -s gone "$AVRO_FILES"/links/latest.avro
SELECT failure(format('SELECT avro_files(%L)', :'dir' || '/links'));

-- what cannot be read
SELECT failure(format('SELECT %s(%L)', f, p)) FROM (VALUES
    ('avro_schema', 'none.avro'), ('avro_files', 'none.avro'), ('avro_metadata', ''),
    ('avro_schema', :'dir'), ('avro_schema', :'dir' || '/missing.avro'), ('avro_files', :'dir' || '/missing.avro'),
    ('avro_files', :'dir' || '/missing*.avro'), ('avro_files', :'dir' || '/missing/*.avro'),
    ('avro_files', :'dir' || '/twice')) AS v (f, p);
\! mkfifo "$AVRO_FILES"/pipe.avro
SELECT failure(format('SELECT avro_schema(%L)', :'dir' || '/pipe.avro'));
\! rm "$AVRO_FILES"/pipe.avro
SELECT failure(format('SELECT %s(%L)', f, :'dir' || '/broken/' || p)) FROM (VALUES
    ('avro_schema', 'empty.avro'), ('avro_schema', 'text.avro'), ('avro_schema', 'schema.avro'),
    ('avro_files', 'cut.avro'), ('avro_files', 'marker.avro')) AS v (f, p);
SELECT rows FROM avro_files(:'dir' || '/broken/good.avro');

-- one datum: scalars
SELECT v.*, avro_to_jsonb(datum::bytea, type::jsonb) AS value FROM (VALUES
    ('"null"', '\x'), ('"boolean"', '\x01'), ('"int"', '\x7f'), ('"long"', '\xffffffffffffffffff01'),
    ('"float"', '\xcdcccc3d'), ('"double"', '\x9a9999999999b93f'), ('"double"', '\x000000000000f87f'),
    ('"double"', '\x000000000000f07f'), ('"float"', '\x000080ff'), ('"bytes"', '\x0400ff'),
    ('"string"', '\x0a73c3bcc39f'), ('{"type": "fixed", "name": "F", "size": 2}', '\x0102'),
    ('{"type": "enum", "name": "E", "symbols": ["A", "B"]}', '\x02'), ('["null", "long", "string"]', '\x0254'),
    ('["null", "long", "string"]', '\x00'), ('["null", "long", "string"]', '\x040261')) AS v (type, datum);
-- logical types
SELECT v.*, avro_to_jsonb(datum::bytea, type::jsonb) AS value FROM (VALUES
    ('{"type": "int", "logicalType": "date"}', '\x01'),
    ('{"type": "int", "logicalType": "time-millis"}', '\xaab4de2b'),
    ('{"type": "long", "logicalType": "timestamp-millis"}', '\x01'),
    ('{"type": "long", "logicalType": "local-timestamp-micros"}', '\x02'),
    ('{"type": "long", "logicalType": "timestamp-nanos"}', '\x02'),
    ('{"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}', '\x04fb32'),
    ('{"type": "string", "logicalType": "uuid"}',
     '\x4830303131323233332d343435352d363637372d383839392d616162626363646465656666'),
    ('{"type": "fixed", "name": "D", "size": 12, "logicalType": "duration"}', '\x0100000002000000bc0b0000')) AS v (type, datum);
-- nested: the order of keys is jsonb's; of a key that is repeated the last value counts
SELECT avro_to_jsonb('\x04020400', '{"type": "array", "items": "int"}') AS array,
       avro_to_jsonb('\x0402610202610400', '{"type": "map", "values": "int"}') AS map;
SELECT avro_to_jsonb('\x0202040000', '{"type": "record", "name": "T", "fields": [{"name": "v", "type": "int"},
    {"name": "c", "type": {"type": "array", "items": "T"}}]}') AS tree;
SELECT avro_to_jsonb('\x', '{"type": "record", "name": "R", "fields": []}') AS empty;

-- what is no datum of the schema
SELECT failure(format('SELECT avro_to_jsonb(%L, %L)', datum, type)) FROM (VALUES
    ('\x', '"long"'), ('\x0204', '"long"'), ('\x02', '"boolean"'), ('\x03', '"string"'), ('\x02ff', '"string"'),
    ('\x0200', '"string"'), ('\x04', '["null", "long"]'), ('\x04', '{"type": "enum", "name": "E", "symbols": ["A"]}'),
    ('\xfeffffffffffffffff0100', '{"type": "array", "items": "null"}'),
    ('\xfeffffffffffffffff01', '{"type": "array", "items": "long"}'),
    ('\x02', '"text"'), ('\x02', '[]'), ('\x02', '{"type": "record", "name": "R"}'),
    ('\xffffffffffffffffff01', '{"type": "long", "logicalType": "timestamp-millis"}')) AS v (datum, type);
SELECT failure($$SELECT avro_to_jsonb(decode(repeat('02', 5000), 'hex'), '{"type": "record", "name": "T", "fields": [
    {"name": "c", "type": ["null", "T"]}]}')$$);
-- many rows, two schemas in turn
SELECT count(*), sum(value::text::bigint) FROM (
    SELECT avro_to_jsonb('\x02', CASE WHEN n % 2 = 0 THEN '"long"' ELSE '"int"' END::jsonb) AS value
    FROM generate_series(1, 1000) AS n) AS v;

-- bytes of no meaning: a value or an error, and the session lives
SELECT schema ->> 'name' AS name, count(DISTINCT n), bool_or(f = 'no error') AS some_read, bool_or(f ~ '^22P03') AS some_not
FROM (VALUES (avro_schema(:'dir' || '/types.avro')), ('{"type": "record", "name": "Small", "fields": [
          {"name": "a", "type": ["null", {"type": "array", "items": ["string", "long", "null"]}]},
          {"name": "b", "type": {"type": "map", "values": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}}}]}'),
          ('{"type": "record", "name": "Long", "fields": [{"name": "a", "type": "long"}]}')) AS v (schema),
     generate_series(1, 2000) AS n,
     failure(format('SELECT avro_to_jsonb(%L, %L)', '\x' || left(md5(n::text) || md5(n::text || 'x'), n % 32 * 2), schema)) AS f
GROUP BY 1 ORDER BY 1;

-- errors leave no file open and no memory behind
SELECT count(*) AS open FROM pg_ls_dir('/proc/self/fd') \gset before_
SELECT count(*) FROM generate_series(1, 300) AS n, unnest(ARRAY['cut', 'marker', 'schema', 'text', 'missing*']) AS p,
    failure(format('SELECT avro_files(%L)', :'dir' || '/broken/' || p || '.avro')) AS f WHERE f ~ '^(XX001|58P01)';
SELECT count(*) < :before_open + 100 AS closed FROM pg_ls_dir('/proc/self/fd');
SELECT count(*) FROM pg_backend_memory_contexts WHERE name ~ '^Avro';

-- a role without the right to read files; one datum is anybody's
CREATE ROLE regress_avro_nobody;
GRANT USAGE ON SCHEMA avro_functions TO regress_avro_nobody;
SET ROLE regress_avro_nobody;
SELECT failure(format('SELECT %s(%L)', f, :'dir' || '/none.avro'))
FROM unnest(ARRAY['avro_schema', 'avro_metadata', 'avro_columns', 'avro_files']) AS f;
SELECT avro_to_jsonb('\x02', '"long"');
RESET ROLE;
GRANT pg_read_server_files TO regress_avro_nobody;
SET ROLE regress_avro_nobody;
SELECT rows FROM avro_files(:'dir' || '/none.avro');
RESET ROLE;
DROP SCHEMA avro_functions CASCADE;
DROP ROLE regress_avro_nobody;
