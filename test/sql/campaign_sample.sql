\set ECHO none
-- test/sql/campaign_sample.sql
-- Both campaign reports on the sample files, where CLICKSTREAM_DATA has them.
\set data ''
\getenv data CLICKSTREAM_DATA
\set file :data '/campaigns/reward_transaction.csv'
\set found `test -r :'file' && echo true || echo false`
\if :found
\else
\echo skipped: no campaigns/reward_transaction.csv under CLICKSTREAM_DATA
\quit
\endif
\set transactions `cat :'file'`
\set file :data '/campaigns/reward_campaign.csv'
\set rewards `cat :'file'`
\getenv root CLICKSTREAM_ROOT
\set tables :root '/sql/postgres/tables.sql'
\set engagement :root '/sql/postgres/campaign_engagement.sql'
\set weekly :root '/sql/postgres/weekly_rewards.sql'
SET client_min_messages = warning;
SET datestyle = ISO;
CREATE SCHEMA use_sample;
SET search_path = use_sample, public;
\i :tables
\i :engagement
\i :weekly
CREATE FUNCTION csv(content text) RETURNS TABLE (f text[])
LANGUAGE sql BEGIN ATOMIC
    SELECT string_to_array(line, ',')
    FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (line, n)
    WHERE n > 1 AND line <> '';
END;
INSERT INTO reward_campaign
    SELECT f[1]::bigint, f[2], f[3]::timestamptz, f[4]::bigint FROM csv(:'rewards');
INSERT INTO reward_transaction
    SELECT f[1]::bigint, f[2], f[3]::timestamptz, f[4]::bigint FROM csv(:'transactions');
\set ECHO all
SELECT * FROM campaign_engagement(1, '2019-08-12', '2019-08-22');
SELECT * FROM weekly_rewards(1, '2019-08-12', '2019-08-22');
DROP SCHEMA use_sample CASCADE;
