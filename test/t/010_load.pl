# test/t/010_load.pl - init, and load: what goes where, and what the ledger says
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('load');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my ($status, $out, $err);

# Run SQL and return what it prints.
sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run the loader, which must end with a status and a message.
sub fails_like
{
    my ($expected, $pattern, $name, @arguments) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ($status, $out, $err) = clickstream($node, @arguments);
    is($status, $expected, "$name: exit status") or diag($err);
    like($err, $pattern, "$name: message");
    is($out, '', "$name: nothing on standard output");
    return;
}

# Init

fails_like(3, qr/function public.session_report\(.*hint: "clickstream init" creates/s,
    'report before init', 'report');
fails_like(3, qr/table "http_log" does not exist.*"clickstream init" creates/s,
    'load before init', 'load', write_file("$scratch/x.csv", "a\n1\n"));

clickstream_ok($node, 'init');
($status, $out, $err) = clickstream($node, 'init');
is($status, 0, 'init again');
is($err, "postgres: extension, tables and reports are in place in schema \"public\"\n",
    'init says what it did, without notices');
clickstream_ok($node, 'init', '--schema', 'Other One');
is( sql(q(SELECT count(*) FROM pg_class WHERE relkind = 'r'
          AND relnamespace = '"Other One"'::regnamespace)),
    sql(q(SELECT count(*) FROM pg_class AS c WHERE relkind = 'r'
          AND relnamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e'))),
    'the other schema has the same tables');
# A schema whose name needs quotes, named by option and by the search path.
my $mapping = write_file("$scratch/mapping.csv", "campaign_id,reward_id\n1,2\n");
my @to_mapping = ('load', '-t', 'campaign_reward_mapping');
clickstream_ok($node, @to_mapping, '--schema', 'Other One', $mapping);
sql('CREATE DATABASE quoted');
clickstream_ok($node, 'init', '-d', 'quoted', '--schema', 'Shop');
sql('ALTER DATABASE quoted SET search_path = "Shop"');
clickstream_ok($node, @to_mapping, '-d', 'quoted', $mapping);
fails_like(2, qr/field "load_id" is filled in by the load/, 'a field that is ours', 'load',
    write_file("$scratch/own.csv", "user_id,load_id\nu,77\n"));

is(sql(q(SELECT nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace
         WHERE extname = 'clickstream')), 'public', 'the extension stays where it was');

# The extension is trusted: who owns a database needs no superuser.
sql('CREATE ROLE regress_owner LOGIN');
sql('CREATE DATABASE owned OWNER regress_owner');
($status, $out, $err) = clickstream($node, 'init', '-U', 'regress_owner', '-d', 'owned');
is($status, 0, 'init by the owner of the database') or diag($err);

sql('CREATE SCHEMA odd; CREATE TABLE odd.campaign (id bigint, name varchar(10), extra int)');
fails_like(3, qr/"odd.campaign" exists with column "name" of type .*\(10\) instead of text/,
    'column of another type', 'init', '--schema', 'odd');
sql('ALTER TABLE odd.campaign DROP name');
fails_like(3, qr/"odd.campaign" exists without column "name" of type text/,
    'column that is missing', 'init', '--schema', 'odd');
sql('DROP TABLE odd.campaign; CREATE VIEW odd.campaign AS SELECT 1 AS id');
fails_like(3, qr/"odd.campaign" exists and is not a table/, 'a view', 'init', '--schema', 'odd');
is(sql(q(SELECT count(*) FROM pg_class WHERE relnamespace = 'odd'::regnamespace)), '1',
    'a failed init leaves nothing');
sql('DROP VIEW odd.campaign; CREATE TABLE odd.campaign (extra int DEFAULT 7, id bigint PRIMARY KEY,'
  . ' updated_at timestamptz, name text, status text)');
clickstream_ok($node, 'init', '--schema', 'odd');

# Avro

my $sync = 'synchronisation!';
my @records = (
    log_record(1710057600123, 'GET', '/campaigns/1', 'u1'),
    log_record(-1, 'POST', '/rewards/2', 'ü2'),
    log_record(0, undef, '', undef));
my $avro = write_file("$scratch/log.avro",
    avro_header(log_schema, $sync, 'clickstream.source_sha256' => 'abc')
      . avro_block($sync, [ @records[ 0, 1 ] ]) . avro_block($sync, [ $records[2] ]));

($status, $out, $err) = clickstream($node, 'load', $avro);
is($status, 0, 'load an Avro file') or diag($err);
like($err, qr/log.avro: read 3 records = 3 loaded \+ 0 rejected into public.http_log \(load 1\)\n/,
    'summary');
like($err, qr/log.avro: 1 record without a user is in no session\n/, 'users that are NULL');
is(sql(q(SET timezone = 'UTC'; SELECT "timestamp", http_method, http_path, user_id, load_id
         FROM http_log ORDER BY 1)), <<'END' =~ s/\n\z//r, 'its rows');
1969-12-31 23:59:59.999+00|POST|/rewards/2|ü2|1
1970-01-01 00:00:00+00||||1
2024-03-10 08:00:00.123+00|GET|/campaigns/1|u1|1
END
is(sql(q(SELECT count(*) FROM http_log WHERE http_method IS NULL AND http_path = '')), '1',
    'NULL and the empty string are two things');
my $size = -s $avro;
is(sql('SELECT load_id, table_name, first_block, end_block, start_offset, end_offset, rows_read,'
      . ' rows_loaded, rows_rejected, source_sha256 FROM load_batch'),
    "1|public.http_log|0|2|0|$size|3|3|0|abc", 'the ledger');
is( sql(q(SELECT checksum FROM load_batch)),
    sql("SELECT encode(sha256(pg_read_binary_file('$avro')), 'hex')"),
    'the checksum is that of the file');

# The same again

($status, $out, $err) = clickstream($node, 'load', $avro, $avro);
is($status, 0, 'load it again');
is(() = $err =~ /already loaded into public.http_log \(load 1, .*\): nothing to do/g, 2,
    'it says so');
my $copy = write_file("$scratch/copy.avro", read_file($avro));
like((clickstream($node, 'load', $copy))[2], qr/copy.avro: already loaded/, 'under another name');
clickstream_ok($node, 'load', '--schema', 'odd', $avro);
is(sql('SELECT count(*) FROM odd.http_log'), '3', 'another table is another load');
is(sql('SELECT table_name FROM odd.load_batch'), 'odd.http_log', 'in the ledger of its schema');

my $bytes = read_file($avro);
my $changed = write_file("$scratch/changed.avro", $bytes =~ s/campaigns/kampaigns/r);
fails_like(2, qr/changed.avro: file was loaded .* but its bytes have changed/,
    'the same header with other blocks', 'load', $changed);
my $shorter = write_file("$scratch/shorter.avro", substr($bytes, 0, -length avro_block($sync, [ $records[2] ])));
like($err, qr/hint: Of a file that was overwritten, unload load 1 first.*same marker/, 'with a way on');
fails_like(2, qr/shorter.avro: file was loaded .* but its bytes have changed/,
    'a file that lost a block', 'load', $shorter);

my $other_sync = 'another marker!!';
my $encoded_again = write_file("$scratch/second.avro",
    avro_header(log_schema, $other_sync, 'clickstream.source_sha256' => 'abc')
      . avro_block($other_sync, \@records));
fails_like(2, qr/the log that this file was made from is already in .*"--again"/s,
    'a second encoding of the same log', 'load', $encoded_again);
is(sql('SELECT count(*) FROM http_log'), '3', 'nothing was loaded twice');
clickstream_ok($node, 'load', '--again', $encoded_again);
is(sql('SELECT count(*) FROM http_log'), '6', 'unless --again was given');

# Logs without records: they are all alike, and bring nothing twice

my @none = map {
    write_file("$scratch/none$_.avro",
        avro_header(log_schema, "marker of none $_", 'clickstream.source_sha256' => 'none'))
} 1, 2;
my $of_none = write_file("$scratch/of_none.avro",
    avro_header(log_schema, 'marker of record', 'clickstream.source_sha256' => 'none')
      . avro_block('marker of record', [ $records[0] ]));
($status, $out, $err) = clickstream($node, 'load', @none, $of_none);
is($status, 0, 'two files without records') or diag($err);
is(() = $err =~ /none\d.avro: read 0 records = 0 loaded \+ 0 rejected/g, 2, 'each is loaded');
like($err, qr/of_none.avro: read 1 record = 1 loaded/, 'and one with records after them');
clickstream_ok($node, 'unload', $none[1]);
clickstream_ok($node, 'load', $none[1]);
write_file($none[0], read_file($none[0]) . avro_block('marker of none 1', [ $records[0] ]));
fails_like(2, qr/the log that this file was made from is already in .*of_none.avro/s, 'one that has got a record since',
    'load', $none[0]);
clickstream_ok($node, 'unload', $of_none);

# Tables and names

sql('CREATE TABLE "My Table" ("Timestamp" timestamptz, HTTP_METHOD varchar(4), http_path text,'
  . ' user_id text NOT NULL, note text DEFAULT $$none$$, twice text GENERATED ALWAYS AS (http_path) STORED)');
my $three = write_file("$scratch/three.avro",
    avro_header(log_schema, 'third sync mark.') . avro_block('third sync mark.', [ @records[ 0, 1 ] ]));
clickstream_ok($node, 'load', '-t', '"My Table"', $three);
is(sql('SELECT count(*), min(note), max(twice) FROM "My Table"'), '2|none|/rewards/2',
    'names match without case; defaults and generated columns are filled in');
is(sql(q(SELECT table_name FROM load_batch ORDER BY load_id DESC LIMIT 1)), 'public."My Table"',
    'the ledger quotes the name');
sql('CREATE TABLE few (user_id text)');
fails_like(2, qr/field "timestamp" matches no column of table public.few.*has the columns user_id\./s,
    'a field without a column', 'load', '-t', 'public.few', $avro);
sql('CREATE TABLE two ("A" text, a text)');
clickstream_ok($node, 'load', '-t', 'two', write_file("$scratch/two.csv", "a,A\n1,2\n"));
is(sql('SELECT * FROM two'), '2|1', 'the exact name goes before another case');
sql('CREATE TABLE ambiguous ("Ab" text, "AB" text)');
fails_like(2, qr/field "ab" matches several columns/, 'an ambiguous name',
    'load', '-t', 'ambiguous', write_file("$scratch/ab.csv", "ab\n1\n"));
fails_like(2, qr/fields "user_id" and "USER_ID" match the same column/, 'two fields for one column',
    'load', '-t', 'few', write_file("$scratch/uu.csv", "user_id,USER_ID\n1,2\n"));
fails_like(2, qr/matches a generated column/, 'a generated column', 'load', '-t', '"My Table"',
    '--columns', 'twice', write_file("$scratch/gen.csv", "twice\n1\n"));
sql('CREATE TABLE typed (p point, "timestamp" int)');
fails_like(2, qr/field "timestamp" of kind timestamp cannot be loaded into column "timestamp" of type int/,
    'a type that does not fit', 'load', '-t', 'typed', '--columns', 'timestamp', $avro);
fails_like(3, qr/table "nowhere" does not exist/, 'no such table', 'load', '-t', 'nowhere', $avro);
fails_like(3, qr/table "http_log" does not exist in schema "nowhere"/, 'no such schema',
    'load', '--schema', 'nowhere', $avro);
foreach my $name ('S p.x', 'a.b.c', 'a.b.c.d', '.')
{
    fails_like(1, qr/"\Q$name\E" of option "--table" is not a table's name.*detail: .*hint: .* quoted/s,
        'a name that is none in SQL', 'load', '-t', $name, $avro);
}
sql('CREATE TABLE "Quoted" (a int)');
fails_like(3, qr/table "Quoted" does not exist\n.*hint: A name is written as in SQL/, 'a name without its quotes',
    'load', '-t', 'Quoted', $avro);
fails_like(2, qr/matches no column.*hint: If this is what separates the fields: "--delimiter ';'"/s,
    'another delimiter', 'load', '-t', 'two', write_file("$scratch/semi.csv", "a;A\n1;2\n"));
fails_like(2, qr/matches no column.*"--delimiter '\\t'"/s, 'tabs', 'load', '-t', 'two',
    write_file("$scratch/tabs.csv", "a\tA\n1\t2\n"));
fails_like(2, qr/matches no column(?!.*--delimiter)/s, 'no delimiter', 'load', '-t', 'two',
    write_file("$scratch/none.csv", "b\n1\n"));
my %log = (
    plain => '2024-03-10T08:00:00Z GET /campaigns/1,2 u1',
    combined => '192.0.2.7 - u1 [10/Mar/2024:08:00:00 +0800] "GET / HTTP/1.1" 200 5 "-" "KHTML, like"',
    json => '{"timestamp": "2024-03-10T08:00:00Z"}');
foreach my $format (sort keys %log)
{
    fails_like(2, qr/log.txt: file is neither Avro nor CSV.* format $format\n.*"clickstream encode --format $format"/,
        'a text log', 'load', write_file("$scratch/log.txt", "$log{$format}\n"));
}
sql('CREATE TABLE noisy (a int); CREATE FUNCTION noise() RETURNS trigger LANGUAGE plpgsql AS'
  . q( 'BEGIN RAISE WARNING ''careful''; RAISE NOTICE ''look''; RETURN NEW; END';)
  . 'CREATE TRIGGER noise BEFORE INSERT ON noisy FOR EACH ROW EXECUTE FUNCTION noise()');
($status, $out, $err) = clickstream($node, 'load', '--log-format', 'json', '-t', 'noisy',
    write_file("$scratch/noisy.csv", "a\n1\n"));
my @said = grep { $_->{message} !~ /noisy/ } map { decode_json($_) } split /\n/, $err;
is(join(' ', map { "$_->{level}: $_->{message}" } @said),
    'warning: careful notice: look', 'what the server says keeps its level');
sql('CREATE SCHEMA plain; CREATE TABLE plain.t (a int)');
clickstream_ok($node, 'load', '-t', 'plain.t', write_file("$scratch/a.csv", "a\n1\n"));
is(sql(q(SELECT count(*) FROM public.load_batch WHERE table_name = 'plain.t')), '1',
    'a schema without a ledger uses that of the search path');
is(sql(q(SELECT count(*) FROM load_batch WHERE table_name ~ 'few|ambiguous|typed')), '0',
    'what was refused is not in the ledger');

$node->stop;
done_testing();
