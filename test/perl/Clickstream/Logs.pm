# test/perl/Clickstream/Logs.pm - logs for the report tests: real ones and random ones, the
# report that SQL gives of them, and what the oracle (test/python/oracle.py) says
package Clickstream::Logs;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(setup_tables load_log load_mapping report_csv oracle_csv is_csv write_lines
  read_lines random_log random_mapping $parallel);

# Settings that make any query parallel that can be, and the planner expect few users, so
# that workers build partial states of the same user.
our $parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
SET cpu_tuple_cost = 1;
END

# Create extension, tables and report in database "postgres" of a server.
sub setup_tables
{
    my ($node) = @_;

    $node->safe_psql('postgres', 'CREATE EXTENSION clickstream');
    $node->safe_psql('postgres', "\\i '$ENV{CLICKSTREAM_ROOT}/test/support/objects.sql'");
    $node->safe_psql('postgres', <<'END');
ALTER TABLE http_log SET (parallel_workers = 4);
ALTER TABLE http_log ALTER user_id SET (n_distinct = 2);
END
    return;
}

# Fill http_log from log files, without the loader: the log is text for COPY already.
sub load_log
{
    my ($node, @files) = @_;

    $node->safe_psql('postgres', 'TRUNCATE http_log');
    foreach my $file (@files)
    {
        $node->safe_psql('postgres', <<"END");
COPY http_log ("timestamp", http_method, http_path, user_id) FROM '$file' (DELIMITER ' ')
END
    }
    $node->safe_psql('postgres', 'ANALYZE http_log');
    return;
}

# Fill the mapping from a CSV file.
sub load_mapping
{
    my ($node, $file) = @_;

    $node->safe_psql('postgres', <<"END");
TRUNCATE campaign_reward_mapping;
COPY campaign_reward_mapping (campaign_id, reward_id) FROM '$file' (FORMAT csv, HEADER);
END
    return;
}

# Return the report as "clickstream report --format csv" prints it, made by SQL alone. The
# arguments are those of session_report; $settings are commands to run first.
sub report_csv
{
    my ($node, $arguments, $settings) = @_;
    my $csv = $node->safe_psql('postgres', ($settings // '') . <<"END");
SET timezone = 'UTC';
COPY (
    SELECT user_id, to_char(session_start, 'YYYY-MM-DD"T"HH24:MI:SS')
               || coalesce(nullif(to_char(session_start, '.US'), '.000000'), '') || '+00:00' AS session_start,
           to_char(session_end, 'YYYY-MM-DD"T"HH24:MI:SS')
               || coalesce(nullif(to_char(session_end, '.US'), '.000000'), '') || '+00:00' AS session_end,
           campaigns, rewards_issued, reward_driven_by_campaign_view
    FROM session_report($arguments) AS r ORDER BY r.user_id COLLATE "C", r.session_start
) TO STDOUT (FORMAT csv, HEADER)
END
    return "$csv\n";
}

# Return the report that the oracle gives of log files.
sub oracle_csv
{
    my (@arguments) = @_;
    my ($out, $err) = ('', '');

    IPC::Run::run(
        [ '/usr/bin/python3', "$ENV{CLICKSTREAM_ROOT}/test/python/oracle.py", @arguments ],
        '>', \$out, '2>', \$err) or die "oracle.py @arguments: $err";
    return $out;
}

# Test that two reports are the same bytes; show a few lines of each where they are not.
sub is_csv
{
    my ($got, $expected, $name) = @_;
    my (%surplus, @missing);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return if ok($got eq $expected, $name);
    $surplus{$_}++ foreach split /^/m, $got;
    foreach my $line (split /^/m, $expected)
    {
        $surplus{$line} ? $surplus{$line}-- : push @missing, $line;
    }
    my @surplus = sort grep { $surplus{$_} > 0 } keys %surplus;
    diag(scalar(@missing) . ' lines are missing, ' . scalar(@surplus) . " too many\n",
        (map { "missing: $_" } splice @missing, 0, 5), map { "too many: $_" } splice @surplus, 0, 5);
    return;
}

# Write lines to a file; return its name.
sub write_lines
{
    my ($file, @lines) = @_;

    open my $out, '>:raw', $file or die "$file: $!";
    print $out @lines;
    close $out or die "$file: $!";
    return $file;
}

# Return the lines of a file.
sub read_lines
{
    my ($file) = @_;

    open my $in, '<:raw', $file or die "$file: $!";
    my @lines = <$in>;
    close $in;
    return @lines;
}

sub pick { return $_[ int rand @_ ] }

# Write milliseconds since 1970 as a time of a log, with an offset of minutes.
sub log_time
{
    my ($millis, $offset) = @_;
    my ($second, $minute, $hour, $day, $month, $year) = gmtime($millis / 1000 + $offset * 60);
    my $fraction = $millis % 1000 ? sprintf('.%03d', $millis % 1000) : '';
    my $zone =
      $offset == 0
      ? pick('Z', '+00:00')
      : sprintf('%s%02d%s%02d',
        $offset < 0 ? '-' : '+', abs($offset) / 60, pick('', ':'), abs($offset) % 60);

    return sprintf('%04d-%02d-%02dT%02d:%02d:%02d%s%s',
        $year + 1900, $month + 1, $day, $hour, $minute, $second, $fraction, $zone);
}

# A request: mostly views and issues of few ids, so that they meet in the mapping.
sub random_request
{
    my $id = int rand 8;
    my $end = pick(('') x 8, '/', '?a=b', '#top', '/?a=/1#', '//', '/x', '?');

    return pick(
        ("GET /campaigns/$id$end") x 8,
        ("POST /rewards/$id$end") x 8,
        'GET /', "POST /campaigns/$id", "get /campaigns/$id", "GET /campaigns/00$id", "PUT /rewards/$id",
        'GET /campaigns/', "GET /campaigns/-$id", "POST /rewards/${id}a", 'GET /campaigns/9223372036854775808',
        'POST /rewards/9223372036854775807', 'HEAD /rewards/1');
}

# Return the lines of a log in random order: many ties and gaps of exactly five minutes and a
# millisecond to either side, some lines twice; some 30 for each of the users, 60 if not given.
# The same seed gives the same log.
sub random_log
{
    my ($seed, $users) = @_;
    my @lines;

    srand($seed);
    foreach my $user (map { "user-$_" } 1 .. $users // 60, 'a,b', '"q"', "\xc3\xa9t\xc3\xa9", 'A', 'a', '{1}')
    {
        my $millis = 1_583_020_799_000 + int rand 3e8;    # around 1 March 2020

        foreach (1 .. 1 + rand 60)
        {
            my $line = log_time($millis, pick((0) x 5, 480, 345, -210, -300)) . ' '
              . random_request() . " $user\n";
            push @lines, ($line) x pick((1) x 9, 2);
            $millis += pick((0) x 4, 1, 999, 1000, 60_000, 299_999, (300_000) x 3, 300_001, 3.6e6, 9e7);
        }
    }
    return shuffle @lines;
}

# Return the lines of a mapping for random logs, some of them twice.
sub random_mapping
{
    my ($seed) = @_;

    srand($seed);
    return ("campaign_id,reward_id\n", map { int(rand 8) . ',' . int(rand 8) . "\n" } 1 .. 12);
}

1;
