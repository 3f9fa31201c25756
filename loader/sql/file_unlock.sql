-- loader/sql/file_unlock.sql
-- Give the locks of file_lock.sql back.
SELECT pg_advisory_unlock(hashtextextended($1 || ' ' || $2, 0)),
       $3 IS NOT NULL AND pg_advisory_unlock(hashtextextended($1 || ' ' || $3, 1))
