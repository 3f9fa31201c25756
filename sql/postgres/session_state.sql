-- sql/postgres/session_state.sql
-- The stored states, and how they are brought up to date. Needs the tables of
-- tables.sql. Safe to run again.
--
-- state = base merged with sessionize of the user's rows in http_log, as far as
-- nothing else stands written: a batch of load_batch that is not refreshed (its
-- rows are in no state yet) or a mark (rows were changed by hand).
--
-- A refresh is one statement, and so has one snapshot: the batches and marks that
-- it sees belong to the rows that it sees. It sets those batches to refreshed and
-- deletes those marks in the same statement, and leaves any that are committed
-- meanwhile to the next one. Nothing is done twice or left out, whenever a load
-- commits and wherever a refresh is killed.

CREATE OR REPLACE FUNCTION session_is_log(table_name text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT NOT EXISTS (
        SELECT
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = (parse_ident(session_is_log.table_name, true))[1]
          AND c.relname = (parse_ident(session_is_log.table_name, true))[2]
          AND c.oid <> 'http_log'::regclass::oid
          AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid::regclass) AS a
                          WHERE a.relid::oid = 'http_log'::regclass::oid));
END;
COMMENT ON FUNCTION session_is_log(text) IS
    'whether a table of load_batch is http_log or one of its partitions; also of a name that leads nowhere, as after a change of name';

-- Row security would be circumvented by states that were made without it, and may
-- hide marks and batches. No states at all beside a log with rows: a dump may have been
-- restored without them.
CREATE OR REPLACE FUNCTION session_states_fresh()
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT NOT EXISTS (SELECT FROM session_mark)
       AND NOT EXISTS (SELECT FROM load_batch AS b
                       WHERE NOT b.refreshed AND session_is_log(b.table_name))
       AND (EXISTS (SELECT FROM session_state) OR NOT EXISTS (SELECT FROM http_log))
       AND NOT row_security_active('http_log'::regclass::oid)
       AND NOT row_security_active('session_mark'::regclass::oid)
       AND NOT row_security_active('load_batch'::regclass::oid);
END;
COMMENT ON FUNCTION session_states_fresh() IS
    'whether the stored states hold exactly the events of http_log and of base: no mark, no batch that is not refreshed';

-- Updating the row is the lock; it goes with the transaction. Under REPEATABLE
-- READ it fails (40001) where another refresh committed after our snapshot.
CREATE OR REPLACE FUNCTION session_refresh_begin()
RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF row_security_active('http_log') OR row_security_active('session_state')
       OR row_security_active('session_mark') OR row_security_active('load_batch')
    THEN
        RAISE EXCEPTION 'states cannot be kept by a role that row security hides rows from'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Use the owner of the tables, or a role with BYPASSRLS.';
    END IF;
    INSERT INTO session_refresh DEFAULT VALUES
    ON CONFLICT (only_row) DO UPDATE SET only_row = true;
END;
$$;
COMMENT ON FUNCTION session_refresh_begin() IS
    'waits until no other transaction changes the states, and keeps others from it until this one ends';

-- The functions below are STABLE, so that they read with the snapshot of the
-- statement that calls them. Being functions, they may use parallel workers where
-- that statement, which writes, may not.

CREATE OR REPLACE FUNCTION session_states_of_log()
RETURNS TABLE (user_id text, state sessionset)
LANGUAGE plpgsql STABLE ROWS 100000 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT user_id, b.base + l.state
    FROM (SELECT user_id, sessionize("timestamp", http_method, http_path) AS state
          FROM http_log
          WHERE user_id IS NOT NULL
          GROUP BY user_id) AS l
    FULL JOIN (SELECT user_id, base FROM session_state WHERE base IS NOT NULL) AS b USING (user_id)
    WHERE b.base IS NOT NULL OR l.state IS NOT NULL;
END;
$$;
COMMENT ON FUNCTION session_states_of_log() IS
    'the states of all users as they should be, made from http_log and base';

CREATE OR REPLACE FUNCTION session_states_of_users(user_ids text[])
RETURNS TABLE (user_id text, state sessionset)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path FROM CURRENT SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    IF user_ids IS NOT NULL THEN
        RETURN QUERY
        SELECT user_id, sessionize(l."timestamp", l.http_method, l.http_path)
        FROM http_log AS l
        WHERE user_id = ANY (user_ids)
        GROUP BY user_id;
    END IF;
END;
$$;
COMMENT ON FUNCTION session_states_of_users(text[]) IS
    'what sessionize makes of the rows that these users have in http_log';

-- Rows of a load stand behind the end that the table had when the load began, as
-- long as no dead rows made room before it. How many there must be is known, so
-- it can be told whether all of them were found there. (A BRIN index on load_id
-- would do as well, but add a third to the time of a COPY.)
CREATE OR REPLACE FUNCTION session_rows_behind(start_pages jsonb[])
RETURNS text
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    page_size CONSTANT bigint := current_setting('block_size')::bigint;
    pages_in_all bigint := 0;
    pages_behind bigint := 0;
    selects text[] := ARRAY[]::text[];
    leaf record;
BEGIN
    IF pg_catalog.array_position(start_pages, NULL) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    FOR leaf IN
        SELECT c.oid::regclass AS name,
               c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT') AS readable,
               pg_relation_size(c.oid::regclass) / page_size AS pages,
               -- the last page may not have been full
               greatest(min(coalesce((s.pages ->> c.oid::text)::bigint, 0)) - 1, 0) AS start
        FROM (SELECT 'http_log'::regclass AS relid
              UNION
              SELECT t.relid FROM pg_partition_tree('http_log'::regclass) AS t) AS part
        JOIN pg_class AS c ON c.oid = part.relid::oid
        CROSS JOIN pg_catalog.unnest(start_pages) AS s (pages)
        WHERE c.relkind <> 'p'
        GROUP BY c.oid
    LOOP
        IF NOT leaf.readable THEN
            RETURN NULL;
        END IF;
        pages_in_all := pages_in_all + leaf.pages;
        pages_behind := pages_behind + greatest(leaf.pages - leaf.start, 0);
        IF leaf.pages > leaf.start THEN
            selects := pg_catalog.array_append(selects, pg_catalog.format(
                'SELECT user_id, "timestamp", http_method, http_path, load_id'
                ' FROM ONLY %s WHERE ctid >= ''(%s,0)''', leaf.name, leaf.start));
        END IF;
    END LOOP;
    -- a scan of most of the table is better made by parallel workers
    IF pg_catalog.cardinality(selects) = 0 OR pages_behind * 2 > pages_in_all THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.array_to_string(selects, ' UNION ALL ');
END;
$$;
COMMENT ON FUNCTION session_rows_behind(jsonb[]) IS
    'query for the rows of http_log behind load_batch.start_pages; NULL where that is no help';

-- The planner has no idea of numbers that came after the last ANALYZE. It would
-- rather sort what it takes for one row, and read the whole table than use a BRIN
-- index on numbers that it takes to be in no order: hence the settings.
CREATE OR REPLACE FUNCTION session_states_of_batches(
    load_ids bigint[], rows_loaded bigint, start_pages jsonb[])
RETURNS TABLE (user_id text, state sessionset)
LANGUAGE plpgsql STABLE ROWS 1000
SET search_path FROM CURRENT SET enable_sort = off SET enable_seqscan = on
AS $$
#variable_conflict use_column
DECLARE
    source text;
    rows_found bigint;
BEGIN
    IF load_ids IS NULL THEN
        RETURN;
    END IF;
    source := session_rows_behind(start_pages);
    IF source IS NOT NULL THEN
        EXECUTE pg_catalog.format('SELECT count(*) FROM (%s) AS l WHERE l.load_id = ANY ($1)', source)
            INTO rows_found USING load_ids;
    END IF;
    IF rows_found IS DISTINCT FROM rows_loaded THEN
        IF EXISTS (SELECT
                   FROM pg_index AS i
                   JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                   WHERE i.indrelid = 'http_log'::regclass::oid
                     AND i.indisvalid
                     AND i.indpred IS NULL
                     AND a.attname = 'load_id')
        THEN
            PERFORM set_config('enable_seqscan', 'off', true);
        END IF;
        -- the range is for such an index
        source := pg_catalog.format('SELECT * FROM http_log WHERE load_id BETWEEN %s AND %s',
                         (SELECT min(id) FROM pg_catalog.unnest(load_ids) AS id),
                         (SELECT max(id) FROM pg_catalog.unnest(load_ids) AS id));
    END IF;
    RETURN QUERY EXECUTE pg_catalog.format(
        'SELECT user_id, sessionize("timestamp", http_method, http_path)'
        ' FROM (%s) AS l WHERE load_id = ANY ($1) AND user_id IS NOT NULL GROUP BY user_id',
        source)
        USING load_ids;
END;
$$;
COMMENT ON FUNCTION session_states_of_batches(bigint[], bigint, jsonb[]) IS
    'what sessionize makes of the rows of these batches of load_batch, given their rows_loaded in all and their start_pages';

-- Two ways to do it. Users whose rows were changed by hand are made anew from all
-- their rows, others get the events of new batches added.
CREATE OR REPLACE FUNCTION session_refresh_users()
RETURNS bigint
LANGUAGE sql SET search_path FROM CURRENT
AS $$
    WITH batch AS (
        UPDATE load_batch SET refreshed = true WHERE NOT refreshed
        RETURNING load_id, rows_loaded, start_pages, session_is_log(table_name) AS is_log
    ), batches AS (
        SELECT pg_catalog.array_agg(b.load_id) AS load_ids,
               sum(b.rows_loaded)::bigint AS rows_loaded,
               pg_catalog.array_agg(b.start_pages) AS start_pages
        FROM batch AS b
        WHERE b.is_log
    ), mark AS (
        DELETE FROM session_mark WHERE user_id IS NOT NULL RETURNING user_id
    ), marked AS MATERIALIZED (
        SELECT DISTINCT user_id FROM mark
    ), added AS (
        INSERT INTO session_state (user_id, state)
        SELECT n.user_id, n.state
        FROM batches AS b
        CROSS JOIN session_states_of_batches(b.load_ids, b.rows_loaded, b.start_pages) AS n
        WHERE n.state IS NOT NULL
          AND NOT EXISTS (SELECT FROM marked AS m WHERE m.user_id = n.user_id)
        ON CONFLICT (user_id) DO UPDATE SET state = session_state.state + excluded.state
        RETURNING user_id
    ), again AS (
        SELECT m.user_id, s.base + l.state AS state
        FROM marked AS m
        LEFT JOIN session_states_of_users((SELECT pg_catalog.array_agg(user_id) FROM marked)) AS l
            USING (user_id)
        LEFT JOIN session_state AS s USING (user_id)
    ), replaced AS (
        INSERT INTO session_state (user_id, state)
        SELECT a.user_id, a.state FROM again AS a WHERE a.state IS NOT NULL
        ON CONFLICT (user_id) DO UPDATE SET state = excluded.state
        RETURNING user_id
    ), gone AS (
        DELETE FROM session_state AS s USING again AS a
        WHERE s.user_id = a.user_id AND a.state IS NULL
        RETURNING s.user_id
    )
    SELECT (SELECT count(*) FROM added) + (SELECT count(*) FROM replaced)
         + (SELECT count(*) FROM gone);
$$;
COMMENT ON FUNCTION session_refresh_users() IS
    'brings the users of new batches and of marks up to date; marks of all users stay';

CREATE OR REPLACE FUNCTION session_refresh_all()
RETURNS bigint
LANGUAGE sql SET search_path FROM CURRENT
AS $$
    WITH batch AS (
        UPDATE load_batch SET refreshed = true WHERE NOT refreshed
    ), mark AS (
        DELETE FROM session_mark
    ), change AS MATERIALIZED (
        SELECT user_id, l.state
        FROM session_states_of_log() AS l
        FULL JOIN session_state AS s USING (user_id)
        WHERE l.state IS DISTINCT FROM s.state
    ), written AS (
        INSERT INTO session_state (user_id, state)
        SELECT c.user_id, c.state FROM change AS c WHERE c.state IS NOT NULL
        ON CONFLICT (user_id) DO UPDATE SET state = excluded.state
    ), gone AS (
        DELETE FROM session_state AS s USING change AS c
        WHERE s.user_id = c.user_id AND c.state IS NULL
    )
    SELECT count(*) FROM change;
$$;
COMMENT ON FUNCTION session_refresh_all() IS
    'makes the states of all users anew, writes those that differ and clears all marks';

-- The log takes a user_id of any length, the key of session_state does not. Which one was
-- too long the server does not say: it is looked for then. What does not fit a page gets an
-- error that names no index.
CREATE OR REPLACE FUNCTION refresh_sessions(rebuild boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    users bigint;
    unknown boolean;
    failure text;
    failed_index text;
    long_user text;
BEGIN
    PERFORM session_refresh_begin();
    BEGIN
        -- A mark that comes after this look stays for the next refresh.
        IF rebuild OR EXISTS (SELECT FROM session_mark AS m WHERE m.user_id IS NULL)
           OR NOT EXISTS (SELECT FROM session_state)
        THEN
            users := session_refresh_all();
        ELSE
            users := session_refresh_users();
        END IF;
    EXCEPTION
        WHEN program_limit_exceeded THEN
            GET STACKED DIAGNOSTICS failure = MESSAGE_TEXT, failed_index = CONSTRAINT_NAME;
            SELECT l.user_id INTO long_user
            FROM http_log AS l
            WHERE octet_length(l.user_id) > 2600 AND failed_index IN ('', 'session_state_pkey')
            ORDER BY pg_catalog.pg_column_size(l.user_id) DESC
            LIMIT 1;
            IF long_user IS NULL THEN
                RAISE;
            END IF;
            RAISE EXCEPTION 'user_id of % bytes is too long for session_state: "%..."',
                            octet_length(long_user), left(long_user, 40)
                USING ERRCODE = 'program_limit_exceeded',
                      DETAIL = 'The key of session_state holds about 2,700 bytes, compressed. The server said: '
                               || failure,
                      HINT = 'Take such rows out of the log: DELETE FROM http_log WHERE octet_length(user_id) > 2600;';
    END;
    -- Else the planner takes every user of a new table for one with a base.
    SELECT c.reltuples::float8 * 2::float8 < users::float8 AND pg_has_role(c.relowner, 'USAGE') INTO unknown
    FROM pg_class AS c
    WHERE c.oid = 'session_state'::regclass::oid;
    IF unknown THEN
        ANALYZE session_state (user_id, base);
    END IF;
    UPDATE session_refresh SET refreshed_at = now();
    RETURN users;
END;
$$;
COMMENT ON FUNCTION refresh_sessions(boolean) IS
    'brings session_state up to date, with rebuild => true from scratch; returns how many users were changed';
