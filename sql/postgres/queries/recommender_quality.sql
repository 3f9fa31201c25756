-- sql/postgres/queries/recommender_quality.sql
--     What the first ten offers hold of what was held out: those of the model, and the ten
--     best known films that the viewer has not seen.
WITH popular AS MATERIALIZED (
    SELECT item_id, row_number() OVER (ORDER BY count(*) DESC, item_id) AS place
    FROM film_seen
    GROUP BY item_id
), offered AS (
    SELECT u.user_id, p.item_id
    FROM (SELECT DISTINCT user_id FROM film_held) AS u
    CROSS JOIN LATERAL (
        SELECT p.item_id
        FROM popular AS p
        WHERE NOT EXISTS (
            SELECT FROM film_seen AS s WHERE s.user_id = u.user_id AND s.item_id = p.item_id)
        ORDER BY p.place
        LIMIT 10
    ) AS p
), popular_hits AS (
    SELECT h.user_id, CAST(count(o.item_id) AS float8) AS hits, count(*) AS relevant
    FROM film_held AS h
    LEFT JOIN offered AS o ON o.user_id = h.user_id AND o.item_id = h.item_id
    GROUP BY h.user_id
)
SELECT 'the model' AS offers, users, recall, hit_rate, coverage
FROM recommender_evaluate('films_part', 'film_held', 'user_id', 'item_id', 10)
UNION ALL
SELECT 'the best known', count(*), avg(hits / relevant), avg(CAST(hits > 0 AS int)),
    (SELECT CAST(count(DISTINCT item_id) AS float8) FROM offered) / (SELECT count(*) FROM popular)
FROM popular_hits
ORDER BY recall DESC
