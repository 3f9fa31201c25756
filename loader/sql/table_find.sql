-- loader/sql/table_find.sql
-- The table that the user calls $1, looked up in schema $2, or by the search path
-- $3 of the user's where $2 is NULL, and the schema of its ledger. No row where
-- there is no such table; NULL where there is no ledger. Last, whether it is partitioned.
WITH path AS MATERIALIZED (
    SELECT set_config('search_path', coalesce(quote_ident($2), $3), true) AS path
), found AS MATERIALIZED (
    SELECT to_regclass($1)::oid AS oid FROM path WHERE path IS NOT NULL
)
SELECT c.oid,
       n.nspname,
       c.relname,
       pg_catalog.format('%I.%I', n.nspname, c.relname),
       (SELECT ln.nspname
        FROM pg_class l
        JOIN pg_namespace ln ON ln.oid = l.relnamespace
        WHERE l.oid = CASE
            WHEN $2 IS NOT NULL THEN to_regclass(quote_ident($2) || '.load_batch')::oid
            ELSE coalesce(to_regclass(quote_ident(n.nspname::text) || '.load_batch'),
                          to_regclass('load_batch'))::oid
        END),
       c.relkind = 'p'
FROM found
JOIN pg_class c ON c.oid = found.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
