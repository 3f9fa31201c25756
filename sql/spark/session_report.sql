-- sql/spark/session_report.sql
--     The session report: who came, for how long, what they viewed, which
--     rewards they took, and whether a view led to a reward. Needs session_items.sql.

-- A view from which an issue follows in its session stands here once for each
-- reward of its campaign, all else once. The rows of one reward, its views and its
-- issues, then tell whether it was driven: first view of a campaign that has it
-- before its last issue. Only the first copy of an item
-- goes into the lists. No list is ever truncated here; the column is there for
-- those who read the report of another database, too.
CREATE OR REPLACE TEMPORARY VIEW session_report AS
SELECT q.user_id,
       q.session_start,
       MAX(q.last_at) AS session_end,
       TRANSFORM(ARRAY_SORT(COLLECT_LIST(
           CASE WHEN q.kind = 'view' AND q.copy = 1 THEN STRUCT(q.first_at, q.id) END)),
           item -> item.id) AS campaigns,
       TRANSFORM(ARRAY_SORT(COLLECT_LIST(
           CASE WHEN q.kind = 'issue' AND q.copy = 1 THEN STRUCT(q.first_at, q.id) END)),
           item -> item.id) AS rewards_issued,
       MAX(CASE WHEN q.kind = 'issue' AND q.viewed_at < q.last_at THEN 1 ELSE 0 END) = 1
           AS reward_driven_by_campaign_view,
       FALSE AS truncated
FROM (
    SELECT i.user_id,
           i.session_start,
           i.kind,
           i.id,
           i.first_at,
           i.last_at,
           ROW_NUMBER() OVER (
               PARTITION BY i.user_id, i.session_start, i.kind, i.id
               ORDER BY m.reward_id) AS copy,
           MIN(CASE WHEN i.kind = 'view' THEN i.first_at END) OVER (
               PARTITION BY i.user_id, i.session_start,
                            CASE WHEN i.kind = 'issue' THEN i.id ELSE m.reward_id END
           ) AS viewed_at
    FROM (
        SELECT user_id, session_start, kind, id, first_at, last_at,
               MAX(CASE WHEN kind = 'issue' THEN last_at END) OVER (
                   PARTITION BY user_id, session_start) AS issued_at
        FROM session_items
    ) AS i
    LEFT JOIN (
        SELECT DISTINCT campaign_id, reward_id
        FROM campaign_reward_mapping
        WHERE campaign_id IS NOT NULL AND reward_id IS NOT NULL
    ) AS m ON m.campaign_id = CASE WHEN i.kind = 'view' AND i.first_at < i.issued_at THEN i.id END
) AS q
GROUP BY q.user_id, q.session_start;
