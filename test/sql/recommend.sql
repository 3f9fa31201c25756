-- test/sql/recommend.sql
-- The recommender: answers, arguments of every kind, options, what is refused.
SET client_min_messages = warning;

-- two tastes: items 1 to 4 and items 11 to 14; item 20 is of one user alone
CREATE TABLE pair (who text, what int, at timestamptz);
INSERT INTO pair
SELECT 'u' || u, i + CASE WHEN u % 2 = 0 THEN 10 ELSE 0 END, timestamptz '2024-01-01 00:00Z' + u * interval '1 hour'
FROM generate_series(1, 40) AS u, generate_series(1, 4) AS i
WHERE (u + i) % 5 > 0;
INSERT INTO pair VALUES ('o''brien "x"', 1), (' spaces ', 2), (repeat('long', 2560), 3), ('🎬', 4), ('u1', 20),
    ('u1', 20), (NULL, 1), ('u1', NULL), ('', 11);
SELECT f - 'seconds' - 'memory' AS fitted, (f->'seconds')::numeric >= 0 AS seconds, (f->'memory')::bigint > 0 AS memory
FROM recommender_fit('tastes', 'pair', 'who', 'what') AS f;
SELECT model, owner = current_user::regrole AS own, options, users, items, interactions, item_ids FROM recommender_model;
SELECT count(*) AS items, min(cardinality(neighbours)) AS fewest, max(cardinality(weights)) AS most FROM recommender_item;

-- who has 1, 2, 3 is offered 4 and not what others like
SELECT what FROM pair WHERE who = 'u1' ORDER BY what;
SELECT rank, item_id, because FROM recommend('tastes', 'u1', 1);
SELECT rank, item_id, because FROM recommend('tastes', 'u2', 1);
SELECT count(*) AS all_others FROM recommend('tastes', 'u1', 1000000000);
SELECT array_agg(item_id ORDER BY rank) = array_agg(item_id ORDER BY score DESC, item_id) AS best_first,
       array_agg(rank ORDER BY rank) = array_agg(r ORDER BY r) AS numbered
FROM (SELECT *, row_number() OVER () AS r FROM recommend('tastes', 'u1', 1000, false)) AS x;
SELECT count(*) AS with_seen FROM recommend('tastes', 'u1', 1000, false);
-- among: filtered before the best are taken
SELECT rank, item_id FROM recommend('tastes', 'u1', 2, among => '{11,12,13,99,NULL}');
SELECT rank, item_id FROM recommend('tastes', 'u1', 10, among => '{1,2,3}');
SELECT count(*) AS seen_among FROM recommend('tastes', 'u1', 10, false, '{1,2,3}');
SELECT count(*) AS none FROM recommend('tastes', 'u1', 10, false, '{}');

-- users of every kind
SELECT u, count(*), bool_and(because = '{}') AS unknown FROM (VALUES ('o''brien "x"'), (' spaces '), ('🎬'), (''), ('U1'), ('u1 '),
    ('''; DROP TABLE pair; --')) AS v (u), recommend('tastes', u, 100) GROUP BY u ORDER BY u COLLATE "C";
SELECT count(*), bool_and(because = '{}') AS unknown FROM recommend('tastes', repeat('long', 2560), 100);
SELECT count(*), bool_and(because = '{}') AS unknown FROM recommend('tastes', repeat('long', 2561), 100);
-- numbers as users
CREATE VIEW numbered AS SELECT length(who) * 1000 + ascii(right(who, 1)) AS who, what FROM pair WHERE who LIKE 'u%';
SELECT f->'users' AS users FROM recommender_fit('numbered', 'numbered', 'who', 'what', '{"min_users": 2}') AS f;
SELECT count(*) > 0 AS known FROM recommend('numbered', 2049) WHERE because <> '{}';
SELECT (SELECT array_agg(r) FROM recommend('numbered', 2049) AS r) = (SELECT array_agg(r) FROM recommend('numbered', '2049') AS r) AS same;
SELECT item_id FROM recommend('numbered', -9223372036854775808, 1000, among => '{20}');

-- someone who is not in the table
SELECT rank, item_id, because FROM recommend_for('tastes', '{1,2,3,3,99,NULL}', 1);
SELECT (SELECT array_agg(r) FROM recommend_for('tastes', array(SELECT what FROM pair WHERE who = 'u3')) AS r)
     = (SELECT array_agg(r) FROM recommend('tastes', 'u3') AS r) AS same_as_known;
SELECT (SELECT array_agg(r) FROM recommend_for('tastes', '{}') AS r)
     = (SELECT array_agg(r) FROM recommend('tastes', 'nobody') AS r) AS same_as_unknown;

-- what goes with an item; nothing for one that is not in the model
SELECT rank, neighbour_id FROM similar_items('tastes', 1, 2) ORDER BY rank;
SELECT count(*) FROM similar_items('tastes', 99);
SELECT count(*) FROM similar_items('tastes', 1, 0);

-- evaluation: of what the fit has already nothing counts
SELECT * FROM recommender_evaluate('tastes', 'pair', 'who', 'what');
CREATE TABLE held (who text, what bigint);
INSERT INTO held VALUES ('u1', 1), ('u3', 99), ('nobody', 98), (NULL, 1);
SELECT * FROM recommender_evaluate('tastes', 'held', 'who', 'what', 3);

-- tuning: what it returns is for recommender_fit, and the same for the same seed
SELECT t ?& '{a,b,lambda,p,keep,min_users}' AS has_all, t = recommender_tune('pair', 'who', 'what', '{"trials": 5, "seed": 3}') AS same,
       recommender_fit('tuned', 'pair', 'who', 'what', t)->'items' AS items
FROM recommender_tune('pair', 'who', 'what', '{"trials": 5, "seed": 3}') AS t;
SELECT jsonb_typeof(recommender_tune('pair', 'who', 'what', '{"seconds": 0, "time_column": "at", "metric": "recall", "k": 3, "share": 0.3}'));

-- ERROR: arguments
SELECT * FROM recommend('tastes', 'u1', -1);
SELECT count(*) FROM recommend('tastes', 'u1', 0);
SELECT * FROM recommend('tastes', 'u1', NULL);
SELECT * FROM recommend('tastes', NULL::text);
SELECT * FROM recommend(NULL, 'u1');
SELECT * FROM recommend('tastes', 'u1', 1, NULL);
SELECT * FROM recommend('no such model', 'u1');
SELECT * FROM recommend_for('tastes', NULL);
SELECT * FROM similar_items('tastes', NULL);
SELECT * FROM recommender_evaluate('tastes', 'held', 'who', 'what', 0);
SELECT recommender_fit('', 'pair', 'who', 'what');
SELECT recommender_fit(repeat('x', 256), 'pair', 'who', 'what');
SELECT recommender_fit('tastes', 'pair', 'nobody', 'what');
SELECT recommender_fit('tastes', 'pair', 'who', 'who');
SELECT recommender_fit('tastes', 'no_such_table', 'who', 'what');
SELECT recommender_fit('tastes', 'pair', 'who', NULL);
SELECT recommender_tune('pair', 'who', 'what', '{"time_column": "who"}');

-- ERROR: options
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"lamda": 5}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"seconds": 5}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '[]');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"a": "1"}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"lambda": 0}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"lambda": 1e400}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"p": 1}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"keep": 0}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"keep": 1.5}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"threads": 100000}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"max_items": 5}');
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"min_users": 1000}');
SELECT recommender_tune('pair', 'who', 'what', '{"metric": "clicks"}');
SELECT recommender_tune('pair', 'who', 'what', '{"share": 1}');
SELECT recommender_tune('held', 'who', 'what', '{"share": 0.0000001}');

-- an empty table is refused, and the model stays
CREATE TABLE nothing (who text, what bigint);
SELECT recommender_fit('tastes', 'nothing', 'who', 'what');
SELECT count(*) FROM recommend('tastes', 'u1', 1);
-- one user, one item
INSERT INTO nothing VALUES ('only', 7);
SELECT f->'items' AS items FROM recommender_fit('tiny', 'nothing', 'who', 'what') AS f;
SELECT count(*) FROM recommend('tiny', 'only');
SELECT rank, item_id, score, because FROM recommend('tiny', 'other');

-- damage is named
BEGIN;
UPDATE recommender_item SET neighbours = '{99}', weights = '{1}'
WHERE model_id = (SELECT model_id FROM recommender_model WHERE model = 'tastes');
SAVEPOINT s;
SELECT * FROM recommend('tastes', 'u1');
ROLLBACK TO s;
UPDATE recommender_item SET weights = '{1,2}';
SELECT * FROM recommend('tastes', 'u1');
ROLLBACK;

-- a new fit replaces the rows of the old one; a model goes with its row
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"keep": 2}') IS NOT NULL AS fitted;
SELECT count(DISTINCT model_id) AS models, max(cardinality(neighbours)) AS most FROM recommender_item
WHERE model_id IN (SELECT model_id FROM recommender_model WHERE model = 'tastes');
DELETE FROM recommender_model;
SELECT (SELECT count(*) FROM recommender_item) AS items, (SELECT count(*) FROM recommender_user) AS users;
SELECT recommender_fit('tastes', 'pair', 'who', 'what', '{"keep": 2}') IS NOT NULL AS fitted;
TRUNCATE recommender_model;
SELECT (SELECT count(*) FROM recommender_item) AS items, (SELECT count(*) FROM recommender_user) AS users;
DROP TABLE pair, held, nothing CASCADE;
