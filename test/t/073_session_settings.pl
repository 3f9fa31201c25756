# test/t/073_session_settings.pl - settings of the database, the role or PGOPTIONS change neither what
# is loaded nor by what name the ledger knows it
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('settings');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $odd = join ' ', map { "-c $_" } 'quote_all_identifiers=on', 'array_nulls=off', 'standard_conforming_strings=off',
  'backslash_quote=off', 'escape_string_warning=on', 'transform_null_equals=on', 'IntervalStyle=sql_standard',
  'DateStyle=SQL,DMY', 'TimeZone=Asia/Kolkata', 'bytea_output=escape', 'extra_float_digits=-15', 'xmloption=document',
  'client_encoding=LATIN1', 'check_function_bodies=off';

sub sql { return $node->safe_psql('postgres', $_[0]) }

# Run the loader with these server settings, and test its exit status; return its output and messages.
sub with_settings
{
    my ($options, $expected, @arguments) = @_;

    local $ENV{PGOPTIONS} = $options;
    my ($status, $out, $err) = clickstream($node, @arguments);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($status, $expected, ($options ? 'odd settings' : 'plain settings') . ": @arguments") or diag($err);
    return wantarray ? ($out, $err) : "$out$err";
}

# The ledger's name of a table

with_settings('', 0, 'init');
clickstream_ok(undef, 'encode', '-o', "$scratch/log.avro", "$root/data/http_log.txt");
with_settings('', 0, 'load', "$scratch/log.avro");
like(with_settings($odd, 0, 'load', "$scratch/log.avro"), qr/already loaded|0 loaded/, 'a file is loaded once');
is(sql('SELECT count(*), count(DISTINCT table_name), min(table_name) FROM load_batch'), '1|1|public.http_log',
    'under one name');
like(with_settings($odd, 0, 'status', '-t', 'http_log', '--format', 'csv'), qr/log\.avro/, 'status finds it');
with_settings($odd, 0, 'unload', '-t', 'http_log', "$scratch/log.avro");
with_settings($odd, 0, 'load', "$scratch/log.avro");
is(sql('SELECT table_name FROM load_batch'), 'public.http_log', 'and the other way round');
with_settings('', 0, 'unload', '-t', 'http_log', "$scratch/log.avro");

# What earlier versions called otherwise is given its name, unless it was loaded under both

sql(<<'END');
INSERT INTO load_batch (table_name, file_name, file_id, first_block, end_block, rows_read, rows_loaded, rows_rejected)
VALUES ('"public"."http_log"', 'one', 'one', 0, 1, 1, 1, 0),
       ('"public"."Table 1"', 'one', 'one', 0, 1, 1, 1, 0),
       ('"public"."http_log"', 'two', 'two', 0, 1, 1, 1, 0),
       ('public.http_log', 'two', 'two', 0, 1, 1, 1, 0)
END
with_settings('', 0, 'init');
is(sql('SELECT table_name, file_name FROM load_batch ORDER BY file_name, load_id'),
    qq(public.http_log|one\npublic."Table 1"|one\n"public"."http_log"|two\npublic.http_log|two),
    'init gives batches the name that is looked for');
sql('DELETE FROM load_batch');

# Text COPY: an array with NULL, an interval, a time, bytes, all as under the server's own settings

sql('CREATE TABLE sorts (tags text[], numbers int[], length interval, at timestamptz,'
      . ' bytes bytea, address inet, ratio float8, name text)');
my $schema = <<'END';
{"type": "record", "name": "Sorts", "fields": [
 {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
 {"name": "numbers", "type": {"type": "array", "items": ["null", "int"]}},
 {"name": "length", "type": {"type": "fixed", "name": "Length", "size": 12, "logicalType": "duration"}},
 {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
 {"name": "bytes", "type": "bytes"},
 {"name": "address", "type": "string"},
 {"name": "ratio", "type": "double"},
 {"name": "name", "type": "string"}]}
END
my $record = avro_long(2) . avro_long(0) . avro_long(1) . avro_string('a\\b') . avro_long(0)
  . avro_long(2) . avro_long(0) . avro_long(1) . avro_long(7) . avro_long(0)
  . pack('V3', 14, 3, 90_061_500) . avro_long(1_710_061_200_123)
  . avro_string("\x00\\'\xff") . avro_string('::1') . pack('d<', 0.1)
  . avro_string("it\\'s \xc3\xbc");
my $avro = write_file("$scratch/sorts.avro",
    avro_header($schema, 'synchronisation!') . avro_block('synchronisation!', [$record]));
foreach my $options ('', $odd)
{
    sql('DELETE FROM load_batch');
    like(with_settings($options, 0, 'load', '-v', '-t', 'sorts', $avro), qr/rows are sent as text/, 'text COPY');
}
is(sql(q(SELECT tags, numbers, length, at AT TIME ZONE 'UTC', encode(bytes, 'hex'), address, ratio, name
         FROM sorts LIMIT 1)),
    qq({NULL,"a\\\\b"}|{NULL,7}|1 year 2 mons 3 days 25:01:01.5|)
      . qq(2024-03-10 09:00:00.123|005c27ff|::1|0.1|it\\'s \xc3\xbc), 'the values');
is(sql('SELECT count(*), count(DISTINCT sorts) FROM sorts'), '2|1', 'whatever the settings');
sql('DELETE FROM load_batch');

# Functions that are called by themselves: months of a partitioned log, a user in rejects

sql('ALTER DATABASE postgres SET standard_conforming_strings = off;'
      . ' ALTER DATABASE postgres SET quote_all_identifiers = on');
with_settings('', 0, 'load', "$scratch/log.avro");
sql('SELECT refresh_sessions()');
is(sql('SELECT session_states_fresh()'), 't', 'a refresh');
is(sql('SELECT rows_deleted > 0, rows_deleted = rows_loaded'
          . ' FROM unload_batches((SELECT array_agg(load_id) FROM load_batch))'),
    't|t', 'unloading by SQL');
sql('CREATE SCHEMA months');
with_settings('', 0, 'init', '--schema', 'months', '--partition', 'month');
foreach my $run (1, 2)
{
    sql(q(SELECT months.http_log_create_months('2024-02-10', '2024-03-10')));
}
is(sql(q(SELECT count(*) FROM pg_inherits WHERE inhparent = 'months.http_log'::regclass)), '2', 'months are made once');
sql(<<'END');
INSERT INTO load_batch (table_name, file_name, file_id, first_block, end_block, rows_read, rows_loaded, rows_rejected)
VALUES ('public.http_log', 'r', 'r', 0, 1, 2, 0, 2);
INSERT INTO load_reject (load_id, file_name, block, record, reason, record_text)
SELECT load_id, 'r', block, 1, 'x', $$ann ,"b",c$$ FROM load_batch, (VALUES (NULL::int)) AS v (block);
INSERT INTO load_reject (load_id, file_name, block, record, reason, record_text)
SELECT load_id, 'r', 1, 2, 'x', $${"user_id":"ann","http_path":"\u0000"}$$ FROM load_batch;
SELECT forget_user('ann');
END
is(sql('SELECT count(*) FROM load_reject'), '0', 'a user is found in rejects');

$node->stop;
done_testing();
