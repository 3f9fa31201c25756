-- test/sql/avro_import.sql
-- IMPORT FOREIGN SCHEMA from Avro files: one table over a file, a directory or a glob.
\getenv root CLICKSTREAM_ROOT
\set name avro_import
\set avro :root '/test/support/avro.sql'
CREATE SCHEMA avro_import;
SET search_path = avro_import, public;
\set ECHO none
\i :avro
\set ECHO all
CREATE SERVER avro_import FOREIGN DATA WRAPPER avro_fdw;
CREATE SCHEMA imported;

-- What an import made: tables, columns, options.
CREATE FUNCTION described() RETURNS TABLE (name text, type text, nullable boolean, options text)
LANGUAGE sql AS $$
    SELECT format('%I', c.relname), '', NULL, plain(t.ftoptions::text)
    FROM pg_class AS c JOIN pg_foreign_table AS t ON t.ftrelid = c.oid WHERE relnamespace = 'imported'::regnamespace
    UNION ALL
    SELECT * FROM (
        SELECT format('    %I', a.attname), format_type(atttypid, atttypmod), NOT attnotnull, attfdwoptions::text
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE relnamespace = 'imported'::regnamespace AND attnum > 0 AND NOT attisdropped ORDER BY c.relname, attnum) AS a
$$;
-- Drop what is there, import with these options (filename below the directory), describe it.
CREATE FUNCTION import(filename text, options text DEFAULT '', clause text DEFAULT '') RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
    DROP SCHEMA imported CASCADE;
    CREATE SCHEMA imported;
    EXECUTE format('IMPORT FOREIGN SCHEMA "any" %s FROM SERVER avro_import INTO imported OPTIONS (filename %L %s)',
                   clause, current_setting('test.dir') || filename, options);
    RETURN QUERY SELECT * FROM described();
END
$$;
\set as 'AS (name text, type text, nullable boolean, options text)'

-- every type, and every value
SELECT * FROM import('/types.avro', $$, file_columns 'true'$$) :as;
SELECT plain(_filename) AS _filename, _block, _row FROM imported.types;
ALTER FOREIGN TABLE imported.types DROP COLUMN _filename, DROP COLUMN _block, DROP COLUMN _row;
\x
SELECT * FROM imported.types;
\x

-- several generations of a schema: a field added with a default, one renamed, an int that became long
SELECT * FROM import('/generations') :as;
SELECT * FROM imported."order" ORDER BY id;
SELECT * FROM import('/generations/[12].avro', $$, table_name 'Two "of" them'$$) :as;
SELECT * FROM imported."Two ""of"" them" ORDER BY id;
-- schemas that are alike need no option
SELECT * FROM import('/generations/1*') :as;

-- directories "name=value": columns at the end, which hide a field of the same name
SET client_min_messages = notice;
SELECT * FROM import('/hive', $$, file_columns 'on'$$) :as;
SET client_min_messages = warning;
SELECT id, day, code, region, _block, _row FROM imported.event ORDER BY id;

-- a type at the top that is no record
SELECT * FROM import('/long.avro', $$, table_name 'numbers'$$) :as;
SELECT * FROM imported.numbers;
SELECT failure($$SELECT import('/long.avro')$$);

-- names that cannot be those of columns
SET client_min_messages = notice;
SELECT * FROM import('/names/names.avro') :as;
SET client_min_messages = warning;
SELECT * FROM imported.names;
SELECT * FROM import('/names/reserved.avro') :as;
SELECT failure($$SELECT import('/names/reserved.avro', ', file_columns ''true''')$$);

-- LIMIT TO and EXCEPT mean the table's name
SELECT * FROM import('/none.avro', '', 'LIMIT TO (none)') :as;
SELECT * FROM import('/none.avro', '', 'LIMIT TO ("None")') :as;
SELECT * FROM import('/none.avro', '', 'EXCEPT (none)') :as;
SELECT * FROM import('/none.avro', $$, table_name 'some'$$, 'EXCEPT (none)') :as;

-- the name of the schema as path
\set short `mktemp -d /tmp/XXXXXX`
\setenv AVRO_SHORT :short
\set path :short '/a/none.avro'
\! chmod a+x "$AVRO_SHORT" && ln -s "$AVRO_FILES" "$AVRO_SHORT"/a
DROP SCHEMA imported CASCADE;
CREATE SCHEMA imported;
IMPORT FOREIGN SCHEMA :"path" FROM SERVER avro_import INTO imported;
SELECT name, replace(options, :'short', '<short>') AS options FROM described();
SELECT count(*) FROM imported."none";
\! rm -r "$AVRO_SHORT"
SELECT failure(format('IMPORT FOREIGN SCHEMA %I FROM SERVER avro_import INTO imported', '/' || repeat('p', 61)));
SELECT failure(format('IMPORT FOREIGN SCHEMA %I FROM SERVER avro_import INTO imported', '/' || repeat('p', 62)));
SELECT failure('IMPORT FOREIGN SCHEMA relative FROM SERVER avro_import INTO imported');

-- what is refused
SELECT failure($$SELECT import('/misfit')$$);
SELECT failure($$SELECT import('/nothing')$$);
SELECT failure($$SELECT import('/broken')$$);
SELECT failure(format('SELECT import(%L, %L)', '/none.avro', o)) FROM (VALUES
    (', filname ''x'''), (', file_columns ''perhaps'''), (', table_name '''''), (', other ''x'''),
    (format(', table_name %L', repeat('t', 64)))) AS v (o);

-- everything is quoted
\! cp "$AVRO_FILES"/none.avro "$AVRO_FILES"/"it's \"a\" file.avro"
SELECT * FROM import('/it''s "a" file.avro', $$, table_name 'it''s "a" table'$$) :as;
SELECT count(*) FROM imported."it's ""a"" table";

-- a role without the right to read files
CREATE ROLE regress_avro_import;
GRANT USAGE ON FOREIGN SERVER avro_import TO regress_avro_import;
GRANT ALL ON SCHEMA avro_import, imported TO regress_avro_import;
SET ROLE regress_avro_import;
SELECT failure(format('IMPORT FOREIGN SCHEMA "any" FROM SERVER avro_import INTO imported OPTIONS (filename %L)',
                      :'dir' || '/none.avro'));
RESET ROLE;
GRANT pg_read_server_files TO regress_avro_import;
SET ROLE regress_avro_import;
SELECT failure(format('IMPORT FOREIGN SCHEMA "any" FROM SERVER avro_import INTO imported OPTIONS (filename %L)',
                      :'dir' || '/none.avro'));
RESET ROLE;
DROP SCHEMA avro_import, imported CASCADE;
DROP SERVER avro_import CASCADE;
DROP ROLE regress_avro_import;
