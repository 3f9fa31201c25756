# test/t/032_live_crash.pl - the server is killed in the middle of a refresh, at a random moment and
# while a load runs: after recovery, the rest of the load and one refresh the states are right
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = $ENV{CLICKSTREAM_SOAK} ? 50 : 5;
my $seed = 32;
my $node = new_node('crash', 'fsync = off', 'restart_after_crash = on');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my (@lines, %ended);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Lines of a log with users of their own for each $prefix, out of $kinds.
sub new_lines
{
    my ($number, $kinds) = @_;
    my @log = random_log(1000 * $seed + $number);

    s/ user-/' user-' . int(rand $kinds) . '-'/e foreach @log;
    push @lines, @log;
    return @log;
}

# Start the loader; return its harness.
sub start_load
{
    my (@files) = @_;

    local %ENV = (%ENV, client_environment($node));
    return IPC::Run::start([ $ENV{CLICKSTREAM_BIN}, 'load', @files ], '<', \undef, '>', \my $out, '2>', \my $err);
}

# Run a statement, and kill the server process that runs it after $delay seconds. Return whether
# the statement was done by then.
sub kill_within
{
    my ($statement, $delay) = @_;
    my @commands = ("SELECT 'process ' || pg_backend_pid()", $statement, "SELECT 'done'");
    my ($out, $err) = ('', '');
    my $psql = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), map { ('-c', $_) } @commands ],
        '<', \undef, '>', \$out, '2>', \$err);

    $psql->pump until $out =~ /process (\d+)\n/;
    my $process = $1;
    sleep $delay;
    kill 'KILL', $process;
    eval { $psql->finish };
    return $out =~ /done/;
}

clickstream_ok($node, 'init');
# Run a statement of its own session; return how long it took.
sub duration
{
    my ($statement) = @_;
    my $started = time;

    sql($statement);
    return time - $started;
}

# What is killed, and how long it takes at most.
clickstream_ok($node, 'load', avro_log("$scratch/base", map { new_lines($_, 50) } 1 .. 40));
my %duration = ('refresh_sessions(true)' => duration('SELECT refresh_sessions()'));
clickstream_ok($node, 'load', avro_log("$scratch/more", map { new_lines($_, 50) } 41 .. 43));
$duration{'refresh_sessions()'} = duration('SELECT refresh_sessions()');
$duration{'forget_before'} = duration(q(SELECT forget_before('2020-03-01')));

foreach my $n (1 .. $kills)
{
    my @files = map { avro_log("$scratch/$n-$_", new_lines("$n$_", 50)) } 1 .. 3;
    srand($seed + $n);
    my $kind = (sort keys %duration)[ rand keys %duration ];
    my $bound = sprintf '2020-03-%02d %02d:00', 1 + $n / 20, $n % 20;
    my $statement = $kind =~ /\(/ ? $kind : "$kind('$bound')";

    clickstream_ok($node, 'load', shift @files);
    sql(q(UPDATE http_log SET http_path = http_path WHERE user_id LIKE 'user-) . $n . q(-%')) if rand() < 0.3;
    my $load = start_load(@files);
    sleep rand 0.1;
    my $done = kill_within("SELECT $statement", rand(1.1 * $duration{$kind}));
    $ended{ $done ? 'behind' : 'within' }++;
    $load->finish;
    $node->poll_query_until('postgres', 'SELECT true') or BAIL_OUT('the server did not come back');
    clickstream_ok($node, 'load', @files);
    sql('SELECT refresh_sessions()');
    is(fresh($node), 't', "kill $n, in $statement: fresh");
    is(states_behind($node), '0', 'the states are those of the log');
    is(rebuild_changes($node), '0', 'a rebuild changes nothing');
}
is_stored($node, "after $kills kills", oracle_csv(write_lines("$scratch/all.txt", @lines)));
cmp_ok($ended{within} // 0, '>', 0, 'kills within a statement') or diag('all kills came too late');
note(join ', ', "seed $seed", map { "$ended{$_} $_" } sort keys %ended);

$node->stop;
done_testing();
