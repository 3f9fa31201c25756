-- loader/sql/serve_health.sql
-- Whether the database answers.
SELECT json_build_object('status', 'ok')
