-- bench/sql/generate.sql
-- A log in order of time: %(events)s events of about %(users)s users over 30 days, in
-- visits of some 12 requests; 60 of 100 are views, 12 issues, 28 other requests.
SELECT setseed(0.5);
INSERT INTO http_log
SELECT date_trunc('second', visit + step * step * random() * interval '2 seconds'),
       CASE WHEN choice < 0.60 THEN 'GET' WHEN choice < 0.72 THEN 'POST' ELSE 'GET' END,
       CASE WHEN choice < 0.60 THEN '/campaigns/' || (1 + (random() * 3000)::int)
            WHEN choice < 0.72 THEN '/rewards/' || (1 + (random() * 1500)::int)
            ELSE '/' END,
       (2000000000000 + user_number * 7)::bigint::text
FROM (SELECT timestamptz '2024-01-01' + n * (interval '30 days' / %(visits)s) AS visit,
             step, random() AS choice,
             CASE WHEN step >= 0 THEN floor(%(users)s * hashint8(n)::bigint / 4294967296.0) END
                 AS user_number
      FROM generate_series(1, %(visits)s) AS n, generate_series(0, 11) AS step) AS request
ORDER BY 1;
INSERT INTO campaign_reward_mapping
SELECT 1 + (random() * 3000)::int, 1 + (random() * 1500)::int FROM generate_series(1, 3000);
VACUUM ANALYZE http_log, campaign_reward_mapping;
