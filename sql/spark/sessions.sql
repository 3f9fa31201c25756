-- sql/spark/sessions.sql
--     The rows of session_report kept as a table, which refresh_sessions brings up to
--     date. Needs session_report.sql.

-- Files cannot be changed, only replaced: a bucket of users at a time.
CREATE TABLE IF NOT EXISTS sessions (
    user_id                        STRING,
    session_start                  TIMESTAMP,
    session_end                    TIMESTAMP,
    campaigns                      ARRAY<BIGINT>,
    rewards_issued                 ARRAY<BIGINT>,
    reward_driven_by_campaign_view BOOLEAN,
    truncated                      BOOLEAN,
    bucket                         INT
)
USING parquet
PARTITIONED BY (bucket)
COMMENT 'the rows of session_report, as of the last refresh_sessions.sql';

CREATE TABLE IF NOT EXISTS session_fresh (
    user_id                        STRING,
    session_start                  TIMESTAMP,
    session_end                    TIMESTAMP,
    campaigns                      ARRAY<BIGINT>,
    rewards_issued                 ARRAY<BIGINT>,
    reward_driven_by_campaign_view BOOLEAN,
    truncated                      BOOLEAN,
    bucket                         INT
)
USING parquet
COMMENT 'buckets of sessions as the last refresh made them, on their way there';
