-- loader/sql/table_columns.sql
-- The columns of table $1. A domain counts as the type it is made from: the
-- server checks the rest.
SELECT a.attname,
       (WITH RECURSIVE base (oid) AS (
            SELECT a.atttypid
            UNION ALL
            SELECT t.typbasetype FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype = 'd'
        )
        SELECT base.oid FROM base JOIN pg_type t ON t.oid = base.oid WHERE t.typtype <> 'd'),
       format_type(a.atttypid, a.atttypmod),
       a.attnotnull,
       a.attgenerated <> ''
FROM pg_attribute a
WHERE a.attrelid = $1::oid
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum
