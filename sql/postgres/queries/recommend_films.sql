-- sql/postgres/queries/recommend_films.sql
--     What to offer a viewer next, and which films of the viewer's led to it.
SELECT r.rank, i.title, CAST(r.score AS numeric(4, 2)) AS score, (
        SELECT string_agg(b.title, ', ' ORDER BY array_position(r.because, b.item_id))
        FROM item AS b
        WHERE b.item_id = ANY (r.because)) AS because
FROM recommend('films', '1', 5) AS r
JOIN item AS i ON i.item_id = r.item_id
ORDER BY r.rank
