-- loader/sql/file_unlock.sql
-- Give the locks of file_lock.sql back.
SELECT pg_advisory_unlock(hashtextextended($1::text || ' ' || $2::text, 0::bigint)),
       $3::text IS NOT NULL
           AND pg_advisory_unlock(hashtextextended($1::text || ' ' || $3::text, 1::bigint))
