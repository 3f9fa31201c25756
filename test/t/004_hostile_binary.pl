# test/t/004_hostile_binary.pl - damaged values, by binary COPY and as stored bytes: each is
# refused, or is a value in its one canonical form; the server lives
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $random = $ENV{CLICKSTREAM_SOAK} ? 20_000 : 1000;
my $node = new_node('hostile');
my $scratch = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', <<'END');
CREATE EXTENSION clickstream;
CREATE TABLE good (type text, bytes bytea);
INSERT INTO good VALUES
    ('sessionset', sessionset_send('{"version": 1, "gap": "00:05:00", "events": [
        {"time": "2024-03-10T08:00:00Z", "view": 300}, {"time": "2024-03-10T08:00:31Z", "issue": -5},
        {"time": "2024-03-10T09:30:00Z"}]}')),
    ('sessionset', sessionset_send('{"version": 1, "gap": "2562047788:00:54.775807", "events": [
        {"time": "-4713-11-24T00:00:00Z", "view": -9223372036854775808},
        {"time": "+294276-12-31T23:59:59.999999Z"}]}')),
    ('sessionset', (SELECT sessionset_send(sessionize('2024-03-10 08:00 UTC'::timestamptz + i * interval '1 ms',
        'GET', '/campaigns/' || i % 2)) FROM generate_series(1, 10) AS i)),
    ('reward_map', reward_map_send('{"version": 1, "pairs": []}')),
    ('reward_map', reward_map_send('{"version": 1, "pairs": [[-9223372036854775808, 9223372036854775807],
        [1, 10], [1, 300], [2, 10], [9223372036854775807, 0]]}'));
CREATE TABLE sessionset_in (n int, v sessionset);
CREATE TABLE reward_map_in (n int, v reward_map);
END

# Values that were damaged in every way that is worth a try: [type, bytes].
sub damaged
{
    my ($type, $bytes) = @_;
    my @all = ($bytes . "\0", $bytes . "\x80", $bytes . $bytes);

    foreach my $at (0 .. length($bytes) - 1)
    {
        my $old = ord substr $bytes, $at, 1;

        push @all, substr($bytes, 0, $at);
        push @all, substr($bytes, 0, $at) . substr($bytes, $at + 1);
        push @all, substr($bytes, 0, $at) . "\x80" . substr($bytes, $at);
        push @all, substr($bytes, 0, $at) . ("\xff" x 9) . "\x01" . substr($bytes, $at + 1);
        foreach my $new (0, 1, 0x7f, 0x80, 0xff, $old + 1, $old - 1, map { $old ^ 1 << $_ } 0 .. 7)
        {
            my $changed = $bytes;
            substr($changed, $at, 1) = chr($new & 255);
            push @all, $changed;
        }
    }
    return map { [ $type, $_ ] } @all;
}

# Random bytes, most of them with a head that lets them in further.
sub random_bytes
{
    my $type = rand() < 0.7 ? 'sessionset' : 'reward_map';
    my $head = rand() < 0.1 ? '' : $type eq 'sessionset' ? "\1" . chr(int rand 11) : "\1";

    return [ $type, $head . join '', map { chr(rand() < 0.5 ? rand 8 : rand 256) } 1 .. rand 40 ];
}

my @values = map { my ($type, $hex) = split /\|/; [ $type, pack 'H*', $hex ] }
  split /\n/, $node->safe_psql('postgres', q{SELECT type, encode(bytes, 'hex') FROM good});
srand(1);
@values = (@values, (map { damaged(@$_) } @values), map { random_bytes() } 1 .. $random);

# One file of binary COPY for each value, as a refused one ends its COPY.
my ($script, $number) = ("\\set VERBOSITY sqlstate\n", 0);
foreach my $value (@values)
{
    my ($type, $bytes) = @$value;
    my $file = "$scratch/" . ++$number;

    open my $out, '>:raw', $file or die "$file: $!";
    print $out "PGCOPY\n\xff\r\n\0", pack('NN', 0, 0), pack('nNNN/a*', 2, 4, $number, $bytes), pack('n', 0xffff);
    close $out or die "$file: $!";
    $script .= "COPY ${type}_in FROM '$file' (FORMAT binary);\n";
}
my ($out, $err) = ('', '');
IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('postgres') ],
    '<', \$script, '>', \$out, '2>', \$err);
my $refused = () = $err =~ /ERROR: +22P03\n/g;
my $accepted = $node->safe_psql('postgres',
    'SELECT (SELECT count(*) FROM sessionset_in) + (SELECT count(*) FROM reward_map_in)');

is($err =~ s/^.*ERROR: +22P03\n//mgr, '', 'all errors are of the class for bad binary input');
is($refused + $accepted, scalar @values, "$refused refused, $accepted accepted");
cmp_ok($accepted, '>', 50, 'some of the changed values are other good values');
is($node->safe_psql('postgres', <<'END'), '0|0', 'what was accepted is canonical');
SELECT (SELECT count(*) FROM sessionset_in WHERE sessionset_send(v::text::sessionset) <> sessionset_send(v)
            OR num_events(v) <> (SELECT sum(events) FROM session_rows(v))
            OR num_sessions(v) <> (SELECT count(*) FROM session_rows(v))),
       (SELECT count(*) FROM reward_map_in WHERE reward_map_send(v::text::reward_map) <> reward_map_send(v))
END

# The same bytes where no input function has looked at them, as after a fault of the disk.
my $rows = join '', map { "$_->[0]\t\\\\x" . unpack('H*', $_->[1]) . "\n" } @values;
open my $copy, '>', "$scratch/rows" or die $!;
print $copy $rows;
close $copy or die $!;
is($node->safe_psql('postgres', <<"END"), "XX001\n", 'stored bytes: right or refused');
CREATE CAST (bytea AS sessionset) WITHOUT FUNCTION;
CREATE CAST (bytea AS reward_map) WITHOUT FUNCTION;
CREATE TABLE stored (type text, bytes bytea);
COPY stored FROM '$scratch/rows';
CREATE TABLE outcome (call text, code text);
DO \$\$
DECLARE
    r stored;
    calls text[];
    call text;
BEGIN
    FOR r IN TABLE stored LOOP
        calls := CASE r.type WHEN 'sessionset' THEN ARRAY[
            'sessionset_out(\$1::sessionset)', 'num_sessions(\$1::sessionset)',
            'num_events(\$1::sessionset)', 'gap(\$1::sessionset)',
            'with_gap(\$1::sessionset, ''1 h'')', '\$1::sessionset + \$1::sessionset', 'rollup(\$1::sessionset)',
            'sessions_between(\$1::sessionset, ''2000-01-01'', ''infinity'')',
            'sessions_overlapping(\$1::sessionset, ''-infinity'', ''2024-03-11'')',
            'sum(events) FROM session_rows(\$1::sessionset)',
            'count(*) FROM session_rows(\$1::sessionset, (SELECT reward_map(1, 2)))',
            'count(*) FROM session_details(\$1::sessionset, max_length => ''1 day'', midnight => ''Asia/Singapore'',
                cut_on_campaign => true, loaded_from => ''-infinity'', loaded_until => ''2024-03-11'')',
            'count(*) FROM session_conversions(\$1::sessionset, (SELECT reward_map(300, -5)))',
            'sum(steps) FROM session_funnel(\$1::sessionset, ''{view,issue}'', ''{NULL,-5}'')']
        ELSE ARRAY['reward_map_out(\$1::reward_map)',
            'count(*) FROM session_rows((SELECT bytes::sessionset FROM good LIMIT 1), \$1::reward_map)',
            'count(*) FROM session_conversions((SELECT bytes::sessionset FROM good LIMIT 1), \$1::reward_map)'] END;
        FOREACH call IN ARRAY calls LOOP
            BEGIN
                EXECUTE 'SELECT ' || call USING r.bytes;
                INSERT INTO outcome VALUES (call, NULL);
            EXCEPTION WHEN others THEN
                INSERT INTO outcome VALUES (call, SQLSTATE);
            END;
        END LOOP;
    END LOOP;
END\$\$;
SELECT DISTINCT code FROM outcome ORDER BY code;
END

# Long text: random, brackets, and a state of 150,000 events.
my %texts = (
    random => join('', map { chr(33 + (rand 59)) } 1 .. 10_000_000),
    brackets => '[' x 10_000_000,
    objects => '{"a":' x 2_000_000,
    digits => '{"version": ' . '9' x 10_000_000 . '}',
    many_keys => '{' . join(',', map { qq("k$_": 1) } 1 .. 500_000) . '}');
foreach my $name (sort keys %texts)
{
    open my $file, '>', "$scratch/text" or die $!;
    print $file $texts{$name}, "\n";
    close $file or die $!;
    my (undef, undef, $message) = $node->psql('postgres',
        "\\set VERBOSITY sqlstate\nCOPY sessionset_in (v) FROM '$scratch/text' (DELIMITER E'\\x01');");
    like($message, qr/ERROR: +22P02/, "10 MB of $name");
}
is($node->safe_psql('postgres', <<'END'), '150000|t', 'a state of 10 MB as text');
SELECT num_events(s), octet_length(t) > 6000000
FROM (SELECT '{"version": 1, "gap": "00:05:00", "events": ['
             || string_agg(format('{"time": "2024-03-10T08:%s:%s.%sZ"}', to_char(i / 3600 % 60, 'FM00'),
                                  to_char(i / 60 % 60, 'FM00'), to_char(i, 'FM000000')), ', ') || ']}' AS t
      FROM generate_series(1, 150000) AS i) AS x, CAST(t AS sessionset) AS s
END

done_testing();
