-- sql/postgres/upgrade.sql
-- Brings tables of an older version to the shape that tables.sql gives them. Run
-- where load_batch exists, before the shapes are compared. Safe to run again.

-- What changes the states takes session_refresh first, loads take load_batch first,
-- both before any other table of ours. So does init: it waits for those that run
-- and keeps others out, and meets none of them half-way.
DO $$
BEGIN
    IF to_regclass('session_refresh') IS NOT NULL THEN
        LOCK TABLE session_refresh IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    LOCK TABLE load_batch IN SHARE ROW EXCLUSIVE MODE;

    -- 0.1.0 had no stored states. None of its batches is in one.
    IF NOT EXISTS (SELECT
                   FROM pg_attribute AS a
                   WHERE a.attrelid = 'load_batch'::regclass::oid
                     AND a.attname = 'refreshed'
                     AND NOT a.attisdropped)
    THEN
        ALTER TABLE load_batch
            ADD COLUMN start_pages jsonb,
            ADD COLUMN refreshed boolean NOT NULL DEFAULT false,
            ADD COLUMN rows_forgotten bigint NOT NULL DEFAULT 0;
    END IF;

    -- Up to 0.4.0 the file of rejects was not written from here.
    IF NOT EXISTS (SELECT
                   FROM pg_attribute AS a
                   WHERE a.attrelid = 'load_reject'::regclass::oid
                     AND a.attname = 'record_bytes'
                     AND NOT a.attisdropped)
    THEN
        ALTER TABLE load_reject ADD COLUMN line bigint, ADD COLUMN record_bytes bytea;
    END IF;

    -- Up to 0.5.0 marks had the numbers of a sequence, and session_refresh a row that was
    -- never refreshed.
    IF EXISTS (SELECT
               FROM pg_attribute AS a
               WHERE a.attrelid = to_regclass('session_mark')::oid
                 AND a.attname = 'mark_id'
                 AND a.attidentity <> '')
    THEN
        ALTER TABLE session_mark
            ALTER mark_id DROP IDENTITY,
            ALTER mark_id SET DEFAULT uuid_hash_extended(gen_random_uuid(), 0::bigint);
        DELETE FROM session_refresh WHERE refreshed_at IS NULL;
    END IF;
END;
$$;
