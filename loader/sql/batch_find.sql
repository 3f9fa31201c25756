-- loader/sql/batch_find.sql
-- The load of file $2 into table $1.
SELECT load_id,
       checksum,
       to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
FROM load_batch
WHERE table_name = $1
  AND file_id = $2
ORDER BY first_block
LIMIT 1
