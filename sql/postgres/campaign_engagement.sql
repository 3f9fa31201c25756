-- sql/postgres/campaign_engagement.sql
-- Report: transactions of one campaign per local day and hour, most first.
-- Needs the tables of tables.sql. Safe to run again.

-- One plain query, so that the planner can inline it into the caller's.
--
-- The range is tested twice. The local day decides; the bounds on updated_at
-- itself, wider by a day on either side, are there for the index. Local
-- midnight alone would not do as a bound: in a zone whose clocks go back over
-- midnight it comes twice.
CREATE OR REPLACE FUNCTION campaign_engagement(
    campaign_id bigint,
    first_day   date,
    last_day    date,
    tz          text DEFAULT 'Asia/Singapore'
)
RETURNS TABLE (transactions bigint, date date, "time" time)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT count(*) AS transactions,
           local.hour::date AS date,
           local.hour::time AS "time"
    FROM reward_campaign r
    JOIN reward_transaction t ON t.reward_campaign_id = r.id
    CROSS JOIN LATERAL (SELECT date_trunc('hour', t.updated_at AT TIME ZONE tz)) AS local (hour)
    WHERE r.campaign_id = campaign_engagement.campaign_id
      AND isfinite(t.updated_at)
      AND t.updated_at >= (coalesce(first_day, '-infinity') - 1)::timestamp AT TIME ZONE tz
      AND t.updated_at < (coalesce(last_day, 'infinity') + 2)::timestamp AT TIME ZONE tz
      AND local.hour::date >= coalesce(first_day, '-infinity')
      AND local.hour::date <= coalesce(last_day, 'infinity')
    GROUP BY local.hour
    ORDER BY transactions DESC, date, "time";
END;

COMMENT ON FUNCTION campaign_engagement(bigint, date, date, text) IS
    'transactions of a campaign''s rewards, whatever their status, per local day and hour, most first; '
    'from first_day to last_day inclusive (NULL: no bound), days and hours being those of the time zone tz';
