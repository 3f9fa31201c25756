-- loader/sql/batch_claim.sql
-- Claim file $3 for table $1. A loader of the same file that comes second waits
-- here for the first, and gets no row once that has committed.
INSERT INTO load_batch (table_name, file_name, file_id, source_sha256, first_block, start_offset)
VALUES ($1, $2, $3, $4, 0, 0)
ON CONFLICT (table_name, file_id, first_block) DO NOTHING
RETURNING load_id
