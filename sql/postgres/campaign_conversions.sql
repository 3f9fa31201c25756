-- sql/postgres/campaign_conversions.sql
--     Which campaign drove which reward, and in how many sessions of the report.

-- One session counts once for each mapped pair that it converts; so a session with
-- a driven reward counts at least once, and more often where more pairs fit.
CREATE OR REPLACE FUNCTION campaign_conversions(
    since timestamptz DEFAULT '-infinity',
    until timestamptz DEFAULT 'infinity',
    gap interval DEFAULT '5 min',
    frame text DEFAULT 'start')
RETURNS TABLE (
    campaign_id bigint,
    campaign_name text,
    reward_id bigint,
    sessions bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT p.campaign_id, n.name, p.reward_id, p.sessions
    FROM (
        SELECT c.campaign_id, c.reward_id, count(*) AS sessions
        FROM session_report_states(campaign_conversions.gap) AS u
        CROSS JOIN LATERAL session_conversions(
            CASE
                WHEN campaign_conversions.frame = 'overlap'
                    THEN sessions_overlapping(u.state, campaign_conversions.since,
                                              campaign_conversions.until)
                ELSE u.state
            END,
            (SELECT reward_map(m.campaign_id, m.reward_id) FROM campaign_reward_mapping AS m)
        ) AS c
        WHERE session_report_check(campaign_conversions.since, campaign_conversions.until,
                                   campaign_conversions.gap, campaign_conversions.frame)
          AND (campaign_conversions.frame = 'overlap'
               OR (c.session_start >= campaign_conversions.since
                   AND c.session_start < campaign_conversions.until))
        GROUP BY c.campaign_id, c.reward_id
    ) AS p
    LEFT JOIN campaign AS n ON n.id = p.campaign_id
    ORDER BY p.campaign_id, p.reward_id;
END;
COMMENT ON FUNCTION campaign_conversions(timestamptz, timestamptz, interval, text) IS
    'how many sessions of session_report with the same arguments issued a reward after a view of a campaign that contains it; one row a pair, none for pairs without';
