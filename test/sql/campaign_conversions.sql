-- test/sql/campaign_conversions.sql
-- Which campaign drove which reward, in how many sessions: against session_conversions.
\getenv root CLICKSTREAM_ROOT
\set objects :root '/test/support/objects.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA use_campaign_conversions;
SET search_path = use_campaign_conversions, public;
\set SHOW_CONTEXT never

-- a second run of the files changes nothing
\set ECHO none
\i :objects
\i :objects
\set ECHO all

SELECT p.oid::regprocedure, pg_get_function_result(p.oid), p.provolatile, p.proparallel,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented
FROM pg_proc p WHERE p.pronamespace = 'use_campaign_conversions'::regnamespace AND p.proname = 'campaign_conversions';

-- nothing, and a log without a mapping
SELECT * FROM campaign_conversions();
INSERT INTO http_log VALUES
    ('2024-03-10 08:00 UTC', 'GET', '/campaigns/1', 'ann'), ('2024-03-10 08:01 UTC', 'POST', '/rewards/10', 'ann'),
    ('2024-03-10 08:02 UTC', 'POST', '/rewards/10', 'ann'), ('2024-03-10 08:02 UTC', 'POST', '/rewards/11', 'ann'),
    ('2024-03-10 09:00 UTC', 'GET', '/campaigns/1', 'ann'), ('2024-03-10 09:04 UTC', 'POST', '/rewards/10', 'ann'),
    ('2024-03-10 08:00 UTC', 'GET', '/campaigns/2', 'bob'), ('2024-03-10 08:00 UTC', 'POST', '/rewards/10', 'bob'),
    ('2024-03-10 08:00 UTC', 'GET', '/campaigns/2', NULL), ('2024-03-10 08:01 UTC', 'POST', '/rewards/10', NULL),
    ('2024-03-10 08:00 UTC', 'GET', '/campaigns/2', ''), ('2024-03-10 08:01 UTC', 'POST', '/rewards/10', '');
SELECT * FROM campaign_conversions();

-- a session counts once a pair, however often it issued; a name where there is one
INSERT INTO campaign_reward_mapping VALUES (1, 10), (1, 10), (1, 11), (2, 10), (3, 10), (NULL, 10), (1, NULL);
INSERT INTO campaign VALUES (1, 'One </script>', 'active', NULL), (3, 'Three', 'active', NULL);
SELECT * FROM campaign_conversions();
-- the issue may come late, the session is that of the first request
SELECT * FROM campaign_conversions(until => '2024-03-10 08:02 UTC');
SELECT * FROM campaign_conversions('2024-03-10 09:00:00.000001 UTC');
SELECT * FROM campaign_conversions('2024-03-10 09:00:00.000001 UTC', frame => 'overlap');
SELECT * FROM campaign_conversions(gap => '4 min');
SELECT * FROM campaign_conversions(gap => '2 hours');

-- the same from the states
SELECT refresh_sessions(true);
SELECT session_states_fresh();
SELECT * FROM campaign_conversions(gap => '2 hours');
SELECT * FROM campaign_conversions('2024-03-10 09:00:00.000001 UTC', frame => 'overlap');

-- random logs: the pairs that session_conversions gives for the sessions of the report
INSERT INTO http_log
SELECT '2024-04-01 UTC'::timestamptz + i * interval '30.5 s', CASE h % 4 WHEN 0 THEN 'POST' ELSE 'GET' END,
       CASE h % 4 WHEN 0 THEN '/rewards/' || i % 20 WHEN 1 THEN '/campaigns/' || i % 7 ELSE '/' END,
       'user ' || h / 4 % 10
FROM (SELECT i, ('x' || left(md5(i::text), 6))::bit(24)::int AS h FROM generate_series(1, 20000) AS i) AS x ORDER BY h;
INSERT INTO campaign_reward_mapping SELECT i % 7, i % 20 FROM generate_series(0, 60) AS i;
CREATE FUNCTION compare(since timestamptz, until timestamptz, gap interval, frame text)
RETURNS TABLE (pairs bigint, sessions numeric, driven bigint, differences bigint) LANGUAGE sql AS $$
    WITH expected AS (
        SELECT c.campaign_id, n.name, c.reward_id, count(*) AS sessions,
               count(DISTINCT (u.user_id, c.session_start)) AS driven
        FROM (SELECT user_id, sessionize("timestamp", http_method, http_path, $3) AS state
              FROM http_log WHERE user_id IS NOT NULL GROUP BY user_id) AS u
            CROSS JOIN LATERAL session_conversions(
                u.state, (SELECT reward_map(campaign_id, reward_id) FROM campaign_reward_mapping)) AS c
            JOIN session_report($1, $2, $3, $4) AS r USING (user_id, session_start)
            LEFT JOIN campaign AS n ON n.id = c.campaign_id
        GROUP BY c.campaign_id, n.name, c.reward_id)
    SELECT count(*), sum(sessions),
           (SELECT count(*) FROM session_report($1, $2, $3, $4) WHERE reward_driven_by_campaign_view),
           (SELECT count(*) FROM (
               (SELECT campaign_id, name, reward_id, sessions FROM expected EXCEPT ALL
                SELECT * FROM campaign_conversions($1, $2, $3, $4))
               UNION ALL
               (SELECT * FROM campaign_conversions($1, $2, $3, $4) EXCEPT ALL
                SELECT campaign_id, name, reward_id, sessions FROM expected)) AS d)
    FROM expected
$$;
SELECT v.*, c.* FROM (VALUES
    (timestamptz '-infinity', timestamptz 'infinity', interval '5 min', 'start'),
    ('-infinity', 'infinity', '20 min', 'overlap'), ('2024-04-03 06:00 UTC', '2024-04-05 UTC', '5 min', 'start'),
    ('2024-04-03 06:00 UTC', '2024-04-03 07:00 UTC', '30 min', 'overlap'),
    ('2024-04-05 UTC', '2024-04-03 UTC', '5 min', 'start')) AS v (since, until, gap, frame),
    LATERAL compare(since, until, gap, frame) AS c;

-- ERROR: bad arguments, as those of session_report
SELECT * FROM campaign_conversions(NULL);
SELECT * FROM campaign_conversions(gap => '1 month');
SELECT * FROM campaign_conversions(frame => 'all');

\set ECHO none
DROP SCHEMA use_campaign_conversions CASCADE;
