-- loader/sql/table_wait.sql
-- Wait for the lock of table_lock.sql.
SELECT CASE
    WHEN $2::boolean THEN pg_advisory_lock(hashtextextended($1::text, 3::bigint))
    ELSE pg_advisory_lock_shared(hashtextextended($1::text, 3::bigint))
END
