-- sql/bigquery/sessions.sql
--     The rows of session_report kept as a table, which refresh_sessions brings up to
--     date. Needs session_report.sql.

CREATE TABLE IF NOT EXISTS clickstream.sessions (
    user_id                        STRING NOT NULL,
    session_start                  TIMESTAMP NOT NULL,
    session_end                    TIMESTAMP NOT NULL,
    campaigns                      ARRAY<INT64>,
    rewards_issued                 ARRAY<INT64>,
    reward_driven_by_campaign_view BOOL NOT NULL,
    truncated                      BOOL NOT NULL
)
PARTITION BY DATE(session_start)
CLUSTER BY user_id
OPTIONS (description = 'the rows of session_report, as of the last refresh_sessions()');
