-- sql/postgres/session_mark.sql
-- Marks: what changes rows of http_log other than a load leaves word of it, so
-- that no report trusts the stored states before the next refresh. Needs the
-- tables of tables.sql. Safe to run again, which also gives the triggers to
-- partitions that were attached since.

-- The triggers do nothing in a transaction of ours that keeps ledger and states
-- right itself, which says so by this setting. A statement of a trigger is none
-- of ours, whatever fired that: hence the depth.
CREATE OR REPLACE FUNCTION session_mark_suppressed()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(current_setting('clickstream.load', true), '') <> '' AND pg_trigger_depth() = 1;
END;
COMMENT ON FUNCTION session_mark_suppressed() IS
    'whether a trigger of http_log need not leave a mark, because a load or the like keeps the states right';

-- Who may write to http_log need not have any right to session_mark: hence
-- SECURITY DEFINER. There is always a new mark: one that stands there already
-- may be about to be cleared by a refresh that does not see our rows.
CREATE OR REPLACE FUNCTION session_mark_all()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT session_mark_suppressed() THEN
        INSERT INTO session_mark (user_id) VALUES (NULL);
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION session_mark_all() IS
    'trigger: marks all users; without transition tables, which would make a COPY much slower';

CREATE OR REPLACE FUNCTION session_mark_users()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF session_mark_suppressed() THEN
        RETURN NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO session_mark (user_id)
        SELECT DISTINCT r.user_id FROM old_rows AS r WHERE r.user_id IS NOT NULL;
    ELSE
        INSERT INTO session_mark (user_id)
        SELECT r.user_id FROM old_rows AS r WHERE r.user_id IS NOT NULL
        UNION
        SELECT r.user_id FROM new_rows AS r WHERE r.user_id IS NOT NULL;
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION session_mark_users() IS
    'trigger: marks the users whose rows were updated or deleted';

-- A batch whose rows are in no state yet is known by its row of load_batch alone.
CREATE OR REPLACE FUNCTION session_mark_batches()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT session_mark_suppressed() AND EXISTS (SELECT FROM old_rows AS b WHERE NOT b.refreshed)
    THEN
        INSERT INTO session_mark (user_id) VALUES (NULL);
    END IF;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION session_mark_batches() IS
    'trigger: marks all users where a batch that no refresh has seen was deleted from load_batch';

REVOKE EXECUTE ON FUNCTION session_mark_all(), session_mark_users(), session_mark_batches()
    FROM PUBLIC;

-- Triggers of a statement are not inherited: each partition needs its own, for
-- what is written to it directly. One that is there already is left alone, for
-- replacing it would wait for every load that runs.
CREATE OR REPLACE FUNCTION session_mark_equip(relation regclass, is_log boolean)
RETURNS boolean
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    old_rows CONSTANT text := 'REFERENCING OLD TABLE AS old_rows';
    missing record;
BEGIN
    FOR missing IN
        SELECT v.*
        FROM (VALUES
            (true, 'session_mark_insert', 'INSERT', '', 'session_mark_all'::regproc),
            (true, 'session_mark_truncate', 'TRUNCATE', '', 'session_mark_all'::regproc),
            (true, 'session_mark_update', 'UPDATE', old_rows || ' NEW TABLE AS new_rows',
             'session_mark_users'::regproc),
            (true, 'session_mark_delete', 'DELETE', old_rows, 'session_mark_users'::regproc),
            (false, 'session_mark_truncate', 'TRUNCATE', '', 'session_mark_all'::regproc),
            (false, 'session_mark_delete', 'DELETE', old_rows, 'session_mark_batches'::regproc)
        ) AS v (of_log, name, event, tables, function)
        WHERE v.of_log = is_log
          AND NOT EXISTS (SELECT FROM pg_trigger AS t
                          WHERE t.tgrelid = relation::oid
                            AND t.tgname = v.name
                            AND t.tgfoid = v.function::oid)
        ORDER BY v.name
    LOOP
        EXECUTE pg_catalog.format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s %s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION %s()',
                       missing.name, missing.event, relation, missing.tables, missing.function);
        EXECUTE pg_catalog.format('COMMENT ON TRIGGER %I ON %s IS %L', missing.name, relation,
                       'marks the users concerned, unless a load or the like keeps the states right');
    END LOOP;
    RETURN FOUND;
END;
$$;
COMMENT ON FUNCTION session_mark_equip(regclass, boolean) IS
    'gives the triggers that it lacks to a table: to http_log or a partition of it, or else to load_batch; returns whether any was missing';

-- Where a trigger was missing, rows may have been written unseen: hence the mark.
CREATE OR REPLACE FUNCTION session_mark_install()
RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    tree record;
    any_missing boolean := false;
BEGIN
    FOR tree IN
        SELECT c.oid AS relid, t.is_log
        FROM (SELECT 'http_log'::regclass AS relid, true AS is_log
              UNION
              SELECT p.relid, true FROM pg_partition_tree('http_log'::regclass) AS p
              UNION
              SELECT 'load_batch'::regclass, false) AS t
        JOIN pg_class AS c ON c.oid = t.relid::oid
        WHERE c.relkind IN ('r', 'p')
        ORDER BY c.oid
    LOOP
        any_missing := session_mark_equip(tree.relid::regclass, tree.is_log) OR any_missing;
    END LOOP;
    IF any_missing THEN
        INSERT INTO session_mark (user_id) VALUES (NULL);
    END IF;
END;
$$;
COMMENT ON FUNCTION session_mark_install() IS
    'gives http_log, each of its partitions and load_batch the triggers that they lack, and marks all users if any did';

DO $$
BEGIN
    PERFORM session_mark_install();
END;
$$;
