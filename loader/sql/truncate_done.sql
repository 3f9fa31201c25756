-- loader/sql/truncate_done.sql
-- Whether table $1 was emptied for file $2, and only that one and files of the identities
-- in the JSON array $3 were loaded into it since. Their names would not do: a file of the
-- same name that has changed is another one, whose old rows are to go.
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
            AND later.file_id <> $2
            AND later.file_id NOT IN (SELECT json_array_elements_text($3::json))))
