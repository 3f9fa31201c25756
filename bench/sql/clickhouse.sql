-- bench/sql/clickhouse.sql
-- The session report in ClickHouse's array idiom: collect and sort the events of a user,
-- split them where the pause is too long, and read lists and driven from each part.
SELECT user_id, session_start, session_end, campaigns, rewards_issued,
       length(views) > 0 AND length(issues) > 0 AND arrayExists(
           i -> arrayExists(v -> v.1 < i.1 AND (v.3, i.3) IN (SELECT campaign_id, reward_id FROM campaign_reward_mapping), views), issues)
           AS reward_driven_by_campaign_view
FROM (
    SELECT user_id,
           part[1].1 AS session_start, part[-1].1 AS session_end,
           arrayFilter(e -> e.2 = 1, part) AS views,
           arrayFilter(e -> e.2 = 2, part) AS issues,
           arrayDistinct(arrayMap(e -> e.3, views)) AS campaigns,
           arrayDistinct(arrayMap(e -> e.3, issues)) AS rewards_issued
    FROM (
        SELECT user_id,
               arraySort(groupArray((ts, kind, id))) AS events,
               arraySplit((e, pause) -> pause >= 300, events,
                          arrayDifference(arrayMap(e -> e.1, events))) AS parts
        FROM (
            SELECT user_id, toUnixTimestamp(timestamp) AS ts,
                   multiIf(http_method = 'GET' AND startsWith(http_path, '/campaigns/'), 1,
                           http_method = 'POST' AND startsWith(http_path, '/rewards/'), 2, 0) AS kind,
                   multiIf(kind = 1, toInt64OrZero(substring(http_path, 12)),
                           kind = 2, toInt64OrZero(substring(http_path, 10)), 0) AS id
            FROM http_log
        )
        GROUP BY user_id
    )
    ARRAY JOIN parts AS part
)
