-- test/sql/rollup.sql
-- Merging stored states: exact whatever comes late, and the same bytes by any tree.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
CREATE SCHEMA use_rollup;
SET search_path = use_rollup, public;

-- late data: the event of 08:04 joins two sessions that were stored apart
CREATE TABLE daily (n int, state sessionset);
INSERT INTO daily
SELECT n, sessionize(t, m, p) FROM (VALUES
    (1, timestamptz '2024-03-10 08:00 UTC', 'GET', '/campaigns/1'), (1, '2024-03-10 08:08 UTC', 'POST', '/rewards/10'),
    (2, '2024-03-10 08:04 UTC', 'GET', '/')) AS v (n, t, m, p)
GROUP BY n;
CREATE FUNCTION report(sessionset)
RETURNS TABLE (start time, "end" time, events bigint, views bigint[], issues bigint[], driven boolean)
LANGUAGE sql AS $$
    SELECT session_start::time, session_end::time, events, campaigns, rewards_issued, reward_driven_by_campaign_view
    FROM session_rows($1, (SELECT reward_map(1, 10)))
$$;
SELECT r.* FROM daily, report(state) AS r WHERE n = 1;
SELECT r.* FROM (SELECT rollup(state) AS state FROM daily) AS x, report(state) AS r;

-- a late event may also turn what was driven: the view before the issue arrives last
SELECT r.* FROM (
    SELECT rollup(state) AS state FROM (
        SELECT sessionize('2024-03-10 08:01 UTC', 'POST', '/rewards/10') AS state
        UNION ALL SELECT sessionize('2024-03-10 08:00 UTC', 'GET', '/campaigns/1')) AS late) AS x, report(state) AS r;

-- NULLs add nothing; no state at all gives NULL
SELECT rollup(state) = (SELECT rollup(state) FROM daily) AS same
FROM (TABLE daily UNION ALL VALUES (3, NULL::sessionset)) AS d;
SELECT rollup(state) IS NULL AS no_rows, rollup(NULL::sessionset) IS NULL AS no_values FROM daily WHERE n > 5;
SELECT rollup(state) = state AS one FROM daily WHERE n = 1 GROUP BY state;

-- any split and any tree of merges gives the bytes of one pass: 2,000 events with ties and duplicates
CREATE TABLE event AS
    SELECT i, '2024-03-10 UTC'::timestamptz + (i * 7919 % 1009) ^ 2 * interval '1 s' AS t,
           CASE i % 3 WHEN 0 THEN 'GET' WHEN 1 THEN 'POST' END AS m,
           CASE i % 3 WHEN 0 THEN '/campaigns/' || i % 7 WHEN 1 THEN '/rewards/' || i % 5 ELSE '/' END AS p
    FROM generate_series(1, 2000) AS i;
CREATE TABLE whole AS SELECT sessionize(t, m, p) AS state FROM event;
SELECT num_events(state), num_sessions(state) FROM whole;
SELECT k AS parts, count(*), sessionset_send(rollup(s)) = (SELECT sessionset_send(state) FROM whole) AS same_bytes
FROM generate_series(1, 10) AS k,
     LATERAL (SELECT sessionize(t, m, p) AS s FROM event GROUP BY i * 7 / 3 % k) AS split
GROUP BY k ORDER BY k;
SELECT count(*) AS states, rollup(s) = (TABLE whole) AS single_events
FROM (SELECT sessionize(t, m, p) AS s FROM event GROUP BY i) AS x;
SELECT rollup(s ORDER BY num_events(s)) = (TABLE whole) AS ascending,
       rollup(s ORDER BY s DESC) = (TABLE whole) AS descending
FROM (SELECT sessionize(t, m, p) AS s FROM event GROUP BY i % 13) AS x;
WITH RECURSIVE tree AS (
    SELECT 0 AS level, array_agg(s ORDER BY k) AS states FROM (
        SELECT i % 64 AS k, sessionize(t, m, p) AS s FROM event GROUP BY 1) AS leaf
    UNION ALL
    SELECT level + 1,
           ARRAY(SELECT states[2 * k - 1] + states[2 * k] FROM generate_series(1, cardinality(states) / 2) AS k)
    FROM tree WHERE cardinality(states) > 1)
SELECT level, states[1] = (TABLE whole) AS same FROM tree WHERE cardinality(states) = 1;
WITH RECURSIVE chain AS (
    SELECT 1 AS i, (SELECT sessionize(t, m, p) FROM event WHERE i % 50 = 0) AS s
    UNION ALL
    SELECT i + 1, (SELECT sessionize(t, m, p) FROM event WHERE event.i % 50 = chain.i) + s FROM chain WHERE i < 50)
SELECT s = (TABLE whole) AS same FROM chain WHERE i = 50;
SELECT rollup(r) = (TABLE whole) AS of_rollups
FROM (SELECT rollup(s) AS r
      FROM (SELECT i % 60 AS k, sessionize(t, m, p) AS s FROM event GROUP BY 1) AS x GROUP BY k % 7) AS y;

-- under another gap the events are the same
SELECT with_gap(rollup(with_gap(s, '1 h')), '5 min') = (TABLE whole) AS same
FROM (SELECT sessionize(t, m, p) AS s FROM event GROUP BY i % 9) AS x;

-- states of different gaps
SELECT rollup(with_gap(state, n * interval '1 min')) FROM daily; \echo ERROR :SQLSTATE
SELECT rollup(with_gap(state, '1 min')) IS NOT NULL AS same_gap FROM daily;
SELECT n, gap(rollup(with_gap(state, n * interval '1 min'))) FROM daily GROUP BY n ORDER BY n;

-- as a window aggregate: the history as it was known each day
SELECT n, num_events(rollup(state) OVER w), num_sessions(rollup(state) OVER w)
FROM daily WINDOW w AS (ORDER BY n) ORDER BY n;
DROP SCHEMA use_rollup CASCADE;
