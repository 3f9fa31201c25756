-- loader/sql/truncate_done.sql
-- Whether table $1 was emptied for file $2, and only files with the names in the
-- JSON array $3 were loaded into it since.
SELECT EXISTS (
    SELECT
    FROM load_batch AS b
    WHERE b.table_name = $1
      AND b.file_id = $2
      AND b.truncated
      AND NOT EXISTS (
          SELECT
          FROM load_batch AS later
          WHERE later.table_name = $1
            AND later.load_id > b.load_id
            AND later.file_name NOT IN (SELECT json_array_elements_text($3::json))))
