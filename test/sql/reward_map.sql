-- test/sql/reward_map.sql
-- The mapping as one value: a set of pairs, its aggregate and its text.
\pset format unaligned
SET client_min_messages = warning;
CREATE SCHEMA use_map;
SET search_path = use_map, public;
CREATE TABLE pair (c bigint, r bigint);
INSERT INTO pair VALUES (2, 20), (1, 11), (1, 10), (2, 10), (1, 11), (NULL, 5), (5, NULL), (NULL, NULL),
    (-1, -10), (0, 0), (9223372036854775807, -9223372036854775808), (-9223372036854775808, 9223372036854775807);

-- distinct pairs in order of campaign and reward; pairs with a NULL are ignored
SELECT reward_map(c, r) FROM pair;
SELECT reward_map(c, r ORDER BY r DESC)::text = reward_map(c, r)::text AS any_order,
       reward_map(DISTINCT c, r)::text = reward_map(c, r)::text AS duplicates FROM pair;

-- over no rows, and over NULLs only, an empty map and not NULL
SELECT reward_map(c, r) FROM pair WHERE false;
SELECT reward_map(c, r) FROM pair WHERE c IS NULL;
SELECT c, reward_map(c, r) FROM pair GROUP BY c ORDER BY c;
SELECT reward_map(c, r) FILTER (WHERE c = 2) FROM pair;
SELECT c, r, reward_map(c, r) OVER (ORDER BY c, r) FROM pair WHERE c BETWEEN 0 AND 2 ORDER BY c, r;

-- round trips
SELECT m, m::text::reward_map::text = m::text AS same,
       reward_map_send(m::text::reward_map) = reward_map_send(m) AS same_bytes
FROM (SELECT reward_map(c, r) AS m FROM pair UNION ALL SELECT reward_map(1, 2) WHERE false) AS x ORDER BY m::text;
SELECT '{"pairs":[[2,1],[1,2],[1,1],[2,1]],"version":1}'::reward_map;
SELECT reward_map_send(reward_map(c, r)) FROM pair WHERE c IN (1, 2);
SELECT reward_map_send('{"version": 1, "pairs": []}');

-- parallel: partial maps combine
CREATE TABLE big (c bigint, r bigint) WITH (parallel_workers = 3);
INSERT INTO big SELECT i % 500, i * 7919 % 1000 FROM generate_series(1, 50000) AS i;
ANALYZE big;
SELECT md5(reward_map_send(reward_map(c, r))) AS serial FROM big \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
EXPLAIN (COSTS OFF) SELECT reward_map(c, r) FROM big;
SELECT md5(reward_map_send(reward_map(c, r))) = :'serial' AS same,
       jsonb_array_length(reward_map(c, r)::text::jsonb -> 'pairs') AS pairs
FROM big;
SELECT reward_map(c, r) FROM big WHERE c < 0;

-- what is refused
SELECT '[]'::reward_map; \echo ERROR :SQLSTATE
CREATE FUNCTION refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN 'accepted: ' || input::reward_map::text;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(': ', SQLSTATE, SQLERRM, regexp_replace(detail, '(is not valid JSON: ).*', '\1...'));
END$$;
SELECT input, refusal(input) FROM unnest(ARRAY['', '{', '[]', '{}', 'null', '{"pairs": []}', '{"version": 1}',
    '{"version": 2, "pairs": []}', '{"version": 1, "pairs": [], "x": 1}',
    '{"version": 1, "pairs": [], "pairs": []}']) AS input;
SELECT pairs, refusal(format('{"version": 1, "pairs": %s}', pairs))
FROM unnest(ARRAY['{}', 'null', '1', '[1]', '[[]]', '[[1]]', '[[1, 2, 3]]', '[["1", 2]]', '[[1, 2.0]]', '[[1, null]]',
                  '[[1, 2], {}]', '[[9223372036854775808, 1]]']) AS pairs;
SELECT refusal(repeat('[', 100000));
DROP SCHEMA use_map CASCADE;
