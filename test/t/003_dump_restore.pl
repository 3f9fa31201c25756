# test/t/003_dump_restore.pl - states and maps survive pg_dump, in every format, and binary COPY
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump_restore');
my $scratch = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'END');
CREATE DATABASE source TEMPLATE template0;
END
$node->safe_psql('source', <<'END');
CREATE SCHEMA tools;
CREATE EXTENSION clickstream SCHEMA tools;
SET search_path = public, tools;
CREATE TABLE state (
    n int PRIMARY KEY,
    s sessionset,
    m reward_map DEFAULT '{"version": 1, "pairs": [[1, 2]]}',
    events bigint GENERATED ALWAYS AS (num_events(s)) STORED,
    CHECK (s <> '{"version": 1, "gap": "00:00:01", "events": [{"time": "2000-01-01T00:00:00Z"}]}'));
CREATE INDEX ON state USING hash (s);
CREATE UNIQUE INDEX ON state (s) WHERE n < 10;
CREATE VIEW session AS SELECT n, r.* FROM state, session_rows(s, m) AS r;
INSERT INTO state
SELECT i, sessionize(t, m, p, i * interval '1.000001 s'), reward_map(h, h * 7)
FROM generate_series(1, 50) AS i,
     LATERAL (SELECT '2024-03-10 UTC'::timestamptz + (i * j * 7919 % 1009) * interval '17.001 s' AS t,
                     CASE j % 2 WHEN 0 THEN 'GET' ELSE 'POST' END AS m,
                     CASE j % 2 WHEN 0 THEN '/campaigns/' ELSE '/rewards/' END || i * j % 13 AS p, j % 11 AS h
              FROM generate_series(1, 20 * i) AS j) AS e GROUP BY i;
INSERT INTO state (n, s) VALUES
    (101, '{"version": 1, "gap": "00:00:00.000001", "events": [
              {"time": "-4713-11-24T00:00:00Z", "view": -9223372036854775808}]}'),
    (102, '{"version": 1, "gap": "2562047788:00:54.775807", "events": [
              {"time": "+294276-12-31T23:59:59.999999Z", "issue": 0}]}'),
    (103, '{"version": 1, "gap": "24:00:00", "events": [
              {"time": "0000-02-29T00:00:00Z"}, {"time": "+10000-01-01T00:00:00.5Z"}]}'),
    (104, NULL);
INSERT INTO state (n, s, m)
    SELECT 105, sessionize('2024-03-10 UTC'::timestamptz + i ^ 2 * interval '1 us'), NULL
    FROM generate_series(1, 50000) AS i;
INSERT INTO state (n, m) VALUES (106, '{"version": 1, "pairs": []}'),
    (107, '{"version": 1, "pairs": [[9223372036854775807, -9223372036854775808]]}');
END

# One line a row: the bytes of both values.
sub contents
{
    my ($database) = @_;

    return $node->safe_psql($database, <<'END');
SET search_path = public, tools;
SELECT n, md5(sessionset_send(s)), octet_length(sessionset_send(s)), md5(reward_map_send(m)), events
FROM state ORDER BY n;
SELECT count(*), count(DISTINCT session_start), sum(events) FROM session;
END
}

# Dump the source in some form, restore it and compare.
sub check_dump
{
    my ($name, $restore, @options) = @_;
    my $file = "$scratch/$name.dump";

    $node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
    $node->command_ok([ 'pg_dump', '-d', $node->connstr('source'), '-f', $file, @options ], "$name: dump");
    $node->command_ok([ @$restore, $file, '-d', $node->connstr($name) ], "$name: restore");
    is(contents($name), contents('source'), "$name: the same bytes");
    return;
}

my @psql = ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f');
my @restore = ('pg_restore', '--exit-on-error');
check_dump('plain', \@psql);
check_dump('inserts', \@psql, '--inserts');
check_dump('custom', \@restore, '-Fc');
check_dump('tar', \@restore, '-Ft');

# Whatever the settings of the session that dumps.
{
    local $ENV{PGOPTIONS} =
      '-c timezone=Asia/Kathmandu -c datestyle=SQL,DMY -c intervalstyle=iso_8601 -c extra_float_digits=0';
    check_dump('other_settings', \@psql);
}

# Binary COPY, there and back again.
$node->safe_psql('source', <<"END");
SET search_path = public, tools;
COPY state (n, s, m) TO '$scratch/state.bin' (FORMAT binary);
CREATE TABLE copied (n int, s sessionset, m reward_map);
COPY copied FROM '$scratch/state.bin' (FORMAT binary);
END
is($node->safe_psql('source', <<'END'), '0|57', 'binary COPY');
SET search_path = public, tools;
SELECT count(*) FILTER (WHERE sessionset_send(a.s) IS DISTINCT FROM sessionset_send(b.s)
                           OR reward_map_send(a.m) IS DISTINCT FROM reward_map_send(b.m)), count(*)
FROM state AS a FULL JOIN copied AS b USING (n)
END

done_testing();
