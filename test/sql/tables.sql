-- test/sql/tables.sql
-- The tables of sql/postgres: their shapes, what they accept and refuse.
\getenv root CLICKSTREAM_ROOT
\set tables :root '/sql/postgres/tables.sql'
SET client_min_messages = warning;
CREATE SCHEMA use_tables;
SET search_path = use_tables, public;

\set ECHO none
\i :tables
\set ECHO all

-- shapes
CREATE VIEW shape AS
SELECT c.relnamespace, c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull, a.attidentity
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped;

SELECT relname, attname, type, attnotnull AS required, attidentity AS identity
FROM shape
WHERE relnamespace = 'use_tables'::regnamespace
ORDER BY relname COLLATE "C", attnum;

SELECT indexdef FROM pg_indexes WHERE schemaname = 'use_tables' ORDER BY indexname COLLATE "C";

-- everything has a comment
SELECT c.relname, a.attname
FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND c.relkind = 'r'
WHERE c.relnamespace = 'use_tables'::regnamespace
  AND c.relkind IN ('r', 'i')
  AND (obj_description(c.oid, 'pg_class') IS NULL
       OR a.attnum IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL);

-- a second run keeps what is there
INSERT INTO campaign VALUES (1, 'kept', 'active', NULL);
\set ECHO none
\i :tables
\set ECHO all
SELECT * FROM campaign;

-- as temporary tables the shapes are the same
SET search_path = pg_temp, public;
\set ECHO none
\i :tables
\set ECHO all
SET search_path = use_tables, public;
SELECT count(*) AS tables FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r';
WITH temporary AS (SELECT * FROM shape WHERE relnamespace = pg_my_temp_schema()),
     permanent AS (SELECT * FROM shape WHERE relnamespace = 'use_tables'::regnamespace)
SELECT * FROM temporary t FULL JOIN permanent p
    USING (relname, attnum, attname, type, attnotnull, attidentity)
WHERE t.relnamespace IS NULL OR p.relnamespace IS NULL;
DISCARD TEMP;

-- rows that must be legal
INSERT INTO http_log VALUES (NULL, NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL, NULL);
INSERT INTO campaign_reward_mapping VALUES (1, 2), (1, 2), (NULL, 2), (1, NULL);
INSERT INTO reward_transaction VALUES (1, 'redeemed', NULL, 404);
INSERT INTO interaction VALUES ('ann', 1, NULL, NULL), ('ann', 1, NULL, NULL);

-- and one that must not
INSERT INTO reward_transaction VALUES (1, 'redeemed', NULL, 404); -- ERROR

-- the ledger claims a batch once for each table, and gives the number itself
INSERT INTO load_batch (table_name, file_name, file_id, first_block)
    VALUES ('s.t', 'a.avro', 'id', 0), ('s.t', 'a.avro', 'id', 7), ('s.u', 'a.avro', 'id', 0)
    RETURNING load_id, first_block;
INSERT INTO load_batch (table_name, file_name, file_id, first_block)
    VALUES ('s.t', 'copy of a.avro', 'id', 7); -- ERROR
INSERT INTO load_batch (load_id, table_name, file_name, file_id, first_block)
    VALUES (99, 's.t', 'b.avro', 'id2', 0); -- ERROR

-- rejects belong to a batch and go with it
INSERT INTO load_reject (load_id, reason) VALUES (99, 'no such batch'); -- ERROR
INSERT INTO load_reject (load_id, reason) VALUES (1, 'a'), (2, 'b'), (2, 'c');
DELETE FROM load_batch WHERE load_id = 2;
SELECT load_id, reason FROM load_reject;

DROP SCHEMA use_tables CASCADE;
