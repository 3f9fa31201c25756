-- loader/sql/init_owners.sql
-- What belongs to a role that is not to be trusted with it: schema $1, that of the extension,
-- and what in schema $1 has the names of ours and was there before init, which then left or
-- replaced it: its owner stays the same, and may change what it does. The functions are
-- those that this transaction wrote. Trusted are superusers, the owners of the database and of
-- the schema, this role and, unless it is a superuser, the roles that it is a member of.
WITH place AS (
    SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname = $1
), trusted AS (
    SELECT r.oid
    FROM pg_roles AS r
    WHERE r.rolsuper
       OR r.rolname IN (current_user, 'pg_database_owner')
       OR r.oid = (SELECT d.datdba FROM pg_database AS d WHERE d.datname = current_database())
       OR (pg_has_role(current_user, r.oid, 'USAGE')
           AND NOT (SELECT me.rolsuper FROM pg_roles AS me WHERE me.rolname = current_user))
), found AS (
    SELECT 1 AS rank, format('schema "%s"', p.nspname) AS object, p.nspowner AS owner
    FROM place AS p
    UNION ALL
    SELECT 2, format('schema "%s", where the extension is,', n.nspname), n.nspowner
    FROM pg_extension AS e
    JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE e.extname = 'clickstream'
    UNION ALL
    SELECT 3, format('relation "%s.%s"', p.nspname, c.relname), c.relowner
    FROM place AS p
    JOIN pg_class AS c ON c.relnamespace = p.oid AND c.relowner <> p.nspowner
    WHERE c.relname IN ('http_log', 'campaign_reward_mapping', 'campaign', 'reward_campaign',
                        'reward_transaction', 'interaction', 'item', 'load_batch', 'load_reject',
                        'session_state', 'session_mark', 'session_refresh', 'reward_interaction')
    UNION ALL
    SELECT 4, format('function "%s.%s"', p.nspname, f.oid::regprocedure), f.proowner
    FROM place AS p
    JOIN pg_proc AS f ON f.pronamespace = p.oid AND f.proowner <> p.nspowner
    WHERE f.xmin = pg_current_xact_id()::xid
)
SELECT f.object, pg_get_userbyid(f.owner)
FROM found AS f
WHERE f.owner NOT IN (SELECT t.oid FROM trusted AS t)
ORDER BY f.rank, f.object
LIMIT 1
