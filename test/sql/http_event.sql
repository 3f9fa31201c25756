-- test/sql/http_event.sql
-- What a request means; the odd paths themselves are cases of test/truth.
SET client_min_messages = warning;

SELECT m, p, (http_event(m, p)).* FROM (VALUES
    ('GET', '/campaigns/12'), ('POST', '/rewards/34'), ('POST', '/campaigns/12'), ('GET', '/rewards/34'), ('GET', '/'),
    ('get', '/campaigns/12'), ('GET', '/campaigns/012/?a#b'), ('GET', '/campaigns/12/x'), ('GET', ''),
    ('', '/campaigns/12'), ('GET', NULL), (NULL, '/campaigns/12'), (NULL, NULL),
    ('GET', '/campaigns/9223372036854775807'),
    ('GET', '/campaigns/9223372036854775808'), ('POST', '/rewards/-1'), ('POST', '/rewards/')) AS v (m, p);
SELECT * FROM http_event('GET', '/campaigns/12');

-- a prefix stands in front of the path, as it is
SELECT prefix, p, (http_event('GET', p, prefix)).* FROM (VALUES
    ('/v4', '/v4/campaigns/12'), ('/v4', '/campaigns/12'), ('/v4', '/v4'), ('/v4', '/v4/v4/campaigns/12'),
    ('/v4/', '/v4/campaigns/12'), ('/v4/', '/v4//campaigns/12'), ('/V4', '/v4/campaigns/12'), ('', '/campaigns/12'),
    (NULL, '/campaigns/12'), ('https://shop.example', 'https://shop.example/campaigns/12'),
    ('/campaigns/1', '/campaigns/12'),
    ('/%', '/v4/campaigns/12'), ('/été', '/été/campaigns/12')) AS v (prefix, p);
SELECT * FROM http_event(prefix => '/v4', http_path => '/v4/rewards/5', http_method => 'POST');

-- as a condition and a key
SELECT kind, count(*), array_agg(id ORDER BY id)
FROM (VALUES ('GET', '/campaigns/1'), ('GET', '/campaigns/2'), ('POST', '/rewards/3'), ('PUT', '/x')) AS v (m, p),
     http_event(m, p) GROUP BY kind ORDER BY kind;
CREATE TEMP TABLE request (m text, p text, kind text GENERATED ALWAYS AS ((http_event(m, p)).kind) STORED,
                           id bigint GENERATED ALWAYS AS ((http_event(m, p)).id) STORED);
INSERT INTO request VALUES ('GET', '/campaigns/1'), ('GET', '/x');
TABLE request;
SELECT pg_typeof(kind), pg_typeof(id) FROM http_event('GET', '/');

-- long paths
SELECT * FROM http_event('GET', '/campaigns/' || repeat('0', 1000000) || '7?' || repeat('x', 1000000));
SELECT * FROM http_event('GET', '/campaigns/' || repeat('9', 1000000));
DROP TABLE request;
