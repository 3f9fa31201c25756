-- extension/clickstream--0.5.0--0.6.0.sql
--     0.6.0 has the objects of 0.5.0. The index is made anew, for in 0.4.0 and 0.5.0 it may
--     have got a function of the same name from the extension's schema.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.6.0'" to load this file. \quit

DROP INDEX recommender_user_model_id_user_id_idx;
CREATE INDEX recommender_user_model_id_user_id_idx
    ON recommender_user (model_id, pg_catalog.hashtextextended(user_id, 0::bigint));
COMMENT ON INDEX recommender_user_model_id_user_id_idx IS 'the users of a model';
