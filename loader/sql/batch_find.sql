-- loader/sql/batch_find.sql
-- The batches of file $2 in table $1, in the file's order; whether they went into another
-- table than the one with oid $3 (NULL: not asked), by those that start_pages names, a column
-- that an older version's ledger has not.
SELECT load_id,
       first_block,
       end_block,
       start_offset,
       end_offset,
       checksum,
       rows_read,
       rows_rejected,
       to_char(loaded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
       coalesce(NOT (pg_catalog.to_jsonb(b) OPERATOR(pg_catalog.->) 'start_pages'::text)
                    OPERATOR(pg_catalog.?) $3::text, false)
FROM load_batch AS b
WHERE table_name = $1
  AND file_id = $2
ORDER BY first_block
