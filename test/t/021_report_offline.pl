# test/t/021_report_offline.pl - report from files gives what report from the database gives,
# byte for byte: the real log, random logs, frames, gaps, formats, time zones
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('report_offline');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $soak = $ENV{CLICKSTREAM_SOAK};
my ($logs, $users) = $soak ? (20, 6_600) : (2, 150);

# Load a log and a mapping, without the loader.
sub load
{
    my ($map, @files) = @_;

    load_mapping($node, $map);
    load_log($node, @files);
    return;
}

# Both forms of the report with these options are the same; return it.
sub same
{
    my ($name, $map, $files, @options) = @_;
    my $expected = clickstream_ok($node, 'report', @options);
    my $got = clickstream_ok(undef, 'report', '--mapping', $map, @options, @$files);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_csv($got, $expected, "$name: @options");
    return $expected;
}

# The log in Avro, by each codec in turn.
my @codecs = qw(null snappy deflate zstandard bzip2 xz);

sub as_avro
{
    my ($file) = @_;
    my $codec = shift @codecs;

    push @codecs, $codec;
    clickstream_ok(undef, 'encode', '--codec', $codec, '-o', "$file.avro", $file);
    return "$file.avro";
}

clickstream_ok($node, 'init');

SKIP:
{
    my ($log, $map) = map { data_file("campaigns/$_") } qw(http_log.txt campaign_reward_mapping.csv);

    skip 'no campaigns/http_log.txt and campaign_reward_mapping.csv under CLICKSTREAM_DATA', 1
      unless $log && $map;
    load($map, $log);
    my $avro = as_avro(write_lines("$scratch/real", read_lines($log)));
    my $csv = same('real log', $map, [$log], '--format', 'csv');
    is(scalar(() = $csv =~ /\n/g), 7378, 'real log: rows');
    is(scalar(() = $csv =~ /,t$/mg), 340, 'real log: driven');
    same('real log, Avro', $map, [$avro], '--format', $_) foreach qw(csv json table);
    same('real log', $map, [$avro], '--format', 'csv', '--timezone', 'Asia/Singapore', '--gap', '1 hour',
        '--from', '2019-08-20', '--to', '2019-08-21 12:00', '--frame', $_)
      foreach qw(start overlap);
}

foreach my $seed (1 .. $logs)
{
    my @lines = random_log($seed, $users);
    my $file = write_lines("$scratch/log_$seed", @lines);
    my $map = write_lines("$scratch/map_$seed", random_mapping($seed));
    my @frame = ('--from', '2020-03-01T12:00Z', '--to', '2020-03-03 06:30+01');
    my $half = @lines / 2;

    load($map, $file);
    my $csv = same("seed $seed, Avro", $map, [ as_avro($file) ], '--format', 'csv');
    cmp_ok(scalar(() = $csv =~ /,t$/mg), '>', 5, "seed $seed: some sessions are driven");
    same("seed $seed", $map, [$file], '--format', 'csv', @frame, '--gap', '299999 ms');
    same("seed $seed", $map, [$file], '--format', 'json', @frame, '--frame', 'overlap');

    # in two files, by threads, with memory for little
    my @parts = (
        write_lines("$scratch/first_$seed", @lines[ 0 .. $half - 1 ]),
        as_avro(write_lines("$scratch/second_$seed", @lines[ $half .. $#lines ])));
    foreach my $jobs (1, 2, 5)
    {
        is_csv(
            clickstream_ok(undef, 'report', '--mapping', $map, '--format', 'csv', '--jobs', $jobs,
                '--memory', 16 * $jobs . 'MB', @parts),
            $csv, "seed $seed: $jobs jobs, two files");
    }
}
note("$logs random logs, seeds 1 to $logs");

# Time zones: instants all over the calendar, most of them near changes of clocks.

srand(1);
my @instants = (
    '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2024-02-29T12:00:00.000001Z',
    '2400-02-29T12:00:00.5Z', '2038-01-19T03:14:08Z');
foreach (1 .. 400)
{
    my $year = 1850 + int rand 260;
    my $month = 1 + int rand 12;

    push @instants, sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year, $month, 1 + int rand 28, rand 24,
      rand 60, rand 60;
    push @instants, sprintf '%04d-%02d-%02dT%02d:%02d:00Z', 1965 + int rand 120, 3 + 7 * int rand 2,
      1 + int rand 28, rand 24, 30 * int rand 2;
}
my $times = write_lines("$scratch/times", map { "$instants[$_] GET / u$_\n" } 0 .. $#instants);
my $map = write_lines("$scratch/map", random_mapping(1));
my @zones = split /\n/, $node->safe_psql('postgres',
    q{SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/|^(localtime|posixrules)$' ORDER BY 1});

# The server alone would take most of these, and some to the west for what is meant to the east.
my @no_zones = (
    qw(UTC+3 GMT+8 FOO-3:30 <+03>-3 CET-1CEST Asia/Foo-3 +0800 +08:5 +08:60),
    qw(+08:00:00 +23:59:59 168:00 -168 8.0001 1e300 right/EST5EDT), '+8 ', 'CST6CDT,M3.2.0,M11.1.0',
    "INTERVAL '+08:00' HOUR TO MINUTE");

load($map, $times);
cmp_ok(scalar @zones, '>', 400, 'zones');
@zones = (
    qw(asia/SINGAPORE Africa/Monrovia America/St_Johns Europe/Dublin Africa/Casablanca America/New_York),
    qw(Australia/Lord_Howe Asia/Kolkata Pacific/Apia America/Scoresbysund Europe/Amsterdam +8 -3.5 167 -150.5),
    qw(+08:00 -03:30 5:45 +167:59 -0:00 -167.5 8.7 etc/gmt+3), (grep { $_ eq 'EST5EDT' } @zones),
    $soak ? @zones : (shuffle @zones)[ 0 .. 19 ]);
same("zone $_", $map, [$times], '--format', 'csv', "--timezone=$_") foreach @zones;
same('frame of an offset', $map, [$times], '--format', 'csv', "--timezone=$_", '--from', '2024-01-01',
    '--to', '2030-07-01 12:00') foreach qw(+08:00 -03:30 5.75);
foreach my $zone (@no_zones)
{
    my $pattern = qr/error: time zone "\Q$zone\E" not recognized/;

    clickstream_like($node, 1, $pattern, "zone $zone", 'report', "--timezone=$zone");
    clickstream_like(undef, 1, $pattern, "zone $zone, files", 'report', "--timezone=$zone", $times);
}

# Local times that clocks skip or show twice, as ends of a frame

foreach my $case (
    [ 'America/New_York', '2024-03-10 02:30', '2024-11-03 01:30' ],
    [ 'Europe/Berlin', '2021-03-28T02:00', '2021-10-31 02:59:59.5' ],
    [ 'Australia/Lord_Howe', '2020-10-04 02:10', '2021-04-04 01:45' ],
    [ 'Pacific/Apia', '2011-12-30', '2012-01-01' ],
    [ 'Asia/Singapore', '1981-12-31 23:59', '1982-01-01 00:15' ],
    [ 'UTC', '-infinity', '1900-01-01' ],
    [ 'UTC', '2024-01-01', 'infinity' ])
{
    my ($zone, $since, $until) = @$case;

    foreach my $edge ($since, $until)
    {
        next if $edge =~ /infinity/;
        my $at = $node->safe_psql('postgres', <<"END");
SET timezone = '$zone';
SELECT to_char('$edge'::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.USZ')
END
        my $file = write_lines("$scratch/edges", "$at GET / u\n");

        load($map, $file);
        same("edge $edge", $map, [$file], '--format', 'csv', '--timezone', $zone, '--from', $edge);
        same("edge $edge", $map, [$file], '--format', 'csv', '--timezone', $zone, '--to', $edge);
    }
    load($map, $times);
    same('frame', $map, [$times], '--format', 'csv', '--timezone', $zone, '--from', $since, '--to', $until);
}

# Gaps are read as the server reads them

foreach my $gap (
    '5 min', '300', '00:05', '0:05:00.5', '1.5 hours', '1 day 2 hours',
    '2 weeks', '90s', '1h30m', '1500 us', '0.5 ms')
{
    same('gap', $map, [$times], '--format', 'csv', '--gap', $gap);
}

done_testing();
