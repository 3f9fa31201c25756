-- sql/bigquery/tables.sql
--     The tables that a load fills and the reports read, and the ledger of loads.
--     Safe to run again. For another dataset than clickstream, replace that word.

CREATE SCHEMA IF NOT EXISTS clickstream;

-- The log

-- A day is a partition, so that a report of some days is charged for these; within
-- it a user's rows lie together.
CREATE TABLE IF NOT EXISTS clickstream.http_log (
    timestamp   TIMESTAMP,
    http_method STRING,
    http_path   STRING,
    user_id     STRING,
    load_id     INT64
)
PARTITION BY DATE(timestamp)
CLUSTER BY user_id
OPTIONS (description = 'HTTP requests, one row each; the same request may stand here more than once');

-- Campaigns and rewards

CREATE TABLE IF NOT EXISTS clickstream.campaign_reward_mapping (
    campaign_id INT64,
    reward_id   INT64
)
OPTIONS (description = 'which campaign offers which reward: many to many; a pair given twice counts once');

CREATE TABLE IF NOT EXISTS clickstream.campaign (
    id         INT64,
    name       STRING,
    status     STRING,
    updated_at TIMESTAMP
)
OPTIONS (description = 'campaigns');

CREATE TABLE IF NOT EXISTS clickstream.reward_campaign (
    id          INT64,
    reward_name STRING,
    updated_at  TIMESTAMP,
    campaign_id INT64
)
OPTIONS (description = 'rewards, each with the campaign that it is accounted to');

CREATE TABLE IF NOT EXISTS clickstream.reward_transaction (
    id                 INT64,
    status             STRING,
    updated_at         TIMESTAMP,
    reward_campaign_id INT64
)
CLUSTER BY reward_campaign_id
OPTIONS (description = 'reward transactions, each in its last known state');

-- What the reports go by

-- One row. A reader of this table makes do with the defaults where there is none.
CREATE TABLE IF NOT EXISTS clickstream.report_setting (
    gap_microseconds       INT64 NOT NULL
        OPTIONS (description = 'requests of a user this far apart or farther are in two sessions'),
    time_zone              STRING NOT NULL
        OPTIONS (description = 'whose days, hours and weeks campaign_engagement and weekly_rewards count'),
    built_gap_microseconds INT64
        OPTIONS (description = 'the gap that table sessions was built with; NULL: the next refresh builds it anew')
)
OPTIONS (description = 'one row: what the reports go by');

INSERT INTO clickstream.report_setting (gap_microseconds, time_zone)
SELECT 300000000, 'Asia/Singapore'
FROM (SELECT COUNT(*) AS settings FROM clickstream.report_setting)
WHERE settings = 0;

-- The ledger

-- Written in the transaction that brings a file's rows into the log: so a file is
-- loaded once.
CREATE TABLE IF NOT EXISTS clickstream.load_batch (
    load_id     INT64 NOT NULL OPTIONS (description = 'number of the load; http_log.load_id of its rows'),
    file_name   STRING NOT NULL,
    rows_loaded INT64,
    first_at    TIMESTAMP OPTIONS (description = 'earliest time in the file'),
    last_at     TIMESTAMP OPTIONS (description = 'latest time in the file'),
    loaded_at   TIMESTAMP NOT NULL,
    refreshed   BOOL NOT NULL
        OPTIONS (description = 'whether refresh_sessions has seen the load: its rows are in table sessions')
)
OPTIONS (description = 'ledger of loads: one row for each file, written in the transaction that loaded it');

-- What a refresh works on

-- Filled and emptied again by refresh_sessions within its transaction: for everybody
-- else it is always empty.
CREATE TABLE IF NOT EXISTS clickstream.session_touched (
    user_id  STRING NOT NULL,
    first_at TIMESTAMP NOT NULL,
    last_at  TIMESTAMP NOT NULL
)
OPTIONS (description = 'users with new requests, and the time within which their sessions may change; empty but within a refresh');
