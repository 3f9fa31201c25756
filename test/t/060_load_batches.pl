# test/t/060_load_batches.pl - batches, jobs, and what a load finds that an earlier one left
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('batches', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $rows = 60_000;
my $err;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run the loader, which must end with a status and a message.
sub load_like
{
    my ($expected, $pattern, $name, @arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $err = clickstream_like($node, $expected, $pattern, $name, 'load', @arguments);
    return;
}

clickstream_ok($node, 'init');

# Of a small file of blocks of our own making, which starts and ends with empty ones.
my $sync = 'synchronisation!';
my $next = 0;

sub block
{
    my ($count) = @_;
    return avro_block($sync,
        [ map { ++$next; log_record($next, 'GET', "/campaigns/$next", "u$next") } 1 .. $count ]);
}
my $header = avro_header(log_schema, $sync);
my $small = $header . avro_block($sync, []) . join('', map { block(10) } 1 .. 10) . avro_block($sync, []);
my $file = write_file("$scratch/small.avro", $small);

load_like(0, qr/read 100 records = 100 loaded \+ 0 rejected .*\(5 loads up to \d+\)/, 'batches',
    '--batch', 25, $file);
is(sql('SELECT string_agg(rows_read::text, \' \' ORDER BY first_block) FROM load_batch'), '20 20 20 20 20',
    'a batch ends before the block that would pass its size');
holds_once($node, 100, 'batches');
batches_tile($node, $file, 'batches');
load_like(0, qr/already loaded into public.http_log \(5 loads up to \d+, .*\): nothing to do/, 'again', $file);
load_like(0, qr/already loaded/, 'with other batches', '--batch', 7, '--jobs', 3, $file);

# A file that grew
$small .= block(5) . block(6);
write_file($file, $small);
load_like(0, qr/read 11 records = 11 loaded.*100 records of it had been read by earlier loads/s,
    'a file that grew', $file);
holds_once($node, 111, 'a file that grew');
batches_tile($node, $file, 'a file that grew');

# A file without blocks that got some
my $empty = avro_header(log_schema, 'marker of empty.');
write_file("$scratch/empty.avro", $empty);
load_like(0, qr/read 0 records = 0 loaded/, 'no blocks', "$scratch/empty.avro");
load_like(0, qr/already loaded/, 'no blocks, again', "$scratch/empty.avro");
write_file("$scratch/empty.avro", $empty . avro_block('marker of empty.', [ log_record(0, 'GET', '/', 'u') ]));
load_like(0, qr/read 1 record = 1 loaded/, 'the first block', "$scratch/empty.avro");
load_like(0, qr/already loaded/, 'the first block, again', "$scratch/empty.avro");
is( sql(q(SELECT first_block, end_block, start_offset, rows_loaded FROM load_batch
          WHERE file_name ~ 'empty')),
    '0|1|0|1', 'the first block: the ledger');
sql(q(DELETE FROM http_log WHERE http_path = '/'; DELETE FROM load_batch WHERE file_name ~ 'empty'));

# Some batches are missing in the middle, as if two of three had been committed
sub forget
{
    my ($blocks) = @_;
    sql("WITH gone AS (DELETE FROM load_batch WHERE $blocks RETURNING load_id)"
          . ' DELETE FROM http_log WHERE load_id IN (SELECT load_id FROM gone)');
    return;
}
forget('first_block IN (3, 7)');
load_like(0, qr/read 40 records = 40 loaded/, 'holes', $file);
holds_once($node, 111, 'holes');
batches_tile($node, $file, 'holes');
forget('first_block = 0');
load_like(0, qr/read 20 records = 20 loaded/, 'the first batch', '--batch', 1, $file);
holds_once($node, 111, 'the first batch');
batches_tile($node, $file, 'the first batch');

# Bytes of a batch that is committed have changed
my $changed = $small =~ s/campaigns\/42/campaigns\/24/r;
write_file("$scratch/changed.avro", $changed);
forget('first_block > 9');
load_like(2, qr/changed.avro: file was loaded .* but its bytes have changed/, 'changed bytes',
    "$scratch/changed.avro");
write_file("$scratch/changed.avro", substr $small, 0, 300);
load_like(2, qr/bytes have changed|truncated/, 'a file that shrank', "$scratch/changed.avro");
load_like(0, qr/loaded/, 'the file itself', $file);

# The whole is damaged behind the first blocks: nothing is loaded, also in batches
write_file("$scratch/damaged.avro", avro_header(log_schema, 'another marker!!')
      . avro_block('another marker!!', [ map { log_record($_, 'GET', '/', 'u') } 1 .. 9 ]) . "\x04\x02" . 'x' x 30);
load_like(2, qr/damaged.avro: .*\(byte \d+.*Nothing of .* was loaded/s,
    'a damaged block behind a good one', '--batch', 5, "$scratch/damaged.avro");

# Two files whose table is emptied first: once
my @files = map {
    my $marker = sprintf 'marker number %2d', $_;
    write_file("$scratch/part$_.avro", avro_header(log_schema, $marker)
          . avro_block($marker, [ map { log_record($_, 'GET', "/campaigns/$_", 'u') } 1 .. 10 ])
          . avro_block($marker, [ map { log_record($_, 'GET', "/campaigns/$_", 'u') } 11 .. 20 ]))
} 1 .. 3;
sql('DELETE FROM session_mark');
load_like(0, qr/part2.avro: read 20 records/, 'truncate', '--truncate', '--batch', 10, @files[ 0, 1 ]);
is(sql('SELECT count(*) FROM http_log'), 40, 'truncate: only these rows are left');
is(sql('SELECT string_agg(truncated::text, \' \' ORDER BY load_id) FROM load_batch'), 'true false false false',
    'truncate: the ledger says so, and has lost the batches of before');
is(sql('SELECT count(*) > 0 FROM session_mark'), 't', 'truncate: stored sessions are told');
load_like(0, qr/part1.avro: already loaded.*part2.avro: already loaded/s, 'truncate again',
    '--truncate', @files[ 0, 1 ]);
forget(q(file_name ~ 'part2' AND first_block = 1));
load_like(0, qr/part2.avro: read 10 records = 10 loaded/, 'truncate goes on', '--truncate', @files[ 0, 1 ]);
is(sql('SELECT count(*) FROM http_log'), 40, 'truncate goes on: it did not happen twice');
my $part = read_file($files[1]);
write_file($files[1], read_file($files[2]));
load_like(0, qr/part1.avro: read 20 .*part2.avro: read 20 /s, 'truncate: another file of the same name',
    '--truncate', @files[ 0, 1 ]);
is(sql('SELECT count(*) FROM http_log'), 40, 'truncate: what the file of this name was before is gone');
write_file($files[1], $part);
load_like(2, qr/could not open ".*part9.avro"/, 'truncate: a file is not there', '--truncate', $files[1],
    "$scratch/part9.avro");
is(sql('SELECT count(*) FROM http_log'), 40, 'truncate: a file is not there: nothing is gone');
load_like(0, qr/loaded/, 'the rows of before', '--truncate', @files[ 0, 1 ]);
load_like(0, qr/loaded/, 'another file', $files[2]);
load_like(0, qr/part1.avro: read 20 records/, 'truncate after another file', '--truncate', $files[0]);
is(sql('SELECT count(*) FROM http_log'), 20, 'truncate after another file: it happens');
load_like(0, qr/part2.avro: read 20/, 'a file whose rows were truncated away', $files[1]);

# Frozen
load_like(0, qr/part3.avro: read 20/, 'freeze', '--truncate', '--freeze', $files[2]);
sql('CREATE EXTENSION pg_visibility');
is(sql(q(SELECT bool_and(all_frozen) FROM pg_visibility('http_log'))), 't', 'freeze: rows are frozen');
foreach my $case (
    [ qr/"--freeze" needs "--truncate"/, '--freeze' ],
    [ qr/one file, one job and no batches/, '--freeze', '--truncate', '--jobs', 2 ],
    [ qr/one file, one job and no batches/, '--freeze', '--truncate', '--batch', 9 ],
    [ qr/one file, one job and no batches/, '--freeze', '--truncate', $files[0] ],
    [ qr/exclude each other/, '--freeze', '--truncate', '--on-conflict', 'update' ],
    [ qr/one job only/, '--on-conflict', 'update', '--jobs', 2 ],
    [ qr/invalid argument "0" of option "--jobs": not from 1 to 64/, '--jobs', 0 ],
    [ qr/invalid argument "65" of option "--jobs": not from 1 to 64/, '--jobs', 65 ],
    [ qr/\A[^\n]*could not create ".*none.x": No such file/, '--rejects', "$scratch/none/x" ])
{
    my ($pattern, @options) = @$case;
    load_like(1, $pattern, "@options[0 .. $#options]", @options, $files[1]);
}

# A dry run
my $before = sql('SELECT count(*), max(load_id) FROM http_log');
load_like(0, qr/read 20 records = 20 loaded .*dry run: nothing was loaded/, 'dry run',
    '--dry-run', '--jobs', 2, $files[0]);
is(sql('SELECT count(*), max(load_id) FROM http_log'), $before, 'dry run: nothing is there');
load_like(0, qr/dry run/, 'dry run with truncate', '--dry-run', '--truncate', $files[0]);
is(sql('SELECT count(*), max(load_id) FROM http_log'), $before, 'dry run with truncate: nothing is gone');
load_like(0, qr/part1.avro: read 20 .*part3.avro: read 20 /s,
    'dry run with truncate: the other files are loaded, too', '--dry-run', '--truncate', @files[ 0, 2 ]);

# Several jobs
sql('TRUNCATE http_log; DELETE FROM load_batch');
my $large = large_log("$scratch/large", $rows);
load_like(0, qr/read $rows records = $rows loaded/, 'jobs', '--jobs', 3, '--batch', 5000, $large);
holds_once($node, $rows, 'jobs');
batches_tile($node, $large, 'jobs');
cmp_ok(sql('SELECT count(*) FROM load_batch'), '>', 8, 'jobs: in several batches');

# Two loaders at once, with other batches each
sql('TRUNCATE http_log; DELETE FROM load_batch');
my @runs = (begin_load($node, '--jobs', 2, '--batch', 4000, $large), begin_load($node, '--batch', 9000, $large));
is(join(' ', map { end_load($_) } @runs), '0 0', 'two loaders');
holds_once($node, $rows, 'two loaders');
batches_tile($node, $large, 'two loaders');

# Many files, many jobs; CSV among them
sql('TRUNCATE http_log; DELETE FROM load_batch');
my @many = map {
    my $n = $_;
    $n % 2
      ? write_file("$scratch/many$n.csv", "timestamp,http_path\n"
          . join '', map { sprintf "2024-03-10 00:00:%02d UTC,/campaigns/%d\n", $_ % 60, $n * 100 + $_ } 1 .. 100)
      : write_file("$scratch/many$n.avro", avro_header(log_schema, sprintf 'marker of many%2d', $n)
          . avro_block(sprintf('marker of many%2d', $n),
            [ map { log_record($_, 'GET', '/campaigns/' . ($n * 100 + $_), 'u') } 1 .. 100 ]))
} 0 .. 39;
load_like(0, qr/many39.csv: read 100/, 'many files', '--jobs', 4, @many);
is(() = $err =~ /read 100 records = 100 loaded/g, 40, 'many files: each is told');
holds_once($node, 4000, 'many files');
is(sql(q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory')), 0, 'no lock is left');

# Functions that are nearer to how others are called than those of the server
my $trap = q(LANGUAGE plpgsql AS 'BEGIN RAISE $$trap$$; END');
sql("CREATE FUNCTION hashtextextended(text, int) RETURNS bigint $trap;"
  . "CREATE FUNCTION pg_relation_size(oid) RETURNS bigint $trap;"
  . "CREATE FUNCTION jsonb_object_agg_step(jsonb, oid, bigint) RETURNS jsonb $trap;" . q(
      CREATE AGGREGATE jsonb_object_agg(oid, bigint) (SFUNC = jsonb_object_agg_step, STYPE = jsonb)));
sql('TRUNCATE http_log; DELETE FROM load_batch');
load_like(0, qr/loaded/, 'functions in the way', $many[1]);
sql('DROP FUNCTION hashtextextended(text, int), pg_relation_size(oid), jsonb_object_agg_step CASCADE');

# Rejects over several runs are all in the file of rejects
sql('TRUNCATE http_log; DELETE FROM load_batch');
my @three = map {
    my @numbers = ($_ * 10 + 1 .. $_ * 10 + 10);
    avro_block($sync, [ map { log_record($_, 'GET', $_ % 10 == 7 ? "/\0" : "/campaigns/$_", 'u') } @numbers ])
} 0 .. 2;
$file = write_file("$scratch/rejects.avro", join '', $header, @three);
my @load = ('--batch', 10, '--rejects', "$scratch/rejects.jsonl");
load_like(2, qr/block 2, record 27.*2 allowed.*18 records are loaded, 2 rejected; these are committed/s,
    'too many rejects', @load, '--max-rejects', 2, $file);

# The records in the file of rejects.
sub rejected
{
    return join ' ', map { decode_json($_)->{record} } split /\n/, read_file("$scratch/rejects.jsonl");
}
is(rejected(), '7 17 27', 'too many rejects: the file has all of them');
is(sql('SELECT count(*) FROM load_reject'), 2,
    'too many rejects: the ledger has those of the batches that are committed');
load_like(2, qr/27.*2 allowed/s, 'too many rejects, again', @load, '--max-rejects', 2, $file);
load_like(0, qr/read 10 records = 9 loaded \+ 1 rejected.*20 records of it .* 2 of them rejected/s,
    'a higher limit', @load, '--max-rejects', 3, $file);
is(rejected(), '7 17 27', 'a higher limit: the file has those of both runs');
is(sql('SELECT count(*) FROM http_log'), 27, 'a higher limit: the others are loaded');

$node->stop;
done_testing();
