-- sql/postgres/tables.sql
-- The tables that a load fills and the reports read, and the ledger of loads.
-- Safe to run again. Holds only tables, indexes and comments, all unqualified,
-- so that it can also be run with pg_temp first in the search path, to learn the
-- shapes. Of the extension it needs the type sessionset.

-- The log

-- No index: the session report reads the whole log, and a load should cost no
-- more than the plain COPY. A BRIN index on load_id would add a third to it;
-- load_batch.start_pages does its job.
CREATE TABLE IF NOT EXISTS http_log (
    "timestamp" timestamptz,
    http_method text,
    http_path   text,
    user_id     text,
    load_id     bigint
);

COMMENT ON TABLE http_log IS
    'HTTP requests, one row each; the same request may stand here more than once';
COMMENT ON COLUMN http_log."timestamp" IS
    'when the request was made; sessions ignore rows without it';
COMMENT ON COLUMN http_log.http_method IS 'GET, POST, ...; case matters';
COMMENT ON COLUMN http_log.http_path IS 'path, with query string and fragment if there was one';
COMMENT ON COLUMN http_log.user_id IS 'who made the request; rows without it are in no session';
COMMENT ON COLUMN http_log.load_id IS
    'batch that brought the row, see load_batch; NULL for rows that no load brought';

-- Campaigns and rewards

-- No foreign keys between these: the files may be loaded in any order.
CREATE TABLE IF NOT EXISTS campaign_reward_mapping (
    campaign_id bigint,
    reward_id   bigint
);

COMMENT ON TABLE campaign_reward_mapping IS
    'which campaign offers which reward: many to many; a pair given twice counts once';
COMMENT ON COLUMN campaign_reward_mapping.campaign_id IS 'id in GET /campaigns/{id}';
COMMENT ON COLUMN campaign_reward_mapping.reward_id IS 'id in POST /rewards/{id}';

CREATE TABLE IF NOT EXISTS campaign (
    id         bigint PRIMARY KEY,
    name       text,
    status     text,
    updated_at timestamptz
);

COMMENT ON TABLE campaign IS 'campaigns';
COMMENT ON COLUMN campaign.id IS 'id of the campaign';
COMMENT ON COLUMN campaign.name IS 'name of the campaign';
COMMENT ON COLUMN campaign.status IS 'state of the campaign, such as active or inactive';
COMMENT ON COLUMN campaign.updated_at IS 'time of the last change';
COMMENT ON INDEX campaign_pkey IS 'one row a campaign';

CREATE TABLE IF NOT EXISTS reward_campaign (
    id          bigint PRIMARY KEY,
    reward_name text,
    updated_at  timestamptz,
    campaign_id bigint
);

COMMENT ON TABLE reward_campaign IS 'rewards, each with the campaign that it is accounted to';
COMMENT ON COLUMN reward_campaign.id IS 'id of the reward';
COMMENT ON COLUMN reward_campaign.reward_name IS 'name of the reward; not always unique';
COMMENT ON COLUMN reward_campaign.updated_at IS 'time of the last change';
COMMENT ON COLUMN reward_campaign.campaign_id IS 'campaign.id of its campaign';
COMMENT ON INDEX reward_campaign_pkey IS 'one row a reward';

CREATE TABLE IF NOT EXISTS reward_transaction (
    id                 bigint PRIMARY KEY,
    status             text,
    updated_at         timestamptz,
    reward_campaign_id bigint
);

CREATE INDEX IF NOT EXISTS reward_transaction_reward_campaign_id_updated_at_idx
    ON reward_transaction (reward_campaign_id, updated_at);

COMMENT ON TABLE reward_transaction IS 'reward transactions, each in its last known state';
COMMENT ON COLUMN reward_transaction.id IS 'id of the transaction';
COMMENT ON COLUMN reward_transaction.status IS
    'state of the transaction; weekly_rewards counts those that are ''redeemed''';
COMMENT ON COLUMN reward_transaction.updated_at IS
    'time of the last change: the time that the reports go by';
COMMENT ON COLUMN reward_transaction.reward_campaign_id IS 'reward_campaign.id of its reward';
COMMENT ON INDEX reward_transaction_pkey IS 'one row a transaction';
COMMENT ON INDEX reward_transaction_reward_campaign_id_updated_at_idx IS
    'transactions of a reward in a range of time, for campaign_engagement and weekly_rewards';

-- What the recommender learns from

CREATE TABLE IF NOT EXISTS interaction (
    user_id  text,
    item_id  bigint,
    rating   real,
    rated_at timestamptz
);

COMMENT ON TABLE interaction IS 'which user had to do with which item; repeats are allowed';
COMMENT ON COLUMN interaction.user_id IS 'the user';
COMMENT ON COLUMN interaction.item_id IS 'the item';
COMMENT ON COLUMN interaction.rating IS 'how the user rated it, where known';
COMMENT ON COLUMN interaction.rated_at IS 'when, where known';

CREATE TABLE IF NOT EXISTS item (
    item_id bigint PRIMARY KEY,
    title   text
);

COMMENT ON TABLE item IS 'items that can be recommended';
COMMENT ON COLUMN item.item_id IS 'id of the item';
COMMENT ON COLUMN item.title IS 'title for people';
COMMENT ON INDEX item_pkey IS 'one row an item';

-- The ledger

-- A batch is claimed by inserting its row, and its counts are filled in at the
-- end of the same transaction: a committed row is a batch that is wholly
-- loaded. The unique key makes a second loader of the same batch wait for the
-- first, and then fail.
CREATE TABLE IF NOT EXISTS load_batch (
    load_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name     text NOT NULL,
    file_name      text NOT NULL,
    file_id        text NOT NULL,
    source_sha256  text,
    first_block    bigint NOT NULL,
    end_block      bigint,
    start_offset   bigint,
    end_offset     bigint,
    checksum       text,
    rows_read      bigint,
    rows_loaded    bigint,
    rows_rejected  bigint,
    truncated      boolean NOT NULL DEFAULT false,
    loaded_at      timestamptz NOT NULL DEFAULT now(),
    start_pages    jsonb,
    refreshed      boolean NOT NULL DEFAULT false,
    rows_forgotten bigint NOT NULL DEFAULT 0,
    UNIQUE (table_name, file_id, first_block)
);

-- A report asks this first, so it must not cost more with every load.
CREATE INDEX IF NOT EXISTS load_batch_unrefreshed_idx ON load_batch (load_id) WHERE NOT refreshed;

COMMENT ON TABLE load_batch IS
    'ledger of loads: one row for each committed batch, written in the transaction that loaded it';
COMMENT ON COLUMN load_batch.load_id IS 'number of the batch; http_log.load_id of its rows';
COMMENT ON COLUMN load_batch.table_name IS 'table that was loaded, with its schema';
COMMENT ON COLUMN load_batch.file_name IS 'file as the loader was given it';
COMMENT ON COLUMN load_batch.file_id IS
    'identity of the file: SHA-256 (hex) of an Avro file''s header with its sync marker, or of a whole CSV file';
COMMENT ON COLUMN load_batch.source_sha256 IS
    'SHA-256 (hex) of the log that an Avro file was encoded from, where the file names it';
COMMENT ON COLUMN load_batch.first_block IS 'first block of the batch, from 0';
COMMENT ON COLUMN load_batch.end_block IS 'block after the last one of the batch';
COMMENT ON COLUMN load_batch.start_offset IS 'offset in the file of the first byte of the batch';
COMMENT ON COLUMN load_batch.end_offset IS
    'offset in the file after the last byte of the batch, where the next one goes on';
COMMENT ON COLUMN load_batch.checksum IS
    'SHA-256 (hex) of the bytes from start_offset to end_offset';
COMMENT ON COLUMN load_batch.rows_read IS
    'rows in the batch: those loaded, those rejected, and those that were there already and skipped';
COMMENT ON COLUMN load_batch.rows_loaded IS 'rows that went into the table';
COMMENT ON COLUMN load_batch.rows_rejected IS 'rows that were refused, see load_reject';
COMMENT ON COLUMN load_batch.truncated IS 'whether the table was emptied before this batch';
COMMENT ON COLUMN load_batch.loaded_at IS 'start of the transaction that loaded the batch';
COMMENT ON COLUMN load_batch.start_pages IS
    'pages of the table, or of each partition, by its oid, when the batch began: behind them a refresh looks for the rows first';
COMMENT ON COLUMN load_batch.refreshed IS
    'whether refresh_sessions has seen the batch: its rows, if it brought any into http_log, are in session_state';
COMMENT ON COLUMN load_batch.rows_forgotten IS
    'rows that forget_before took out of the table again; their events are in session_state.base';
COMMENT ON INDEX load_batch_pkey IS 'one row a batch';
COMMENT ON INDEX load_batch_unrefreshed_idx IS 'the batches that no refresh has seen yet';
COMMENT ON INDEX load_batch_table_name_file_id_first_block_key IS
    'no batch of a file is loaded twice into a table';

CREATE TABLE IF NOT EXISTS load_reject (
    load_id      bigint NOT NULL REFERENCES load_batch ON DELETE CASCADE,
    file_name    text,
    block        bigint,
    record       bigint,
    column_name  text,
    sqlstate     text,
    reason       text NOT NULL,
    record_text  text,
    line         bigint,
    record_bytes bytea
);

CREATE INDEX IF NOT EXISTS load_reject_load_id_idx ON load_reject (load_id);

COMMENT ON TABLE load_reject IS 'rows that a load refused, one row each; they go with their batch';
COMMENT ON COLUMN load_reject.load_id IS 'batch that the refused row was in';
COMMENT ON COLUMN load_reject.file_name IS 'file that the refused row was in';
COMMENT ON COLUMN load_reject.block IS 'block of an Avro file, from 0; NULL for CSV';
COMMENT ON COLUMN load_reject.record IS 'number of the record in the file, from 1';
COMMENT ON COLUMN load_reject.column_name IS 'column that caused the refusal, where known';
COMMENT ON COLUMN load_reject.sqlstate IS 'SQLSTATE of the refusal';
COMMENT ON COLUMN load_reject.reason IS 'why the row was refused';
COMMENT ON COLUMN load_reject.record_text IS 'the refused row itself, as text';
COMMENT ON COLUMN load_reject.line IS 'line of a CSV file that the row starts in, from 1; NULL for Avro';
COMMENT ON COLUMN load_reject.record_bytes IS
    'the bytes of the refused row, where record_text does not show them as they are';
COMMENT ON INDEX load_reject_load_id_idx IS 'rejects of a batch, also for removing it';

-- Stored sessions

-- Always: state = base merged with sessionize of the user's rows in http_log, as
-- far as load_batch and session_mark do not say otherwise. The pages keep some
-- room, so that a new state finds its place beside the old one and the indexes
-- need not be touched.
CREATE TABLE IF NOT EXISTS session_state (
    user_id text PRIMARY KEY,
    state   sessionset NOT NULL,
    base    sessionset
) WITH (fillfactor = 90);

CREATE INDEX IF NOT EXISTS session_state_base_idx ON session_state (user_id)
    WHERE base IS NOT NULL;

COMMENT ON TABLE session_state IS
    'the sessions of each user, kept up to date by refresh_sessions; reports read them while they are fresh';
COMMENT ON COLUMN session_state.user_id IS 'the user';
COMMENT ON COLUMN session_state.state IS 'all events of the user, under a gap of 5 minutes';
COMMENT ON COLUMN session_state.base IS
    'those events whose rows forget_before took out of http_log; NULL where there are none';
COMMENT ON INDEX session_state_pkey IS 'one row a user';
COMMENT ON INDEX session_state_base_idx IS 'users with events that are no longer in the log';

-- Numbers of marks are random: marks that a dump brings meet those that the triggers
-- leave while it is restored.
CREATE TABLE IF NOT EXISTS session_mark (
    mark_id bigint DEFAULT uuid_hash_extended(gen_random_uuid(), 0::bigint) PRIMARY KEY,
    user_id text
);

COMMENT ON TABLE session_mark IS
    'users whose rows in http_log were changed without a load since the last refresh; written by triggers';
COMMENT ON COLUMN session_mark.mark_id IS 'number of the mark, by chance';
COMMENT ON COLUMN session_mark.user_id IS 'the user; NULL: any user may be concerned';
COMMENT ON INDEX session_mark_pkey IS 'one row a mark';

-- One row, which the first refresh makes. Who brings the states up to date updates it
-- first, so that one transaction does so at a time, and a later one never with an older
-- snapshot. (init makes none: the data of a dump bring theirs.)
CREATE TABLE IF NOT EXISTS session_refresh (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    refreshed_at timestamptz
);

COMMENT ON TABLE session_refresh IS 'one row, or none before the first refresh: when the states were last brought up to date';
COMMENT ON COLUMN session_refresh.only_row IS 'true';
COMMENT ON COLUMN session_refresh.refreshed_at IS
    'start of the last transaction that did so';
COMMENT ON INDEX session_refresh_pkey IS 'one row in all';
