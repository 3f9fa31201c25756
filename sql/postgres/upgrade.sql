-- sql/postgres/upgrade.sql
-- Brings tables of an older version to the shape that tables.sql gives them. Run
-- where load_batch exists, before the shapes are compared. Safe to run again.

-- Loads take load_batch first, then the table that they fill: whoever takes locks
-- on both in the other order may meet one half-way. It is locked here, so init
-- waits for the loads that run and keeps others out.
LOCK TABLE load_batch IN SHARE ROW EXCLUSIVE MODE;

DO $$
BEGIN
    -- 0.1.0 had no stored states. None of its batches is in one.
    IF NOT EXISTS (SELECT
                   FROM pg_attribute AS a
                   WHERE a.attrelid = 'load_batch'::regclass
                     AND a.attname = 'refreshed'
                     AND NOT a.attisdropped)
    THEN
        ALTER TABLE load_batch
            ADD COLUMN start_pages jsonb,
            ADD COLUMN refreshed boolean NOT NULL DEFAULT false,
            ADD COLUMN rows_forgotten bigint NOT NULL DEFAULT 0;
    END IF;
END;
$$;
