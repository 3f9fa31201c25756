-- test/sql/sessionize.sql
-- The aggregate in all its forms; NULLs, gaps, infinity; the places SQL lets an aggregate stand.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
CREATE SCHEMA use_sessionize;
SET search_path = use_sessionize, public;
CREATE TABLE log (u text, t timestamptz, m text, p text);
INSERT INTO log VALUES
    ('ann', '2024-03-10 08:00 UTC', 'GET', '/campaigns/1'), ('ann', '2024-03-10 08:04 UTC', 'POST', '/rewards/10'),
    ('ann', '2024-03-10 08:09 UTC', 'GET', '/'), ('bob', '2024-03-10 08:00 UTC', 'GET', '/campaigns/2'),
    ('bob', NULL, NULL, NULL);

-- the four forms; the default gap is 5 minutes
SELECT sessionize(t) FROM log WHERE u = 'ann';
SELECT sessionize(t, '1 h') FROM log WHERE u = 'ann';
SELECT sessionize(t, m, p) FROM log WHERE u = 'ann';
SELECT sessionize(t, m, p, '1 h') FROM log WHERE u = 'ann';
SELECT gap(sessionize(t)), gap(sessionize(t, '1 h')), gap(sessionize(t, m, p)), gap(sessionize(t, m, p, '1 h'))
FROM log;
SELECT sessionize(t) = sessionize(t, '5 min') AS times,
       sessionize(t, m, p) = sessionize(t, m, p, '300 s') AS requests FROM log;

-- no event: NULL, over no rows, over NULL timestamps, and in a group
SELECT sessionize(t) IS NULL, sessionize(t, '1 h') IS NULL, sessionize(t, m, p) IS NULL FROM log WHERE false;
SELECT sessionize(t) IS NULL, sessionize(t, '1 h') IS NULL, sessionize(t, m, p) IS NULL FROM log WHERE t IS NULL;
SELECT u, sessionize(t) IS NULL AS none FROM (SELECT u, t FROM log UNION ALL VALUES ('cyd', NULL::timestamptz)) AS l
GROUP BY u ORDER BY u;
SELECT num_events(sessionize(t)) AS rows_with_a_time FROM log WHERE u = 'bob';

-- a row with a NULL timestamp is ignored before its gap is looked at
SELECT sessionize(t, g) = sessionize(t) FILTER (WHERE t IS NOT NULL) AS ignored
FROM (VALUES (NULL::timestamptz, NULL::interval), ('2024-03-10 08:00 UTC', '5 min'), (NULL, '-1 s'), (NULL, '1 month'),
             (NULL, '0'), (NULL, '7 min')) AS v (t, g);

-- a NULL method or path is other activity
SELECT sessionize(t, NULL, p) = sessionize(t) AS method, sessionize(t, m, NULL) = sessionize(t) AS path FROM log;

-- gaps that are not usable
SELECT sessionize(t, NULL) FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, m, p, NULL) FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '0') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '-5 min') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '1 day -24 h') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '1 month') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '1 year') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '1 month -29 days') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, '2147483647 days') FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, m, p, '-1 us') FROM log; \echo ERROR :SQLSTATE

-- a day is 24 hours; the smallest gap is a microsecond
SELECT gap(sessionize(t, '1 day')), gap(sessionize(t, '1 day -1 h')), gap(sessionize(t, '90 min 1 us')),
       gap(sessionize(t, '1 us'))
FROM log;
SELECT sessionize(t, '1 day') = sessionize(t, '24 h') AS same FROM log;
SELECT num_sessions(sessionize(t, '1 day')) AS exact, num_sessions(sessionize(t, '1 day 1 us')) AS less
FROM (VALUES (timestamptz '2024-03-09 12:00 America/New_York'), ('2024-03-10 13:00 America/New_York')) AS v (t);

-- a gap that varies inside one group, but not between groups
SELECT sessionize(t, CASE WHEN p = '/' THEN interval '5 min' ELSE '6 min' END) FROM log; \echo ERROR :SQLSTATE
SELECT sessionize(t, m, p, t - '2024-03-10 07:00 UTC') FROM log WHERE u = 'ann'; \echo ERROR :SQLSTATE
SELECT sessionize(t, CASE WHEN p = '/' THEN interval '1 day' ELSE '24 h' END) IS NOT NULL AS same_length FROM log;
SELECT u, gap(sessionize(t, CASE u WHEN 'ann' THEN interval '1 min' ELSE '2 min' END)) FROM log GROUP BY u ORDER BY u;

-- infinity is not a time of an event
SELECT sessionize('infinity'::timestamptz); \echo ERROR :SQLSTATE
SELECT sessionize('-infinity'::timestamptz, 'GET', '/'); \echo ERROR :SQLSTATE
SELECT sessionize(t) FROM (VALUES (timestamptz '2024-03-10 08:00 UTC'), ('infinity')) AS v (t); \echo ERROR :SQLSTATE

-- order of arrival
SELECT sessionize(t, m, p ORDER BY t) = sessionize(t, m, p ORDER BY t DESC) AS reversed,
       sessionize(t, m, p ORDER BY md5(p)) = sessionize(t, m, p) AS shuffled FROM log;

-- FILTER, DISTINCT, grouping sets
SELECT sessionize(t) FILTER (WHERE u = 'bob') = (SELECT sessionize(t) FROM log WHERE u = 'bob') AS filter FROM log;
SELECT num_events(sessionize(t)) AS all, num_events(sessionize(DISTINCT t)) AS distinct FROM log;
SELECT u, m, num_events(sessionize(t, m, p)) FROM log GROUP BY GROUPING SETS ((u), (m), ()) ORDER BY u, m;
SELECT u, num_sessions(sessionize(t)) AS n FROM log GROUP BY u HAVING num_sessions(sessionize(t)) > 1;

-- as a window aggregate the state grows and is read again and again
SELECT u, t, num_events(sessionize(t, m, p) OVER w), num_sessions(sessionize(t, m, p) OVER w)
FROM log WINDOW w AS (PARTITION BY u ORDER BY t) ORDER BY u, t;
SELECT t, num_sessions(sessionize(t) OVER (ORDER BY t DESC, u)) AS late FROM log ORDER BY t DESC, u;
SELECT t, num_events(sessionize(t) OVER (ORDER BY t, u ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) AS moving
FROM log ORDER BY t, u;

-- one state shared by two aggregates of one query, and by a correlated one
SELECT u, sessionize(t, m, p) = sessionize(t, m, p) AS twice, num_events(rollup(s)) AS nested
FROM (SELECT u, t, m, p, (SELECT sessionize(i.t) FROM log AS i WHERE i.u = o.u) AS s FROM log AS o) AS x
GROUP BY u ORDER BY u;

-- many events in one group, out of order; the sort must keep duplicates
SELECT num_events(s), num_sessions(s), num_events(s + s) FROM (
    SELECT sessionize('2024-03-10 UTC'::timestamptz + (i * 7919 % 100003) / 2 * interval '1 s',
                      'GET', '/campaigns/' || i % 10) AS s
    FROM generate_series(1, 100000) AS i) AS x;
DROP SCHEMA use_sessionize CASCADE;
