-- loader/sql/file_wait.sql
-- Wait for the locks of file_lock.sql.
SELECT pg_advisory_lock(hashtextextended($1::text || ' ' || $2::text, 0::bigint)),
       CASE WHEN $3::text IS NOT NULL
            THEN pg_advisory_lock(hashtextextended($1::text || ' ' || $3::text, 1::bigint))
       END
