-- test/sql/recommend_rights.sql
-- Who may fit, replace and read models.
SET client_min_messages = warning;
CREATE ROLE regress_fitter;
CREATE ROLE regress_other;
CREATE ROLE regress_reader;
CREATE TABLE secret AS SELECT u AS who, i AS what FROM generate_series(1, 9) AS u, generate_series(1, 9) AS i WHERE (u * i) % 4 > 0;
CREATE VIEW shown AS SELECT * FROM secret WHERE what < 8;
GRANT SELECT ON shown TO regress_fitter, regress_other;
\set VERBOSITY terse

-- the pairs are read as the caller; nothing on the model tables is granted
SET ROLE regress_fitter;
SELECT recommender_fit('m', 'secret', 'who', 'what'); -- ERROR
SELECT f->'items' AS items FROM recommender_fit('m', 'shown', 'who', 'what') AS f;
SELECT current_user, current_setting('search_path') AS path;
SELECT * FROM recommend('m', 1); -- ERROR
SELECT * FROM similar_items('m', 1); -- ERROR
SELECT * FROM recommender_evaluate('m', 'shown', 'who', 'what'); -- ERROR
SELECT count(*) FROM recommender_model; -- ERROR
INSERT INTO recommender_user VALUES (1, 'x', '{}'); -- ERROR

-- another role may make its own, but not replace this one
SET ROLE regress_other;
SELECT recommender_fit('m', 'shown', 'who', 'what'); -- ERROR
SELECT f->'items' AS items FROM recommender_fit('other', 'shown', 'who', 'what') AS f;
RESET ROLE;
SELECT model, owner FROM recommender_model ORDER BY model;
-- as a member it may, and the owner stays
GRANT regress_fitter TO regress_other;
SET ROLE regress_other;
SELECT f->'items' AS items FROM recommender_fit('m', 'shown', 'who', 'what') AS f;
RESET ROLE;
SELECT model, owner FROM recommender_model ORDER BY model;

-- operators of the caller's have no say while the tables are written
CREATE SCHEMA evil AUTHORIZATION regress_fitter;
SET ROLE regress_fitter;
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''called as %'', current_user; END';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
SET search_path = evil, pg_catalog, public;
SELECT f->'items' AS items FROM recommender_fit('m', 'shown', 'who', 'what') AS f;
SELECT current_setting('search_path') AS path;
RESET search_path;
RESET ROLE;

-- SELECT on the tables is the right to read
GRANT SELECT ON recommender_model, recommender_item, recommender_user TO regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM recommend('m', 2, 3);
SELECT count(*) > 0 AS similar FROM similar_items('m', 1);
SELECT recommender_fit('mine', 'secret', 'who', 'what'); -- ERROR
RESET ROLE;

-- to delete a model takes the right to delete its rows; its trigger is for its table alone
GRANT DELETE ON recommender_model TO regress_reader;
SET ROLE regress_reader;
DELETE FROM recommender_model; -- ERROR
CREATE TEMP TABLE recommender_model (model_id bigint);
CREATE TRIGGER gone AFTER DELETE ON pg_temp.recommender_model
    FOR EACH ROW EXECUTE FUNCTION recommender_model_gone(); -- ERROR
DROP TABLE pg_temp.recommender_model;
RESET ROLE;
GRANT DELETE ON recommender_item, recommender_user TO regress_reader;
BEGIN;
SET ROLE regress_reader;
DELETE FROM recommender_model;
SELECT (SELECT count(*) FROM recommender_item) AS items, (SELECT count(*) FROM recommender_user) AS users;
ROLLBACK;

-- in a read-only transaction nothing is fitted
BEGIN READ ONLY;
SELECT count(*) FROM recommend('m', 2, 3);
SELECT recommender_fit('m', 'shown', 'who', 'what'); -- ERROR
ROLLBACK;

-- readable where the extension has moved to
CREATE SCHEMA elsewhere;
SELECT count(*) FROM recommend('m', 2, 3);
ALTER EXTENSION clickstream SET SCHEMA elsewhere;
SELECT count(*) FROM elsewhere.recommend('m', 2, 3);
BEGIN;
DELETE FROM elsewhere.recommender_model;
SELECT count(*) FROM elsewhere.recommender_item;
ROLLBACK;
ALTER EXTENSION clickstream SET SCHEMA public;
SELECT count(*) FROM recommend('m', 2, 3);

DELETE FROM recommender_model;
DROP VIEW shown;
DROP TABLE secret;
DROP SCHEMA evil CASCADE;
DROP SCHEMA elsewhere;
REVOKE ALL ON recommender_model, recommender_item, recommender_user FROM regress_reader;
DROP ROLE regress_fitter, regress_other, regress_reader;
