-- loader/sql/unload_find.sql
-- The batches in table $1 (NULL: in any) that $2 to $4 mean: the one numbered $2; or
-- those of the file with identity $3; or those of the file that was called $4. Where
-- $3 is NULL the file cannot be read, and its name has to do; where it is not, batches of
-- another file of this name come last, as a hint.
SELECT b.load_id,
       b.table_name,
       b.file_name,
       b.file_id,
       b.source_sha256,
       b.load_id = $2::bigint OR b.file_id = $3 OR ($3 IS NULL AND b.file_name = $4)
FROM load_batch AS b
WHERE (b.load_id = $2::bigint OR b.file_id = $3 OR b.file_name = $4)
  AND (b.table_name = $1 OR $1 IS NULL)
ORDER BY 6 DESC, b.load_id
