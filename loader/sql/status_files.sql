-- loader/sql/status_files.sql
-- What was loaded, by table and file: in table $1 (NULL: any), of the file that load $2
-- read, that has identity $3, or was called $4; of all where these are NULL. Who holds
-- the lock of a file loads it now: an advisory lock shows the halves of its key.
WITH file AS (
    SELECT b.table_name,
           b.file_id,
           (pg_catalog.array_agg(b.file_name ORDER BY b.load_id DESC))[1] AS file_name,
           count(*) AS batches,
           min(b.load_id) AS first_id,
           max(b.load_id) AS last_id,
           sum(b.rows_read) AS rows_read,
           sum(b.rows_loaded) AS rows_loaded,
           sum(b.rows_rejected) AS rows_rejected,
           sum(b.rows_forgotten) AS rows_forgotten,
           sum(b.end_offset - b.start_offset) AS bytes,
           min(b.loaded_at) AS first_at,
           max(b.loaded_at) AS last_at,
           bool_or(b.truncated) AS truncated
    FROM load_batch AS b
    WHERE (b.table_name = $1 OR $1 IS NULL)
      AND (coalesce($2::text, $3, $4) IS NULL
           OR b.file_id = $3
           OR b.file_name = $4
           OR (b.table_name, b.file_id) IN (SELECT o.table_name, o.file_id
                                            FROM load_batch AS o
                                            WHERE o.load_id = $2::bigint))
    GROUP BY b.table_name, b.file_id
)
SELECT f.file_name,
       f.table_name,
       f.batches,
       pg_catalog.concat(f.first_id, '-' || nullif(f.last_id, f.first_id)::text) AS loads,
       f.rows_read,
       f.rows_loaded,
       f.rows_rejected,
       f.rows_forgotten,
       f.bytes,
       to_char(f.first_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
       to_char(f.last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
       f.truncated,
       (SELECT min(l.pid)
        FROM pg_locks AS l,
             hashtextextended(f.table_name || ' ' || f.file_id, 0::bigint) AS key
        WHERE l.locktype = 'advisory'
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.classid::bigint = (key >> 32) & 4294967295
          AND l.objid::bigint = key & 4294967295
          AND l.objsubid = 1
          AND l.granted),
       f.file_id,
       extract(epoch FROM f.last_at)::bigint
FROM file AS f
ORDER BY f.first_id
