-- test/support/live.sql - what the tests of stored states share; made in the schema
-- that stands first in the search path, into which it also brings the tables and reports.
\getenv root CLICKSTREAM_ROOT
\set objects :root '/test/support/objects.sql'
\i :objects

-- What the loader does to http_log, or to a table of another name: the rows of a query as
-- a batch of the ledger, without a mark.
CREATE FUNCTION load(query text, target text DEFAULT 'http_log') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    batch bigint;
    loaded bigint;
BEGIN
    PERFORM set_config('clickstream.load', 'on', true);
    INSERT INTO load_batch (table_name, file_name, file_id, first_block, start_pages)
    SELECT format('%I.%I', n.nspname, c.relname), 'test', gen_random_uuid(), 0,
           (SELECT jsonb_object_agg(part.oid, pg_relation_size(part.oid) / 8192)
            FROM pg_class AS part
            WHERE part.relkind = 'r'
              AND (part.oid = c.oid OR part.oid IN (SELECT relid FROM pg_partition_tree(c.oid))))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = target::regclass
    RETURNING load_id INTO batch;
    EXECUTE format('INSERT INTO %s ("timestamp", http_method, http_path, user_id, load_id)'
                   ' SELECT q.*, %s FROM (%s) AS q', target::regclass, batch, query);
    GET DIAGNOSTICS loaded = ROW_COUNT;
    UPDATE load_batch SET rows_loaded = loaded WHERE load_id = batch;
    PERFORM set_config('clickstream.load', '', true);
    RETURN loaded;
END$$;

-- Pseudo-random requests, the same for the same seed: ties, exact gaps, late ones, users that
-- come again, some NULL.
CREATE FUNCTION requests(seed int, count int, users int DEFAULT 20)
RETURNS TABLE ("timestamp" timestamptz, http_method text, http_path text, user_id text)
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN h % 97 > 0 THEN '2024-03-01 UTC'::timestamptz + h / 7 % 3000 * interval '100 s' END,
           CASE WHEN h % 11 < 7 THEN 'GET' ELSE 'POST' END,
           CASE WHEN h % 11 < 6 THEN '/campaigns/' || h % 5 WHEN h % 11 < 10 THEN '/rewards/' || h % 4 ELSE '/' END,
           CASE WHEN h % 89 > 0 THEN 'user ' || h / 13 % users END
    FROM generate_series(1, count) AS i, LATERAL (SELECT abs(hashint4(i * 1000 + seed)::bigint) AS h) AS x
$$;

-- What the report and the states should be, made without either.
CREATE VIEW scratch_state AS
    SELECT user_id, rollup(s) AS state
    FROM (SELECT user_id, sessionize("timestamp", http_method, http_path) AS s FROM http_log
          WHERE user_id IS NOT NULL GROUP BY user_id
          UNION ALL SELECT user_id, base FROM session_state) AS x
    GROUP BY user_id HAVING rollup(s) IS NOT NULL;
CREATE VIEW scratch_report AS
    SELECT user_id, session_start, session_end, campaigns, rewards_issued, reward_driven_by_campaign_view
    FROM scratch_state, session_rows(state, (SELECT reward_map(campaign_id, reward_id) FROM campaign_reward_mapping));

-- Rows that differ, and which way the report goes.
CREATE VIEW verdict AS
    SELECT session_states_fresh() AS fresh,
           (SELECT count(*) FROM ((TABLE scratch_report EXCEPT ALL SELECT * FROM session_report())
                                  UNION ALL
                                  (SELECT * FROM session_report() EXCEPT ALL TABLE scratch_report)) AS d) AS report_wrong,
           (SELECT count(*) FROM scratch_state AS a FULL JOIN session_state AS b USING (user_id)
            WHERE a.state IS DISTINCT FROM b.state) AS states_behind,
           (SELECT count(*) FROM session_mark) AS marks,
           (SELECT count(*) FROM load_batch WHERE NOT refreshed) AS batches,
           (SELECT count(*) > 0 FROM scratch_report) AS any_rows;

-- The plan of a query, without costs; and what of it was executed.
CREATE FUNCTION plan(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (' || options || ') ' || query; END$$;
CREATE FUNCTION way(query text) RETURNS TABLE (states boolean, log boolean) LANGUAGE sql AS $$
    SELECT NOT bool_or(p ~ 'on session_state t .*never executed'), NOT bool_or(p ~ 'on http_log.* h .*never executed')
    FROM plan(query, 'ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF') AS p
$$;
INSERT INTO campaign_reward_mapping VALUES (0, 0), (1, 1), (2, 2), (3, 3), (4, 0);
