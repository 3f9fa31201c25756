-- extension/clickstream--0.5.0--0.6.0.sql
--     What 0.6.0 changes of 0.5.0. The index is made anew, for in 0.4.0 and 0.5.0 it may
--     have got a function of the same name from the extension's schema. A trigger takes the
--     place of the foreign keys.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.6.0'" to load this file. \quit

DROP INDEX recommender_user_model_id_user_id_idx;
CREATE INDEX recommender_user_model_id_user_id_idx
    ON recommender_user (model_id, pg_catalog.hashtextextended(user_id, 0::bigint));
COMMENT ON INDEX recommender_user_model_id_user_id_idx IS 'the users of a model';

ALTER TABLE recommender_item DROP CONSTRAINT recommender_item_model_id_fkey;
ALTER TABLE recommender_user DROP CONSTRAINT recommender_user_model_id_fkey;

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

-- Where a superuser updated the extension of another role to 0.4.0, that role did not get the
-- tables.
DO $$
DECLARE
    extension_owner CONSTANT text := (SELECT pg_catalog.pg_get_userbyid(e.extowner)
                                      FROM pg_catalog.pg_extension AS e
                                      WHERE e.extname OPERATOR(pg_catalog.=) 'clickstream');
BEGIN
    IF NOT EXISTS (SELECT
                   FROM pg_catalog.pg_class AS c
                   JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) c.relowner
                   WHERE c.oid OPERATOR(pg_catalog.=) 'recommender_model'::pg_catalog.regclass
                     AND r.rolsuper)
    THEN
        RETURN;
    END IF;
    EXECUTE pg_catalog.format('ALTER TABLE recommender_model OWNER TO %I', extension_owner);
    EXECUTE pg_catalog.format('ALTER TABLE recommender_item OWNER TO %I', extension_owner);
    EXECUTE pg_catalog.format('ALTER TABLE recommender_user OWNER TO %I', extension_owner);
END;
$$;
