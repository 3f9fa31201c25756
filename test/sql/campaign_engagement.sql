-- test/sql/campaign_engagement.sql
-- Transactions of a campaign per local day and hour.
\getenv root CLICKSTREAM_ROOT
\set tables :root '/sql/postgres/tables.sql'
\set report :root '/sql/postgres/campaign_engagement.sql'
SET client_min_messages = warning;
SET datestyle = ISO;
SET timezone = 'UTC';
CREATE SCHEMA use_engagement;
SET search_path = use_engagement, public;

-- a second run of the files changes nothing
\set ECHO none
\i :tables
\i :report
\i :tables
\i :report
\set ECHO all

SELECT p.oid::regprocedure, pg_get_function_result(p.oid), p.provolatile, p.proparallel,
       p.proisstrict, p.proconfig, obj_description(p.oid, 'pg_proc') IS NOT NULL AS commented
FROM pg_proc p WHERE p.oid = 'campaign_engagement'::regproc;

-- empty tables
SELECT * FROM campaign_engagement(1, '2024-03-01', '2024-03-31');
SELECT * FROM campaign_engagement(1, NULL, NULL);

-- campaign 1 has two rewards, campaign 2 one, campaign 3 none
INSERT INTO reward_campaign (id, reward_name, campaign_id)
    VALUES (11, 'Coffee', 1), (12, 'Cake', 1), (21, 'Tea', 2), (99, 'Nobody''s', NULL);
INSERT INTO reward_transaction (id, status, updated_at, reward_campaign_id) VALUES
    (1, 'redeemed',  '2024-03-05 15:59:59.999999 UTC', 11),  -- the last moment of 5 March in Singapore
    (2, 'redeemed',  '2024-03-05 16:00:00 UTC',        11),  -- the first of 6 March
    (3, 'issued',    '2024-03-05 16:59:59.999 UTC',    12),
    (4, NULL,        '2024-03-06 02:00:00 UTC',        12),
    (5, 'cancelled', '2024-03-06 02:30:00 UTC',        11),
    (6, 'redeemed',  '2024-03-06 02:59:59 UTC',        11),
    (7, 'redeemed',  '2024-03-07 15:59:59 UTC',        12),
    (8, 'redeemed',  '2024-03-07 16:00:00 UTC',        12),
    (9, 'redeemed',  '2024-03-06 02:00:00 UTC',        21),
    (10, 'redeemed', '2024-03-06 02:00:00 UTC',        99),
    (11, 'redeemed', '2024-03-06 02:00:00 UTC',        404),
    (12, 'redeemed', '2024-03-06 02:00:00 UTC',        NULL),
    (13, 'redeemed', NULL,                             11),
    (14, 'redeemed', 'infinity',                       11),
    (15, 'redeemed', '-infinity',                      11);

-- every status counts; most first, then by day and hour; transactions without a finite time are left out
SELECT * FROM campaign_engagement(1, '2024-03-05', '2024-03-08');

-- both ends of the range are days that count
SELECT * FROM campaign_engagement(1, '2024-03-06', '2024-03-07');
SELECT * FROM campaign_engagement(1, '2024-03-05', '2024-03-05');
SELECT * FROM campaign_engagement(1, '2024-03-07', '2024-03-06');

-- NULL and infinity: no bound
SELECT * FROM campaign_engagement(1, NULL, '2024-03-05');
SELECT * FROM campaign_engagement(1, '2024-03-08', NULL);
SELECT sum(transactions), min(date), max(date) FROM campaign_engagement(1, NULL, NULL);
SELECT sum(transactions), min(date), max(date) FROM campaign_engagement(1, '-infinity', 'infinity');

-- others' campaigns
SELECT * FROM campaign_engagement(2, NULL, NULL);
SELECT * FROM campaign_engagement(3, NULL, NULL);
SELECT * FROM campaign_engagement(NULL, NULL, NULL);

-- the zone is that of the argument, never that of the session
SELECT * FROM campaign_engagement(1, '2024-03-05', '2024-03-05', 'UTC');
SELECT * FROM campaign_engagement(tz => 'Asia/Kathmandu', campaign_id => 1, first_day => '2024-03-05', last_day => '2024-03-05');
SET timezone = 'America/New_York';
SELECT * FROM campaign_engagement(1, '2024-03-05', '2024-03-05');
SET timezone = 'UTC';
SELECT * FROM campaign_engagement(1, '2024-03-05', '2024-03-05', 'Asia/Atlantis'); -- ERROR

-- clocks that change: a day of 23 hours, then one of 25, with one transaction every half an hour
TRUNCATE reward_transaction;
INSERT INTO reward_transaction
    SELECT row_number() OVER (), 'redeemed', t, 11
    FROM (SELECT generate_series(timestamptz '2024-03-09 00:00 UTC', '2024-03-12 00:00 UTC', '30 min')
          UNION ALL
          SELECT generate_series(timestamptz '2024-11-02 00:00 UTC', '2024-11-05 00:00 UTC', '30 min')) AS s (t);
SELECT date, sum(transactions) AS transactions, count(*) AS hours
FROM campaign_engagement(1, '2024-03-09', '2024-03-11', 'America/New_York') GROUP BY date ORDER BY date;
SELECT date, sum(transactions) AS transactions, count(*) AS hours
FROM campaign_engagement(1, '2024-11-02', '2024-11-04', 'America/New_York') GROUP BY date ORDER BY date;
SELECT * FROM campaign_engagement(1, '2024-03-10', '2024-03-10', 'America/New_York') WHERE "time" BETWEEN '01:00' AND '03:00';
SELECT * FROM campaign_engagement(1, '2024-11-03', '2024-11-03', 'America/New_York') LIMIT 3;

-- in Havana clocks go back from one o'clock to midnight: that day has two midnights
SELECT date, sum(transactions) AS transactions
FROM campaign_engagement(1, '2024-11-03', '2024-11-03', 'America/Havana') GROUP BY date;
SELECT * FROM campaign_engagement(1, '2024-11-03', '2024-11-03', 'America/Havana') LIMIT 2;
SELECT date, sum(transactions) AS transactions
FROM campaign_engagement(1, '2024-11-02', '2024-11-02', 'America/Havana') GROUP BY date;

-- the planner sees through the function, down to the index
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END$$;
SET enable_seqscan = off;
SELECT bool_or(plan ~ 'Function Scan on campaign_engagement') AS called,
       bool_or(plan ~ 'Index Cond: .*updated_at >= .*updated_at < ') AS range_by_index
FROM plan($$SELECT * FROM campaign_engagement(1, '2024-03-09', '2024-03-09')$$) AS plan;
RESET enable_seqscan;

-- and its tables are those it was made with, whoever calls it
CREATE TEMP TABLE reward_transaction (id bigint);
SET search_path = public;
SELECT sum(transactions) FROM use_engagement.campaign_engagement(1, NULL, NULL);
DROP TABLE pg_temp.reward_transaction;
DROP SCHEMA use_engagement CASCADE;
