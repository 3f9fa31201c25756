-- sql/postgres/http_log_month.sql
-- The log, partitioned by month: run before tables.sql where that is asked for, which
-- then adds comments and all other tables. The columns are those of tables.sql. Safe to
-- run again.

-- Without a default partition: making a month while there is one would have to look
-- through it, and lock it. partition.sql makes the months.
CREATE TABLE IF NOT EXISTS http_log (
    "timestamp" timestamptz,
    http_method text,
    http_path   text,
    user_id     text,
    load_id     bigint
) PARTITION BY RANGE ("timestamp");
