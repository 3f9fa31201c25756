-- loader/sql/partition_check.sql
-- One row if http_log of schema $1 is partitioned by range of "timestamp", else none.
SELECT
FROM pg_partitioned_table AS p
JOIN pg_class AS c ON c.oid = p.partrelid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
WHERE c.relname = 'http_log'
  AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
  AND p.partstrat = 'r'
  AND p.partnatts = 1
  AND a.attname = 'timestamp'
