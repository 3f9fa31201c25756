# test/t/071_hostile_schema.pl - everything that is done in the database gives the same answer, as
# the right role, where the schemas that are searched are full of an attacker's functions and
# operators that match calls better than those of PostgreSQL (test/support/traps.sql)
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Live;
use Clickstream::Logs;
use HTTP::Tiny;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('hostile');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @sources = map { slurp_file($_) =~ s/--[^\n]*//gr } glob("$root/sql/postgres/*.sql $root/loader/sql/*.sql");

# The names of functions that our SQL calls without saying whose they are, and of operators.
my %called = map { $_ => 1 } qw(translate array_to_string current_schema set_config),
  map { /(?<![.\w"])([a-z_]\w*)\(/g } @sources;
my $list = join ',', map { "'$_'" } sort keys %called;
my $ours = '^(session|http_|recommend|reward|unload|forget|refresh|campaign|weekly|with_gap)';
my ($catalog_names, $our_names) = split /\|/, $node->safe_psql('postgres', <<"END");
SELECT string_agg(DISTINCT n, ' ') FILTER (WHERE EXISTS (SELECT FROM pg_proc WHERE proname = n AND pronargs > 0)),
       string_agg(DISTINCT n, ' ') FILTER (WHERE n ~ '$ours')
FROM unnest(ARRAY[$list]) AS n
END
my $operators = '= <> < <= > >= || + - * / % >> & -> ->> ~';

# Lay the traps of mallory's into a schema.
sub lay_traps
{
    my ($database, $schema, $names, $exact) = @_;
    my $err;

    IPC::Run::run(
        [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($database) . ' user=mallory',
            '-v', "trap_schema=$schema", '-v', "trap_exact=$exact",
            '-v', "trap_names=$names", '-v', "trap_operators=$operators",
            '-f', "$root/test/support/traps.sql" ], '2>', \$err)
      or die $err;
    return;
}

# Run the loader on a database; its output and messages, without what differs from run to run.
sub loader
{
    my ($database, @arguments) = @_;
    my ($out, $err);

    local $ENV{PGDATABASE} = $database;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    IPC::Run::run([ $ENV{CLICKSTREAM_BIN}, @arguments ], '<', \undef, '>', \$out, '2>', \$err);
    return join '', "$arguments[0]: $?\n", map { s/\b\Q$database\E\b/DATABASE/gr =~ s/\d+-\d\d-\d\dT[\d:.+]+/TIME/gr
          =~ s/\d[\d.,]* (?:[kM]?B|rows|s)[^\n]*/FIGURES/gr } "$out$err";
}

# Run SQL as the victim; its output and errors.
sub victim
{
    my ($database, $sql) = @_;
    my ($status, $out, $err) = $node->psql($database, $sql);

    return "$status\n$out\n" =~ s/"(?:memory|seconds)": [\d.]+//gr . ($err =~ s/^psql:<stdin>:\d+: //gmr) . "\n";
}

# Ask the service; what it answers.
sub served
{
    my ($database) = @_;
    my ($out, $err, $port) = ('', '');
    my $answers = '';

    local $ENV{PGDATABASE} = $database;
    local $ENV{PGHOST} = $node->host;
    local $ENV{PGPORT} = $node->port;
    my $service = IPC::Run::start([ $ENV{CLICKSTREAM_BIN}, 'serve', '--http-port', '0', '-m', 'm' ], '<', \undef,
        '>', \$out, '2>', \$err);
    $service->pump until $err =~ m{:(\d+)/} or not $service->pumpable;
    ($port) = $err =~ m{:(\d+)/} or return $err;
    foreach my $path ('/healthz', '/recommend/1?n=3&titles=true', '/similar/3?n=3',
        '/report?from=2024-03-05&to=2024-03-06',
        '/report?format=html')
    {
        my $answer = HTTP::Tiny->new(timeout => 60)->get("http://127.0.0.1:$port$path");
        $answers .= "$path: $answer->{status} " . ($answer->{content} =~ s/\b\Q$database\E\b/DATABASE/gr) . "\n";
    }
    $service->signal('TERM');
    $service->finish;
    return $answers . ($err =~ s/:\d+//gr);
}

my @lines = random_log(7, 40);
my $first = avro_log("$scratch/first", @lines[ 0 .. 399 ]);
my $second = avro_log("$scratch/second", @lines[ 400 .. $#lines ]);
my $refused = write_file("$scratch/refused.csv", "campaign_id,reward_id\n1,2\nx,3\n4,5\n");

# What the victim says is exact: which function it means where a schema that is searched has several
# of a name is the victim's to say.
my $all = "'-infinity'::timestamptz, 'infinity'::timestamptz";
my $refresh = 'SELECT refresh_sessions(false)';

# All that can be done, from loads to forgetting.
sub do_everything
{
    my ($database) = @_;
    my @said;

    push @said, loader($database, 'load', $first);
    push @said, loader($database, 'load', '-t', $_, "$root/data/$_.csv")
      foreach qw(campaign campaign_reward_mapping reward_campaign reward_transaction);
    push @said, loader($database, 'load', '-t', 'campaign', '--on-conflict', $_, '--again', "$root/data/campaign.csv")
      foreach qw(update nothing);
    push @said, loader($database, 'load', '-t', 'campaign_reward_mapping', '--max-rejects', '1', '--rejects',
        "$scratch/$database.rejects", $refused);
    push @said, loader($database, 'status', '--format', 'csv'),
      loader($database, 'status', '--rejects', '--format', 'csv'),
      loader($database, 'status');
    push @said, victim($database, $refresh);
    push @said, loader($database, 'load', '--jobs', '2', '--batch', '100', $second);
    push @said, victim($database, $refresh);
    push @said, loader($database, 'unload', $second), victim($database, $refresh);
    push @said, loader($database, 'load', '--jobs', '2', '--batch', '100', $second);
    push @said, loader($database, 'load', '-t', 'item', '--format', 'movielens', "$root/data/movies.csv");
    push @said, loader($database, 'load', '-t', 'interaction', '--format', 'movielens', "$root/data/ratings.csv");
    push @said, loader($database, 'report', '--format', 'csv'), loader($database, 'report', '--format', 'html');
    push @said, victim($database, $_) foreach (
        "SELECT * FROM session_report($all, '5 min'::interval, 'start'::text) ORDER BY 1, 2",
        "SELECT * FROM session_report($all, '10 min'::interval, 'overlap'::text) ORDER BY 1, 2",
        "SELECT * FROM session_report($all, '1 mon'::interval, 'start'::text)",
        "SELECT * FROM campaign_conversions($all, '5 min'::interval, 'start'::text)",
        "SELECT * FROM campaign_engagement(1::bigint, NULL::date, NULL::date, 'UTC'::text)",
        "SELECT * FROM weekly_rewards(NULL::bigint, NULL::date, NULL::date, 'UTC'::text)",
        'TABLE reward_interaction ORDER BY 1, 2, 3',
        "UPDATE http_log SET http_path = '/x' WHERE user_id OPERATOR(pg_catalog.=) 'user-1'",
        "DELETE FROM http_log WHERE user_id OPERATOR(pg_catalog.=) 'user-2'",
        $refresh, 'SELECT refresh_sessions(true)', "SELECT forget_user('user-3'::text)",
        "SELECT forget_before('2020-03-02'::timestamptz)", $refresh,
        'SELECT user_id, state, base FROM session_state ORDER BY 1',
        "SELECT recommender_fit('m', 'interaction', 'user_id', 'item_id')",
        "SELECT * FROM recommender_evaluate('m', 'interaction', 'user_id', 'item_id')",
        "SELECT * FROM recommend('m'::text, 1::bigint, 3, true, NULL::bigint[])",
        "SELECT * FROM recommend('m'::text, '2'::text, 3, true, NULL::bigint[])",
        "SELECT * FROM recommend_for('m', '{1,2}')", "SELECT * FROM similar_items('m'::text, 3::bigint, 10)");
    push @said, loader($database, 'recommend', '-m', 'm', '--titles', '--because', '1'), served($database);
    return @said;
}

# A database in which mallory may make things, with her schema searched first
sub create_database
{
    my ($database, $template) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE $template");
    $node->safe_psql('postgres', "ALTER DATABASE $database SET search_path = public, traps, pg_catalog");
    return;
}

$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE trapped');
$node->safe_psql('trapped', 'CREATE SCHEMA traps AUTHORIZATION mallory; GRANT CREATE ON SCHEMA public TO mallory');
create_database($_, 'trapped') foreach 'untrapped', 'after_init';
lay_traps('trapped', 'public', $catalog_names, 'f');
create_database($_, 'trapped') foreach 'before_init', 'by_month';

my @expected = (loader('untrapped', 'init'), do_everything('untrapped'));
is(scalar(grep { /^(?!0\n|\w+: 0\n|\/)/ && !/gap must/ } @expected), 0, 'without traps all of it succeeds')
  or diag(grep { /^(?!0\n|\w+: 0\n|\/)/ } @expected);

# traps that wait for init, and such that are laid afterwards
my @before = (loader('before_init', 'init'), do_everything('before_init'));
my $after = loader('after_init', 'init');
lay_traps('after_init', 'public', "$catalog_names $our_names", 'f');
lay_traps('after_init', 'traps', $catalog_names, 't');
$node->safe_psql('after_init', <<'END', connstr => $node->connstr('after_init') . ' user=mallory');
CREATE FUNCTION public.to_jsonb(load_reject) RETURNS trapped LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
CREATE FUNCTION public.num_sessions(sessionset, int DEFAULT 1) RETURNS trapped LANGUAGE plpgsql
    AS $$BEGIN RAISE EXCEPTION 'trapped'; END$$;
END
my @after = ($after, do_everything('after_init'));
foreach my $i (0 .. $#expected)
{
    my $name = "step $i";
    is($before[$i], $expected[$i], "$name, with traps laid before init");
    is($after[$i], $expected[$i], "$name, with traps laid after init");
}

# months
like(loader('by_month', 'init', '--partition', 'month'), qr/^init: 0\n/, 'init of a log by months');
like(loader('by_month', 'load', $first), qr/^load: 0\n/, 'loading makes its months');
my $reported = "SELECT user_id FROM session_report($all, '5 min'::interval, 'start'::text) LIMIT 1";
like(victim('by_month', "$refresh; $reported"), qr/^0\n\d+\n\w/, 'and refreshes');

done_testing();
