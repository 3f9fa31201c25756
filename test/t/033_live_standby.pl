# test/t/033_live_standby.pl - a read-only standby reports from the stored states, and from the
# log while they are not fresh; a dump keeps states, marks and triggers
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ], allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'fsync = off');
$primary->start;
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $mapping = write_lines("$scratch/mapping.csv", random_mapping(3));
my @lines = random_log(33);
my $show_way = 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM session_report()';

clickstream_ok($primary, 'init');
load_mapping($primary, $mapping);
clickstream_ok($primary, 'load', avro_log("$scratch/first", @lines[ 0 .. 999 ]));
$primary->safe_psql('postgres', 'SELECT refresh_sessions()');
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

# Wait for the standby; test its report against the oracle, and the way it goes.
sub check_standby
{
    my ($name, $way, @loaded) = @_;
    my $expected = oracle_csv('--mapping', $mapping, write_lines("$scratch/loaded.txt", @loaded));

    $primary->wait_for_catchup($standby);
    is_csv(report_csv($standby, ''), $expected, "$name: report");
    my $unused = $way eq 'states' ? 'http_log h' : 'session_state t';
    like($standby->safe_psql('postgres', $show_way), qr/on \Q$unused\E \(never executed\)/, "$name: from the $way");
    is(clickstream_ok($standby, 'report', '--format', 'csv'), $expected, "$name: clickstream report");
    return;
}

is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'), 't', 'the standby only reads');
check_standby('fresh', 'states', @lines[ 0 .. 999 ]);
clickstream_ok($primary, 'load', avro_log("$scratch/second", @lines[ 1000 .. $#lines ]));
check_standby('a batch later', 'log', @lines);
$primary->safe_psql('postgres', 'SELECT refresh_sessions()');
check_standby('refreshed', 'states', @lines);
$primary->safe_psql('postgres', q(SELECT forget_before('2020-03-01 UTC')));
check_standby('old rows dropped', 'states', @lines);
$primary->safe_psql('postgres', 'UPDATE http_log SET http_path = http_path');
check_standby('rows changed', 'log', @lines);
my ($status, $out, $err) = $standby->psql('postgres', 'SELECT refresh_sessions()');
like($err, qr/cannot execute INSERT in a read-only transaction/, 'a refresh is for the primary');

# A dump brings states, marks and triggers along

$primary->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$primary->command_ok([ 'pg_dump', '-d', $primary->connstr('postgres'), '-f', "$scratch/dump.sql" ], 'dump');
$primary->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$scratch/dump.sql", '-d',
    $primary->connstr('restored') ], 'restore');
my $everything = q(SET datestyle = ISO; SELECT count(*), md5(string_agg(s::text, ' ' ORDER BY s.user_id COLLATE "C"))
    FROM session_state AS s; SELECT count(*) FROM session_mark; SELECT * FROM session_refresh;
    SELECT load_id, refreshed, rows_forgotten FROM load_batch ORDER BY 1;
    SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'http_log'::regclass ORDER BY 1);
is($primary->safe_psql('restored', $everything), $primary->safe_psql('postgres', $everything), 'the same');
is($primary->safe_psql('restored', 'SELECT refresh_sessions() > 10, refresh_sessions(true)'), 't|0', 'it goes on');
$primary->safe_psql('restored', q(INSERT INTO http_log VALUES ('2020-03-01', 'GET', '/', 'new')));
is($primary->safe_psql('restored', 'SELECT session_states_fresh()'), 'f', 'with marks');

$standby->stop;
$primary->stop;
done_testing();
