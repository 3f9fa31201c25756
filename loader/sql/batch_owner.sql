-- loader/sql/batch_owner.sql
-- Whether session $3 still holds the lock of file $2 for table $1. An advisory lock
-- shows the halves of its key.
SELECT EXISTS (
    SELECT
    FROM pg_locks,
         hashtextextended($1::text || ' ' || $2::text, 0::bigint) AS key
    WHERE locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid::bigint = (key >> 32) & 4294967295
      AND objid::bigint = key & 4294967295
      AND objsubid = 1
      AND mode = 'ExclusiveLock'
      AND granted
      AND pid = $3::int)
