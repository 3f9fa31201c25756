-- loader/sql/source_lock.sql
-- Wait for other loads into table $1 of files made from the log $2.
SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))
