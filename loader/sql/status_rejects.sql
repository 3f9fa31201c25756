-- loader/sql/status_rejects.sql
-- What was refused, of batches as in status_files.sql but of load $2 alone. The columns
-- line and record_bytes are not in tables of an older version.
SELECT r.load_id,
       r.file_name,
       j.row ->> 'line'::text,
       r.block,
       r.record,
       r.column_name,
       r.sqlstate,
       r.reason,
       r.record_text,
       translate(encode((j.row ->> 'record_bytes'::text)::bytea, 'base64'), E'\n', '')
FROM load_reject AS r
JOIN load_batch AS b USING (load_id)
CROSS JOIN LATERAL pg_catalog.to_jsonb(r) AS j (row)
WHERE (b.table_name = $1 OR $1 IS NULL)
  AND (coalesce($2::text, $3, $4) IS NULL
       OR b.load_id = $2::bigint
       OR b.file_id = $3
       OR b.file_name = $4)
ORDER BY b.table_name, r.file_name, r.record, r.load_id
