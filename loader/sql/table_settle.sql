-- loader/sql/table_settle.sql
-- Wait until no batch into table $1 is under way whose loader has lost the lock of
-- table_lock.sql: with that in hand, to empty the table, no other can begin.
SELECT pg_advisory_xact_lock(hashtextextended($1::text, 4::bigint))
