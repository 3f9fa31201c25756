# test/t/011_load_rejects.pl - rows that the loader refuses are kept, rows that the server refuses
# end a load that allows no rejects
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('rejects');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $sync = 'synchronisation!';
my ($status, $out, $err);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The rejects of a file, as hashes.
sub rejects { return map { decode_json($_) } split /\n/, read_file("$scratch/rejects.jsonl") }

# Text in which a backslash at a line's end goes on with the next line.
sub joined { return $_[0] =~ s/\\\n//gr }

# Load CSV into table "t"; return exit status and messages.
sub load_csv
{
    my ($name, $text, @options) = @_;
    ($status, $out, $err) = clickstream($node, 'load', '-t', 't', '--rejects', "$scratch/rejects.jsonl",
        @options, write_file("$scratch/$name.csv", $text));
    return ($status, $err);
}

clickstream_ok($node, 'init');
sql('CREATE TABLE t (i2 smallint, i4 int, i8 bigint, f4 real, f8 double precision, b boolean,'
  . ' d date, ts timestamp, tz timestamptz, x bytea, v varchar, c char(3), n text NOT NULL DEFAULT $$d$$)');

# Values of every type

is((load_csv('good', joined(<<'END')))[0], 0, 'values of every type') or diag($err);
i2,i4,i8,f4,f8,b,d,ts,tz,x,v,c,n
-32768,-2147483648,-9223372036854775808,1.5,-1e300,t,2024-02-29,2024-03-10 08:00:00,\
2024-03-10T08:00:00+08:00,\x00fF,a b,ab,one
+7,007,9223372036854775807,NaN,Infinity,FALSE,0001-01-01,2024-03-10T08:00:00.000001Z,\
2024-03-10 08:00:00.5 UTC,\x,"say ""hi"", and
go","",two
,,,,,,,,,,,,three
END
is(sql(q(SET timezone = 'UTC'; SELECT * FROM t ORDER BY n = 'three', n = 'two')) . "\n",
    joined(<<'END'), 'as rows');
-32768|-2147483648|-9223372036854775808|1.5|-1e+300|t|2024-02-29|2024-03-10 08:00:00|\
2024-03-10 00:00:00+00|\x00ff|a b|ab |one
7|7|9223372036854775807|NaN|Infinity|f|0001-01-01|2024-03-10 08:00:00.000001|\
2024-03-10 08:00:00.5+00|\x|say "hi", and
go|   |two
||||||||||||three
END

# Each value that is refused: column, text in the file, SQLSTATE, reason

my @bad = (
    [ i2 => '32768', '22003', 'between' ],
    [ i2 => '-32769', '22003', 'between' ],
    [ i4 => '2147483648', '22003', 'between' ],
    [ i8 => '9223372036854775808', '22003', 'range' ],
    [ i8 => '-9223372036854775809', '22003', 'range' ],
    [ i8 => ' 1', '22P02', 'whole number' ],
    [ i8 => '1.0', '22P02', 'whole number' ],
    [ i8 => '""', '22P02', 'whole number' ],
    [ i8 => '-', '22P02', 'whole number' ],
    [ f8 => '1e999', '22003', 'range' ],
    [ f8 => '0x10', '22P02', 'number' ],
    [ f8 => '1 2', '22P02', 'number' ],
    [ f4 => '1e39', '22003', 'real' ],
    [ f4 => '1e-60', '22003', 'real' ],
    [ b => 'maybe', '22P02', 'boolean' ],
    [ d => '2023-02-29', '22008', 'day' ],
    [ d => '2024-13-01', '22008', 'day' ],
    [ d => '0000-01-01', '22008', 'day' ],
    [ d => '29.02.2024', '22007', 'date' ],
    [ ts => '2024-03-10', '22007', 'timestamp' ],
    [ tz => '2024-03-10 25:00:00', '22008', 'time of day' ],
    [ tz => '2024-02-30T05:00:00.5', '22008', 'day' ],
    [ tz => '2024-03-10 08:00:61+08:00', '22008', 'time of day' ],
    [ tz => '2024-03-10 08:00:00+25', '22009', 'offset' ],
    [ tz => '2024-03-10 08:00:00 XYZ', '22007', 'offset' ],
    [ tz => '2024-03-10 08:00', '22007', 'timestamp' ],
    [ tz => '+infinity', '22007', 'timestamp' ],
    [ x => '\\xabc', '22023', 'hexadecimal' ],
    [ x => '\\xZZ', '22023', 'hexadecimal' ],
    [ x => 'plain', '22P02', 'hexadecimal' ],
    [ v => "caf\xe9", '22021', 'UTF-8' ],
    [ v => "nu\0l", '22021', 'NUL' ],
    [ n => '', '23502', 'NULL' ]);
my $number = 0;
foreach my $case (@bad)
{
    my ($column, $text, $sqlstate, $reason) = @$case;
    $number++;
    load_csv("bad$number", "$column,c\n$text,1\n");
    is($status, 2, "$column: $text: stops");
    like($err, qr/bad$number.csv: line 2, column "$column": .*$reason.*--max-rejects/s, 'message');
    my ($reject) = rejects();
    is("@$reject{qw(line record column sqlstate)}", "2 1 $column $sqlstate", 'reject');
    like($reject->{reason}, qr/$reason/, 'reason');
}
($status, $out, $err) = clickstream($node, 'load',
    write_file("$scratch/infinite.csv", "timestamp,user_id\ninfinity,u\n"));
is($status, 2, 'no request is at an infinite time');
like($err, qr/the time of a request cannot be infinite/, 'message');
is(sql('SELECT count(*) FROM t'), '3', 'nothing of these files was loaded');
is(sql('SELECT count(*) FROM load_reject'), '0', 'nor recorded');

# Rejects up to the limit are kept, in the table and in the file

my $mixed = <<"END";
i4,v\r
1,one\r
x,"bad, number"\r
2,"two\r
lines"\r
3\r
4,"open" more\r
5,st"ray\r
6,six,seven\r
7,caf\xe9\r
8,eight
END
load_csv('mixed', $mixed, '--max-rejects', 6);
is($status, 0, 'rejects within the limit') or diag($err);
like($err, qr/mixed.csv: read 9 records = 3 loaded \+ 6 rejected into public.t/, 'summary');
like($err, qr/rejected records are in the table load_reject\n.*rejects.jsonl: 6 rejected records written\n/s,
    'where they are');
is(sql('SELECT i4, v FROM t WHERE i4 IN (1, 2, 8) ORDER BY 1'),
    "1|one\n2|two\r\nlines\n8|eight", 'the others are there');
my @kept = rejects();
is(join(' ', map { "$_->{line}/$_->{record}" } @kept), '3/2 6/4 7/5 8/6 9/7 10/8',
    'line and record of each');
is(join('; ', map { $_->{reason} } @kept[ 1 .. 4 ]), 'record has 1 field, the header has 2; '
      . 'text stands behind a closing quote; a quote stands in a field without quotes; '
      . 'record has 3 fields, the header has 2', 'reasons');
is($kept[0]{text}, 'x,"bad, number"', 'the record itself');
is(sql(q(SELECT record, column_name, sqlstate, record_text FROM load_reject
         WHERE file_name ~ 'mixed' ORDER BY record LIMIT 1)),
    '2|i4|22P02|x,"bad, number"', 'the same in the table');
is(sql(q(SELECT record_text FROM load_reject WHERE record = 8)), "7,caf\x{ef}\x{bf}\x{bd}",
    'what is no text is shown as U+FFFD there');
is($kept[5]{bytes_base64}, 'NyxjYWbp', 'and in full in the file');
is(sql(q(SELECT rows_read, rows_loaded, rows_rejected FROM load_batch WHERE file_name ~ 'mixed')),
    '9|3|6', 'the ledger counts them');
load_csv('mixed_again', "$mixed\n", '--max-rejects', 5);
is($status, 2, 'one reject too many');
like($err, qr/line 10.*one reject more than the 5 allowed/s, 'says which one');
is(scalar(rejects()), 6, 'the rejects file is written then, too');

# CSV that cannot be read at all

foreach my $case (
    [ "i4,v\n1,\"open\n2,x\n", qr/line 2: a quote is left open/ ],
    [ "i4,\n1,2\n", qr/a name is missing in the header/ ],
    [ "\"i4\n1\n", qr/quote is left open/ ],
    [ "i4\x{ff}\n1\n", qr/not valid UTF-8/ ],
    [ "\n1\n", qr/a name is missing/ ],
    [ "Obj", qr/field "Obj" matches no column/ ],
    [ "", qr/file is empty/ ])
{
    load_csv('unreadable', $case->[0], '--max-rejects', 9);
    is($status, 2, 'CSV that cannot be read');
    like($err, $case->[1], 'says why');
}
load_csv('bom', "\xef\xbb\xbf\"i4\"\n99");
is($status, 0, 'a byte order mark is no part of the first name') or diag($err);
load_csv('header_only', "i4,v\n");
like($err, qr/read 0 records = 0 loaded/, 'a header alone is an empty file');

# Avro

my @records = map { log_record($_, 'GET', "/campaigns/$_", "u$_") } 1 .. 6;
$records[1] = log_record(2, 'GET', "/\0", 'u2');
$records[3] = log_record(4, 'GET', "/\xff", 'u4');
$records[4] = log_record(9_300_000_000_000_000, 'GET', '/x', 'u5');
my $avro = write_file("$scratch/log.avro",
    avro_header(log_schema, $sync) . avro_block($sync, [ @records[ 0, 1 ] ])
      . avro_block($sync, [ @records[ 2 .. 5 ] ]));
my @load = ('load', '--rejects', "$scratch/rejects.jsonl");
($status, $out, $err) = clickstream($node, @load, '--max-rejects', 2, $avro);
is($status, 2, 'records that no text or time column can hold');
is(sql('SELECT count(*) FROM http_log'), '0', 'one too many: nothing is loaded');
($status, $out, $err) = clickstream($node, @load, '--max-rejects', 3, $avro);
is($status, 0, 'within the limit') or diag($err);
like($err, qr/read 6 records = 3 loaded \+ 3 rejected/, 'the others are loaded');
@kept = rejects();
is(join('; ', map { "$_->{block}/$_->{record} $_->{column} $_->{sqlstate}" } @kept),
    '0/2 http_path 22021; 1/4 http_path 22021; 1/5 timestamp 22008', 'where and why');
is($kept[0]{text},
    '{"timestamp":"1970-01-01T00:00:00.002000Z","http_method":"GET","http_path":"/\u0000","user_id":"u2"}', 'as JSON');
is($kept[1]{text}, qq({"timestamp":"1970-01-01T00:00:00.004000Z","http_method":"GET",)
      . qq("http_path":"/\x{fffd}","user_id":"u4"}),
    'also where it is no text');
like(decode_base64($kept[1]{bytes_base64}), qr/\x04\/\xff\x02\x04u4\z/, 'with the bytes of the record');
is(sql('SELECT block, record FROM load_reject WHERE block IS NOT NULL ORDER BY 1, 2'),
    "0|2\n1|4\n1|5", 'the same in the table');

# Every type of an Avro file, into columns that they fit, and others

my $types = '{"type": "record", "name": "T", "fields": ['
  . join(',', map { qq({"name": "$_->[0]", "type": $_->[1]}) }
      [ z => '"null"' ], [ b => '"boolean"' ], [ i => '"int"' ], [ l => '"long"' ],
    [ f => '"float"' ], [ d => '["double", "null"]' ], [ x => '"bytes"' ], [ s => '"string"' ],
    [ t => '{"type": "long", "logicalType": "timestamp-micros"}' ])
  . ']}';

# A record of these fields; $long and $double are not always the same.
sub typed_record
{
    my ($long, $double) = @_;
    return chr(1) . avro_long(-7) . avro_long($long) . pack('f<', 0.1) . avro_long(0)
      . pack('d<', $double) . avro_string("\0\xff") . avro_string('text') . avro_long(-1);
}
my $typed = write_file("$scratch/typed.avro",
    avro_header($types, $sync) . avro_block($sync, [ typed_record(70000, 1e300), typed_record(8, 0.5) ]));
sql('CREATE TABLE same (z text, b boolean, i int, l bigint, f real, d float8, x bytea, s varchar, t timestamptz);'
  . 'CREATE TABLE texts (z int, b text, i text, l text, f text, d text, x bytea, s text, t text);'
  . 'CREATE DOMAIN small AS smallint; CREATE TABLE narrow (z int, b bool, i small,'
  . ' l smallint, f float8, d real, x bytea, s char(4), t timestamp);'
  . 'CREATE TABLE wrong (z int, b int, i int, l int, f int, d int, x int, s int, t int)');
($status, $out, $err) = clickstream($node, 'load', '-t', 'same', $typed);
is($status, 0, 'Avro types into the same types') or diag($err);
is(sql("SET timezone = 'UTC'; SELECT * FROM same WHERE l = 8"),
    '|t|-7|8|0.1|0.5|\x00ff|text|1969-12-31 23:59:59.999999+00', 'as they are');
($status, $out, $err) = clickstream($node, 'load', '-t', 'texts', $typed);
is($status, 0, 'Avro types into text') or diag($err);
is(sql('SELECT * FROM texts'), <<'END' =~ s/\n\z//r, 'as text');
|true|-7|70000|0.1|1e+300|\x00ff|text|1969-12-31T23:59:59.999999Z
|true|-7|8|0.1|0.5|\x00ff|text|1969-12-31T23:59:59.999999Z
END
($status, $out, $err) = clickstream($node, 'load', '-t', 'narrow', '--max-rejects', 1, $typed);
like($err, qr/read 2 records = 1 loaded \+ 1 rejected/, 'what is too wide is refused');
is(sql('SELECT column_name, sqlstate, reason FROM load_reject WHERE record_text LIKE $$%"l":70000%$$'),
    'l|22003|70000 is not between -32768 and 32767', 'with its range');
is(sql('SELECT i, l, f, d, t FROM narrow'), '-7|8|0.10000000149011612|0.5|1969-12-31 23:59:59.999999',
    'the rest fits');
($status, $out, $err) = clickstream($node, 'load', '-t', 'wrong', $typed);
is($status, 2, 'types that do not go together');
like($err, qr/field "b" of kind boolean cannot be loaded into column "b" of type integer/, 'message');

# What the server refuses where no reject is allowed: nothing is loaded, and the row is named

sql('CREATE TABLE t2 (c3 int CHECK (c3 <> 42), s varchar(3) UNIQUE)');

# Load rows into t2; the load must fail with a status and a message.
sub refused_like
{
    my ($expected, $pattern, $name, @rows) = @_;
    my $file = write_file("$scratch/t2.csv", join("\n", 'c3,s', @rows) . "\n");

    ($status, $out, $err) = clickstream($node, 'load', '-t', 't2', $file);
    is($status, $expected, "$name: exit status") or diag($err);
    like($err, $pattern, "$name: message");
    is(sql('SELECT count(*) FROM t2'), '0', "$name: nothing is loaded");
    is(sql(q(SELECT count(*) FROM load_batch WHERE table_name ~ 't2')), '0', "$name: nor recorded");
    return;
}
refused_like(2, qr/t2_c3_check.*23514.*It is record 3 of /s, 'check', '1,a', '2,b', '42,c', '4,d');
refused_like(2, qr/23505.*Key \(s\)=\(77\).*record 3 of /s, 'unique', '1,77', '2,b', '3,77');
refused_like(2, qr/22001.*record 2 of /s, 'too long', '1,a', '2,long');
sql(q(CREATE FUNCTION t2_check_5() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF new.c3 = 13 THEN RAISE 'no % 99', new.s USING HINT = 'use 14'; END IF;
      RETURN new; END $$;
      CREATE TRIGGER t BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION t2_check_5()));
refused_like(2, qr/error: no 12 99 .*hint: use 14.*record 2 of /s, 'trigger', '1,a', '13,12', '3,c');
sql('DROP TRIGGER t ON t2; ALTER TABLE t2 ADD p int REFERENCES load_batch (load_id)'
  . ' DEFERRABLE INITIALLY DEFERRED DEFAULT -5');
refused_like(2, qr/23503.*Nothing of .* was loaded/s, 'deferred constraint', '1,a');
sql('ALTER TABLE t2 DROP p; REVOKE ALL ON t2 FROM public; CREATE ROLE regress_reader LOGIN;'
  . ' GRANT ALL ON load_batch, load_reject TO regress_reader');
($status, $out, $err) = clickstream($node, 'load', '-U', 'regress_reader', '-t', 't2', "$scratch/t2.csv");
is($status, 3, 'a role that may not write');
like($err, qr/permission denied for table t2 \(SQLSTATE 42501\)/, 'says so');
sql(q(CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF new.c3 = 2 THEN RETURN NULL; END IF; RETURN new; END $$;
      CREATE TRIGGER t BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION skip()));
($status, $out, $err) = clickstream($node, 'load', '-t', 't2',
    write_file("$scratch/skip.csv", "c3,s\n1,a\n2,b\n3,c\n"));
like($err, qr/read 3 records = 2 loaded \+ 0 rejected \+ 1 skipped by triggers/,
    'rows that a trigger swallows are counted');

$node->stop;
done_testing();
