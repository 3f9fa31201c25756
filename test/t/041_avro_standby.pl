# test/t/041_avro_standby.pl - Avro tables on a read-only standby, in a dump, and for the owner of a
# database who is no superuser
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ], allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'fsync = off');
$primary->start;
my $scratch = PostgreSQL::Test::Utils::tempdir;
mkdir "$scratch/rows" or die $!;

sub sql { return $primary->safe_psql('postgres', $_[0]) }

# Run a statement; return the code of its error, or what it prints.
sub outcome
{
    my ($node, $statement, %options) = @_;
    my (undef, $out, $err) =
      $node->psql('postgres', $statement, %options, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);

    return $err =~ /ERROR:  (\w+)/ ? $1 : $out;
}

sql(<<"END");
CREATE EXTENSION clickstream;
CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw;
CREATE FOREIGN TABLE rows (id int) SERVER files OPTIONS (filename '$scratch/rows', codec 'xz');
INSERT INTO rows SELECT generate_series(1, 1000);
END

# A standby reads the files of its own machine, and writes none

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT count(*), sum(id) FROM rows'), '1000|500500', 'a standby reads');
is($standby->safe_psql('postgres', "SELECT rows, codec FROM avro_files('$scratch/rows')"),
    '1000|xz', 'and looks into files');
is(outcome($standby, 'INSERT INTO rows VALUES (1)'), '25006', 'but does not write');
my $import = "IMPORT FOREIGN SCHEMA x FROM SERVER files INTO public OPTIONS (filename '$scratch/rows')";
is(outcome($standby, $import), '25006', 'nor import');
is(scalar(grep { !/^\.\.?$/ } slurp_dir("$scratch/rows")), 1, 'no file is left');
$standby->stop;

# A dump holds the table, not the rows

sql('CREATE DATABASE restored TEMPLATE template0');
$primary->command_ok([ 'pg_dump', '-d', $primary->connstr('postgres'), '-f', "$scratch/dump.sql" ], 'dump');
$primary->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$scratch/dump.sql", '-d',
    $primary->connstr('restored') ], 'restore');
is($primary->safe_psql('restored', 'SELECT count(*), sum(id) FROM rows'),
    '1000|500500', 'the restored table reads the same files');
my $may = q(SELECT has_foreign_data_wrapper_privilege('pg_read_server_files', 'avro_fdw', 'USAGE'));
is($primary->safe_psql('restored', $may), 't', 'who may use the wrapper is the same');

# The owner of a database may create the extension, which opens no way to the files

sql('CREATE ROLE shop_owner LOGIN; CREATE DATABASE shop OWNER shop_owner');
my $as_owner = $primary->connstr('shop') . ' user=shop_owner';

sub as_owner { return outcome($primary, $_[0], connstr => $as_owner) }

my $table = "CREATE FOREIGN TABLE rows (id int) SERVER files OPTIONS (filename '$scratch/rows')";
is(as_owner('CREATE EXTENSION clickstream'), '', 'the owner of a database creates the extension');
is(as_owner('CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw'), '42501', 'a server needs a grant');
is(as_owner("SELECT avro_schema('$scratch/rows/x')"), '42501', 'files are not for him');
is(as_owner(q(SELECT avro_to_jsonb('\x02', '"long"'))), '1', 'a datum is');
is(as_owner('GRANT USAGE ON FOREIGN DATA WRAPPER avro_fdw TO shop_owner'), '42501', 'he cannot grant it himself');
$primary->safe_psql('shop', 'GRANT USAGE ON FOREIGN DATA WRAPPER avro_fdw TO shop_owner');
is(as_owner('CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw'), '', 'with it he makes a server');
is(as_owner($table), '42501', 'but no table over files');
is(as_owner('CREATE FOREIGN TABLE rows (id int) SERVER files'), 'HV002', 'nor one without');
sql('GRANT pg_read_server_files TO shop_owner');
is(as_owner($table), '', 'who may read files makes one');
is(as_owner('SELECT count(*) FROM rows'), '1000', 'reads it');
is(as_owner('INSERT INTO rows VALUES (1)'), '42501', 'and does not write it');
sql('REVOKE pg_read_server_files FROM shop_owner');
is(as_owner("ALTER FOREIGN TABLE rows OPTIONS (SET filename '/etc')"),
    '42501', 'who may not any more cannot turn it to other files');
is(as_owner('DROP EXTENSION clickstream CASCADE'), '', 'the owner drops the extension');

$primary->stop;
done_testing();
