-- loader/sql/batch_rejects.sql
-- What was refused of file $2 for table $1, in the file's order.
SELECT r.file_name,
       r.line,
       r.block,
       r.record,
       r.column_name,
       r.sqlstate,
       r.reason,
       r.record_text,
       r.record_bytes
FROM load_reject AS r
JOIN load_batch AS b USING (load_id)
WHERE b.table_name = $1
  AND b.file_id = $2
ORDER BY r.record, r.line
