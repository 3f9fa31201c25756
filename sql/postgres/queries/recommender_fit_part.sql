-- sql/postgres/queries/recommender_fit_part.sql
--     A model of the viewings that are not held out, and how much it was made of.
SELECT f -> 'users' AS users, f -> 'items' AS films, f -> 'interactions' AS viewings
FROM recommender_fit('films_part', 'film_seen', 'user_id', 'item_id') AS f
