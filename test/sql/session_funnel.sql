-- test/sql/session_funnel.sql
-- How far sessions went through ordered steps: ties, repeats, any id, other activity, arguments that are not usable.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA use_funnel;
SET search_path = use_funnel, public;
CREATE FUNCTION st(gap interval, VARIADIC events text[]) RETURNS sessionset LANGUAGE sql AS $$
    SELECT sessionize_events(('2024-03-10T' || v[1] || 'Z')::timestamptz, v[2], v[3]::bigint, gap)
    FROM unnest(events) AS e, string_to_array(e, ' ') AS v $$;
CREATE TABLE s AS SELECT st('5 min', '08:00:00 other', '08:01:00 view 1', '08:02:00 view 2', '08:03:00 issue 10', '08:04:00 view 1',
    '09:00:00 issue 10', '09:01:00 view 1', '09:01:00 issue 10', '10:00:00 other') AS state;

-- one row a session, also where no step was taken
SELECT f.* FROM s, session_funnel(state, '{view,issue}', '{1,10}') AS f;
SELECT f.* FROM s, session_funnel(state, '{issue,view}', '{10,1}') AS f;
-- any id; other activity, whose id is ignored; the same step twice needs two events
SELECT f.* FROM s, session_funnel(state, '{view,view,view,view}', '{NULL,NULL,NULL,NULL}') AS f;
SELECT f.* FROM s, session_funnel(state, '{other,view,issue}', '{7,NULL,NULL}') AS f;
SELECT steps, count(*) FROM s, session_funnel(state, '{view,issue,view}', '{1,NULL,1}') GROUP BY steps ORDER BY steps;
-- each as early as can be, strictly later than the one before; steps of one instant do not follow each other
SELECT f.* FROM session_funnel(st('5 min', '08:00:00 view 1', '08:00:00 issue 1', '08:00:00 view 2', '08:00:01 view 2', '08:00:01 issue 1',
    '08:00:02 issue 1'), '{view,view,issue}', '{1,2,1}') AS f;
SELECT f.* FROM session_funnel(st('5 min', '08:00:00 view 1', '08:00:00 view 1', '08:00:00.000001 view 1'), '{view,view,view}', '{1,1,1}') AS f;
-- negative ids, names of arguments, arrays that do not start at 1
SELECT f.* FROM session_funnel(st('5 min', '08:00:00 view -1'), kinds => '{view}', ids => '{-1}') AS f;
SELECT f.* FROM session_funnel(st('5 min', '08:00:00 view 1', '08:00:01 issue 2'), '[0:1]={view,issue}', '[5:6]={1,2}') AS f;
-- NULL: no rows
SELECT count(*) FROM session_funnel(NULL, '{view}', '{1}');
SELECT count(*) FROM s, session_funnel(state, NULL, '{1}');
SELECT count(*) FROM s, session_funnel(state, '{view}', NULL);

-- ERROR: what is no row of steps
SELECT * FROM s, session_funnel(state, '{view,issue}', '{1}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{}', '{}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{}', '{1}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{{view,issue}}', '{{1,2}}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{view,issue}', '{{1,2}}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{view,NULL}', '{1,2}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{view,View}', '{1,2}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, '{""}', '{1}'); \echo ERROR :SQLSTATE
SELECT * FROM s, session_funnel(state, ARRAY[repeat('é', 100)], '{1}'); \echo ERROR :SQLSTATE

-- in the SELECT list, with LIMIT, other steps for each row
SELECT session_funnel(state, '{view}', '{1}') FROM s;
SELECT (SELECT f.reached_at FROM session_funnel(state, '{view}', '{1}') AS f LIMIT 1) FROM s;
SELECT k, array_agg(f.steps ORDER BY session_start) FROM s, unnest(ARRAY['view', 'issue', 'other']) AS k,
    session_funnel(state, ARRAY[k, k], '{NULL,NULL}') AS f GROUP BY k ORDER BY k;
-- more steps than events
SELECT steps, cardinality(reached_at), reached_at[5000] FROM (SELECT sessionize('2024-03-10 UTC'::timestamptz + i * interval '1 s') AS state
    FROM generate_series(1, 5000) AS i) AS s, session_funnel(state, array_fill('other'::text, ARRAY[100000]), array_fill(NULL::bigint, ARRAY[100000]));
DROP SCHEMA use_funnel CASCADE;
