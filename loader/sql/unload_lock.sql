-- loader/sql/unload_lock.sql
-- Keep loads of file $2, made from log $3, into table $1 away until the transaction
-- ends: false where there is one. Batches that are left over from one are waited for.
SELECT CASE
    WHEN NOT pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 0::bigint)) THEN false
    WHEN NOT coalesce(pg_try_advisory_xact_lock(hashtextextended($1::text || ' ' || $3::text, 1::bigint)), true)
        THEN false
    ELSE pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 2::bigint)) IS NOT NULL
END
