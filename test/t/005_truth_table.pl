# test/t/005_truth_table.pl - the cases of test/truth through the loader: load and report give
# the expected files byte for byte
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use PostgreSQL::Test::Utils;
use Test::More;

my $truth = "$ENV{CLICKSTREAM_ROOT}/test/truth";
my $node = new_node('truth');

clickstream_ok($node, 'init');
clickstream_ok($node, 'load', "$truth/events.csv");
clickstream_ok($node, 'load', '-t', 'campaign_reward_mapping', "$truth/mapping.csv");
is_csv(clickstream_ok($node, 'report', '--format', 'csv', '--timezone', 'UTC'),
    slurp_file("$truth/expected.csv"), 'report');

my ($head, @expected) = read_lines("$truth/queries_expected.csv");
$head =~ s/^query,//;
my (undef, @queries) = read_lines("$truth/queries.csv");
foreach my $query (@queries)
{
    chomp $query;
    my ($name, $frame, $since, $until, $gap) = split /,/, $query;
    my @options = ('--frame', $frame, '--gap', "$gap us", '--format', 'csv', '--timezone', 'UTC');

    push @options, '--from', $since if $since ne '';
    push @options, '--to', $until if $until ne '';
    is_csv(clickstream_ok($node, 'report', @options),
        join('', $head, map { s/^\Q$name\E,//r } grep { /^\Q$name\E,/ } @expected), $name);
}
cmp_ok(scalar @queries, '>', 20, 'queries');

done_testing();
