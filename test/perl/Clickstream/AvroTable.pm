# test/perl/Clickstream/AvroTable.pm - what the tests of Avro tables share: a server with the
# wrapper, tables, files of many blocks
package Clickstream::AvroTable;

use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(avro_node avro_table item_schema item_record write_blocks fixtures psql_out
  $avro_parallel $marker);

# The sync marker of files made here.
our $marker = "sync marker \x00\xff\x80\x01";

# Settings that make any scan parallel that can be, with as many workers as are allowed.
our $avro_parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET cpu_tuple_cost = 1;
END

# Return a new, running server with a foreign server called "avro".
sub avro_node
{
    my ($name, @settings) = @_;
    my $node = new_node($name, 'max_worker_processes = 20', 'max_parallel_workers = 16',
        @settings);

    $node->safe_psql('postgres',
        'CREATE EXTENSION clickstream; CREATE SERVER avro FOREIGN DATA WRAPPER avro_fdw');
    return $node;
}

# Make a table anew; options beside the file name are optional.
sub avro_table
{
    my ($node, $name, $columns, $file, $options) = @_;

    $options = defined $options ? ", $options" : '';
    $node->safe_psql('postgres', <<"END");
SET client_min_messages = warning;
DROP FOREIGN TABLE IF EXISTS $name;
CREATE FOREIGN TABLE $name ($columns) SERVER avro OPTIONS (filename '$file' $options);
END
    return;
}

# The schema of the records below.
sub item_schema
{
    return '{"type": "record", "name": "Item", "fields": [{"name": "id", "type": "long"},'
      . '{"name": "text", "type": ["null", "string"]}, {"name": "body", "type": "bytes"}]}';
}

# A record; every seventh holds the sync marker, behind what looks like the end of a block,
# and the start of another one.
sub item_record
{
    my ($id) = @_;
    my $body = $id % 7 ? 'x' x ($id % 50) : $marker . avro_long(1) . avro_string("\x02") . $marker;

    return avro_long($id)
      . ($id % 3 ? avro_long(1) . avro_string("item $id") : avro_long(0))
      . avro_string($body);
}

# Write a file of blocks of 500 records with the ids 1 to $rows, then the same again until
# it has $bytes bytes; return how many times.
sub write_blocks
{
    my ($file, $rows, $bytes) = @_;
    my $blocks = '';
    my $times = 0;

    for (my $first = 1; $first <= $rows; $first += 500)
    {
        $blocks .= avro_block($marker, [ map { item_record($_) } $first .. $first + 499 ]);
    }
    open my $out, '>:raw', $file or die "$file: $!";
    print $out avro_header(item_schema(), $marker);
    do { print $out $blocks; $times++ } while ($times * length $blocks < ($bytes // 0));
    close $out or die "$file: $!";
    return $times;
}

# Make the files of test/support in a new directory; return its path.
sub fixtures
{
    my ($script) = @_;
    my $directory = PostgreSQL::Test::Utils::tempdir . "/$script";

    system_or_bail("$ENV{CLICKSTREAM_ROOT}/build/venv/bin/python",
        "$ENV{CLICKSTREAM_ROOT}/test/support/$script.py", $directory);
    return $directory;
}

# Run statements in one session that goes on behind errors; return output and messages.
sub psql_out
{
    my ($node, $sql) = @_;
    my ($status, $out, $err) = $node->psql('postgres', $sql, on_error_stop => 0);

    return ($out, $err =~ s/^psql:<stdin>:\d+: //gmr);
}

1;
