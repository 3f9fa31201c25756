-- sql/postgres/queries/report_campaigns.sql
--     The campaigns that drove most rewards: in how many sessions, and which.
SELECT
    campaign_id,
    campaign_name,
    CAST(sum(sessions) AS bigint) AS driven_rewards,
    array_agg(reward_id ORDER BY sessions DESC, reward_id) AS rewards
FROM campaign_conversions()
GROUP BY campaign_id, campaign_name
ORDER BY driven_rewards DESC, campaign_id
LIMIT 10
