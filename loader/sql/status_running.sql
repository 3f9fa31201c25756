-- loader/sql/status_running.sql
-- Loads under way, into table $1 (NULL: any): sessions that copy into a table, and those
-- that hold the lock of a file of which something is loaded already. A batch holds a
-- lock, too, by which its file is known (see file_lock.sql and batch_guard.sql).
WITH key AS (
    SELECT b.table_name,
           (pg_catalog.array_agg(b.file_name ORDER BY b.load_id DESC))[1] AS file_name,
           hashtextextended(b.table_name || ' ' || b.file_id, kind::bigint) AS key
    FROM load_batch AS b, pg_catalog.unnest(ARRAY[0, 2]) AS kind
    GROUP BY b.table_name, b.file_id, kind
), held AS (
    SELECT DISTINCT ON (l.pid) l.pid, k.table_name, k.file_name
    FROM pg_locks AS l
    JOIN key AS k ON l.classid::bigint = (k.key >> 32) & 4294967295
                 AND l.objid::bigint = k.key & 4294967295
    WHERE l.locktype = 'advisory'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.objsubid = 1
      AND l.granted
    ORDER BY l.pid
)
SELECT a.pid,
       coalesce(h.table_name, pg_catalog.format('%I.%I', n.nspname, c.relname)),
       h.file_name,
       p.tuples_processed,
       p.bytes_processed,
       to_char(coalesce(a.xact_start, a.backend_start) AT TIME ZONE 'UTC',
               'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
       CASE WHEN p.pid IS NULL THEN 'leads' ELSE 'copies' END
FROM pg_stat_activity AS a
LEFT JOIN held AS h USING (pid)
LEFT JOIN pg_stat_progress_copy AS p ON p.pid = a.pid AND p.command = 'COPY FROM'
LEFT JOIN pg_class AS c ON c.oid = p.relid AND p.datname = current_database()
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.pid <> pg_backend_pid()
  AND (h.pid IS NOT NULL OR c.oid IS NOT NULL)
  AND ($1::text IS NULL OR $1 = coalesce(h.table_name, pg_catalog.format('%I.%I', n.nspname, c.relname)))
ORDER BY a.pid
