# test/t/072_foreign_files.pl - tables over files of the server, in the hands of roles that may not
# read such files themselves: what they can do with them, and what messages and links give away
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Live;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('foreign');
my $folder = PostgreSQL::Test::Utils::tempdir;
my $log = avro_log("$folder/log", "2024-03-10T08:00:00Z GET /campaigns/1 u1\n");
write_file("$folder/secret", "root:hunter2:secret\n" x 20);

$node->safe_psql('postgres', <<"END");
CREATE EXTENSION clickstream;
CREATE ROLE mallory LOGIN;
CREATE ROLE trusted_reader LOGIN IN ROLE pg_read_server_files;
GRANT CREATE ON SCHEMA public TO mallory, trusted_reader;
CREATE SERVER files FOREIGN DATA WRAPPER avro_fdw;
GRANT USAGE ON FOREIGN SERVER files TO mallory, trusted_reader;
CREATE FOREIGN TABLE given (user_id text) SERVER files OPTIONS (filename '$log');
CREATE FOREIGN TABLE hidden (user_id text) SERVER files OPTIONS (filename '$log');
ALTER FOREIGN TABLE given OWNER TO mallory;
CREATE VIEW shown AS SELECT * FROM hidden;
GRANT SELECT ON shown TO mallory;
CREATE FOREIGN TABLE written (user_id text) SERVER files OPTIONS (filename '$folder/out-*.avro');
GRANT ALL ON written TO trusted_reader, mallory;
END

# What a role is told.
sub said
{
    my ($role, $sql) = @_;
    my ($out, $err) = ('', '');

    $node->psql('postgres', $sql, connstr => $node->connstr('postgres') . " user=$role", stdout => \$out,
        stderr => \$err);
    return $out . $err;
}

# an owner who may not name files changes no option of the table, whether it names a file or not
foreach my $options ("SET filename '/etc/passwd'", "ADD schema '\"long\"'", "ADD on_error 'ignore'",
    "ADD max_block_size '1GB'", 'DROP filename')
{
    like(said('mallory', "ALTER FOREIGN TABLE given OPTIONS ($options)"),
        qr/permission denied to set the option|option "filename" is required/, "the owner's $options");
}
like(said('mallory', "CREATE FOREIGN TABLE own (x text) SERVER files OPTIONS (filename '/etc/passwd')"),
    qr/permission denied to set the option/, 'a table of her own');
like(said('mallory', q(IMPORT FOREIGN SCHEMA "/etc" FROM SERVER files INTO public)),
    qr/permission denied to read Avro files/, 'an import of her own');
is(said('mallory', 'SELECT * FROM given'), 'u1', 'she reads the table that was given to her');
is(said('mallory', 'SELECT * FROM shown'), 'u1', 'and through a view');
like(said('mallory', 'SELECT * FROM hidden'), qr/permission denied for foreign table/, 'but not what is behind it');
like(said('mallory', 'EXPLAIN SELECT * FROM hidden'), qr/permission denied for foreign table/,
    'nor does EXPLAIN tell of it');
like(said('mallory', 'EXPLAIN SELECT * FROM given'), qr/Avro Files: \Q$log\E/, 'EXPLAIN tells of hers');

# who may read files does not write any
foreach my $role ('trusted_reader', 'mallory')
{
    like(said($role, "INSERT INTO written VALUES ('x')"), qr/permission denied to write Avro files/,
        "$role writes nothing");
}
is(join(' ', glob("$folder/out-*")), '', 'there is no file');

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# links: only Avro files are read, and messages do not quote others
mkdir "$folder/drop";
symlink "$folder/secret", "$folder/drop/link.avro";
$node->safe_psql('postgres',
    "CREATE FOREIGN TABLE dropped (user_id text) SERVER files OPTIONS (filename '$folder/drop')");
my $message = said($superuser, 'SELECT * FROM dropped');
like($message, qr/could not read Avro file/, 'a link to another file is an error');
unlike($message, qr/hunter2|root:/, 'which does not quote it');
unlink "$folder/drop/link.avro";
symlink '/dev/zero', "$folder/drop/link.avro";
like(said($superuser, 'SELECT * FROM dropped'),
    qr/is not a regular file/, 'a link to a device is not opened');

done_testing();
