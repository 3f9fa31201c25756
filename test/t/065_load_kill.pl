# test/t/065_load_kill.pl - loaders, sessions of theirs and the whole server are killed at random
# moments, again and again; run to the end, each row is in the table once
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Loads;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $soak = $ENV{CLICKSTREAM_SOAK};
my $seed = $ENV{CLICKSTREAM_SEED} // 65;
my $kills = $ENV{CLICKSTREAM_KILLS} // ($soak ? 200 : 12);
my $rows = $soak ? 5_000_000 : 150_000;
my @jobs = ('--jobs', 2, '--batch', $soak ? 250_000 : 10_000);
my $node = new_node('kill', 'fsync = off', 'restart_after_crash = on', 'max_wal_size = 4GB');
my $scratch = PostgreSQL::Test::Utils::tempdir;

srand $seed;
note("seed $seed, $rows rows, $kills kills");
clickstream_ok($node, 'init');
my $file = large_log("$scratch/log", $rows);

# Empty the table and its ledger.
sub start_anew
{
    $node->safe_psql('postgres', 'TRUNCATE http_log, load_batch, load_reject, session_mark');
    return;
}

# How long a load takes that nobody disturbs.
my $started = time;
end_load(begin_load($node, @jobs, $file));
my $duration = time - $started;
holds_once($node, $rows, 'undisturbed');
batches_tile($node, $file, 'undisturbed');
my $digest = <<'END';
SELECT count(*), sum(hashtextextended(concat_ws(' ', "timestamp", http_method, http_path, user_id), 0)::numeric),
       count(*) FILTER (WHERE load_id NOT IN (SELECT load_id FROM load_batch))
FROM http_log
END
my $expected = $node->safe_psql('postgres', $digest);

# The processes of the loaders' sessions.
sub sessions
{
    my ($status, $out) = $node->psql('postgres',
        q(SELECT pid FROM pg_stat_activity WHERE application_name = 'clickstream'));
    return split /\n/, $out // '';
}

# Kill the loader, one of its sessions, or the server.
my %kill = (
    loader => sub { $_[0]->{harness}->signal('KILL') },
    session => sub { my @processes = sessions(); kill 'KILL', $processes[ int rand @processes ] if @processes },
    server => sub
    {
        my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
        my @children = split ' ', `ps -o pid= --ppid $postmaster`;

        $node->kill9;
        kill 'KILL', @children;
        sleep 0.05 while kill 0, $postmaster, @children;
        $node->start;
    });

# Wait until the server answers.
sub wait_for_server
{
    $node->poll_query_until('postgres', 'SELECT true') or die 'the server does not answer';
    return;
}

my %done;
my $cycles = 0;
start_anew();
foreach my $so_far (0 .. $kills - 1)
{
    my $what = (qw(loader session server))[ $so_far % 3 ];
    my $two = int rand 2;
    my @runs = map { begin_load($node, @jobs, $file) } 0 .. $two;

    sleep rand $duration;
    $kill{$what}->($runs[ int rand @runs ]);
    $done{$what}++;
    # the other loaders are killed as well, or go on to the end
    if (rand() < 0.7) { $_->{harness}->signal('KILL') foreach @runs }
    my @status = map { end_load($_) } @runs;
    wait_for_server();
    ok(!(grep { $_ > 0 && $_ != 3 } @status), "kill $so_far: $what") or diag(map { $_->{err} } @runs);
    next unless rand() < 0.3 || $so_far + 1 == $kills;

    # to the end, by two loaders at once
    @runs = map { begin_load($node, @jobs, $file) } 1 .. 2;
    @status = map { end_load($_) } @runs;
    is("@status", '0 0', 'to the end') or diag(map { $_->{err} } @runs);
    $cycles++;
    batches_tile($node, $file, "cycle $cycles");
    is($node->safe_psql('postgres', $digest), $expected, "cycle $cycles: each row is there once");
    start_anew();
}
is(join(' ', map { "$_ " . ($done{$_} // 0) } qw(loader session server)) =~ s/\d+/x/gr, 'loader x session x server x',
    "killed: " . join(', ', map { "$_ $done{$_}" } sort keys %done) . "; $cycles times to the end");

$node->stop;
done_testing();
