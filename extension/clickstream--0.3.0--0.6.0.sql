-- extension/clickstream--0.3.0--0.6.0.sql
--     What 0.6.0 adds to 0.3.0: the recommender. The way by 0.4.0 is longer, so the server
--     takes this one: the scripts of 0.4.0 and 0.5.0 call functions that are not qualified.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.6.0'" to load this file. \quit

-- the recommender: models

-- Who may SELECT from these may use all models; recommender_fit writes them in the name of
-- their owner, who is the role that created the extension. Values stay in the row and
-- uncompressed: they are read often, and numbers like these hardly shrink.
CREATE TABLE recommender_model (
    model_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model        text NOT NULL UNIQUE,
    owner        regrole NOT NULL,
    options      jsonb NOT NULL,
    users        bigint NOT NULL,
    items        bigint NOT NULL,
    interactions bigint NOT NULL,
    fitted_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    item_ids     bigint[] NOT NULL,
    popular      real[] NOT NULL
);
ALTER TABLE recommender_model ALTER item_ids SET STORAGE EXTERNAL, ALTER popular SET STORAGE EXTERNAL;
COMMENT ON TABLE recommender_model IS 'fitted models of the recommender, one row each';
COMMENT ON SEQUENCE recommender_model_model_id_seq IS 'numbers of models';
COMMENT ON COLUMN recommender_model.model_id IS 'number of the model; a new one with each fit';
COMMENT ON COLUMN recommender_model.model IS 'name of the model';
COMMENT ON COLUMN recommender_model.owner IS 'role that may replace the model, as may its members';
COMMENT ON COLUMN recommender_model.options IS 'options that it was fitted with';
COMMENT ON COLUMN recommender_model.users IS 'number of users in the fit';
COMMENT ON COLUMN recommender_model.items IS 'number of items in the fit';
COMMENT ON COLUMN recommender_model.interactions IS 'number of distinct pairs of user and item in the fit';
COMMENT ON COLUMN recommender_model.fitted_at IS 'start of the transaction that fitted it';
COMMENT ON COLUMN recommender_model.item_ids IS 'the items, ascending; the place here is an item''s position, from 0';
COMMENT ON COLUMN recommender_model.popular IS 'by position: the score for someone of whom nothing is known';

CREATE TABLE recommender_item (
    model_id   bigint NOT NULL,
    item_id    bigint NOT NULL,
    neighbours integer[] NOT NULL,
    weights    real[] NOT NULL,
    PRIMARY KEY (model_id, item_id)
) WITH (toast_tuple_target = 8160);
ALTER TABLE recommender_item ALTER neighbours SET STORAGE EXTERNAL, ALTER weights SET STORAGE EXTERNAL;
COMMENT ON TABLE recommender_item IS 'the weights of the models, one row an item';
COMMENT ON COLUMN recommender_item.model_id IS 'the model';
COMMENT ON COLUMN recommender_item.item_id IS 'the item';
COMMENT ON COLUMN recommender_item.neighbours IS 'positions of the items whose scores it changes, largest weight first';
COMMENT ON COLUMN recommender_item.weights IS 'what having it adds to the scores of these';

-- An id may be longer than an index entry, so the index is on its hash.
CREATE TABLE recommender_user (
    model_id bigint NOT NULL,
    user_id  text COLLATE "C" NOT NULL,
    items    integer[] NOT NULL
);
CREATE INDEX recommender_user_model_id_user_id_idx
    ON recommender_user (model_id, pg_catalog.hashtextextended(user_id, 0::bigint));
COMMENT ON TABLE recommender_user IS 'what the users of the models had in the fit, one row a user';
COMMENT ON COLUMN recommender_user.model_id IS 'the model';
COMMENT ON COLUMN recommender_user.user_id IS 'the user';
COMMENT ON COLUMN recommender_user.items IS 'positions of the user''s items, ascending';
COMMENT ON INDEX recommender_user_model_id_user_id_idx IS 'the users of a model';

-- What belongs to a model goes with it. Not by foreign keys: a parallel pg_restore fills these
-- tables in any order.
CREATE FUNCTION recommender_model_gone() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommender_model_gone() IS
    'trigger of recommender_model: deletes the rows of deleted models';
REVOKE EXECUTE ON FUNCTION recommender_model_gone() FROM PUBLIC;
CREATE TRIGGER recommender_model_delete AFTER DELETE ON recommender_model
    FOR EACH ROW EXECUTE FUNCTION recommender_model_gone();
COMMENT ON TRIGGER recommender_model_delete ON recommender_model IS 'deletes the rows of the model';
CREATE TRIGGER recommender_model_truncate AFTER TRUNCATE ON recommender_model
    FOR EACH STATEMENT EXECUTE FUNCTION recommender_model_gone();
COMMENT ON TRIGGER recommender_model_truncate ON recommender_model IS
    'deletes the rows of all models';

-- In an update @extowner@ is who updates, not who owns the extension.
DO $$
DECLARE
    extension_owner CONSTANT text := (SELECT pg_catalog.pg_get_userbyid(e.extowner)
                                      FROM pg_catalog.pg_extension AS e
                                      WHERE e.extname OPERATOR(pg_catalog.=) 'clickstream');
BEGIN
    EXECUTE pg_catalog.format('ALTER TABLE recommender_model OWNER TO %I', extension_owner);
    EXECUTE pg_catalog.format('ALTER TABLE recommender_item OWNER TO %I', extension_owner);
    EXECUTE pg_catalog.format('ALTER TABLE recommender_user OWNER TO %I', extension_owner);
END;
$$;

SELECT pg_catalog.pg_extension_config_dump('recommender_model', '');
SELECT pg_catalog.pg_extension_config_dump('recommender_model_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('recommender_item', '');
SELECT pg_catalog.pg_extension_config_dump('recommender_user', '');

-- the recommender: functions

CREATE FUNCTION recommender_fit(model text, interactions regclass, user_column name,
                                item_column name, options jsonb DEFAULT '{}')
    RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommender_fit(text, regclass, name, name, jsonb) IS
    'fits a model to the pairs of user and item of a table or view, and replaces the one of this name; returns what it was made of';
CREATE FUNCTION recommend(model text, user_id text, n integer DEFAULT 10,
                          exclude_seen boolean DEFAULT true, among bigint[] DEFAULT NULL,
                          OUT rank bigint, OUT item_id bigint, OUT score real,
                          OUT because bigint[])
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'recommend_text';
COMMENT ON FUNCTION recommend(text, text, integer, boolean, bigint[]) IS
    'the n items to offer to a user, best first, with the user''s items that add most to each score; for an unknown user what is popular, and empty lists';
CREATE FUNCTION recommend(model text, user_id bigint, n integer DEFAULT 10,
                          exclude_seen boolean DEFAULT true, among bigint[] DEFAULT NULL,
                          OUT rank bigint, OUT item_id bigint, OUT score real,
                          OUT because bigint[])
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME', 'recommend_bigint';
COMMENT ON FUNCTION recommend(text, bigint, integer, boolean, bigint[]) IS
    'the same for a user whose id is a number';
CREATE FUNCTION recommend_for(model text, items bigint[], n integer DEFAULT 10,
                              OUT rank bigint, OUT item_id bigint, OUT score real,
                              OUT because bigint[])
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommend_for(text, bigint[], integer) IS
    'the n items to offer to someone who has these items';
CREATE FUNCTION similar_items(model text, item_id bigint, n integer DEFAULT 10,
                              OUT rank bigint, OUT neighbour_id bigint, OUT score real)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION similar_items(text, bigint, integer) IS
    'the n items whose scores it raises most to have this item';
CREATE FUNCTION recommender_evaluate(model text, holdout regclass, user_column name,
                                     item_column name, k integer DEFAULT 20,
                                     OUT users bigint, OUT recall double precision,
                                     OUT ndcg double precision, OUT hit_rate double precision,
                                     OUT coverage double precision)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommender_evaluate(text, regclass, name, name, integer) IS
    'how well the first k items that a model offers foretell pairs that were held out from the fit';
CREATE FUNCTION recommender_tune(interactions regclass, user_column name, item_column name,
                                 options jsonb DEFAULT '{}')
    RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 1000000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION recommender_tune(regclass, name, name, jsonb) IS
    'searches for the options that foretell held-out pairs best, within a budget of time; returns them for recommender_fit';
