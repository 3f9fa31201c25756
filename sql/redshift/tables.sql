-- sql/redshift/tables.sql
--     The tables that a load fills and the reports read, and the ledger of loads.
--     Safe to run again.

-- The log

-- Times are UTC. A user's rows lie on one slice, in order: the windows of the
-- reports need no redistribution. The path is as wide as the loader's longest
-- line, because a narrower column would refuse rows that other databases take.
CREATE TABLE IF NOT EXISTS http_log (
    "timestamp" TIMESTAMP ENCODE az64,
    http_method VARCHAR(64) ENCODE zstd,
    http_path   VARCHAR(65535) ENCODE zstd,
    user_id     VARCHAR(256) ENCODE raw,
    load_id     BIGINT ENCODE az64
)
DISTKEY (user_id)
COMPOUND SORTKEY (user_id, "timestamp");

COMMENT ON TABLE http_log IS
    'HTTP requests, one row each; the same request may stand here more than once';

-- Campaigns and rewards

CREATE TABLE IF NOT EXISTS campaign_reward_mapping (
    campaign_id BIGINT ENCODE az64,
    reward_id   BIGINT ENCODE az64
)
DISTSTYLE ALL;

COMMENT ON TABLE campaign_reward_mapping IS
    'which campaign offers which reward: many to many; a pair given twice counts once';

CREATE TABLE IF NOT EXISTS campaign (
    id         BIGINT ENCODE az64,
    name       VARCHAR(1024) ENCODE zstd,
    status     VARCHAR(64) ENCODE zstd,
    updated_at TIMESTAMP ENCODE az64
)
DISTSTYLE ALL;

COMMENT ON TABLE campaign IS 'campaigns';

CREATE TABLE IF NOT EXISTS reward_campaign (
    id          BIGINT ENCODE az64,
    reward_name VARCHAR(1024) ENCODE zstd,
    updated_at  TIMESTAMP ENCODE az64,
    campaign_id BIGINT ENCODE az64
)
DISTSTYLE ALL;

COMMENT ON TABLE reward_campaign IS 'rewards, each with the campaign that it is accounted to';

CREATE TABLE IF NOT EXISTS reward_transaction (
    id                 BIGINT ENCODE az64,
    status             VARCHAR(64) ENCODE bytedict,
    updated_at         TIMESTAMP ENCODE az64,
    reward_campaign_id BIGINT ENCODE az64
)
DISTKEY (reward_campaign_id)
COMPOUND SORTKEY (reward_campaign_id, updated_at);

COMMENT ON TABLE reward_transaction IS 'reward transactions, each in its last known state';

-- What the reports go by

-- One row. A reader of this table makes do with the defaults where there is none.
CREATE TABLE IF NOT EXISTS report_setting (
    gap_microseconds       BIGINT NOT NULL,
    time_zone              VARCHAR(64) NOT NULL,
    built_gap_microseconds BIGINT
)
DISTSTYLE ALL;

INSERT INTO report_setting (gap_microseconds, time_zone)
SELECT 300000000, 'Asia/Singapore'
WHERE NOT EXISTS (SELECT 1 FROM report_setting);

COMMENT ON TABLE report_setting IS 'one row: what the reports go by';
COMMENT ON COLUMN report_setting.gap_microseconds IS
    'requests of a user this far apart or farther are in two sessions';
COMMENT ON COLUMN report_setting.time_zone IS
    'whose days, hours and weeks campaign_engagement and weekly_rewards count';
COMMENT ON COLUMN report_setting.built_gap_microseconds IS
    'the gap that table sessions was built with; NULL: the next refresh builds it anew';

-- The ledger

-- Written in the transaction that loads the file, which locks this table first: so
-- a file is loaded once, and load_id counts up without gaps.
CREATE TABLE IF NOT EXISTS load_batch (
    load_id       BIGINT NOT NULL,
    table_name    VARCHAR(600) NOT NULL,
    file_name     VARCHAR(4096) NOT NULL,
    file_id       VARCHAR(64) NOT NULL,
    source_sha256 VARCHAR(64),
    checksum      VARCHAR(64),
    rows_read     BIGINT,
    rows_loaded   BIGINT,
    staged        VARCHAR(2048),
    loaded_at     TIMESTAMP NOT NULL DEFAULT GETDATE(),
    refreshed     BOOLEAN NOT NULL DEFAULT FALSE
)
DISTSTYLE ALL;

COMMENT ON TABLE load_batch IS
    'ledger of loads: one row for each file, written in the transaction that loaded it';
COMMENT ON COLUMN load_batch.load_id IS 'number of the load; http_log.load_id of its rows';
COMMENT ON COLUMN load_batch.refreshed IS
    'whether refresh_sessions has seen the load: its rows are in table sessions';

-- What a refresh works on

-- Filled and emptied again by refresh_sessions within its transaction: for everybody
-- else it is always empty.
CREATE TABLE IF NOT EXISTS session_touched (
    user_id  VARCHAR(256) NOT NULL,
    first_at TIMESTAMP NOT NULL,
    last_at  TIMESTAMP NOT NULL
)
DISTKEY (user_id)
SORTKEY (user_id);

COMMENT ON TABLE session_touched IS
    'users with new requests, and the time within which their sessions may change; empty but within a refresh';
