-- test/sql/avro_option.sql
-- Options of Avro tables: what is checked when they are set, and who may set them.
\set name avro_option
\getenv root CLICKSTREAM_ROOT
\set avro :root '/test/support/avro.sql'
CREATE SCHEMA avro_option;
SET search_path = avro_option, public;
\set ECHO none
\i :avro
\set ECHO all
CREATE SERVER avro_option FOREIGN DATA WRAPPER avro_fdw;
CREATE FUNCTION try_table(options text, field text DEFAULT 'field ''id''') RETURNS SETOF text
    LANGUAGE sql AS $$SELECT failure('CREATE FOREIGN TABLE x (id bigint OPTIONS (' || field || ')) SERVER avro_option OPTIONS ('
        || options || '); DROP FOREIGN TABLE x')$$;

-- the file name: needed, absolute
SELECT try_table('on_error ''stop''');
SELECT try_table('filename ''log.avro''');
SELECT try_table('filename ''''');
-- a name that is not known, nearly known, or belongs elsewhere
SELECT try_table('filename ''/x'', file_name ''/y''');
SELECT try_table('filename ''/x'', zzzzzzzzzzzz ''/y''');
SELECT try_table('filename ''/x'', field ''id''');
SELECT try_table('filename ''/x''', 'feild ''id''');
SELECT try_table('filename ''/x''', 'filename ''/x''');
SELECT try_table('filename ''/x''', 'field ''''');
SELECT failure('CREATE SERVER other FOREIGN DATA WRAPPER avro_fdw OPTIONS (filename ''/x'')');
SELECT failure('CREATE SERVER other FOREIGN DATA WRAPPER avro_fdw OPTIONS (host ''x'')');
SELECT failure('CREATE USER MAPPING FOR current_user SERVER avro_option OPTIONS (user ''x'')');
SELECT failure('ALTER FOREIGN DATA WRAPPER avro_fdw OPTIONS (ADD on_error ''ignore'')');
-- values
SELECT try_table('filename ''/x'', on_error ''ignore'', reject_limit ''10'', max_block_size ''128MB'', max_empty_items ''9223372036854775807'', '
    'max_depth ''1000'', codec ''zstandard'', schema ''"long"''');
SELECT try_table('filename ''/x'', on_error ''skip''');
SELECT try_table('filename ''/x'', reject_limit ''10''');
SELECT try_table('filename ''/x'', on_error ''stop'', reject_limit ''10''');
SELECT try_table('filename ''/x'', on_error ''ignore'', reject_limit ''0''');
SELECT try_table('filename ''/x'', on_error ''ignore'', reject_limit ''many''');
SELECT try_table('filename ''/x'', max_block_size ''big''');
SELECT try_table('filename ''/x'', max_block_size ''4GB''');
SELECT try_table('filename ''/x'', max_empty_items ''9223372036854775808''');
SELECT try_table('filename ''/x'', max_depth ''1001''');
SELECT try_table('filename ''/x'', codec ''lzma''');
SELECT try_table('filename ''/x'', schema ''{"type": "record"}''');
SELECT try_table('filename ''/x'', schema ''long''');

-- changes are checked alike
CREATE FOREIGN TABLE codecs (id bigint) SERVER avro_option OPTIONS (filename '/x');
SELECT failure('ALTER FOREIGN TABLE codecs OPTIONS (SET filename ''x'')');
SELECT failure('ALTER FOREIGN TABLE codecs OPTIONS (DROP filename)');
SELECT failure('ALTER FOREIGN TABLE codecs OPTIONS (ADD filename ''/y'')');
SELECT failure('ALTER FOREIGN TABLE codecs OPTIONS (ADD reject_limit ''1'')');
SELECT failure('ALTER FOREIGN TABLE codecs ALTER id OPTIONS (ADD name ''x'')');
SELECT failure('SELECT * FROM codecs');
SELECT failure(format('ALTER FOREIGN TABLE codecs OPTIONS (SET filename %L)', :'dir' || '/codecs/*.avro'));
SELECT count(*), sum(id) FROM codecs;
ALTER FOREIGN TABLE codecs RENAME id TO number;
SELECT failure('SELECT sum(number) FROM codecs');
ALTER FOREIGN TABLE codecs ALTER number OPTIONS (ADD field 'ID');
SELECT failure('SELECT sum(number) FROM codecs');
ALTER FOREIGN TABLE codecs ALTER number OPTIONS (SET field 'id');
SELECT sum(number) FROM codecs;

-- naming files takes the role that reads them; reading the table does not
CREATE ROLE regress_avro_option;
GRANT USAGE ON FOREIGN SERVER avro_option TO regress_avro_option;
GRANT ALL ON SCHEMA avro_option TO regress_avro_option;
GRANT SELECT ON codecs TO regress_avro_option;
SET ROLE regress_avro_option;
SELECT try_table('filename ''/x''');
SELECT sum(number) FROM codecs;
RESET ROLE;
GRANT pg_read_server_files TO regress_avro_option;
SET ROLE regress_avro_option;
SELECT try_table('filename ''/x''');
RESET ROLE;

\set VERBOSITY terse
DROP SCHEMA avro_option CASCADE;
DROP OWNED BY regress_avro_option;
DROP ROLE regress_avro_option;
DROP SERVER avro_option;
