# test/t/013_load_concurrent.pl - several loaders at once, interrupts, lost connections: a file is
# loaded once, or not at all
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('concurrent', 'restart_after_crash = on');
my $scratch = PostgreSQL::Test::Utils::tempdir;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Start the loader; finish() waits for it.
sub begin
{
    my (@arguments) = @_;
    my %run = (out => '', err => '');

    local %ENV = (
        %ENV,
        client_environment($node),
        PGAPPNAME => 'clickstream');
    $run{harness} = IPC::Run::start([ $ENV{CLICKSTREAM_BIN}, @arguments ],
        '<', \undef, '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# Wait for a started loader; return its exit status.
sub finish
{
    my ($run) = @_;
    $run->{harness}->finish;
    return $run->{harness}->full_result(0) >> 8;
}

# Wait until this many of the loader's sessions wait for a lock.
sub wait_for_waiting
{
    my ($count) = @_;
    return $node->poll_query_until('postgres',
        "SELECT count(*) = $count FROM pg_stat_activity"
          . " WHERE application_name = 'clickstream' AND wait_event_type = 'Lock'");
}

# Hold a lock on the log, so that a load stops behind its claim.
sub lock_log
{
    my $session = $node->background_psql('postgres');
    $session->query_safe('BEGIN; LOCK TABLE http_log IN ACCESS EXCLUSIVE MODE');
    return $session;
}

# Make a small Avro file of a log; each has a sync marker and a source of its own.
my $files = 0;

sub avro_file
{
    my ($source) = @_;
    my $sync = sprintf 'sync marker %04d', ++$files;
    return write_file("$scratch/$files.avro",
        avro_header(log_schema, $sync, 'clickstream.source_sha256' => $source // $files)
          . avro_block($sync, [ map { log_record($_, 'GET', '/', "u$_") } 1 .. 1000 ]));
}

# Four at once, on an empty database

my @runs = map { begin('init') } 1 .. 4;
is(join(' ', map { finish($_) } @runs), '0 0 0 0', 'init at the same time') or diag($runs[0]{err});

# One file, two loaders

my $file = avro_file();
my $session = lock_log();
@runs = map { begin('load', $file) } 1 .. 2;
wait_for_waiting(2);
is(sql('SELECT count(*) FROM load_batch'), '0', 'nothing is seen of a load before its end');
$session->quit;
is(join(' ', map { finish($_) } @runs), '0 0', 'two loaders of one file');
my $said = join '', map { $_->{err} } @runs;
is(() = $said =~ /read 1000 records = 1000 loaded/g, 1, 'one loads it');
is(() = $said =~ /already loaded/g, 1, 'the other says so');
is(sql('SELECT count(*) FROM http_log'), '1000', 'every row is there once');

# The first is interrupted: the second takes over

foreach my $signal (qw(INT TERM))
{
    $file = avro_file();
    sql('TRUNCATE http_log');
    $session = lock_log();
    my $first = begin('load', $file);
    wait_for_waiting(1);
    my $second = begin('load', $file);
    wait_for_waiting(2);
    $first->{harness}->signal($signal);
    is(finish($first), 4, "SIG$signal: exit status");
    is($first->{err}, "clickstream: error: interrupted\nclickstream: hint: Run the same command again"
          . " to go on: what is loaded is not loaded twice.\n", 'message');
    $session->quit;
    is(finish($second), 0, 'the other loads the file') or diag($second->{err});
    is(sql('SELECT count(*) FROM http_log'), '1000', 'every row is there once');
}

# A report can be interrupted too

$session = lock_log();
my $report = begin('report');
wait_for_waiting(1);
$report->{harness}->signal('INT');
is(finish($report), 4, 'report: interrupted');
is($report->{out}, '', 'report: no output');
$session->quit;

# A server process that hangs, and so cannot be cancelled, keeps nobody

foreach my $command ([ 'load', avro_file() ], ['report'])
{
    $session = lock_log();
    my $run = begin(@$command);
    my $guard = time + 60;
    wait_for_waiting(1);
    my $process = sql(q(SELECT pid FROM pg_stat_activity
                        WHERE application_name = 'clickstream' AND wait_event_type = 'Lock'));
    kill 'STOP', $process;
    $run->{harness}->signal('INT');
    while ($run->{harness}->pumpable && time < $guard)
    {
        $run->{harness}->pump_nb;
        sleep 0.05;
    }
    ok(!$run->{harness}->pumpable, "$command->[0]: interrupted beside a process that hangs");
    kill 'CONT', $process;
    is(finish($run), 4, "$command->[0]: exit status") or diag($run->{err});
    $session->quit;
}

# Two encodings of one log at once: one of them is refused

sql('TRUNCATE http_log');
my @encodings = map { avro_file('one log') } 1 .. 2;
$session = lock_log();
@runs = map { begin('load', $_) } @encodings;
wait_for_waiting(2);
$session->quit;
is(join(' ', sort map { finish($_) } @runs), '0 2', 'two encodings of one log');
like($runs[0]{err} . $runs[1]{err}, qr/the log that this file was made from is already in/,
    'one is refused');
is(sql('SELECT count(*) FROM http_log'), '1000', 'every row is there once');

# The server ends the connection

$file = avro_file();
my $later = avro_file();
sql('TRUNCATE http_log');
$session = lock_log();
my $lost = begin('load', '--retries', 0, $file, $later);
wait_for_waiting(1);
sql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'clickstream'));
$session->quit;
is(finish($lost), 3, 'a lost connection');
like($lost->{err}, qr/error: terminating connection due to administrator command/, 'says why');
like($lost->{err}, qr/None of the 2 files was loaded/, 'and how far it came');
is(sql('SELECT count(*) FROM http_log'), '0', 'nothing was loaded');
clickstream_ok($node, 'load', $file, $later);
is(sql('SELECT count(*) FROM http_log'), '2000', 'the next run loads it');

# The server crashes

$file = avro_file();
sql('TRUNCATE http_log');
$session = lock_log();
$lost = begin('load', '--retries', 0, $file);
wait_for_waiting(1);
kill 'KILL', sql(q(SELECT pid FROM pg_stat_activity
                   WHERE application_name = 'clickstream' AND wait_event_type = 'Lock'));
is(finish($lost), 3, 'a crash of the server');
like($lost->{err}, qr/\Aclickstream: error: server closed the connection unexpectedly\n/, 'message');
eval { $session->quit };
$node->poll_query_until('postgres', 'SELECT true') for 1;
clickstream_ok($node, 'load', $file);
is(sql('SELECT count(*) FROM http_log'), '1000', 'the next run loads it');

# Of several files, those before a failure stay loaded

my $bad = write_file("$scratch/bad.avro", substr(read_file(avro_file()), 0, -1));
sql('TRUNCATE http_log');
my @three = (avro_file(), $bad, avro_file());
my ($status, $out, $err) = clickstream($node, 'load', @three);
is($status, 2, 'the second of three files is damaged');
like($err, qr/1 of 3 files are loaded: up to and including \Q$three[0]\E\./, 'says how far it came');
is(sql('SELECT count(*) FROM http_log'), '1000', 'the first is loaded');

$node->stop;
done_testing();
