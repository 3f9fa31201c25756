-- test/support/avro_scan.sql - what support/avro.sql has, more files in "scan" below its directory,
-- a server of the test's name, and functions to make tables and to look at plans
\getenv root CLICKSTREAM_ROOT
\set avro :root '/test/support/avro.sql'
\i :avro
\set scan :dir '/scan'
\setenv AVRO_FILES :scan
\! "$CLICKSTREAM_ROOT"/build/venv/bin/python "$CLICKSTREAM_ROOT"/test/support/avro_scan_files.py "$AVRO_FILES"
CREATE SERVER :name FOREIGN DATA WRAPPER avro_fdw;
SET test.server = :'name';
SET datestyle = ISO;
SET intervalstyle = postgres;

-- Make the table t anew, of a file below the test's directory.
CREATE FUNCTION make_table(columns text, file text, options text DEFAULT '') RETURNS SETOF void
    LANGUAGE plpgsql AS $$
BEGIN
    DROP FOREIGN TABLE IF EXISTS t CASCADE;
    EXECUTE format('CREATE FOREIGN TABLE t (%s) SERVER %I OPTIONS (filename %L %s)', columns, current_setting('test.server'),
                   current_setting('test.dir') || file, ', ' || NULLIF(options, ''));
END $$;

-- The plan of a query, and what its execution said; without what differs from run to run.
CREATE FUNCTION plan(query text, options text DEFAULT 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF') RETURNS SETOF text
    LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
        CONTINUE WHEN line ~ 'Disabled|Buffers|Planning|Memory|Storage|Index Searches' AND line !~ E'\n';
        RETURN NEXT regexp_replace(regexp_replace(plain(line), 'rows=(\d+)\.00', 'rows=\1'), 'InitPlan \d+( \(returns \$\d+\))?|\$\d+|\(InitPlan \d+\)\.col\d+', 'InitPlan', 'g');
    END LOOP;
END $$;

-- Where an error says that it was.
CREATE FUNCTION failure_context(statement text) RETURNS SETOF text
    LANGUAGE plpgsql AS $$
DECLARE
    context text;
BEGIN
    EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RETURN NEXT sqlstate || ': ' || plain(sqlerrm);
    RETURN NEXT 'CONTEXT: ' || plain(split_part(context, E'\n', 1));
END $$;
