# test/t/066_load_faults.pl - connections cut at random bytes, a server that restarts, disks that are
# full: recovery or a clear error, nothing lost, nothing twice, no file half-written
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $soak = $ENV{CLICKSTREAM_SOAK};
my $seed = $ENV{CLICKSTREAM_SEED} // 66;
my $rounds = $soak ? 100 : 6;
my $rows = 60_000;
my $node = new_node('faults', 'fsync = off', 'wal_level = replica');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my ($status, $out, $err);

srand $seed;
clickstream_ok($node, 'init');
my $file = large_log("$scratch/log", $rows);

sub sql { return $node->safe_psql('postgres', $_[0]) }
sub start_anew { return sql('TRUNCATE http_log, load_batch, load_reject, session_mark') }

# A proxy of the server's: a process that passes bytes on, and cuts each connection after a number
# of bytes taken at random below a limit. Returns its port and its process.
sub start_proxy
{
    my ($limit) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1)
      or die "no listener: $!";
    my $server = $node->host . '/.s.PGSQL.' . $node->port;
    my $process = fork // die "no process: $!";

    return ($listener->sockport, $process) if $process;
    $SIG{PIPE} = 'IGNORE';
    my $select = IO::Select->new($listener);
    my (%peer, %left);
    while (my @ready = $select->can_read)
    {
        foreach my $socket (@ready)
        {
            if ($socket == $listener)
            {
                my $client = $listener->accept or next;
                my $backend = IO::Socket::UNIX->new(Peer => $server) or do { close $client; next };
                $left{$client} = $left{$backend} = \(my $bytes = int rand $limit);
                @peer{ $client, $backend } = ($backend, $client);
                $select->add($client, $backend);
                next;
            }
            my $to = $peer{$socket} or next;
            my $got = sysread $socket, my $data, 65536;
            my $keep = $got ? ($got < ${ $left{$socket} } ? $got : ${ $left{$socket} }) : 0;
            my $sent = $keep ? syswrite_all($to, substr $data, 0, $keep) : 0;
            ${ $left{$socket} } -= $keep;
            next if $sent && $keep == $got;
            foreach my $end ($socket, $to)
            {
                $select->remove($end);
                delete $peer{$end};
                close $end;
            }
        }
    }
    POSIX::_exit(0);
}

# Write all of it; false if that fails.
sub syswrite_all
{
    my ($socket, $data) = @_;

    while (length $data)
    {
        my $sent = syswrite $socket, $data or return 0;
        substr $data, 0, $sent, '';
    }
    return 1;
}

# Connections that are cut: the loader goes on by itself, or says that it did not get through

my %ended;
foreach my $round (1 .. $rounds)
{
    my ($port, $process) = start_proxy($round % 2 ? 1_000_000 : 20_000_000);

    start_anew();
    my $run = begin_load($node, '-h', '127.0.0.1', '-p', $port, '--jobs', 1 + $round % 3, '--batch', 5000,
        '--retries', $round % 4 ? 8 : 0, $file);
    my $ended = end_load($run);
    kill 'KILL', $process;
    waitpid $process, 0;
    $ended{$ended}++;
    ok($ended == 0 || $ended == 3, "round $round: exit status $ended") or diag($run->{err});
    like($run->{err}, qr/\Aclickstream: error: .*Run the same command again/s, 'it says what to do')
      if $ended;
    clickstream_ok($node, 'load', $file);
    holds_once($node, $rows, "round $round");
    batches_tile($node, $file, "round $round");
}
note(join ', ', map { "exit status $_: $ended{$_} times" } sort keys %ended);

# A server that is restarted, twice, while a load runs

start_anew();
my $run = begin_load($node, '--jobs', 2, '--batch', 2000, $file);
foreach my $mode (qw(fast immediate))
{
    $node->poll_query_until('postgres', 'SELECT count(*) > 1 FROM load_batch');
    $node->restart if $mode eq 'fast';
    next if $mode eq 'fast';
    $node->stop('immediate');
    sleep 1;
    $node->start;
}
is(end_load($run), 0, 'a restart of the server') or diag($run->{err});
holds_once($node, $rows, 'a restart of the server');
batches_tile($node, $file, 'a restart of the server');

# A connection that is lost behind rows that were refused: the file of rejects has them once
sql(q{CREATE TABLE twice (n integer CHECK (n > 0));
      CREATE SEQUENCE attempts;
      CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
          IF new.n = 9 AND nextval('attempts') % 3 <> 0 THEN
              PERFORM pg_terminate_backend(pg_backend_pid());
          END IF;
          RETURN new;
      END $$;
      CREATE TRIGGER cut BEFORE INSERT ON twice FOR EACH ROW EXECUTE FUNCTION cut()});
my $twice = write_file("$scratch/twice.csv", "n\n1\nx\n-1\n9\n");
foreach my $option ('--dry-run', '--again')
{
    ($status, $out, $err) = clickstream($node, 'load', '-t', 'twice', $option, '--max-rejects', 9, '--rejects',
        "$scratch/twice.jsonl", $twice);
    is($status, 0, "$option: tried again") or diag($err);
    is(() = $err =~ /trying again/g, 2, "$option: twice");
    like($err, qr/read 4 records = 2 loaded \+ 2 rejected/, "$option: the counts");
    is(() = read_file("$scratch/twice.jsonl") =~ /\n/g, 2, "$option: each refused row is kept once");
}

# A server that is not there at first is not waited for

($status, $out, $err) = clickstream($node, 'load', '-h', $scratch, $file);
is($status, 3, 'no server');
unlike($err, qr/trying again/, 'no server: not tried again');

# One that is there, but not open yet, is: here a standby that takes no connections, promoted later

start_anew();
$node->stop;
$node->append_conf('postgresql.conf', 'hot_standby = off');
write_file($node->data_dir . '/standby.signal', '');
$node->start;
$run = begin_load($node, $file);
$run->{harness}->pump until $run->{err} =~ /trying again/ || !$run->{harness}->pumpable;
like($run->{err}, qr/not accepting connections.*trying again in .* \(1 of 8\)/s, 'a server that starts: waited for');
$node->promote;
is(end_load($run), 0, 'a server that starts') or diag($run->{err});
holds_once($node, $rows, 'a server that starts');

# A disk that is full in the server is no matter of the rows

start_anew();
sql(q(CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF new.http_path ~ '/7777$' THEN RAISE 'no space left' USING ERRCODE = 'disk_full'; END IF;
      RETURN new; END $$;
      CREATE TRIGGER fill BEFORE INSERT ON http_log FOR EACH ROW EXECUTE FUNCTION fill()));
($status, $out, $err) = clickstream($node, 'load', '--max-rejects', 99, '--batch', 20_000, $file);
is($status, 3, 'a full disk of the server');
like($err, qr/error: no space left \(SQLSTATE 53100\)/, 'a full disk of the server: message');
is(sql('SELECT count(*) FROM load_reject'), 0, 'a full disk of the server: no row is blamed');
sql('DROP TRIGGER fill ON http_log');
clickstream_ok($node, 'load', $file);
holds_once($node, $rows, 'a full disk of the server');

# A full disk of ours: rejects have no place to go. Run the loader with files of at most so many
# blocks of 512 bytes.
sub load_limited
{
    my ($blocks, @arguments) = @_;
    my ($messages, $output) = ('', '');

    local %ENV = (%ENV, client_environment($node));
    IPC::Run::run([ 'sh', '-c', "ulimit -f $blocks; exec \"\$@\"", 'sh', $ENV{CLICKSTREAM_BIN}, 'load', @arguments ],
        '<', \undef, '>', \$output, '2>', \$messages);
    return ($? >> 8, $messages);
}

my $sync = 'synchronisation!';
my $bad = write_file("$scratch/bad.avro", avro_header(log_schema, $sync)
      . join '', map { avro_block($sync, [ map { log_record($_, 'GET', "/\0" . 'x' x 100, 'u') } 1 .. 100 ]) } 1 .. 20);
my $rejects = "$scratch/rejects.jsonl";
sql('TRUNCATE http_log, load_batch, load_reject');
($status, $err) = load_limited(8, '--max-rejects', 9999, '--rejects', $rejects, $bad);
is($status, 3, 'no room for rejects');
like($err, qr/error: could not write .*(too large|space)/i, 'no room for rejects: message') or diag($err);
ok(!-e $rejects, 'no room for rejects: no file');
is(join(' ', glob "$scratch/.clickstream-* $scratch/.*.tmp"), '', 'no room for rejects: nothing is left over');
is(sql('SELECT count(*) FROM load_batch'), 0, 'no room for rejects: the load did not happen');
($status, $out, $err) = clickstream($node, 'load', '--max-rejects', 9999, '--rejects', '/dev/full', $bad);
is($status, 1, 'rejects into a device') or diag($err);
clickstream_ok($node, 'load', '--max-rejects', 9999, '--rejects', $rejects, $bad);
is(() = read_file($rejects) =~ /\n/g, 2000, 'with room all rejects are there');

# Those of each file have a place, but not all of them in one file
sql('CREATE TABLE t (n int)');
my @control = map { write_file("$scratch/control$_.csv", join "\n", 'n', "file $_", ("\x01" x 1000) x 99) } 1 .. 3;
unlink $rejects;
($status, $err) = load_limited(2000, '-t', 't', '--max-rejects', 9999, '--rejects', $rejects, @control);
is($status, 3, 'no room in the file of rejects') or diag($err);
like($err, qr/rejected records are in the table load_reject\n.*error: could not write .*rejects.jsonl/s,
    'no room in the file of rejects: message');
ok(!-e $rejects, 'no room in the file of rejects: no file');
unlike($err, qr/load_reject and in|written/, 'no room in the file of rejects: none is promised');
is(sql(q(SELECT count(*) FROM load_reject JOIN load_batch USING (load_id) WHERE table_name = 'public.t')), 300,
    'no room in the file of rejects: they are in the table');
clickstream_like($node, 0, qr/already loaded.*rejects.jsonl: 300 rejected records written/s,
    'with room once more', 'load', '-t', 't', '--max-rejects', 9999, '--rejects', $rejects, @control);

$node->stop;
done_testing();
