-- sql/postgres/partition.sql
-- Months of a log that is partitioned by time: which are missing, and making them. The
-- loader does so before it loads a file. Needs tables.sql and session_mark.sql. Safe to
-- run again.

-- A month that any partition reaches into, of whatever length, is not missing: what it
-- has no room for is refused, row by row.
CREATE OR REPLACE FUNCTION http_log_missing_months(since timestamptz, until timestamptz)
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE STRICT
SET search_path FROM CURRENT SET timezone = 'UTC' SET datestyle = 'ISO, YMD'
SET standard_conforming_strings = on
AS $$
BEGIN
    IF NOT EXISTS (SELECT
                   FROM pg_partitioned_table AS p
                   JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                   WHERE p.partrelid = 'http_log'::regclass::oid
                     AND p.partstrat = 'r'
                     AND p.partnatts = 1
                     AND a.attname = 'timestamp')
    THEN
        RAISE EXCEPTION 'table http_log is not partitioned by range of "timestamp"'
            USING ERRCODE = 'wrong_object_type',
                  HINT = '"clickstream init --partition month" makes one that is.';
    END IF;
    IF since < '0001-01-01' OR until >= '10000-01-01' THEN
        RAISE EXCEPTION 'months are made for the years from 1 to 9999 only'
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    RETURN QUERY
    SELECT m.month
    FROM generate_series(date_trunc('month', since), until, interval '1 month') AS m (month)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN regexp_match(pg_get_expr(c.relpartbound, c.oid),
                                'FROM \((?:MINVALUE|''(.*)'')\) TO \((?:MAXVALUE|''(.*)'')\)')
            AS bound (ends)
        WHERE i.inhparent = 'http_log'::regclass::oid
          AND bound.ends IS NOT NULL
          AND coalesce(bound.ends[1], '-infinity')::timestamptz < m.month + interval '1 month'
          AND coalesce(bound.ends[2], 'infinity')::timestamptz > m.month);
END;
$$;
COMMENT ON FUNCTION http_log_missing_months(timestamptz, timestamptz) IS
    'the beginnings of the months (UTC) from since to until for which http_log, partitioned by time, has no partition';

-- ATTACH lets those go on who read and load, which CREATE TABLE ... PARTITION OF would
-- not. The triggers are there before the table is, so nothing was written unseen and no
-- mark is needed.
CREATE OR REPLACE FUNCTION http_log_create_months(since timestamptz, until timestamptz)
RETURNS bigint
LANGUAGE plpgsql STRICT
SET search_path FROM CURRENT SET timezone = 'UTC' SET datestyle = 'ISO, YMD'
AS $$
DECLARE
    parent record;
    month timestamptz;
    partition text;
    created bigint := 0;
BEGIN
    -- what another makes meanwhile is not missing any more
    PERFORM pg_advisory_xact_lock(hashtextextended('http_log_create_months', 'http_log'::regclass::oid::bigint));
    SELECT n.nspname AS schema, pg_get_userbyid(c.relowner) AS owner, t.spcname AS space
    INTO parent
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_tablespace AS t ON t.oid = c.reltablespace
    WHERE c.oid = 'http_log'::regclass::oid;
    FOR month IN
        SELECT m FROM http_log_missing_months(since, until) AS m ORDER BY m
    LOOP
        partition := pg_catalog.format('%I.%I', parent.schema, to_char(month, '"http_log_y"YYYY"m"MM'));
        IF to_regclass(partition) IS NOT NULL THEN
            RAISE EXCEPTION 'table % exists, but is no partition of http_log', partition
                USING ERRCODE = 'duplicate_table',
                      HINT = 'Attach it, or give it another name.';
        END IF;
        EXECUTE pg_catalog.format('CREATE TABLE %s (LIKE http_log INCLUDING ALL EXCLUDING IDENTITY)%s',
                       partition, ' TABLESPACE ' || quote_ident(parent.space::text));
        EXECUTE pg_catalog.format('COMMENT ON TABLE %s IS %L', partition,
                       to_char(month, '"HTTP requests of "YYYY-MM" (UTC)"'));
        PERFORM session_mark_equip(partition::regclass, true);
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO %I', partition, parent.owner);
        EXECUTE pg_catalog.format('ALTER TABLE http_log ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       partition, month, month + interval '1 month');
        created := created + 1;
    END LOOP;
    RETURN created;
END;
$$;
COMMENT ON FUNCTION http_log_create_months(timestamptz, timestamptz) IS
    'gives http_log, partitioned by time, the partitions that it lacks for the months (UTC) from since to until; returns how many';
