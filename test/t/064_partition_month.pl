# test/t/064_partition_month.pl - init --partition month: loads make the months that they need,
# and reports, stored sessions, forgetting and unloading work over partitions
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('months');
my $scratch = PostgreSQL::Test::Utils::tempdir;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run the loader, which must end with a status and a message.
sub ends_like
{
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return clickstream_like($node, @_);
}

# The partitions of http_log.
sub months
{
    return sql(q(SELECT string_agg(relid::regclass::text, ' ' ORDER BY relid::regclass::text)
                 FROM pg_partition_tree('http_log') WHERE isleaf));
}

# Write CSV of requests at these times.
my $files = 0;

sub csv_of
{
    my (@times) = @_;
    return write_file("$scratch/" . ++$files . '.csv',
        join '', "timestamp,user_id\n", map { "$_,u\n" } @times);
}

# Init

clickstream_ok($node, 'init', '--partition', 'month');
clickstream_ok($node, 'init', '--partition', 'month');
clickstream_ok($node, 'init');
clickstream_ok($node, 'init', '--schema', 'plain');
is(months(), '', 'no month yet');
ends_like(3, qr/"plain.http_log" exists and is not partitioned by range of "timestamp".*hint/s,
    'a table that is not partitioned', 'init', '--schema', 'plain', '--partition', 'month');
sql('CREATE SCHEMA listed; CREATE TABLE listed.http_log (LIKE http_log) PARTITION BY LIST (http_method)');
ends_like(3, qr/is not partitioned by range/, 'one that is otherwise', 'init', '--schema', 'listed',
    '--partition', 'month');
is( sql(q(SELECT string_agg(concat_ws(' ', attname, atttypid::regtype, attnotnull,
                                      col_description(attrelid, attnum)), '|' ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = 'http_log'::regclass AND attnum > 0)),
    sql(q(SELECT string_agg(concat_ws(' ', attname, atttypid::regtype, attnotnull,
                                      col_description(attrelid, attnum)), '|' ORDER BY attnum)
          FROM pg_attribute WHERE attrelid = 'plain.http_log'::regclass AND attnum > 0)),
    'the columns are those of the table that is not partitioned');

# Loads

my @lines = random_log(5, 60); # March 2020
my $log = avro_log("$scratch/log", @lines);
clickstream_ok($node, 'load', $log);
is(months(), 'http_log_y2020m03', 'the month of the file');
is(sql('SELECT count(*) FROM http_log'), scalar(@lines), 'its rows');
is(sql(q(SELECT count(*) FROM pg_trigger
         WHERE tgrelid = 'http_log_y2020m03'::regclass AND NOT tgisinternal)), '4', 'it has its triggers');
is(sql(q(SELECT count(*) FROM session_mark WHERE user_id IS NOT NULL)), '0', 'no user was marked');
sql('SELECT refresh_sessions()');
is_stored($node, 'one month', oracle_csv("$scratch/log.txt"));
clickstream_ok($node, 'load', csv_of('2020-01-31T23:59:59.999999Z', '2020-02-01T00:00:00Z'));
is(months(), 'http_log_y2020m01 http_log_y2020m02 http_log_y2020m03', 'months of CSV, by its rows');
is(sql('SELECT count(*) FROM http_log_y2020m01'), '1', 'a row just before the border');
is(sql('SELECT count(*) FROM session_mark'), '0', 'new months need no mark');
clickstream_ok($node, 'load', csv_of('2020-04-01 00:00:00 -0000', '2020-05-01T01:00:00+02:00'));
is(months() =~ tr/ //, 3, 'months are those of UTC');

# Files of others, without times in their metadata; blocks in any order
my $sync = 'synchronisation!';
my $other = write_file("$scratch/other.avro", avro_header(log_schema, $sync)
      . avro_block($sync, [ log_record(1593561600000, 'GET', '/campaigns/1', 'u1') ])
      . avro_block($sync, [ log_record(1590969600000, 'GET', '/campaigns/1', 'u1') ]));
clickstream_ok($node, 'load', '--batch', '1', '--jobs', '2', $other);
like(months(), qr/y2020m04 http_log_y2020m06 http_log_y2020m07$/, 'found by reading the rows');
clickstream_ok($node, 'load', '--map', 'at=timestamp',
    write_file("$scratch/map.csv", "at,user_id\n2020-08-01T00:00:00Z,u\n"));
like(months(), qr/y2020m07 http_log_y2020m08$/, 'of a field with another name');
my $before = months();
clickstream_ok($node, 'load', csv_of());
is(months(), $before, 'no rows, no month');

# What has no month

ends_like(2, qr/no partition of relation/, 'a row without a time', 'load', csv_of('', '2020-08-02T00:00:00Z'));
ends_like(0, qr/= 1 loaded \+ 1 rejected/, 'which may be refused', 'load', '--max-rejects', '1',
    csv_of('', '2020-08-03T00:00:00Z'));
ends_like(2, qr/warning: no partitions .* 1970-01-01T00:00:00Z to 2020-08-02T00:00:00Z: too many months.*hint/s,
    'a time that is hardly meant', 'load', csv_of('1970-01-01T00:00:00Z', '2020-08-02T00:00:00Z'));
is(months(), $before, 'nothing is made for it');
ends_like(0, qr/1 rejected/, 'the rest can be loaded', 'load', '--max-rejects', '1',
    csv_of('9999-12-31T00:00:00Z', '2020-08-02T00:00:00Z', '2020-08-04T00:00:00Z'));

# Partitions of the user's own

sql(q(CREATE TABLE year PARTITION OF http_log FOR VALUES FROM ('2021-01-01 UTC') TO ('2022-01-01 UTC')));
clickstream_ok($node, 'load', csv_of('2021-07-01T00:00:00Z'));
is(sql('SELECT count(*) FROM year'), '1', 'a longer partition is used');
sql('CREATE TABLE http_log_y2022m01 (a int)');
ends_like(3, qr/http_log_y2022m01 exists, but is no partition.*hint/s, 'the name is taken', 'load',
    csv_of('2022-01-01T00:00:00Z'));
sql('DROP TABLE http_log_y2022m01');
sql(q(CREATE ROLE regress_loader LOGIN;
      GRANT SELECT, INSERT ON http_log TO regress_loader;
      GRANT ALL ON load_batch, load_reject TO regress_loader));
my $next = csv_of('2022-02-01T00:00:00Z');
ends_like(3, qr/http_log_create_months/, 'a role that does not own the table', 'load', '-U', 'regress_loader', $next);
is(sql(q(SELECT http_log_create_months('2022-02-01', '2022-03-15'))), '2', 'made ahead');
ends_like(0, qr/= 1 loaded/, 'by the owner', 'load', '-U', 'regress_loader', $next);

# Four loaders at once, each with the same new months; reports go on meanwhile

my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM http_log');
my @runs = map {
    my %run;
    local %ENV = (%ENV, client_environment($node));
    $run{harness} = IPC::Run::start(
        [ $ENV{CLICKSTREAM_BIN}, 'load', csv_of("2023-01-0${_}T00:00:00Z", '2023-06-01T00:00:00Z') ],
        '<', \undef, '>', \$run{out}, '2>', \$run{err});
    \%run;
} 1 .. 4;
$_->{harness}->finish foreach @runs;
is(join(' ', map { $_->{harness}->result(0) } @runs), '0 0 0 0', 'loaders at the same time')
  or diag(map { $_->{err} } @runs);
is(sql(q(SELECT count(*) FROM http_log WHERE "timestamp" >= '2023-01-01')), '8', 'all rows are there');
is(() = months() =~ /y2023/g, 6, 'each month once');
$reader->quit;

# Reports and stored sessions over all of it

sql('SELECT refresh_sessions()');
is_stored($node, 'all months');
is(rebuild_changes($node), '0', 'a rebuild changes nothing');
my $report = report_csv($node, '');
cmp_ok(sql(q(SELECT forget_before('2020-03-04'))), '>', 10, 'rows are forgotten');
is_stored($node, 'after forgetting', $report);
sql(q(INSERT INTO http_log_y2020m08 VALUES ('2020-08-09', 'GET', '/', 'by hand')));
is(fresh($node), 'f', 'a row that was written to a month leaves a mark');
sql('SELECT refresh_sessions()');
my $load = sql(q(SELECT max(load_id) FROM load_batch));
ends_like(0, qr/took \d rows out of public.http_log/, 'unload', 'unload', $load);
sql('SELECT refresh_sessions()');
is_stored($node, 'after unload');
is(rebuild_changes($node), '0', 'a rebuild changes nothing then');
# a month goes, with a rebuild behind it
sql('DROP TABLE http_log_y2020m08; SELECT refresh_sessions(true)');
is_stored($node, 'without a month');
ends_like(0, qr/emptied|loaded/, 'load --truncate', 'load', '--truncate', $log);
is(sql('SELECT count(*) FROM http_log'), scalar(@lines), 'the rows of that file alone');
sql('SELECT refresh_sessions()');
is_stored($node, 'after --truncate');

# Frozen rows are for tables that are not partitioned
ends_like(1, qr/"--freeze" does not go with a partitioned table/, 'load --freeze', 'load', '--truncate',
    '--freeze', csv_of('2020-03-04'));

$node->stop;
done_testing();
