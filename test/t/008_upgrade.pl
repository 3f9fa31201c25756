# test/t/008_upgrade.pl - from every released version to the current one: tables of states and
# maps stay readable as they are, and the catalog becomes that of a fresh install
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use Clickstream::Upgrade;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('upgrade');
my $current = current_version();
my @released = grep { $_ ne $current } all_versions();

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

# Create a database with the version's extension, and the tables that its users have.
sub create_old
{
    my ($database, $version) = @_;
    my %file = map { $_ => fixtures_of($version, "$_.csv") } qw(sessionset reward_map);

    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, <<"END");
CREATE EXTENSION clickstream VERSION '$version';
CREATE TEMP TABLE given (type text DEFAULT 'sessionset', name text, bytes text, text text);
COPY given (name, bytes, text) FROM '$file{sessionset}' (FORMAT csv, HEADER);
ALTER TABLE given ALTER type SET DEFAULT 'reward_map';
COPY given (name, bytes, text) FROM '$file{reward_map}' (FORMAT csv, HEADER);
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
my $expected = extension_catalog($node, 'fresh');
like($expected, qr/^\Q$current\E\|t\|/m, 'a fresh install is of the current version');

foreach my $version (@released)
{
    my $database = "from_$version" =~ tr/./_/r;

    create_old($database, $version);
    my $before = contents($database);
    isnt(extension_catalog($node, $database), $expected, "$version: another catalog at first");
    $node->safe_psql($database, 'ALTER EXTENSION clickstream UPDATE');
    is_csv(extension_catalog($node, $database), $expected,
        "$version: after the update the catalog is that of a fresh install");
    is_csv(contents($database), $before, "$version: the tables read as before");
    is($node->safe_psql($database, <<'END'), 't|t|t', "$version: the new functions read them");
SELECT count(*) = (SELECT sum(num_sessions(s)) FROM state WHERE name <> 'all_of_time'),
       sum(d.events) = (SELECT sum(num_events(s)) FROM state WHERE name <> 'all_of_time'),
       (SELECT count(*) > 0 FROM state, map, session_conversions(s, m))
FROM state, session_details(s) AS d WHERE name <> 'all_of_time'
END
    $node->safe_psql($database, 'DROP EXTENSION clickstream CASCADE');
}

done_testing();
