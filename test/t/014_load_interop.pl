# test/t/014_load_interop.pl - files that fastavro writes load to the rows that ours do
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = "$ENV{CLICKSTREAM_ROOT}/build/venv/bin/python";
plan skip_all => 'build/venv is not there' unless -x $python;

my $node = new_node('interop');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $log = "$ENV{CLICKSTREAM_ROOT}/data/http_log.txt";
my $count = 'SELECT count(*) FROM http_log';

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Read our file and write its records with fastavro, each codec in a file of its own.
my $rewrite = <<'END';
import sys, fastavro
with open(sys.argv[1], "rb") as file:
    reader = fastavro.reader(file)
    schema, records = reader.writer_schema, list(reader)
for codec in "null", "deflate", "snappy", "zstandard", "bzip2", "xz":
    with open(f"{sys.argv[2]}/{codec}.avro", "wb") as file:
        fastavro.writer(file, schema, records, codec=codec, sync_interval=5000)
END

clickstream_ok($node, 'init');
clickstream_ok($node, 'encode', '-o', "$scratch/ours.avro", $log);
clickstream_ok($node, 'load', "$scratch/ours.avro");
sql('CREATE TABLE ours AS SELECT "timestamp", http_method, http_path, user_id FROM http_log');
cmp_ok(sql($count), '>', 1000, 'our file is loaded');

system_or_bail($python, '-c', $rewrite, "$scratch/ours.avro", $scratch);
foreach my $codec (qw(null deflate snappy zstandard bzip2 xz))
{
    sql('TRUNCATE http_log');
    clickstream_ok($node, 'load', "$scratch/$codec.avro");
    is(sql($count), sql('SELECT count(*) FROM ours'), "$codec: as many rows");
    is(sql('SELECT count(*) FROM (SELECT "timestamp", http_method, http_path, user_id FROM http_log'
          . ' EXCEPT ALL TABLE ours) AS d'), '0', "$codec: the same rows");
}

$node->stop;
done_testing();
