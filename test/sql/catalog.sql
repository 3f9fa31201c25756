-- test/sql/catalog.sql
-- What the extension puts into the catalog: marks, comments, dependencies; any schema; nothing left behind.
\pset format unaligned
SET client_min_messages = warning;
SET search_path = public;
-- without array and row types, which are members in some versions of PostgreSQL only
CREATE TEMP VIEW member AS
    SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
    FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
    WHERE e.extname = 'clickstream' AND d.deptype = 'e' AND (t.oid IS NULL OR t.typcategory NOT IN ('A', 'C'));
CREATE TEMP VIEW function AS
    SELECT p.oid::regprocedure AS signature, p.*
    FROM pg_proc AS p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMP VIEW support AS SELECT * FROM function WHERE proname ~
    '_((in|out|recv|send)|(eq|ne|lt|le|ge|gt|cmp|hash|hash_extended)|(trans|combine|serial|deserial|final)fn)$';

-- what a user can call or use, and its comment; support functions need none
SELECT object, coalesce(obj_description(objid, classid::regclass::name), 'NO COMMENT') AS comment
FROM member WHERE objid NOT IN (SELECT oid FROM support) AND classid <> 'pg_opfamily'::regclass ORDER BY object;
SELECT object FROM member WHERE classid = 'pg_opfamily'::regclass ORDER BY object;
SELECT signature AS support, proisstrict FROM support ORDER BY signature::text;

-- every function: immutable (stable where it looks at time zones or models, volatile where it fits or reads files), parallel safe where that can be; strict but for those that do something with a NULL
SELECT provolatile, proparallel, proleakproof, prosecdef, count(*) FROM function GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
SELECT signature AS not_strict FROM function WHERE NOT proisstrict AND prokind = 'f' ORDER BY signature::text;
SELECT signature AS stable FROM function WHERE provolatile = 's' ORDER BY signature::text;
SELECT signature AS volatile FROM function WHERE provolatile = 'v' ORDER BY signature::text;
SELECT signature AS returns_a_set, prorows FROM function WHERE proretset ORDER BY signature::text;
SELECT signature AS has_defaults, pronargdefaults FROM function WHERE pronargdefaults > 0 ORDER BY signature::text;

-- every aggregate can be parallel
SELECT a.aggfnoid::regprocedure AS aggregate, aggcombinefn AS combine, aggserialfn AS serial, aggdeserialfn AS deserial,
       aggfinalfn AS final, aggfinalmodify AS modify, aggtransspace > 0 AS space
FROM pg_aggregate AS a JOIN function AS f ON f.oid = a.aggfnoid ORDER BY a.aggfnoid::regprocedure::text;

-- types: variable length, can be compressed and stored out of line; no casts
SELECT typname, typlen, typalign, typstorage, typcategory FROM pg_type
WHERE typname IN ('sessionset', 'reward_map') ORDER BY typname;
SELECT count(*) AS casts FROM pg_cast
WHERE castsource IN ('sessionset'::regtype, 'reward_map'::regtype)
   OR casttarget IN ('sessionset'::regtype, 'reward_map'::regtype);

-- the foreign-data wrapper: who may read files may use it
SELECT fdwname, fdwhandler::regproc, fdwvalidator::regproc, fdwoptions, a.grantee::regrole, a.privilege_type
FROM pg_foreign_data_wrapper JOIN member ON classid = 'pg_foreign_data_wrapper'::regclass AND objid = oid,
     aclexplode(fdwacl) AS a WHERE a.grantee <> fdwowner;

-- operators
SELECT oprname, oprcode, oprcom::regoper AS commutator, oprnegate::regoper AS negator, oprrest, oprjoin,
       oprcanhash, oprcanmerge
FROM pg_operator JOIN member ON classid = 'pg_operator'::regclass AND objid = oid ORDER BY oprname;
SELECT amname, opcname, opcdefault, amvalidate(c.oid) AS valid
FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = opcmethod WHERE opcintype = 'sessionset'::regtype ORDER BY amname;

-- installed into another schema it works from there, and leaves nothing behind
BEGIN;
DROP VIEW support, function, member;
DROP EXTENSION clickstream;
SELECT count(*) AS left_behind FROM pg_proc WHERE probin LIKE '%clickstream%';
SELECT count(*) AS left_behind FROM pg_foreign_data_wrapper WHERE fdwname = 'avro_fdw';
SELECT count(*) AS left_behind FROM pg_type WHERE typname IN ('sessionset', '_sessionset', 'reward_map', '_reward_map');
CREATE SCHEMA "Analytics & co";
CREATE EXTENSION clickstream SCHEMA "Analytics & co";
SET search_path = pg_catalog;
SELECT r.events, r.reward_driven_by_campaign_view
FROM (SELECT "Analytics & co".sessionize('2024-03-10 08:00 UTC', 'GET', '/campaigns/1') AS s) AS x,
     "Analytics & co".session_rows(s, (SELECT "Analytics & co".reward_map(1, 10))) AS r;
SELECT count(*) > 50 AS members, count(*) FILTER (WHERE i.identity !~ '"Analytics & co"') AS in_no_schema
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid,
     pg_identify_object(d.classid, d.objid, 0) AS i WHERE e.extname = 'clickstream' AND d.deptype = 'e';
ALTER EXTENSION clickstream SET SCHEMA public;
SELECT public.num_events(public.sessionize('2024-03-10 08:00 UTC'));
-- a column of the type keeps it in place
CREATE TEMP TABLE state (s public.sessionset);
DROP EXTENSION clickstream; \echo ERROR :SQLSTATE
ROLLBACK;
