-- loader/sql/batch_claim.sql
-- Claim blocks from $6 on, at byte $7, of file $3 for table $1, whose oid is $5; $8:
-- the table was emptied for it. No row where they are in the table already. A batch
-- without blocks, of a file that had none, takes in those that it has got since.
-- Functions are called with exactly their types, here and in the other statements that
-- run beside the ledger: nobody's function of the same name can come between.
INSERT INTO load_batch AS b (table_name, file_name, file_id, source_sha256, first_block,
                             start_offset, truncated, start_pages)
VALUES ($1, $2, $3, $4, $6, $7, $8, (
    SELECT pg_catalog.jsonb_object_agg(c.oid, pg_relation_size(c.oid::regclass)
                                                  / current_setting('block_size')::bigint)
    FROM (SELECT $5::oid AS oid
          UNION
          SELECT relid FROM pg_partition_tree($5::oid::regclass)) AS tree
    JOIN pg_class AS c USING (oid)
    WHERE c.relkind = 'r'))
ON CONFLICT (table_name, file_id, first_block) DO UPDATE
SET file_name = EXCLUDED.file_name,
    start_pages = EXCLUDED.start_pages,
    truncated = b.truncated OR EXCLUDED.truncated,
    refreshed = false,
    loaded_at = EXCLUDED.loaded_at
WHERE b.end_block = b.first_block
RETURNING load_id
