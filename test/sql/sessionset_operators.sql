-- test/sql/sessionset_operators.sql
-- Comparison by bytes, hashing, indexes, and merging with +.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET intervalstyle = postgres;
CREATE SCHEMA use_operators;
SET search_path = use_operators, public;
CREATE FUNCTION state(VARIADIC minutes int[]) RETURNS sessionset
BEGIN ATOMIC
    SELECT sessionize('2024-03-10 08:00 UTC'::timestamptz + m * interval '1 min') FROM unnest(minutes) AS m;
END;
CREATE TABLE s (n int, state sessionset);
INSERT INTO s VALUES (1, state(0)), (2, state(0, 1)), (3, state(1, 0)), (4, state(0, 0)),
    (5, with_gap(state(0), '1 h')), (6, (SELECT sessionize('2024-03-10 08:00 UTC', 'GET', '/campaigns/1'))), (7, NULL),
    (8, state(0, 1)), (9, state(200)),
    (10, (SELECT sessionize('2024-03-10 UTC'::timestamptz + i * interval '7 s') FROM generate_series(1, 20000) AS i));

-- the same events under the same gap are equal, whatever order they came in
SELECT a.n, string_agg(b.n::text, ',' ORDER BY b.n) FILTER (WHERE a.state = b.state) AS equal,
       count(*) FILTER (WHERE a.state <> b.state) AS different,
       count(*) FILTER (WHERE (a.state = b.state) IS NULL) AS unknown
FROM s AS a, s AS b GROUP BY a.n ORDER BY a.n;

-- a total order, by all operators alike
SELECT count(*) AS pairs,
       bool_and((a.state < b.state)::int + (a.state = b.state)::int + (a.state > b.state)::int = 1) AS one_of_three,
       bool_and((a.state <= b.state) = (a.state < b.state OR a.state = b.state)) AS le,
       bool_and((a.state >= b.state) = (a.state > b.state OR a.state = b.state)) AS ge,
       bool_and((a.state <> b.state) = NOT (a.state = b.state)) AS ne,
       bool_and((a.state < b.state) = (b.state > a.state)) AS mirrored,
       bool_and(sign(sessionset_cmp(a.state, b.state)) = (a.state > b.state)::int - (a.state < b.state)::int) AS cmp,
       bool_and((sessionset_send(a.state) < sessionset_send(b.state)) = (a.state < b.state)) AS like_bytes
FROM s AS a JOIN s AS b ON a.state IS NOT NULL AND b.state IS NOT NULL;

-- hashes of equal values are equal, of different ones differ
SELECT count(DISTINCT sessionset_hash(state)) = count(DISTINCT state) AS hash,
       count(DISTINCT sessionset_hash_extended(state, 1)) = count(DISTINCT state) AS extended,
       bool_and((sessionset_hash_extended(state, 0) - sessionset_hash(state)) % 4294967296 = 0) AS seed_0,
       bool_and(sessionset_hash_extended(state, 0) <> sessionset_hash_extended(state, 1)) AS seed_1
FROM s;

-- DISTINCT, GROUP BY, set operations, joins: by sorting and by hashing
SELECT count(*) FROM (SELECT DISTINCT state FROM s) AS d;
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT DISTINCT state FROM s) AS d;
RESET enable_hashagg;
SET enable_sort = off;
SELECT min(n), count(*) FROM s GROUP BY state ORDER BY min(n);
RESET enable_sort;
SELECT count(*) FROM (SELECT state FROM s INTERSECT ALL SELECT state FROM s WHERE n <> 8) AS i;
SET enable_nestloop = off;
SET enable_mergejoin = off;
SELECT count(*) FROM s AS a JOIN s AS b USING (state);
SET enable_mergejoin = on;
SET enable_hashjoin = off;
SELECT count(*) FROM s AS a JOIN s AS b USING (state);
RESET enable_nestloop;
RESET enable_hashjoin;

-- indexes
CREATE INDEX ON s USING hash (state);
SET enable_seqscan = off;
SELECT n FROM s WHERE state = state(1, 0) ORDER BY n;
SELECT n FROM s WHERE state = (SELECT state FROM s WHERE n = 10);
DROP INDEX s_state_idx;
CREATE UNIQUE INDEX ON s (state) WHERE n IN (1, 2, 4, 5);
SELECT n FROM s WHERE state >= state(0) AND n IN (1, 2, 4, 5) ORDER BY state;
INSERT INTO s VALUES (5, state(0)); \echo ERROR :SQLSTATE
RESET enable_seqscan;

-- a hash-partitioned table
CREATE TABLE part (state sessionset) PARTITION BY HASH (state);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO part SELECT state(i) FROM generate_series(1, 50) AS i;
SELECT count(DISTINCT tableoid), count(*) FROM part;

-- + has the events of both; NULL adds nothing
SELECT state(0) + state(1) = state(0, 1) AS sum, state(0) + state(0) = state(0, 0) AS duplicates_stay,
       state(0) + NULL = state(0) AS null_right, NULL + state(0) = state(0) AS null_left,
       NULL::sessionset + NULL::sessionset IS NULL AS null_both;
SELECT bool_and(a.state + b.state = b.state + a.state) AS commutative, count(*)
FROM s AS a, s AS b WHERE a.n <> 5 AND b.n <> 5;
SELECT bool_and((a.state + b.state) + c.state = a.state + (b.state + c.state)) AS associative, count(*)
FROM s AS a, s AS b, s AS c WHERE a.n NOT IN (5, 10) AND b.n NOT IN (5, 10) AND c.n NOT IN (5, 10);
SELECT num_events(state + state) = 2 * num_events(state) AS all_events FROM s WHERE n = 10;

-- a late event joins two sessions
SELECT num_sessions(state(0, 8)) AS before, num_sessions(state(0, 8) + state(4)) AS after;

-- gaps must be the same
SELECT state(0) + with_gap(state(1), '6 min'); \echo ERROR :SQLSTATE
SELECT with_gap(state(0), '6 min') + state(1); \echo ERROR :SQLSTATE
SELECT gap(with_gap(state(0), '6 min') + with_gap(state(1), '360 s'));
SELECT num_events(NULL + with_gap(state(1), '6 min'));
DROP SCHEMA use_operators CASCADE;
