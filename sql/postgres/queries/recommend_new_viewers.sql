-- sql/postgres/queries/recommend_new_viewers.sql
--     Offers to who is not in the model: nothing is known, one film is, two films are.
SELECT o.known AS films_known, string_agg(i.title, ', ' ORDER BY o.rank) AS offers
FROM (
    SELECT 0 AS known, rank, item_id FROM recommend('films', 'somebody new', 3)
    UNION ALL
    SELECT 1, rank, item_id FROM recommend_for('films', '{31}', 3)
    UNION ALL
    SELECT 2, rank, item_id FROM recommend_for('films', '{31, 21}', 3)
) AS o
JOIN item AS i ON i.item_id = o.item_id
GROUP BY o.known
ORDER BY o.known
