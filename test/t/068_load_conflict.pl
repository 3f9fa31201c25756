# test/t/068_load_conflict.pl - rows whose key is there already: load --on-conflict
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('conflict', 'log_min_messages = fatal');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $seed = $ENV{CLICKSTREAM_SEED} // time;
my $random_rows = $ENV{CLICKSTREAM_SOAK} ? 100_000 : 4000;
my ($status, $out, $err);
srand($seed);
note("CLICKSTREAM_SEED=$seed");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The rejects of the last load, as hashes.
sub rejects { return rejects_of($scratch) }

# Load CSV with this header into a table, with a conflict action.
sub load_csv
{
    my ($action, $table, $header, $rows, @options) = @_;

    ($status, $out, $err) = load_rows($node, $scratch, $table, $header, $rows, '--on-conflict', $action, @options);
    return;
}

# Check the summary: read = loaded + rejected + skipped.
sub summary_is
{
    my ($read, $loaded, $rejected, $name) = @_;
    my $skipped = $read - $loaded - $rejected;
    my $skips = $skipped ? qr/ \+ $skipped skipped into/ : qr/ into/;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like($err, qr/read $read records = $loaded loaded \+ $rejected rejected$skips/, "$name: counts");
    return;
}

clickstream_ok($node, 'init');

# The primary key

my @rows = ('1,one', '2,two', '3,three', '1,eins', '2,zwei', '1,un');
sql(q(CREATE TABLE t (id int PRIMARY KEY, s text, d int DEFAULT 7);
      INSERT INTO t VALUES (2, 'old', 5), (9, 'nine', 5)));
load_csv('nothing', 't', 'id,s', \@rows);
is($status, 0, 'nothing') or diag($err);
is(sql('SELECT * FROM t ORDER BY id'), "1|one|7\n2|old|5\n3|three|7\n9|nine|5", 'the first one stays');
summary_is(6, 2, 0, 'nothing');
load_csv('update', 't', 'id,s', \@rows);
is($status, 0, 'update') or diag($err);
is(sql('SELECT * FROM t ORDER BY id'), "1|un|7\n2|zwei|5\n3|three|7\n9|nine|5",
    'the last one wins; columns that are not loaded stay');
summary_is(6, 3, 0, 'update');
load_csv('update', 't', 'id', [ 1, 2, 4, 4 ]);
is(sql('SELECT * FROM t ORDER BY id'), "1|un|7\n2|zwei|5\n3|three|7\n4||7\n9|nine|5", 'nothing but a key');
summary_is(4, 3, 0, 'nothing but a key');
load_csv('fail', 't', 'id,s', \@rows, '--max-rejects', 9);
summary_is(6, 0, 6, 'fail');
is(sql(q(SELECT count(*) FROM pg_class WHERE relname = 'clickstream_stage')), '0',
    'the temporary table is gone');

# Which key

sql(q(DROP TABLE t; CREATE TABLE t (a int, b text, c int DEFAULT 0)));
load_csv('nothing', 't', 'a,b', [ '1,x', '1,x' ]);
summary_is(2, 2, 0, 'no key: nothing is in conflict');

# An update must fail as a matter of usage.
sub no_key_like
{
    my ($pattern, $name) = @_;

    load_csv('update', 't', 'a,b', ['1,x']);
    is($status, 1, "$name: status") or diag($err);
    like($err, $pattern, $name);
    return;
}
no_key_like(qr/table public.t has no key that rows could be updated by/, 'no key');
sql(q(TRUNCATE t; CREATE UNIQUE INDEX ON t (a) WHERE a > 5; CREATE UNIQUE INDEX ON t (lower(b));
      CREATE UNIQUE INDEX ON t (a, c); CREATE INDEX ON t (a); ALTER TABLE t ADD UNIQUE (b) DEFERRABLE));
no_key_like(qr/has no key/, 'none that could be meant');
sql('CREATE UNIQUE INDEX one ON t (b, a) INCLUDE (c); CREATE UNIQUE INDEX "T wo" ON t (a)');
no_key_like(qr/several keys.*unique indexes are "T wo" \(a\), one \(b, a\)\./s, 'several keys');
sql('DROP INDEX "T wo"');
load_csv('update', 't', 'a,b', [ '1,x', '2,z', '1,x', '3,y' ]);
is($status, 0, 'a unique index') or diag($err);
is(sql('SELECT a, b FROM t ORDER BY 1, 2'), "1|x\n2|z\n3|y", 'of two columns');
sql('DROP TABLE t; CREATE TABLE t (a int UNIQUE, b text PRIMARY KEY)');
load_csv('update', 't', 'a,b', [ '1,x', '2,x', '3,y' ]);
is(sql('SELECT a, b FROM t ORDER BY 1, 2'), "2|x\n3|y", 'the primary key comes first');
load_csv('update', 't', 'a,b', [ '4,x', '3,z' ]);
is($status, 2, 'another key is none of it');
like($err, qr/23505.*It is record 2 of .*t.csv, line 3\./s, 'and the row is named');

# NULL in a key, other words for the same key, columns with odd names and generated keys

sql(q(DROP TABLE t; CREATE TABLE t (a int, b text, c int, UNIQUE (a, b))));
load_csv('update', 't', 'a,b,c', [ '1,,1', '1,,2', ',x,3', ',x,4', '1,x,5', '1,x,6' ]);
is(sql('SELECT c FROM t ORDER BY 1'), "1\n2\n3\n4\n6", 'a NULL is like no other');
sql(q(DROP TABLE t; CREATE TABLE t (a int, b text, c int, UNIQUE NULLS NOT DISTINCT (a, b))));
load_csv('update', 't', 'a,b,c', [ '1,,1', '1,,2', ',x,3', ',x,4', '1,x,5', '1,x,6' ]);
is(sql('SELECT c FROM t ORDER BY 1'), "2\n4\n6", 'or it is');
SKIP:
{
    skip('the server has no ICU', 3) unless sql(q(SELECT count(*) FROM pg_collation WHERE collprovider = 'i'));
    sql(q(CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)));
    sql(q(DROP TABLE t; CREATE TABLE t (a text COLLATE any_case PRIMARY KEY, b int)));
    load_csv('update', 't', 'a,b', [ 'x,1', 'X,2', 'y,3' ]);
    is(sql('SELECT * FROM t ORDER BY b'), "X|2\ny|3", 'keys that only their collation holds for equal');
    sql(q(DROP TABLE t; CREATE TABLE t (a text, b int); CREATE UNIQUE INDEX ON t (a COLLATE any_case)));
    load_csv('update', 't', 'a,b', [ (map { "v$_,$_" } 1 .. 50), 'x,1', 'X,2', 'y,3' ]);
    is($status, 0, 'keys that only the index holds for equal') or diag($err);
    is(sql(q(SELECT a, b FROM t WHERE a !~ 'v' ORDER BY b)), "x|2\ny|3", 'the last one wins');
}
sql(q(DROP TABLE t; CREATE TABLE t ("Key ""1" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      ordinal int, ordinal_ int,
      "a\b" int, g int GENERATED ALWAYS AS (ordinal + 1) STORED)));
load_csv('update', 't', '"Key ""1",ordinal,ordinal_,a\b', [ '1,2,3,4', '1,5,6,7', '8,9,10,11' ]);
is($status, 0, 'odd names') or diag($err);
is(sql('SELECT * FROM t ORDER BY 1'), "1|5|6|7|6\n8|9|10|11|10", 'of columns');
sql(q(DROP TABLE t; CREATE TABLE t (a int, b int, PRIMARY KEY (a, b)) PARTITION BY LIST (a);
      CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1)));
load_csv('update', 't', 'a,b', [ '1,1', '1,1', '2,1' ], '--max-rejects', 1);
summary_is(3, 2, 1, 'a partitioned table, one of whose rows came twice');

# Rows that are refused

sql(q(DROP TABLE t; CREATE DOMAIN even AS int CHECK (value % 2 = 0); CREATE TABLE parent (p int PRIMARY KEY);
      INSERT INTO parent VALUES (1); CREATE TABLE t (id int PRIMARY KEY, c int CHECK (c <> 42), d even,
      p int REFERENCES parent, s varchar(3))));
foreach my $action (qw(nothing update))
{
    sql('TRUNCATE t');
    load_csv($action, 't', 'id,c,d,p,s',
        [ '1,1,2,1,a', '2,42,2,1,b', '3,1,3,1,c', '4,1,2,9,d', '5,1,2,1,eeee', '6,1,2,1,f', '6,2,2,1,f' ],
        '--max-rejects', 4);
    is($status, 0, "refused with $action") or diag($err);
    is(join(' ', map { "$_->{record}/$_->{sqlstate}" } rejects()), '2/23514 3/23514 4/23503 5/22001', 'these');
    is(sql('SELECT id, c FROM t ORDER BY 1'), $action eq 'update' ? "1|1\n6|2" : "1|1\n6|1", 'not those');
    summary_is(7, $action eq 'update' ? 2 : 2, 4, "refused with $action");
    sql('TRUNCATE t');
    load_csv($action, 't', 'id,c,d,p,s', [ (map { "$_,1,2,1,a" } 1 .. 90), '91,42,2,1,b', '92,1,2,1,b' ]);
    is($status, 2, "none is allowed with $action");
    like($err, qr/t_c_check.*23514.*It is record 91 of .*t.csv, line 92\./s, 'the row is named');
}

# At random, against inserting one row after the other

sql(<<'END');
CREATE TABLE given (n int, id int, c int, d int, p int, s text);
CREATE TABLE refused (n int, sqlstate text);
CREATE PROCEDURE insert_each(action text) LANGUAGE plpgsql AS $$
DECLARE r given;
BEGIN
    FOR r IN SELECT * FROM given ORDER BY n LOOP
        BEGIN
            IF action = 'nothing' THEN
                INSERT INTO oracle VALUES (r.id, r.c, r.d, r.p, r.s) ON CONFLICT DO NOTHING;
            ELSE
                INSERT INTO oracle VALUES (r.id, r.c, r.d, r.p, r.s) ON CONFLICT (id)
                DO UPDATE SET c = r.c, d = r.d, p = r.p, s = r.s;
            END IF;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO refused VALUES (r.n, SQLSTATE);
        END;
    END LOOP;
END $$;
END

# A row that is bad with this probability.
sub random_row
{
    my ($n, $bad) = @_;
    my @faults = map { rand() < $bad } 1 .. 4;

    return join ',', 1 + int rand($random_rows / 3), $faults[0] ? 42 : $n, $faults[1] ? 3 : 2, $faults[2] ? 9 : 1,
      $faults[3] ? 'long' : 'abc';
}
foreach my $case ([ nothing => 0 ], [ nothing => 0.01 ], [ update => 0 ], [ update => 0.01 ], [ update => 0.4 ])
{
    my ($action, $bad) = @$case;
    my @random = map { random_row(100 + $_, $bad) } 1 .. $random_rows;
    my $given = write_file("$scratch/given.csv",
        join("\n", map { "$_,$random[$_ - 1]" } 1 .. $random_rows) . "\n");

    sql('DROP TABLE IF EXISTS oracle; TRUNCATE t, given, refused;'
      . 'INSERT INTO t SELECT 3 * n, 0, 0, 1 FROM generate_series(1, 500) AS n;'
      . 'CREATE TABLE oracle (LIKE t INCLUDING ALL); ALTER TABLE oracle ADD FOREIGN KEY (p) REFERENCES parent;'
      . 'INSERT INTO oracle TABLE t');
    chmod 0644, $given;
    sql("COPY given FROM '$given' (FORMAT csv); CALL insert_each('$action')");
    load_csv($action, 't', 'id,c,d,p,s', \@random, '--max-rejects', $random_rows);
    is($status, 0, "$action, of which $bad are bad") or diag($err);
    is(sql('SELECT count(*) FROM (TABLE t EXCEPT TABLE oracle) AS m'), '0', "$action, $bad: none too many");
    is(sql('SELECT count(*) FROM (TABLE oracle EXCEPT TABLE t) AS m'), '0', "$action, $bad: none missing");
    my $refused = sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM refused");
    my %allowed = map { $_ => 1 } split / /, $refused;
    is(join(' ', grep { !$allowed{$_} } map { $_->{record} } rejects()), '',
        "$action, $bad: none refused that is good");
    my ($read, $loaded, $rejected) = $err =~ /read (\d+) records = (\d+) loaded \+ (\d+) rejected/;
    is($rejected, scalar rejects(), "$action, $bad: each is kept");
    cmp_ok($loaded, '<=', $read - $rejected, "$action, $bad: loaded and rejected are no more than read");
}

$node->stop;
done_testing();
