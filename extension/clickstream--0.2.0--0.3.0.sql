-- extension/clickstream--0.2.0--0.3.0.sql
--     What 0.3.0 adds to 0.2.0. Stored states and maps stay as they are.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.3.0'" to load this file. \quit

CREATE FUNCTION avro_fdw_handler() RETURNS fdw_handler
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_fdw_handler() IS 'the handler of the foreign-data wrapper avro_fdw';
CREATE FUNCTION avro_fdw_validator(text[], oid) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_fdw_validator(text[], oid) IS
    'checks the options of the foreign-data wrapper avro_fdw';
CREATE FOREIGN DATA WRAPPER avro_fdw
    HANDLER avro_fdw_handler VALIDATOR avro_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER avro_fdw IS
    'Avro files of the server as tables: a file, a directory or a glob';
-- who may read the server's files may make tables of them; others need a grant
GRANT USAGE ON FOREIGN DATA WRAPPER avro_fdw TO pg_read_server_files;

CREATE FUNCTION avro_schema(path text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_schema(text) IS 'the schema of an Avro file of the server';
CREATE FUNCTION avro_metadata(path text, OUT key text, OUT value bytea)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_metadata(text) IS 'the metadata in the header of an Avro file of the server';
CREATE FUNCTION avro_columns(path text, OUT name text, OUT avro_type text, OUT sql_type text,
                             OUT nullable boolean)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_columns(text) IS
    'the columns of a table over Avro files of the server, as IMPORT FOREIGN SCHEMA makes them; the path may be a directory or a glob';
CREATE FUNCTION avro_files(glob text, OUT filename text, OUT rows bigint, OUT blocks bigint,
                           OUT bytes bigint, OUT codec text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_files(text) IS
    'the Avro files of the server below a directory or matching a glob, with their rows by the headers of blocks';
CREATE FUNCTION avro_to_jsonb(datum bytea, schema jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_to_jsonb(bytea, jsonb) IS
    'one Avro datum, without a file around it, by its schema';
