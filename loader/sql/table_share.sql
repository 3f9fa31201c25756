-- loader/sql/table_share.sql
-- Let others load into table $1, which is emptied, without letting go of its lock.
SELECT pg_advisory_lock_shared(hashtextextended($1::text, 3::bigint)),
       pg_advisory_unlock(hashtextextended($1::text, 3::bigint))
