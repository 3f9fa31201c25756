-- loader/sql/table_columns.sql
-- The columns of table $1, and what separates the items of arrays. A domain counts
-- as the type it is made from: the server checks the rest.
SELECT a.attname,
       base.oid,
       format_type(a.atttypid, a.atttypmod),
       a.attnotnull,
       a.attgenerated <> '',
       CASE WHEN base.typsubscript::oid = 'pg_catalog.array_subscript_handler'::regproc::oid THEN base.typdelim END
FROM pg_attribute a
CROSS JOIN LATERAL (
    WITH RECURSIVE base (oid) AS (
        SELECT a.atttypid
        UNION ALL
        SELECT t.typbasetype FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype = 'd'
    )
    SELECT t.oid, t.typsubscript, t.typdelim
    FROM base
    JOIN pg_type t ON t.oid = base.oid
    WHERE t.typtype <> 'd'
) AS base
WHERE a.attrelid = $1::oid
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum
