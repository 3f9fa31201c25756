# test/t/009_session_sets.pl - functions that return rows of sessions, on states of very many:
# memory does not grow with the rows, a cancel is served, LIMIT leaves nothing behind, workers
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('session_sets', 'max_worker_processes = 8');
my %calls = (
    rows => 'session_rows(state, map)',
    details => q{session_details(state, map, 'u', '1 day', 'Asia/Singapore', true, '-infinity', 'infinity')},
    conversions => 'session_conversions(state, map)',
    funnel => q{session_funnel(state, '{view,issue}', '{NULL,NULL}')});

# "many": 600,000 sessions, each with a view that leads to an issue. "bot": one session of
# 1,000,000 events. "users": 20,000 small states.
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION clickstream;
CREATE TABLE map AS SELECT reward_map(i, i) AS map FROM generate_series(0, 999) AS i;
CREATE TABLE many AS
    SELECT sessionize_events('2000-01-01 UTC'::timestamptz + i / 2 * interval '10 min' + i % 2 * interval '1 s',
                             CASE i % 2 WHEN 0 THEN 'view' ELSE 'issue' END, i / 2 % 1000) AS state
    FROM generate_series(0, 1199999) AS i;
CREATE TABLE bot AS
    SELECT sessionize_events('2000-01-01 UTC'::timestamptz + i * interval '1 s',
                             CASE i % 2 WHEN 0 THEN 'view' ELSE 'issue' END, i * 7::bigint % 100003) AS state
    FROM generate_series(1, 1000000) AS i;
CREATE TABLE users WITH (parallel_workers = 4) AS
    SELECT u, sessionize_events('2024-03-10 UTC'::timestamptz + u * i % 13 * interval '1 min',
                                CASE i % 2 WHEN 0 THEN 'view' ELSE 'issue' END, u * (i / 2) % 7) AS state
    FROM generate_series(1, 20000) AS u, generate_series(1, 8) AS i GROUP BY u;
ANALYZE;
CREATE FUNCTION private_kb() RETURNS bigint LANGUAGE sql AS
    $$ SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint $$;
END

foreach my $name (sort keys %calls)
{
    my $call = $calls{$name};

    # In FROM the rows may go to disk; in a SELECT list nothing is kept.
    foreach my $query (
        "SELECT count(*) FROM many, map, $call",
        "SELECT count(*) FROM (SELECT $call FROM many, map OFFSET 0) AS x",
        "SELECT count((SELECT s FROM $call AS s LIMIT 1)) FROM users, map",
        "SELECT count((SELECT $call LIMIT 1)) FROM users, map")
    {
        my ($before, $count, $after) = split /\n/, $node->safe_psql('postgres', <<"END");
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM (SELECT $call FROM many, map LIMIT 1000) AS x \\g /dev/null
SELECT private_kb();
$query;
SELECT private_kb();
END
        cmp_ok($count, '>', 5000, "$query");
        cmp_ok($after - $before, '<', 24_000, "$name: memory");
    }

    foreach my $table (qw(many bot))
    {
        my (undef, undef, $message) = $node->psql('postgres', <<"END");
\\set VERBOSITY sqlstate
SET max_parallel_workers_per_gather = 0;
SET statement_timeout = 10;
SELECT count(*) FROM generate_series(1, 100) AS i, $table, map, LATERAL (SELECT count(*) FROM $call OFFSET i * 0) AS x;
END
        like($message, qr/ERROR: +57014/, "$name: cancelled in $table");
    }

    my $parallel = <<'END';
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 4;
END
    my $query = "SELECT count(*), sum(hashtext(s::text)) FROM users, $call AS s"
      =~ s/\bmap\b/'{"version": 1, "pairs": [[1, 1], [2, 3], [4, 6]]}'/r;
    like($node->safe_psql('postgres', "$parallel EXPLAIN (COSTS OFF) $query"), qr/Gather/, "$name: parallel plan");
    is($node->safe_psql('postgres', "$parallel $query"),
        $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $query"),
        "$name: workers give the same rows");
}

done_testing();
