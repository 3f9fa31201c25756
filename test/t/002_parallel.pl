# test/t/002_parallel.pl - partial states of parallel workers merge to the bytes of a serial run
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use Test::More;

my $rows = $ENV{CLICKSTREAM_SOAK} ? 2_000_000 : 100_000;
my $node = new_node('parallel', 'max_worker_processes = 12', 'max_parallel_workers = 12');

# Pseudo-random rows, the same each time: users from few to many events, ties, NULLs.
setup_tables($node);
$node->safe_psql('postgres', <<"END");
CREATE TABLE event (u int, t timestamptz, m text, p text, kind text, id bigint)
    WITH (parallel_workers = 4);
ALTER TABLE event ALTER u SET (n_distinct = 2);
INSERT INTO event
SELECT h % (1 + h / 7 % 2000),
       CASE WHEN h % 97 > 0 THEN '2024-03-10 UTC'::timestamptz + h / 13 % 100000 * interval '1.000001 s' END,
       (ARRAY['GET', 'POST', NULL])[1 + i % 3], (ARRAY['/campaigns/', '/rewards/', '/x/'])[1 + h % 3] || h / 3 % 50,
       (ARRAY['view', 'issue', 'other', NULL])[1 + h % 4], nullif(h / 5 % 50, 7) - 25
FROM (SELECT i, ('x' || left(md5(i::text), 7))::bit(28)::int AS h FROM generate_series(1, $rows) AS i) AS x;
CREATE TABLE state (u int, s sessionset) WITH (parallel_workers = 4);
ALTER TABLE state ALTER u SET (n_distinct = 2);
INSERT INTO state SELECT u, sessionize(t, m, p) FROM event GROUP BY u, p;
VACUUM ANALYZE event, state;
END

my %queries = (
    'sessionize(t)' => 'event',
    q{sessionize(t, '7 s')} => 'event',
    'sessionize(t, m, p)' => 'event',
    q{sessionize(t, m, p, '1 h')} => 'event',
    'sessionize_events(t, kind, id)' => 'event',
    q{sessionize_events(t, kind, id, '1 us')} => 'event',
    'rollup(s)' => 'state');
my %settings = (
    hashed => 'SET enable_sort = off;',
    sorted => 'SET enable_hashagg = off;',
    spilled => q{SET enable_sort = off; SET work_mem = '64kB'; SET hash_mem_multiplier = 1;},
    'one worker' => 'SET enable_sort = off; SET max_parallel_workers_per_gather = 1;',
    'without leader' => 'SET enable_sort = off; SET parallel_leader_participation = off;');

# One hash over the bytes of all groups.
sub digest
{
    my ($aggregate, $table, $group, $settings) = @_;
    my $key = $group ? 'u' : '0';

    return $node->safe_psql('postgres', <<"END");
$settings
SELECT md5(string_agg(md5(sessionset_send(s)), ' ' ORDER BY k)), count(*), sum(num_events(s)), sum(num_sessions(s))
FROM (SELECT $key AS k, $aggregate AS s FROM $table @{[ $group ? 'GROUP BY u' : '' ]}) AS x
END
}

# The plan is parallel, and its workers did start.
sub is_parallel
{
    my ($name, $aggregate, $table, $settings) = @_;
    my $plan = $node->safe_psql('postgres',
        "$settings EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF) SELECT u, $aggregate FROM $table GROUP BY u");

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($plan =~ /\(PARTIAL \w+\(.*Workers Launched: [1-4]\b.*Parallel Seq Scan/s, "$name: parallel")
      || diag($plan);
}

my $serial = 'SET max_parallel_workers_per_gather = 0;';
foreach my $aggregate (sort keys %queries)
{
    my $table = $queries{$aggregate};
    my $groups = digest($aggregate, $table, 1, $serial);
    my $whole = digest($aggregate, $table, 0, $serial);

    like($groups, qr/^\w{32}\|[12]\d{3}\|/, "$aggregate: many groups");
    foreach my $name (sort keys %settings)
    {
        is_parallel("$aggregate, $name", $aggregate, $table, $parallel . $settings{$name});
        is(digest($aggregate, $table, 1, $parallel . $settings{$name}), $groups, "$aggregate, $name: same bytes");
    }
    is(digest($aggregate, $table, 0, $parallel), $whole, "$aggregate, one group: same bytes");
}

# A gap that varies between the rows of two workers is found where their states meet.
my ($status, $out, $err) = $node->psql('postgres', <<"END");
$parallel SET enable_sort = off;
SELECT num_events(sessionize(t, CASE WHEN ctid >= '(9,1)' THEN interval '1 s' ELSE '2 s' END)) FROM event
END
isnt($status, 0, 'a gap that varies is an error');
like($err, qr/gap must not vary inside a group|states of different gaps cannot be merged/, 'which says so');

# Few rows and many workers: some have no state to give.
is($node->safe_psql('postgres', <<"END"), '3', 'workers without rows');
$parallel
SELECT num_events(sessionize(t)) FROM event WHERE ctid IN ('(0,1)', '(0,2)', '(0,3)') AND t IS NOT NULL
END

done_testing();
