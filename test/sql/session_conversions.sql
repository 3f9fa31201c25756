-- test/sql/session_conversions.sql
-- Which view led to which issue: ties, repeats, order, sessions, maps.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
CREATE SCHEMA use_conversions;
SET search_path = use_conversions, public;
CREATE FUNCTION st(gap interval, VARIADIC events text[]) RETURNS sessionset LANGUAGE sql AS $$
    SELECT sessionize_events(('2024-03-10T' || v[1] || 'Z')::timestamptz, v[2], v[3]::bigint, gap)
    FROM unnest(events) AS e, string_to_array(e, ' ') AS v $$;
CREATE TABLE map AS
    SELECT reward_map(c, r) AS m FROM (VALUES (1, 10), (1, 11), (2, 10), (2, 12), (-3, -30), (4, 10)) AS v (c, r);

-- one row a mapped pair: the first view, and the first issue strictly after it
SELECT c.* FROM map, session_conversions(st('5 min', '08:00:00 view 1', '08:00:10 issue 10', '08:00:20 view 1',
    '08:00:30 issue 10', '08:00:40 issue 99'), m) AS c;
-- an issue before or in the same instant as the view does not count; a later one of the same reward does
SELECT c.* FROM map, session_conversions(st('5 min', '08:00:00 issue 10', '08:00:10 view 1', '08:00:10 issue 10', '08:00:10 issue 11',
    '08:00:10.000001 issue 10', '08:00:20 issue 10'), m) AS c;
-- nor one in another session, nor a view of another campaign, nor a reward of another one
SELECT c.* FROM map, session_conversions(st('5 min', '08:00:00 view 1', '08:05:00 issue 10', '08:06:00 view 7', '08:07:00 issue 12'), m) AS c;
-- order: sessions, first view, campaign, issue, reward; a reward may be due to several campaigns, a campaign to several rewards
SELECT c.* FROM map, session_conversions(st('5 min', '08:00:00 view 2', '08:00:00 view 1', '08:00:00 view -3', '08:00:01 view 4',
    '08:01:00 issue 12', '08:02:00 issue 11', '08:02:00 issue 10', '08:03:00 issue -30',
    '09:00:00 view 4', '09:00:01 issue 10', '09:00:02 view 1', '09:00:03 issue 10'), m) AS c;
-- a NULL, an empty map: no rows; the same as driven
SELECT count(*) FROM session_conversions(st('5 min', '08:00:00 view 1', '08:00:01 issue 10'), NULL);
SELECT count(*) FROM session_conversions(NULL, (SELECT m FROM map));
SELECT count(*) FROM session_conversions(st('5 min', '08:00:00 view 1', '08:00:01 issue 10'), '{"version": 1, "pairs": []}');
CREATE TABLE many AS
    SELECT u, sessionize_events('2024-03-10 UTC'::timestamptz + (u * i * 7919 % 199) * interval '29 s',
                                CASE (u + i) % 3 WHEN 0 THEN 'issue' ELSE 'view' END, u * i % 23, '1 min') AS state
    FROM generate_series(1, 40) AS u, generate_series(1, 60) AS i GROUP BY u;
SELECT count(*), count(c.session_start) AS driven, bool_and((c.session_start IS NOT NULL) = r.reward_driven_by_campaign_view) AS same
FROM many, LATERAL (SELECT reward_map(i % 23, i * 5 % 23) AS m FROM generate_series(1, 90) AS i) AS map,
    LATERAL session_rows(state, m) AS r
    LEFT JOIN LATERAL (SELECT DISTINCT session_start FROM session_conversions(state, m)) AS c USING (session_start);

-- in the SELECT list, beside another set, with LIMIT, other maps in turn, a cursor that is closed early
SELECT session_conversions(st('5 min', '08:00:00 view 1', '08:00:01 issue 10'), m) FROM map;
SELECT (session_conversions(st('5 min', '08:00:00 view 1', '08:00:01 issue 10', '08:00:01 issue 11'), m)).reward_id, generate_series(1, 3) FROM map;
SELECT u, (SELECT c.reward_id FROM session_conversions(state, m) AS c LIMIT 1) FROM many,
    (SELECT reward_map(i % 23, i * 5 % 23) AS m FROM generate_series(1, 90) AS i) AS map WHERE u < 4 ORDER BY u;
SELECT i, count(c.reward_id) FROM generate_series(1, 4) AS i LEFT JOIN LATERAL session_conversions(
    st('5 min', '08:00:00 view 1', '08:00:01 issue 10'), CASE i % 2 WHEN 0 THEN (SELECT m FROM map) ELSE (SELECT reward_map(1, 11)) END) AS c ON true
GROUP BY i ORDER BY i;
BEGIN;
DECLARE c CURSOR FOR SELECT (session_conversions(state, m)).viewed_at IS NULL AS no_view
    FROM many, (SELECT reward_map(i % 23, i * 5 % 23) AS m FROM generate_series(1, 90) AS i) AS map;
FETCH 1 FROM c;
CLOSE c;
COMMIT;

-- one session of many events, its rewards issued before and after each view
SELECT count(*), count(DISTINCT campaign_id), min(issued_at - viewed_at), max(issued_at - viewed_at), max(session_start)
FROM (SELECT sessionize_events('2024-03-10 UTC'::timestamptz + i * interval '1 s', CASE i % 2 WHEN 0 THEN 'view' ELSE 'issue' END,
                               (i::bigint * 7919) % 3001) AS state FROM generate_series(1, 60000) AS i) AS s,
     (SELECT reward_map(i, i * 31 % 3001) AS m FROM generate_series(0, 3000) AS i) AS map, session_conversions(state, m);
DROP SCHEMA use_conversions CASCADE;
