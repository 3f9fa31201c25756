-- loader/sql/serve_session.sql
-- Sets up a connection of the service: the extension's schema and that of the reports, $1,
-- are searched behind pg_catalog; a statement may take $2; nothing is written. No row where
-- there is no such schema.
SELECT set_config('search_path', format('pg_catalog, %I, %I, pg_temp', n.nspname, r.nspname), false),
       set_config('statement_timeout', $2::text, false),
       set_config('default_transaction_read_only', 'on', false),
       set_config('TimeZone', 'UTC', false),
       set_config('DateStyle', 'ISO, YMD', false)
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
JOIN pg_namespace AS r ON r.nspname = $1::text
WHERE e.extname = 'clickstream'
