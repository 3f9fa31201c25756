-- sql/redshift/load.sql
--     Loads files of the log by hand, once they are in S3. For people: "clickstream load
--     --target redshift" does this by itself, with a check that no file comes twice.
--     Replace bucket, role and file name. Needs tables.sql.

-- The manifest names the files; without one, FROM means all whose names begin so:
--     {"entries": [{"url": "s3://bucket/log.avro", "mandatory": true}]}
-- The times in our files are milliseconds, which only TIMEFORMAT says. The lock keeps
-- another load from taking the same number.
BEGIN;
LOCK load_batch;
CREATE TEMP TABLE http_log_stage (LIKE http_log);
COPY http_log_stage ("timestamp", http_method, http_path, user_id)
FROM 's3://bucket/log.manifest'
IAM_ROLE 'arn:aws:iam::123456789012:role/clickstream'
FORMAT AS AVRO 'auto'
MANIFEST
TIMEFORMAT 'epochmillisecs'
COMPUPDATE OFF
STATUPDATE OFF;
INSERT INTO load_batch (load_id, table_name, file_name, file_id, rows_loaded)
SELECT COALESCE(MAX(load_id), 0) + 1, 'http_log', 'log.avro', 'by hand: log.avro',
       (SELECT COUNT(*) FROM http_log_stage)
FROM load_batch;
INSERT INTO http_log ("timestamp", http_method, http_path, user_id, load_id)
SELECT s."timestamp", s.http_method, s.http_path, s.user_id, b.load_id
FROM http_log_stage AS s
CROSS JOIN load_batch AS b
WHERE b.file_id = 'by hand: log.avro';
DROP TABLE http_log_stage;
COMMIT;
