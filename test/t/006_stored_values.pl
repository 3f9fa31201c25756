# test/t/006_stored_values.pl - states and maps that released versions stored: the current
# build reads each as the text it stood for, and writes the same bytes for that text
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $fixtures = "$ENV{CLICKSTREAM_ROOT}/test/fixtures";
my $node = new_node('stored_values');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @versions = grep { /^\d/ } slurp_dir($fixtures);

# A cast to a type from the bytes on disk, past every check of input.
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION clickstream;
CREATE CAST (bytea AS sessionset) WITHOUT FUNCTION;
CREATE CAST (bytea AS reward_map) WITHOUT FUNCTION;
END

cmp_ok(scalar @versions, '>=', 1, 'there are fixtures');
foreach my $version (sort @versions)
{
    foreach my $type (qw(sessionset reward_map))
    {
        my $file = "$fixtures/$version/$type.csv";
        my $records = () = slurp_file($file) =~ /^\w+,[0-9a-f]+,"/mg;

        $node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS stored, received;
CREATE TABLE stored (name text PRIMARY KEY, bytes text, text text);
COPY stored FROM '$file' (FORMAT csv, HEADER);
ALTER TABLE stored ALTER bytes TYPE bytea USING decode(bytes, 'hex');
COPY (SELECT name, bytes FROM stored) TO '$scratch/stored.bin' (FORMAT binary);
CREATE TABLE received (name text PRIMARY KEY, value $type);
COPY received FROM '$scratch/stored.bin' (FORMAT binary);
END
        cmp_ok($records, '>', 5, "$version: $type: there are fixtures");
        is($node->safe_psql('postgres', 'SELECT count(*) FROM stored'),
            $records, "$version: $type: all are read");
        is($node->safe_psql('postgres', "SELECT name FROM stored WHERE bytes::${type}::text IS DISTINCT FROM text"),
            '', "$version: $type: stored bytes are read as their text");
        is($node->safe_psql('postgres', <<'END'), '', "$version: $type: received bytes are read as their text");
SELECT name FROM stored FULL JOIN received USING (name) WHERE value::text IS DISTINCT FROM text
END
        is($node->safe_psql('postgres', <<"END"), '', "$version: $type: the text is written as the same bytes");
SELECT name FROM stored WHERE ${type}_send(text::${type}) IS DISTINCT FROM bytes
END
    }
}

done_testing();
