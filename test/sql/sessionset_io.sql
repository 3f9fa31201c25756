-- test/sql/sessionset_io.sql
-- The type's text form: canonical, always UTC; what is refused.
-- Damaged binary input is in test/t/004_hostile_binary.pl.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
CREATE SCHEMA use_io;
SET search_path = use_io, public;

-- settings of the session do not matter
SELECT sessionize(t) FROM (VALUES (timestamptz '2024-03-10 08:00:00.5 UTC')) AS v (t);
SELECT sessionize('2024-03-10 08:00 UTC', 'GET', '/campaigns/12', '1 day 1:02:03.000004');

-- canonical order: time, then other, view, issue, then id; duplicates stay
SELECT '{"events": [{"time": "2024-03-10T08:01:00Z", "issue": 2}, {"view": 3, "time": "2024-03-10T08:01:00Z"},
         {"time": "2024-03-10T08:01:00Z"}, {"time": "2024-03-10T08:00:00.000001Z", "view": -3},
         {"time": "2024-03-10T08:01:00Z", "view": -4}, {"time": "2024-03-10T08:01:00Z", "issue": 2},
         {"time": "2024-03-10T08:01:00Z"}], "gap": "00:05:00", "version": 1}'::sessionset;

-- round trips: text and bytes
CREATE TABLE state (n int, s sessionset);
INSERT INTO state
SELECT n, format('{"version": 1, "gap": "%s", "events": [%s]}', gap, events)::sessionset
FROM (VALUES
    (1, '00:00:00.000001', '{"time": "0001-01-01T00:00:00Z"}'),
    (2, '00:05:00', '{"time": "0000-02-29T23:59:59.999999Z", "view": 0}'),
    (3, '00:05:00', '{"time": "-4713-11-24T00:00:00Z", "issue": 9223372036854775807}'),
    (4, '24:00:00', '{"time": "+294276-12-31T23:59:59.999999Z", "view": -9223372036854775808}'),
    (5, '100000:00:00.5', '{"time": "-4713-11-24T00:00:00Z"}, {"time": "+294276-12-31T23:59:59.999999Z"}'),
    (6, '0:00:01', '{"time":"2024-02-29T00:00:00.1Z"},{"time":"+10000-01-01T00:00:00Z","view":1}'),
    (7, '2562047788:00:54.775807', '{"time": "1999-12-31T23:59:59.999999Z"}, {"time": "1970-01-01T00:00:00Z"}')
) AS v (n, gap, events);
SELECT n, s, s::text::sessionset = s AS same, sessionset_send(s::text::sessionset) = sessionset_send(s) AS same_bytes
FROM state ORDER BY n;
SELECT sessionize(timestamptz '2024-03-10 08:00 UTC', interval '9223372036854775807 us')::text::sessionset;

-- PostgreSQL reads the years before 1 as it writes them
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT n, session_start, session_end FROM state, session_rows(s) ORDER BY n, session_start;
SELECT sessionize(t) FROM (VALUES (timestamptz '4714-11-24 00:00:00 UTC BC'), ('0001-12-31 23:59:59.999999 UTC BC'),
                                  ('294276-12-31 23:59:59.999999 UTC')) AS v (t);

-- bytes: coarse units where times allow, one byte for an event close to the one before
SELECT n, sessionset_send(sessionize(t))
FROM (VALUES (1, timestamptz '2024-03-10 08:00:00 UTC'), (1, '2024-03-10 08:00:31 UTC'),
             (2, '2024-03-10 08:00:00.001 UTC'), (3, '2024-03-10 08:00:00.000001 UTC')) AS v (n, t)
GROUP BY n ORDER BY n;

-- what is refused, with its SQLSTATE; the JSON library's own words may change
SELECT '[]'::sessionset; \echo ERROR :SQLSTATE
CREATE FUNCTION refusal(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
    RETURN 'accepted: ' || input::sessionset::text;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(': ', SQLSTATE, SQLERRM, regexp_replace(detail, '(is not valid JSON: ).*', '\1...'));
END$$;
CREATE FUNCTION refusal(gap text, events text) RETURNS text
BEGIN ATOMIC
    SELECT refusal(format('{"version": 1, "gap": %s, "events": [%s]}', gap, events));
END;

-- not JSON, or JSON of something else
SELECT input, refusal(input) FROM unnest(ARRAY['', ' ', '{', 'null', '1', '"x"', '[]', '{}', '{} {}',
                                                '{"version": 1,}']) AS input;
SELECT refusal(text || ' ') ~ '^accepted' AS blank_behind, refusal(text || ' x') AS more_behind
FROM CAST('{"version": 1, "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}]}' AS text) AS text;
SELECT refusal(repeat('[', 100000));
SELECT refusal('{"version": 1, "gap": "' || repeat('9', 1000000) || '", "events": []}');

-- versions and keys; there is no empty state
SELECT input, refusal(input) FROM unnest(ARRAY[
    '{"version": 2, "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}]}',
    '{"version": 9223372036854775807, "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}]}',
    '{"version": "1", "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}]}',
    '{"version": 1, "events": [{"time": "2024-03-10T08:00:00Z"}]}',
    '{"version": 1, "gap": "00:05:00", "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}]}',
    '{"version": 1, "gap": "00:05:00", "events": [{"time": "2024-03-10T08:00:00Z"}], "x": 1}',
    '{"version": 1, "gap": "00:05:00", "events": []}', '{"version": 1, "gap": "00:05:00", "events": {}}']) AS input;

-- gaps
SELECT gap, refusal(gap, '{"time": "2024-03-10T08:00:00Z"}')
FROM unnest(ARRAY['"00:00:00"', '"-00:05:00"', '"00:05"', '300', 'null', '"5 min"', '"00:60:00"', '"00:00:60"',
                  '"00:05:00."', '"00:05:00.1234567"', '"1 day"', '"00:05:00 "', '"99999999999:00:00"',
                  '"2562047788:00:54.775808"', '"9999999999:00:00"', '"00:05:0٣"', '""']) AS gap;

-- times
SELECT t, refusal('"00:05:00"', format('{"time": %s}', t))
FROM unnest(ARRAY['"2024-03-10 08:00:00Z"', '"2024-03-10T08:00:00"', '"2024-03-10T08:00:00+00:00"',
                  '"2024-03-10T08:00Z"', '"2023-02-29T08:00:00Z"', '"2024-13-01T08:00:00Z"', '"2024-03-10T24:00:00Z"',
                  '"2024-03-10T08:00:60Z"', '"2024-03-10T08:00:00.1234567Z"', '"2024-03-10T08:00:00.Z"',
                  '"10000-01-01T00:00:00Z"', '"infinity"', '1710057600', 'null', '"-4713-11-23T23:59:59.999999Z"',
                  '"+294277-01-01T00:00:00Z"', '"+999999-01-01T00:00:00Z"', '"2024-03-10T08:00:00Z\u0000"']) AS t;

-- events
SELECT e, refusal('"00:05:00"', '{"time": "2024-03-10T08:00:00Z"}, ' || e)
FROM unnest(ARRAY['{}', '1', 'null', '[]', '{"view": 1}', '{"time": "2024-03-10T08:00:00Z", "view": null}',
                  '{"time": "2024-03-10T08:00:00Z", "view": "1"}', '{"time": "2024-03-10T08:00:00Z", "view": 1.0}',
                  '{"time": "2024-03-10T08:00:00Z", "view": 9223372036854775808}',
                  '{"time": "2024-03-10T08:00:00Z", "view": 1, "issue": 2}',
                  '{"time": "2024-03-10T08:00:00Z", "view": 1, "view": 2}',
                  '{"time": "2024-03-10T08:00:00Z", "other": 1}']) AS e;
DROP SCHEMA use_io CASCADE;
