-- sql/postgres/queries/recommender_fit_rewards.sql
--     A model of the rewards that users were issued.
SELECT f -> 'users' AS users, f -> 'items' AS rewards, f -> 'interactions' AS issued
FROM recommender_fit('rewards', 'reward_interaction', 'user_id', 'reward_id') AS f
