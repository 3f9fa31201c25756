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

    -- Up to 0.6.0 a table had another name under quote_all_identifiers, which is off here.
    -- What was loaded under both names stays as it is.
    IF (SELECT count(*)
        FROM pg_attribute AS a
        WHERE a.attrelid = 'load_batch'::regclass::oid
          AND a.attname IN ('table_name', 'file_id')
          AND a.atttypid = 'text'::regtype::oid
          AND NOT a.attisdropped) = 2
    THEN
        UPDATE load_batch AS b
        SET table_name = known.name
        FROM (SELECT d.table_name, pg_catalog.format('%I.%I', p.parts[1], p.parts[2]) AS name
              FROM (SELECT DISTINCT l.table_name FROM load_batch AS l WHERE l.table_name ~ '^"') AS d
              CROSS JOIN LATERAL parse_ident(d.table_name, true) AS p (parts)
              WHERE pg_catalog.cardinality(p.parts) = 2) AS known
        WHERE b.table_name = known.table_name
          AND b.table_name <> known.name
          AND NOT EXISTS (SELECT
                          FROM load_batch AS other
                          WHERE other.table_name = known.name
                            AND other.file_id = b.file_id);
    END IF;
END;
$$;
