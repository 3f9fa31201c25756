-- loader/sql/file_settle.sql
-- Wait until no batch of file $2 for table $1 is under way: with the lock of
-- file_lock.sql in hand, no other can begin.
SELECT pg_advisory_xact_lock(hashtextextended($1::text || ' ' || $2::text, 2::bigint))
