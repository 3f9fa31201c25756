# test/t/040_avro_insert.pl - INSERT into Avro tables with several sessions: who sees what when, and
# what is left by a commit that fails, a session that is ended, a server that is killed
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('insert', 'fsync = off', 'max_prepared_transactions = 2', 'restart_after_crash = on');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $temporary = qr/^\.clickstream-/;

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The names in a table's directory.
sub names
{
    my ($table) = @_;

    return grep { !/^\.\.?$/ } slurp_dir("$scratch/$table");
}

# Make a foreign table over a directory of its own.
sub create_table
{
    my ($table, $columns, $options) = @_;

    mkdir "$scratch/$table" or die $!;
    $options //= '';
    sql("CREATE FOREIGN TABLE $table ($columns) SERVER files OPTIONS (filename '$scratch/$table' $options)");
    return;
}

# What fastavro reads from the files of a table, a line a field.
sub read_by_fastavro
{
    my ($table) = @_;
    my ($out, $err) = ('', '');

    my $program = <<'END';
import sys, fastavro
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        for record in fastavro.reader(file):
            print(*(f"{key}={value!r}" for key, value in record.items()), sep="\n")
END

    IPC::Run::run([ "$ENV{CLICKSTREAM_ROOT}/build/venv/bin/python", '-c', $program, glob "$scratch/$table/*.avro" ],
        '<', \undef, '>', \$out, '2>', \$err) or diag($err);
    return $out;
}

sql(q(CREATE EXTENSION clickstream; CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw; CREATE TABLE local (id int)));

# What we write, others read

create_table('types', <<'END', q(, codec 'deflate'));
    yes boolean, n integer NOT NULL, big bigint, r real, d double precision, amount numeric(6, 2), note text, raw bytea,
    day date, at time, ts timestamptz, local timestamp, id uuid, numbers integer[], doc jsonb
END
sql(<<'END');
SET timezone = 'UTC';
INSERT INTO types VALUES (true, -1, 1099511627776, 0.5, 0.1, -12.3, E'na\u00efve', '\x00ff', '2024-02-29',
    '23:59:59.999999', '2024-03-10 12:00:00.123456Z', '2024-03-10 12:00', '00112233-4455-6677-8899-aabbccddeeff',
    '{1,NULL,3}', '{"a": [1]}');
END
is(read_by_fastavro('types'), <<'END', 'fastavro reads what was inserted');
yes=True
n=-1
big=1099511627776
r=0.5
d=0.1
amount=Decimal('-12.30')
note='naïve'
raw=b'\x00\xff'
day=datetime.date(2024, 2, 29)
at=datetime.time(23, 59, 59, 999999)
ts=datetime.datetime(2024, 3, 10, 12, 0, 0, 123456, tzinfo=datetime.timezone.utc)
local=datetime.datetime(2024, 3, 10, 12, 0)
id=UUID('00112233-4455-6677-8899-aabbccddeeff')
numbers=[1, None, 3]
doc='{"a": [1]}'
END
create_table("codec_$_", "id bigint", ", codec '$_'") foreach qw(null deflate bzip2 xz);
foreach my $codec (qw(null deflate bzip2 xz))
{
    sql(qq(INSERT INTO codec_$codec SELECT generate_series(1, 100000)));
    my @records = read_by_fastavro("codec_$codec") =~ /^id=(\d+)$/mg;
    is_deeply(\@records, [ 1 .. 100_000 ], "$codec: fastavro reads many blocks");
}

# Nobody sees a file before the commit; sessions do not meet

create_table('seen', 'id bigint');
my $writer = $node->background_psql('postgres', on_error_stop => 0);
$writer->query_safe('BEGIN; INSERT INTO seen SELECT generate_series(1, 50000)');
is(sql('SELECT count(*) FROM seen'), 0, 'not seen before the commit');
is(scalar(grep { /$temporary/ } names('seen')), 1, 'a temporary file');
sql('INSERT INTO seen VALUES (0)');
$writer->query_safe('COMMIT');
is(sql('SELECT count(*), sum(id) FROM seen'), '50001|1250025000', 'seen after it');
is(scalar(grep { /$temporary/ } names('seen')), 0, 'no temporary file is left');
is((stat "$scratch/seen/" . (names('seen'))[0])[2] & 0777, 0644, 'the file can be read by others');

create_table('many', 'session int, id int');
my @sessions = map {
    my $statement = "INSERT INTO many SELECT $_, generate_series(1, 20000)";
    IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $statement ],
        '<', \undef, '>', \my $out, '2>', \my $err)
} 1 .. 4;
$_->finish foreach @sessions;
is(sql('SELECT count(*), count(DISTINCT (session, id)) FROM many'), '80000|80000', 'four sessions at once');
is(scalar names('many'), 4, 'a file each');

# A commit that fails at the last moment takes the files back: serialization

create_table('serial', 'id int');
my @both = map { $node->background_psql('postgres', on_error_stop => 0) } 0 .. 1;
foreach my $n (0, 1)
{
    $both[$n]->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM local');
    $both[$n]->query_safe("INSERT INTO serial VALUES ($n)");
}
$_->query_safe('INSERT INTO local VALUES (1)') foreach @both;
$both[0]->query_safe('COMMIT');
$both[1]->query('COMMIT');
is(sql('SELECT id FROM serial'), 0, 'of two transactions that do not serialize, one is there');
is(scalar names('serial'), 1, 'and nothing of the other');
$_->quit foreach @both;

# Two-phase commit

my $prepare = "BEGIN; INSERT INTO serial VALUES (5); PREPARE TRANSACTION 'p'";
my ($status, $out, $err) = $node->psql('postgres', $prepare);
like($err, qr/cannot PREPARE a transaction that has inserted into an Avro table/, 'two-phase commit is refused');
is(scalar names('serial'), 1, 'and leaves nothing');
is(sql("BEGIN; SELECT count(*) FROM serial; PREPARE TRANSACTION 'q'; ROLLBACK PREPARED 'q'"),
    1, 'but not after reading');

# A directory that cannot be written

chmod 0555, "$scratch/serial" or die $!;
($status, $out, $err) =
  $node->psql('postgres', 'INSERT INTO serial VALUES (6)', extra_params => [ '-v', 'VERBOSITY=verbose' ]);
like($err, qr/42501: could not create file .*\/serial\/\.clickstream-.*: Permission denied/, 'the system says why');
chmod 0755, "$scratch/serial" or die $!;

# A session that is ended, a server that is killed

create_table('ended', 'id int');
$writer->query_safe('BEGIN; INSERT INTO ended SELECT generate_series(1, 50000)');
my $pid = $writer->query_safe('SELECT pg_backend_pid()');
is(scalar names('ended'), 1, 'a temporary file');
sql("SELECT pg_terminate_backend($pid, 60000)");
is(scalar names('ended'), 0, 'a session that is ended leaves nothing');
eval { $writer->quit };
$writer = $node->background_psql('postgres', on_error_stop => 0);
$writer->query_safe('BEGIN; INSERT INTO ended SELECT generate_series(1, 50000)');
$node->stop('immediate');
eval { $writer->quit };
$node->start;
my @left = names('ended');
is(scalar @left, 1, 'a server that is killed leaves a file');
like($left[0], $temporary, 'under its temporary name');
is(sql('SELECT count(*) FROM ended'), 0, 'which no table shows');
($status, $out, $err) = $node->psql('postgres', "SELECT avro_files('$scratch/ended/.c*')");
like($err, qr/no file matches/, 'nor a glob');
sql('INSERT INTO ended VALUES (1)');
is(sql('SELECT count(*) FROM ended'), 1, 'inserting goes on');

done_testing();
