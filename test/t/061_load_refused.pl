# test/t/061_load_refused.pl - rows that the server refuses are cut out, found by its message or
# by halving; all others are loaded, as if each row had been inserted by itself
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $node = new_node('refused', 'log_min_messages = fatal');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $seed = $ENV{CLICKSTREAM_SEED} // time;
my $random_rows = $ENV{CLICKSTREAM_SOAK} ? 100_000 : 3000;
my ($status, $out, $err);
srand($seed);
note("CLICKSTREAM_SEED=$seed");

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The rejects of the last load, as hashes.
sub rejects { return rejects_of($scratch) }

# Load CSV into a table: its name, the header, rows and options.
sub load_csv
{
    ($status, $out, $err) = load_rows($node, $scratch, @_);
    return;
}

# Check the summary: read = loaded + rejected (+ skipped).
sub summary_is
{
    my ($read, $loaded, $rejected, $skipped, $name) = @_;
    my $skips = $skipped ? qr/ \+ $skipped skipped/ : qr/ into/;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like($err, qr/read $read records = $loaded loaded \+ $rejected rejected$skips/, "$name: counts");
    is(sql('SELECT rows_read, rows_loaded, rows_rejected FROM load_batch'),
        "$read|$loaded|$rejected", "$name: in the ledger, too");
    return;
}

clickstream_ok($node, 'init');

# One kind of refusal at a time: rows 1 to 60 of a table t2 (n, c3, s), of which some are bad

my %functions = (
    before => q(IF new.c3 = 13 THEN RAISE 'no % in t2, line 3, of 99', new.s USING HINT = 'use 14'; END IF;
                RETURN new;),
    after => q(IF new.c3 = 13 THEN RAISE 'COPY t2, line 4 is 17' USING ERRCODE = 'P0002'; END IF;
               RETURN NULL;),
    naming => q(IF new.c3 = 13 THEN RAISE 'not in our shop' USING ERRCODE = 'SHOP1'; END IF; RETURN new;),
    copying => q(IF new.c3 = 13 THEN EXECUTE '/* COPY t2, line 2 */ SELECT 1 / 0'; END IF; RETURN NULL;),
    nulling => q(IF new.c3 = 13 THEN new.s = NULL; END IF; RETURN new;));
my $table = 'CREATE TABLE t2 (n int, c3 int, s text)';

# The statement that adds a trigger called as its function.
sub trigger_sql
{
    my ($function, $when) = @_;
    my $name = $function eq 'after' ? 't2' : $function; # a function may be called like the table

    return qq(CREATE OR REPLACE FUNCTION $name() RETURNS trigger LANGUAGE plpgsql AS
        \$\$ BEGIN $functions{$function} END \$\$;
        CREATE TRIGGER $function $when INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION $name(););
}
my @kinds = (
    [ check => "$table; ALTER TABLE t2 ADD CHECK (c3 <> 13)", '13,x', '23514' ],
    [ unique => "$table; INSERT INTO t2 VALUES (0, 0, '5 t2 7'); CREATE UNIQUE INDEX ON t2 (s)",
        '1,5 t2 7', '23505' ],
    [ 'primary key' => "$table; INSERT INTO t2 VALUES (0, 0, '77'); ALTER TABLE t2 ADD PRIMARY KEY (s)",
        '1,77', '23505' ],
    [ 'foreign key' => "$table; CREATE TABLE p2 (c3 int PRIMARY KEY); INSERT INTO p2 VALUES (1);"
        . 'ALTER TABLE t2 ADD FOREIGN KEY (c3) REFERENCES p2', '13,x', '23503' ],
    [ 'before trigger' => "$table; " . trigger_sql('before', 'BEFORE'), '13,12', 'P0001' ],
    [ 'after trigger' => "$table; " . trigger_sql('after', 'AFTER'), '13,12', 'P0002' ],
    [ 'trigger with an SQLSTATE of its own' => "$table; " . trigger_sql('naming', 'BEFORE'), '13,12', 'SHOP1' ],
    [ 'trigger with a statement' => "$table; " . trigger_sql('copying', 'AFTER'), '13,12', '22012' ],
    [ 'NOT NULL behind a trigger' => "$table; ALTER TABLE t2 ALTER s SET NOT NULL; "
        . trigger_sql('nulling', 'BEFORE'), '13,x', '23502', 's' ],
    [ domain => q(CREATE DOMAIN d2 AS int CHECK (value <> 13); CREATE TABLE t2 (n int, c3 d2, s text)),
        '13,x', '23514', 'c3' ],
    [ 'domain that is not NULL' => q(CREATE DOMAIN d2 AS int NOT NULL; CREATE TABLE t2 (n int, c3 d2, s text)),
        ',x', '23502', 'c3' ],
    [ 'too long' => 'CREATE TABLE t2 (n int, c3 int, s varchar(8))', '1,123456789', '22001', 's' ],
    [ 'too long for the index' => "$table; CREATE INDEX ON t2 (s); ALTER TABLE t2 ALTER s SET STORAGE plain",
        join('', '1,', map { chr(97 + rand 26) } 1 .. 5000), '54000' ],
    [ 'no partition' => 'CREATE TABLE t2 (n int, c3 int, s text) PARTITION BY LIST (c3);'
        . 'CREATE TABLE t2_1 PARTITION OF t2 FOR VALUES IN (1)', '13,x', '23514' ],
    [ 'exclusion' => "$table; INSERT INTO t2 VALUES (0, 0, 'taken'); ALTER TABLE t2"
        . ' ADD EXCLUDE USING hash (s WITH =)', '1,taken', '23P01' ],
    [ 'not the first, but a statement\'s' => "$table; INSERT INTO t2 VALUES (0, 0, 'taken');"
        . 'ALTER TABLE t2 ADD UNIQUE (s) DEFERRABLE', '1,taken', '23505' ]);

# Load 60 rows into t2, of which those with these numbers are bad.
sub check_kind
{
    my ($kind, $where, @bad) = @_;
    my ($name, $setup, $row, $sqlstate, $column) = @$kind;
    my %is_bad = map { $_ => 1 } @bad;

    sql("DROP TABLE IF EXISTS t2, p2; DROP DOMAIN IF EXISTS d2; $setup");
    load_csv('t2', 'n,c3,s', [ map { "$_," . ($is_bad{$_} ? $row : "1,$_ t2 $_") } 1 .. 60 ],
        '--max-rejects', 60);
    is($status, 0, "$name, $where") or diag($err);
    is(join(' ', map { "$_->{line}/$_->{record}/$_->{sqlstate}" } rejects()),
        join(' ', map { $_ + 1 . "/$_/$sqlstate" } @bad), "$name, $where: the refused rows");
    is(sql('SELECT n FROM t2 WHERE n > 0 ORDER BY ctid'), join("\n", grep { !$is_bad{$_} } 1 .. 60),
        "$name, $where: all others, in their order")
      unless $name eq 'no partition';
    summary_is(60, 60 - @bad, scalar @bad, 0, "$name, $where");
    my ($first) = rejects();
    is($first->{text}, "$bad[0],$row", "$name, $where: the row itself");
    is($first->{column}, $column, "$name, $where: column");
    return $first->{reason};
}
my %reasons;
foreach my $kind (@kinds)
{
    $reasons{ $kind->[0] } = check_kind($kind, 'here and there', 1, 20, 21, 47, 60);
    check_kind($kind, 'once', 33);
}
check_kind($_, 'all', 1 .. 60) foreach @kinds[ 0, 1, 3, 4, 5 ];
like($reasons{check}, qr/^new row for relation "t2" violates check constraint "t2_c3_check": Failing/,
    'the reason is the message with its detail');
like($reasons{'foreign key'}, qr/Key \(c3\)=\(13\) is not present in table "p2"/, 'of a foreign key');
is($reasons{'before trigger'}, 'no 12 in t2, line 3, of 99', 'of a trigger');

# Rejects of the client's among those of the server's; a limit; a deferred constraint

sql("DROP TABLE t2; $table; ALTER TABLE t2 ADD CHECK (c3 <> 13)");
my @mixed = map { "$_," . ($_ % 10 == 3 ? '13' : $_ % 10 == 7 ? 'seven' : '1') . ',x' } 1 .. 100;
load_csv('t2', 'n,c3,s', \@mixed, '--max-rejects', 20);
summary_is(100, 80, 20, 0, 'refused on both sides');
is(join(' ', sort { $a <=> $b } map { $_->{record} } rejects()),
    join(' ', grep { $_ % 10 == 3 || $_ % 10 == 7 } 1 .. 100), 'each of them once');
is(sql('SELECT count(*), count(DISTINCT record) FROM load_reject'), '20|20', 'in the table, too');
sql('TRUNCATE t2');
load_csv('t2', 'n,c3,s', \@mixed, '--max-rejects', 19);
is($status, 2, 'one too many');
like($err, qr/one reject more than the 19 allowed/, 'says so');
is(sql('SELECT count(*) FROM t2'), '0', 'nothing is loaded');
load_csv('t2', 'n,c3,s', [ '1,1,x', "2,1,\"two\nlines\"", '3,13,x' ]);
is($status, 2, 'none is allowed');
like($err, qr/23514.*It is record 3 of .*t2.csv, line 5\.\n.*hint: "--max-rejects N" goes on past N rejects/s,
    'its record and line, and what helps');
load_csv('t2', 'n,c3,s', [ '1,1,x', '3,13,x' ], '--on-conflict', 'nothing');
like($err, qr/It is record 2 of .*hint: "--max-rejects N"/s, 'by way of a temporary table, too');
sql('TRUNCATE t2');
load_csv('t2', 'n,c3,s', [ '1,1,x', '3,13,x' ], '--truncate', '--freeze');
is($status, 2, 'frozen');
unlike($err, qr/--max-rejects/, 'which --max-rejects does not help');
sql('CREATE TABLE p2 (c3 int PRIMARY KEY);'
  . 'ALTER TABLE t2 ADD FOREIGN KEY (c3) REFERENCES p2 DEFERRABLE INITIALLY DEFERRED');
load_csv('t2', 'n,c3,s', ['1,1,x'], '--max-rejects', 9);
is($status, 2, 'a deferred constraint ends the load');
like($err, qr/23503.*Nothing of .* was loaded/s, 'with its message');
sql('DROP TABLE t2, p2');

# What is no fault of the data ends everything

sql("$table; CREATE OR REPLACE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS "
  . q($$ BEGIN IF new.c3 = 13 THEN RAISE 'full' USING ERRCODE = '53100'; END IF; RETURN new; END $$;)
  . 'CREATE TRIGGER b BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION before()');
load_csv('t2', 'n,c3,s', [ '1,1,x', '2,13,x', '3,1,x' ], '--max-rejects', 9);
is($status, 3, 'a failure of the server');
like($err, qr/full \(SQLSTATE 53100\)/, 'with its message');
is(sql('SELECT count(*) FROM t2'), '0', 'nothing is loaded');
sql('DROP TABLE t2');

# Where none is allowed, a server that says something meanwhile is heard

sql("$table; CREATE OR REPLACE FUNCTION before() RETURNS trigger LANGUAGE plpgsql AS "
  . q($$ BEGIN IF new.n % 1000 = 0 THEN RAISE NOTICE 'row % of t2', new.n; END IF;
         IF new.c3 = 13 THEN RAISE 'no'; END IF; RETURN new; END $$;)
  . 'CREATE TRIGGER b BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION before()');
my @long = map { "$_,1," . 'x' x 50 } 1 .. 30_000;
load_csv('t2', 'n,c3,s', \@long);
summary_is(30_000, 30_000, 0, 0, 'notices');
my @notices = $err =~ /notice: row \d+000 of t2/g;
is(scalar @notices, 30, 'each of them is shown');
is(sql('SELECT count(*), sum(n) FROM t2'), '30000|450015000', 'and all rows are there');
sql('TRUNCATE t2');
$long[ $_ - 1 ] = "$_,13,x" foreach 20_500, 20_501;
load_csv('t2', 'n,c3,s', \@long);
is($status, 2, 'a refused row among notices');
like($err, qr/It is record 20500 of .*t2.csv, line 20501\./, 'is named');
is(sql('SELECT count(*) FROM t2'), '0', 'and nothing is loaded');
sql('DROP TABLE t2');

# One huge row among others

sql("$table; ALTER TABLE t2 ADD CHECK (c3 <> 13)");
load_csv('t2', 'n,c3,s', [ '1,1,a', '2,13,b', '3,1,' . 'x' x 9_000_000, '4,13,' . 'y' x 5_000_000, '5,1,c' ],
    '--max-rejects', 2);
summary_is(5, 3, 2, 0, 'huge rows');
is(sql('SELECT n, length(s) FROM t2 ORDER BY n'), "1|1\n3|9000000\n5|1", 'are there');
is(join(' ', map { length $_->{text} } rejects()), '6 5000005', 'and refused');
sql('DROP TABLE t2');

# Avro: block, record and text of a refused record that was read long before

my $sync = 'synchronisation!';
my @records = map { log_record($_, 'GET', $_ % 1000 == 999 ? '/bad' : "/campaigns/$_", "u$_") } 1 .. 5000;
my $avro = write_file("$scratch/log.avro", avro_header(log_schema, $sync)
      . join('', map { avro_block($sync, [ @records[ $_ * 100 .. $_ * 100 + 99 ] ]) } 0 .. 49));
sql(q(ALTER TABLE http_log ADD CONSTRAINT good CHECK (http_path <> '/bad')));
($status, $out, $err) = clickstream($node, 'load', '--rejects', "$scratch/rejects.jsonl", '--max-rejects', 5, $avro);
is($status, 0, 'Avro') or diag($err);
is(join(' ', map { "$_->{block}/$_->{record}" } rejects()),
    join(' ', map { int(($_ - 1) / 100) . "/$_" } 999, 1999, 2999, 3999, 4999), 'block and record');
is((rejects())[1]{text}, '{"timestamp":"1970-01-01T00:00:01.999000Z","http_method":"GET",'
      . '"http_path":"/bad","user_id":"u1999"}', 'the record');
is(sql('SELECT count(*) FROM http_log'), '4995', 'the others');
write_file("$scratch/strict.avro", avro_header(log_schema, 'another marker!!')
      . avro_block('another marker!!', [ @records[ 0 .. 9 ] ])
      . avro_block('another marker!!', [ @records[ 990 .. 999 ] ]));
($status, $out, $err) = clickstream($node, 'load', "$scratch/strict.avro");
like($err, qr/23514.*It is record 19 of .*strict.avro, block 1\./s, 'where none is allowed');

# Languages: the server says it in its own

# Make a locale, in a folder of our own; false where that is not possible.
sub make_locale
{
    my ($name) = @_;

    mkdir "$scratch/locale";
    return eval {
        IPC::Run::run([ 'localedef', '-i', $name, '-f', 'UTF-8', "$scratch/locale/$name.UTF-8" ],
            '>', \my $printed, '2>', \my $complaints);
    };
}

# True if a server can speak a locale's language.
sub speaks
{
    my ($name) = @_;
    my @messages = glob('/usr/share/locale/' . substr($name, 0, 2) . '/LC_MESSAGES/postgres-*.mo');

    return @messages > 0 && make_locale('C') && make_locale($name);
}
foreach my $language ([ de_DE => qr/verletzt/ ], [ ja_JP => qr/\x{e9}/ ], [ ko_KR => qr/\x{ec}/ ])
{
  SKIP:
    {
        my ($name, $word) = @$language;
        skip("no locale $name with messages of the server", 4)
          unless speaks($name);
        local $ENV{LOCPATH} = "$scratch/locale";
        my $foreign = new_node("refused_$name", "lc_messages = '$name.UTF-8'");
        clickstream_ok($foreign, 'init');
        $foreign->safe_psql('postgres', "$table; ALTER TABLE t2 ADD CHECK (c3 <> 13)");
        my $file = write_file("$scratch/$name.csv", join("\n", 'n,c3,s', map { "$_,13,x" } 1 .. 5) . "\n6,1,x\n");
        ($status, $out, $err) = clickstream($foreign, 'load', '-t', 't2', '--max-rejects', 5,
            '--rejects', "$scratch/rejects.jsonl", $file);
        like($err, qr/read 6 records = 1 loaded \+ 5 rejected/, "$name: counts");
        is(join(' ', map { $_->{record} } rejects()), '1 2 3 4 5', "$name: the refused rows");
        like(read_file("$scratch/rejects.jsonl"), $word, "$name: the server speaks it");
        next unless $name eq 'de_DE';
        $foreign->safe_psql('postgres', q(CREATE TYPE mood AS ENUM ('good');
            CREATE TABLE v (a varchar(3), b mood); CREATE TABLE w (a varchar(3), b text)));
        $file = write_file("$scratch/$name.csv", "a,b\nabcd,good\nx,bad\n");
        foreach my $case ([ v => 'a b' ], [ w => 'a' ])
        {
            my ($into, $expected) = @$case;
            ($status, $out, $err) = clickstream($foreign, 'load', '-t', $into, '--max-rejects', 5,
                '--rejects', "$scratch/rejects.jsonl", $file);
            is(join(' ', map { $_->{column} // '?' } rejects()), $expected, "$name: columns of $into");
        }
        $foreign->stop;
    }
}

# The column whose value the server could not read, by the context's line, with the value behind it
# (text COPY) and without

sql(q(CREATE TYPE mood AS ENUM ('good'); CREATE TYPE pair AS (x int, y int)));
foreach my $case (
    [ 'varchar(3)', 'abcd' ],
    [ 'char(3)', 'abcd' ],
    [ 'numeric(3,1)', '123.45' ],
    [ 'interval', '"a: good, column a"' ],
    [ 'mood', '"bad: column a"' ],
    [ 'inet', 'a' ],
    [ 'pair', '"(1,y)"' ],
    [ 'int4range', '"[3,1]"' ],
    [ 'varchar(3)[]', '"{abcd}"' ])
{
    my ($type, $bad) = @$case;

    sql("DROP TABLE IF EXISTS typed; CREATE TABLE typed (a text, b $type, c varchar(2))");
    load_csv('typed', 'c,b,a', [ "x,$bad,y", "x,$bad,y", 'x,,column b', 'xyz,,y' ], '--max-rejects', 3);
    is(join(' ', map { $_->{column} // '?' } rejects()), 'b b c', "$type: column");
}
sql('DROP TABLE typed; CREATE TABLE typed ("b: c" varchar(3), b varchar(3), "a b" varchar(3), d inet)');
load_csv('typed', 'b: c,b,a b,d', [ 'abcd,,,', ',abcd,,', ',,abcd,', ',,,x' ], '--max-rejects', 4);
is(join(' ', map { $_->{column} // '?' } rejects()), '? ? ? ?', 'a column with a colon: none where a value is shown');
sql('ALTER TABLE typed DROP d');
load_csv('typed', 'b: c,b,a b', [ 'abcd,,', ',abcd,', ',,abcd' ], '--max-rejects', 4);
is(join(' ', map { $_->{column} // '?' } rejects()), '? b ?', 'a column whose name ends in that of another');
sql('DROP TABLE typed; DROP TYPE mood, pair');

# Many of each kind, in all patterns, as inserting one row after the other has it: row, SQLSTATE, column
# and reason. Where they are refused for what they are, most are found before they are copied.

sql(<<'END');
CREATE TABLE given2 (n int, c3 int, s text);
CREATE TABLE refused2 (n int, sqlstate text, column_name text, reason text);
CREATE PROCEDURE insert_each2() LANGUAGE plpgsql AS $$
DECLARE r given2; told refused2; detail text;
BEGIN
    FOR r IN SELECT * FROM given2 ORDER BY n LOOP
        BEGIN
            INSERT INTO t2 VALUES (r.*);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS told.sqlstate = RETURNED_SQLSTATE, told.reason = MESSAGE_TEXT,
                told.column_name = COLUMN_NAME, detail = PG_EXCEPTION_DETAIL;
            INSERT INTO refused2 VALUES (r.n, told.sqlstate, nullif(told.column_name, ''),
                told.reason || CASE WHEN detail <> '' THEN ': ' || detail ELSE '' END);
        END;
    END LOOP;
END $$;
END
my $many_rows = $ENV{CLICKSTREAM_SOAK} ? 4000 : 400;
my %patterns = (
    'here and there' => sub { rand() < 0.05 },
    'in the first rows' => sub { $_[0] <= $many_rows / 10 },
    'in heaps' => sub { $_[0] / 40 % 5 == 3 },
    half => sub { rand() < 0.5 });

# The refusals in a table, without what tells where in the table a row would have been.
sub told
{
    my ($columns, $rows) = @_;

    return sql("SELECT concat_ws('/', $columns, sqlstate, column_name,"
          . " regexp_replace(left(reason, 300), '\\(\\d+,\\d+\\)', '(place)')) FROM $rows");
}
foreach my $kind (@kinds)
{
    my ($kind_name, $setup, $bad_row, undef, $column) = @$kind;
    my $reset = "DROP TABLE IF EXISTS t2, p2; DROP DOMAIN IF EXISTS d2; $setup";

    foreach my $pattern (sort keys %patterns)
    {
        my $name = "$kind_name, $pattern";
        my @rows = map { "$_," . ($patterns{$pattern}->($_) ? $bad_row : "1,$_ t2 $_") } 1 .. $many_rows;
        my $given = write_file("$scratch/given2.csv", join("\n", @rows) . "\n");

        chmod 0644, $given;
        sql("$reset; TRUNCATE given2, refused2; COPY given2 FROM '$given' (FORMAT csv); CALL insert_each2()");
        # INSERT does not say which column's value could not be read
        sql("UPDATE refused2 SET column_name = '$column'") if defined $column;
        my $expected = sql('SELECT count(*), sum(n) FROM t2');
        sql($reset);
        load_csv('t2', 'n,c3,s', \@rows, '--max-rejects', $many_rows);
        is($status, 0, $name) or diag($err);
        is(sql('SELECT count(*), sum(n) FROM t2'), $expected, "$name: loaded rows");
        is(told('record', 'load_reject ORDER BY record'), told('n', 'refused2 ORDER BY n'), "$name: refused rows");
    }
}

# The number of transactions that loading rows takes, with those in it, if each so many'th is bad
sub transactions
{
    my ($rows, $distance) = @_;
    my $before = sql('SELECT pg_current_xact_id()');

    load_csv('t2', 'n,c3,s', [ map { "$_," . ($_ % $distance ? '1,x' : '13,x') } 1 .. $rows ], '--max-rejects', $rows);
    summary_is($rows, $rows - $rows / $distance, $rows / $distance, 0, "each ${distance}th row");
    return sql('SELECT pg_current_xact_id()') - $before;
}
foreach my $kind (@kinds[ 0, 9, 13 ])
{
    my ($name, $setup) = @$kind;

    foreach my $case ([ 5000, 10, 150 ], [ 100_000, 500, 100 ])
    {
        my ($rows, $distance, $bound) = @$case;

        sql("DROP TABLE IF EXISTS t2, p2; DROP DOMAIN IF EXISTS d2; $setup");
        cmp_ok(transactions($rows, $distance), '<', $bound, "$name: few transactions, each ${distance}th bad");
    }
}

# What is looked at beforehand may be wrong: a trigger makes rows good

sql("DROP TABLE IF EXISTS t2; DROP DOMAIN IF EXISTS d2; $table;"
  . 'ALTER TABLE t2 ADD CHECK (c3 <> 13);'
  . 'CREATE FUNCTION mending() RETURNS trigger LANGUAGE plpgsql AS'
  . ' $$ BEGIN IF new.c3 = 13 AND new.n % 20 = 0 THEN new.c3 = 14; END IF; RETURN new; END $$;'
  . 'CREATE TRIGGER mending BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION mending()');
load_csv('t2', 'n,c3,s', [ map { "$_," . ($_ % 10 ? '1,x' : '13,x') } 1 .. 1000 ], '--max-rejects', 999);
summary_is(1000, 950, 50, 0, 'mended by a trigger');
is(sql('SELECT count(*) FROM t2 WHERE c3 = 14'), '50', 'half of them are there');

# A row with several faults is refused for the one that COPY sees first, also if there are many such

sql('DROP TABLE t2; CREATE DOMAIN odd AS varchar(5) CHECK (length(value) % 2 = 1);'
  . 'CREATE DOMAIN short AS odd CHECK (length(value) < 4) NOT NULL;'
  . 'CREATE TABLE t2 (a odd, "B b" short, c int, CHECK (a <> "B b"), CHECK (c / nullif(c, 13) > 0))');
my @faulty = ([ 'ab', 'abcd', 1 ], [ 'a', 'abcde', 1 ], [ 'aa', 'b', 13 ], [ 'a', 'a', 0 ], [ 'abcdef', 'ab', 1 ],
    [ 'a', '', 1 ], [ 'abc', 'abc', -1 ]);
my @alone;
foreach my $fault (@faulty)
{
    load_csv('t2', 'B b,c,a', [ join ',', @$fault[ 1, 2, 0 ] ], '--max-rejects', 1);
    push @alone, sql("SELECT concat_ws('/', sqlstate, column_name, reason) FROM load_reject");
}
is(scalar(grep { $_ ne '' } @alone), scalar @faulty, 'each is refused');
my @which = map { $_ % 3 ? undef : int rand @faulty } 1 .. 900;
load_csv('t2', 'B b,c,a', [ map { defined $_ ? join(',', @{ $faulty[$_] }[ 1, 2, 0 ]) : 'b,1,a' } @which ],
    '--max-rejects', 900);
summary_is(900, 600, 300, 0, 'several faults');
is(sql("SELECT concat_ws('/', sqlstate, column_name, reason) FROM load_reject ORDER BY record"),
    join("\n", map { $alone[$_] } grep { defined } @which), 'the same reasons as alone');

# Without the right to make temporary tables, and with names that need quotes

sql('DROP TABLE t2; CREATE SCHEMA "An other"; CREATE TABLE "An other"."T 2" (n int, "C 3" int CHECK ("C 3" <> 13),'
  . ' "value" text, "number" int DEFAULT 5, total int GENERATED ALWAYS AS ("C 3" + 1) STORED CHECK (total > 0));'
  . 'REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC; CREATE ROLE plain LOGIN;'
  . 'GRANT ALL ON ALL TABLES IN SCHEMA public, "An other" TO plain;'
  . 'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain; GRANT ALL ON SCHEMA public, "An other" TO plain');
my $quoted = write_file("$scratch/quoted.csv",
    join("\n", 'value,C 3,n', map { "x," . ($_ % 10 ? 1 : $_ % 20 ? 13 : -5) . ",$_" } 1 .. 1000) . "\n");
foreach my $user ('plain', '')
{
    local %ENV = (%ENV, $user ? (PGUSER => $user) : ());
    sql('TRUNCATE "An other"."T 2"; DELETE FROM load_batch; DELETE FROM load_reject');
    ($status, $out, $err) = clickstream($node, 'load', '-t', '"An other"."T 2"', '--max-rejects', 100, $quoted);
    is($status, 0, "with quoted names, as '$user'") or diag($err);
    is(sql('SELECT count(*), count(DISTINCT reason) FROM load_reject'), '100|100', "as '$user': refused");
    is(sql('SELECT count(*), sum(n) FROM "An other"."T 2"'), '900|450000', "as '$user': the others");
}
sql('DROP SCHEMA "An other" CASCADE; GRANT TEMPORARY ON DATABASE postgres TO PUBLIC; DROP DOMAIN odd CASCADE;'
  . 'DROP OWNED BY plain; DROP ROLE plain');

# At random, against inserting one row after the other

sql(<<'END');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 50);
CREATE DOMAIN even AS int CHECK (value % 2 = 0);
CREATE FUNCTION judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_when = 'BEFORE' AND new.s = 15 THEN RETURN NULL; END IF;
    IF tg_when = 'BEFORE' AND new.s = 13 OR tg_when = 'AFTER' AND new.s = 14 THEN
        RAISE '% of % has 14, COPY mix, line 3', new.s, tg_table_name;
    END IF;
    RETURN new;
END $$;
CREATE FUNCTION make(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE %I (n int, k int UNIQUE, c int CHECK (c <> 42), p int REFERENCES parent,'
                   ' d even, v varchar(5), s int)', name);
    EXECUTE format('CREATE TRIGGER a BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION judge()', name);
    EXECUTE format('CREATE TRIGGER b AFTER INSERT ON %I FOR EACH ROW EXECUTE FUNCTION judge()', name);
END $$;
CREATE TABLE given (n int, k int, c int, p int, d int, v text, s int);
CREATE TABLE refused (n int, sqlstate text);
CREATE PROCEDURE insert_each() LANGUAGE plpgsql AS $$
DECLARE r given;
BEGIN
    FOR r IN SELECT * FROM given ORDER BY n LOOP
        BEGIN
            INSERT INTO oracle VALUES (r.*);
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
    my %row = (n => $n, k => $n, c => 1, p => 1 + int rand 50, d => 2 * int rand 9, v => 'abc', s => 1);
    my @faults = ([ c => 42 ], [ p => 99 ], [ d => 3 ], [ v => 'abcdef' ], [ s => 13 ], [ s => 14 ], [ s => 15 ],
        [ k => 1 + int rand $n ], [ k => $n > 3 ? $n - 1 - int rand 3 : 1 ]);

    foreach (1 .. 2)
    {
        my $fault = $faults[ rand @faults ];
        $row{ $fault->[0] } = $fault->[1] if rand() < $bad;
    }
    $row{v} = 'abc' if $row{d} == 3; # which of the two is looked at first is another matter
    return join ',', @row{qw(n k c p d v s)};
}
foreach my $bad (0.001, 0.02, 0.3, 0.9)
{
    my @rows = map { random_row($_, $bad) } 1 .. $random_rows;
    my $given = write_file("$scratch/given.csv", join("\n", @rows) . "\n");

    sql("DROP TABLE IF EXISTS mix, oracle; SELECT make('mix'); SELECT make('oracle');"
      . 'TRUNCATE given, refused');
    chmod 0644, $given;
    sql("COPY given FROM '$given' (FORMAT csv); CALL insert_each()");
    load_csv('mix', 'n,k,c,p,d,v,s', \@rows, '--max-rejects', $random_rows);
    is($status, 0, "rows of which $bad are bad") or diag($err);
    is(sql('SELECT count(*) FROM (TABLE mix EXCEPT TABLE oracle) AS m'), '0', "$bad: none too many");
    is(sql('SELECT count(*) FROM (TABLE oracle EXCEPT TABLE mix) AS m'), '0', "$bad: none missing");
    is(join(' ', map { "$_->{record}/$_->{sqlstate}" } rejects()),
        sql("SELECT string_agg(n || '/' || sqlstate, ' ' ORDER BY n) FROM refused"), "$bad: refused rows");
    my ($loaded, $rejected) = split /\|/, sql('SELECT (SELECT count(*) FROM oracle), (SELECT count(*) FROM refused)');
    summary_is($random_rows, $loaded, $rejected, $random_rows - $loaded - $rejected, $bad);
}

# A table that is emptied: what was refused of its rows before is not in the file, too
sql('CREATE TABLE anew (n integer CHECK (n <> 2))');
load_csv('anew', 'n', [ 1, 2, 'x' ], '--max-rejects', 9);
foreach my $case ([ 0, '--max-rejects', 9, '--dry-run' ], [ 2, '--max-rejects', 1 ])
{
    my ($expected, @options) = @$case;

    ($status) = clickstream($node, 'load', '-t', 'anew', '--truncate', '--rejects',
        "$scratch/rejects.jsonl", @options, "$scratch/anew.csv");
    is($status, $expected, "emptied, @options: exit status");
    is(join(' ', sort map { $_->{line} } rejects()), '3 4', "emptied, @options: each row once");
}

# Many: 10,000 bad rows of 5 million take at most three times as long as none

# Write a log of so many lines, of which some are bad, and encode it; return the Avro file's name.
sub make_log
{
    my ($name, $count, $bad) = @_;
    my %is_bad;

    $is_bad{ int rand $count } = 1 while keys %is_bad < $bad;
    open(my $log, '>', "$scratch/$name.log") or die "could not write: $!";
    printf $log "2024-%02d-%02dT%02d:%02d:%02d.%03dZ GET /campaigns/%d %s%d\n", 1 + $_ / 2_500_000,
      1 + $_ / 100_000 % 25, $_ / 3_600_000 % 24, $_ / 60_000 % 60, $_ / 1000 % 60, $_ % 1000, $_ % 997,
      $is_bad{$_} ? 'bad' : 'user', $_
      foreach 0 .. $count - 1;
    close($log) or die "could not write: $!";
    clickstream_ok(undef, 'encode', '--codec', 'snappy', "$scratch/$name.log");
    unlink "$scratch/$name.log";
    return "$scratch/$name.avro";
}

# Load a file into an empty table, whose constraint is given; return the seconds it took.
sub time_load
{
    my ($constraint, $file) = @_;

    sql("DROP TABLE IF EXISTS many, allowed; DROP DOMAIN IF EXISTS good; DROP FUNCTION IF EXISTS reject_bad;"
      . "DELETE FROM load_batch; DELETE FROM load_reject;"
      . "CREATE TABLE many (LIKE http_log); $constraint; CHECKPOINT");
    my $start = Time::HiRes::time();
    ($status, $out, $err) = clickstream($node, 'load', '-t', 'many', '--max-rejects', 10_000, $file);
    my $seconds = Time::HiRes::time() - $start;
    is($status, 0, 'many rows') or diag($err);
    return $seconds;
}
my ($count, $bad_count, $runs) = $ENV{CLICKSTREAM_SOAK} ? (5_000_000, 10_000, 3) : (50_000, 100, 1);
my $clean = make_log('clean', $count, 0);
my $dirty = make_log('dirty', $count, $bad_count);
sql("CREATE TABLE taken AS SELECT 'bad' || n AS user_id FROM generate_series(0, $count) AS n");
foreach my $case (
    [ 'a check', q(ALTER TABLE many ADD CHECK (user_id NOT LIKE 'bad%')) ],
    [ 'a domain', q(CREATE DOMAIN good AS text CHECK (value NOT LIKE 'bad%') NOT NULL; ALTER TABLE many
        ALTER user_id TYPE good) ],
    [ 'no partition', q(DROP TABLE many; CREATE TABLE many (LIKE http_log) PARTITION BY RANGE (user_id);
        CREATE TABLE many_1 PARTITION OF many FOR VALUES FROM ('c') TO ('user5');
        CREATE TABLE many_2 PARTITION OF many FOR VALUES FROM ('user5') TO (maxvalue)) ],
    [ 'a trigger', q(CREATE FUNCTION reject_bad() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF new.user_id LIKE ''bad%'' THEN RAISE ''no''; END IF; RETURN new; END';
        CREATE TRIGGER bad BEFORE INSERT ON many FOR EACH ROW EXECUTE FUNCTION reject_bad()) ],
    [ 'a trigger at the end', q(CREATE FUNCTION reject_bad() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF new.user_id LIKE ''bad%'' THEN RAISE ''no''; END IF; RETURN NULL; END';
        CREATE TRIGGER bad AFTER INSERT ON many FOR EACH ROW EXECUTE FUNCTION reject_bad()) ],
    [ 'a foreign key', q(CREATE TABLE allowed (good boolean PRIMARY KEY); INSERT INTO allowed VALUES (true);
        ALTER TABLE many ADD good boolean GENERATED ALWAYS AS (user_id NOT LIKE 'bad%') STORED
        REFERENCES allowed) ],
    [ 'a unique index', 'INSERT INTO many (user_id) TABLE taken; CREATE UNIQUE INDEX ON many (user_id)' ])
{
    my ($name, $constraint) = @$case;
    my (@clean, @dirty);

    foreach (1 .. $runs)
    {
        push @clean, time_load($constraint, $clean);
        push @dirty, time_load($constraint, $dirty);
        is(sql(q(SELECT count(*) FROM many WHERE load_id IS NOT NULL)), $count - $bad_count,
            "$name: all others are loaded");
        is(sql('SELECT count(*), count(DISTINCT record) FROM load_reject'), "$bad_count|$bad_count",
            "$name: each bad one is kept once");
    }
    @clean = sort { $a <=> $b } @clean;
    @dirty = sort { $a <=> $b } @dirty;
    my $ratio = $dirty[ $runs / 2 ] / $clean[ $runs / 2 ];
    note(sprintf('%s: %.1f s, with %d bad rows of %d %.1f s: %.2f times', $name, $clean[ $runs / 2 ], $bad_count,
            $count, $dirty[ $runs / 2 ], $ratio));
    cmp_ok($ratio, '<=', 3, "$name: within three times") if $ENV{CLICKSTREAM_SOAK};
}

$node->stop;
done_testing();
