-- test/sql/session_details.sql
-- Sessions with ids, ends, loaded ranges, and further cuts: at a length, at local midnight, at another campaign.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SET intervalstyle = postgres;
CREATE SCHEMA use_details;
SET search_path = use_details, public;
-- a state from 'time kind id' texts
CREATE FUNCTION st(gap interval, VARIADIC events text[]) RETURNS sessionset LANGUAGE sql AS $$
    SELECT sessionize_events((v[1] || 'Z')::timestamptz, v[2], v[3]::bigint, gap)
    FROM unnest(events) AS e, string_to_array(e, ' ') AS v $$;
CREATE TABLE s (u text, state sessionset);
INSERT INTO s VALUES
    ('ann', st('5 min', '2024-03-10T08:00:00 view 2', '2024-03-10T08:01:00 view 1', '2024-03-10T08:02:00 issue 10',
               '2024-03-10T09:00:00 issue 20', '2024-03-10T10:00:00', '2024-03-10T10:04:59.5')),
    ('bob', st('5 min', '2024-03-10T08:00:00 view 3', '2024-03-10T08:00:00 issue 30')),
    ('cyd', NULL);

-- all columns; the first six are those of session_rows, also beside a map
\x on
SELECT d.* FROM s, session_details(state, (SELECT reward_map(1, 10)), u) AS d WHERE u = 'ann' ORDER BY session_start;
\x off
SELECT count(*) AS same FROM s, LATERAL (
    (SELECT * FROM session_rows(state, (SELECT reward_map(1, 10))))
    INTERSECT
    (SELECT session_start, session_end, events, campaigns, rewards_issued, reward_driven_by_campaign_view
     FROM session_details(state, (SELECT reward_map(1, 10))))) AS r;
-- without arguments: no map, no id, not known whether it goes on; a NULL state has no rows
SELECT u, reward_driven_by_campaign_view AS driven, session_id AS id, bounce, may_continue_before AS before,
       may_continue_after AS after FROM s, session_details(state) ORDER BY u, session_start;
SELECT count(*) FROM session_details(NULL);
SELECT count(*) FROM session_details(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- NULL switches everything off
SELECT count(*) FROM s, session_details(state, NULL, NULL, NULL, NULL, NULL, NULL, NULL) AS d;
-- the first and the last event in the order of time, kind, id
SELECT entry_kind, entry_id, exit_kind, exit_id
FROM session_details(st('5 min', '2024-03-10T08:00:00 issue 1', '2024-03-10T08:00:00 view 9', '2024-03-10T08:00:00 view -9',
                        '2024-03-10T08:00:01 issue -1', '2024-03-10T08:00:01', '2024-03-10T08:00:01 issue -7'));
-- duration in hours and smaller; longer than an interval can hold
SELECT duration FROM session_details(st('1 day', '2024-03-10T00:00:00', '2024-03-10T23:00:00', '2024-03-11T22:00:00.5'));
SELECT duration FROM session_details('{"version": 1, "gap": "2562047788:00:54.775807", "events": [
    {"time": "-4713-11-24T00:00:00Z"}, {"time": "2000-01-01T00:00:00Z"}, {"time": "+294276-12-31T23:59:59.999999Z"}]}'); \echo ERROR :SQLSTATE

-- max_length: exactly the length is one session; measured again from the event that starts the next
CREATE TABLE walk AS SELECT st('5 min', '2024-03-10T08:00:00 view 1', '2024-03-10T08:04:00 view 1', '2024-03-10T08:08:00 issue 10',
    '2024-03-10T08:10:00 other', '2024-03-10T08:10:00.000001 issue 10', '2024-03-10T08:14:00 view 1',
    '2024-03-10T08:18:00', '2024-03-10T08:20:00.000001', '2024-03-10T08:25:00.000001 issue 10') AS state;
SELECT session_start, session_end, events, campaigns, rewards_issued, reward_driven_by_campaign_view AS driven, session_id
FROM walk, session_details(state, (SELECT reward_map(1, 10)), 'u', max_length => '10 min');
SELECT session_start, events FROM walk, session_details(state, max_length => '0.00001 h');
SELECT count(*) FROM walk, session_details(state, max_length => '100000000 days');
SELECT count(*) FROM walk, session_details(state, max_length => '0'); \echo ERROR :SQLSTATE
SELECT count(*) FROM walk, session_details(state, max_length => '-1 us'); \echo ERROR :SQLSTATE
SELECT count(*) FROM walk, session_details(state, max_length => '1 month'); \echo ERROR :SQLSTATE
SELECT count(*) FROM walk, session_details(state, max_length => '1 year -365 days'); \echo ERROR :SQLSTATE
SELECT count(*) FROM walk, session_details(state, max_length => '2147483647 days'); \echo ERROR :SQLSTATE

-- midnight: local dates in a zone, by name, abbreviation or rule
CREATE TABLE night AS SELECT st('5 min', '2024-03-10T15:58:00 view 1', '2024-03-10T15:59:59.999999', '2024-03-10T16:00:00 issue 10',
    '2024-03-10T16:04:00 view 1', '2024-03-10T16:05:00 issue 10') AS state;
SELECT zone, d.session_start, d.events, d.reward_driven_by_campaign_view AS driven
FROM night, unnest(ARRAY[NULL, 'UTC', 'Asia/Singapore', 'asia/singapore', '+08', 'SGT-8', 'MSK', 'PST', 'CET-8']) WITH ORDINALITY AS z (zone, n),
     session_details(state, (SELECT reward_map(1, 10)), midnight => zone) AS d ORDER BY n, session_start;
SELECT count(*) FROM night, session_details(state, midnight => 'Asia/Singapur'); \echo ERROR :SQLSTATE
SELECT count(*) FROM night, session_details(state, midnight => ''); \echo ERROR :SQLSTATE
SELECT count(*) FROM night, session_details(state, midnight => repeat('x', 1000000)); \echo ERROR :SQLSTATE
-- the clocks went back at 00:00 in Sao Paulo: 23:30 comes twice, in the same day
SELECT to_char(session_start, 'DD HH24:MI') AS utc, events
FROM session_details(st('1 h', '2018-02-18T01:30:00', '2018-02-18T02:00:00', '2018-02-18T02:30:00', '2018-02-18T03:00:00',
                        '2018-02-18T03:30:00'), midnight => 'America/Sao_Paulo');
-- and at 00:01 in St. John's: the next day has begun and ends again
SELECT to_char(session_start, 'DD HH24:MI:SS') AS utc, events
FROM session_details(st('1 h', '2010-11-07T02:29:00', '2010-11-07T02:30:00', '2010-11-07T02:30:59.9', '2010-11-07T02:31:00',
                        '2010-11-07T03:29:00', '2010-11-07T03:30:00'), midnight => 'America/St_Johns');
-- a day that Samoa left out; the hour that New York left out is no midnight
SELECT session_start AT TIME ZONE 'Pacific/Apia' AS local, events
FROM session_details(st('1 h', '2011-12-30T09:59:59', '2011-12-30T10:00:00'), midnight => 'Pacific/Apia');
SELECT count(*) FROM session_details(st('1 h', '2024-03-10T06:59:59', '2024-03-10T07:00:00'), midnight => 'America/New_York');
-- before any rule of the zone, at both ends of time, in turns
SELECT z, count(*) FROM unnest(ARRAY['Asia/Singapore', 'America/New_York', 'EST5EDT', 'MSK', '-12']) AS z, session_details(
    '{"version": 1, "gap": "2562047788:00:54.775807", "events": [{"time": "-4713-11-24T00:00:00Z"}, {"time": "-4713-11-24T00:00:00.1Z"},
      {"time": "1800-01-01T12:00:00Z"}, {"time": "+294276-12-31T23:59:59.999998Z"}, {"time": "+294276-12-31T23:59:59.999999Z"}]}',
    midnight => z) GROUP BY z ORDER BY z COLLATE "C";

-- cut_on_campaign: a view of another campaign starts a session, also within one instant, where ids stay apart
CREATE TABLE tour AS SELECT st('5 min', '2024-03-10T08:00:00', '2024-03-10T08:00:01 view 1', '2024-03-10T08:00:02 issue 20',
    '2024-03-10T08:00:03 view 1', '2024-03-10T08:00:04 view 3', '2024-03-10T08:00:04 view 2', '2024-03-10T08:00:04 view 4',
    '2024-03-10T08:00:04 issue 20', '2024-03-10T08:00:05 view 4', '2024-03-10T08:00:06 issue 40', '2024-03-10T08:00:07 view 1',
    '2024-03-10T08:00:07 view 1', '2024-03-10T08:00:07 view 5') AS state;
SELECT session_id, events, campaigns, rewards_issued, reward_driven_by_campaign_view AS driven
FROM tour, session_details(state, (SELECT reward_map(c, c * 10) FROM generate_series(1, 4) AS c), 'é@', cut_on_campaign => true);
SELECT count(*), count(DISTINCT session_id) FROM tour, session_details(state, user_id => '', cut_on_campaign => true);
-- all cuts at once
SELECT session_start, events FROM tour, session_details(state, max_length => '2 s', midnight => 'Asia/Singapore', cut_on_campaign => true);

-- the loaded range: what is less than the gap away may go on
CREATE TABLE edge AS SELECT st('5 min', '2024-03-10T15:57:00', '2024-03-10T15:58:00', '2024-03-10T16:30:00', '2024-03-10T16:31:00') AS state;
SELECT f AS loaded_from, array_agg(may_continue_before ORDER BY session_start) AS may_continue_before
FROM edge, unnest(ARRAY['-infinity', '2024-03-10 15:51:59.999999Z', '2024-03-10 15:52Z', '2024-03-10 15:52:00.000001Z', '2024-03-10 15:57Z',
    '2024-03-10 16:25Z', '2024-03-10 16:30Z', 'infinity']::timestamptz[]) WITH ORDINALITY AS v (f, n),
    session_details(state, loaded_from => f) GROUP BY n, f ORDER BY n;
SELECT t AS loaded_until, array_agg(may_continue_after ORDER BY session_start) AS may_continue_after
FROM edge, unnest(ARRAY['-infinity', '2024-03-10 15:58:00.000001Z', '2024-03-10 16:02:59.999999Z', '2024-03-10 16:03Z', '2024-03-10 16:31Z',
    '2024-03-10 16:35:59.999999Z', '2024-03-10 16:36Z', 'infinity']::timestamptz[]) WITH ORDINALITY AS v (t, n),
    session_details(state, loaded_until => t) GROUP BY n, t ORDER BY n;
-- not over midnight, not beyond the length, and not where a cut was
SELECT may_continue_before AS before, may_continue_after AS after FROM night, session_details(state, midnight => 'Asia/Singapore',
    loaded_from => '2024-03-10 15:57Z', loaded_until => '2024-03-10 16:06Z');
SELECT z, may_continue_before AS before, may_continue_after AS after
FROM unnest(ARRAY['Asia/Singapore', 'UTC']) AS z, session_details(st('5 min', '2024-03-10T16:00:00', '2024-03-11T15:59:00'), midnight => z,
    loaded_from => '2024-03-10 16:00Z', loaded_until => '2024-03-11 16:00Z');
SELECT m AS max_length, may_continue_after AS after FROM edge, unnest(ARRAY['2 min', '3 min', '4 min']::interval[]) AS m,
    session_details(state, max_length => m, loaded_until => '2024-03-10 16:33Z') WHERE session_start > '2024-03-10 16:00Z' ORDER BY m;

-- in the SELECT list, with LIMIT, in a join of many states
SELECT u, (session_details(state, user_id => u)).session_id FROM s WHERE u = 'ann' LIMIT 2;
SELECT (SELECT session_id FROM session_details(state, user_id => u) LIMIT 1) FROM s ORDER BY u;
SELECT session_details(state, user_id => u) FROM s WHERE u = 'bob';
DROP SCHEMA use_details CASCADE;
