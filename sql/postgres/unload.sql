-- sql/postgres/unload.sql
-- Taking the rows of loads out again, so that their files can be loaded anew. Needs
-- tables.sql, session_mark.sql and session_state.sql. Safe to run again.

-- The part that deletes, from one table. What the setting says lasts to the end of
-- unload_batches, whose DELETE from the ledger needs it, too.
CREATE OR REPLACE FUNCTION unload_rows(
    table_name text, relation regclass, is_log boolean, load_ids bigint[], path text, force boolean)
RETURNS jsonb
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    ledger CONSTANT text := (SELECT c.relnamespace::regnamespace FROM pg_class AS c
                             WHERE c.oid = 'load_batch'::regclass::oid);
    target CONSTANT text := (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
                             FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                             WHERE c.oid = relation::oid);
    id_column CONSTANT text := (SELECT a.attname
                                FROM pg_attribute AS a
                                WHERE a.attrelid = relation::oid
                                  AND a.attnum > 0
                                  AND lower(a.attname::text) = 'load_id'
                                  AND a.atttypid = 'bigint'::regtype::oid
                                ORDER BY a.attname <> 'load_id', a.attnum
                                LIMIT 1);
    deleted jsonb;
BEGIN
    IF relation IS NULL THEN
        IF NOT force THEN
            RAISE EXCEPTION 'table % does not exist any more', table_name
                USING ERRCODE = 'undefined_table',
                      HINT = '"--force" takes its loads out of the ledger.';
        END IF;
    ELSIF id_column IS NULL THEN
        IF NOT force THEN
            RAISE EXCEPTION 'table % has no column load_id of type bigint', table_name
                USING ERRCODE = 'undefined_column',
                      DETAIL = 'So it is not known which of its rows a load has brought.',
                      HINT = '"--force" takes its loads out of the ledger, and leaves the rows. Where a table has such a column, the loader fills it in.';
        END IF;
        RAISE WARNING 'table % has no column load_id of type bigint: rows of these loads that are in it stay, and would be there twice when their files are loaded again', table_name;
    END IF;
    IF relation IS NULL OR id_column IS NULL THEN
        INSERT INTO session_mark (user_id) SELECT NULL WHERE is_log;
        RETURN '{}';
    END IF;
    -- triggers of the table see the search path that they saw when it was loaded
    PERFORM set_config('search_path', coalesce(path, current_setting('search_path')), true);
    EXECUTE pg_catalog.format('WITH gone AS ('
                   ' DELETE FROM %s AS t WHERE t.%I OPERATOR(pg_catalog.=) ANY ($1) RETURNING t.%I AS load_id, %s AS user_id'
                   '), mark AS ('
                   ' INSERT INTO %s.session_mark (user_id) SELECT DISTINCT g.user_id'
                   ' FROM gone AS g'
                   ' JOIN %s.load_batch AS b ON b.load_id OPERATOR(pg_catalog.=) g.load_id'
                   ' WHERE b.refreshed AND g.user_id IS NOT NULL'
                   ') SELECT pg_catalog.jsonb_object_agg(c.load_id, c.n)'
                   ' FROM (SELECT load_id, pg_catalog.count(*) AS n FROM gone GROUP BY load_id) AS c',
                   target, id_column, id_column, CASE WHEN is_log THEN 't.user_id' ELSE 'NULL::text' END,
                   ledger, ledger)
        INTO deleted USING load_ids;
    RETURN coalesce(deleted, '{}');
END;
$$;
COMMENT ON FUNCTION unload_rows(text, regclass, boolean, bigint[], text, boolean) IS
    'what unload_batches does with one table; returns how many rows of each batch were there';

-- Of a batch that no refresh has seen nothing is in the states. Of others the users
-- are marked: their states will be made anew from base and log. Who changes states
-- takes session_refresh first, then load_batch, then the table.
CREATE OR REPLACE FUNCTION unload_batches(
    load_ids bigint[], force boolean DEFAULT false, path text DEFAULT NULL)
RETURNS TABLE (load_id bigint, rows_loaded bigint, rows_deleted bigint)
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    setting CONSTANT text := current_setting('clickstream.load', true);
    batch record;
    target record;
    found jsonb := '{}';
BEGIN
    IF EXISTS (SELECT FROM load_batch AS b
               WHERE b.load_id = ANY (load_ids) AND session_is_log(b.table_name))
    THEN
        PERFORM session_refresh_begin();
    END IF;
    PERFORM FROM load_batch AS b WHERE b.load_id = ANY (load_ids) ORDER BY b.load_id FOR UPDATE;
    FOR batch IN
        SELECT id, b.rows_forgotten, b.load_id IS NULL AS is_unknown
        FROM pg_catalog.unnest(load_ids) AS id
        LEFT JOIN load_batch AS b ON b.load_id = id
        WHERE b.load_id IS NULL OR b.rows_forgotten > 0
        ORDER BY id
    LOOP
        IF batch.is_unknown THEN
            RAISE EXCEPTION 'load % is not in the ledger', batch.id
                USING ERRCODE = 'undefined_object';
        END IF;
        RAISE EXCEPTION 'load % cannot be taken out: forget_before has dropped % of its rows',
                        batch.id, batch.rows_forgotten
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Their events are in session_state.base, where it is not known which load brought them.';
    END LOOP;
    PERFORM set_config('clickstream.load', 'unload', true);
    FOR target IN
        SELECT b.table_name, to_regclass(b.table_name) AS relation,
               session_is_log(b.table_name) AS is_log, pg_catalog.array_agg(b.load_id) AS ids
        FROM load_batch AS b
        WHERE b.load_id = ANY (load_ids)
        GROUP BY b.table_name
        ORDER BY b.table_name
    LOOP
        found := found || unload_rows(target.table_name, target.relation, target.is_log,
                                      target.ids, path, force);
    END LOOP;
    FOR batch IN
        SELECT b.load_id, b.table_name, b.rows_loaded,
               coalesce((found ->> b.load_id::text)::bigint, 0) AS deleted
        FROM load_batch AS b
        WHERE b.load_id = ANY (load_ids)
        ORDER BY b.load_id
    LOOP
        IF batch.deleted <> batch.rows_loaded AND NOT force THEN
            RAISE EXCEPTION 'of the % rows of load % there are % in table %', batch.rows_loaded,
                            batch.load_id, batch.deleted, batch.table_name
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      DETAIL = 'Rows were deleted, replaced or changed since, or load_id was set by hand.',
                      HINT = '"--force" takes out those that are there.';
        END IF;
        load_id := batch.load_id;
        rows_loaded := batch.rows_loaded;
        rows_deleted := batch.deleted;
        RETURN NEXT;
    END LOOP;
    DELETE FROM load_batch AS b WHERE b.load_id = ANY (load_ids);
    PERFORM set_config('clickstream.load', coalesce(setting, ''), true);
END;
$$;
COMMENT ON FUNCTION unload_batches(bigint[], boolean, text) IS
    'takes the rows of these batches of load_batch out of their tables, and the batches out of the ledger; with force also where rows of them are missing, or their table does not tell which they are. path: the search path for triggers of the tables';
