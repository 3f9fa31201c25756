# test/t/062_follow.pl - load --follow: a log that is written, rotated and compressed goes into the
# table line for line, while the loader is killed and the server goes away
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use IO::Compress::Gzip qw(gzip $GzipError);
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $soak = $ENV{CLICKSTREAM_SOAK};
my $seed = $ENV{CLICKSTREAM_SEED} // ($soak ? time : 1);
my $rotations = 10;
my $least_kills = $soak ? 100 : 8;
my $node = new_node('follow', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $log = "$scratch/access.log";

note("CLICKSTREAM_SEED=$seed");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Start the loader.
sub begin
{
    my (@options) = @_;
    my %run = (err => '');

    local %ENV = (%ENV, client_environment($node));
    $run{harness} = IPC::Run::start(
        [ $ENV{CLICKSTREAM_BIN}, 'load', '--follow', '--segment-time', 0, '-o', "$scratch/segments", @options, $log ],
        '<', \undef, '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

my $run; # the loader that is running

# Whatever becomes of the test, the loader ends.
END
{
    my $status = $?;
    $run->{harness}->kill_kill if $run && $run->{harness} && !$run->{ended};
    $? = $status;
}

# End a loader by a signal; return its exit status, -1 where the signal ended it.
sub end
{
    my ($loader, $signal) = @_;

    $loader->{harness}->signal($signal);
    $loader->{harness}->finish;
    $loader->{ended} = 1;
    return $loader->{harness}->full_result(0) & 127 ? -1 : $loader->{harness}->full_result(0) >> 8;
}

# Append lines to the log, or to another file; some are there twice.
sub append
{
    my ($file, @numbers) = @_;

    open my $out, '>>', $file or die "$file: $!";
    print $out map { "2024-03-10T08:00:00Z GET /campaigns/$_ u$_\n" x ($_ % 5 ? 1 : 2) } @numbers;
    close $out or die "$file: $!";
    return;
}

# Rename the log, and perhaps compress the file before it.
sub rotate
{
    my ($number, $compress) = @_;

    foreach my $old (reverse 1 .. $number)
    {
        foreach my $name (grep { -e "$log.$old$_" } '', '.gz')
        {
            rename "$log.$old$name", "$log." . ($old + 1) . $name or die $!;
        }
    }
    rename $log, "$log.1" or die $!;
    return unless $compress && -e "$log.2";
    my @times = (stat "$log.2")[ 8, 9 ];
    gzip "$log.2" => "$log.2.gz" or die $GzipError;
    utime @times, "$log.2.gz";
    unlink "$log.2" or die $!;
    return;
}

# Rows whose number in the table is not the one expected of lines 1 to $last.
sub wrong_rows
{
    my ($last) = @_;
    return sql(qq(
        SELECT count(*) FROM generate_series(1, $last) AS n
        FULL JOIN (SELECT substr(http_path, 12)::int AS n, count(*) AS rows FROM http_log
                   WHERE user_id = 'u' || substr(http_path, 12) GROUP BY 1) AS found USING (n)
        WHERE rows IS DISTINCT FROM CASE WHEN n % 5 = 0 THEN 2 ELSE 1 END));
}

# Wait until all lines up to the last one are in the table, each as often as it is in the log.
sub holds_lines
{
    my ($last, $name) = @_;
    my $rows = $last + int($last / 5);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($node->poll_query_until('postgres', "SELECT count(*) >= $rows FROM http_log"), "$name: all lines came");
    is(wrong_rows($last), '0', "$name: each as often as the log has it");
    is(sql('SELECT count(*) FROM http_log'), $rows, "$name: and nothing else");
    return;
}

clickstream_ok($node, 'init');

# Written, rotated, compressed, while loaders are killed

srand $seed;
append($log, 1);
$run = begin();
holds_lines(1, 'the first line');
my ($last, $kills, $rotated) = (1, 0, 0);
while ($rotated < $rotations || $kills < $least_kills)
{
    if ($run && rand() < 0.15)
    {
        is(end($run, 'KILL'), -1, 'killed');
        $run = undef;
        $kills++;
    }
    elsif (!$run && rand() < 0.3) { $run = begin() }
    my $count = 1 + int rand 30;
    append($log, $last + 1 .. $last + $count);
    $last += $count;
    rotate($rotated++, rand() < 0.5) if rand() < 0.08 && $rotated < $rotations;
    sleep(rand() / 8);
}
end($run, 'KILL') if $run;
$run = begin();
holds_lines($last, 'after all kills');
is(end($run, 'TERM'), 0, 'a signal ends it in order') or diag($run->{err});
is(sql('SELECT count(*) FROM load_reject'), '0', 'nothing was refused');
is(sql('SELECT sum(rows_loaded) FROM load_batch'), sql('SELECT count(*) FROM http_log'),
    'the ledger says the same');

# Nothing is new

my $before = sql('SELECT count(*) FROM load_batch');
$run = begin();
sleep 1;
is(end($run, 'INT'), 0, 'nothing new: done');
is(sql('SELECT count(*) FROM load_batch'), $before, 'nothing new: nothing is loaded');

# The server goes away, and comes back

$run = begin();
$node->stop('immediate');
my $segments = () = glob "$scratch/segments/*.avro";
append($log, $last + 1 .. $last + 50);
$last += 50;
for (1 .. 600)
{
    my $now = () = glob "$scratch/segments/*.avro";
    last if $now > $segments;
    sleep 0.1;
}
my $now = () = glob "$scratch/segments/*.avro";
cmp_ok($now, '>', $segments, 'segments are written while the server is away');
$node->start;
holds_lines($last, 'after the server came back');
is(end($run, 'TERM'), 0, 'it ends in order');
like($run->{err}, qr/tried again in 10 seconds/, 'it said that it tries again');

# A table that goes away is waited for, one that never was there is not

$run = begin();
holds_lines($last, 'before the table goes away');
sql('ALTER TABLE http_log RENAME TO away');
append($log, $last + 1 .. $last + 5);
$last += 5;
for (1 .. 600)
{
    last if $run->{err} =~ /tried again in 10 seconds/;
    $run->{harness}->pump_nb;
    sleep 0.1;
}
like($run->{err}, qr/"http_log" does not exist.*tried again in 10 seconds/s, 'a table that is gone is waited for');
sql('ALTER TABLE away RENAME TO http_log');
holds_lines($last, 'after the table came back');
is(end($run, 'TERM'), 0, 'it ends in order');
foreach my $options ([ '-t', 'nosuch' ], [ '--schema', 'nosuch' ])
{
    my ($status, undef, $message) = clickstream($node, 'load', '--follow', '-o', "$scratch/new", @$options, $log);
    is($status, 3, "@$options: ends");
    like($message, qr/does not exist/, "@$options: message");
    unlike($message, qr/tried again/, "@$options: is not tried again");
    is_deeply([ glob "$scratch/new/*.avro" ], [], "@$options: no segment was written");
}

# What is loaded can be removed

append($log, $last + 1 .. $last + 5);
$last += 5;
$run = begin('--remove-segments');
holds_lines($last, 'with --remove-segments');
is(end($run, 'TERM'), 0, 'with --remove-segments: done');
my @left = glob "$scratch/segments/*.avro";
is(scalar @left, 1, 'only the last segment is left');
append($log, $last + 1 .. $last + 5);
$last += 5;
$run = begin();
holds_lines($last, 'after segments were removed');
is(end($run, 'TERM'), 0, 'it goes on from the last one');

# Usage

foreach my $case (
    [ qr/needs a directory/, '--follow', $log ],
    [ qr/takes one log/, '--follow', '-o', "$scratch/x", $log, $log ],
    [ qr/goes with none of/, '--follow', '-o', "$scratch/x", '--truncate', $log ],
    [ qr/goes with "--follow" only/, '-o', "$scratch/x", $log ])
{
    my ($message, @arguments) = @$case;
    my ($status, undef, $err) = clickstream($node, 'load', @arguments);
    is($status, 1, "usage: @arguments");
    like($err, $message, 'usage: message');
}

done_testing();
