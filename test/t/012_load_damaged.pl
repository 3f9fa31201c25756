# test/t/012_load_damaged.pl - damaged Avro files are refused with file and place, and nothing of
# them is loaded; legal ones that other readers stumble over give the right rows
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('damaged');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $sync = 'synchronisation!';
my $header = avro_header(log_schema, $sync);
my @records = map { log_record($_, 'GET', "/campaigns/$_", "u$_") } 1 .. 4;
my $number = 0;
my ($status, $out, $err);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Load a file with these bytes.
sub load_bytes
{
    my ($bytes, @options) = @_;
    $number++;
    ($status, $out, $err) =
      clickstream($node, 'load', @options, write_file("$scratch/file$number.avro", $bytes));
    return $status;
}

# The file must be refused, with this message and place, and leave no row.
sub refused_like
{
    my ($name, $pattern, $bytes) = @_;

    load_bytes($bytes, '--max-rejects', 99);
    my $good = $status == 2 && $err =~ $pattern && $err =~ /file$number.avro: .*\(byte \d+/
      && sql('SELECT count(*) FROM http_log') == 0 && sql('SELECT count(*) FROM load_batch') == 0;
    ok($good, $name) or diag("exit $status\n$err");
    return;
}

# The file must give these users.
sub loads
{
    my ($name, $users, $bytes) = @_;

    is(load_bytes($bytes), 0, "$name: is loaded") or diag($err);
    is(sql(q(SELECT coalesce(string_agg(user_id, ' ' ORDER BY "timestamp"), '') FROM http_log)),
        $users, "$name: its rows");
    sql('TRUNCATE http_log, load_batch CASCADE');
    return;
}

clickstream_ok($node, 'init');

# Legal

my $first = avro_block($sync, [ @records[ 0, 1 ] ]);
my $second = avro_block($sync, [ @records[ 2, 3 ] ]);
my $empty = avro_block($sync, []);
my $good = $header . $first . $second;

loads('two blocks', 'u1 u2 u3 u4', $good);
loads('no block', '', $header);
loads('an empty block in the middle', 'u1 u2 u3 u4', $header . $first . $empty . $second);
loads('empty blocks first and last', 'u1 u2 u3 u4', $header . $empty . $first . $second . $empty);
loads('only an empty block', '', $header . $empty);
loads('a sync marker within the data', "u1 $sync", $header
      . avro_block($sync, [ $records[0], log_record(2, 'GET', '/', $sync) ]));
loads('numbers in more bytes than needed', 'u1', $header
      . avro_block($sync, ["\x82\x80\x00" . substr($records[0], 1)]));

# Truncated anywhere

my $failures = 0;
my %borders = map { $_ => 1 } length $header, length("$header$first"), length $good;
for my $size (1 .. length($good) - 1)
{
    next if $borders{$size} || ($size > 8 && $size < length($header) - 20 && $size % 37);
    load_bytes(substr($good, 0, $size));
    my $told = $size < 4 || ($err =~ /file$number.avro: .*truncated.*\(byte \d+/ && $status == 2);
    $failures++, diag("$size bytes: exit $status\n$err") unless $told && $status == 2;
}
is($failures, 0, 'a file cut anywhere is refused');
is(sql('SELECT count(*) FROM http_log'), '0', 'and leaves no row');

# Damaged

my $flipped = $good;
substr($flipped, length("$header$first") - 3, 1) ^= "\x01";
refused_like('a flipped byte in a sync marker', qr/does not end with the file's sync marker/,
    $flipped);
$flipped = $good;
substr($flipped, -1, 1) ^= "\x80";
refused_like('a flipped byte in the last sync marker', qr/sync marker/, $flipped);
refused_like('a row beyond the declared count', qr/bytes behind its 1 declared records/,
    $header . avro_block($sync, [ @records[ 0, 1 ] ], 1));
refused_like('fewer rows than declared', qr/damaged|hold fewer/,
    $header . avro_block($sync, [ @records[ 0, 1 ] ], 3));
refused_like('far fewer rows than declared', qr/hold fewer/,
    $header . avro_block($sync, [ @records[ 0, 1 ] ], 2**50));
refused_like('a negative count', qr/negative record count/,
    $header . avro_block($sync, [ @records[ 0, 1 ] ], -2));
refused_like('no rows declared for bytes', qr/declares no records, but holds/,
    $header . avro_block($sync, [ $records[0] ], 0) . $second);
refused_like('a negative size', qr/negative length/, $header . avro_long(1) . avro_long(-5) . $sync);
refused_like('a size of 0 with rows', qr/hold fewer/, $header . $first . avro_long(2) . avro_long(0) . $sync);
refused_like('a size beyond the end', qr/truncated or damaged/,
    $header . avro_long(1) . avro_long(2**40) . $sync);
refused_like('a string beyond the block', qr/field "user_id" is damaged/, $header
      . avro_block($sync, [ substr($records[0], 0, -3) . avro_long(50) . 'u1' ]));
refused_like('a union branch that does not exist', qr/field "http_method" is damaged/,
    $header . avro_block($sync, [ avro_long(1) . avro_long(2) . substr($records[0], 2) ]));
refused_like('damage behind many good rows', qr/\(byte \d+, record 10001\)/, $header
      . avro_block($sync, [ (@records) x 2500 ]) . avro_block($sync, ["\x80" x 40]));
refused_like('a count in too many bytes', qr/not a valid number/, $header . "\xff" x 11 . $second);
refused_like('an unknown codec', qr/codec "brotli" is not one that this version reads/,
    avro_header(log_schema, $sync, 'avro.codec' => 'brotli') . $first);
refused_like('deflate that is none', qr/byte/,
    avro_header(log_schema, $sync, 'avro.codec' => 'deflate') . $first);
refused_like('no schema', qr/byte/, "Obj\x01" . avro_long(0) . $sync . $first);
refused_like('a schema that is none', qr/byte/, avro_header('{"type": "record"}', $sync) . $first);

is(sql('SELECT count(*) FROM load_reject'), '0', 'damage is no matter for rejects');
loads('the good file still', 'u1 u2 u3 u4', $good);

$node->stop;
done_testing();
