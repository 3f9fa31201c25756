-- test/sql/truth.sql
-- The cases of test/truth, in several orders of arrival and under parallel plans.
\getenv root CLICKSTREAM_ROOT
\set objects :root '/test/support/objects.sql'
\set events_file :root '/test/truth/events.csv'
\set mapping_file :root '/test/truth/mapping.csv'
\set expected_file :root '/test/truth/expected.csv'
\set queries_file :root '/test/truth/queries.csv'
\set queries_expected_file :root '/test/truth/queries_expected.csv'
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
CREATE SCHEMA use_truth;
SET search_path = use_truth, public;
\set ECHO none
\i :objects
\set ECHO all

CREATE TABLE event (n bigint GENERATED ALWAYS AS IDENTITY, user_id text, "timestamp" timestamptz,
                    http_method text, http_path text);
COPY event (user_id, "timestamp", http_method, http_path) FROM :'events_file' (FORMAT csv, HEADER);
COPY campaign_reward_mapping FROM :'mapping_file' (FORMAT csv, HEADER);
CREATE TABLE expected (user_id text, session_start timestamptz, session_end timestamptz,
                       campaigns bigint[], rewards_issued bigint[], driven boolean);
COPY expected FROM :'expected_file' (FORMAT csv, HEADER);
CREATE TABLE query (query text, frame text, since timestamptz, until timestamptz, gap bigint);
COPY query FROM :'queries_file' (FORMAT csv, HEADER);
CREATE TABLE query_expected (LIKE expected);
ALTER TABLE query_expected ADD query text;
COPY query_expected (query, user_id, session_start, session_end, campaigns, rewards_issued, driven)
    FROM :'queries_expected_file' (FORMAT csv, HEADER);
SELECT count(*) >= 300 AS enough_events, count(DISTINCT user_id) >= 60 AS enough_users FROM event;

-- what differs from what was worked out by hand: no row
CREATE VIEW difference AS
    SELECT 'missing' AS problem, d.* FROM
        (TABLE expected EXCEPT ALL SELECT * FROM session_report()) AS d
    UNION ALL
    SELECT 'not expected', d.* FROM
        (SELECT * FROM session_report() EXCEPT ALL TABLE expected) AS d;
CREATE VIEW comparison AS
    SELECT (SELECT count(*) FROM session_report()) = (SELECT count(*) FROM expected) AS same_count,
           (SELECT count(*) FROM expected) > 100 AS enough;

-- the lines as they come
INSERT INTO http_log SELECT "timestamp", http_method, http_path, user_id FROM event ORDER BY n;
TABLE difference;
TABLE comparison;

-- reversed
TRUNCATE http_log;
INSERT INTO http_log SELECT "timestamp", http_method, http_path, user_id FROM event ORDER BY n DESC;
TABLE difference;
TABLE comparison;

-- shuffled
TRUNCATE http_log;
INSERT INTO http_log SELECT "timestamp", http_method, http_path, user_id FROM event ORDER BY md5(n::text);
TABLE difference;
TABLE comparison;

-- parallel: each event on a page of its own, so that workers share the users, and a planner that expects few users
TRUNCATE http_log;
ALTER TABLE http_log ADD padding text DEFAULT repeat('x', 5000);
ALTER TABLE http_log ALTER padding SET STORAGE plain;
ALTER TABLE http_log SET (parallel_workers = 4);
ALTER TABLE http_log ALTER user_id SET (n_distinct = 2);
INSERT INTO http_log SELECT "timestamp", http_method, http_path, user_id FROM event ORDER BY md5(n::text);
ANALYZE http_log;
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SET cpu_tuple_cost = 1;
SET enable_sort = off;
SET max_parallel_workers_per_gather = 4;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF, VERBOSE) ' || query; END$$;
CREATE VIEW chosen AS
    SELECT bool_or(plan ~ 'Parallel Seq Scan on use_truth.http_log') AS parallel,
           bool_or(plan ~ '\(PARTIAL sessionize\(') AS partial, bool_or(plan ~ 'Partial HashAggregate') AS hashed
    FROM plan('SELECT * FROM session_report()') AS plan;
TABLE chosen;
TABLE difference;
TABLE comparison;
SET parallel_leader_participation = off;
TABLE chosen;
TABLE difference;
TABLE comparison;
SET enable_sort = on;
SET enable_hashagg = off;
TABLE chosen;
TABLE difference;
TABLE comparison;

-- frames and other gaps, parallel and not
CREATE FUNCTION answers() RETURNS SETOF query_expected LANGUAGE plpgsql AS $$
DECLARE q query;
BEGIN
    FOR q IN TABLE query LOOP
        RETURN QUERY EXECUTE format(
            'SELECT r.*, %L FROM session_report(%L, %L, %L, %L) AS r', q.query, coalesce(q.since, '-infinity'),
            coalesce(q.until, 'infinity'), q.gap * interval '1 microsecond', q.frame);
    END LOOP;
END$$;
CREATE VIEW query_difference AS
    SELECT 'missing' AS problem, d.* FROM (TABLE query_expected EXCEPT ALL SELECT * FROM answers()) AS d
    UNION ALL
    SELECT 'not expected', d.* FROM (SELECT * FROM answers() EXCEPT ALL TABLE query_expected) AS d;
TABLE query_difference;
SET max_parallel_workers_per_gather = 0;
TABLE query_difference;
SELECT count(*) = (SELECT count(*) FROM query_expected) AS same_count, count(*) > 30 AS enough FROM answers();

-- from stored states
SELECT refresh_sessions() > 60 AS enough_states;
SELECT session_states_fresh() AS fresh;
TABLE difference;
TABLE comparison;
TABLE query_difference;
SET max_parallel_workers_per_gather = 4;
TABLE difference;
TABLE query_difference;

-- and the comparison does see a difference
UPDATE expected SET driven = NOT driven WHERE user_id = 'view_then_issue';
DELETE FROM query_expected WHERE query = 'gap_before_frame_overlap';
TABLE difference;
TABLE query_difference;
DROP SCHEMA use_truth CASCADE;
