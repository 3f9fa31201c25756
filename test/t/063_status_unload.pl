# test/t/063_status_unload.pl - status: what the ledger says of files and loads; unload: rows of
# loads go, others stay, and the stored sessions follow
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('unload');
my $scratch = PostgreSQL::Test::Utils::tempdir;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run the loader, which must end with a status and a message.
sub ends_like
{
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return clickstream_like($node, @_);
}

# What status prints as JSON, as hashes.
sub status_json
{
    my (@arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return map { decode_json($_) } split /\n/,
        clickstream_ok($node, 'status', '--format', 'json', @arguments);
}

# The report that the oracle gives of log files.
sub expected { return oracle_csv('--mapping', "$scratch/mapping.csv", map { "$scratch/$_.txt" } @_) }

# One field of what status says of one file.
sub state_of { return (status_json($_[0]))[0]{state} }

ends_like(3, qr/load_batch and load_reject do not exist.*init/s, 'status before init', 'status');
clickstream_ok($node, 'init');
is(clickstream_ok($node, 'status', '--format', 'json'), '', 'an empty ledger');
is(sql(q(SELECT string_agg(p.proname, ' ') FROM pg_proc AS p
         WHERE p.pronamespace = 'public'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
           AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e'))),
    '', 'all functions that init made have a comment');

# What status says

my @lines = random_log(3, 200);
my $half = int(@lines / 2);
my $first = avro_log("$scratch/first", @lines[ 0 .. $half ]);
my $second = avro_log("$scratch/second", @lines[ $half + 1 .. $#lines ]);
my $csv = write_file("$scratch/map.csv", "campaign_id,reward_id\n1,2\nx,3\n4,5\n");
write_file("$scratch/mapping.csv", "campaign_id,reward_id\n1,2\n4,5\n"); # without what is refused
my $rejects = "$scratch/rejects.jsonl";
clickstream_ok($node, 'load', $first, $second);
clickstream_ok($node, 'load', '-t', 'campaign_reward_mapping', '--max-rejects', '1', '--rejects',
    $rejects, $csv);

my @found = status_json();
is(join(' ', map { $_->{file} } @found), "$first $second $csv", 'files in the order of their loads');
is($found[0]{table}, 'public.http_log', 'table');
is($found[0]{read}, $half + 1, 'records read');
is($found[0]{bytes}, -s $first, 'bytes loaded');
is($found[0]{size}, -s $first, 'size');
is($found[0]{state}, 'complete', 'a file that is loaded');
is($found[0]{loading}, undef, 'nobody loads it');
is_deeply($found[0]{truncated}, JSON::PP::false, 'the table was not emptied');
like($found[0]{first_load}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/, 'time of the first load');
is($found[2]{rejected}, 1, 'a record that was refused');
is($found[2]{state}, 'complete', 'a text that is loaded');
is(join(' ', map { $_->{file} } status_json('-t', 'http_log')), "$first $second", 'of one table');
is(join(' ', map { $_->{file} } status_json($second)), $second, 'of one file');
is(join(' ', map { $_->{file} } status_json('1', $csv)), "$first $csv", 'of a load and a file');
is(scalar(status_json("$scratch/nowhere.avro")), 0, 'of a file that was never loaded');
ends_like(0, qr/nowhere.avro: nothing of this file was loaded into any table/, 'and that is said',
    'status', "$scratch/nowhere.avro");
ends_like(0, qr/load 99 is not in the ledger of public.http_log/, 'a load that never was',
    'status', '-t', 'http_log', '99');
like(clickstream_ok($node, 'status'), qr/^ +file +\| +table +\| batches .*\(3 rows\)\n\z/s, 'a table');
like(clickstream_ok($node, 'status', '--format', 'csv'),
    qr/^file,table,batches,loads,.*\n\Q$first\E,public.http_log,1,1,/s, 'CSV');

# Rejects

is(clickstream_ok($node, 'status', '--rejects', '--format', 'json', $csv), read_file($rejects),
    'rejects as JSON are the file of rejects');
like(clickstream_ok($node, 'status', '--rejects'), qr/ load +\| +file .*22P02.*\(1 row\)/s,
    'rejects as a table');
is(clickstream_ok($node, 'status', '--rejects', '--format', 'json', $first), '', 'of another file');
ends_like(1, qr/exclude each other/, 'two lists at once', 'status', '--rejects', '--running');

# What became of files

write_file("$scratch/part.avro", read_file($first));
is(state_of("$scratch/part.avro"), 'complete', 'a copy is the same file');
sql('UPDATE load_batch SET end_offset = end_offset / 2 WHERE load_id = 1');
utime 1, 1, $first;
like(state_of($first), qr/^partial \((49|50) %\)$/, 'a file that is loaded in part');
utime time + 1000, time + 1000, $first;
like(state_of($first), qr/^grown \((49|50) %\)$/, 'a file that was written to since');
sql('UPDATE load_batch SET end_offset = end_offset * 4 WHERE load_id = 1');
is(state_of($first), 'cut short', 'a file that lost its end');
sql('UPDATE load_batch SET end_offset = ' . (-s $first) . ' WHERE load_id = 1');
sql("UPDATE load_batch SET file_name = '$second' WHERE load_id = 1");
is((status_json('1'))[0]{state}, 'another file', 'a name that leads to another file');
ends_like(2, qr/not loaded, but another file of this name was.*load 3.*hint/s,
    'unload of another file', 'unload', write_file($csv, "campaign_id,reward_id\n9,9\n"));
is((status_json('3'))[0]{state}, 'changed', 'a text that was changed');
sql("UPDATE load_batch SET file_name = '$first' WHERE load_id = 1");

# Who loads it

my $session = $node->background_psql('postgres');
$session->query_safe(q(SELECT pg_advisory_lock(hashtextextended(table_name || ' ' || file_id, 0))
                       FROM load_batch WHERE load_id = 1));
my $pid = $session->query_safe('SELECT pg_backend_pid()');
is((status_json($first))[0]{loading}, $pid, 'the process that has the lock of a file');
my ($running) = status_json('--running');
is("$running->{process} $running->{file} $running->{does}", "$pid $first leads", 'a load under way');
ends_like(3, qr/is being loaded into public.http_log.*status --running/s, 'unload meanwhile',
    'unload', $first);
$session->quit;
is(scalar(status_json('--running')), 0, 'nothing is under way');

# Unload, before any refresh has seen the batch

sub rows { return sql('SELECT count(*) FROM http_log') }
my $all = rows();
my $of_first = sql('SELECT rows_loaded FROM load_batch WHERE load_id = 1');
ends_like(0, qr/first.avro: would take $of_first rows out of public.http_log \(load 1\)/,
    'a dry run', 'unload', '--dry-run', $first);
is(rows(), $all, 'which takes nothing');
ends_like(0, qr/second.avro: took \d+ rows out of public.http_log \(load 2\)/, 'unload', 'unload', $second);
is(rows(), $of_first, 'the rows of the load are gone');
is(sql('SELECT count(*) FROM session_mark WHERE user_id IS NOT NULL'), '0', 'no user is marked');
is(sql('SELECT count(*) FROM load_batch WHERE load_id = 2'), '0', 'nor is it in the ledger');
sql('SELECT refresh_sessions()');
is_stored($node, 'first alone', expected('first'));
clickstream_ok($node, 'load', $second);
sql('SELECT refresh_sessions()');
is(rows(), $all, 'it can be loaded again');
is_stored($node, 'both', expected('first', 'second'));

# Unload of what is in the states

ends_like(0, qr/took $of_first rows/, 'unload after a refresh', 'unload', '1');
is(fresh($node), 'f', 'the states are not fresh');
is_csv(report_csv($node, ''), expected('second'), 'the report reads the log');
is(sql(q(SELECT count(*) FROM session_mark WHERE user_id IS NULL)), '0', 'not all users are marked');
sql('SELECT refresh_sessions()');
is_stored($node, 'second alone', expected('second'));
is(rebuild_changes($node), '0', 'a rebuild changes nothing');
clickstream_ok($node, 'load', $first);

# What cannot be taken out

ends_like(2, qr/load 99 is not in the ledger/, 'a load that there is not', 'unload', '99');
ends_like(2, qr/nowhere.avro: not loaded into any table/, 'a file that was not loaded', 'unload',
    "$scratch/nowhere.avro");
ends_like(1, qr/no file was given/, 'nothing named', 'unload');
my $load = sql(q(SELECT max(load_id) FROM load_batch WHERE file_name LIKE '%first.avro'));
sql("DELETE FROM http_log WHERE ctid = (SELECT min(ctid) FROM http_log WHERE load_id = $load)");
ends_like(2, qr/of the \d+ rows of load $load there are \d+ in table public.http_log.*"--force"/s,
    'a row was deleted', 'unload', $first);
is(sql("SELECT count(*) FROM load_batch WHERE load_id = $load"), '1', 'so nothing was done');
ends_like(0, qr/took @{[ $of_first - 1 ]} of $of_first rows/, 'with --force', 'unload', '--force', $first);
sql('SELECT refresh_sessions()');
is_stored($node, 'after --force', expected('second'));

sql('SELECT forget_before(percentile_disc(0.5) WITHIN GROUP (ORDER BY "timestamp")) FROM http_log');
ends_like(2, qr/cannot be taken out: forget_before has dropped \d+ of its rows.*55000/s,
    'rows were forgotten', 'unload', $second);
cmp_ok((status_json($second))[0]{forgotten}, '>', 0, 'status knows');

ends_like(2, qr/campaign_reward_mapping has no column load_id of type bigint/, 'a table without load_id',
    'unload', '3');
sql('CREATE TABLE noted (load_id int, a text); CREATE TABLE plain ("Load_ID" bigint, a text)');
my $a = write_file("$scratch/a.csv", "a\n1\n2\n");
clickstream_ok($node, 'load', '-t', 'plain', $a);
sql('CREATE TABLE other (LIKE plain)');
clickstream_ok($node, 'load', '-t', 'other', $a);
ends_like(2, qr/loaded into several tables.*"--table"/s, 'a file in several tables', 'unload', $a);
# a trigger that finds its table by the user's search path
sql(<<'END');
CREATE SCHEMA own;
CREATE TABLE own.gone (a text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO gone VALUES (OLD.a); RETURN OLD; END';
CREATE TRIGGER note BEFORE DELETE ON plain FOR EACH ROW EXECUTE FUNCTION note();
ALTER DATABASE postgres SET search_path = public, own;
END
ends_like(0, qr/took 2 rows out of public.plain/, 'of one table', 'unload', '-t', 'plain', $a);
is(sql('SELECT string_agg(a, $$,$$ ORDER BY a) FROM own.gone'), '1,2', 'triggers find what they use');
is(sql('SELECT count(*) FROM other'), '2', 'the other table keeps its rows');
sql('DROP TABLE other');
ends_like(3, qr/table public.other does not exist any more.*"--force"/s, 'a table that is gone', 'unload', $a);
ends_like(0, qr/took 0 of 2 rows/, 'with --force', 'unload', '--force', $a);

# The ledger goes by the table's name: what takes a file out of it when the table is another one

my $mapping = write_file("$scratch/remade.csv", "a\nx\ny\n");
sql('CREATE TABLE remade (a text)');
clickstream_ok($node, 'load', '-t', 'remade', $mapping);
my $again = ends_like(0,
    qr/already loaded into public.remade .*nothing to do; "clickstream unload --force" takes it out of the ledger\n\z/,
    'a table without load_id', 'load', '-t', 'remade', $mapping);
ends_like(2, qr/has no column load_id.*"--force" takes its loads out of the ledger/s, 'a table without load_id, unload',
    'unload', $mapping);
sql('DROP TABLE remade; CREATE TABLE remade (a text)');
ends_like(0, qr/unload --force" takes it out.*hint: public.remade is not the table that was loaded.*made anew/s,
    'a table that was made anew', 'load', '-t', 'remade', $mapping);
$again = ends_like(0, qr/warning: table public.remade has no column load_id .* stay, .* twice.*took 0 of 2 rows/s,
    'a table that was made anew, unload', 'unload', '--force', $mapping);
ends_like(0, qr/read 2 records = 2 loaded/, 'a table that was made anew, load', 'load', '-t', 'remade', $mapping);
sql('DROP TABLE remade; CREATE TABLE remade (a text, load_id bigint)');
$again = ends_like(0, qr/"clickstream unload --force" takes it out of the table\n.*hint: public.remade is not/s,
    'with load_id', 'load', '-t', 'remade', $mapping, $mapping);
is(() = $again =~ /hint/g, 1, 'with load_id: the hint is given once');
ends_like(0, qr/took 0 of 2 rows/, 'with load_id, unload', 'unload', '--force', $mapping);
clickstream_ok($node, 'load', '-t', 'remade', $mapping);
$again = ends_like(0, qr/nothing to do; "clickstream unload" takes it out of the table\n/,
    'with load_id, the same', 'load', '-t', 'remade', $mapping);
unlike($again, qr/hint/, 'with load_id, the same: no hint');
is(sql('SELECT count(*) FROM remade'), '2', 'with load_id: each row once');
sql('DROP TABLE remade');

# One transaction for all that is named

clickstream_ok($node, 'load', '-t', 'plain', $a);
my $b = write_file("$scratch/b.csv", "a\n3\n");
clickstream_ok($node, 'load', '-t', 'plain', $b);
sql(q(DELETE FROM plain WHERE a = '3'));
ends_like(2, qr/of the 1 rows of load/, 'one of two cannot be', 'unload', $a, $b);
is(sql('SELECT count(*) FROM plain'), '2', 'so the other is not, either');
unlink $a;
ends_like(0, qr/took 2 rows/, 'a file that is gone is known by its name', 'unload', $a);

# A text that only the options of its load could read, compressed

my $latin = write_file("$scratch/latin.csv", "a\nna\xefve\n");
system_or_bail('gzip', '-k', $latin);
clickstream_ok($node, 'load', '-t', 'plain', '--encoding', 'ISO-8859-1', "$latin.gz");
is(state_of("$latin.gz"), 'complete', 'a compressed text');
ends_like(0, qr/took 1 row out/, 'is known by its bytes', 'unload', "$latin.gz");

# One batch of many: the next load brings what is missing

my $sync = 'synchronisation!';
my $blocks = write_file("$scratch/blocks.avro", avro_header(log_schema, $sync)
      . join '', map { avro_block($sync, [ log_record($_, 'GET', '/', "many $_") ]) } 1 .. 5);
clickstream_ok($node, 'load', '--batch', '1', $blocks);
my ($of_blocks) = status_json($blocks);
is("$of_blocks->{batches} $of_blocks->{state}", '5 complete', 'a file in five batches');
my ($from, $to) = split /-/, $of_blocks->{loads};
is($to - $from, 4, 'their numbers');
ends_like(0, qr/took 1 row out of public.http_log \(load @{[ $from + 2 ]}\)\n\z/, 'one of them',
    'unload', $from + 2);
like(state_of($blocks), qr/^partial \(\d\d %\)$/, 'the file is there in part');
ends_like(0, qr/read 1 record = 1 loaded/, 'the rest', 'load', $blocks);
is(state_of($blocks), 'complete', 'the file is whole again');
is(sql(q(SELECT string_agg(user_id, ',' ORDER BY user_id) FROM http_log WHERE user_id LIKE 'many %')),
    join(',', map { "many $_" } 1 .. 5), 'each row once');

# A COPY under way

sql('ALTER DATABASE postgres RESET search_path');
my $rows = "under way\n";
my $copy = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'COPY plain (a) FROM STDIN' ],
    '<', \$rows, '>', \my $copy_out, '2>', \my $copy_err);
my @copies;
my $end = time + 60;
while (!@copies && time < $end)
{
    $copy->pump_nb;
    @copies = status_json('--running');
}
is(join(' ', map { "$_->{table} $_->{does}" } @copies), 'public.plain copies', 'a COPY that goes on');
is(scalar(status_json('--running', '-t', 'http_log')), 0, 'into another table');
$copy->finish;
is(scalar(status_json('--running')), 0, 'it has ended');

# Several files of one name

for my $n (1, 2)
{
    clickstream_ok($node, 'load', '-t', 'plain', write_file("$scratch/day.csv", "a\nday $n\n"));
}
unlink "$scratch/day.csv";
ends_like(2, qr/more than once, as different files: loads \d+ and \d+.*by their numbers/s,
    'two files had the name', 'unload', "$scratch/day.csv");

$node->stop;
done_testing();
