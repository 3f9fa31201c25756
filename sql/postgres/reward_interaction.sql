-- sql/postgres/reward_interaction.sql
-- The rewards that users were issued, as pairs for recommender_fit. Needs the tables
-- of tables.sql. Safe to run again.

CREATE OR REPLACE VIEW reward_interaction AS
    SELECT l.user_id, e.id AS reward_id, l."timestamp" AS issued_at
    FROM http_log AS l
    CROSS JOIN LATERAL http_event(l.http_method, l.http_path, ''::text) AS e
    WHERE e.kind = 'issue' AND l.user_id IS NOT NULL;

COMMENT ON VIEW reward_interaction IS
    'one row for each reward that a user was issued, to fit a model of rewards to';
COMMENT ON COLUMN reward_interaction.user_id IS 'the user';
COMMENT ON COLUMN reward_interaction.reward_id IS 'id in POST /rewards/{id}';
COMMENT ON COLUMN reward_interaction.issued_at IS 'when';
