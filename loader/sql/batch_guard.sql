-- loader/sql/batch_guard.sql
-- Announce a batch of file $2 for table $1 to file_settle.sql and table_settle.sql.
SELECT pg_advisory_xact_lock_shared(hashtextextended($1::text || ' ' || $2::text, 2::bigint)),
       pg_advisory_xact_lock_shared(hashtextextended($1::text, 4::bigint))
