-- test/sql/session_rows.sql
-- The sessions of a state as rows: with and without a map, in FROM and in the SELECT list, rescanned and cut short.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA use_rows;
SET search_path = use_rows, public;
CREATE TABLE s (u text, state sessionset);
INSERT INTO s
SELECT u, sessionize(t, m, p) FROM (VALUES
    ('ann', timestamptz '2024-03-10 08:00 UTC', 'GET', '/campaigns/2'),
    ('ann', '2024-03-10 08:01 UTC', 'GET', '/campaigns/1'),
    ('ann', '2024-03-10 08:02 UTC', 'POST', '/rewards/10'), ('ann', '2024-03-10 09:00 UTC', 'POST', '/rewards/20'),
    ('ann', '2024-03-10 10:00 UTC', 'GET', '/'), ('ann', '2024-03-10 10:04:59.5 UTC', 'GET', '/'),
    ('bob', '2024-03-10 08:00 UTC', 'GET', '/campaigns/3'), ('bob', '2024-03-10 08:01 UTC', 'POST', '/rewards/30'),
    ('cyd', NULL, 'GET', '/')) AS v (u, t, m, p)
GROUP BY u ORDER BY u;
CREATE TABLE map (name text, map reward_map);
INSERT INTO map VALUES ('1-10', (SELECT reward_map(1, 10))), ('3-30', (SELECT reward_map(3, 30))),
    ('empty', (SELECT reward_map(1, 10) WHERE false)), (NULL, NULL);

-- without a map it is not known what was driven; empty lists, not NULL; a NULL state has no rows
SELECT u, r.* FROM s LEFT JOIN LATERAL session_rows(state) AS r ON true ORDER BY u, session_start;
-- a NULL map: not known; an empty one: nothing was driven
SELECT name, u, session_start, reward_driven_by_campaign_view AS driven
FROM map, s, session_rows(state, map) WHERE cardinality(rewards_issued) > 0 ORDER BY name, u, session_start;
SELECT count(*) FROM session_rows(NULL::sessionset);
SELECT count(*) FROM session_rows(NULL, (SELECT reward_map(1, 10)));
SELECT count(*) FROM session_rows(NULL, NULL);

-- the columns and their types
SELECT n, format_type(t, NULL), count(*) AS functions
FROM pg_proc AS p, unnest(proallargtypes, proargnames, proargmodes) WITH ORDINALITY AS a (t, n, m, o)
WHERE p.proname = 'session_rows' AND m = 'o' GROUP BY n, t ORDER BY min(o);

-- in the SELECT list: alone, beside a column, beside another set
SELECT session_rows(state) FROM s ORDER BY u, 1;
SELECT u, (session_rows(state)).events FROM s ORDER BY u, 2;
SELECT u, (session_rows(state)).session_start AS start, generate_series(1, 4) AS i FROM s WHERE u = 'ann' ORDER BY i;

-- LIMIT stops early, and the same place starts again
SELECT session_start FROM s, session_rows(state) WHERE u = 'ann' LIMIT 1;
SELECT u, (SELECT r.session_start FROM session_rows(state) AS r OFFSET 1 LIMIT 1) AS second FROM s ORDER BY u;
SELECT u, (SELECT session_rows(state) LIMIT 1) AS first FROM s ORDER BY u;
SELECT u, i, (SELECT r.events FROM session_rows(state) AS r LIMIT 1 OFFSET i) AS events
FROM s, generate_series(2, 0, -1) AS i ORDER BY u, i;
SELECT count(*) FROM s WHERE EXISTS (SELECT FROM session_rows(state) AS r WHERE r.events > 1);
DO $$
DECLARE r record;
BEGIN
    FOR i IN 1 .. 3 LOOP
        FOR r IN SELECT x.events FROM s, session_rows(state) AS x ORDER BY u LOOP
            EXIT WHEN i < 3;
        END LOOP;
    END LOOP;
END$$;
BEGIN;
DECLARE c CURSOR FOR SELECT u, (session_rows(state)).session_start FROM s WHERE u <> 'cyd';
FETCH 2 FROM c;
DECLARE d CURSOR FOR SELECT u, (session_rows(state)).session_start FROM s WHERE u <> 'cyd';
FETCH 1 FROM d;
FETCH 1 FROM c;
CLOSE c;
FETCH ALL FROM d;
COMMIT;

-- different maps and states in one query: each row its own
SELECT u, name, array_agg(reward_driven_by_campaign_view ORDER BY session_start) AS driven
FROM s, map, session_rows(s.state, map.map) GROUP BY u, name ORDER BY u, name;
SELECT u, name, (SELECT bool_or(reward_driven_by_campaign_view) FROM session_rows(state, map)) AS driven
FROM map, s WHERE u <> 'cyd' ORDER BY name, u;
-- the same two in turns, so that a map that was kept must be told from the next one
SELECT count(*), count(*) FILTER (WHERE reward_driven_by_campaign_view = (i % 2 = 0)) AS right
FROM generate_series(1, 1000) AS i, s,
     session_rows(state, CASE i % 2 WHEN 0 THEN (SELECT reward_map(3, 30)) ELSE (SELECT reward_map(4, 30)) END)
WHERE u = 'bob';

-- an error in the middle leaves the place usable
SELECT 1 / (events - 1) FROM s, session_rows(state) WHERE u = 'ann'; -- ERROR
SELECT count(*) FROM s, session_rows(state);

-- in PL/pgSQL, prepared, and as a set of its own
PREPARE sessions(sessionset) AS SELECT count(*), sum(events) FROM session_rows($1);
SELECT (SELECT state FROM s WHERE u = 'ann') AS ann, (SELECT state FROM s WHERE u = 'bob') AS bob \gset
EXECUTE sessions(:'ann');
EXECUTE sessions(:'bob');
SELECT * FROM ROWS FROM (session_rows((SELECT state FROM s WHERE u = 'bob')), generate_series(1, 2)) WITH ORDINALITY;
SELECT CASE WHEN u = 'ann' THEN session_rows(state) END FROM s; \echo ERROR :SQLSTATE

-- a large state, compressed and out of line
CREATE TABLE large AS
    SELECT sessionize('2024-03-10 UTC'::timestamptz + i * interval '1 h' * (i % 7),
                      'GET', '/campaigns/' || i * 7919 % 40000) AS state
    FROM generate_series(1, 60000) AS i;
SELECT count(*) = (SELECT num_sessions(state) FROM large) AS sessions, sum(events), sum(cardinality(campaigns))
FROM large, session_rows(state);
SELECT cardinality(campaigns) FROM large, session_rows(with_gap(state, '100000 days'), (SELECT reward_map(1, 1)));
DROP SCHEMA use_rows CASCADE;
