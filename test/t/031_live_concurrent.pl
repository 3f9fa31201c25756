# test/t/031_live_concurrent.pl - refreshes, loads and changes by hand at the same time: every
# batch is in the states once, whatever commits while a refresh runs
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('live', 'fsync = off', 'max_worker_processes = 8', 'deadlock_timeout = 100ms');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $rounds = $ENV{CLICKSTREAM_SOAK} ? 10 : 1;
my ($files, @lines) = (0);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Make a file of a log nobody has seen yet.
sub new_file
{
    my @log = random_log(100 + ++$files);

    push @lines, @log;
    return avro_log("$scratch/$files", @log);
}

sub load { return clickstream_ok($node, 'load', new_file()) }

# Test that the states are right, with the oracle.
sub check
{
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_stored($node, $name, oracle_csv(write_lines("$scratch/all.txt", @lines)));
    return;
}

# Run a statement in the background, in a session with these settings.
sub begin
{
    my ($statement, @settings) = @_;
    my %run = (out => '', err => '');
    my @commands = map { ('-c', $_) } (map { "SET $_" } "application_name = 'behind'", @settings), $statement;

    $run{harness} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), @commands ],
        '<', \undef, '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# Wait until this many sessions of begin() wait for a lock.
sub wait_for_waiting
{
    my ($count) = @_;
    return $node->poll_query_until('postgres', <<"END");
SELECT count(*) = $count FROM pg_stat_activity
WHERE application_name = 'behind' AND wait_event_type = 'Lock'
END
}

# Wait for a statement to end; return what it printed.
sub finish
{
    my ($run) = @_;
    $run->{harness}->finish;
    return $run->{out};
}

# While advisory lock 42 is held, a refresh with test.wait on stops in the middle of its statement.
clickstream_ok($node, 'init');
sql(<<'END');
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('test.wait', true) = 'on' THEN
        PERFORM pg_advisory_xact_lock_shared(42);
    END IF;
    RETURN NULL;
END$$;
CREATE TRIGGER wait BEFORE UPDATE ON load_batch EXECUTE FUNCTION wait();
CREATE TRIGGER wait BEFORE INSERT ON session_state EXECUTE FUNCTION wait();
CREATE TRIGGER wait BEFORE DELETE ON session_mark EXECUTE FUNCTION wait();
END

# Run $meanwhile while a refresh stands in its statement; return what the refresh printed.
sub interrupt_refresh
{
    my ($statement, $meanwhile) = @_;
    my $holder = $node->background_psql('postgres');

    $holder->query_safe('SELECT pg_advisory_lock(42)');
    my $refresh = begin($statement, 'test.wait = on');
    wait_for_waiting(1);
    $meanwhile->();
    $holder->quit;
    return finish($refresh);
}

load();
is(sql('SELECT refresh_sessions()'), '66', 'the first refresh');
check('start');

# A load commits while a refresh runs: it waits for the next one, as a whole

foreach my $statement ('SELECT refresh_sessions()', 'SELECT refresh_sessions(true)')
{
    load();
    cmp_ok(interrupt_refresh($statement, \&load), '>', 50, "$statement: users of the batch before");
    is(fresh($node), 'f', 'the batch that came meanwhile is left');
    is(sql('SELECT count(*) FROM load_batch WHERE NOT refreshed'), '1', 'one batch');
    cmp_ok(sql('SELECT refresh_sessions()'), '>', 50, 'the next refresh brings it');
    check("$statement, interrupted by a load");
}

# Rows change by hand while a refresh runs

my $change = sub {
    sql(q(INSERT INTO http_log VALUES ('2020-03-01', 'GET', '/', 'by hand')));
    push @lines, "2020-03-01T00:00:00Z GET / by_hand\n";
    sql(q(UPDATE http_log SET user_id = 'by_hand' WHERE user_id = 'by hand'));
};
foreach my $statement ('SELECT refresh_sessions()', 'SELECT refresh_sessions(true)')
{
    load();
    interrupt_refresh($statement, $change);
    is(fresh($node), 'f', "$statement: marks that came meanwhile are left");
    sql('SELECT refresh_sessions()');
    check("$statement, interrupted by changes");
}

# Between the look for marks of everyone and the statement that refreshes

load();
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE load_batch IN SHARE MODE');
my $refresh = begin('SELECT refresh_sessions()');
wait_for_waiting(1);
$change->();
$holder->quit;
finish($refresh);
is(fresh($node), 'f', 'a mark that came behind the look is left');
sql('SELECT refresh_sessions()');
check('a mark behind the look');

# Dropping rows: a batch that commits meanwhile stays in the log until it is in the states

load();
interrupt_refresh(q(SELECT forget_before('infinity')), \&load);
is(sql('SELECT count(*) FROM http_log'),
    sql('SELECT sum(rows_loaded - rows_forgotten) FROM load_batch'), 'the ledger knows how many are left');
sql('SELECT refresh_sessions()');
check('rows are dropped while a load commits');

# Two at once: the second waits, and finds nothing to do; a report waits for neither

load();
$holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; SELECT refresh_sessions()');
my @waiting = map { begin('SELECT refresh_sessions()') } 1 .. 2;
wait_for_waiting(2);
is_csv(report_csv($node, ''), oracle_csv(write_lines("$scratch/all.txt", @lines)),
    'a report while refreshes run and wait');
$holder->query_safe('COMMIT');
is(join(' ', map { finish($_) } @waiting), "0\n 0\n", 'the others have nothing to do');
check('three refreshes at once');
load();
$holder->query_safe('BEGIN; SELECT refresh_sessions()');
@waiting = (begin('SELECT refresh_sessions()'));
wait_for_waiting(1);
$holder->query_safe('ROLLBACK');
$holder->quit;
cmp_ok(finish($waiting[0]), '>', 50, 'after a rollback the other does it');
check('a refresh that is rolled back');

# One snapshot for the whole transaction: right, or a serialization failure

foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
    load();
    my $session = $node->background_psql('postgres', on_error_stop => 0);
    $session->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM http_log");
    load();
    cmp_ok($session->query_safe('SELECT refresh_sessions()'), '>', 50, "$level: with its own snapshot");
    $session->query_safe('COMMIT');
    is(sql('SELECT count(*) FROM load_batch WHERE NOT refreshed'), '1', 'the later batch is left');
    sql('SELECT refresh_sessions()');
    check($level);
    foreach my $statement ('refresh_sessions()', 'refresh_sessions(true)', q(forget_before('2020-03-02')),
        q(forget_user('nobody')))
    {
        load();
        $session->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM http_log");
        sql('SELECT refresh_sessions()');
        $session->query("SELECT $statement");
        like($session->{stderr}, qr/could not serialize access/, "$level: $statement behind another refresh");
        $session->{stderr} = '';
        $session->query('ROLLBACK');
    }
    $session->quit;
    check("$level, after failures");
}

# All at once: loaders, refreshers, hands. Two that delete or update many rows may meet in
# a deadlock, as in any table: one of them is told so, and tries again.

sub shell_loop
{
    my ($times, $command) = @_;
    my %run = (all => '');
    local %ENV = (
        %ENV,
        client_environment($node),
        C => $ENV{CLICKSTREAM_BIN});
    $run{harness} = IPC::Run::start([ 'bash', '-c', <<"END" ],
for i in {1..$times}; do
    until out=\$($command 2>&1); do
        if [[ \$out != *'deadlock detected'* ]]; then echo "\$out"; exit 1; fi
    done
done
END
        '<', \undef, '>', \$run{all}, '2>&1');
    return \%run;
}

foreach my $round (1 .. $rounds)
{
    my @loads = map { join ' ', map { new_file() } 1 .. 10 } 1 .. 2;
    my @hands = (
        q(UPDATE http_log SET http_path = http_path WHERE user_id = 'user-'$i),
        q(BEGIN; INSERT INTO http_log VALUES ('2020-03-09', 'GET', '/', 'user-'$i, -$i); SELECT pg_sleep(0.01); COMMIT;
          SELECT pg_sleep(0.01); DELETE FROM http_log WHERE load_id = -$i));
    s/'user-'\$i/\\\$\\\$user-\$i\\\$\\\$/g foreach @hands;
    my @runs = (
        (map { shell_loop(1, "\$C load $_") } @loads),
        (map { shell_loop(40, 'psql -XqAt -c "SELECT refresh_sessions()"') } 1 .. 2),
        (map { shell_loop(20, qq(psql -Xq -c "$_")) } @hands),
        shell_loop(4, q(psql -XqAt -c "SELECT forget_before('2020-03-0$i')")));
    foreach my $run (@runs)
    {
        $run->{harness}->finish;
        is($run->{harness}->full_result(0), 0, 'no failure') or diag($run->{all});
    }
    sql('SELECT refresh_sessions()');
    check("all at once, $round");
    is(rebuild_changes($node), '0', 'a rebuild changes nothing');
}

# A rebuild uses parallel workers

SKIP:
{
    my ($status, $out, $err) = $node->psql('postgres', q(LOAD 'auto_explain'));
    skip 'auto_explain is not installed', 1 if $status != 0;
    sql('ALTER TABLE http_log SET (parallel_workers = 4); ANALYZE http_log');
    ($status, $out, $err) = $node->psql('postgres', <<"END");
$parallel
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_nested_statements = on;
SET auto_explain.log_analyze = on;
SET client_min_messages = log;
SELECT refresh_sessions(true);
END
    like($err, qr/Workers Launched: [1-9].*Parallel Seq Scan on http_log/s, 'a rebuild is parallel');
}

# A row that becomes one of the erased user's meanwhile is in the report, and in the next states

sql('CREATE TRIGGER wait_delete BEFORE DELETE ON session_state EXECUTE FUNCTION wait()');
sql(q(INSERT INTO http_log ("timestamp", user_id) VALUES ('2020-03-01Z', 'erased'), ('2020-03-02Z', 'other')));
sql('SELECT refresh_sessions()');
interrupt_refresh(q(SELECT forget_user('erased')),
    sub { sql(q(UPDATE http_log SET user_id = 'erased' WHERE user_id = 'other')) });
my $erased = <<'END';
SELECT session_states_fresh(), session_start AT TIME ZONE 'UTC' FROM session_report() WHERE user_id = 'erased'
END
is(sql($erased), 'f|2020-03-02 00:00:00', 'a row that came while a user was erased');
sql('SELECT refresh_sessions()');
is(sql($erased), 't|2020-03-02 00:00:00', 'from the states, too');

$node->stop;
done_testing();
