-- test/sql/avro_on_error.sql
-- Damaged files and refused records: raised with their place, or passed over and counted; limits.
\set name avro_on_error
\getenv root CLICKSTREAM_ROOT
\set support :root '/test/support/avro_scan.sql'
CREATE SCHEMA avro_on_error;
SET search_path = avro_on_error, public;
\set ECHO none
\i :support
\set ECHO all
SET client_min_messages = notice;
\set VERBOSITY terse
CREATE FUNCTION items(file text, options text DEFAULT '') RETURNS SETOF void
    LANGUAGE sql BEGIN ATOMIC SELECT make_table('id bigint, text text, n bigint', '/scan/refused/' || file || '.avro', options); END;

-- on_error 'stop': the first error ends the query
SELECT items('values');
SELECT failure('SELECT * FROM t');
SELECT sum(id) FROM t;
SELECT items('record');
SELECT failure('SELECT * FROM t');
SELECT items('packed');
SELECT failure('SELECT * FROM t');
SELECT items('head');
SELECT failure('SELECT * FROM t');
SELECT items('count');
SELECT failure('SELECT * FROM t');
SELECT items('tail');
SELECT failure('SELECT * FROM t');
SELECT failure('SELECT count(*) FROM t');

-- on_error 'ignore': records refused one by one, or with what is left of their block
SELECT items('values', 'on_error ''ignore''');
SELECT * FROM t;
SELECT sum(id) FROM t;
SELECT count(*) FROM t;  -- what a column refuses is not seen here
SELECT id FROM t WHERE id > 3 AND text <> '';
SELECT plan('SELECT id, text FROM t');
SELECT items('record', 'on_error ''ignore''');
SELECT * FROM t;
SELECT items('packed', 'on_error ''ignore''');
SELECT * FROM t;
SELECT items('head', 'on_error ''ignore''');
SELECT * FROM t;
SELECT items('count', 'on_error ''ignore''');
SELECT * FROM t;
SELECT items('tail', 'on_error ''ignore''');
SELECT * FROM t;
SELECT count(*) FROM t;
-- all files; rescans do not count twice
SELECT items('*', 'on_error ''ignore''');
SELECT count(*), sum(id), count(text) FROM t;
SELECT i, (SELECT count(text) FROM t WHERE id > i) FROM generate_series(1, 3) AS i;
ANALYZE t;

-- reject_limit
SELECT items('values', 'on_error ''ignore'', reject_limit ''2''');
SELECT count(text) FROM t;
SELECT items('values', 'on_error ''ignore'', reject_limit ''1''');
SELECT failure('SELECT count(text) FROM t');
SELECT items('packed', 'on_error ''ignore'', reject_limit ''2''');
SELECT failure('SELECT count(text) FROM t');

-- values that a column's type refuses
SELECT make_table('id int, l int', '/scan/values.avro', 'on_error ''ignore''');
SELECT * FROM t;
SELECT make_table('id int, s int', '/scan/values.avro', 'on_error ''ignore''');
SELECT * FROM t;
SELECT make_table('id int, s date, l numeric(5)', '/scan/values.avro', 'on_error ''ignore''');
SELECT * FROM t;
SELECT make_table('id int, s varchar(4)', '/scan/values.avro', 'on_error ''ignore''');
SELECT * FROM t;
SELECT make_table('maybe_strings varchar(1)[], lists jsonb', '/types.avro', 'on_error ''ignore''');
SELECT * FROM t;
-- a file that cannot be opened is an error still
SELECT make_table('id bigint', '/broken/empty.avro', 'on_error ''ignore''');
SELECT failure('SELECT * FROM t');

-- limits, and raising them
SELECT make_table('list jsonb', '/scan/limits/nulls.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('x text', '/scan/limits/records.avro');
SELECT failure('SELECT * FROM t');
SELECT failure('SELECT count(*) FROM t');
SELECT make_table('tree jsonb', '/scan/limits/deep.avro');
SELECT failure('SELECT * FROM t');
SELECT make_table('tree jsonb', '/scan/limits/deep.avro', 'max_depth ''1000''');
SELECT length(tree::text) FROM t;
SELECT make_table('id bigint', '/scan/limits/bomb.avro', 'max_block_size ''1MB''');
SELECT failure('SELECT * FROM t');
ALTER FOREIGN TABLE t OPTIONS (SET max_block_size '4MB');
SELECT * FROM t;

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA avro_on_error CASCADE;
DROP SERVER avro_on_error;
