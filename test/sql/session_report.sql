-- test/sql/session_report.sql
-- The report: frames, gaps, users, bad arguments. What a session is, is in truth.sql.
\getenv root CLICKSTREAM_ROOT
\set objects :root '/test/support/objects.sql'
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA use_report;
SET search_path = use_report, public;
\set SHOW_CONTEXT never

-- a second run of the files changes nothing
\set ECHO none
\i :objects
\i :objects
\set ECHO all

SELECT p.oid::regprocedure, p.provolatile, p.proparallel, p.proisstrict, p.proretset,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented
FROM pg_proc p WHERE p.pronamespace = 'use_report'::regnamespace AND p.proname ~ '^session_report' ORDER BY 1;

-- an empty log, and one without times or users
SELECT * FROM session_report();
SELECT * FROM session_report(frame => 'overlap');
INSERT INTO http_log VALUES (NULL, 'GET', '/campaigns/1', 'ann'), ('2024-03-10 08:00 UTC', 'GET', '/campaigns/1', NULL);
SELECT * FROM session_report();

-- an empty mapping: not driven, and not NULL; the empty string is a user
INSERT INTO http_log VALUES
    ('2024-03-10 08:00 UTC', 'GET', '/campaigns/1', 'ann'), ('2024-03-10 08:01 UTC', 'POST', '/rewards/10', 'ann'),
    ('2024-03-10 08:10 UTC', 'GET', '/', 'ann'), ('2024-03-10 08:00 UTC', 'GET', '/campaigns/1', '');
SELECT * FROM session_report() ORDER BY user_id, session_start;
SELECT bool_and(NOT reward_driven_by_campaign_view) AS not_driven FROM session_report(frame => 'overlap');
INSERT INTO campaign_reward_mapping VALUES (1, 10), (1, 10), (NULL, 10), (1, NULL);
SELECT * FROM session_report() WHERE reward_driven_by_campaign_view;
SELECT * FROM session_report(gap => '10 min') ORDER BY user_id, session_start;
SELECT * FROM session_report(gap => '10 min 1 us') ORDER BY user_id, session_start;
-- times are shown in the zone of the session
SET timezone = 'Asia/Kathmandu';
SELECT session_start, session_end FROM session_report() ORDER BY user_id, session_start LIMIT 1;
SET timezone = 'UTC';

-- a frame in the middle of a larger log gives the rows of the whole report that start in it
INSERT INTO http_log
SELECT '2024-04-01 UTC'::timestamptz + i * interval '30.5 s', CASE h % 4 WHEN 0 THEN 'POST' ELSE 'GET' END,
       CASE h % 4 WHEN 0 THEN '/rewards/' || i % 20 WHEN 1 THEN '/campaigns/' || i % 7 ELSE '/' END,
       'user ' || h / 4 % 10
FROM (SELECT i, ('x' || left(md5(i::text), 6))::bit(24)::int AS h FROM generate_series(1, 20000) AS i) AS x ORDER BY h;
INSERT INTO campaign_reward_mapping SELECT i % 7, i FROM generate_series(0, 19) AS i;
CREATE TABLE whole AS SELECT * FROM session_report();
CREATE FUNCTION compare(since timestamptz, until timestamptz)
RETURNS TABLE (rows bigint, over_a_bound bigint, differences bigint)
LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM session_report(since, until)),
           (SELECT count(*) FROM whole WHERE session_start < since AND session_end >= since
                                          OR session_start < until AND session_end >= until),
           (SELECT count(*) FROM (
               (SELECT * FROM session_report(since, until) EXCEPT ALL
                SELECT * FROM whole WHERE session_start >= since AND session_start < until)
               UNION ALL
               (SELECT * FROM whole WHERE session_start >= since AND session_start < until EXCEPT ALL
                SELECT * FROM session_report(since, until))) AS d)
$$;
SELECT since, until, (compare(since, until)).* FROM (VALUES
    (timestamptz '-infinity', timestamptz 'infinity'), ('2024-04-03 06:00 UTC', '2024-04-05 06:00 UTC'),
    ('2024-04-03 UTC', 'infinity'), ('-infinity', '2024-04-03 UTC'), ('2024-04-05 UTC', '2024-04-03 UTC'),
    ('2024-04-03 UTC', '2024-04-03 UTC'), ('2025-01-01 UTC', 'infinity'),
    ('2024-04-03 12:00 UTC', '2024-04-03 12:10 UTC')) AS v (since, until);

-- overlap: the sessions with activity in the frame, whole
SELECT since, until, count(*) AS rows,
       count(*) FILTER (WHERE (w.user_id, w.session_start, w.session_end) IS NULL) AS not_whole,
       count(*) = (SELECT count(*) FROM whole AS w WHERE EXISTS (
           SELECT FROM http_log AS l
           WHERE l.user_id = w.user_id AND l."timestamp" BETWEEN w.session_start AND w.session_end
             AND l."timestamp" >= since AND l."timestamp" < until)) AS those_with_activity
FROM (VALUES (timestamptz '-infinity', timestamptz 'infinity'), ('2024-04-03 06:00 UTC', '2024-04-03 06:02 UTC'),
             ('2024-04-03 06:00 UTC', '2024-04-03 06:01 UTC'),
             ('2024-04-05 UTC', '2024-04-03 UTC')) AS v (since, until)
CROSS JOIN LATERAL session_report(since, until, frame => 'overlap') AS r
LEFT JOIN whole AS w
    USING (user_id, session_start, session_end, campaigns, rewards_issued, reward_driven_by_campaign_view)
GROUP BY since, until ORDER BY since, until;

-- bad arguments are errors also where there is nothing to report
SELECT * FROM session_report(NULL); \echo ERROR :SQLSTATE
SELECT * FROM session_report(until => NULL); \echo ERROR :SQLSTATE
SELECT * FROM session_report(gap => NULL); \echo ERROR :SQLSTATE
SELECT * FROM session_report(gap => '0'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(gap => '-5 min'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(gap => '1 month'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(gap => '1 month -29 days'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(frame => 'end'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(frame => NULL); \echo ERROR :SQLSTATE
TRUNCATE http_log;
SELECT * FROM session_report(gap => '0'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(frame => 'end'); \echo ERROR :SQLSTATE
SELECT * FROM session_report(NULL, NULL, NULL, NULL); \echo ERROR :SQLSTATE
PREPARE report(timestamptz, timestamptz, interval, text) AS SELECT * FROM session_report($1, $2, $3, $4);
SET plan_cache_mode = force_generic_plan;
EXECUTE report('-infinity', 'infinity', '0', 'start'); \echo ERROR :SQLSTATE
EXECUTE report('-infinity', 'infinity', '5 min', 'end'); \echo ERROR :SQLSTATE
EXECUTE report('-infinity', NULL, '5 min', 'start'); \echo ERROR :SQLSTATE
EXECUTE report('-infinity', 'infinity', '5 min', 'start');
DEALLOCATE report;
RESET plan_cache_mode;

-- its tables are those it was made with, whoever calls it
INSERT INTO http_log VALUES ('2024-03-10 08:00 UTC', 'GET', '/', 'ann');
CREATE TEMP TABLE http_log (user_id text);
SET search_path = pg_temp, public;
SELECT count(*) FROM use_report.session_report();
DROP TABLE pg_temp.http_log;
DROP SCHEMA use_report CASCADE;
