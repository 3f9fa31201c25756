# test/t/020_report_cli.pl - report: formats, times, frames, bad arguments
use strict;
use warnings FATAL => 'all';
use utf8;

use Clickstream::Cluster;
use Encode qw(decode_utf8);
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('report');
my ($status, $out, $err);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run report; return what it prints.
sub report
{
    ($status, $out, $err) = clickstream($node, 'report', @_);
    $out = decode_utf8($out);
    return $out;
}

# Replace the log: a user and a time for each view of campaign 1.
sub log_is
{
    my (@rows) = @_;

    sql('TRUNCATE http_log');
    while (my ($user, $time) = splice @rows, 0, 2)
    {
        sql(qq(INSERT INTO http_log VALUES ('$time', 'GET', '/campaigns/1', $user)));
    }
    return;
}

# Run a shell command with $C the program; return its exit status and output, both kinds together.
sub shell
{
    my ($command) = @_;
    my $all = '';

    local %ENV = (
        %ENV,
        client_environment($node),
        C => $ENV{CLICKSTREAM_BIN});
    IPC::Run::run([ 'bash', '-c', $command ], '<', \undef, '>', \$all, '2>&1');
    return ($? >> 8, $all);
}

# Expected text in which a backslash at a line's end goes on with the next line.
sub joined { return $_[0] =~ s/\\\n//gr }

clickstream_ok($node, 'init');
sql(<<'END');
INSERT INTO campaign_reward_mapping VALUES (1, 10), (2, 20);
INSERT INTO http_log VALUES
    ('2024-03-10 00:00:00Z', 'GET', '/campaigns/1', 'u2'),
    ('2024-03-10 00:00:30Z', 'GET', '/campaigns/2', 'u2'),
    ('2024-03-10 00:01:00.25Z', 'POST', '/rewards/10', 'u2'),
    ('2024-03-10 00:06:00.25Z', 'POST', '/rewards/20', 'u2'),
    ('2024-03-10 00:03:00Z', 'GET', '/', 'u10');
END

# Formats

is(report('--format', 'csv'), <<'END', 'csv');
user_id,session_start,session_end,campaigns,rewards_issued,reward_driven_by_campaign_view
u10,2024-03-10T00:03:00+00:00,2024-03-10T00:03:00+00:00,{},{},f
u2,2024-03-10T00:00:00+00:00,2024-03-10T00:01:00.250000+00:00,"{1,2}",{10},t
u2,2024-03-10T00:06:00.250000+00:00,2024-03-10T00:06:00.250000+00:00,{},{20},f
END
is($err, '', 'nothing on standard error');
is(report('--format', 'json'), joined(<<'END'), 'json');
{"user_id":"u10","session_start":"2024-03-10T00:03:00+00:00",\
"session_end":"2024-03-10T00:03:00+00:00","campaigns":[],"rewards_issued":[],\
"reward_driven_by_campaign_view":false}
{"user_id":"u2","session_start":"2024-03-10T00:00:00+00:00",\
"session_end":"2024-03-10T00:01:00.250000+00:00","campaigns":[1,2],"rewards_issued":[10],\
"reward_driven_by_campaign_view":true}
{"user_id":"u2","session_start":"2024-03-10T00:06:00.250000+00:00",\
"session_end":"2024-03-10T00:06:00.250000+00:00","campaigns":[],"rewards_issued":[20],\
"reward_driven_by_campaign_view":false}
END
is(report('--from', '2024-03-10T00:01:00Z'), joined(<<'END'), 'table');
 user_id |          session_start           |           session_end            | campaigns | rewards\
_issued | reward_driven_by_campaign_view
---------+----------------------------------+----------------------------------+-----------+--------\
--------+--------------------------------
 u10     | 2024-03-10T00:03:00+00:00        | 2024-03-10T00:03:00+00:00        | {}        | {}     \
        | f
 u2      | 2024-03-10T00:06:00.250000+00:00 | 2024-03-10T00:06:00.250000+00:00 | {}        | {20}   \
        | f
(2 rows)
END
is(report(), report('--format', 'table'), 'table is the default');
like(report('--from', '2025-01-01'), qr/-\+-+\n\(0 rows\)\n\z/, 'no rows');
like(report('--from', '2024-03-10T00:05:00Z'), qr/\n\(1 row\)\n\z/, 'one row');
is(report('--from', '2025-01-01', '--format', 'json'), '', 'no rows in json');
is(() = report('--from', '2025-01-01', '--format', 'csv') =~ /\n/g, 1, 'a header alone in csv');

# Frames and gaps

is(() = report('--format', 'json', '--gap', '5 min 1 second') =~ /\n/g, 2, 'another gap');
like(report('--format', 'csv', '--from', '2024-03-10 00:01:00Z', '--to', '2024-03-10T00:04:00Z'),
    qr/\A[^\n]*\nu10,[^\n]*\n\z/, 'a frame chooses by start');
is(() = report('--format', 'json', '--from', '2024-03-10 00:01:00Z', '--to', '2024-03-10 00:04:00Z',
        '--frame', 'overlap') =~ /\n/g, 2, 'overlap, by any activity');
is(() = report('--format', 'json', '--from', '2024-03-10 08:03:00', '--timezone', 'Asia/Singapore')
      =~ /\n/g, 2, 'a time without an offset is one of the time zone');

# Times

my @times = (
    [ '2024-07-01 12:00:00Z', 'Europe/Berlin', '2024-07-01T14:00:00+02:00' ],
    [ '2024-01-01 00:00:00.000001Z', 'UTC', '2024-01-01T00:00:00.000001+00:00' ],
    [ '2024-01-01 00:00:00.1Z', 'America/St_Johns', '2023-12-31T20:30:00.100000-03:30' ],
    [ '2024-01-01 00:00:00Z', 'Asia/Kathmandu', '2024-01-01T05:45:00+05:45' ],
    [ '2024-01-01 00:00:00Z', '+08:00', '2024-01-01T08:00:00+08:00' ],
    [ '2024-01-01 00:00:00Z', '-05:30', '2023-12-31T18:30:00-05:30' ],
    [ '1900-01-01 00:00:00Z', 'Asia/Singapore', '1900-01-01T06:55:25+06:55:25' ],
    [ '12345-01-02 03:04:05Z', 'UTC', '12345-01-02T03:04:05+00:00' ],
    [ '0044-03-15 12:00:00Z BC', 'UTC', '0044-03-15T12:00:00+00:00 BC' ],
    [ '0044-03-15 12:00:00.5Z BC', 'Asia/Kolkata', '0044-03-15T17:53:28.500000+05:53:28 BC' ],
    [ '294276-12-31 23:59:59.999999Z', 'UTC', '294276-12-31T23:59:59.999999+00:00' ]);
foreach my $case (@times)
{
    my ($time, $zone, $expected) = @$case;
    log_is("'u'", $time);
    like(report('--format', 'csv', '--timezone', $zone), qr/\nu,\Q$expected,$expected,{1}\E/,
        "$time in $zone");
}
log_is("'u'", '2024-03-10 00:00:00Z');
{
    local $ENV{PGTZ} = 'Asia/Singapore';
    like(report('--format', 'json'), qr/"2024-03-10T08:00:00\+08:00"/, 'PGTZ');
    like(report('--format', 'json', '--timezone', 'UTC'), qr/"2024-03-10T00:00:00\+00:00"/,
        '--timezone goes before PGTZ');
    $ENV{PGTZ} = '+05:30';
    like(report('--format', 'json'), qr/"2024-03-10T05:30:00\+05:30"/, 'PGTZ as an offset');
}
sql("ALTER DATABASE postgres SET timezone = 'Asia/Singapore'");
sql("ALTER DATABASE postgres SET datestyle = 'German'");
like(report('--format', 'json'), qr/"2024-03-10T00:00:00\+00:00"/,
    'settings of the database do not matter');

# Users of every kind, in the order of their bytes

my @users = ("a,b", "say \"hi\"", "", "\\.", "two\nlines", "tab\there", "Zoë", "日本", "z", "a\\b", "\x01");
log_is(map { ("U&'" . join('', map { sprintf '\\%04X', ord } split //) . "'", '2024-03-10 00:00:00Z') }
      @users);
my @sorted = map { decode_utf8($_) } sort map { Encode::encode_utf8($_) } @users;
is_deeply([ map { decode_json(Encode::encode_utf8($_))->{user_id} } split /\n/, report('--format', 'json') ],
    \@sorted, 'json');
my $csv = report('--format', 'csv');
my $psql = decode_utf8(sql(q(COPY (SELECT user_id FROM session_report() ORDER BY user_id COLLATE "C")
    TO STDOUT (FORMAT csv))));
$csv =~ s/\A[^\n]*\n//;
$csv =~ s/,2024-[^\n]*//g;
is($csv, "$psql\n", 'csv quotes as COPY does');
my $table = report();
like($table, qr/^ two\\nlines +\| 2024/m, 'a table shows line feeds as \n');
like($table, qr/^ \\x01 +\| 2024/m, 'and other control characters by number');
my ($zoe, $japan) = $table =~ /^ (Zoë +)\| 2024.*^ (日本 +)\| 2024/ms;
is(length $zoe, length($japan) + 2, 'wide characters take two columns');

# Bad arguments are usage errors

foreach my $case (
    [ qr/invalid argument "someday" of option "--from": not a time/, '--from', 'someday' ],
    [ qr/invalid argument "2024-03-10T08" of option "--from": not a time/, '--from', '2024-03-10T08' ],
    [ qr/invalid argument "2024-02-30" of option "--to": not a time/, '--to', '2024-02-30' ],
    [ qr/invalid argument "\$1" of option "--to": not a time/, '--from', 'today', '--to', '$1' ],
    [ qr/invalid argument "long" of option "--gap": not an interval longer than zero/, '--gap', 'long' ],
    [ qr/gap/, '--gap', '0' ],
    [ qr/gap/, '--gap', '-1 min' ],
    [ qr/gap/, '--gap', '1 month' ],
    [ qr/invalid value for parameter "TimeZone": "Mars\/Olympus"/, '--timezone', 'Mars/Olympus' ])
{
    my ($pattern, @arguments) = @$case;
    report(@arguments);
    is($status, 1, "@arguments: exit status");
    like($err, qr/clickstream: error: .*$pattern/, "@arguments: message");
    is($out, '', "@arguments: no output");
}
report('--from', '2024-03-10T08');
like($err, qr/\A[^\n]*\n[^\n]*hint: Give a date, or date and time: [^\n]*\n\z/, 'nothing but what to give instead');
report('--schema', 'nowhere');
is($status, 3, 'no such schema');
like($err, qr/"clickstream init" creates the report/, 'hint');
sql('CREATE SCHEMA elsewhere');
clickstream_ok($node, 'init', '--schema', 'elsewhere');
is(report('--schema', 'elsewhere', '--format', 'json'), '', 'the report of another schema');

# Where the output goes

sql(q(TRUNCATE http_log; INSERT INTO http_log
    SELECT '2024-03-10 00:00:00Z', 'GET', '/campaigns/1', 'user ' || i FROM generate_series(1, 50000) i));
foreach my $format (qw(table csv json))
{
    my ($code, $text) = shell(qq(set -o pipefail; \$C report --format $format | head -n 1 >/dev/null));
    is("$code $text", '3 ', "$format: a closed pipe ends it quietly");
    ($code, $text) = shell(qq(\$C report --format $format >/dev/full));
    is($code, 3, "$format: a full disk");
    like($text, qr/could not write to standard output: No space left on device/, 'says so');
}
log_is("'u1'", '2024-03-10 00:00:00Z', "'u2'", '2024-03-10 00:00:00Z');
SKIP:
{
    skip 'script(1) has no pseudo-terminal here', 2
      unless (shell('script -qec true /dev/null </dev/null'))[0] == 0;
    my $run = q(script -qec 'stty cols %d; $C report' /dev/null </dev/null);
    my ($code, $text) = shell(sprintf $run, 60);
    $text =~ s/\r//g;
    is($text, <<'END', 'records on a narrow terminal');
-[ RECORD 1 ]------------------+--------------------------
user_id                        | u1
session_start                  | 2024-03-10T00:00:00+00:00
session_end                    | 2024-03-10T00:00:00+00:00
campaigns                      | {1}
rewards_issued                 | {}
reward_driven_by_campaign_view | f
-[ RECORD 2 ]------------------+--------------------------
user_id                        | u2
session_start                  | 2024-03-10T00:00:00+00:00
session_end                    | 2024-03-10T00:00:00+00:00
campaigns                      | {1}
rewards_issued                 | {}
reward_driven_by_campaign_view | f
END
    ($code, $text) = shell(sprintf $run, 200);
    like($text, qr/^ u2      \| 2024/m, 'a table on a wide one');
}

# The statement can run in parallel: no cursor stands in the way

foreach my $setting ("session_preload_libraries = 'auto_explain'",
    'auto_explain.log_min_duration = 0', 'auto_explain.log_analyze = on', 'parallel_setup_cost = 0',
    'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0')
{
    $node->append_conf('postgresql.conf', "$setting\n");
}
$node->reload;
sql('INSERT INTO http_log SELECT l.* FROM http_log l, generate_series(1, 20000); ANALYZE http_log');
report();
like(slurp_file($node->logfile), qr/Workers Launched: [1-9]/, 'the report runs in parallel');

$node->stop;
done_testing();
