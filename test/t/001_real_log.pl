# test/t/001_real_log.pl - the figures of the real log, and random logs against the oracle, by
# SQL alone and through the loader
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use List::Util qw(shuffle sum);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('real_log', 'max_worker_processes = 8');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $few = 'SET max_parallel_workers_per_gather = 0;';
my $logs = $ENV{CLICKSTREAM_SOAK} ? 50 : 5;
my ($log, $mapping) =
  map { data_file("campaigns/$_") } qw(http_log.txt campaign_reward_mapping.csv);

setup_tables($node);

# The parallel settings do make the report parallel, with states that are merged.
sub check_plan
{
    my $plan = $node->safe_psql('postgres', <<"END");
$parallel
SET enable_sort = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT * FROM session_report();
END
    like($plan, qr/Gather.*PARTIAL sessionize.*Parallel Seq Scan on public\.http_log/s,
        'the report is parallel');
    return;
}

# The report of the table as it stands equals $expected, serial and parallel.
sub check_report
{
    my ($name, $expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_csv(report_csv($node, '', $few), $expected, "$name: serial");
    is_csv(report_csv($node, '', $parallel), $expected, "$name: parallel");
    is_csv(report_csv($node, '', "$parallel SET enable_hashagg = off;"), $expected, "$name: parallel, sorted");
    return;
}

# A frame gives what the oracle gives, and by start those rows of the whole report.
sub check_frames
{
    my ($expected) = @_;
    my ($head, @rows) = split /^/m, $expected;
    my @times = map { [ (split /,/)[ 1, 2 ] ] } @rows;
    my @longer = sort { $a->[0] cmp $b->[0] } grep { $_->[0] ne $_->[1] } @times;
    # from the start of a session to the end, excluded, of another
    my ($since, $until) = ($longer[ @longer / 3 ][0], $longer[ @longer / 2 ][1]);
    my $frame = "'$since', '$until'";
    my @inside = grep { $times[$_][0] ge $since && $times[$_][0] lt $until } 0 .. $#rows;

    ok(@inside > @rows / 20 && @inside < @rows, scalar(@inside) . " sessions start in $frame");
    is_csv(report_csv($node, $frame, $few), join('', $head, @rows[@inside]), 'rows of the whole report');
    is_csv(report_csv($node, "$frame, frame => 'overlap'", $parallel),
        oracle_csv('--mapping', $mapping, '--since', $since, '--until', $until, '--frame', 'overlap', $log),
        'overlap');
    return;
}

# The loader's way from logs to the report gives $expected, in a schema of its own.
sub check_loader
{
    my ($name, $expected, $map, @files) = @_;
    my $schema = "s_$name";

    clickstream_ok($node, 'init', '--schema', $schema);
    clickstream_ok($node, 'load', '--schema', $schema, '-t', 'campaign_reward_mapping', $map);
    foreach my $file (@files)
    {
        clickstream_ok(undef, 'encode', '-o', "$file.$name.avro", $file);
        clickstream_ok($node, 'load', '--schema', $schema, "$file.$name.avro");
    }
    my $out = clickstream_ok($node, 'report', '--schema', $schema, '--format', 'csv', '--timezone', 'UTC');
    is_csv($out, $expected, "$name: report of the loader");
    return;
}

SKIP:
{
    skip 'no campaigns/http_log.txt and campaign_reward_mapping.csv under CLICKSTREAM_DATA', 1
      unless $log && $mapping;
    my $expected = oracle_csv('--mapping', $mapping, $log);
    my ($users, $both, $driven) = ({}, 0, 0);

    while ($expected =~ /^([^,]*),[^,]*,[^,]*,"?\{([^}]*)\}"?,"?\{([^}]*)\}"?,([tf])$/mg)
    {
        $users->{$1}++;
        $both++ if $2 ne '' && $3 ne '';
        $driven++ if $4 eq 't';
    }
    is(sum(values %$users), 7377, 'sessions');
    is(scalar(keys %$users), 6935, 'users');
    is($both, 486, 'sessions with a view and an issue');
    is($driven, 340, 'driven');

    my @lines = read_lines($log);
    is(scalar @lines, 16000, 'lines');
    srand(1);
    my @shuffled = shuffle @lines;
    my @parts = map { my $part = $_; write_lines("$scratch/part_$part", @shuffled[ map { 4 * $_ + $part } 0 .. 3999 ]) }
      0 .. 3;
    my %files = (
        shuffled => [ write_lines("$scratch/shuffled", @shuffled) ],
        reversed => [ write_lines("$scratch/reversed", reverse @lines) ],
        original => [ write_lines("$scratch/original", @lines) ],
        four_files => \@parts);

    load_mapping($node, $mapping);
    foreach my $name (sort keys %files)
    {
        load_log($node, @{ $files{$name} });
        check_report($name, $expected);
        check_loader($name, $expected, $mapping, @{ $files{$name} });
    }
    check_plan();
    check_frames($expected);
}

foreach my $seed (1 .. $logs)
{
    my $file = write_lines("$scratch/log_$seed", random_log($seed));
    my $map = write_lines("$scratch/map_$seed", random_mapping($seed));
    my $expected = oracle_csv('--mapping', $map, $file);
    my $driven = () = $expected =~ /,t$/mg;

    cmp_ok($driven, '>', 5, "seed $seed: some sessions are driven");
    load_mapping($node, $map);
    load_log($node, $file);
    check_report("seed $seed", $expected);
    check_loader("seed_$seed", $expected, $map, $file);
}
note("$logs random logs, seeds 1 to $logs");

done_testing();
