-- test/support/avro.sql - Avro files in a directory of the test's own, and functions for tests that
-- use them. The test's name stands in the variable "name".
\getenv root CLICKSTREAM_ROOT
\getenv output PG_ABS_BUILDDIR
\set dir :output '/' :name
\setenv AVRO_FILES :dir
\! "$CLICKSTREAM_ROOT"/build/venv/bin/python "$CLICKSTREAM_ROOT"/test/support/avro_files.py "$AVRO_FILES"
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';
SET test.dir = :'dir';

-- Text without the name of the directory, which differs from run to run.
CREATE FUNCTION plain(text) RETURNS text
    LANGUAGE sql STABLE STRICT AS $$SELECT replace($1, current_setting('test.dir'), '<dir>')$$;

-- Run a statement that fails; return why, with detail and hint.
CREATE FUNCTION failure(statement text) RETURNS SETOF text
    LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT sqlstate || ': ' || plain(message);
    IF detail <> '' THEN RETURN NEXT 'DETAIL: ' || plain(detail); END IF;
    IF hint <> '' THEN RETURN NEXT 'HINT: ' || plain(hint); END IF;
END
$$;
