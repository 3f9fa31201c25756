# test/t/007_details_oracle.pl - session_details under all cuts, session_conversions and
# session_funnel on random logs, against the oracle; local days in every time zone
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Logs;
use PostgreSQL::Test::Utils;
use Test::More;

my ($logs, $queries) = $ENV{CLICKSTREAM_SOAK} ? (50, 20) : (4, 6);
my $node = new_node('details_oracle');
my $scratch = PostgreSQL::Test::Utils::tempdir;

setup_tables($node);

sub pick { return $_[ int rand @_ ] }

# Return the rows of a query for each user's state and the map as the oracle prints them.
sub table_csv
{
    my ($columns, $call, $gap) = @_;

    return $node->safe_psql('postgres', <<"END") . "\n";
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.utc(t timestamptz) RETURNS text LANGUAGE sql AS \$\$
    SELECT to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS') || coalesce(nullif(to_char(t, '.US'), '.000000'), '') || '+00:00' \$\$;
COPY (
    SELECT u.user_id, $columns
    FROM (SELECT user_id, sessionize("timestamp", http_method, http_path, $gap * interval '1 us') AS state
          FROM http_log GROUP BY user_id) AS u,
         (SELECT reward_map(campaign_id, reward_id) AS map FROM campaign_reward_mapping) AS m,
         LATERAL $call WITH ORDINALITY AS s
    ORDER BY u.user_id COLLATE "C", s.ordinality
) TO STDOUT (FORMAT csv, HEADER)
END
}

# An end of time, or an instant about as far from an event as the gap.
sub random_edge
{
    my ($gap) = @_;
    my $offset = pick(0, -$gap, $gap) + pick(-1, 0, 0, 1);
    my $line = int rand 1000;

    return pick('-infinity', 'infinity') if rand() < 0.3;
    return $node->safe_psql('postgres', <<"END");
SELECT to_char(("timestamp" + $offset * interval '1 us') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM http_log LIMIT 1 OFFSET $line
END
}

# Compare session_details with random arguments.
sub check_details
{
    my ($name, $gap, @oracle) = @_;
    my @arguments = ('state', 'map', 'user_id');

    if (rand() < 0.5)
    {
        my $length = pick(1, 1000, 60e6, 299_999_000, 3e8, 6e8, 36e8);
        push @arguments, "max_length => $length * interval '1 us'";
        push @oracle, "--max-length=$length";
    }
    if (rand() < 0.6)
    {
        my $zone = pick(qw(UTC Asia/Singapore America/New_York America/St_Johns Asia/Kathmandu Pacific/Apia));
        push @arguments, "midnight => '$zone'";
        push @oracle, "--midnight=$zone";
    }
    if (rand() < 0.5)
    {
        push @arguments, 'cut_on_campaign => true';
        push @oracle, '--cut-on-campaign';
    }
    foreach my $edge (qw(loaded_from loaded_until))
    {
        next if rand() < 0.2;
        my $time = random_edge($gap);
        push @arguments, "$edge => '$time'";
        push @oracle, '--' . ($edge =~ tr/_/-/r) . "=$time";
    }
    my $call = 'session_details(' . join(', ', @arguments) . ')';
    my $expected = oracle_csv('--table=details', @oracle);
    is_csv(table_csv(<<'END', $call, $gap), $expected, "$name: @oracle[3 .. $#oracle]");
pg_temp.utc(session_start) AS session_start, pg_temp.utc(session_end) AS session_end, events, campaigns, rewards_issued,
reward_driven_by_campaign_view, session_id, (extract(epoch FROM duration) * 1000000)::bigint AS duration,
entry_kind, entry_id, exit_kind, exit_id, bounce, may_continue_before, may_continue_after
END
    return;
}

# Compare session_conversions.
sub check_conversions
{
    my ($name, $gap, @oracle) = @_;
    my $expected = oracle_csv('--table=conversions', @oracle);

    is_csv(table_csv(<<'END', 'session_conversions(state, map)', $gap), $expected, "$name: conversions");
pg_temp.utc(session_start) AS session_start, campaign_id, pg_temp.utc(viewed_at) AS viewed_at, reward_id,
pg_temp.utc(issued_at) AS issued_at
END
    return;
}

# Compare session_funnel with random steps.
sub check_funnel
{
    my ($name, $gap, @oracle) = @_;
    my @steps = map { [ pick(qw(view view issue issue other)), pick('', 0 .. 7) ] } 1 .. 1 + rand 4;
    my $kinds = join ',', map { $_->[0] } @steps;
    my $ids = join ',', map { $_->[1] eq '' ? 'NULL' : $_->[1] } @steps;
    my @texts = map { "$_->[0]:$_->[1]" } @steps;
    my $expected = oracle_csv('--table=funnel', @oracle, '--steps', @texts);

    is_csv(table_csv(<<'END', "session_funnel(state, '{$kinds}', '{$ids}')", $gap), $expected, "$name: funnel @texts");
pg_temp.utc(session_start) AS session_start, steps,
ARRAY(SELECT pg_temp.utc(t) FROM unnest(reached_at) WITH ORDINALITY AS r (t, n) ORDER BY n) AS reached_at
END
    return;
}

foreach my $seed (1 .. $logs)
{
    my $log = write_lines("$scratch/log", random_log($seed));
    my $mapping = write_lines("$scratch/mapping.csv", random_mapping($seed));

    load_log($node, $log);
    load_mapping($node, $mapping);
    srand($seed);
    foreach (1 .. $queries)
    {
        my $gap = pick(3e8, 3e8, 300_001_000, 36e8, 1000);
        my @oracle = ("--gap=$gap", "--mapping=$mapping", $log);

        check_details("seed $seed", $gap, @oracle);
        check_funnel("seed $seed", $gap, @oracle);
    }
    check_conversions("seed $seed", $_, "--gap=$_", "--mapping=$mapping", $log) foreach 3e8, 36e8;
}

# Each zone, abbreviation and rule: sessions without end start where the local date changes.
is($node->safe_psql('postgres', <<'END'), '', 'local days are those of AT TIME ZONE');
SET timezone = 'UTC';
CREATE TEMP TABLE instant AS
    SELECT timestamptz '2000-01-01 UTC' + (i * 7919 % 20011 - 10000) * interval '171 h 13 min' AS t
    FROM generate_series(1, 200) AS i
    UNION SELECT timestamptz '2023-01-01 UTC' + i * interval '3 h 29 min' FROM generate_series(1, 300) AS i
    UNION SELECT timestamptz '2011-12-28 UTC' + i * interval '17 min' FROM generate_series(1, 300) AS i
    UNION VALUES (timestamptz '4713-01-01 BC UTC'), ('294276-12-29 UTC');
CREATE TEMP TABLE zone AS
    SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/'
    UNION SELECT abbrev FROM pg_timezone_abbrevs
    UNION VALUES ('<+0330>-3:30'), ('XYZ+11:30'), ('FOO4BAR,M3.2.0,M11.1.0'), ('asia/singapore'), ('+07'), ('-03:30');
SELECT name
FROM zone, (SELECT sessionize(t, '1000000 days') AS state FROM instant) AS s
WHERE ARRAY(SELECT session_start FROM session_details(state, midnight => name) ORDER BY session_start)
      <> ARRAY(SELECT t FROM (SELECT t, (t AT TIME ZONE name)::date AS d,
                                     lag((t AT TIME ZONE name)::date) OVER (ORDER BY t) AS before FROM instant) AS x
               WHERE before IS DISTINCT FROM d ORDER BY t)
ORDER BY name
END

done_testing();
