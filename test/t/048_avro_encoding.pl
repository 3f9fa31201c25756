# test/t/048_avro_encoding.pl - Avro's UTF-8 in databases of other encodings
use strict;
use warnings FATAL => 'all';

use Clickstream::AvroTable;
use Test::More;

my $node = avro_node('encoding');
my $files = fixtures('avro_files');

foreach my $encoding (qw(latin1 sql_ascii))
{
    $node->safe_psql('postgres', "CREATE DATABASE $encoding ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
    $node->safe_psql($encoding, <<"END");
CREATE EXTENSION clickstream;
CREATE SERVER avro FOREIGN DATA WRAPPER avro_fdw;
CREATE FOREIGN TABLE types (a_string text, an_enum text, maybe_strings text[], "inner" jsonb, an_int int)
    SERVER avro OPTIONS (filename '$files/types.avro');
CREATE FOREIGN TABLE hive (id bigint, region text) SERVER avro OPTIONS (filename '$files/hive');
END
}

# SQL_ASCII takes the bytes as they are.
is($node->safe_psql('sql_ascii', <<'END'), '13|HEARTS|{a,NULL}|{"x": 1, "y": "why"}', 'SQL_ASCII');
SELECT octet_length(a_string), an_enum, maybe_strings, "inner" FROM types WHERE an_int = -7
END

# LATIN1 takes what it has, and refuses the rest.
is($node->safe_psql('latin1', q{SELECT region, octet_length(region) FROM hive WHERE id = 1}),
    "S\xfcd|3", 'LATIN1: a directory');
my ($status, $out, $err) = $node->psql('latin1', 'SELECT a_string FROM types');
isnt($status, 0, 'LATIN1: a character that it does not have is an error');
like($err, qr/byte sequence 0xf0 0x9f 0x98 0x80 in encoding "UTF8" has no equivalent in encoding "LATIN1"/,
    'which says so');
like($err, qr/CONTEXT: .*record 1, column "a_string"/, 'and where');
is($node->safe_psql('latin1', q{SELECT count(an_enum) FROM types}), '2', 'other columns are read');
($status, $out, $err) = $node->psql('latin1', <<'END');
ALTER FOREIGN TABLE types OPTIONS (ADD on_error 'ignore');
SELECT count(a_string) FROM types
END
is($out, '1', 'on_error ignore passes over the record');
like($err, qr/NOTICE:  1 record was skipped/, 'and tells');

done_testing();
