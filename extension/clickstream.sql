-- extension/clickstream.sql
--     The current state of the extension's SQL objects. A release copies it to
--     clickstream--VERSION.sql, which is then never edited.

-- The script runs as a superuser, whoever asks for the extension, in a schema where others
-- may have made functions of any name: every function that it calls is qualified.

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION clickstream" to load this file. \quit

-- sessionset: input and output

CREATE TYPE sessionset;

CREATE FUNCTION sessionset_in(cstring) RETURNS sessionset
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_out(sessionset) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_recv(internal) RETURNS sessionset
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_send(sessionset) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE sessionset (
    INPUT = sessionset_in,
    OUTPUT = sessionset_out,
    RECEIVE = sessionset_recv,
    SEND = sessionset_send,
    STORAGE = extended
);
COMMENT ON TYPE sessionset IS
    'the events of one user and the gap that cuts them into sessions: every time, and for a view or an issue its id';

-- sessionset: comparison by bytes

CREATE FUNCTION sessionset_eq(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_ne(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_lt(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_le(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_ge(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_gt(sessionset, sessionset) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_cmp(sessionset, sessionset) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_hash(sessionset) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionset_hash_extended(sessionset, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE OPERATOR = (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (sessionset, sessionset) IS 'same events and gap';
CREATE OPERATOR <> (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (sessionset, sessionset) IS 'different events or gap';
CREATE OPERATOR < (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (sessionset, sessionset) IS 'before, in the order of bytes';
CREATE OPERATOR <= (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (sessionset, sessionset) IS 'before or equal, in the order of bytes';
CREATE OPERATOR >= (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (sessionset, sessionset) IS 'after or equal, in the order of bytes';
CREATE OPERATOR > (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (sessionset, sessionset) IS 'after, in the order of bytes';

CREATE OPERATOR CLASS sessionset_ops DEFAULT FOR TYPE sessionset USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 sessionset_cmp(sessionset, sessionset);
COMMENT ON OPERATOR CLASS sessionset_ops USING btree IS 'order of bytes';
CREATE OPERATOR CLASS sessionset_ops DEFAULT FOR TYPE sessionset USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 sessionset_hash(sessionset),
    FUNCTION 2 sessionset_hash_extended(sessionset, bigint);
COMMENT ON OPERATOR CLASS sessionset_ops USING hash IS 'hash of bytes';

-- sessionset: merging, reading

CREATE FUNCTION sessionset_add(sessionset, sessionset) RETURNS sessionset
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION sessionset_add(sessionset, sessionset) IS
    'the events of both; NULL adds nothing; error for states of different gaps';
CREATE OPERATOR + (
    LEFTARG = sessionset, RIGHTARG = sessionset, FUNCTION = sessionset_add, COMMUTATOR = +
);
COMMENT ON OPERATOR + (sessionset, sessionset) IS 'the events of both';

CREATE FUNCTION num_sessions(sessionset) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessionset_num_sessions';
COMMENT ON FUNCTION num_sessions(sessionset) IS 'number of sessions';
CREATE FUNCTION num_events(sessionset) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessionset_num_events';
COMMENT ON FUNCTION num_events(sessionset) IS 'number of events, duplicates counted';
CREATE FUNCTION gap(sessionset) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessionset_gap';
COMMENT ON FUNCTION gap(sessionset) IS
    'the inactivity that ends a session, in hours and smaller units';
CREATE FUNCTION with_gap(sessionset, gap interval) RETURNS sessionset
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessionset_with_gap';
COMMENT ON FUNCTION with_gap(sessionset, interval) IS
    'the same events under another gap; a day is 24 hours, months are an error';
CREATE FUNCTION sessions_between(sessionset, since timestamptz, until timestamptz)
    RETURNS sessionset
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION sessions_between(sessionset, timestamptz, timestamptz) IS
    'the sessions that start in [since, until), NULL if there are none; infinity is unbounded';
CREATE FUNCTION sessions_overlapping(sessionset, since timestamptz, until timestamptz)
    RETURNS sessionset
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION sessions_overlapping(sessionset, timestamptz, timestamptz) IS
    'the sessions with an event in [since, until), whole; NULL if there are none; infinity is unbounded';

-- events

CREATE FUNCTION http_event(http_method text, http_path text, prefix text DEFAULT '',
                           OUT kind text, OUT id bigint)
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION http_event(text, text, text) IS
    'what a request means: view (GET {prefix}/campaigns/{id}), issue (POST {prefix}/rewards/{id}) or other, with the id';

-- aggregates sessionize, sessionize_events, rollup

CREATE FUNCTION sessionize_transfn(internal, timestamptz) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_transfn(internal, timestamptz, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_transfn(internal, timestamptz, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_transfn(internal, timestamptz, text, text, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_events_transfn(internal, timestamptz, text, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_events_transfn(internal, timestamptz, text, bigint, interval)
    RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION rollup_transfn(internal, sessionset) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_combinefn(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_serialfn(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_deserialfn(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION sessionize_finalfn(internal) RETURNS sessionset
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE AGGREGATE sessionize(ts timestamptz) (
    SFUNC = sessionize_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize(timestamptz) IS
    'the sessions of one user, by times only; gap 5 minutes';
CREATE AGGREGATE sessionize(ts timestamptz, gap interval) (
    SFUNC = sessionize_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize(timestamptz, interval) IS
    'the sessions of one user, by times only';
CREATE AGGREGATE sessionize(ts timestamptz, http_method text, http_path text) (
    SFUNC = sessionize_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize(timestamptz, text, text) IS
    'the sessions of one user with the campaigns viewed and rewards issued; gap 5 minutes';
CREATE AGGREGATE sessionize(ts timestamptz, http_method text, http_path text, gap interval) (
    SFUNC = sessionize_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize(timestamptz, text, text, interval) IS
    'the sessions of one user with the campaigns viewed and rewards issued';
CREATE AGGREGATE sessionize_events(ts timestamptz, kind text, id bigint) (
    SFUNC = sessionize_events_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize_events(timestamptz, text, bigint) IS
    'the sessions of one user from events of kind view, issue or other; gap 5 minutes';
CREATE AGGREGATE sessionize_events(ts timestamptz, kind text, id bigint, gap interval) (
    SFUNC = sessionize_events_transfn, STYPE = internal, SSPACE = 256,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE sessionize_events(timestamptz, text, bigint, interval) IS
    'the sessions of one user from events of kind view, issue or other';
CREATE AGGREGATE rollup(sessionset) (
    SFUNC = rollup_transfn, STYPE = internal, SSPACE = 1024,
    FINALFUNC = sessionize_finalfn, COMBINEFUNC = sessionize_combinefn,
    SERIALFUNC = sessionize_serialfn, DESERIALFUNC = sessionize_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE rollup(sessionset) IS
    'the events of all states as one; error for states of different gaps';

-- reward_map

CREATE TYPE reward_map;

CREATE FUNCTION reward_map_in(cstring) RETURNS reward_map
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_out(reward_map) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_recv(internal) RETURNS reward_map
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_send(reward_map) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE TYPE reward_map (
    INPUT = reward_map_in,
    OUTPUT = reward_map_out,
    RECEIVE = reward_map_recv,
    SEND = reward_map_send,
    STORAGE = extended
);
COMMENT ON TYPE reward_map IS 'which rewards belong to which campaigns: a set of pairs';

CREATE FUNCTION reward_map_transfn(internal, bigint, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_combinefn(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_serialfn(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_deserialfn(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION reward_map_finalfn(internal) RETURNS reward_map
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME';

CREATE AGGREGATE reward_map(campaign_id bigint, reward_id bigint) (
    SFUNC = reward_map_transfn, STYPE = internal, SSPACE = 65536,
    FINALFUNC = reward_map_finalfn, COMBINEFUNC = reward_map_combinefn,
    SERIALFUNC = reward_map_serialfn, DESERIALFUNC = reward_map_deserialfn, PARALLEL = safe
);
COMMENT ON AGGREGATE reward_map(bigint, bigint) IS
    'the mapping as one value: distinct pairs, those with a NULL ignored; an empty map over no rows';

-- sessions as rows

CREATE FUNCTION session_rows(sessionset,
                             OUT session_start timestamptz, OUT session_end timestamptz,
                             OUT events bigint, OUT campaigns bigint[],
                             OUT rewards_issued bigint[],
                             OUT reward_driven_by_campaign_view boolean)
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_rows(sessionset) IS
    'one row a session, in order of time; whether a reward was driven is not known without a map';
CREATE FUNCTION session_rows(sessionset, reward_map,
                             OUT session_start timestamptz, OUT session_end timestamptz,
                             OUT events bigint, OUT campaigns bigint[],
                             OUT rewards_issued bigint[],
                             OUT reward_driven_by_campaign_view boolean)
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_rows(sessionset, reward_map) IS
    'one row a session, in order of time; driven: a reward was issued strictly later than a view of a campaign that contains it';

CREATE FUNCTION session_details(sessionset, reward_map DEFAULT NULL, user_id text DEFAULT NULL,
                                max_length interval DEFAULT NULL, midnight text DEFAULT NULL,
                                cut_on_campaign boolean DEFAULT false,
                                loaded_from timestamptz DEFAULT NULL,
                                loaded_until timestamptz DEFAULT NULL,
                                OUT session_start timestamptz, OUT session_end timestamptz,
                                OUT events bigint, OUT campaigns bigint[],
                                OUT rewards_issued bigint[],
                                OUT reward_driven_by_campaign_view boolean,
                                OUT session_id text, OUT duration interval,
                                OUT entry_kind text, OUT entry_id bigint,
                                OUT exit_kind text, OUT exit_id bigint, OUT bounce boolean,
                                OUT may_continue_before boolean, OUT may_continue_after boolean)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_details(sessionset, reward_map, text, interval, text, boolean,
                                    timestamptz, timestamptz) IS
    'one row a session, with its id, first and last event and whether it may go on outside the loaded range; cut further at a length, at local midnight, at a view of another campaign';
CREATE FUNCTION session_conversions(sessionset, reward_map,
                                    OUT session_start timestamptz, OUT campaign_id bigint,
                                    OUT viewed_at timestamptz, OUT reward_id bigint,
                                    OUT issued_at timestamptz)
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_conversions(sessionset, reward_map) IS
    'one row a mapped pair of a session whose campaign was viewed before the reward was issued: the first view, and the first issue after it';
CREATE FUNCTION session_funnel(sessionset, kinds text[], ids bigint[],
                               OUT session_start timestamptz, OUT steps integer,
                               OUT reached_at timestamptz[])
    RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION session_funnel(sessionset, text[], bigint[]) IS
    'one row a session: how many of the steps it took, each strictly later than the one before, and when; a NULL id is any id';

-- Avro files as tables

CREATE FUNCTION avro_fdw_handler() RETURNS fdw_handler
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_fdw_handler() IS 'the handler of the foreign-data wrapper avro_fdw';
CREATE FUNCTION avro_fdw_validator(text[], oid) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_fdw_validator(text[], oid) IS
    'checks the options of the foreign-data wrapper avro_fdw';
CREATE FOREIGN DATA WRAPPER avro_fdw
    HANDLER avro_fdw_handler VALIDATOR avro_fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER avro_fdw IS
    'Avro files of the server as tables: a file, a directory or a glob';
-- who may read the server's files may make tables of them; others need a grant
GRANT USAGE ON FOREIGN DATA WRAPPER avro_fdw TO pg_read_server_files;

-- Avro files and data looked into

CREATE FUNCTION avro_schema(path text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_schema(text) IS 'the schema of an Avro file of the server';
CREATE FUNCTION avro_metadata(path text, OUT key text, OUT value bytea)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 5 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_metadata(text) IS 'the metadata in the header of an Avro file of the server';
CREATE FUNCTION avro_columns(path text, OUT name text, OUT avro_type text, OUT sql_type text,
                             OUT nullable boolean)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_columns(text) IS
    'the columns of a table over Avro files of the server, as IMPORT FOREIGN SCHEMA makes them; the path may be a directory or a glob';
CREATE FUNCTION avro_files(glob text, OUT filename text, OUT rows bigint, OUT blocks bigint,
                           OUT bytes bigint, OUT codec text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_files(text) IS
    'the Avro files of the server below a directory or matching a glob, with their rows by the headers of blocks';
CREATE FUNCTION avro_to_jsonb(datum bytea, schema jsonb) RETURNS jsonb
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION avro_to_jsonb(bytea, jsonb) IS
    'one Avro datum, without a file around it, by its schema';

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

ALTER TABLE recommender_model OWNER TO @extowner@;
ALTER TABLE recommender_item OWNER TO @extowner@;
ALTER TABLE recommender_user OWNER TO @extowner@;

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
