-- loader/sql/serve_recommend.sql
-- What model $1 offers user $2: $3 items, as JSON; titles of the table item if $4. One item
-- is asked for where none is wanted: it tells whether the user is known.
SELECT pg_catalog.json_build_object(
    'model', $1::text, 'user_id', $2::text,
    'known', NOT coalesce(bool_and(r.because OPERATOR(pg_catalog.=) '{}'), false),
    'items', coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
        'rank', r.rank, 'item_id', r.item_id, 'score', r.score, 'because', r.because,
        'title', i.title) ORDER BY r.rank) FILTER (WHERE r.rank <= $3::integer), '[]'))
FROM recommend($1::text, $2::text, greatest($3::integer, 1), true, NULL::bigint[]) AS r
LEFT JOIN item AS i ON $4::boolean AND i.item_id = r.item_id
