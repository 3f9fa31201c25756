-- loader/sql/source_find.sql
-- A load into table $1 of records of a file other than $2 that was made from the same
-- log $3.
SELECT load_id,
       file_name,
       to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
FROM load_batch
WHERE table_name = $1
  AND file_id <> $2
  AND source_sha256 = $3
  AND rows_read > 0
ORDER BY load_id
LIMIT 1
