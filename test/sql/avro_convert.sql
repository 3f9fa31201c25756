-- test/sql/avro_convert.sql
-- Avro values as values of declared types: what fits, what is refused and where that is said to be.
\set name avro_convert
\getenv root CLICKSTREAM_ROOT
\set support :root '/test/support/avro_scan.sql'
CREATE SCHEMA avro_convert;
SET search_path = avro_convert, public;
\set ECHO none
\i :support
\set ECHO all

-- Read one field as each of some types: its first value, or why not.
CREATE FUNCTION as_types(field text, VARIADIC types text[]) RETURNS TABLE (type text, value text)
    LANGUAGE plpgsql AS $$
BEGIN
    FOREACH type IN ARRAY types LOOP
        PERFORM make_table(format('x %s OPTIONS (field %L)', type, field), '/types.avro');
        BEGIN
            EXECUTE 'SELECT x FROM t LIMIT 1' INTO value;
        EXCEPTION WHEN OTHERS THEN
            value := sqlstate || ': ' || plain(sqlerrm);
        END;
        RETURN NEXT;
    END LOOP;
END $$;
CREATE DOMAIN positive AS bigint CHECK (value > 0);
CREATE DOMAIN short AS varchar(4);
CREATE DOMAIN needed AS int NOT NULL;
CREATE TYPE suit AS ENUM ('SPADES', 'HEARTS');
CREATE TYPE mood AS ENUM ('glad');

-- every shape with types that fit it and types that do not
SELECT * FROM as_types('a_boolean', 'boolean', 'text', 'jsonb', 'int');
SELECT * FROM as_types('an_int', 'int2', 'int4', 'int8', 'numeric(3,1)', 'float8', 'float4', 'text', 'varchar(1)', 'json', 'positive', 'boolean', 'date');
SELECT * FROM as_types('a_long', 'int2', 'int4', 'int8', 'numeric', 'numeric(10)', 'float8', 'text', 'positive', 'timestamptz');
SELECT * FROM as_types('a_float', 'float4', 'float8', 'numeric', 'text', 'int4');
SELECT * FROM as_types('a_double', 'float8', 'float4', 'numeric(3,2)', 'jsonb', 'bigint');
SELECT * FROM as_types('some_bytes', 'bytea', 'text', 'jsonb', 'int4');
SELECT * FROM as_types('a_string', 'text', 'varchar', 'varchar(4)', 'char(20)', 'char(3)', 'name', 'short', 'bytea', 'int4', 'jsonb');
SELECT * FROM as_types('a_fixed', 'bytea', 'text', 'uuid');
SELECT * FROM as_types('an_enum', 'text', 'suit', 'mood', 'varchar(3)', 'short', 'name');
SELECT * FROM as_types('a_null', 'text', 'int4', 'bytea[]', 'needed');
SELECT * FROM as_types('maybe', 'int8', 'int2', 'needed');
SELECT * FROM as_types('number', 'float8', 'numeric', 'text', 'int8');
SELECT * FROM as_types('any', 'jsonb', 'json', 'text', 'int8');
SELECT * FROM as_types('longs', 'bigint[]', 'int[]', 'text[]', 'numeric(3,1)[]', 'positive[]', 'jsonb', 'text', 'bigint', 'boolean[]');
SELECT * FROM as_types('maybe_strings', 'text[]', 'varchar(1)[]', 'short[]', 'int[]', 'json');
SELECT * FROM as_types('lists', 'jsonb', 'text', 'bigint[]');
SELECT * FROM as_types('ages', 'jsonb', 'json', 'text', 'text[]');
SELECT * FROM as_types('inner', 'jsonb', 'text');
SELECT * FROM as_types('tree', 'jsonb', 'varchar(10)');
SELECT * FROM as_types('a_date', 'date', 'text', 'timestamp', 'int4');
SELECT * FROM as_types('time_us', 'time', 'time(3)', 'text', 'interval');
SELECT * FROM as_types('ts_us', 'timestamptz', 'timestamptz(0)', 'text', 'jsonb', 'timestamp', 'date', 'bigint');
SELECT * FROM as_types('local_us', 'timestamp', 'timestamp(1)', 'text', 'timestamptz');
SELECT * FROM as_types('price', 'numeric', 'numeric(4,1)', 'numeric(2,1)', 'float8', 'text', 'money', 'int4');
SELECT * FROM as_types('a_uuid', 'uuid', 'text', 'bytea');
SELECT * FROM as_types('span', 'interval', 'interval(0)', 'text', 'bytea');
SELECT * FROM as_types('odd', 'text', 'int4');
SELECT failure('SELECT * FROM t');

-- what would fit is said before any row is read
SELECT make_table('ts_us bigint', '/types.avro');
SELECT failure('SELECT * FROM t');
SELECT failure('SELECT * FROM t WHERE false');
SELECT make_table('longs int', '/types.avro');
SELECT failure('SELECT * FROM t');

-- where a value was refused
SELECT make_table('id int, l int, d float4, s text', '/scan/values.avro');
SELECT failure_context('SELECT sum(l) FROM t');
SELECT failure_context('SELECT sum(d) FROM t');
SELECT failure_context('SELECT count(*) FROM t WHERE l > 0 AND length(s) > 0');
SELECT failure_context('SELECT count(*) FROM t WHERE 1 / (id - 2) >= 0');
SELECT sum(id), count(s) FROM t;
SELECT make_table('id int, s int', '/scan/values.avro');
SELECT failure_context('SELECT sum(s) FROM t');
SELECT make_table('id int, s jsonb', '/scan/values.avro');
SELECT failure_context('SELECT max(s::text) FROM t');
SELECT make_table('id int, l positive', '/scan/values.avro');
SELECT failure_context('SELECT max(l) FROM t');
SELECT make_table('maybe needed', '/types.avro');
SELECT failure_context('SELECT max(maybe) FROM t');

-- long and short values
SELECT make_table('s text OPTIONS (field ''b'')', '/scan/limits/bomb.avro');
SELECT length(s), left(s, 6) FROM t;
SELECT make_table('b bytea', '/scan/limits/bomb.avro');
SELECT length(b), pg_column_size(b) FROM t;

\set VERBOSITY terse
DROP SCHEMA avro_convert CASCADE;
DROP SERVER avro_convert;
