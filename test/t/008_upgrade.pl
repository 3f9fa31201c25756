# test/t/008_upgrade.pl - from every released version to the current one: tables of states and
# maps stay readable as they are, and the catalog becomes that of a fresh install
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('upgrade');
my ($current) = slurp_file("$root/extension/clickstream.control") =~ /^default_version = '(.*)'/m;
my @released = grep { $_ ne $current }
  map { /^clickstream--([0-9.]+)\.sql$/ ? $1 : () } slurp_dir("$root/extension");

# Everything that the extension owns: what it is, all its marks, its comment.
sub catalog
{
    my ($database) = @_;

    return $node->safe_psql($database, <<'END');
SET search_path = pg_catalog;
SELECT pg_describe_object(d.classid, d.objid, 0) AS object,
       obj_description(d.objid, d.classid::regclass::name) AS comment,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.prokind, p.provolatile, p.proparallel, p.proisstrict, p.proleakproof, p.prosecdef, p.procost, p.prorows,
       p.prosrc, p.probin, p.proacl,
       a.aggtransfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggfinalfn, a.aggtransspace, a.aggfinalmodify,
       w.fdwhandler::regproc, w.fdwvalidator::regproc, w.fdwacl, w.fdwoptions,
       t.typlen, t.typalign, t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend,
       o.oprcode, o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
     LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
     LEFT JOIN pg_aggregate AS a ON a.aggfnoid = p.oid
     LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
     LEFT JOIN pg_foreign_data_wrapper AS w ON d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
     LEFT JOIN pg_operator AS o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
WHERE e.extname = 'clickstream' AND d.deptype = 'e' ORDER BY object;
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'clickstream';
END
}

# What the tables hold, read with the functions that every version has.
sub contents
{
    my ($database) = @_;

    return $node->safe_psql($database, <<'END');
SELECT name, s, md5(sessionset_send(s)), num_sessions(s), num_events(s), gap(s) FROM state ORDER BY name COLLATE "C";
SELECT name, m, md5(reward_map_send(m)) FROM map ORDER BY name COLLATE "C";
SELECT state.name, map.name, r.* FROM state, map, session_rows(s, m) AS r
ORDER BY state.name COLLATE "C", map.name COLLATE "C", session_start;
SELECT rollup(s) FROM state WHERE gap(s) = '5 min';
SELECT * FROM report ORDER BY session_start, session_end;
END
}

# What a version stored: the newest fixtures that are not newer than the version.
sub fixtures_of
{
    my ($version) = @_;
    my $key = sub { join '', map { chr } split /\./, $_[0] };
    my @known = sort { $key->($a) cmp $key->($b) }
      grep { /^\d/ && $key->($_) le $key->($version) } slurp_dir("$root/test/fixtures");

    return "$root/test/fixtures/$known[-1]";
}

# Create a database with the version's extension, and the tables that its users have.
sub create_old
{
    my ($database, $version) = @_;
    my $fixtures = fixtures_of($version);

    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, <<"END");
CREATE EXTENSION clickstream VERSION '$version';
CREATE TEMP TABLE given (type text DEFAULT 'sessionset', name text, bytes text, text text);
COPY given (name, bytes, text) FROM '$fixtures/sessionset.csv' (FORMAT csv, HEADER);
ALTER TABLE given ALTER type SET DEFAULT 'reward_map';
COPY given (name, bytes, text) FROM '$fixtures/reward_map.csv' (FORMAT csv, HEADER);
CREATE TABLE state (name text PRIMARY KEY, s sessionset);
CREATE UNIQUE INDEX ON state (s);
CREATE TABLE map (name text PRIMARY KEY, m reward_map);
INSERT INTO state SELECT name, text::sessionset FROM given WHERE type = 'sessionset';
INSERT INTO map SELECT name, text::reward_map FROM given WHERE type = 'reward_map';
CREATE VIEW report AS SELECT r.* FROM state, session_rows(s) AS r;
END
    return;
}

cmp_ok(scalar @released, '>=', 1, 'there are versions to come from');
$node->safe_psql('postgres', "CREATE DATABASE fresh");
$node->safe_psql('fresh', 'CREATE EXTENSION clickstream');
my $expected = catalog('fresh');
like($expected, qr/^\Q$current\E\|t$/m, 'a fresh install is of the current version');

foreach my $version (sort @released)
{
    my $database = "from_$version" =~ tr/./_/r;

    create_old($database, $version);
    my $before = contents($database);
    isnt(catalog($database), $expected, "$version: another catalog at first");
    $node->safe_psql($database, 'ALTER EXTENSION clickstream UPDATE');
    is(catalog($database), $expected, "$version: after the update the catalog is that of a fresh install");
    is(contents($database), $before, "$version: the tables read as before");
    is($node->safe_psql($database, <<'END'), 't|t|t', "$version: the new functions read them");
SELECT count(*) = (SELECT sum(num_sessions(s)) FROM state WHERE name <> 'all_of_time'),
       sum(d.events) = (SELECT sum(num_events(s)) FROM state WHERE name <> 'all_of_time'),
       (SELECT count(*) > 0 FROM state, map, session_conversions(s, m))
FROM state, session_details(s) AS d WHERE name <> 'all_of_time'
END
    $node->safe_psql($database, 'DROP EXTENSION clickstream CASCADE');
}

done_testing();
