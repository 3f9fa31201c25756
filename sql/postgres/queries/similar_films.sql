-- sql/postgres/queries/similar_films.sql
--     What goes with a film.
SELECT r.rank, i.title
FROM similar_items('films', 31, 5) AS r
JOIN item AS i ON i.item_id = r.neighbour_id
ORDER BY r.rank
