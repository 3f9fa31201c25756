# test/t/044_avro_parallel.pl - one file read by several workers: the same rows, whatever
# their number, and totals that EXPLAIN sums up
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::AvroTable;
use PostgreSQL::Test::Utils;
use Test::More;

my $bytes = $ENV{CLICKSTREAM_SOAK} ? 1_000_000_000 : 20_000_000;
my $node = avro_node('parallel');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $columns = 'id bigint, text text, body bytea, _row bigint, _block bigint';
my $times = write_blocks("$scratch/one.avro", 100_000, $bytes);
my $rows = $times * 100_000;
my $blocks = $rows / 500;
my $bytes_read = (-s "$scratch/one.avro") - length avro_header(item_schema(), $marker);

# Run a query with some workers, all of them planned; return the result.
sub with_workers
{
    my ($workers, $query, $settings) = @_;

    return $node->safe_psql('postgres',
        "$avro_parallel SET max_parallel_workers_per_gather = $workers;" . ($settings // '') . $query);
}

# The number of the plan's property $name, from EXPLAIN (ANALYZE) with some workers.
sub explained
{
    my ($workers, $query) = @_;

    return with_workers($workers, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query");
}

# The same rows, each once, with 1 to 8 workers, with the leader's help or without.
avro_table($node, 'one', $columns, "$scratch/one.avro");
my $all = <<'END';
SELECT count(*), sum(id), count(DISTINCT _row), min(_row), max(_row), max(_block), count(text), sum(length(body)),
    sum(hashtext(text)), sum(hashbytea) FROM (SELECT *, hashtext(encode(body, 'hex')) AS hashbytea FROM one) AS x
END
my $serial = with_workers(0, $all);
is(join('|', (split /\|/, $serial)[ 0 .. 5 ]),
    join('|', $rows, $times * 5000050000, $rows, 1, $rows, $blocks - 1),
    'all rows');
foreach my $workers (1 .. 8)
{
    is(with_workers($workers, $all), $serial, "$workers workers: the same rows");
    is(with_workers($workers, $all, 'SET parallel_leader_participation = off;'),
        $serial, "$workers workers without their leader: the same rows");
}

# Each block is read once; skipped rows and bytes are summed over the processes.
foreach my $workers (0, 1, 2, 8)
{
    my $plan = explained($workers, 'SELECT count(text), max(_row) FROM one WHERE id > 99000');

    like($plan, qr/Workers Launched: $workers\b.*Parallel Foreign Scan on one/s, "$workers workers: launched")
      if $workers > 0;
    like($plan, qr/Blocks Read: $blocks\n\s*Bytes Read: $bytes_read\n/,
        "$workers workers: all blocks and bytes");
    like($plan, qr/Rows Skipped Before Decoding: @{[ $times * 99_000 ]}\b/, "$workers workers: rows skipped");
}

# Rescans of a parallel scan, and an end before its last row.
my $no_shortcuts = join ' ', map { "SET enable_$_ = off;" } qw(material memoize hashjoin mergejoin);
is(with_workers(4, <<'END', $no_shortcuts), "3|@{[ $times * 30 ]}", 'rescans');
SELECT count(DISTINCT i), count(*)
FROM generate_series(1, 3) AS i JOIN (SELECT id FROM one WHERE id <= 10 OFFSET 0) AS x ON x.id > i * 0
END
is(with_workers(3, 'SELECT count(*) FROM (SELECT id FROM one LIMIT 7) AS x'), '7', 'LIMIT');
is(with_workers(3, <<'END'), '1', 'a cursor');
BEGIN; DECLARE c CURSOR FOR SELECT id FROM one; MOVE 10 FROM c; CLOSE c; COMMIT; SELECT 1
END
is(with_workers(3, 'SELECT count(*) FROM one AS a JOIN one AS b USING (_row) WHERE a.id < 100'),
    $times * 99, 'a join');
is(with_workers(4, 'SELECT count(*) FROM one WHERE id = (SELECT min(id) + 4 FROM one)'),
    $times, 'a parameter of the plan');

# Several files, pruned by a parameter; more workers than blocks.
write_blocks("$scratch/few-$_.avro", 5000) foreach 'a' .. 'e';
avro_table($node, 'few', "id bigint, _filename text", "$scratch/few-*.avro");
foreach my $workers (0, 1, 3, 8)
{
    is(with_workers($workers, 'SELECT count(*), sum(id), count(DISTINCT _filename) FROM few'), '25000|62512500|5',
        "five files, $workers workers");
    is(with_workers($workers, q{SELECT count(*), sum(id) FROM few WHERE _filename = (SELECT max(_filename) FROM few)}),
        '5000|12502500', "a file chosen by a parameter, $workers workers");
    like(explained($workers, q{SELECT count(id) FROM few WHERE _filename LIKE '%-c.avro'}),
        qr/Files: 5\n\s*Files Pruned by Path: 4\n.*Blocks Read: 10\n/s, "pruned with $workers workers");
}

# Damage: the first error ends the query; passed over, the same records are refused.
my @bad = map { my $at = $_ * 500; avro_block($marker, [ map { item_record($_) } $at + 1 .. $at + 500 ]) } 0 .. 199;
substr($bad[20], 1000, 1) = "\xff";
substr($bad[50], 5, 300) = "\xff" x 300;
substr($bad[120], -3, 3) = 'bad';
substr($bad[170], 0, 2) = "\xff\xff";
write_file("$scratch/bad.avro", avro_header(item_schema(), $marker) . join '', @bad);
avro_table($node, 'bad', $columns, "$scratch/bad.avro");
my $four = "$avro_parallel SET max_parallel_workers_per_gather = 4;";
my ($out, $err) = psql_out($node, "$four SELECT sum(length(body)), count(text) FROM bad");
like($err, qr/ERROR: .*"[^"]*bad\.avro"/, 'an error in a worker');
$node->safe_psql('postgres', q{ALTER FOREIGN TABLE bad OPTIONS (ADD on_error 'ignore')});
my $query = 'SELECT count(*), sum(id), sum(length(body)), count(text), sum(_row) FROM bad';
my ($rows_left, $notice) = psql_out($node, "SET max_parallel_workers_per_gather = 0; $query");
like($notice, qr/NOTICE:  \d{3,4} records were skipped.*DETAIL: .*bad\.avro" has \d+ damaged bytes/s,
    'refused records are told');
my ($refused) = $notice =~ /(\d+) records/;
foreach my $workers (1 .. 8)
{
    my ($out, $err) = psql_out($node, "$avro_parallel SET max_parallel_workers_per_gather = $workers; $query");

    is($out, $rows_left, "damaged, $workers workers: the same rows");
    is($err, $notice, "damaged, $workers workers: the same notice");
}
$node->safe_psql('postgres', "ALTER FOREIGN TABLE bad OPTIONS (ADD reject_limit '$refused')");
($out, $err) = psql_out($node, "$four $query");
is($out, $rows_left, 'reject_limit reached by all workers together');
$node->safe_psql('postgres', "ALTER FOREIGN TABLE bad OPTIONS (SET reject_limit '@{[ $refused - 1 ]}')");
($out, $err) = psql_out($node, "$four $query");
like($err, qr/skipped more than the reject_limit of @{[ $refused - 1 ]} records/,
    'reject_limit passed by all workers together');

done_testing();
