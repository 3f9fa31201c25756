-- loader/sql/table_unlock.sql
-- Give the lock of table_lock.sql back that others share.
SELECT pg_advisory_unlock_shared(hashtextextended($1::text, 3::bigint))
