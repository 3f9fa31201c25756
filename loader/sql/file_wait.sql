-- loader/sql/file_wait.sql
-- Wait for the locks of file_lock.sql.
SELECT pg_advisory_lock(hashtextextended($1 || ' ' || $2, 0)),
       CASE WHEN $3 IS NOT NULL THEN pg_advisory_lock(hashtextextended($1 || ' ' || $3, 1)) END
