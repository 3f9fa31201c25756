-- sql/postgres/queries/weekly_rewards_example.sql
--     Use case 2: redeemed rewards per week, and the change on the week before.
SELECT reward_name, redeemed, pct_change, week
FROM weekly_rewards(first_day => '2024-03-11', last_day => '2024-03-17')
ORDER BY week, redeemed DESC, reward_name COLLATE "C", pct_change
LIMIT 20
