# test/t/081_upgrade_init.pl - what the init of every released version put in place, brought up to date by
# init: everything becomes that of a new database, and what users keep and added there stays
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Everything;
use Clickstream::Live;
use Clickstream::Logs;
use Clickstream::Upgrade;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('upgrade_init', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @lines = random_log(81, 30);
my $log = write_lines("$scratch/old.txt", @lines[ 0 .. 499 ]);
my $second = avro_log("$scratch/new", @lines[ 500 .. $#lines ]);
my $expected = oracle_csv(write_lines("$scratch/all.txt", @lines));

chmod 0755, $scratch;
create_roles($node);

# Run SQL as the owner.
sub keeper { return as_role($node, $_[0], 'keeper', $_[1]) }

# The report as the oracle gives it.
sub report
{
    my ($database, $settings) = @_;
    return clickstream_ok($node, 'report', '-d', $database, '-U', 'keeper', '--schema', 'live', '--format', 'csv');
}

# A database as the init of a version left it, in schema "live", with a loaded batch; the log in
# months where that is wanted.
sub create_old
{
    my ($database, $version, $partition) = @_;
    my $file = fixtures_of($version, 'init.sql');
    my $months = $partition ? "\\i '" . fixtures_of($version, 'http_log_month.sql') . "'" : '';

    create_database($node, $database, $version);
    keeper($database, <<"END");
CREATE SCHEMA live;
SET search_path = live, tools, pg_temp;
$months
\\i '$file'
END
    keeper($database, q(SELECT live.http_log_create_months('2020-02-15', '2020-03-20'))) if $partition;
    keeper($database, <<"END");
SET search_path = live, tools, pg_temp;
INSERT INTO load_batch (table_name, file_name, file_id, first_block, end_block, rows_read, rows_loaded, rows_rejected)
VALUES ('live.http_log', 'old.avro', 'old', 0, 1, 501, 500, 1);
INSERT INTO load_reject (load_id, file_name, reason) VALUES (1, 'old.avro', 'kept');
CREATE TEMP TABLE given ("timestamp" timestamptz, http_method text, http_path text, user_id text);
COPY given FROM '$log' (DELIMITER ' ');
INSERT INTO http_log SELECT *, 1 FROM given;
INSERT INTO campaign VALUES (1, 'first', 'active', '2024-03-10 08:00 UTC');
INSERT INTO campaign_reward_mapping VALUES (1, 2);
END
    return;
}

# What users add to what init makes, and grant on it.
sub add_own
{
    my ($database) = @_;

    keeper($database, <<'END');
ALTER TABLE live.http_log ADD COLUMN our_note text DEFAULT 'none';
COMMENT ON COLUMN live.http_log.our_note IS 'our note';
CREATE INDEX our_idx ON live.http_log (user_id);
COMMENT ON INDEX live.our_idx IS 'our index';
ALTER TABLE live.campaign SET (autovacuum_enabled = false);
ALTER TABLE live.campaign ADD CONSTRAINT our_check CHECK (id > 0);
CREATE FUNCTION live.our_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER our_trigger BEFORE INSERT ON live.http_log FOR EACH ROW EXECUTE FUNCTION live.our_trigger();
CREATE VIEW live.our_view AS SELECT user_id, session_start FROM live.session_report();
CREATE STATISTICS live.our_statistics ON http_method, http_path FROM live.http_log;
GRANT USAGE ON SCHEMA live TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA live TO reader;
REVOKE EXECUTE ON FUNCTION live.session_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live.session_report TO reader;
END
    return;
}

# Those things, as they are.
my $own = <<'END';
SELECT relname, relacl, reloptions, relowner::regrole FROM pg_class
WHERE relname IN ('http_log', 'campaign', 'load_batch', 'load_reject', 'our_view') ORDER BY 1;
SELECT attname, col_description(attrelid, attnum), our_note FROM pg_attribute, live.http_log
WHERE attrelid = 'live.http_log'::regclass AND attname = 'our_note' LIMIT 1;
SELECT pg_get_indexdef('live.our_idx'::regclass), obj_description('live.our_idx'::regclass, 'pg_class');
SELECT conname FROM pg_constraint WHERE conname = 'our_check';
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'our_trigger' AND tgrelid = 'live.http_log'::regclass;
SELECT stxname FROM pg_statistic_ext;
SELECT proacl, proowner::regrole FROM pg_proc WHERE oid::regprocedure::text ~ '^live.session_report\(';
SELECT * FROM live.our_view ORDER BY 1, 2;
SELECT * FROM live.campaign; SELECT * FROM live.campaign_reward_mapping;
SELECT load_id, file_name, rows_read, loaded_at FROM live.load_batch; SELECT file_name, reason FROM live.load_reject;
SELECT count(*) FROM live.http_log;
END

# Remove what users added, but for rows.
sub remove_own
{
    my ($database) = @_;

    keeper($database, <<'END');
DROP VIEW live.our_view;
DROP FUNCTION live.our_trigger CASCADE;
DROP STATISTICS live.our_statistics;
DROP INDEX live.our_idx;
ALTER TABLE live.campaign DROP CONSTRAINT our_check, RESET (autovacuum_enabled);
ALTER TABLE live.http_log DROP COLUMN our_note;
REVOKE SELECT ON ALL TABLES IN SCHEMA live FROM reader;
GRANT EXECUTE ON FUNCTION live.session_report TO PUBLIC;
REVOKE EXECUTE ON FUNCTION live.session_report FROM reader;
END
    return;
}

# The same grants and revokes leave the same rights, written out where a new table has the default.
sub catalog
{
    my ($database) = @_;

    keeper($database, <<'END');
GRANT SELECT ON ALL TABLES IN SCHEMA live TO reader;
REVOKE SELECT ON ALL TABLES IN SCHEMA live FROM reader;
REVOKE EXECUTE ON FUNCTION live.session_report FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live.session_report TO PUBLIC;
END
    return schema_catalog($node, $database, 'live');
}

# Bring what a version left up to date and compare with a new database.
sub check_version
{
    my ($version, $partition) = @_;
    my $name = $version . ($partition ? ', in months' : '');
    my $database = ($partition ? 'months_' : 'from_') . $version =~ tr/./_/r;
    my @where = ('-d', $database, '-U', 'keeper', '--schema', 'live');
    my $fresh = $partition ? 'fresh_months' : 'fresh';

    create_old($database, $version, $partition);
    add_own($database);
    my $before = keeper($database, $own);
    clickstream_ok($node, 'init', @where);
    is_csv(keeper($database, $own), $before, "$name: what is the user's stays");
    is_csv(report($database), oracle_csv($log), "$name: the report");
    clickstream_ok($node, 'load', @where, $second);
    is_csv(report($database), $expected, "$name: the report after a load");
    keeper($database, 'SELECT live.refresh_sessions()');
    is(keeper($database, 'SELECT live.session_states_fresh()'), 't', "$name: the states are fresh");
    is_csv(report($database), $expected, "$name: the report from the states");
    is(keeper($database, 'SELECT live.refresh_sessions(rebuild => true)'), '0', "$name: they are exact");
    remove_own($database);
    is_csv(catalog($database), catalog($fresh), "$name: everything is that of a new database");
    clickstream_ok($node, 'init', @where);
    is_csv(catalog($database), catalog($fresh), "$name: and stays so");
    return;
}

foreach my $fresh ('fresh', 'fresh_months')
{
    create_database($node, $fresh);
    clickstream_ok($node, 'init', '-d', $fresh, '-U', 'keeper', '--schema', 'live',
        $fresh eq 'fresh' ? () : ('--partition', 'month'));
}
keeper('fresh_months', q(SELECT live.http_log_create_months('2020-02-15', '2020-03-20')));
foreach my $version (grep { defined fixtures_of($_, 'init.sql') } all_versions())
{
    check_version($version, 0);
    check_version($version, 1) if defined fixtures_of($version, 'http_log_month.sql');
}

# An extension or tables that move to another schema: init makes the functions find them again

create_database($node, 'moved');
my @where = ('-d', 'moved', '-U', 'keeper', '--schema');
my $first = avro_log("$scratch/first", @lines[ 0 .. 499 ]);
clickstream_ok($node, 'init', @where, 'live');
clickstream_ok($node, 'load', @where, 'live', $first);
$node->safe_psql('moved', <<'END');
CREATE SCHEMA other;
GRANT USAGE ON SCHEMA other TO PUBLIC;
ALTER EXTENSION clickstream SET SCHEMA other;
END
$node->psql('moved', 'SELECT live.refresh_sessions()', extra_params => [ '-U', 'keeper' ], stderr => \my $error);
like($error, qr/does not exist/, 'moved: the functions look for the extension where it was');
clickstream_ok($node, 'init', @where, 'live');
cmp_ok(keeper('moved', 'SELECT live.refresh_sessions()'), '>', 20, 'moved: after init they find it');
keeper('moved', <<'END');
ALTER SCHEMA live RENAME TO kept;
UPDATE kept.load_batch SET table_name = 'kept' || substr(table_name, length('live') + 1) WHERE table_name ~ '^live[.]';
END
clickstream_ok($node, 'init', @where, 'kept');
clickstream_ok($node, 'load', @where, 'kept', $first);
is(keeper('moved', 'SELECT count(*) FROM kept.http_log'), '500', 'renamed: what is loaded stays loaded');
clickstream_ok($node, 'load', @where, 'kept', $second);
cmp_ok(keeper('moved', 'SELECT kept.refresh_sessions()'), '>', 20, 'renamed: a refresh');
is(keeper('moved', 'SELECT kept.session_states_fresh(), kept.refresh_sessions(rebuild => true)'),
    't|0', 'renamed: is complete and exact');

$node->stop;
done_testing();
