-- sql/spark/tables.sql
--     The tables that the reports read, and the ledger of what table sessions has seen.
--     Safe to run again. First, SET clickstream.log=s3a://bucket/log: the folder with the
--     Avro files of the log.

-- Days and hours of the reports are told from times in UTC.
SET spark.sql.session.timeZone = UTC;

-- The log

-- The files are the table: what is put into the folder is in the log.
CREATE TABLE IF NOT EXISTS http_log (
    timestamp   TIMESTAMP,
    http_method STRING,
    http_path   STRING,
    user_id     STRING
)
USING avro
LOCATION '${clickstream.log}'
COMMENT 'HTTP requests, one row each; the same request may stand here more than once';

-- Campaigns and rewards

CREATE TABLE IF NOT EXISTS campaign_reward_mapping (
    campaign_id BIGINT,
    reward_id   BIGINT
)
USING parquet
COMMENT 'which campaign offers which reward: many to many; a pair given twice counts once';

CREATE TABLE IF NOT EXISTS campaign (
    id         BIGINT,
    name       STRING,
    status     STRING,
    updated_at TIMESTAMP
)
USING parquet
COMMENT 'campaigns';

CREATE TABLE IF NOT EXISTS reward_campaign (
    id          BIGINT,
    reward_name STRING,
    updated_at  TIMESTAMP,
    campaign_id BIGINT
)
USING parquet
COMMENT 'rewards, each with the campaign that it is accounted to';

CREATE TABLE IF NOT EXISTS reward_transaction (
    id                 BIGINT,
    status             STRING,
    updated_at         TIMESTAMP,
    reward_campaign_id BIGINT
)
USING parquet
COMMENT 'reward transactions, each in its last known state';

-- What the reports go by

-- One row. A reader of this table makes do with the defaults where there is none.
CREATE TABLE IF NOT EXISTS report_setting (
    gap_microseconds BIGINT
        COMMENT 'requests of a user this far apart or farther are in two sessions',
    time_zone        STRING
        COMMENT 'whose days, hours and weeks campaign_engagement and weekly_rewards count'
)
USING parquet
COMMENT 'one row: what the reports go by';

INSERT INTO report_setting
SELECT 300000000, 'Asia/Singapore'
FROM (SELECT COUNT(*) AS settings FROM report_setting)
WHERE settings = 0;

-- The ledger

-- The last thing that a refresh writes: one that was broken off is done again.
CREATE TABLE IF NOT EXISTS load_batch (
    file_name        STRING,
    gap_microseconds BIGINT COMMENT 'the gap that its sessions were built with',
    refreshed_at     TIMESTAMP
)
USING parquet
COMMENT 'ledger: the files of the log that refresh_sessions has seen';

-- What a refresh works on

CREATE TABLE IF NOT EXISTS session_file (
    file_name STRING
)
USING parquet
COMMENT 'files that the last refresh found new';

CREATE TABLE IF NOT EXISTS session_touched (
    user_id  STRING,
    first_at TIMESTAMP,
    last_at  TIMESTAMP
)
USING parquet
COMMENT 'users with new requests in the last refresh, and the time within which their sessions may have changed';
