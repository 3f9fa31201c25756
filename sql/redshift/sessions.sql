-- sql/redshift/sessions.sql
--     The rows of session_report kept as a table, which refresh_sessions brings up to
--     date. Needs session_report.sql.

CREATE TABLE IF NOT EXISTS sessions (
    user_id                        VARCHAR(256) NOT NULL ENCODE zstd,
    session_start                  TIMESTAMP NOT NULL ENCODE raw,
    session_end                    TIMESTAMP NOT NULL ENCODE az64,
    campaigns                      VARCHAR(65535) ENCODE zstd,
    rewards_issued                 VARCHAR(65535) ENCODE zstd,
    reward_driven_by_campaign_view BOOLEAN NOT NULL,
    truncated                      BOOLEAN NOT NULL
)
DISTKEY (user_id)
COMPOUND SORTKEY (session_start, user_id);

COMMENT ON TABLE sessions IS
    'the rows of session_report, as of the last refresh_sessions()';
