-- sql/redshift/session_report.sql
--     The session report: who came, for how long, what they viewed, which
--     rewards they took, and whether a view led to a reward. Needs session_items.sql.

-- A view from which an issue follows in its session stands here once for each
-- reward of its campaign, all else once. The rows of one reward, its views and its
-- issues, then tell whether it was driven: first view of a campaign that has it
-- before its last issue. Only the first copy of an item
-- goes into the lists, and none of a list that LISTAGG could not hold: its limit
-- is 65,535 bytes, two of which are the brackets; list_bytes counts one comma too many.
CREATE OR REPLACE VIEW session_report AS
SELECT user_id,
       session_start,
       MAX(last_at) AS session_end,
       CASE
           WHEN MAX(CASE WHEN kind = 'view' THEN list_bytes ELSE 0 END) <= 65534
           THEN '[' || COALESCE(LISTAGG(
               CASE
                   WHEN kind = 'view' AND copy = 1 AND list_bytes <= 65534
                   THEN CAST(id AS VARCHAR(20))
               END, ',') WITHIN GROUP (ORDER BY first_at, id), '') || ']'
       END AS campaigns,
       CASE
           WHEN MAX(CASE WHEN kind = 'issue' THEN list_bytes ELSE 0 END) <= 65534
           THEN '[' || COALESCE(LISTAGG(
               CASE
                   WHEN kind = 'issue' AND copy = 1 AND list_bytes <= 65534
                   THEN CAST(id AS VARCHAR(20))
               END, ',') WITHIN GROUP (ORDER BY first_at, id), '') || ']'
       END AS rewards_issued,
       MAX(CASE WHEN kind = 'issue' AND viewed_at < last_at THEN 1 ELSE 0 END) = 1
           AS reward_driven_by_campaign_view,
       MAX(CASE WHEN kind <> 'other' THEN list_bytes ELSE 0 END) > 65534 AS truncated
FROM (
    SELECT p.user_id,
           p.session_start,
           p.kind,
           p.id,
           p.first_at,
           p.last_at,
           p.copy,
           p.viewed_at,
           SUM(CASE WHEN p.copy = 1 THEN LEN(CAST(p.id AS VARCHAR(20))) + 1 ELSE 0 END) OVER (
               PARTITION BY p.user_id, p.session_start, p.kind) AS list_bytes
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
    ) AS p
) AS q
GROUP BY user_id, session_start;

COMMENT ON VIEW session_report IS
    'one row a session; lists are JSON arrays, or NULL where truncated: session_items has their ids';
