# test/t/030_live_batches.pl - random logs in random batches with a refresh after each: stored
# states, report and oracle agree row for row; old rows may be dropped in between
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('live', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $batches = 50;
my ($logs, $users, $compared) = $ENV{CLICKSTREAM_SOAK} ? (20, 6_600, $batches) : (1, 60, 10);
my $mapping = write_lines("$scratch/mapping.csv", random_mapping(7));

sub sql { return $node->safe_psql('postgres', $_[0]) }

# One log: load it batch by batch, in order of nothing.
sub check_log
{
    my ($seed) = @_;
    my @pieces = random_cuts($batches, random_log($seed, $users));
    my (@loaded, @counts);

    sql('TRUNCATE http_log, session_state, session_mark, load_batch CASCADE');
    foreach my $n (0 .. $#pieces)
    {
        clickstream_ok($node, 'load', avro_log("$scratch/$seed-$n", @{ $pieces[$n] }));
        push @loaded, @{ $pieces[$n] };
        # now and then a second batch, or rows by hand, before the refresh
        next if $n % 7 == 3 && $n < $#pieces;
        push @counts, sql('SELECT refresh_sessions()');
        next if $n % $compared && $n < $#pieces;
        is_stored($node, "seed $seed, batch $n",
            oracle_csv('--mapping', $mapping, write_lines("$scratch/loaded.txt", @loaded)));
    }
    is(sql('SELECT refresh_sessions()'), '0', 'nothing is left to do');
    is(rebuild_changes($node), '0', 'a rebuild changes nothing');
    is_stored($node, "seed $seed, rebuilt");
    ok((grep { $_ > 0 } @counts) > $batches / 2, 'refreshes had something to do');
    return oracle_csv('--mapping', $mapping, "$scratch/loaded.txt");
}

# Old rows are dropped in two steps: every way to ask gives what it gave before.
sub check_forgetting
{
    my ($expected) = @_;
    my $hour = report_csv($node, "gap => '1 hour', frame => 'overlap', since => '2020-03-02'");
    my $rows = sql('SELECT count(*) FROM http_log');

    foreach my $share (0.3, 0.7)
    {
        my $dropped = sql('SELECT forget_before(percentile_disc(' . $share
              . ') WITHIN GROUP (ORDER BY "timestamp")) FROM http_log');
        ok($dropped > $rows / 10, "$dropped rows are dropped");
        is_stored($node, "without $dropped rows", $expected);
        is(report_csv($node, "gap => '1 hour', frame => 'overlap', since => '2020-03-02'", $from_log),
            $hour, 'another gap, from log and base');
        is(report_csv($node, "gap => '1 hour', frame => 'overlap', since => '2020-03-02'"), $hour, 'from states');
    }
    is(sql('SELECT sum(rows_forgotten) + (SELECT count(*) FROM http_log) FROM load_batch'),
        $rows, 'the ledger knows how many');
    is(rebuild_changes($node), '0', 'a rebuild changes nothing');
    return;
}

clickstream_ok($node, 'init');
load_mapping($node, $mapping);
foreach my $seed (1 .. $logs)
{
    my $expected = check_log($seed);
    check_forgetting($expected);
}

# The command reports from states, and says nothing else.
my $from_states = clickstream_ok($node, 'report', '--format', 'csv');
sql('INSERT INTO session_mark (user_id) VALUES (NULL)');
is(clickstream_ok($node, 'report', '--format', 'csv'), $from_states, 'clickstream report: from the log the same');

$node->stop;
done_testing();
