# test/t/074_pooler.pl - PgBouncer between the commands and the server: with session pooling
# everything works; with transaction pooling SQL functions do
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($bouncer) = grep { -x } '/usr/sbin/pgbouncer', map { "$_/pgbouncer" } split /:/, $ENV{PATH};

plan(skip_all => 'pgbouncer is not installed') unless $bouncer;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('pooler');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $me = getpwuid $<;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $pooled = "host=127.0.0.1 port=$port dbname=postgres user=$me";
my $pid; # of the pooler that is running

# Start the pooler in this mode.
sub begin
{
    my ($mode) = @_;

    unlink "$scratch/pid";
    open my $out, '>', "$scratch/ini" or die $!;
    print {$out} "[databases]\n* = host=", $node->host, ' port=', $node->port, " user=$me\n",
      "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = $port\nunix_socket_dir =\n",
      "auth_type = any\nuser = $me\npool_mode = $mode\ndefault_pool_size = 8\n",
      "logfile = $scratch/log\npidfile = $scratch/pid\n";
    close $out;
    system_or_bail($bouncer, '-q', '-d', "$scratch/ini");
    select undef, undef, undef, 0.05 until -s "$scratch/pid";
    $pid = slurp_file("$scratch/pid") + 0;
    return;
}

# End it.
sub finish
{
    kill 'QUIT', $pid if $pid;
    select undef, undef, undef, 0.05 while $pid && kill 0, $pid;
    $pid = undef;
    return;
}

END { finish() }

# SQL by way of the pooler.
sub ask { return $node->safe_psql('postgres', $_[0], connstr => $pooled) }

begin('session');
clickstream_ok(undef, 'init', '-d', $pooled);
clickstream_ok(undef, 'encode', '--codec', 'null', '-o', "$scratch/log.avro", "$root/data/http_log.txt");
clickstream_ok(undef, 'load', '-d', $pooled, '--jobs', 2, "$scratch/log.avro");
is(ask('SELECT refresh_sessions()'), 206, 'a refresh');
my $direct = clickstream_ok($node, 'report', '--format', 'csv');
is(clickstream_ok(undef, 'report', '-d', $pooled, '--format', 'csv'), $direct, 'the report');
like(clickstream_ok(undef, 'status', '-d', $pooled, '--format', 'csv'), qr/,1970,1970,/, 'status');
clickstream_ok(undef, 'unload', '-d', $pooled, "$scratch/log.avro");
clickstream_ok($node, 'load', "$scratch/log.avro");
finish();

begin('transaction');
is(ask('SELECT refresh_sessions()'), 206, 'transaction pooling: a refresh');
is(ask('SELECT count(*) FROM session_report()'), 703, 'transaction pooling: the report');
is(ask(q{SELECT forget_before('2024-03-05')}), 98, 'transaction pooling: forgetting');
finish();

done_testing();
