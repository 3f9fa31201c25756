# test/perl/Clickstream/Loads.pm - what the tests of loads share: a large log, loaders in the
# background, whether a table holds each row once; and small tables loaded from CSV
package Clickstream::Loads;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Clickstream::Avro;
use Clickstream::Cluster;
use JSON::PP;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(large_log begin_load end_load holds_once batches_tile load_rows rejects_of);

# Write a log of so many rows as Avro, in small blocks, and return the file's name. No two rows
# are the same.
sub large_log
{
    my ($name, $rows) = @_;

    open my $log, '>', "$name.txt" or die "$name.txt: $!";
    foreach my $n (1 .. $rows)
    {
        printf {$log} "2024-03-%02dT%02d:%02d:%02d.%03dZ %s user-%d\n", 1 + $n % 31, $n / 31 % 24,
          $n / 700 % 60, $n % 60, $n % 1000, $n % 3 ? "GET /campaigns/$n" : "POST /rewards/$n", $n % 5003;
    }
    close $log or die "$name.txt: $!";
    my ($status, $out, $err) = clickstream(undef, 'encode', '--codec', 'snappy', '-o', "$name.avro", "$name.txt");
    is($status, 0, "a log of $rows rows") or diag($err);
    unlink "$name.txt";
    return "$name.avro";
}

# Start the loader; end_load waits for it.
sub begin_load
{
    my ($node, @arguments) = @_;
    my %run = (out => '', err => '');

    local %ENV = (%ENV, client_environment($node), PGAPPNAME => 'clickstream');
    $run{harness} = IPC::Run::start([ $ENV{CLICKSTREAM_BIN}, 'load', @arguments ],
        '<', \undef, '>', \$run{out}, '2>', \$run{err});
    return \%run;
}

# Wait for a loader, which may have been killed; return its exit status, -1 for a killed one.
sub end_load
{
    my ($run) = @_;

    $run->{harness}->finish;
    my $result = $run->{harness}->full_result(0);
    return $result & 127 ? -1 : $result >> 8;
}

# Test that http_log holds the rows of large_log, each of them once.
sub holds_once
{
    my ($node, $rows, $name) = @_;
    my $digest = $node->safe_psql('postgres', <<'END');
SELECT count(*), count(DISTINCT substring(http_path FROM '[0-9]+')::int),
       sum(substring(http_path FROM '[0-9]+')::bigint),
       count(*) FILTER (WHERE load_id NOT IN (SELECT load_id FROM load_batch))
FROM http_log
END

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($digest, join('|', $rows, $rows, $rows * ($rows + 1) / 2, 0), "$name: each row is there once");
}

# Test that the batches in the ledger cover the only file that was loaded, without a gap, and have
# the checksums of their bytes.
sub batches_tile
{
    my ($node, $file, $name) = @_;
    my $wrong = $node->safe_psql('postgres', <<"END");
WITH batch AS (
    SELECT *, lag(end_block, 1, 0::bigint) OVER w AS block_before, lag(end_offset, 1, 0::bigint) OVER w AS offset_before
    FROM load_batch WINDOW w AS (ORDER BY first_block)
)
SELECT count(*) FILTER (WHERE first_block <> block_before OR start_offset <> offset_before),
       count(*) FILTER (WHERE checksum <> encode(sha256(pg_read_binary_file('$file', start_offset,
                                                        end_offset - start_offset)), 'hex')),
       max(end_offset)
FROM batch
END

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($wrong, '0|0|' . -s $file, "$name: the batches cover the file");
}

# Empty the ledger, and load these rows, as CSV below a header, into a table. The directory holds
# the files. Return exit status, output and messages.
sub load_rows
{
    my ($node, $directory, $table, $header, $rows, @options) = @_;
    my $file = write_file("$directory/$table.csv", join("\n", $header, @$rows) . "\n");

    $node->safe_psql('postgres', 'DELETE FROM load_batch; DELETE FROM load_reject');
    return clickstream($node, 'load', '-t', $table, '--rejects', "$directory/rejects.jsonl", @options, $file);
}

# What load_rows refused last, as hashes.
sub rejects_of
{
    my ($directory) = @_;

    return map { decode_json($_) } split /\n/, read_file("$directory/rejects.jsonl");
}

1;
