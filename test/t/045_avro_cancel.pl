# test/t/045_avro_cancel.pl - queries over Avro files end when they are cancelled, whatever
# they are doing; nothing is left open behind an error
use strict;
use warnings FATAL => 'all';

use Clickstream::AvroTable;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = avro_node('cancel');
my $files = fixtures('avro_scan_files');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $raised = q{max_empty_items '9223372036854775807'};

# A query is cancelled by its timeout, and the session goes on.
sub is_cancelled
{
    my ($name, $query) = @_;
    my ($out, $err) = psql_out($node, <<"END");
SET statement_timeout = '300ms';
\\set VERBOSITY sqlstate
$query;
RESET statement_timeout;
SELECT 'alive';
END

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($err, 'ERROR:  57014', "$name: cancelled");
    is($out, 'alive', "$name: the session goes on");
    return;
}

# Counts that a few bytes declare: looked at, passed over, counted.
avro_table($node, 'nulls', 'list jsonb', "$files/limits/nulls.avro", $raised);
is_cancelled('an array of 2^61 nulls', 'SELECT list FROM nulls');
is($node->safe_psql('postgres', 'SELECT count(tableoid) FROM nulls'), 1, 'the same, not wanted, takes no time');
avro_table($node, 'nothing', 'x text', "$files/limits/records.avro", $raised);
is_cancelled('2^40 records of nothing', 'SELECT max(x) FROM nothing');
is_cancelled('the same, filtered', q{SELECT x FROM nothing WHERE x = 'never'});
is($node->safe_psql('postgres', 'SELECT count(*) FROM nothing'), 2**40, 'the same, counted');

# A long scan, alone and shared.
write_blocks("$scratch/many.avro", 10_000, 5_000_000);
avro_table($node, 'many', 'id bigint, text text, body bytea', "$scratch/many.avro");
is_cancelled('a long scan', 'SELECT sum(a.id) FROM many AS a, many AS b, many AS c WHERE a.id + b.id + c.id = 0');
is_cancelled('a long scan that filters', <<'END');
SELECT count(*) FROM many AS a, LATERAL (SELECT id FROM many AS b WHERE b.id < 0 AND a.id > 0 LIMIT 1) AS x
END
is_cancelled('a long scan by workers', <<"END");
$avro_parallel SELECT sum(a.id) FROM many AS a, many AS b WHERE a.id + b.id = 0 AND pg_sleep(0.001) IS NOT NULL
END

# A thousand errors: no file stays open, and memory comes back.
my $broken = fixtures('avro_files');
avro_table($node, 'cut', 'id bigint', "$broken/broken/cut.avro");
avro_table($node, 'records', 'id bigint, text text', "$files/refused/record.avro");
my ($out, $err) = psql_out($node, <<'END');
CREATE FUNCTION fail(times int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    failed int := 0;
    name text;
BEGIN
    FOR i IN 1 .. times LOOP
        FOREACH name IN ARRAY ARRAY['cut', 'records', 'nulls', 'many'] LOOP
            BEGIN
                IF name = 'many' THEN
                    PERFORM 1 / (id - 5) FROM many LIMIT 10;
                ELSE
                    EXECUTE format('SELECT max(t::text) FROM %I AS t', name);
                END IF;
            EXCEPTION WHEN division_by_zero OR data_corrupted OR program_limit_exceeded THEN
                failed := failed + 1;
            END;
        END LOOP;
    END LOOP;
    RETURN failed;
END $$;
ALTER FOREIGN TABLE nulls OPTIONS (SET max_empty_items '1000');
CREATE FUNCTION open_files() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM pg_ls_dir('/proc/self/fd')$$;
CREATE FUNCTION memory() RETURNS numeric LANGUAGE sql AS $$SELECT sum(total_bytes) FROM pg_backend_memory_contexts$$;
SELECT fail(10), open_files(), memory();
SELECT open_files() AS files, memory() AS bytes \gset
SELECT fail(240);
SELECT open_files() - :files < 20, memory() - :bytes < 1000000;
END
is($err, '', 'only the errors that were meant');
like($out, qr/^40\|.*\n960\nt\|t$/, 'a thousand errors leave nothing behind');

done_testing();
