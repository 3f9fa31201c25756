-- sql/postgres/queries/campaign_engagement_example.sql
--     Use case 1: transactions of a campaign per local day and hour, most first.
SELECT transactions, date, time
FROM campaign_engagement(3, '2024-03-04', '2024-03-24')
LIMIT 10
