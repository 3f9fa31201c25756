# test/perl/Clickstream/Cluster.pm - what the server tests share: a server that
# finds the staged extension, and the loader run against it
package Clickstream::Cluster;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node client_environment clickstream clickstream_ok clickstream_like data_file);

# Return a new, running server called $name. The staged extension is found because
# "init" copies the file that TEMP_CONFIG names into postgresql.conf; each string in
# $settings becomes one more line of it.
sub new_node
{
    my ($name, @settings) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);

    BAIL_OUT('TEMP_CONFIG is not set: run the tests with "make check"')
      unless $ENV{TEMP_CONFIG};
    $node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
    $node->append_conf('postgresql.conf', "$_\n") foreach @settings;
    $node->start;
    return $node;
}

# Return the variables by which a client finds the server.
sub client_environment
{
    my ($node) = @_;

    return (PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');
}

# Run the loader with these arguments against database "postgres" of a server, or
# without any where $node is undefined. Return exit status (of a crash 128 and the
# signal, as in a shell), output and messages.
sub clickstream
{
    my ($node, @arguments) = @_;
    my ($out, $err) = ('', '');

    local %ENV = %ENV;
    %ENV = (%ENV, client_environment($node)) if $node;
    IPC::Run::run([ $ENV{CLICKSTREAM_BIN}, @arguments ],
        '<', \undef, '>', \$out, '2>', \$err);
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $out, $err);
}

# Run the loader as above and test that it succeeds; return its output.
sub clickstream_ok
{
    my ($node, @arguments) = @_;
    my ($status, $out, $err) = clickstream($node, @arguments);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($status, 0, "clickstream @arguments") or diag($err);
    return $out;
}

# Run the loader as above and test its exit status and what its messages say; return these.
sub clickstream_like
{
    my ($node, $expected, $pattern, $name, @arguments) = @_;
    my ($status, $out, $err) = clickstream($node, @arguments);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($status, $expected, "$name: exit status") or diag($err);
    like($err, $pattern, "$name: message");
    return $err;
}

# Return the path of a file of the test data, or undef where it is not there.
sub data_file
{
    my $path = "$ENV{CLICKSTREAM_DATA}/$_[0]";

    return -e $path ? $path : undef;
}

1;
