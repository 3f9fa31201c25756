-- loader/sql/serve_similar.sql
-- What model $1 finds similar to item $2: $3 items, as JSON; titles of the table item if $4.
SELECT pg_catalog.json_build_object(
    'model', $1::text, 'item_id', $2::bigint,
    'items', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'rank', r.rank, 'item_id', r.neighbour_id, 'score', r.score, 'title', i.title)
        ORDER BY r.rank), '[]'))
FROM similar_items($1::text, $2::bigint, $3::integer) AS r
LEFT JOIN item AS i ON $4::boolean AND i.item_id = r.neighbour_id
