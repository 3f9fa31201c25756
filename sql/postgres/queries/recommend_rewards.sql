-- sql/postgres/queries/recommend_rewards.sql
--     For a campaign to come: of its rewards, the one that fits each of the most frequent users.
SELECT u.user_id, u.issued, w.reward_name, CAST(r.score AS numeric(4, 2)) AS score
FROM (
    SELECT user_id, count(DISTINCT reward_id) AS issued
    FROM reward_interaction
    GROUP BY user_id
    ORDER BY issued DESC, user_id COLLATE "C"
    LIMIT 5
) AS u
CROSS JOIN LATERAL recommend('rewards', u.user_id, 1, among => (
    SELECT array_agg(m.reward_id) FROM campaign_reward_mapping AS m WHERE m.campaign_id = 2)) AS r
JOIN reward_campaign AS w ON w.id = r.item_id
ORDER BY u.issued DESC, u.user_id COLLATE "C"
