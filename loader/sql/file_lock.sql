-- loader/sql/file_lock.sql
-- Take the lock of file $2 for table $1, and that of the log $3 it was made from, if
-- nobody has them: true where both are ours. They last as long as the session.
SELECT CASE
    WHEN NOT pg_try_advisory_lock(hashtextextended($1::text || ' ' || $2::text, 0::bigint)) THEN false
    WHEN $3::text IS NULL THEN true
    WHEN pg_try_advisory_lock(hashtextextended($1::text || ' ' || $3::text, 1::bigint)) THEN true
    ELSE NOT pg_advisory_unlock(hashtextextended($1::text || ' ' || $2::text, 0::bigint))
END
