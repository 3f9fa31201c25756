-- test/sql/weekly_rewards.sql
-- Redemptions per reward and ISO week, with the change on the week before.
\getenv root CLICKSTREAM_ROOT
\set tables :root '/sql/postgres/tables.sql'
\set report :root '/sql/postgres/weekly_rewards.sql'
SET client_min_messages = warning;
SET datestyle = ISO;
SET timezone = 'UTC';
CREATE SCHEMA use_weekly;
SET search_path = use_weekly, public;

-- a second run of the files changes nothing
\set ECHO none
\i :tables
\i :report
\i :tables
\i :report
\set ECHO all

SELECT p.oid::regprocedure, pg_get_function_result(p.oid), p.provolatile, p.proparallel,
       p.proisstrict, p.proconfig, obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented
FROM pg_proc p WHERE p.oid = 'weekly_rewards'::regproc;

-- empty tables
SELECT * FROM weekly_rewards();

-- adds n transactions of a reward, of one status, at one time
CREATE PROCEDURE add(n int, reward bigint, t timestamptz, status text DEFAULT 'redeemed')
LANGUAGE sql BEGIN ATOMIC
    INSERT INTO reward_transaction
        SELECT (SELECT coalesce(max(id), 0) FROM reward_transaction) + i, add.status, t, reward
        FROM generate_series(1, n) AS i;
END;

INSERT INTO reward_campaign (id, reward_name, campaign_id)
    VALUES (11, 'Coffee', 1), (12, 'Cake', 1), (21, 'Coffee', 2), (31, 'Never', 3), (41, NULL, 4);

-- weeks without gaps: -100 for the first without, NULL after one without
CALL add(7, 11, '2024-03-04 04:00 UTC');
CALL add(3, 11, '2024-03-13 04:00 UTC');
CALL add(1, 11, '2024-04-05 04:00 UTC');
CALL add(3, 11, '2024-04-09 04:00 UTC');
CALL add(4, 11, '2024-04-16 04:00 UTC');
CALL add(4, 11, '2024-04-23 04:00 UTC');
SELECT * FROM weekly_rewards(1);

-- only what was redeemed counts, and only at a finite time
CALL add(5, 11, '2024-03-04 04:00 UTC', 'issued');
CALL add(5, 11, '2024-03-04 04:00 UTC', 'Redeemed');
CALL add(5, 11, '2024-03-04 04:00 UTC', NULL);
CALL add(1, 11, 'infinity');
CALL add(1, 11, '-infinity');
CALL add(1, 11, NULL);
CALL add(1, 31, '2024-03-04 04:00 UTC', 'issued');
CALL add(1, 404, '2024-03-04 04:00 UTC');
CALL add(1, NULL, '2024-03-04 04:00 UTC');
SELECT sum(redeemed), count(*) FROM weekly_rewards();

-- a frame shows every week that it has a day of, whole, and compared as ever
SELECT * FROM weekly_rewards(1, '2024-03-17', '2024-03-17');
SELECT * FROM weekly_rewards(1, '2024-03-10', '2024-03-11');
SELECT * FROM weekly_rewards(1, '2024-03-26', '2024-04-08');
SELECT * FROM weekly_rewards(1, last_day => '2024-03-10');
SELECT * FROM weekly_rewards(1, first_day => '2024-04-22');
SELECT count(*) FROM weekly_rewards(1, '-infinity', 'infinity');
SELECT * FROM weekly_rewards(1, '2024-01-01', '2024-03-03');
SELECT * FROM weekly_rewards(1, '2024-05-01', '2024-05-31');
SELECT * FROM weekly_rewards(1, '2024-03-19', '2024-03-12');
SELECT * FROM weekly_rewards(1, '2024-03-13', '2024-03-12');
SELECT * FROM weekly_rewards(1, 'infinity', '-infinity');

-- rewards are told apart by id, even where they share a name; order is week, name, id
CALL add(2, 12, '2024-03-13 04:00 UTC');
CALL add(1, 21, '2024-03-06 04:00 UTC');
CALL add(999, 21, '2024-03-13 04:00 UTC');
CALL add(1, 41, '2024-03-13 04:00 UTC');
SELECT * FROM weekly_rewards(NULL, '2024-03-04', '2024-03-17');
SELECT * FROM weekly_rewards(2);
SELECT * FROM weekly_rewards(3);
SELECT * FROM weekly_rewards(404);

-- two decimals
TRUNCATE reward_transaction;
CALL add(3, 11, '2024-03-04 04:00 UTC');
CALL add(5, 11, '2024-03-11 04:00 UTC');
CALL add(800, 11, '2024-03-18 04:00 UTC');
CALL add(799, 11, '2024-03-25 04:00 UTC');
SELECT * FROM weekly_rewards();

-- Sunday 16:00 UTC is Monday in Singapore; the zone is never that of the session
TRUNCATE reward_transaction;
CALL add(1, 11, '2024-03-10 15:59:59.999999 UTC');
CALL add(2, 11, '2024-03-10 16:00:00 UTC');
SELECT * FROM weekly_rewards();
SELECT * FROM weekly_rewards(tz => 'UTC');
SET timezone = 'America/New_York';
SELECT * FROM weekly_rewards();
SET timezone = 'UTC';
SELECT * FROM weekly_rewards(tz => 'Asia/Atlantis'); -- ERROR

-- year's end: 28 December 2020 to 3 January 2021 is one week
TRUNCATE reward_transaction;
CALL add(1, 11, '2020-12-27 12:00 UTC');
CALL add(2, 11, '2020-12-28 12:00 UTC');
CALL add(2, 11, '2021-01-03 12:00 UTC');
CALL add(1, 11, '2021-01-04 12:00 UTC');
SELECT *, to_char(week, 'IYYY-IW') AS iso FROM weekly_rewards();
SELECT * FROM weekly_rewards(first_day => '2021-01-01', last_day => '2021-01-01');

-- weeks in which clocks change, and one transaction an hour: 167 and 169 hours
TRUNCATE reward_transaction;
INSERT INTO reward_transaction
    SELECT row_number() OVER (), 'redeemed', t, 11
    FROM (SELECT generate_series(timestamptz '2024-03-04 00:00 EST', '2024-03-17 23:00 EDT', '1 hour')
          UNION ALL
          SELECT generate_series(timestamptz '2024-10-28 00:00 EDT', '2024-11-10 23:00 EST', '1 hour')) AS s (t);
SELECT * FROM weekly_rewards(tz => 'America/New_York') WHERE redeemed > 0;
-- whatever the clocks of the session do, weeks stay Mondays
SET timezone = 'America/Sao_Paulo';
SELECT count(*), bool_and(extract(isodow FROM week) = 1) AS mondays FROM weekly_rewards(tz => 'America/New_York');
SET timezone = 'UTC';

-- the planner sees through the function
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END$$;
SELECT bool_or(plan ~ 'Function Scan on weekly_rewards') AS called,
       bool_or(plan ~ 'campaign_id = ''1''::bigint') AS campaign_filtered
FROM plan($$SELECT * FROM weekly_rewards(1)$$) AS plan;

-- and its tables are those it was made with, whoever calls it
CREATE TEMP TABLE reward_transaction (id bigint);
SET search_path = public;
SELECT count(*) FROM use_weekly.weekly_rewards();
DROP TABLE pg_temp.reward_transaction;
DROP SCHEMA use_weekly CASCADE;
