-- test/cloud/redshift_shim.sql
--     Functions of Redshift, for the PostgreSQL behind the front. In pg_catalog, so
--     that any search path finds them. No backslashes: bodies are read again under
--     standard_conforming_strings = off.

CREATE OR REPLACE FUNCTION pg_catalog.len(text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT char_length($1)';

CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE
AS 'SELECT date_trunc(''second'', now() AT TIME ZONE ''UTC'')';

CREATE OR REPLACE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS 'SELECT ($3 AT TIME ZONE $1) AT TIME ZONE $2';

CREATE OR REPLACE FUNCTION pg_catalog.dateadd(text, bigint, timestamp) RETURNS timestamp
LANGUAGE sql STABLE STRICT PARALLEL SAFE AS 'SELECT $3 + $2 * (''1 '' || $1)::interval';

-- How many borders of the part lie between two times, not how much time.
CREATE OR REPLACE FUNCTION pg_catalog.datediff(text, timestamp, timestamp) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN $1 IN ('microsecond', 'microseconds')
            THEN ((extract(epoch FROM $3) - extract(epoch FROM $2)) * 1000000)::bigint
        WHEN $1 IN ('second', 'minute', 'hour')
            THEN ((extract(epoch FROM date_trunc($1, $3)) - extract(epoch FROM date_trunc($1, $2)))
                  / extract(epoch FROM ('1 ' || $1)::interval))::bigint
        WHEN $1 = 'day' THEN ($3::date - $2::date)::bigint
        WHEN $1 = 'week'
            THEN ((date_trunc('week', $3)::date - date_trunc('week', $2)::date) / 7)::bigint
    END
$$;

-- LISTAGG ends the query where its result is too long.
CREATE OR REPLACE FUNCTION pg_catalog.listagg_limit(text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF octet_length($1) > 65535 THEN
        RAISE EXCEPTION 'Result size exceeds LISTAGG limit'
            USING ERRCODE = '54000', DETAIL = 'LISTAGG limit: 65535';
    END IF;
    RETURN $1;
END;
$$;

CREATE SCHEMA IF NOT EXISTS redshift_shim;

CREATE TABLE IF NOT EXISTS redshift_shim.stl_load_errors (
    userid          integer DEFAULT 100,
    slice           integer DEFAULT 0,
    tbl             integer,
    starttime       timestamp DEFAULT now(),
    session         integer DEFAULT 0,
    query           integer,
    filename        character(256),
    line_number     bigint,
    colname         character(127),
    type            character(10),
    col_length      character(10),
    position        integer DEFAULT 0,
    raw_line        character(1024),
    raw_field_value character(1024),
    err_code        integer,
    err_reason      character(100)
);

CREATE OR REPLACE VIEW redshift_shim.sys_load_error_detail AS
SELECT userid AS user_id, query AS query_id, tbl AS table_id, starttime AS start_time,
       session AS session_id, filename AS file_name, line_number, colname AS column_name,
       type AS column_type, col_length AS column_length, position, err_code AS error_code,
       err_reason AS error_message
FROM redshift_shim.stl_load_errors;
