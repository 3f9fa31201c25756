-- loader/sql/shape_check.sql
-- Columns of our tables that differ in schema $1 from what they should be. How
-- they should be stand the temporary tables of this session: tables.sql has just
-- been run with search_path = pg_temp. Columns of the user's own do not matter.
SELECT wanted.relname,
       wanted_column.attname,
       format_type(wanted_column.atttypid, wanted_column.atttypmod),
       format_type(found_column.atttypid, found_column.atttypmod),
       found.relkind IN ('r', 'p')
FROM pg_class wanted
JOIN pg_attribute wanted_column
    ON wanted_column.attrelid = wanted.oid
   AND wanted_column.attnum > 0
   AND NOT wanted_column.attisdropped
JOIN pg_class found
    ON found.relname = wanted.relname
   AND found.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
LEFT JOIN pg_attribute found_column
    ON found_column.attrelid = found.oid
   AND found_column.attname = wanted_column.attname
   AND found_column.attnum > 0
   AND NOT found_column.attisdropped
WHERE wanted.relnamespace = pg_my_temp_schema()
  AND wanted.relkind = 'r'
  AND (found.relkind NOT IN ('r', 'p')
       OR found_column.attname IS NULL
       OR found_column.atttypid <> wanted_column.atttypid
       OR found_column.atttypmod <> wanted_column.atttypmod)
ORDER BY wanted.relname, wanted_column.attnum
