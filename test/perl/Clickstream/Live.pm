# test/perl/Clickstream/Live.pm - stored states: batches to load, and checks of what is stored
package Clickstream::Live;

use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(avro_log random_cuts fresh states_behind is_stored rebuild_changes $from_log);

# Commands that make the report read the log, for report_csv: the mark goes with the session.
our $from_log = 'BEGIN; INSERT INTO session_mark (user_id) VALUES (NULL);';

# Make an Avro file of lines of a log; return its name.
sub avro_log
{
    my ($name, @lines) = @_;

    write_lines("$name.txt", @lines);
    clickstream_ok(undef, 'encode', '-o', "$name.avro", "$name.txt");
    return "$name.avro";
}

# Cut a list into $count pieces at random places; some may be empty.
sub random_cuts
{
    my ($count, @items) = @_;
    my @ends = sort { $a <=> $b } map { int rand(@items + 1) } 2 .. $count;
    my ($start, @pieces) = (0);

    foreach my $end (@ends, scalar @items)
    {
        push @pieces, [ @items[ $start .. $end - 1 ] ];
        $start = $end;
    }
    return @pieces;
}

# Return 't' where the report reads the states.
sub fresh
{
    my ($node) = @_;
    return $node->safe_psql('postgres', 'SELECT session_states_fresh()');
}

# Return how many states are not what sessionize makes of the log, and base.
sub states_behind
{
    my ($node) = @_;
    return $node->safe_psql('postgres', <<'END');
WITH part AS (
    SELECT user_id, sessionize("timestamp", http_method, http_path) AS state
    FROM http_log WHERE user_id IS NOT NULL GROUP BY user_id
    UNION ALL
    SELECT user_id, base FROM session_state
), wanted AS (
    SELECT user_id, rollup(state) AS state FROM part GROUP BY user_id HAVING rollup(state) IS NOT NULL
)
SELECT count(*) FROM wanted AS w FULL JOIN session_state AS s USING (user_id)
WHERE w.state IS DISTINCT FROM s.state
END
}

# Test that the states are fresh and right, and that states and log give the report of the
# oracle, where that is given.
sub is_stored
{
    my ($node, $name, $expected) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(fresh($node), 't', "$name: fresh");
    is(states_behind($node), '0', "$name: the states are those of the log");
    $expected //= report_csv($node, '', $from_log);
    is_csv(report_csv($node, ''), $expected, "$name: report from the states");
    is_csv(report_csv($node, '', $from_log), $expected, "$name: report from the log");
    return;
}

# Rebuild; return how many states that changed.
sub rebuild_changes
{
    my ($node) = @_;
    return $node->safe_psql('postgres', 'SELECT refresh_sessions(rebuild => true)');
}

1;
