-- loader/sql/unload_batches.sql
-- Take the batches of the JSON array $1 out; $2: also where rows are missing; $3: the
-- user's search path. What each was, and how many rows there were.
WITH batch AS MATERIALIZED (
    SELECT b.load_id, b.table_name, b.file_name
    FROM load_batch AS b
    WHERE b.load_id IN (SELECT value::bigint FROM json_array_elements_text($1::json))
)
SELECT u.load_id, b.table_name, b.file_name, u.rows_loaded, u.rows_deleted
FROM unload_batches((SELECT pg_catalog.array_agg(load_id) FROM batch), $2::boolean,
                    $3::text) AS u
JOIN batch AS b USING (load_id)
ORDER BY u.load_id
