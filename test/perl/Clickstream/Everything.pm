# test/perl/Clickstream/Everything.pm - a database with everything that users have of the extension, and
# what it answers: for the tests of upgrades, of dumps and of pg_upgrade
#
# The extension lies in schema "tools"; everything belongs to the role "keeper", which is no
# superuser; the role "reader" has grants.
package Clickstream::Everything;

use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use Clickstream::Upgrade;
use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(as_role create_roles create_database fill_values grant_functions fill_files fill_model fill_live
  answers $shop);

our $shop = q("The ""shop""");    # a schema of init, as SQL
my $shop_name = q(The "shop");

# Run SQL as a role; return what it prints.
sub as_role
{
    my ($node, $database, $role, $sql) = @_;
    return $node->safe_psql($database, $sql, extra_params => [ '-U', $role ]);
}

# Create the roles, once for each server.
sub create_roles
{
    my ($node) = @_;

    $node->safe_psql('postgres', <<'END');
CREATE ROLE keeper LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE analyst LOGIN;
GRANT pg_read_server_files TO keeper;
END
    return;
}

# Create a database of the keeper's with the extension, of the version if one is given. 0.4.0 and 0.5.0,
# which only a superuser may install today, become what they were when an owner could.
sub create_database
{
    my ($node, $database, $version) = @_;
    my $early = $version && $version =~ /^0\.[45]\.0$/ ? '0.3.0' : $version;

    $node->safe_psql('postgres', "CREATE DATABASE $database OWNER keeper TEMPLATE template0");
    as_role($node, $database, 'keeper',
            'CREATE SCHEMA tools; GRANT USAGE ON SCHEMA tools TO PUBLIC; CREATE EXTENSION clickstream SCHEMA tools'
          . ($early ? " VERSION '$early'" : ''));
    return if ($early // '') eq ($version // '');
    $node->safe_psql($database, "ALTER EXTENSION clickstream UPDATE TO '$version'");
    $node->safe_psql($database, "ALTER TABLE tools.recommender_$_ OWNER TO keeper") foreach 'model', 'item', 'user';
    return;
}

# Store values, and make what may depend on types, functions, operators and aggregates of the
# extension's. Needs what version 0.1.0 has.
sub fill_values
{
    my ($node, $database) = @_;
    my %file = map { $_ => fixtures_of(current_version(), "$_.csv") } qw(sessionset reward_map);

    as_role($node, $database, 'keeper', <<"END");
CREATE TABLE given (type text, name text, bytes text, text text, n serial);
ALTER TABLE given ALTER type SET DEFAULT 'sessionset';
COPY given (name, bytes, text) FROM '$file{sessionset}' (FORMAT csv, HEADER);
ALTER TABLE given ALTER type SET DEFAULT 'reward_map';
COPY given (name, bytes, text) FROM '$file{reward_map}' (FORMAT csv, HEADER);
SET search_path = public, tools;
CREATE DOMAIN visit AS sessionset CHECK (num_sessions(VALUE) >= 1);
CREATE TYPE pair AS (s sessionset, m reward_map);
CREATE TABLE state (
    name text PRIMARY KEY,
    s visit,
    m reward_map DEFAULT '{"version": 1, "pairs": [[1, 2]]}',
    p pair,
    ss sessionset[],
    events bigint GENERATED ALWAYS AS (num_events(s)) STORED,
    CHECK (s <> '{"version": 1, "gap": "00:00:01", "events": [{"time": "2000-01-01T00:00:00Z"}]}'));
CREATE UNIQUE INDEX state_s_idx ON state (s);
CREATE INDEX state_hash_idx ON state USING hash (s);
CREATE INDEX state_gap_idx ON state (gap(s), num_sessions(s)) WHERE num_events(s) > 1;
COMMENT ON TABLE state IS 'ours';
COMMENT ON COLUMN state.s IS 'what they did';
CREATE TABLE part (s sessionset, name text) PARTITION BY HASH (s);
CREATE TABLE part_0 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1 PARTITION OF part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE range (s sessionset, name text) PARTITION BY RANGE (s);
CREATE TABLE range_low PARTITION OF range FOR VALUES FROM (MINVALUE)
    TO ('{"version": 1, "gap": "00:05:00", "events": [{"time": "2000-01-01T00:00:00Z", "view": 1}]}');
CREATE TABLE range_high PARTITION OF range DEFAULT;
INSERT INTO state (name, s, p, ss)
SELECT s.name, s.text::sessionset, ROW(s.text::sessionset, m.text::reward_map)::pair, ARRAY[s.text::sessionset, NULL]
FROM given AS s JOIN given AS m ON m.type = 'reward_map' AND m.n % 6 = s.n % 6 WHERE s.type = 'sessionset';
UPDATE state SET m = (p).m WHERE length(name) % 2 = 0;
INSERT INTO part SELECT s, name FROM state;
INSERT INTO range SELECT s, name FROM state;
CREATE VIEW session AS
    SELECT name, r.* FROM state, session_rows(s, m) AS r WHERE name <> 'all_of_time';
CREATE MATERIALIZED VIEW by_gap AS SELECT gap(s) AS gap, rollup(s) AS s FROM state GROUP BY gap(s);
CREATE FUNCTION longest(sessionset) RETURNS interval LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT max(r.session_end - r.session_start) FROM session_rows(\$1) AS r;
END;
CREATE FUNCTION kinds(a sessionset, OUT n bigint) LANGUAGE plpgsql SET search_path = public, tools
AS 'BEGIN n := num_events(a + with_gap(a, gap(a))); END';
CREATE AGGREGATE together(sessionset) (SFUNC = sessionset_add, STYPE = sessionset);
CREATE FUNCTION twice(sessionset) RETURNS sessionset LANGUAGE sql IMMUTABLE RETURN \$1 + \$1;
CREATE OPERATOR !! (RIGHTARG = sessionset, FUNCTION = twice);
CREATE TABLE seen (at timestamptz, method text, path text, who text);
INSERT INTO seen SELECT timestamptz '2024-03-10 08:00 UTC' + i * interval '77 s',
    CASE i % 2 WHEN 0 THEN 'GET' ELSE 'POST' END,
    CASE i % 2 WHEN 0 THEN '/campaigns/' ELSE '/rewards/' END || i % 5, 'u' || i % 7
FROM generate_series(1, 300) AS i;
CREATE VIEW seen_state AS SELECT who, sessionize(at, method, path, '2 min') AS s FROM seen GROUP BY who;
GRANT SELECT ON session, seen_state TO reader;
GRANT SELECT (name, s), UPDATE (m) ON state TO reader;
REVOKE EXECUTE ON FUNCTION longest(sessionset) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION longest(sessionset) TO reader;
REVOKE USAGE ON TYPE pair FROM PUBLIC;
END
    return;
}

# Grant what only a superuser can, whose the functions of the extension are.
sub grant_functions
{
    my ($node, $database) = @_;

    $node->safe_psql($database, <<'END');
REVOKE EXECUTE ON FUNCTION tools.http_event FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tools.http_event TO reader WITH GRANT OPTION;
END
    return;
}

# Make foreign tables over Avro files, whose names begin with $prefix. Needs version 0.3.0.
sub fill_files
{
    my ($node, $database, $prefix) = @_;
    my $file = avro_log($prefix, random_log(41, 20));

    as_role($node, $database, 'keeper', <<"END");
CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw;
COMMENT ON SERVER files IS 'files of ours';
CREATE SCHEMA files;
IMPORT FOREIGN SCHEMA avro FROM SERVER files INTO files
    OPTIONS (filename '$file', table_name 'log', file_columns 'true');
CREATE FOREIGN TABLE files.narrow (
    who text OPTIONS (field 'user_id'), at timestamptz OPTIONS (field 'timestamp'))
    SERVER files OPTIONS (filename '$file', on_error 'ignore', reject_limit '7');
GRANT USAGE ON SCHEMA files TO reader;
GRANT SELECT ON files.log TO reader;
SET search_path = public, tools;
CREATE VIEW file_report AS
    SELECT user_id, r.* FROM (SELECT user_id, sessionize("timestamp", http_method, http_path) AS s
                              FROM files.log GROUP BY user_id) AS u, session_rows(s) AS r;
END
    return;
}

# Fit models, one of them another role's, and grant reading them. Needs version 0.4.0.
sub fill_model
{
    my ($node, $database) = @_;

    as_role($node, $database, 'keeper', <<'END');
SET search_path = public, tools;
CREATE TABLE taken AS SELECT 'user ' || u AS user_id, u * i * 7 % 23 - 3 AS item_id
FROM generate_series(1, 40) AS u, generate_series(1, 9) AS i;
GRANT SELECT ON taken TO analyst;
DO $$ BEGIN PERFORM recommender_fit('taken', 'taken', 'user_id', 'item_id', '{"keep": 12}'); END $$;
GRANT SELECT ON recommender_model, recommender_item, recommender_user TO reader;
CREATE VIEW offer AS SELECT r.* FROM recommend('taken', 'user 7', 5) AS r;
GRANT SELECT ON offer TO reader;
END
    as_role($node, $database, 'analyst', <<'END');
DO $$ BEGIN PERFORM tools.recommender_fit('few', 'public.taken', 'user_id', 'item_id', '{"keep": 3}'); END $$;
END
    return;
}

# Let init put its tables into two schemas, one of them partitioned, and load, change, refresh and
# forget, so that marks, ledger, rejects, states and bases all have rows.
sub fill_live
{
    my ($node, $database, $prefix) = @_;
    my @lines = random_log(42);
    my $file = avro_log("${prefix}_first", @lines[ 0 .. 799 ]);

    foreach my $schema ('live', $shop_name)
    {
        my @where = ('-d', $database, '-U', 'keeper', '--schema', $schema);
        clickstream_ok($node, 'init', @where, $schema eq 'live' ? ('--partition', 'month') : ());
        clickstream_ok($node, 'load', @where, $file);
    }
    as_role($node, $database, 'keeper', <<"END");
INSERT INTO live.campaign_reward_mapping SELECT i % 8, i * 3 % 8 FROM generate_series(1, 12) AS i;
INSERT INTO $shop.campaign_reward_mapping TABLE live.campaign_reward_mapping;
CREATE INDEX our_idx ON live.http_log (user_id);
ALTER TABLE $shop.http_log ADD COLUMN our_note text DEFAULT 'none';
COMMENT ON COLUMN $shop.http_log.our_note IS 'ours';
INSERT INTO $shop.load_reject (load_id, reason, record_text, line, record_bytes)
    VALUES (1, 'odd', 'text', 7, '\\x00ff');
CREATE VIEW live.busy AS SELECT user_id, count(*) FROM live.session_report() GROUP BY user_id;
GRANT USAGE ON SCHEMA live, $shop TO reader;
GRANT SELECT ON live.http_log, live.campaign_reward_mapping, live.session_state, live.session_mark, live.load_batch,
    live.busy TO reader;
GRANT INSERT ON live.http_log TO reader;
REVOKE EXECUTE ON FUNCTION live.forget_user FROM PUBLIC;
SELECT live.refresh_sessions(), $shop.refresh_sessions();
SELECT $shop.forget_before('2020-03-02');
END
    $file = avro_log("${prefix}_second", @lines[ 800 .. $#lines ]);
    clickstream_ok($node, 'load', '-d', $database, '-U', 'keeper', '--schema', 'live', $file);
    as_role($node, $database, 'keeper', <<"END");
DELETE FROM live.http_log WHERE user_id = 'user-1';
UPDATE $shop.http_log SET user_id = 'user-2' WHERE user_id = 'user-3';
INSERT INTO $shop.http_log ("timestamp", user_id) VALUES ('2020-03-05', 'by hand');
END
    return;
}

my $of_values = <<'END';
SET search_path = public, tools;
SELECT name, s, md5(sessionset_send(s)), m, md5(reward_map_send(m)), p, ss, events, gap(s), longest(s), kinds(s)
FROM state WHERE name <> 'all_of_time' ORDER BY name;
SELECT g.type, g.name, g.bytes = encode(sessionset_send(s.s), 'hex') FROM given AS g JOIN state AS s USING (name)
WHERE type = 'sessionset' ORDER BY 2;
SELECT * FROM session ORDER BY name, session_start;
SELECT gap, md5(sessionset_send(s)) FROM by_gap ORDER BY gap;
SELECT gap(s), md5(sessionset_send(together(s))), num_events(!! together(s)) FROM state GROUP BY gap(s) ORDER BY 1;
SELECT tableoid::regclass, name FROM part ORDER BY name;
SELECT tableoid::regclass, name FROM range ORDER BY name;
SET enable_seqscan = off;
SELECT (SELECT s.name FROM state AS s WHERE s.s = g.text::sessionset) = g.name,
       (SELECT p.name FROM part AS p WHERE p.s = g.text::sessionset) = g.name
FROM given AS g WHERE g.type = 'sessionset' ORDER BY g.name;
SELECT * FROM seen_state ORDER BY who;
END
my $of_values_read = <<'END';
SELECT * FROM session ORDER BY name, session_start;
SELECT name, longest(s) FROM state WHERE name <> 'all_of_time' ORDER BY name;
SELECT tools.http_event('GET', '/campaigns/7');
END
my $of_files = <<'END';
SELECT * FROM files.log ORDER BY _filename, _row;
SELECT who, count(*), max(at) FROM files.narrow GROUP BY who ORDER BY who;
SELECT * FROM file_report ORDER BY user_id, session_start;
END
my $of_model = <<'END';
SELECT model_id, model, owner, options, users, items, interactions, fitted_at, item_ids, popular
FROM tools.recommender_model ORDER BY 1;
SELECT u.user_id, r.* FROM (SELECT DISTINCT user_id FROM tools.recommender_user) AS u,
    (VALUES ('few'), ('taken')) AS m (model), tools.recommend(m.model, u.user_id, 5) AS r ORDER BY model, user_id, rank;
SELECT s.* FROM tools.similar_items('taken', 3) AS s;
SELECT * FROM offer;
END

# What a schema of init holds and reports. The pages at which batches began are those of the table
# they were loaded into.
sub of_live
{
    my ($schema) = @_;
    my $name = $schema =~ s/^"(.*)"$/$1/r =~ s/""/"/gr;

    return <<"END";
SET search_path = $schema, tools;
SET timezone = 'UTC';
SELECT session_states_fresh();
SELECT * FROM session_report() ORDER BY 1, 2;
SELECT * FROM session_report('2020-03-01', '2020-03-04', '20 min', 'overlap') ORDER BY 1, 2;
SELECT to_jsonb(b) - 'start_pages' - 'table_name', table_name FROM load_batch AS b ORDER BY load_id;
SELECT to_jsonb(r) FROM load_reject AS r ORDER BY load_id;
SELECT * FROM session_mark ORDER BY mark_id;
SELECT user_id, md5(sessionset_send(state)), md5(sessionset_send(base)) FROM session_state ORDER BY user_id;
SELECT * FROM session_refresh;
SELECT tableoid::regclass, to_jsonb(l) FROM http_log AS l ORDER BY 2;
END
}

# Return what a database answers to its owner and to the role with grants, about what it has of all that.
sub answers
{
    my ($node, $database) = @_;
    my $has = $node->safe_psql($database, <<"END");
SELECT to_regclass('public.state') IS NOT NULL, to_regclass('files.log') IS NOT NULL,
       to_regclass('public.taken') IS NOT NULL, to_regclass('live.http_log') IS NOT NULL,
       to_regclass('$shop.http_log') IS NOT NULL
END
    my ($values, $files, $model, $live, $second) = map { $_ eq 't' } split /\|/, $has;

    my $answer = join "\n", as_role($node, $database, 'keeper', join '', ($values ? $of_values : ()),
        ($files ? $of_files : ()), ($model ? $of_model : ()), ($live ? of_live('live') : ()),
        ($second ? of_live($shop) : ())),
      as_role($node, $database, 'reader', join '', ($values ? $of_values_read : ()),
        ($files ? 'SELECT count(*) FROM files.log;' : ()), ($model ? 'SELECT * FROM offer;' : ()),
        ($live ? 'SELECT * FROM live.busy ORDER BY 1;' : ())),
      rights($node, $database);
    $answer =~ s/=arwdDxtm\b/=arwdDxt/g;    # all rights on a table, since 17 and before
    return "$answer\n";
}

# Return owners, rights and comments of the user's objects, and of the extension's where they were
# changed.
sub rights
{
    my ($node, $database) = @_;

    return $node->safe_psql($database, <<'END');
SELECT n.nspname, n.nspowner::regrole, n.nspacl, s.srvname, s.srvowner::regrole,
       obj_description(s.oid, 'pg_foreign_server')
FROM pg_namespace AS n LEFT JOIN pg_foreign_server AS s ON n.nspname = 'files'
WHERE n.nspname IN ('tools', 'live', 'files', 'The "shop"') ORDER BY 1;
SELECT c.oid::regclass, c.relkind, c.relowner::regrole, c.relacl, obj_description(c.oid, 'pg_class'), a.attname,
       a.attacl, col_description(c.oid, a.attnum), c.reloptions, a.attfdwoptions
FROM pg_class AS c LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information') AND c.relkind <> 't'
  AND (c.relnamespace <> 'tools'::regnamespace OR c.relacl IS NOT NULL)
ORDER BY c.oid::regclass::text, a.attnum;
SELECT p.oid::regprocedure, p.proowner::regrole, p.proacl, obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p WHERE (p.pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_|^information|^tools'))
   OR p.proname = 'http_event' ORDER BY p.oid::regprocedure::text;
SELECT t.typname, t.typowner::regrole, t.typacl FROM pg_type AS t WHERE t.typname IN ('visit', 'pair') ORDER BY 1;
SELECT ftrelid::regclass::text, ftoptions FROM pg_foreign_table ORDER BY 1;
SELECT indexrelid::regclass::text, indisvalid FROM pg_index
WHERE indrelid::regclass::text ~ 'state|http_log' ORDER BY 1;
END
}

1;
