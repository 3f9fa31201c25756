-- loader/sql/serve_health.sql
-- Whether the database answers.
SELECT pg_catalog.json_build_object('status', 'ok')
