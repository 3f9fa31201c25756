-- sql/postgres/weekly_rewards.sql
-- Report: redemptions per reward and ISO week, with the change on the week
-- before in per cent. Needs the tables of tables.sql. Safe to run again.

-- Rewards are told apart by id, so two of one name have rows of their own, the
-- lower id first. The frame is applied to the list of weeks only, never to the
-- transactions: every count is that of a whole week, and the week before the
-- frame is there to compare with.
CREATE OR REPLACE FUNCTION weekly_rewards(
    campaign_id bigint DEFAULT NULL,
    first_day   date DEFAULT NULL,
    last_day    date DEFAULT NULL,
    tz          text DEFAULT 'Asia/Singapore'
)
RETURNS TABLE (reward_name text, redeemed bigint, pct_change numeric, week date)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH weekly AS (
        -- Weeks with a redemption, by their local Monday
        SELECT r.id,
               r.reward_name,
               date_trunc('week', t.updated_at AT TIME ZONE tz) AS week,
               count(*) AS redeemed
        FROM reward_campaign r
        JOIN reward_transaction t ON t.reward_campaign_id = r.id
        WHERE t.status = 'redeemed'
          AND isfinite(t.updated_at)
          AND (weekly_rewards.campaign_id IS NULL OR r.campaign_id = weekly_rewards.campaign_id)
        GROUP BY 1, 2, 3
    ), reward AS (
        SELECT id, reward_name, min(week) AS first_week, max(week) AS last_week
        FROM weekly
        GROUP BY 1, 2
    )
    SELECT r.reward_name,
           coalesce(this.redeemed, 0) AS redeemed,
           round(100.0 * (coalesce(this.redeemed, 0) - previous.redeemed)::numeric
                 / previous.redeemed::numeric, 2)
               AS pct_change,
           shown.week::date AS week
    FROM reward r
    -- greatest and least pass over NULL, which so means no bound
    CROSS JOIN LATERAL generate_series(
        greatest(r.first_week, date_trunc('week', first_day::timestamp)),
        least(r.last_week, last_day::timestamp),
        interval '7 days') AS shown (week)
    LEFT JOIN weekly this ON this.id = r.id AND this.week = shown.week
    LEFT JOIN weekly previous ON previous.id = r.id AND previous.week = shown.week - interval '7 days'
    WHERE coalesce(first_day <= last_day, true) -- a range without days has no week
    ORDER BY shown.week, r.reward_name, r.id;
END;

COMMENT ON FUNCTION weekly_rewards(bigint, date, date, text) IS
    'redeemed transactions per reward and ISO week of the time zone tz, week being its Monday, '
    'from the reward''s first week with a redemption to its last; pct_change is against the week before, '
    'NULL where that has none; weeks with a day from first_day to last_day (NULL: no bound); '
    'of one campaign, or of all (NULL); by week, reward_name and id of the reward';
