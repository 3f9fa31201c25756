-- loader/sql/screen_plan.sql
-- How rows for columns $3 of table $1, whose name is $2, are looked at before they are copied.
-- The result, no row where rules would come between: what creates the objects that this takes, the condition of the COPY into the
-- temporary table, and what drops the objects.
--
-- The condition is never true, so that no row stays. For a row that fails a constraint
-- of the table's or of a domain's, or fits no partition, it calls the function that tries the row
-- and keeps what the server says. Constraints become SQL functions, whose arguments are
-- called as in the constraints: the columns, or VALUE. The server inlines them.
WITH RECURSIVE loaded AS (
    SELECT a.attname, a.attnum, a.atttypid, a.atttypmod, l.place
    FROM unnest($3::name[]) WITH ORDINALITY AS l (name, place)
    JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname = l.name AND a.attnum > 0
), layer (attnum, type, modifier, depth) AS (
    -- a column's domain, the domain below it, and so on down to another type
    SELECT attnum, atttypid, atttypmod, 0 FROM loaded
    UNION ALL
    SELECT l.attnum, t.typbasetype, t.typtypmod, l.depth + 1
    FROM layer l
    JOIN pg_type t ON t.oid = l.type AND t.typtype = 'd'
), base AS (
    SELECT DISTINCT ON (attnum) attnum, format_type(type, modifier) AS type,
           format_type(type, NULL) AS plain_type
    FROM layer
    ORDER BY attnum, depth DESC
), domain_check AS (
    SELECT 'clickstream_value_' || c.oid AS function, l.attnum, b.plain_type,
           pg_get_expr(c.conbin, 0) AS condition
    FROM layer l
    JOIN base b USING (attnum)
    JOIN pg_constraint c ON c.contypid = l.type AND c.contype = 'c'
), condition (sql) AS (
    SELECT format('pg_temp.%I (%I)', d.function, l.attname)
    FROM domain_check d
    JOIN loaded l USING (attnum)
    UNION ALL
    SELECT format('%I IS NOT NULL', a.attname)
    FROM layer l
    JOIN loaded a USING (attnum)
    JOIN pg_type t ON t.oid = l.type AND t.typtype = 'd' AND t.typnotnull
    UNION ALL
    -- a trigger may change the row before the table's own constraints are looked at
    SELECT format('(%s) IS NOT FALSE', pg_get_expr(c.conbin, c.conrelid))
    FROM pg_constraint c
    WHERE c.conrelid = $1::oid AND c.contype = 'c'
      AND c.conkey <@ ARRAY(SELECT attnum FROM loaded)
      AND to_jsonb(c) ->> 'conenforced' IS DISTINCT FROM 'false'
      AND NOT EXISTS (SELECT FROM pg_trigger t
                      WHERE t.tgrelid = $1::oid AND t.tgenabled <> 'D' AND t.tgtype & 7 = 7)
    UNION ALL
    -- with many partitions it would take longer than it saves
    SELECT format('(%s) IS NOT FALSE',
                  string_agg(pg_get_partition_constraintdef(leaf.relid), ' OR '))
    FROM pg_partition_tree($1::oid) AS leaf
    JOIN pg_partitioned_table p ON p.partrelid = $1::oid
    WHERE leaf.isleaf
      AND p.partattrs::int2[] <@ ARRAY(SELECT attnum FROM loaded)
    HAVING count(*) BETWEEN 1 AND 32 AND bool_and(leaf.level = 1)
       AND bool_and(pg_get_partition_constraintdef(leaf.relid) IS NOT NULL)
), plan AS (
    SELECT string_agg(format('%I %s', attname, base.type), ', ' ORDER BY place) AS definitions,
           string_agg(format('%I %s', attname, plain_type), ', ' ORDER BY place) AS arguments,
           string_agg(plain_type, ', ' ORDER BY place) AS types,
           string_agg(quote_ident(attname), ', ' ORDER BY place) AS columns,
           string_agg('$' || place + 1, ', ' ORDER BY place) AS parameters,
           -- COPY looks at domains in the order of its columns, INSERT in that of the table's
           string_agg(format(E'        looked_at := %L;\n        PERFORM $%s::%s;\n', attname, place + 1,
                             format_type(atttypid, NULL)), '' ORDER BY place)
               FILTER (WHERE atttypid IN (SELECT oid FROM pg_type WHERE typtype = 'd')) AS domains
    FROM loaded
    JOIN base USING (attnum)
)
SELECT format('CREATE TEMPORARY TABLE clickstream_screen (%s);'
              ' CREATE TEMPORARY TABLE clickstream_tried'
              ' (number bigint, sqlstate text, column_name text, message text, detail text);'
              ' CREATE TEMPORARY SEQUENCE clickstream_number CACHE 1000; ', definitions)
           || coalesce((SELECT string_agg(
                  format('CREATE FUNCTION pg_temp.%I (value %s) RETURNS boolean LANGUAGE sql'
                         ' RETURN (%s) IS NOT FALSE; ', function, plain_type, condition), '')
                  FROM (SELECT DISTINCT function, plain_type, condition FROM domain_check) AS d), '')
           || format('CREATE FUNCTION pg_temp.clickstream_passes (%s) RETURNS boolean LANGUAGE sql'
                     ' RETURN %s; ', arguments,
                     coalesce((SELECT string_agg(sql, ' AND ') FROM condition), 'true'))
           || format('CREATE FUNCTION pg_temp.clickstream_try (bigint, %s) RETURNS boolean'
                     ' LANGUAGE plpgsql AS %L', types,
                     format(E'DECLARE\n'
                            '    looked_at text;\n'
                            '    state text; column_name text; message text; detail text;\n'
                            'BEGIN\n'
                            '    BEGIN\n'
                            '%s'
                            '        looked_at := NULL;\n'
                            '        INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s);\n'
                            '        RAISE ''not refused'';\n'
                            '    EXCEPTION WHEN OTHERS THEN\n'
                            '        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE,\n'
                            '            column_name = COLUMN_NAME, message = MESSAGE_TEXT,\n'
                            '            detail = PG_EXCEPTION_DETAIL;\n'
                            '    END;\n'
                            '    INSERT INTO pg_temp.clickstream_tried\n'
                            '        VALUES ($1, state, coalesce(nullif(column_name, ''''), looked_at), message, detail);\n'
                            '    RETURN false;\n'
                            'END', coalesce(domains, ''), $2::text, columns, parameters)),
       format('CASE WHEN pg_catalog.nextval(''pg_temp.clickstream_number''::pg_catalog.regclass) > 0'
              ' AND pg_temp.clickstream_passes (%1$s) THEN false ELSE pg_temp.clickstream_try'
              ' (pg_catalog.currval(''pg_temp.clickstream_number''::pg_catalog.regclass), %1$s) END',
              columns),
       format('DROP FUNCTION pg_temp.clickstream_try (bigint, %s);'
              ' DROP FUNCTION pg_temp.clickstream_passes (%s);', types, types)
           || coalesce((SELECT string_agg(DISTINCT format(' DROP FUNCTION pg_temp.%I (%s);',
                                                          function, plain_type), '')
                        FROM domain_check), '')
           || ' DROP SEQUENCE pg_temp.clickstream_number;'
           || ' DROP TABLE pg_temp.clickstream_screen, pg_temp.clickstream_tried'
FROM plan
WHERE NOT EXISTS (SELECT FROM pg_rewrite WHERE ev_class = $1::oid AND ev_type = '3')
