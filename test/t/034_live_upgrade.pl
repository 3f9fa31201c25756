# test/t/034_live_upgrade.pl - init brings a database of version 0.1.0 to the present shape, keeps
# what is there, and waits for loads
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('upgrade', 'fsync = off', 'deadlock_timeout = 100ms');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @lines = random_log(34);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# A database as version 0.1.0 left it: its tables, and a batch of its loader

sql(q(CREATE EXTENSION clickstream VERSION '0.1.0'));
sql(slurp_file("$ENV{CLICKSTREAM_ROOT}/test/fixtures/0.1.0/tables.sql"));
my $log = write_lines("$scratch/old.txt", @lines[ 0 .. 999 ]);
sql(<<"END");
WITH batch AS (
    INSERT INTO load_batch (table_name, file_name, file_id, first_block, rows_read, rows_loaded, rows_rejected)
    VALUES ('public.http_log', 'old.avro', 'old', 0, 1000, 1000, 0) RETURNING load_id)
INSERT INTO load_reject (load_id, reason) SELECT load_id, 'kept' FROM batch;
ALTER TABLE http_log ALTER load_id SET DEFAULT 1;
COPY http_log ("timestamp", http_method, http_path, user_id) FROM '$log' (DELIMITER ' ');
ALTER TABLE http_log ALTER load_id DROP DEFAULT;
END
my ($early, undef, $message) = clickstream($node, 'load', avro_log("$scratch/early", @lines[ 1000 .. $#lines ]));
is($early, 3, 'a load comes too early');
like($message, qr/"clickstream init" brings the tables of an older version up to date/, 'and says so');
clickstream_ok($node, 'init');
is(sql(q(SELECT extversion > '0.1.0' FROM pg_extension WHERE extname = 'clickstream')),
    't', 'the extension is of the present version');
is(sql('SELECT load_id, file_name, rows_loaded, refreshed, rows_forgotten, start_pages FROM load_batch'),
    '1|old.avro|1000|f|0|', 'the ledger is kept');
is(sql('SELECT reason FROM load_reject'), 'kept', 'so are rejects');
is(fresh($node), 'f', 'there are no states yet');
is_csv(report_csv($node, ''), oracle_csv($log), 'the report reads the log');
clickstream_ok($node, 'load', avro_log("$scratch/new", @lines[ 1000 .. $#lines ]));
cmp_ok(sql('SELECT refresh_sessions()'), '>', 50, 'the first refresh makes all states');
is_stored($node, 'after it', oracle_csv(write_lines("$scratch/all.txt", @lines)));

# The shapes are those of a new database

my $shapes = <<'END';
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') ORDER BY 1, 2
END
$node->safe_psql('postgres', 'CREATE DATABASE new');
clickstream_ok($node, 'init', '-d', 'new');
is(sql($shapes), $node->safe_psql('new', $shapes), 'every column is that of a new database');
my $ledger = q(SELECT attname FROM pg_attribute WHERE attrelid = 'load_batch'::regclass AND attnum > 0 ORDER BY attnum);
is(sql($ledger), $node->safe_psql('new', $ledger), 'in the same order');

# Another table in the place of the log: its rows were written unseen

$node->safe_psql('postgres', 'CREATE DATABASE swap');
clickstream_ok($node, 'init', '-d', 'swap');
sub swapped { return $node->safe_psql('swap', $_[0]) }
swapped(q(INSERT INTO http_log ("timestamp", user_id) VALUES ('2024-03-01', 'old'); SELECT refresh_sessions()));
swapped(q(ALTER TABLE http_log RENAME TO old_log; CREATE TABLE http_log (LIKE old_log);
    INSERT INTO http_log ("timestamp", user_id) VALUES ('2024-03-02', 'new')));
clickstream_ok($node, 'init', '-d', 'swap');
is(swapped('SELECT session_states_fresh(), user_id FROM session_report()'), 'f|new', 'the report reads it');
is(swapped('SELECT refresh_sessions(); SELECT session_states_fresh(), user_id FROM session_report()'),
    "2\nt|new", 'and so does the refresh');

# Again: nothing changes, marks and states stay, triggers come to new partitions

sql(q(DELETE FROM http_log WHERE user_id = 'user-1'));
my $kept = <<'END';
SELECT * FROM session_mark; SELECT count(*) FROM session_state; SELECT oid, tgname FROM pg_trigger ORDER BY 1
END
my $before = sql($kept);
clickstream_ok($node, 'init');
is(sql($kept), $before, 'init again keeps states, marks and triggers');
sql('SELECT refresh_sessions()');
sql('DROP TRIGGER session_mark_delete ON http_log');
clickstream_ok($node, 'init');
is(sql(q(SELECT count(*) FROM pg_trigger WHERE tgname = 'session_mark_delete' AND tgrelid = 'http_log'::regclass)),
    '1', 'a trigger that is missing comes back');
is(fresh($node), 'f', 'rows may have gone unseen');

# A table of another shape is an error, and leaves everything as it was

sql('CREATE SCHEMA odd; CREATE TABLE odd.load_batch (n int)');
my ($status, $out, $err) = clickstream($node, 'init', '--schema', 'odd');
is($status, 3, 'a table of another shape');
like($err, qr/table "odd.load_batch" exists without column "load_id" of type bigint/, 'message');
is(sql(q(SELECT count(*) FROM pg_attribute WHERE attrelid = 'odd.load_batch'::regclass AND attnum > 0)),
    '1', 'is left alone');
sql('CREATE SCHEMA half; CREATE TABLE half.session_state (user_id text PRIMARY KEY, state text, base text)');
($status, $out, $err) = clickstream($node, 'init', '--schema', 'half');
like($err, qr/table "half.session_state" exists with column "state" of type text instead of public.sessionset/,
    'states of another type');

# An extension in another schema, names that need quotes: nothing depends on the search path

$node->safe_psql('postgres', 'CREATE DATABASE apart');
$node->safe_psql('apart', 'CREATE SCHEMA "The tools"; CREATE EXTENSION clickstream SCHEMA "The tools"');
clickstream_ok($node, 'init', '-d', 'apart', '--schema', q(It's "live"));
clickstream_ok($node, 'load', '-d', 'apart', '--schema', q(It's "live"), "$scratch/new.avro");
my $live = q("It's ""live""");
is($node->safe_psql('apart', <<"END"), "t\nt|0\nt\nt", 'works from anywhere');
SET search_path = '';
SELECT $live.refresh_sessions() > 50;
SELECT $live.session_states_fresh(), $live.refresh_sessions(true);
SELECT count(*) > 100 FROM $live.session_report();
SELECT $live.forget_user('user-1') > 0;
SELECT FROM $live.forget_before('2020-03-01');
END

# While a load, a refresh or the like runs: init waits for it, and neither is a victim of the other

sql('CREATE SCHEMA busy');
clickstream_ok($node, 'init', '--schema', 'busy');
my $session = $node->background_psql('postgres');

sub check_waiting
{
    my ($name, $first, $then) = @_;

    local %ENV = (%ENV, client_environment($node));
    $session->query_safe("BEGIN; $first");
    my $init = IPC::Run::start([ $ENV{CLICKSTREAM_BIN}, 'init', '--schema', 'busy' ], '<', \undef, '2>', \my $said);
    $node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query ~ 'LOCK TABLE load_batch'));
    $session->query_safe("$then; COMMIT");
    $init->finish;
    is($init->full_result(0), 0, "init waits for $name") or diag($said);
    return;
}
check_waiting('a load', 'LOCK TABLE busy.load_batch IN ROW EXCLUSIVE MODE',
    'LOCK TABLE busy.http_log, busy.load_reject IN ROW EXCLUSIVE MODE');
check_waiting('a refresh', 'SELECT busy.session_refresh_begin()', 'SELECT busy.refresh_sessions()');
check_waiting('a user to be forgotten', 'SELECT busy.session_refresh_begin()', q(SELECT busy.forget_user('nobody')));
$session->quit;

$node->stop;
done_testing();
