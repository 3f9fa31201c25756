-- loader/sql/ledger_find.sql
-- The schema of the ledger: $1, or where that is NULL the first of the search path $2
-- that has one. No row where there is none.
WITH path AS MATERIALIZED (
    SELECT set_config('search_path', coalesce(quote_ident($1), $2), true) AS path
)
SELECT n.nspname
FROM path
JOIN pg_class AS c ON c.oid = to_regclass('load_batch')::oid AND path.path IS NOT NULL
JOIN pg_namespace AS n ON n.oid = c.relnamespace
