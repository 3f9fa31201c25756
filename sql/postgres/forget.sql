-- sql/postgres/forget.sql
-- Dropping rows of the log: old ones, whose events stay in the stored states, and
-- those of one user, of whom nothing stays. Needs tables.sql and session_state.sql.
-- Safe to run again.

-- The refresh leaves no batch behind that is not in the states, but a load may
-- commit right after it. Its rows stay: the next refresh has to find them in the
-- log. A row that was changed by hand right after it is marked, so its user's
-- state will be made anew from base and log.
CREATE OR REPLACE FUNCTION forget_before(t timestamptz)
RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    setting CONSTANT text := current_setting('clickstream.load', true);
    dropped bigint;
BEGIN
    IF t IS NULL THEN
        RAISE EXCEPTION 't must not be NULL'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Rows with a time before t are dropped from the log; infinity means all.';
    END IF;
    PERFORM refresh_sessions(false);
    PERFORM set_config('clickstream.load', 'forget_before', true);
    WITH old AS (
        DELETE FROM http_log AS l
        WHERE l."timestamp" < t
          AND (l.load_id IS NULL
               OR l.load_id NOT IN (SELECT b.load_id FROM load_batch AS b WHERE NOT b.refreshed))
        RETURNING l.user_id, l."timestamp", l.http_method, l.http_path, l.load_id
    ), based AS (
        INSERT INTO session_state (user_id, state, base)
        SELECT u.user_id, u.state, u.state
        FROM (SELECT o.user_id, sessionize(o."timestamp", o.http_method, o.http_path) AS state
              FROM old AS o
              WHERE o.user_id IS NOT NULL
              GROUP BY o.user_id) AS u
        ON CONFLICT (user_id) DO UPDATE SET base = session_state.base + excluded.base
    ), counted AS (
        UPDATE load_batch AS b SET rows_forgotten = b.rows_forgotten + o.forgotten
        FROM (SELECT load_id, count(*) AS forgotten FROM old GROUP BY load_id) AS o
        WHERE b.load_id = o.load_id
    )
    SELECT count(*) INTO dropped FROM old;
    PERFORM set_config('clickstream.load', coalesce(setting, ''), true);
    RETURN dropped;
END;
$$;
COMMENT ON FUNCTION forget_before(timestamptz) IS
    'drops the rows with a time before t from http_log, keeping their events in session_state, so that reports stay the same; returns how many rows';

-- A refused Avro record is kept as JSON, a refused CSV line as it came: there it
-- is not known which field is the user, so any that is the same, whole, counts. In a
-- database that lacks characters those beyond ASCII are \uXXXX in either.
CREATE OR REPLACE FUNCTION reject_names_user(record_text text, is_avro boolean, user_id text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT SET standard_conforming_strings = on
AS $$
DECLARE
    has_escapes CONSTANT boolean := getdatabaseencoding()::text <> ALL ('{UTF8,SQL_ASCII}');
    fields text[];
    field text;
BEGIN
    IF is_avro THEN
        -- What a text cannot hold cannot be read: NUL, for which a record may have been
        -- refused, and any other character where some are lacking. Their escapes stay text.
        fields := ARRAY(
            SELECT j.value
            FROM json_each_text(regexp_replace(
                record_text,
                CASE WHEN has_escapes THEN '(?<!\\)((?:\\\\)*)\\u(0000|(?!00[0-7])[[:xdigit:]]{4})'
                     ELSE '(?<!\\)((?:\\\\)*)\\u(0000)' END,
                '\1\\\\u\2', 'g')::json) AS j
            WHERE lower(j.key) = 'user_id');
    ELSE
        -- A field that is not well-formed ends at the next comma. An empty one is NULL
        -- unless it is quoted.
        fields := ARRAY(
            SELECT f.value
            FROM regexp_matches(record_text, '("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)', 'g') AS m,
                 LATERAL (VALUES (m[1]),
                                 (replace(regexp_replace(m[1], '^\s*"?|"?\s*$', '', 'g'), '""', '"')))
                     AS f (value)
            WHERE m[1] <> '');
    END IF;
    FOREACH field IN ARRAY fields
    LOOP
        IF field = reject_names_user.user_id THEN
            RETURN true;
        END IF;
        CONTINUE WHEN NOT has_escapes OR field !~ '\\u[[:xdigit:]]{4}';
        BEGIN
            IF unistr(regexp_replace(field, '\\(?!u[[:xdigit:]]{4})', '\\\\', 'g'))
               = reject_names_user.user_id
            THEN
                RETURN true;
            END IF;
        EXCEPTION
            WHEN data_exception OR syntax_error OR feature_not_supported THEN
                NULL; -- a character that no user has here
        END;
    END LOOP;
    RETURN false;
EXCEPTION
    WHEN data_exception THEN
        RETURN false;
END;
$$;
COMMENT ON FUNCTION reject_names_user(text, boolean, text) IS
    'whether the record_text of a reject has this user: as field user_id of an Avro record, or as any whole field of a line of CSV';

CREATE OR REPLACE FUNCTION forget_user(user_id text)
RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    setting CONSTANT text := current_setting('clickstream.load', true);
    erased bigint;
BEGIN
    IF forget_user.user_id IS NULL THEN
        RAISE EXCEPTION 'user_id must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF row_security_active('interaction') OR row_security_active('recommender_user')
       OR row_security_active('load_reject')
    THEN
        RAISE EXCEPTION 'a user cannot be erased by a role that row security hides rows from'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Use the owner of the tables, or a role with BYPASSRLS.';
    END IF;
    PERFORM session_refresh_begin();
    PERFORM set_config('clickstream.load', 'forget_user', true);
    -- One snapshot: a mark of a change that commits meanwhile stays, as its rows do.
    WITH log AS (
        DELETE FROM http_log AS l WHERE l.user_id = forget_user.user_id RETURNING l.user_id
    ), stored AS (
        DELETE FROM session_state AS s WHERE s.user_id = forget_user.user_id
    ), mark AS (
        DELETE FROM session_mark AS m WHERE m.user_id = forget_user.user_id
    ), item AS (
        DELETE FROM interaction AS i WHERE i.user_id = forget_user.user_id
    ), model AS (
        DELETE FROM recommender_user AS k WHERE k.user_id = forget_user.user_id
    ), refused AS (
        DELETE FROM load_reject AS r
        WHERE reject_names_user(r.record_text, r.block IS NOT NULL, forget_user.user_id)
    )
    SELECT count(*) INTO erased FROM log;
    PERFORM set_config('clickstream.load', coalesce(setting, ''), true);
    RETURN erased;
END;
$$;
COMMENT ON FUNCTION forget_user(text) IS
    'erases a user from http_log, session_state, interaction, the models of the recommender and load_reject; returns how many rows of the log that were';
