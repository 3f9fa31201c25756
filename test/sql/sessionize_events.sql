-- test/sql/sessionize_events.sql
-- Events whose kind and id the caller's SQL found: other paths, other sources.
\pset format unaligned
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA use_events;
SET search_path = use_events, public;
CREATE TABLE event (t timestamptz, kind text, id bigint);
INSERT INTO event VALUES
    ('2024-03-10 08:00 UTC', 'view', 1), ('2024-03-10 08:01 UTC', 'issue', 10), ('2024-03-10 08:02 UTC', 'other', NULL);

-- both forms, and the same state as from requests
SELECT sessionize_events(t, kind, id) FROM event;
SELECT sessionize_events(t, kind, id, '1 min') FROM event;
SELECT sessionize_events(t, kind, id) = (
    SELECT sessionize(t, m, p) FROM (VALUES
        (timestamptz '2024-03-10 08:00 UTC', 'GET', '/campaigns/1'), ('2024-03-10 08:01 UTC', 'POST', '/rewards/10'),
        ('2024-03-10 08:02 UTC', 'GET', '/')) AS r (t, m, p)) AS same
FROM event;

-- the caller's own paths
SELECT sessionize_events(r.t, e.kind, e.id)
FROM (VALUES (timestamptz '2024-03-10 08:00 UTC', 'GET', '/v4/campaigns/7'),
             ('2024-03-10 08:01 UTC', 'POST', '/v4/rewards/70/'),
             ('2024-03-10 08:02 UTC', 'GET', '/campaigns/7')) AS r (t, m, p),
     http_event(r.m, r.p, '/v4') AS e;
SELECT sessionize_events(t, CASE WHEN p ~ '^/offer/[0-9]+$' THEN 'view' END, substring(p FROM '[0-9]+')::bigint)
FROM (VALUES (timestamptz '2024-03-10 08:00 UTC', '/offer/12'), ('2024-03-10 08:01 UTC', '/basket/13')) AS r (t, p);

-- a NULL kind, and a view or issue with a NULL id, are other activity; the id of other is ignored
SELECT kind, id, sessionize_events('2024-03-10 08:00 UTC', kind, id) = sessionize('2024-03-10 08:00 UTC') AS other
FROM (VALUES ('other', 5::bigint), ('other', NULL), (NULL, 5), (NULL, NULL), ('view', NULL), ('issue', NULL),
             ('view', 5)) AS v (kind, id)
GROUP BY kind, id ORDER BY kind, id;

-- every bigint is an id, negative ones too
SELECT kind, sessionize_events(t, kind, id)
FROM (VALUES ('view', -1::bigint), ('issue', -1), ('view', 0), ('view', 9223372036854775807),
             ('view', -9223372036854775808), ('issue', -9223372036854775808)) AS v (kind, id),
     CAST('2024-03-10 08:00 UTC' AS timestamptz) AS t
GROUP BY kind ORDER BY kind;
SELECT campaigns, rewards_issued, reward_driven_by_campaign_view
FROM (SELECT sessionize_events(t, kind, id) AS s
      FROM (VALUES (timestamptz '2024-03-10 08:00 UTC', 'view', -1),
                   ('2024-03-10 08:01 UTC', 'issue', -9223372036854775808)) AS v (t, kind, id)) AS x,
     session_rows(s, (SELECT reward_map(-1, -9223372036854775808)));

-- kinds are these three words, in lower case
SELECT sessionize_events('2024-03-10 08:00 UTC', 'visit', 1); \echo ERROR :SQLSTATE
SELECT sessionize_events('2024-03-10 08:00 UTC', 'View', 1); \echo ERROR :SQLSTATE
SELECT sessionize_events('2024-03-10 08:00 UTC', 'view ', 1); \echo ERROR :SQLSTATE
SELECT sessionize_events('2024-03-10 08:00 UTC', '', 1); \echo ERROR :SQLSTATE
SELECT sessionize_events('2024-03-10 08:00 UTC', 'visit', NULL); \echo ERROR :SQLSTATE
SELECT sessionize_events('2024-03-10 08:00 UTC', 'a' || repeat('é', 100), 1); \echo ERROR :SQLSTATE

-- a row with a NULL timestamp is ignored before its kind and gap are looked at
SELECT sessionize_events(NULL, 'visit', 1) IS NULL AS kind, sessionize_events(NULL, 'view', 1, '-1 s') IS NULL AS gap;
SELECT sessionize_events(t, kind, id, gap) FROM (VALUES
    (NULL, 'visit', 1, interval '7 min'), (timestamptz '2024-03-10 08:00 UTC', 'view', 2, '5 min'),
    (NULL, NULL, NULL, NULL)) AS v (t, kind, id, gap);
SELECT sessionize_events(t, kind, id) IS NULL AS none FROM event WHERE false;

-- gaps and infinity as for requests
SELECT sessionize_events(t, kind, id, NULL) FROM event; \echo ERROR :SQLSTATE
SELECT sessionize_events(t, kind, id, '0') FROM event; \echo ERROR :SQLSTATE
SELECT sessionize_events(t, kind, id, '1 month') FROM event; \echo ERROR :SQLSTATE
SELECT sessionize_events(t, kind, id, id * interval '1 min') FROM event WHERE id > 0; \echo ERROR :SQLSTATE
SELECT sessionize_events('infinity', 'view', 1); \echo ERROR :SQLSTATE

DROP SCHEMA use_events CASCADE;
