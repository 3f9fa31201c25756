# test/t/075_load_encoding.pl - rows that a database cannot hold, because its encoding is not UTF-8,
# are refused like others: kept in load_reject and found there
use strict;
use warnings FATAL => 'all';

use Clickstream::Avro;
use Clickstream::Cluster;
use Clickstream::Loads;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('load_encoding');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my %users = (east => "\xe6\x97\xa5", west => "\xc3\xa9", face => "\xf0\x9f\x98\x80", plain => 'ann');

# SQL in a database, which prints UTF-8.
sub sql
{
    my ($database, $sql) = @_;

    return $node->safe_psql($database, "SET client_encoding = UTF8; $sql");
}

# What a load wrote to the file of rejects, by line or record.
sub rejects
{
    my ($key) = @_;

    return map { $_->{$key} => $_ } rejects_of($scratch);
}

my $log = write_file("$scratch/log.txt", join '',
    map { "2024-03-10T08:00:0$_->[0]Z GET /campaigns/1$_->[1] $_->[2]\n" }
      [ 1, '', $users{plain} ], [ 2, '', $users{east} ], [ 3, '', $users{west} ], [ 4, "/$users{face}", $users{west} ]);
clickstream_ok(undef, 'encode', '-o', "$scratch/log.avro", $log);
my $csv = write_file("$scratch/t.csv", join "\n", 'n,s', '1,ok', "2,$users{east}", "x$users{west},\\u00e9",
    "\"$users{face}\",$users{west}", "5,\xff", "6,\x00", "7,$users{west}", '');

foreach my $encoding (qw(LATIN1 EUC_JP SQL_ASCII UTF8))
{
    my $database = lc $encoding;
    my $is_narrow = $encoding =~ /LATIN1|EUC_JP/;
    local $ENV{PGDATABASE} = $database;
    my $load = sub {
        my ($bad, @arguments) = @_;
        my ($status, $out, $err) = clickstream($node, 'load', '-d', $database, '--max-rejects', 5, '--rejects',
            "$scratch/rejects.jsonl", @arguments);
        is($status, 0, "$encoding: load @arguments") or diag($err);
        like($err, qr/ \+ $bad rejected/, "$encoding: so many are refused");
    };

    $node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
    clickstream_ok($node, 'init', '-d', $database);

    # Avro: the record is JSON, whose escapes are the characters
    my %lacks = (LATIN1 => [ 2, 4 ], EUC_JP => [4]);
    my @bad = @{ $lacks{$encoding} // [] };
    $load->(scalar @bad, "$scratch/log.avro");
    is(sql($database, 'SELECT record FROM load_reject ORDER BY 1'), join("\n", @bad), "$encoding: the refused records");
    is(sql($database, 'SELECT count(*) FROM load_reject WHERE record_bytes IS NOT NULL'), '0', "$encoding: no bytes");
    my %of_file = rejects('record');
    foreach my $record (@bad)
    {
        is($of_file{$record}{sqlstate}, '22P05', "$encoding: record $record: SQLSTATE");
        my $user = decode_json($of_file{$record}{text})->{user_id};
        utf8::encode($user);
        is($user, $record == 2 ? $users{east} : $users{west}, "$encoding: record $record: the user, in the file");
        is(sql($database, "SELECT record_text ~ '^[[:ascii:]]+\$' FROM load_reject WHERE record = $record"), 't',
            "$encoding: record $record: ASCII, in the table");
    }
    next if $encoding eq 'SQL_ASCII'; # takes all bytes as they are, and 'forget_user' compares these

    # CSV: bytes that the text does not show
    sql($database, 'DELETE FROM load_batch; CREATE TABLE t (n int, s text)');
    my %texts = (2 => "2,$users{east}", 3 => "x$users{west},\\u00e9", 4 => "\"$users{face}\",$users{west}",
        5 => "5,\xff", 6 => "6,\x00", 7 => "7,$users{west}");
    my @lines = $encoding eq 'LATIN1' ? (2 .. 6) : (3 .. 6);
    $load->(scalar @lines, '-t', 't', $csv);
    %of_file = rejects('record');
    is(join(' ', sort keys %of_file), "@lines", "$encoding: the refused rows");
    foreach my $record (@lines)
    {
        my $bytes = $of_file{$record}{bytes_base64};
        ok(defined $bytes, "$encoding: row $record has bytes") if $is_narrow;
        is(decode_base64($bytes), $texts{$record}, "$encoding: row $record: its bytes") if defined $bytes;
    }
    if ($is_narrow)
    {
        is($of_file{3}{text}, 'x\u00e9,\u00e9', "$encoding: the text of a row");
        is($of_file{4}{text}, '"\ud83d\ude00",\u00e9', "$encoding: a character of two units");
        is($of_file{5}{text}, '5,\ufffd', "$encoding: a byte that is no character");
        is($of_file{6}{text}, '6,\ufffd', "$encoding: NUL");
        like($of_file{3}{reason}, qr/^"x\\u00e9" is not a valid whole number/, "$encoding: the reason");
    }
    else { is($of_file{4}{text}, "\"\x{1f600}\",\x{e9}", "$encoding: as they are") }
    is(clickstream_ok($node, 'status', '-d', $database, '--rejects', '--format', 'json'),
        read_file("$scratch/rejects.jsonl"), "$encoding: status tells the same");

    # Users are found in them
    sql($database, q(INSERT INTO load_reject (load_id, file_name, block, record, reason, record_text)
        SELECT load_id, 'log.avro', 0, 99, 'x', v FROM load_batch, (VALUES
            ('{"http_path":"\u65e5\u0000","user_id":"ann"}'), ('{"http_path":"\\\\u65e5","user_id":"bob"}'),
            ('{"http_path":"\u0000","user_id":"\u00e9"}')) AS v (v)));
    my $count = sql($database, 'SELECT count(*) FROM load_reject');
    sql($database, q(SELECT forget_user('ann'), forget_user('bob')));
    is(sql($database, 'SELECT count(*) FROM load_reject'), $count - 2, "$encoding: beside what no text can hold");
    sql($database, "SELECT forget_user('$users{west}')");
    is(sql($database, 'SELECT string_agg(record::text, $$ $$ ORDER BY record) FROM load_reject'),
        { LATIN1 => '2 5 6', EUC_JP => '5 6', UTF8 => '3 5 6' }->{$encoding}, "$encoding: written as escapes");
}

$node->stop;
done_testing();
