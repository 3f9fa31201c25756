-- loader/sql/table_lock.sql
-- Take the lock of table $1 if it can be had at once: true where it is ours, beside others
-- who load into the table, or by ourselves, to empty it ($2). It lasts as long as the session.
SELECT CASE
    WHEN $2::boolean THEN pg_try_advisory_lock(hashtextextended($1::text, 3::bigint))
    ELSE pg_try_advisory_lock_shared(hashtextextended($1::text, 3::bigint))
END
