-- test/support/traps.sql - functions and operators of an attacker in schema :"trap_schema", for
-- psql. Needs :trap_names, a list of names of functions, and :trap_operators, of operators;
-- :trap_exact is true for a schema that is searched before pg_catalog.
--
-- A call without the exact types of what is in pg_catalog may be resolved to a function of the
-- same name with better ones, in any schema that is searched. Here is one for every name and
-- every one or two of the types that our SQL has, and for some threes. Whatever falls
-- into it fails: what these return fits nothing, and else they raise an error.
SET search_path = pg_catalog;
SELECT set_config('traps.schema', :'trap_schema', false) IS NULL,
       set_config('traps.names', :'trap_names', false) IS NULL,
       set_config('traps.exact', :'trap_exact', false) IS NULL,
       set_config('traps.operators', :'trap_operators', false) IS NULL \g /dev/null

CREATE TYPE :"trap_schema".trapped AS ENUM ('trapped');

DO $do$
DECLARE
    place CONSTANT text := quote_ident(current_setting('traps.schema'));
    names CONSTANT text[] := string_to_array(current_setting('traps.names'), ' ');
    operators CONSTANT text[] := string_to_array(current_setting('traps.operators'), ' ');
    few CONSTANT text[] := ARRAY['text', 'name', 'int4', 'int8', 'regclass'];
    types CONSTANT text[] := few || ARRAY['int2', 'oid', 'numeric', 'bool', 'timestamptz', 'interval', 'jsonb', 'bytea',
        'int8[]', 'text[]', 'float4'];
    singles CONSTANT text[] := types || ARRAY['varchar', '"char"', 'float8', 'timestamp', 'date', 'regproc', 'json',
        'jsonb[]', 'int4[]', 'regtype', 'regnamespace', 'uuid'];
    body CONSTANT text := ' RETURNS ' || place || '.trapped LANGUAGE plpgsql AS '
        '''BEGIN RAISE EXCEPTION ''''trapped as %'''', current_user; END''';
    exact CONSTANT boolean := current_setting('traps.exact');
    trap record;
BEGIN
    FOR trap IN
        SELECT n.name, l.arguments
        FROM unnest(names) AS n (name),
             (SELECT '' AS arguments
              UNION ALL SELECT a FROM unnest(singles) AS a
              UNION ALL SELECT concat(a, ',', b) FROM unnest(types) AS a, unnest(types) AS b
              UNION ALL SELECT concat(a, ',', b, ',', c) FROM unnest(few) AS a, unnest(few) AS b, unnest(few) AS c) AS l
        WHERE (exact OR to_regprocedure(format('pg_catalog.%I(%s)', n.name, l.arguments)) IS NULL)
          AND to_regprocedure(format('%s.%I(%s)', place, n.name, l.arguments)) IS NULL
    LOOP
        EXECUTE format('CREATE FUNCTION %s.%I(%s)', place, trap.name, trap.arguments) || body;
    END LOOP;
    FOR trap IN SELECT a, b FROM unnest(singles) AS a, unnest(singles) AS b LOOP
        EXECUTE format('CREATE FUNCTION %s.trap(%s, %s)', place, trap.a, trap.b) || body;
    END LOOP;
    FOR trap IN
        SELECT o.name, a, b FROM unnest(operators) AS o (name), unnest(singles) AS a, unnest(singles) AS b
        WHERE exact OR to_regoperator(format('pg_catalog.%s(%s, %s)', o.name, a, b)) IS NULL
    LOOP
        EXECUTE format('CREATE OPERATOR %s.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %s.trap)',
                       place, trap.name, trap.a, trap.b, place);
    END LOOP;
END;
$do$;
