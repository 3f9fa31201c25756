-- test/sql/accessors.sql
-- Counts, gaps, and the sessions of a frame: sessions_between, sessions_overlapping.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
CREATE SCHEMA use_accessors;
SET search_path = use_accessors, public;
-- sessions: 10:00 to 10:04; 10:10 to 10:18 with an event at 10:14; 10:30; two events at 10:14 are one instant
CREATE TABLE s AS SELECT sessionize(t, 'GET', '/campaigns/' || n) AS state
FROM unnest(ARRAY['10:00', '10:04', '10:10', '10:14', '10:14', '10:18', '10:30']) WITH ORDINALITY AS v (clock, n),
     CAST('2030-06-01 ' || clock || ' UTC' AS timestamptz) AS t;
CREATE FUNCTION at(clock text) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE AS $$SELECT ('2030-06-01 ' || clock || ' UTC')::timestamptz$$;
CREATE FUNCTION starts(sessionset) RETURNS text
    LANGUAGE sql AS $$SELECT string_agg(session_start::time::text, ' ' ORDER BY session_start) FROM session_rows($1)$$;

-- counts: sessions, and events with duplicates; strict
SELECT num_sessions(state), num_events(state), starts(state) FROM s;
SELECT num_sessions(NULL), num_events(NULL), gap(NULL);

-- the gap in hours and smaller units, whatever it was given in
SELECT i, gap(with_gap(state, i)), extract(day FROM gap(with_gap(state, i))) AS days,
       gap(with_gap(state, i)) = i AS equal
FROM s, unnest(ARRAY['5 min', '24 h', '1 day', '7 days 1 s', '1 week', '1 us', '100 days -1 us']::interval[]) AS i;

-- the same events under another gap: other sessions, and back again
SELECT i, num_sessions(with_gap(state, i)), num_events(with_gap(state, i)),
       with_gap(with_gap(state, i), '5 min') = state AS back
FROM s, unnest(ARRAY['1 us', '4 min', '4 min 1 us', '6 min', '6 min 1 us', '12 min', '12 min 1 us',
                     '1 day']::interval[]) AS i;
SELECT with_gap(NULL, '5 min') IS NULL AS no_state;
SELECT with_gap(state, NULL) FROM s; \echo ERROR :SQLSTATE
SELECT with_gap(state, '0') FROM s; \echo ERROR :SQLSTATE
SELECT with_gap(state, '-1 s') FROM s; \echo ERROR :SQLSTATE
SELECT with_gap(state, '1 month') FROM s; \echo ERROR :SQLSTATE
SELECT with_gap(state, '106751992 days') FROM s; \echo ERROR :SQLSTATE

-- sessions that start in [since, until)
SELECT since, until, starts(sessions_between(state, at(since), at(until))) FROM s, (VALUES
    ('10:00', '10:30'), ('10:00', '10:30:00.000001'), ('10:00:00.000001', '10:30'), ('10:10', '10:10:00.000001'),
    ('10:00', '10:00'), ('10:01', '10:10'), ('10:31', '10:32'), ('10:30', '10:00')) AS v (since, until);
SELECT starts(sessions_between(state, '-infinity', at('10:10'))) AS open_start,
       starts(sessions_between(state, at('10:10'), 'infinity')) AS open_end,
       sessions_between(state, '-infinity', 'infinity') = state AS open,
       sessions_between(state, 'infinity', '-infinity') IS NULL AS backward,
       sessions_between(state, 'infinity', 'infinity') IS NULL AS late,
       sessions_between(state, '-infinity', '-infinity') IS NULL AS early
FROM s;
-- they come whole, and what is kept is a state like any other
SELECT r.* FROM s, session_rows(sessions_between(state, at('10:05'), at('10:11'))) AS r;
SELECT sessions_between(state, at('10:00'), at('10:20')) + sessions_between(state, at('10:20'), at('10:40')) = state
       AS put_together FROM s;
-- none: NULL, not an empty state
SELECT sessions_between(state, at('11:00'), at('12:00')) IS NULL AS none,
       sessions_between(NULL, at('10:00'), at('12:00')) IS NULL AS no_state,
       num_sessions(sessions_between(state, at('11:00'), at('12:00'))) FROM s;
-- NULL bounds
SELECT sessions_between(state, NULL, at('12:00')) FROM s; \echo ERROR :SQLSTATE
SELECT sessions_between(state, at('12:00'), NULL) FROM s; \echo ERROR :SQLSTATE
SELECT sessions_between(NULL, NULL, NULL) IS NULL AS no_state_first;

-- the frame keeps the events of its sessions only: another gap comes first
SELECT starts(sessions_between(with_gap(state, '12 min'), at('10:05'), at('11:00'))) AS right,
       starts(with_gap(sessions_between(state, at('10:05'), at('11:00')), '12 min')) AS wrong FROM s;

-- sessions with an event in [since, until): one that lies around the frame with no event inside is not among them
SELECT since, until, starts(sessions_overlapping(state, at(since), at(until))) FROM s, (VALUES
    ('10:04', '10:10'), ('10:04', '10:10:00.000001'), ('10:04:00.000001', '10:10'), ('10:11', '10:14'),
    ('10:11', '10:14:00.000001'), ('10:14', '10:14'), ('10:18', '10:30'), ('10:18:00.000001', '10:30'),
    ('10:00', '10:31'), ('10:31', '10:00')) AS v (since, until);
SELECT starts(sessions_overlapping(state, '-infinity', at('10:11'))) AS open_start,
       starts(sessions_overlapping(state, at('10:11'), 'infinity')) AS open_end,
       sessions_overlapping(state, '-infinity', 'infinity') = state AS open FROM s;
SELECT r.* FROM s, session_rows(sessions_overlapping(state, at('10:13'), at('10:15'))) AS r;
SELECT sessions_overlapping(NULL, at('10:00'), at('12:00')) IS NULL AS no_state;
SELECT sessions_overlapping(state, NULL, at('12:00')) FROM s; \echo ERROR :SQLSTATE
SELECT sessions_overlapping(state, at('12:00'), NULL) FROM s; \echo ERROR :SQLSTATE

-- the ends of time
SELECT num_sessions(s), starts(sessions_between(s, '4714-11-24 00:00 UTC BC', '2000-01-01')) AS early,
       num_sessions(sessions_between(s, '2000-01-01', '294276-12-31 23:59:59.999999 UTC')) AS last_excluded,
       num_sessions(sessions_between(s, '2000-01-01', 'infinity')) AS last_included,
       num_sessions(with_gap(s, '9223372036854775807 us')) AS longest_gap
FROM (SELECT sessionize(t) AS s
      FROM (VALUES (timestamptz '4714-11-24 00:00 UTC BC'), ('294276-12-31 23:59:59.999999 UTC')) AS v (t)) AS x;
DROP SCHEMA use_accessors CASCADE;
