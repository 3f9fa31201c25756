# test/t/077_load_truncate.pl - a load that empties its table beside others of the same table: who
# said that rows are loaded has them there, unless the table was emptied after his end
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $soak = $ENV{CLICKSTREAM_SOAK};
my $seed = $ENV{CLICKSTREAM_SEED} // 77;
my $rounds = $soak ? 500 : 25;
my $node = new_node('truncate', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;

srand $seed;
note("seed $seed, $rounds rounds");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Write a file of blocks of ten rows; those of the block with this number, if any, wait at the gate.
my $written = 0;

sub avro_file
{
    my ($blocks, $gate) = @_;
    my $sync = sprintf 'truncate file %2d', ++$written;
    my @blocks = map {
        my $path = $_ == ($gate // 0) ? '/gate' : '/';
        avro_block($sync, [ map { log_record($_, 'GET', $path, "file$written") } 1 .. 10 ])
    } 1 .. $blocks;

    return write_file("$scratch/file$written.avro", avro_header(log_schema, $sync) . join '', @blocks);
}

# Close the gate, until this session ends.
sub close_gate
{
    my $session = $node->background_psql('postgres');

    $session->query_safe('SELECT pg_advisory_lock(77)');
    return $session;
}

# Wait until so many of the loaders' sessions wait for a lock.
sub wait_for_waiting
{
    my ($count) = @_;

    return $node->poll_query_until('postgres',
        "SELECT count(*) = $count FROM pg_stat_activity"
          . " WHERE application_name = 'clickstream' AND wait_event_type = 'Lock'") || die "$count do not wait";
}

# Empty the table and the ledger, as if nothing had been loaded.
sub start_anew { return sql('TRUNCATE http_log, load_batch, load_reject, session_mark') }

# Test how loaders ended, and what the table holds: rows by file; these are the ledger's.
sub ends_with
{
    my ($name, $runs, $status, $rows) = @_;
    my @ended = map { end_load($_) } @$runs;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("@ended", $status, "$name: exit status") or diag(map { $_->{err} } @$runs);
    is(sql(q(SELECT user_id, count(*) FROM http_log GROUP BY user_id ORDER BY user_id)), $rows, "$name: rows");
    return as_in_ledger($name);
}

# Test that the table holds the batches of the ledger, and nothing else.
sub as_in_ledger
{
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is(sql(q(SELECT load_id, rows_loaded, count(l.load_id) FROM load_batch
                    FULL JOIN http_log AS l USING (load_id)
                    GROUP BY load_id, rows_loaded HAVING rows_loaded IS DISTINCT FROM count(l.load_id))),
        '', "$name: the table holds what the ledger says");
}

clickstream_ok($node, 'init');
sql(<<'END');
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(77); RETURN new; END';
CREATE TRIGGER gate BEFORE INSERT ON http_log FOR EACH ROW WHEN (new.http_path = '/gate') EXECUTE FUNCTION gate();
END

# A load has committed a batch, and waits in the second of three; another is to empty the table; a
# third begins after that

my @batches = ('--batch', 10);
my $one = avro_file(3, 2);
my $two = avro_file(1);
my $three = avro_file(1);
my $gate = close_gate();
my @runs = begin_load($node, @batches, $one);
wait_for_waiting(1);
push @runs, begin_load($node, '--truncate', $two);
wait_for_waiting(2);
push @runs, begin_load($node, $three);
wait_for_waiting(3);
is(sql('SELECT rows_loaded FROM load_batch'), '10', 'the first batch of the first is committed');
$gate->quit;
ends_with('beside a load', \@runs, '0 0 0', "file2|10\nfile3|10");
like($runs[0]{err}, qr/read 30 records = 30 loaded/, 'the first loaded all before');
like($runs[1]{err}, qr/waiting for other loads into public.http_log to end, to empty it/, 'the second waited');
like($runs[2]{err}, qr/waiting for a load that is to empty public.http_log/, 'so did the third');
is(sql(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')), 0, 'no lock is left');

# The first of several files is loaded

start_anew();
$gate = close_gate();
@runs = begin_load($node, $two, $one);
wait_for_waiting(1);
push @runs, begin_load($node, '--truncate', '--freeze', $three);
wait_for_waiting(2);
is(sql('SELECT count(*) FROM http_log'), '10', 'the first file is loaded');
$gate->quit;
ends_with('beside a load of several files', \@runs, '0 0', 'file3|10');

# Two that empty it: with different files, with the same

start_anew();
$gate = close_gate();
@runs = begin_load($node, '--truncate', @batches, $one);
wait_for_waiting(1);
push @runs, begin_load($node, '--truncate', $two), begin_load($node, '--truncate', '--jobs', 2, @batches, $one);
wait_for_waiting(3);
$gate->quit;
my @ended = map { end_load($_) } @runs;
is("@ended", '0 0 0', 'three that empty it: exit status') or diag(map { $_->{err} } @runs);
like(sql('SELECT user_id, count(*) FROM http_log GROUP BY user_id'), qr/\A(?:file1\|30|file2\|10)\z/,
    'three that empty it: the last one has its rows there');
as_in_ledger('three that empty it');
start_anew();
$gate = close_gate();
@runs = map { begin_load($node, '--truncate', @batches, $one) } 1 .. 2;
wait_for_waiting(2);
$gate->quit;
ends_with('two of the same file', \@runs, '0 0', 'file1|30');
is(sql('SELECT count(*) FILTER (WHERE truncated) FROM load_batch'), '1', 'two of the same file: it is emptied once');
like($runs[0]{err} . $runs[1]{err}, qr/already loaded/, 'two of the same file: the other one says so');

# A dry run empties nothing, and waits for nobody but the server

start_anew();
$gate = close_gate();
@runs = begin_load($node, @batches, $one);
wait_for_waiting(1);
push @runs, begin_load($node, '--dry-run', '--truncate', $two);
wait_for_waiting(2);
$gate->quit;
ends_with('a dry run', \@runs, '0 0', 'file1|30');

# One that empties it is killed: run again it goes on, once what it left on the server has ended

start_anew();
clickstream_ok($node, 'load', $three);
$gate = close_gate();
my $killed = begin_load($node, '--truncate', @batches, $one);
wait_for_waiting(1);
$killed->{harness}->signal('KILL');
end_load($killed);
@runs = begin_load($node, '--truncate', @batches, $one);
wait_for_waiting(2);
$gate->quit;
ends_with('killed', \@runs, '0', 'file1|30');
is(sql('SELECT count(*) FILTER (WHERE truncated) FROM load_batch'), '1', 'killed: it was emptied once');

# The session that holds a load's locks is lost; before the load has them again another empties
# the table: what is gone is loaded anew

foreach my $case ([ 'in batches', @batches, $one ], [ 'with a file that was done', $two, $one ])
{
    my ($name, @arguments) = @$case;

    start_anew();
    $gate = close_gate();
    @runs = begin_load($node, @arguments);
    wait_for_waiting(1);
    sql(q(SELECT pg_terminate_backend(pid) FROM (
              SELECT DISTINCT pid FROM pg_locks JOIN pg_stat_activity USING (pid)
              WHERE application_name = 'clickstream' AND wait_event_type IS DISTINCT FROM 'Lock'
                AND locktype = 'advisory') AS leader));
    push @runs, begin_load($node, '--truncate', $three);
    wait_for_waiting(2);
    $gate->quit;
    ends_with("a lost session, $name", \@runs, '0 0',
        "file1|30\n" . (@arguments == 2 ? "file2|10\n" : '') . 'file3|10');
    like($runs[0]{err}, qr/what was loaded of it is gone from public.http_log: loading it anew/,
        "a lost session, $name: said");
}

# At random: two at once, with and without --truncate; in every other round a session is lost

sql('DROP TRIGGER gate ON http_log');
my @files = map { avro_file(1 + $_ * 3) } 1 .. 4;
my %count = (emptied => 0, waited => 0, lost => 0);

# The arguments of a loader.
sub arguments
{
    my @names = sort { rand() < 0.5 ? -1 : 1 } @files;

    return ((rand() < 0.5 ? '--truncate' : ()), (rand() < 0.6 ? ('--batch', 10 + int rand 30) : ()),
        (rand() < 0.4 ? ('--jobs', 2) : ()), @names[ 0 .. int rand 3 ]);
}

# Test that a loader's files are there whole, or that the table was emptied after its last load.
sub kept_or_emptied
{
    my ($name, $run, @arguments) = @_;
    my $emptied = sql('SELECT coalesce(max(load_id) FILTER (WHERE truncated), 0) FROM load_batch');
    my ($last) = sort { $b <=> $a } $run->{err} =~ /load (\d+)/g, $run->{err} =~ /up to (\d+)/g;
    my @missing = grep {
        my $rows = sql("SELECT coalesce(sum(rows_loaded), 0) FROM load_batch WHERE file_name = '$_'");
        $rows != $run->{rows}{$_}
    } grep { /\.avro$/ } @arguments;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $count{emptied} += @missing > 0;
    return ok(@missing == 0 || $last < $emptied, "$name: its rows are there, or were emptied later")
      || diag("missing: @missing; last load $last, emptied by load $emptied\n$run->{err}");
}
my %rows = map { $files[$_] => 10 * (4 + $_ * 3) } 0 .. $#files;
foreach my $round (1 .. $rounds)
{
    my @arguments = map { [ arguments() ] } 1 .. 2;

    start_anew();
    @runs = begin_load($node, @{ $arguments[0] });
    sleep rand 0.1;
    push @runs, begin_load($node, @{ $arguments[1] });
    if ($round % 2)
    {
        sleep rand 0.15;
        $count{lost} += sql(q(SELECT count(pg_terminate_backend(pid)) FROM (
                                  SELECT pid FROM pg_stat_activity WHERE application_name = 'clickstream'
                                  ORDER BY random() LIMIT 1) AS one));
    }
    @ended = map { end_load($_) } @runs;
    is("@ended", '0 0', "round $round: exit status") or diag(map { $_->{err} } @runs);
    as_in_ledger("round $round");
    $runs[$_]{rows} = \%rows foreach 0, 1;
    kept_or_emptied("round $round: @{ $arguments[$_] }" =~ s/\Q$scratch\E\///gr, $runs[$_], @{ $arguments[$_] })
      foreach 0, 1;
    $count{waited} += grep { $_->{err} =~ /waiting for/ } @runs;
}
note("$count{emptied} loads were emptied later, $count{waited} waited, $count{lost} sessions were lost");

$node->stop;
done_testing();
