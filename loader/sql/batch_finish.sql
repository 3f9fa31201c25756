-- loader/sql/batch_finish.sql
-- Fill in what became of load $1.
UPDATE load_batch
SET end_block = $2,
    end_offset = $3,
    checksum = $4,
    rows_read = $5,
    rows_loaded = $6,
    rows_rejected = $7
WHERE load_id = $1
