# test/t/046_avro_prune.pl - twenty files of a log, a day each: a time filter leaves files out
# and decodes of the others only what it must
use strict;
use warnings FATAL => 'all';

use Clickstream::AvroTable;
use Clickstream::Cluster;
use Clickstream::Logs;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = avro_node('prune');
my $logs = PostgreSQL::Test::Utils::tempdir;
my $columns = '"timestamp" timestamptz, http_method text, http_path text, user_id text, _filename text';

foreach my $day (1 .. 20)
{
    my $format = "2024-03-%02dT%02d:%02d:00Z GET /campaigns/%d user%d\n";

    write_lines("$logs/log.txt",
        map { sprintf $format, $day, $_ / 60, $_ % 60, $_ % 50, $_ % 97 } 0 .. 1439);
    clickstream_ok(undef, 'encode', '-o', sprintf('%s/%02d.avro', $logs, $day), "$logs/log.txt");
}
avro_table($node, 'log', $columns, "$logs/*.avro");
$node->safe_psql('postgres', 'CREATE TABLE plain AS SELECT * FROM log');
is($node->safe_psql('postgres', 'SELECT count(*) FROM plain'), 20 * 1440, 'all rows');

my $plan = $node->safe_psql('postgres', <<'END');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT user_id, count(*) FROM log
WHERE "timestamp" >= '2024-03-05 12:00+00' AND "timestamp" < '2024-03-07 06:00+00' GROUP BY 1
END
like($plan, qr/Files: 20\n\s*Files Pruned by Time: 17\n/, 'files left out');
like($plan, qr/Columns Decoded: timestamp, user_id\n/, 'columns decoded');
like($plan, qr/Rows Skipped Before Decoding: @{[ 720 + 1080 ]}\b/, 'rows skipped before decoding');

# Random ranges, in every form: the rows are those of a plain table.
srand 42;
my $forms = 0;
foreach my $n (1 .. ($ENV{CLICKSTREAM_SOAK} ? 300 : 30))
{
    my ($from, $to) = map { sprintf '2024-03-%02d %02d:%02d+00', int rand 22, int rand 24, int rand 60 } 1 .. 2;
    $from =~ s/-00 /-01 /;
    $to =~ s/-00 /-01 /;
    my @operators = ('<', '<=', '=', '>=', '>');
    my $operator = $operators[ rand @operators ];
    my $where = (
        qq{"timestamp" BETWEEN '$from' AND '$to'},
        qq{"timestamp" $operator '$from'},
        qq{timestamptz '$from' $operator "timestamp" AND user_id < 'user5'},
        qq{"timestamp" $operator (SELECT timestamptz '$from') AND _filename LIKE '%1%'},
        qq{"timestamp"::date = date '2024-03-04' OR "timestamp" $operator '$from'},
        qq{"timestamp" $operator timestamp '2024-03-11 12:00' AND "timestamp" < date '2024-03-15'})[ $n % 6 ];
    my ($seen, $wanted) = map { $node->safe_psql('postgres', <<"END") } qw(log plain);
SELECT count(*), min("timestamp"), max("timestamp"), min(user_id), sum(length(http_path)) FROM $_ WHERE $where
END

    is($seen, $wanted, $where);
}

# A join that asks for one day after the other opens the files of each day only.
$plan = $node->safe_psql('postgres', <<'END');
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF)
SELECT d, (SELECT max(user_id) FROM log WHERE "timestamp" >= d AND "timestamp" < d + interval '1 h')
FROM generate_series(timestamptz '2024-03-04 00:00+00', '2024-03-08 00:00+00', interval '1 day') AS d
END
like($plan, qr/Files Pruned by Time: 19\n.*Blocks Read: 5\n/s, 'pruned again in each rescan');
like($plan, qr/Rows Skipped Before Decoding: @{[ 5 * 1380 ]}\b/, 'and rows skipped in each');

done_testing();
