# test/t/050_recommend.pl - the recommender with several connections: refits while others
# read, cancels, a second fit, dump and restore, erased users
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $readers = 8;
my $refits = $ENV{CLICKSTREAM_SOAK} ? 100 : 6;
my $node = new_node('recommend', 'max_prepared_transactions = 2', 'deadlock_timeout = 1h');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my ($status, $out, $err);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run SQL that must fail; return the message.
sub sql_error
{
    my ($code, undef, $message) = $node->psql('postgres', $_[0]);

    isnt($code, 0, "fails: $_[0]");
    return $message;
}

clickstream_ok($node, 'init');
sql(<<'END');
CREATE TABLE pair AS
SELECT 'u' || u AS who, i AS what
FROM generate_series(1, 400) AS u, generate_series(1, 600) AS i
WHERE hashint4(u * 1000 + i) % 7 = 0 OR hashint4(u * 1000 + i) % 3 = u % 3 AND i % 3 = u % 3;
SELECT recommender_fit('m', 'pair', 'who', 'what');
END
is(sql("SELECT count(*) FROM recommend('m', 'u1', 10) WHERE because <> '{}'"), 10, 'a model answers');

# Refits while others read: every answer is that of one model, nobody waits

my $reader = <<'END';
DO $$
DECLARE
    fits CONSTANT int := (SELECT max(model_id) FROM recommender_model);
    n bigint;
BEGIN
    SET lock_timeout = '1ms';
    LOOP
        SELECT count(*) INTO n
        FROM recommend('m', 'u' || (1 + random() * 399)::int, 1000000000, false) AS r;
        IF n <> 600 AND n <> 300 THEN RAISE EXCEPTION 'an answer of % rows', n; END IF;
        SELECT count(*) INTO n FROM similar_items('m', 3, 5);
        IF n <> 5 THEN RAISE EXCEPTION '% similar items', n; END IF;
        COMMIT;
        EXIT WHEN (SELECT max(model_id) FROM recommender_model) >= fits + current_setting('test.refits')::int;
    END LOOP;
END $$;
END
my @running;
foreach my $i (1 .. $readers)
{
    my $result = { out => '', err => '' };
    local $ENV{PGOPTIONS} = "-c test.refits=$refits";

    $result->{run} = IPC::Run::start(
        [ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $reader ],
        '<', \undef, '>', \$result->{out}, '2>', \$result->{err});
    push @running, $result;
}
foreach my $i (1 .. $refits)
{
    my $where = $i % 2 ? 'WHERE what <= 300' : '';
    sql("CREATE OR REPLACE VIEW part AS SELECT * FROM pair $where;
         SELECT recommender_fit('m', 'part', 'who', 'what', '{\"threads\": 2}')");
}
foreach my $result (@running)
{
    IPC::Run::finish($result->{run});
    is($result->{err}, '', 'a reader saw whole models only, and waited for nothing');
}
is(sql('SELECT count(*), count(DISTINCT model_id) FROM recommender_model'), '1|1', 'one model is left');
is(sql("SELECT count(*) FROM recommender_item WHERE model_id NOT IN (SELECT model_id FROM recommender_model)"), 0,
    'and no row of another');

# A second fit of the same name does not wait, one of another name goes on

my $first = $node->background_psql('postgres');
$first->query_safe("BEGIN; SELECT recommender_fit('m', 'pair', 'who', 'what')");
like(sql_error("SELECT recommender_fit('m', 'pair', 'who', 'what')"),
    qr/model "m" is being fitted by another transaction/, 'a second fit is refused');
is(sql("SELECT count(*) FROM recommend('m', 'u1', 10)"), 10, 'readers go on');
like(sql("SELECT recommender_fit('other', 'pair', 'who', 'what')"), qr/"items": 600/, 'so do other models');
$first->query_safe('ROLLBACK');
$first->quit;
is(sql("SELECT items FROM recommender_model WHERE model = 'm'"), $refits % 2 ? 300 : 600,
    'what is rolled back is not there');
like(sql("SELECT recommender_fit('m', 'pair', 'who', 'what')"), qr/"items": 600/, 'then it can be fitted');

# A cancel ends a fit and a tuning; the backend goes on

foreach my $long ("recommender_tune('pair', 'who', 'what', '{\"seconds\": 1000000}')",
    "recommender_fit('wide', 'wide', 'who', 'what')")
{
    sql('CREATE OR REPLACE VIEW wide AS SELECT u AS who, i AS what FROM generate_series(1, 40) AS u,
         generate_series(1, 9000) AS i WHERE hashint4(u * 10000 + i) % 4 = 0');
    my ($code, $output, $message) = $node->psql('postgres',
        "SET statement_timeout = '700ms'; SELECT $long; RESET statement_timeout; SELECT 'alive'", on_error_stop => 0);
    like($message, qr/canceling statement due to statement timeout/, "cancelled: $long");
    like($output, qr/alive/, 'the backend lives');
}
is(sql("SELECT count(*) FROM recommender_model WHERE model = 'wide'"), 0, 'nothing of it was written');
like(sql_error("SELECT recommender_fit('wide', 'wide', 'who', 'what', '{\"max_items\": 5000}')"),
    qr/are more than the limit of 5000.*GB.*min_users.*max_items/s, 'too many items: the limit, and what to do');

# OpenBLAS is loaded by who fits, and by nobody else; its threads take no signals

sub loads_algebra
{
    my ($query) = @_;
    my $session = $node->background_psql('postgres');
    my $pid = $session->query_safe('SELECT pg_backend_pid()');
    $session->query_safe($query);
    my $maps = slurp_file("/proc/$pid/maps");
    my @blocked = map { slurp_file("$_/status") =~ /^SigBlk:\s*(\w+)/m ? $1 : () }
      grep { !m{/$pid$} } glob("/proc/$pid/task/*");

    $session->quit;
    return (scalar($maps =~ /openblas/), @blocked);
}
SKIP:
{
    skip '/proc is not there', 4 unless -e '/proc/self/maps';
    is((loads_algebra("SELECT recommend('m', 'u1'); SELECT recommender_evaluate('m', 'pair', 'who', 'what')"))[0], '',
        'reading loads no algebra');
    my ($loaded, @blocked) = loads_algebra("SELECT recommender_fit('m', 'pair', 'who', 'what', '{\"threads\": 2}')");
    is($loaded, 1, 'fitting does');
    cmp_ok(scalar @blocked, '>', 0, 'on two threads');
    is(scalar(grep { (hex(substr $_, -8) & 0x4003) == 0x4003 } @blocked), scalar @blocked, 'its threads block signals');
}

# Dump and restore

my $ask = "SELECT array_agg(r) FROM (SELECT recommend('m', 'u' || i) AS r FROM generate_series(1, 5) AS i) AS x";
my $before = sql($ask);
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$scratch/dump" ], 'dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('restored'), "$scratch/dump" ], 'restore');
is($node->safe_psql('restored', $ask), $before, 'a restored model gives the same answers');
like($node->safe_psql('restored', "SELECT recommender_fit('m', 'pair', 'who', 'what')"), qr/"items": 600/,
    'and can be fitted again');

# A trusted extension: who creates it owns the tables

sql('CREATE ROLE maker LOGIN; CREATE DATABASE made OWNER maker');
is($node->safe_psql('made', "CREATE EXTENSION clickstream; GRANT SELECT ON recommender_model TO PUBLIC;
    CREATE TABLE p AS SELECT u AS who, i AS what FROM generate_series(1, 9) u, generate_series(1, 9) i;
    SELECT recommender_fit('m', 'p', 'who', 'what')->'items';
    SELECT tableowner FROM pg_tables WHERE tablename = 'recommender_user'", extra_params => [ '-U', 'maker' ]),
    "9\nmaker", 'its creator owns the models');

# Rewards that users were issued

sql(<<'END');
INSERT INTO http_log VALUES ('2024-03-10 08:00Z', 'POST', '/rewards/7', 'u1'),
    ('2024-03-10 08:01Z', 'POST', '/rewards/7/', 'u1'),
    ('2024-03-10 08:02Z', 'GET', '/rewards/8', 'u1'), ('2024-03-10 08:03Z', 'POST', '/rewards/9?x', 'u2'),
    ('2024-03-10 08:04Z', 'POST', '/rewards/9', NULL), (NULL, 'POST', '/rewards/7', 'u3'),
    ('2024-03-10 08:05Z', 'GET', '/campaigns/9', 'u2');
END
is(sql('SELECT user_id, reward_id, count(*) FROM reward_interaction GROUP BY 1, 2 ORDER BY 1, 2'),
    "u1|7|2\nu2|9|1\nu3|7|1", 'rewards issued are pairs of user and item');
like(sql("SELECT recommender_fit('rewards', 'reward_interaction', 'user_id', 'reward_id')"),
    qr/"items": 2.*"users": 3.*"interactions": 3/, 'and a model is fitted to them');
is(sql("SELECT item_id FROM recommend('rewards', 'u2')"), 7, 'which offers what the user has not had');
sql("DELETE FROM recommender_model WHERE model = 'rewards'; TRUNCATE http_log");

# Erasing a user

sql("INSERT INTO http_log VALUES (now(), 'GET', '/', 'u7')");
sql("SELECT forget_user('u7')");
is(sql("SELECT bool_and(because = '{}') FROM recommend('m', 'u7')"), 't', 'an erased user is unknown to the models');
is(sql("SELECT count(*) FROM recommender_user WHERE user_id = 'u7'"), 0, 'all of them');

# Command line

my @recommend = ('recommend', '-m', 'm');
sql("INSERT INTO item SELECT i, 'Item' || E'\\t' || i FROM generate_series(1, 590) AS i");
my $ids = sql("SELECT item_id FROM recommend('m', 'u1', 3) ORDER BY rank");
($status, $out, $err) = clickstream($node, @recommend, '-n', 3, 'u1');
is("$status $out$err", "0 $ids\n", 'ids, one a line');
my $expected = sql("SELECT concat_ws(E'\\t', item_id, 'Item ' || item_id, array_to_string(because, ','))
    FROM recommend('m', 'u1', 3, among => '{1,2,3,4,5,6,7,8,9}') ORDER BY rank");
($status, $out, $err) = clickstream($node, @recommend, '-n', 600, '--titles', '--because', 'u1');
like($out, qr/^\Q$_\E$/m, 'titles and reasons') foreach split /\n/, $expected;
($status, $out, $err) = clickstream($node, @recommend, '-n', 2, "nobody's 🎬");
is($status, 0, 'an unknown user: exit status');
is($out, sql("SELECT item_id FROM recommend('m', '', 2) ORDER BY rank") . "\n", 'popular items');
like($err, qr/^user is not in model "m": these items are popular$/m, 'said on standard error');
foreach my $case (
    [ 1, qr/n must not be negative/, @recommend, '-n', '-1', 'u1' ],
    [ 1, qr/invalid input syntax for type integer: "ten"/, @recommend, '-n', 'ten', 'u1' ],
    [ 1, qr/out of range for type integer/, @recommend, '-n', '10000000000', 'u1' ],
    [ 1, qr/no user was given/, @recommend ],
    [ 1, qr/one user is asked for at a time, not 2/, @recommend, 'u1', 'u2' ],
    [ 1, qr/model "none" does not exist/, 'recommend', '-m', 'none', 'u1' ],
    [ 1, qr/there are several models: "m", "other".*--model/s, 'recommend', 'u1' ],
    [ 1, qr/not valid UTF-8/, @recommend, "\xff" ])
{
    my ($code, $pattern, @arguments) = @$case;

    ($status, $out, $err) = clickstream($node, @arguments);
    is("$status $out", "$code ", "exit status of @arguments");
    like($err, $pattern, 'message');
}
is((clickstream($node, @recommend, '-n', 0, 'u1'))[1], '', 'none are asked for');
is(() = (clickstream($node, @recommend, '-n', 1_000_000_000, 'x' x 10240))[1] =~ /\n/g, 600, 'all, for a long name');
sql("DELETE FROM recommender_model WHERE model <> 'm'");
is((clickstream($node, 'recommend', '-n', 3, 'u1'))[1], "$ids\n", 'the only model need not be named');
sql('DELETE FROM recommender_model');
like((clickstream($node, 'recommend', 'u1'))[2], qr/there is no model.*recommender_fit makes one/s, 'no model');

# Files of MovieLens

my @load = ('load', '--format', 'movielens');
sql('TRUNCATE item, interaction');
clickstream_ok($node, @load,
    write_file("$scratch/ratings.dat", "1::1193::5::978300760\r\n1::661::3::978302109\n2::661::3.5::-1"),
    write_file("$scratch/movies.dat",
        "1::Mis\xe9rables, Les (1995)::Drama|Musical\n2::A :: B (1996)::Comedy\n3::Am\xc3\xa9lie::\n"),
    write_file("$scratch/ratings.csv", "userId,movieId,rating,timestamp\n\"o'b,1\",7,0.5,978300760\n3,8,,\n"),
    write_file("$scratch/movies.csv", "movieId,title,genres\n7,\"Say \"\"Hi\"\", all\",Drama\n"));
is(sql(q(SELECT user_id, item_id, rating, rated_at AT TIME ZONE 'UTC' FROM interaction ORDER BY item_id, user_id)),
    <<'END' =~ s/\n\z//r, 'ratings');
o'b,1|7|0.5|2000-12-31 22:12:40
3|8||
1|661|3|2000-12-31 22:35:09
2|661|3.5|1969-12-31 23:59:59
1|1193|5|2000-12-31 22:12:40
END
is(sql('SELECT item_id, title FROM item ORDER BY item_id'), <<'END' =~ s/\n\z//r, 'titles');
1|Misérables, Les (1995)
2|A :: B (1996)
3|Amélie
7|Say "Hi", all
END
($status, $out, $err) = clickstream($node, @load, "$scratch/ratings.dat");
like($err, qr/already|nothing/, 'a file that is loaded is not loaded twice') or diag($err);
foreach my $case (
    [ "1::2\n", qr/header|MovieLens/ ],
    [ "a,b\n1,2\n", qr/the header has a column that such a file has not.*userId/s ],
    [ "userId,user_id\n1,2\n", qr/the header names a column twice/ ],
    [ "genres\nComedy\n", qr/the header names no column that is loaded/ ],
    [ '', qr/file is empty/ ],
    [ "1::2::3::978300760\n1::2::3\n", qr/line 2.*line has not 4 fields/s ],
    [ "1::x::3::978300760\n", qr/line 1.*"x"/s ],
    [ "1::2::3::99999999999999999\n", qr/line 1.*time is out of range/s ],
    [ "1::2::3::now\n", qr/line 1/ ])
{
    my ($text, $pattern) = @$case;

    ($status, $out, $err) = clickstream($node, @load, write_file("$scratch/bad", $text));
    is($status, 2, 'a bad file is refused');
    like($err, $pattern, 'and why');
}

$node->stop;
done_testing();
