-- sql/bigquery/session_report.sql
--     The session report: who came, for how long, what they viewed, which
--     rewards they took, and whether a view led to a reward. Needs session_items.sql.

-- The sessions that start in [since, until); NULL is no bound.
--
-- A view from which an issue follows in its session stands here once for each
-- reward of its campaign, all else once. The rows of one reward, its views and its
-- issues, then tell whether it was driven: first view of a campaign that has it
-- before its last issue. Only the first copy of an item
-- goes into the lists. No list is ever truncated here; the column is there for
-- those who read the report of another database, too.
CREATE OR REPLACE TABLE FUNCTION clickstream.session_report(since TIMESTAMP, until TIMESTAMP)
AS (
SELECT q.user_id,
       q.session_start,
       CASE
           WHEN MAX(q.last_at) > MAX(q.edge)
           THEN CAST(ERROR(FORMAT(
               'the session of user %T that starts at %t may go on past the range and a day: ask without bounds',
               q.user_id, q.session_start)) AS TIMESTAMP)
           ELSE MAX(q.last_at)
       END AS session_end,
       COALESCE(ARRAY_AGG(
           CASE WHEN q.kind = 'view' AND q.copy = 1 THEN q.id END
           IGNORE NULLS ORDER BY q.first_at, q.id), []) AS campaigns,
       COALESCE(ARRAY_AGG(
           CASE WHEN q.kind = 'issue' AND q.copy = 1 THEN q.id END
           IGNORE NULLS ORDER BY q.first_at, q.id), []) AS rewards_issued,
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
           SAFE.TIMESTAMP_SUB(
               SAFE.TIMESTAMP_ADD(until, INTERVAL 1 DAY), INTERVAL g.gap_microseconds MICROSECOND) AS edge,
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
        FROM clickstream.session_items(since, until)
    ) AS i
    CROSS JOIN (
        SELECT COALESCE(MAX(gap_microseconds), 300000000) AS gap_microseconds
        FROM clickstream.report_setting
    ) AS g
    LEFT JOIN (
        SELECT DISTINCT campaign_id, reward_id
        FROM clickstream.campaign_reward_mapping
        WHERE campaign_id IS NOT NULL AND reward_id IS NOT NULL
    ) AS m ON m.campaign_id = CASE WHEN i.kind = 'view' AND i.first_at < i.issued_at THEN i.id END
    WHERE (since IS NULL OR i.session_start >= since)
      AND (until IS NULL OR i.session_start < until)
) AS q
GROUP BY q.user_id, q.session_start
);
