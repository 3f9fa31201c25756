-- loader/sql/stage_plan.sql
-- How rows get from a temporary table into table $1, whose name is $2, of which columns $3
-- are loaded; $4 says what becomes of a row whose key is there: 'nothing' or 'update'.
-- The result: what creates the temporary table, what inserts from it (NULL where it is not
-- clear by which key), and the keys there are to choose from.
WITH loaded AS (
    SELECT a.attname, a.attnum,
           format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
               || coalesce(' COLLATE ' || nullif(a.attcollation, 0)::regcollation, '') AS definition
    FROM unnest($3::name[]) AS l (name)
    JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attname = l.name AND a.attnum > 0
), stage AS (
    SELECT string_agg(definition, ', ' ORDER BY attnum) AS definitions,
           string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns,
           (SELECT min(free) FROM (SELECT 'ordinal' || repeat('_', g) AS free
                                   FROM generate_series(0, cardinality($3::text[])) AS g) AS names
            WHERE free <> ALL ($3::text[])) AS ordinal
    FROM loaded
), keys AS (
    SELECT i.indisprimary, c.relname,
           string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) AS columns,
           string_agg(quote_ident(a.attname) || ' IS NULL', ' OR ' ORDER BY k.place)
               FILTER (WHERE NOT a.attnotnull AND NOT i.indnullsnotdistinct) AS apart,
           coalesce((SELECT string_agg(format('%1$I = excluded.%1$I', l.attname), ', '
                                       ORDER BY l.attnum)
                     FROM loaded l WHERE l.attname <> ALL (array_agg(a.attname))),
                    format('%1$I = excluded.%1$I', min(a.attname::text))) AS assignments
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = $1::oid
      AND k.place <= i.indnkeyatts
      AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indexrelid, i.indisprimary, i.indnullsnotdistinct, c.relname
    HAVING bool_and(a.attname = ANY ($3::name[]))
), key AS (
    SELECT * FROM keys
    WHERE indisprimary OR NOT EXISTS (SELECT FROM keys HAVING count(*) > 1)
    ORDER BY indisprimary DESC
    LIMIT 1
), source AS (
    -- a NULL in a key is like no other: such rows are all kept
    SELECT CASE $4::text WHEN 'nothing' THEN
               format('SELECT %s FROM pg_temp.clickstream_stage ORDER BY %s'
                      ' ON CONFLICT DO NOTHING', s.columns, s.ordinal)
           ELSE
               format('SELECT %1$s FROM (SELECT DISTINCT ON (%2$s) * FROM pg_temp.clickstream_stage'
                      ' ORDER BY %2$s, %3$s DESC) AS last'
                      ' ON CONFLICT (%4$s) DO UPDATE SET %5$s',
                      s.columns,
                      key.columns || coalesce(', CASE WHEN ' || key.apart || ' THEN ' || s.ordinal || ' END', ''),
                      s.ordinal, key.columns, key.assignments)
           END AS query
    FROM stage s
    LEFT JOIN key ON true
    WHERE $4::text = 'nothing' OR key.columns IS NOT NULL
)
SELECT format('CREATE TEMPORARY TABLE clickstream_stage'
              ' (%s, %s bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000))', definitions, ordinal),
       format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE %s', $2::text, columns,
              (SELECT query FROM source)),
       (SELECT query IS NOT NULL FROM source),
       (SELECT string_agg(format('%I (%s)', relname, columns), ', ' ORDER BY relname) FROM keys)
FROM stage
