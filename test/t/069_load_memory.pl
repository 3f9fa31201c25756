# test/t/069_load_memory.pl - the loader's memory does not follow the size of the file
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use Compress::Raw::Zlib;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'a sanitizer takes memory of its own' if $ENV{CLICKSTREAM_SANITIZE};

my $limit = 64 * 1024;    # kB, with up to two jobs and blocks of up to 4 MB
my $blocks = $ENV{CLICKSTREAM_SOAK} ? 512 : 24;
my $per_block = 38_000;
my $node = new_node('memory', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $sync = 'synchronisation!';

# The largest resident size of a running process, in kB; 0 where it has ended.
sub peak
{
    my ($process) = @_;

    open my $status, '<', "/proc/$process/status" or return 0;
    my ($size) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$status>;
    close $status;
    return $size // 0;
}

# Load a file; return exit status, messages and the loader's peak.
sub load_measured
{
    my (@arguments) = @_;
    my $run = begin_load($node, @arguments);
    my $process = $run->{harness}->{KIDS}->[0]->{PID};
    my $largest = 0;

    while ($run->{harness}->pumpable)
    {
        my $now = peak($process);

        $largest = $now if $now > $largest;
        $run->{harness}->pump_nb;
        sleep 0.02;
    }
    return (end_load($run), $run->{err}, $largest);
}

# One block of just under 4 MB, raw and compressed.
my @records =
  map { log_record($_, 'GET', "/campaigns/$_?" . 'x' x (60 + $_ % 20), "user-$_") } 1 .. $per_block;
my $block = avro_block($sync, \@records);
cmp_ok(length $block, '>', 3_700_000, 'blocks are large');
cmp_ok(length $block, '<', 4 * 1024 * 1024, 'but not larger than Redshift takes them');

# The server throws all rows away: the file's size is all that matters here.
clickstream_ok($node, 'init');
$node->safe_psql('postgres', <<'END');
CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drop_row BEFORE INSERT ON http_log FOR EACH ROW EXECUTE FUNCTION drop_row();
END

open my $file, '>:raw', "$scratch/large.avro" or die $!;
print {$file} avro_header(log_schema, $sync), map { $block } 1 .. $blocks or die $!;
close $file or die $!;
note('file of ' . (-s "$scratch/large.avro") . ' bytes');
my $rows = $blocks * $per_block;
foreach my $jobs (1, 2)
{
    my ($status, $err, $peak) = load_measured('--jobs', $jobs, "$scratch/large.avro");

    is($status, 0, "$jobs jobs") or diag($err);
    like($err, qr/read $rows records = 0 loaded \+ 0 rejected \+ $rows skipped by triggers/,
        "$jobs jobs: all rows were sent");
    cmp_ok($peak, '<', $limit, "$jobs jobs: $peak kB");
    cmp_ok($peak, '>', 1000, 'which was measured');
    $node->safe_psql('postgres', 'DELETE FROM load_batch');
}
unlink "$scratch/large.avro";

my ($deflate) = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15, -AppendOutput => 1);
my $packed = '';
my $plain = join '', @records;
$deflate->deflate($plain, $packed);
$deflate->flush($packed);
my $small = write_file("$scratch/packed.avro", avro_header(log_schema, $sync, 'avro.codec' => 'deflate')
      . join '', map { avro_long($per_block) . avro_long(length $packed) . $packed . $sync } 1 .. 10);
my ($status, $err, $peak) = load_measured('--jobs', 2, '--max-rejects', 5, $small);
is($status, 0, 'compressed blocks, and rows gathered before they are sent') or diag($err);
cmp_ok($peak, '<', $limit, "compressed blocks: $peak kB");

$node->stop;
done_testing();
