-- sql/postgres/queries/recommender_fit_films.sql
--     The model that answers: of all viewings.
SELECT f -> 'users' AS users, f -> 'items' AS films, f -> 'interactions' AS viewings
FROM recommender_fit('films', 'interaction', 'user_id', 'item_id') AS f
