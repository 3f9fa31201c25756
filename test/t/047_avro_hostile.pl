# test/t/047_avro_hostile.pl - damaged files through a foreign table: an error or rows, and
# the session lives
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::AvroTable;
use PostgreSQL::Test::Utils;
use Test::More;

my $count = $ENV{CLICKSTREAM_SOAK} ? 2000 : 300;
my $seed = $ENV{CLICKSTREAM_SEED} // 20240310;
my $node = avro_node('hostile');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $files = fixtures('avro_files');
my $more = fixtures('avro_scan_files');
my @tables = qw(types deflate blocks third);
my @files = ("$files/types.avro", "$files/codecs/deflate.avro", "$more/blocks.avro", "$files/generations/3.avro");
my @good = map { read_file($_) } @files;

note("seed $seed, $count mutations");
srand $seed;
mkdir "$scratch/bad";

# Damage bytes in one of several ways, near the start more often than not.
sub mutate
{
    my ($bytes) = @_;

    foreach (0 .. rand 3)
    {
        my $at = int((rand() ** 2) * length $bytes);
        my $long = avro_long((-1, 0, 1, 2**31, -2**31, 2**62, -2**62, int rand 1000)[ rand 8 ]);
        my $way = int rand 6;

        substr($bytes, $at, 1) = chr int rand 256 if $way == 0;
        substr($bytes, $at, 1) ^= chr(1 << int rand 8) if $way == 1;
        substr($bytes, $at, int rand 20) = '' if $way == 2;
        substr($bytes, $at, 0) = substr $bytes, int rand length $bytes, int rand 40 if $way == 3;
        substr($bytes, $at, length $long) = $long if $way == 4;
        $bytes = substr $bytes, 0, $at if $way == 5 && $at > 0;
    }
    return $bytes;
}

# One session reads them all: as they are, passing over damage, shared with workers.
my $sql = <<"END";
CREATE TEMP TABLE me AS SELECT pg_backend_pid() AS pid;
$avro_parallel
SET statement_timeout = '60s';
END
foreach my $place (0 .. $#tables)
{
    $sql .= <<"END";
IMPORT FOREIGN SCHEMA x FROM SERVER avro INTO public
    OPTIONS (filename '$files[$place]', table_name '$tables[$place]', file_columns 'true');
ALTER FOREIGN TABLE $tables[$place] OPTIONS (ADD on_error 'stop');
END
}
foreach my $n (1 .. $count)
{
    my $which = $n % @good;
    my $table = $tables[$which];
    my $file = "$scratch/bad/$n.avro";

    write_file($file, mutate($good[$which]));
    $sql .= sprintf <<'END', $table, $file, $n % 3 ? 'stop' : 'ignore', $n % 5 ? 0 : 2, $table;
ALTER FOREIGN TABLE %s OPTIONS (SET filename '%s', SET on_error '%s');
SET max_parallel_workers_per_gather = %d;
SELECT md5(string_agg(t::text, ' ')) FROM %s AS t;
SELECT 1;
END
    $sql .= sprintf "SELECT count(*) FROM %s;\nANALYZE %s;\n", $table, $table if $n % 10 == 0;
}
$sql .= "SELECT 'same session' FROM me WHERE pid = pg_backend_pid();\n";

my ($out, $err) = psql_out($node, $sql);
my @lines = split /\n/, $out;
my @errors = $err =~ /ERROR:  (.*)/g;
is($lines[-1], 'same session', 'the session lives');
is(scalar(grep { $_ eq '1' } @lines) >= $count, 1, 'an answer behind each file');
cmp_ok(scalar @errors, '>', $count / 4, 'many are refused');
my @strange = grep { !/avro|schema|schemas|invalid byte|reject_limit|column "|value|input|out of range|JSON/i } @errors;
is_deeply(\@strange, [], 'each error says what is wrong');
unlike($err, qr/XX000|internal error|out of memory|invalid memory alloc|canceling/i, 'none is ours');

# A good file is read as before.
is($node->safe_psql('postgres', <<"END"), '1000|500500', 'a good file is read as before');
ALTER FOREIGN TABLE blocks OPTIONS (SET filename '$files[2]', SET on_error 'stop');
SELECT count(*), sum(id) FROM blocks WHERE id > 0;
END
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|server process .* was terminated/, 'no process died');

done_testing();
