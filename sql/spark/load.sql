-- sql/spark/load.sql
--     The rows that the reports are about. Needs tables.sql.

-- Views here are of the Spark session that makes them. A refresh puts fewer rows
-- in this one's place, and nobody else sees that.
CREATE OR REPLACE TEMPORARY VIEW session_log AS
SELECT l.user_id, l.timestamp, l.http_method, l.http_path
FROM http_log AS l;
