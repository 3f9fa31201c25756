-- extension/clickstream--0.1.0--0.2.0.sql
--     What 0.2.0 adds to 0.1.0. Stored states and maps stay as they are.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.2.0'" to load this file. \quit

CREATE FUNCTION session_details(sessionset, reward_map DEFAULT NULL, user_id text DEFAULT NULL,
                                max_length interval DEFAULT NULL, midnight text DEFAULT NULL,
                                cut_on_campaign boolean DEFAULT false,
                                loaded_from timestamptz DEFAULT NULL,
                                loaded_until timestamptz DEFAULT NULL,
                                OUT session_start timestamptz, OUT session_end timestamptz,
                                OUT events bigint, OUT campaigns bigint[],
                                OUT rewards_issued bigint[],
                                OUT reward_driven_by_campaign_view boolean,
                                OUT session_id text, OUT duration interval,
                                OUT entry_kind text, OUT entry_id bigint,
                                OUT exit_kind text, OUT exit_id bigint, OUT bounce boolean,
                                OUT may_continue_before boolean, OUT may_continue_after boolean)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_details(sessionset, reward_map, text, interval, text, boolean,
                                    timestamptz, timestamptz) IS
    'one row a session, with its id, first and last event and whether it may go on outside the loaded range; cut further at a length, at local midnight, at a view of another campaign';
CREATE FUNCTION session_conversions(sessionset, reward_map,
                                    OUT session_start timestamptz, OUT campaign_id bigint,
                                    OUT viewed_at timestamptz, OUT reward_id bigint,
                                    OUT issued_at timestamptz)
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_conversions(sessionset, reward_map) IS
    'one row a mapped pair of a session whose campaign was viewed before the reward was issued: the first view, and the first issue after it';
CREATE FUNCTION session_funnel(sessionset, kinds text[], ids bigint[],
                               OUT session_start timestamptz, OUT steps integer,
                               OUT reached_at timestamptz[])
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_funnel(sessionset, text[], bigint[]) IS
    'one row a session: how many of the steps it took, each strictly later than the one before, and when; a NULL id is any id';
