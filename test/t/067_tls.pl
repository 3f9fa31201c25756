# test/t/067_tls.pl - TLS options are libpq's, in a URI, in a connection string, in the environment
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my ($out, $err) = ('', '');
plan skip_all => 'openssl is not there'
  unless eval { IPC::Run::run([ 'openssl', 'version' ], '>', \$out, '2>', \$err) };
plan skip_all => 'the server was built without TLS' unless check_pg_config('#define USE_OPENSSL 1');

my $node = new_node('tls', "listen_addresses = '127.0.0.1'");
my $data = $node->data_dir;
my $certificate = PostgreSQL::Test::Utils::tempdir . '/server.crt';

# Run status with a connection string; it must end so, and say that.
sub status_is
{
    my ($expected, $pattern, $name, $conninfo) = @_;
    my ($status, $list, $messages) = clickstream($node, 'status', '-v', '-d', $conninfo);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($status, $expected, "$name: exit status") or diag($messages);
    like($messages, $pattern, "$name: message");
    return;
}

clickstream_ok($node, 'init');
my $port = $node->port;
my $address = "host=127.0.0.1 port=$port dbname=postgres";
status_is(3, qr/server does not support SSL/, 'a server without TLS', "$address sslmode=require");

IPC::Run::run(
    [ qw(openssl req -new -x509 -days 2 -nodes -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1),
        '-keyout', "$data/server.key", '-out', "$data/server.crt" ], '>&', \$err) or die $err;
chmod 0600, "$data/server.key";
write_file($certificate, read_file("$data/server.crt"));
$node->append_conf('postgresql.conf', "ssl = on\n");
$node->restart;

status_is(0, qr/connected to .*127\.0\.0\.1.*TLSv1/, 'TLS by a connection string', "$address sslmode=require");
status_is(0, qr/TLSv1/, 'by a URI', "postgresql://127.0.0.1:$port/postgres?sslmode=require");
status_is(0, qr/TLSv1/, 'with a certificate to go by',
    "$address sslmode=verify-full sslrootcert=$certificate");
status_is(3, qr/certificate/, 'a certificate that nobody vouches for',
    "$address sslmode=verify-full sslrootcert=/nowhere");
status_is(0, qr/without TLS/, 'no TLS', "$address sslmode=disable");
{
    local $ENV{PGSSLMODE} = 'require';
    status_is(0, qr/TLSv1/, 'by the environment', $address);
}

$node->stop;
done_testing();
