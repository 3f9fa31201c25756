# test/t/070_trusted_install.pl - the extension is trusted: its scripts run as a superuser for the
# owner of a database, in a schema full of that owner's functions. Nothing of hers may be called,
# and she gets no file and no role that she did not have.
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('trusted');
my ($current) = slurp_file("$root/extension/clickstream.control") =~ /^default_version = '(.*)'/m;
my @released = sort grep { $_ ne $current }
  map { /^clickstream--([0-9.]+)\.sql$/ ? $1 : () } slurp_dir("$root/extension");

# Those whose scripts call functions that are not qualified: for superusers only.
my %unsafe = ('0.4.0' => 1, '0.5.0' => 1);

# Functions that match the calls in the scripts of 0.4.0 and 0.5.0 better than those that are
# meant; one that is called makes its owner a superuser. The last is called where it is inlined.
my $traps = <<'END';
CREATE FUNCTION %1$s.seize() RETURNS bigint LANGUAGE plpgsql
    AS $$BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN 1; END$$;
CREATE FUNCTION %1$s.seize_now() RETURNS bigint LANGUAGE plpgsql IMMUTABLE
    AS $$BEGIN RETURN %1$s.seize(); END$$;
CREATE FUNCTION %1$s.pg_extension_config_dump(text, text) RETURNS void LANGUAGE plpgsql
    AS $$BEGIN PERFORM %1$s.seize(); END$$;
CREATE FUNCTION %1$s.hashtextextended(text, int) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$SELECT %1$s.seize_now()$$;
CREATE FUNCTION %1$s.now(int DEFAULT 1) RETURNS timestamptz LANGUAGE plpgsql
    AS $$BEGIN PERFORM %1$s.seize(); RETURN NULL; END$$;
END

# A database of her own, with traps in a schema.
sub create_trapped
{
    my ($database, $schema) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database OWNER mallory");
    $node->safe_psql($database, "CREATE SCHEMA IF NOT EXISTS $schema; " . sprintf($traps, $schema),
        connstr => connection($database, 'mallory'));
    return;
}

# How to connect as a role.
sub connection
{
    my ($database, $role) = @_;

    return $node->connstr($database) . " user=$role";
}

# Run SQL as her; return the exit status and what was said.
sub as_mallory
{
    my ($database, $sql) = @_;
    my ($status, $out, $err) = $node->psql($database, $sql, connstr => connection($database, 'mallory'));

    return ($status, $out . $err);
}

# True while she is no superuser; she is none afterwards.
sub is_harmless
{
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($node->safe_psql('postgres', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"),
        'f', "$name: nobody became a superuser");
    $node->safe_psql('postgres', 'ALTER ROLE mallory NOSUPERUSER');
    return;
}

$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');

# the traps are traps: a superuser who falls into them makes her one
create_trapped('proof', 'public');
$node->safe_psql('proof', 'CREATE EXTENSION clickstream VERSION \'0.5.0\'');
is($node->safe_psql('proof', "SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'"),
    't', 'an old script, run by a superuser, falls into the traps');
$node->safe_psql('postgres', 'ALTER ROLE mallory NOSUPERUSER');

# the update leaves nothing of hers behind
$node->safe_psql('proof', 'ALTER EXTENSION clickstream UPDATE');
is($node->safe_psql('proof', <<'END'), 'pg_catalog', 'the update takes her function out of the index');
SELECT DISTINCT p.pronamespace::regnamespace
FROM pg_depend AS d JOIN pg_proc AS p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
WHERE d.objid = 'recommender_user_model_id_user_id_idx'::regclass
UNION SELECT 'pg_catalog'
END
is_harmless('the update of such an installation');

# the current version, installed by her
foreach my $schema ('public', 'made_before')
{
    my $database = "current_in_$schema";

    create_trapped($database, $schema);
    my ($status, $said) = as_mallory($database, "CREATE EXTENSION clickstream SCHEMA $schema");
    is($status, 0, "the owner of a database installs the extension in $schema") or diag($said);
    is_harmless("installing in $schema");
    $node->safe_psql($database, "DROP EXTENSION clickstream; CREATE EXTENSION clickstream SCHEMA $schema");
    is_harmless("a superuser's installing in $schema");
}

# old versions: installed and updated by her, or refused
foreach my $version (@released)
{
    my $database = "old_$version" =~ tr/./_/r;

    create_trapped($database, 'public');
    my ($status, $said) = as_mallory($database, "CREATE EXTENSION clickstream VERSION '$version'");
    if ($unsafe{$version})
    {
        like($said, qr/permission denied to create extension "clickstream"/, "$version is for superusers only");
    }
    else
    {
        is($status, 0, "$version: installed by the owner of a database") or diag($said);
        ($status, $said) = as_mallory($database, 'ALTER EXTENSION clickstream UPDATE');
        is($status, 0, "$version: updated by the owner of a database") or diag($said);
        is($node->safe_psql($database, "SELECT extversion FROM pg_extension WHERE extname = 'clickstream'"),
            $current, "$version: is current");
    }
    is_harmless($version);
}

# what she has then: her tables of models, and no more
my $database = 'current_in_public';
$node->safe_psql($database, 'DROP EXTENSION clickstream');
as_mallory($database, 'CREATE EXTENSION clickstream');
is($node->safe_psql($database, <<'END'), <<'END' =~ s/\n\z//r, 'what of the extension is hers');
SELECT c.relname FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
WHERE d.refclassid = 'pg_extension'::regclass AND c.relowner = 'mallory'::regrole
UNION ALL
SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend AS d
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typtype = 'b'
  AND t.typcategory <> 'A'
LEFT JOIN pg_operator AS o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
LEFT JOIN pg_foreign_data_wrapper AS w ON d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clickstream')
  AND 'mallory'::regrole IN (p.proowner, t.typowner, o.oprowner, w.fdwowner)
ORDER BY 1
END
recommender_item
recommender_model
recommender_model_model_id_seq
recommender_user
END
foreach my $case (
    ['SELECT avro_schema(\'/etc/passwd\')', qr/permission denied to read Avro files/],
    ['SELECT * FROM avro_files(\'/etc/*\')', qr/permission denied to read Avro files/],
    ['SELECT * FROM avro_columns(\'/etc/passwd\')', qr/permission denied to read Avro files/],
    ['SELECT * FROM avro_metadata(\'/etc/passwd\')', qr/permission denied to read Avro files/],
    ['CREATE SERVER s FOREIGN DATA WRAPPER avro_fdw', qr/permission denied for foreign-data wrapper/],
    ['ALTER FOREIGN DATA WRAPPER avro_fdw NO VALIDATOR', qr/permission denied to alter foreign-data wrapper/],
    ['ALTER FOREIGN DATA WRAPPER avro_fdw OWNER TO mallory', qr/permission denied|must be owner/],
    ['GRANT USAGE ON FOREIGN DATA WRAPPER avro_fdw TO mallory', qr/permission denied for foreign-data wrapper/],
    ['GRANT pg_read_server_files TO mallory', qr/must have admin option|permission denied to grant role/],
    ['ALTER FUNCTION avro_schema(text) OWNER TO mallory', qr/must be owner of function/],
    ['ALTER FUNCTION recommend(text, text, int, boolean, bigint[]) SET search_path = public',
        qr/must be owner of function/],
    ['CREATE OR REPLACE FUNCTION num_sessions(sessionset) RETURNS bigint LANGUAGE sql AS \'SELECT 1::bigint\'',
        qr/must be owner of function/],
    ['CREATE FUNCTION f(text) RETURNS jsonb LANGUAGE c AS \'$libdir/clickstream\', \'avro_schema\'',
        qr/permission denied for language c/])
{
    my ($status, $said) = as_mallory($database, $case->[0]);
    like($said, $case->[1], $case->[0]);
}
is_harmless('all of this');

# her tables of models: what she makes of them does no harm to who reads models
is((as_mallory($database, <<'END'))[0], 0, 'she makes a model');
CREATE TABLE pairs AS SELECT u, i FROM generate_series(1, 9) AS u, generate_series(1, 9) AS i WHERE u * i % 4 > 0;
SELECT recommender_fit('m', 'pairs', 'u', 'i');
END

# Change the tables as she, read models as a superuser.
sub reading_is_safe
{
    my ($name, $change, $pattern) = @_;

    my ($status, $said) = as_mallory($database, $change);
    is($status, 0, $name) or diag($said);
    foreach my $call ("recommend('m', 1)", "similar_items('m', 1)", "recommend_for('m', '{1}')",
        "recommender_evaluate('m', 'pairs', 'u', 'i')")
    {
        my ($out, $err);
        $node->psql($database, "SELECT * FROM $call", stdout => \$out, stderr => \$err);
        like($err, $pattern, "$name: $call");
    }
    is($node->safe_psql($database, 'SELECT 1'), '1', 'the server lives');
    return is_harmless($name);
}
my $crafted = join '', map { sprintf '%02x', $_ } unpack 'C*', pack 'lllll', 1, 0, 23, 0x7ffffff, 1;
reading_is_safe('a NULL where there may be none', <<'END', qr/damaged model/);
ALTER TABLE recommender_item ALTER neighbours DROP NOT NULL;
UPDATE recommender_item SET neighbours = NULL;
END
reading_is_safe('bytes in place of an array',
    "ALTER TABLE recommender_item ALTER neighbours TYPE bytea USING '\\x$crafted'", qr/not as the extension made it/);
reading_is_safe('a view in place of a table', <<'END', qr/not as the extension made it/);
ALTER EXTENSION clickstream DROP TABLE recommender_item;
ALTER TABLE recommender_item RENAME TO other;
CREATE VIEW recommender_item AS
    SELECT model_id, item_id, '{1}'::int[] AS neighbours, ARRAY[seize()]::real[] AS weights FROM other;
END

# init: what she has made under names of ours stays hers where a superuser replaces it
sub init_refuses
{
    my ($name, $setup, $pattern) = @_;
    my $wanted = "init_$name";

    $node->safe_psql('postgres', "CREATE DATABASE $wanted");
    $node->safe_psql($wanted,
        "GRANT CREATE ON SCHEMA public TO mallory; GRANT CREATE ON DATABASE $wanted TO mallory");
    $node->safe_psql($wanted, $setup, connstr => connection($wanted, 'mallory'));
    clickstream_like($node, 3, $pattern, "init, where mallory has made $name", 'init', '-d', $wanted, '--schema',
        $name eq 'schema' ? 'hers' : 'public');
    is($node->safe_psql($wanted, "SELECT count(*) FROM pg_extension WHERE extname = 'clickstream'"),
        '0', 'nothing is left behind');
    return;
}
init_refuses('table', 'CREATE TABLE campaign (id bigint PRIMARY KEY, name text, status text, updated_at timestamptz)',
    qr/relation "public\.campaign" belongs to role "mallory"/);
init_refuses('function',
    "CREATE FUNCTION session_mark_all() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    qr/function "public\..*session_mark_all\(\)" belongs to role "mallory"/);
init_refuses('view', 'CREATE VIEW reward_interaction AS'
      . ' SELECT NULL::text AS user_id, NULL::bigint AS reward_id, NULL::timestamptz AS issued_at',
    qr/relation "public\.reward_interaction" belongs to role "mallory"/);
init_refuses('schema', 'CREATE SCHEMA hers', qr/schema "hers" belongs to role "mallory"/);
$node->safe_psql('postgres', 'CREATE DATABASE own OWNER mallory');
clickstream_ok($node, 'init', '-d', 'own', '-U', 'mallory');
clickstream_ok($node, 'init', '-d', 'own');
is_harmless('init in a database of hers');

done_testing();
