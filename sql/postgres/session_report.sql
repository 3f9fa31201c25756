-- sql/postgres/session_report.sql
--     The session report: who came, for how long, what they viewed, which
--     rewards they took, and whether a view led to a reward.

CREATE OR REPLACE FUNCTION session_report_check(
    since timestamptz, until timestamptz, gap interval, frame text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF since IS NULL OR until IS NULL THEN
        RAISE EXCEPTION 'since and until must not be NULL'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Use -infinity and infinity for an open frame.';
    END IF;
    IF gap IS NULL THEN
        RAISE EXCEPTION 'gap must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF frame IS NULL OR frame NOT IN ('start', 'overlap') THEN
        RAISE EXCEPTION 'frame must be "start" or "overlap", not %',
                coalesce('"' || frame || '"', 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = '"start" gives the sessions that start in the frame, '
                         '"overlap" those with any activity in it.';
    END IF;
    IF gap <= interval '0' OR extract(year FROM gap) <> 0 OR extract(month FROM gap) <> 0 THEN
        RAISE EXCEPTION 'gap must be longer than zero and must not contain months or years'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the gap in days or smaller units; a day is 24 hours.';
    END IF;
    RETURN true;
END;
$$;
COMMENT ON FUNCTION session_report_check(timestamptz, timestamptz, interval, text) IS
    'true, or an error that says which argument of session_report is not usable';

-- The states of all users, under a gap of the caller's.
--
-- The states are read where they are fresh, else the log. Only one of the two
-- branches is executed, and EXPLAIN tells which by its One-Time Filter.
CREATE OR REPLACE FUNCTION session_report_states(gap interval)
RETURNS TABLE (user_id text, state sessionset)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000
BEGIN ATOMIC
    SELECT t.user_id, with_gap(t.state, session_report_states.gap)
    FROM session_state AS t
    WHERE session_states_fresh()
    UNION ALL
    SELECT
        coalesce(l.user_id, b.user_id),
        with_gap(b.base, session_report_states.gap) + l.state
    FROM (
        SELECT
            h.user_id,
            sessionize(h."timestamp", h.http_method, h.http_path,
                       session_report_states.gap) AS state
        FROM http_log AS h
        WHERE h.user_id IS NOT NULL
        GROUP BY h.user_id
    ) AS l
    FULL JOIN (
        SELECT t.user_id, t.base FROM session_state AS t WHERE t.base IS NOT NULL
    ) AS b ON l.user_id = b.user_id
    WHERE NOT session_states_fresh();
END;
COMMENT ON FUNCTION session_report_states(interval) IS
    'the events of each user, from the stored states where they are fresh, else from the log';

-- A frame never cuts a session: sessions are built from all activity, then chosen.
CREATE OR REPLACE FUNCTION session_report(
    since timestamptz DEFAULT '-infinity',
    until timestamptz DEFAULT 'infinity',
    gap interval DEFAULT '5 min',
    frame text DEFAULT 'start')
RETURNS TABLE (
    user_id text,
    session_start timestamptz,
    session_end timestamptz,
    campaigns bigint[],
    rewards_issued bigint[],
    reward_driven_by_campaign_view boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100000
BEGIN ATOMIC
    SELECT
        u.user_id,
        s.session_start,
        s.session_end,
        s.campaigns,
        s.rewards_issued,
        s.reward_driven_by_campaign_view
    FROM session_report_states(session_report.gap) AS u
    CROSS JOIN LATERAL session_rows(
        CASE
            WHEN session_report.frame = 'overlap'
                THEN sessions_overlapping(u.state, session_report.since, session_report.until)
            ELSE u.state
        END,
        (SELECT reward_map(m.campaign_id, m.reward_id) FROM campaign_reward_mapping AS m)
    ) AS s
    WHERE session_report_check(session_report.since, session_report.until, session_report.gap,
                               session_report.frame)
      AND (session_report.frame = 'overlap'
           OR (s.session_start >= session_report.since
               AND s.session_start < session_report.until));
END;
COMMENT ON FUNCTION session_report(timestamptz, timestamptz, interval, text) IS
    'one row a session that starts in [since, until), or, with frame => ''overlap'', that has any activity in it; users that are NULL are left out';
