# test/t/082_dump_everything.pl - a database with everything survives pg_dump and pg_restore: in every
# format, in parallel, by an owner who is no superuser, into a fresh cluster; schema and data apart
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Everything;
use Clickstream::Live;
use Clickstream::Logs;
use Clickstream::Upgrade;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = new_node('dump_source', 'fsync = off');
my $target = new_node('dump_target', 'fsync = off');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $late = avro_log("$scratch/late", random_log(83, 25));

chmod 0755, $scratch;
create_roles($_) foreach $source, $target;
create_database($source, 'shop');
fill_values($source, 'shop');
fill_files($source, 'shop', "$scratch/files");
fill_model($source, 'shop');
fill_live($source, 'shop', "$scratch/live");
my $said = answers($source, 'shop');
my $catalog = extension_catalog($source, 'shop');
my %schema = map { $_ => schema_catalog($source, 'shop', $_) } 'live', $shop;

# Dump the database as its owner with some options; return the file or directory.
sub dump_shop
{
    my ($name, @options) = @_;

    $source->command_ok([ 'pg_dump', '-U', 'keeper', '-d', 'shop', '-h', $source->host, '-p', $source->port,
            '-f', "$scratch/$name", @options ], "$name: dump");
    return "$scratch/$name";
}

# Restore a dump, as the owner unless the options name another.
sub restore
{
    my ($database, $dump, @options) = @_;
    my @command = -f $dump && slurp_file($dump) =~ /\A--/ ? ('psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f')
      : ('pg_restore', '--exit-on-error');

    $target->command_ok([ @command, $dump, '-U', 'keeper', '-d', $database, '-h', $target->host, '-p',
            $target->port, @options ], "$database: restore of " . $dump =~ s{.*/}{}r . " @options");
    return;
}

# An empty database of the owner's in the other cluster.
sub empty_database
{
    $target->safe_psql('postgres', "CREATE DATABASE $_[0] OWNER keeper TEMPLATE template0");
    return;
}

# The first days of the months that the source has.
sub months
{
    return map { /_y(\d+)m(\d+)/ ? "$1-$2-01" : () } split /\n/, $source->safe_psql('shop', <<'END');
SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'live.http_log'::regclass
END
}

# Test that a database goes on as the source would: a load loads each row once, a refresh is exact.
sub goes_on
{
    my ($database) = @_;

    foreach my $schema ('live', 'The "shop"')
    {
        my @where = ('-d', $database, '-U', 'keeper', '--schema', $schema);
        my $name = $schema eq 'live' ? $schema : $shop;
        my $sql = sub { as_role($target, $database, 'keeper', $_[0] =~ s/(?=http_log|session_|refresh)/$name./gr) };

        clickstream_like($target, 0, qr/nothing left to load|0 rows|already/i, "$database, $schema: what is loaded",
            'load', @where, "$scratch/live_first.avro");
        my $count = $sql->('SELECT count(*) FROM http_log');
        clickstream_ok($target, 'load', @where, $late);
        clickstream_ok($target, 'load', @where, $late);
        is($sql->('SELECT count(*) FROM http_log') - $count, scalar(read_lines("$scratch/late.txt")),
            "$database, $schema: a load loads each row once");
        cmp_ok($sql->('SELECT refresh_sessions()'), '>', 20, "$database, $schema: a refresh");
        is($sql->('SELECT session_states_fresh()'), 't', "$database, $schema: is complete");
        is($sql->('SELECT refresh_sessions(rebuild => true)'), '0', "$database, $schema: and exact");
        clickstream_ok($target, 'init', @where);
    }
    return if $database eq 'by_init';
    as_role($target, $database, 'analyst',
        q(SELECT tools.recommender_fit('few', 'public.taken', 'user_id', 'item_id')));
    is(as_role($target, $database, 'keeper', 'SELECT count(DISTINCT model_id) FROM tools.recommender_model'),
        '2', "$database: a model is fitted anew, by its owner");
    return;
}

# Whole, in some formats, in soak in all

my %whole = (
    plain => [],
    inserts => ['--rows-per-insert=100'],
    custom => ['-Fc'],
    directory => [ '-Fd', '-j', '3' ],
    tar => ['-Ft'],
    root => [ '-Fc', '--load-via-partition-root' ]);
my @wanted = $ENV{CLICKSTREAM_SOAK} ? sort keys %whole : ('directory', 'plain');
foreach my $name (@wanted)
{
    my $dump = dump_shop($name, @{ $whole{$name} });

    empty_database($name);
    restore($name, $dump, $name =~ /custom|directory/ ? ('-j', '3') : ());
    is_csv(answers($target, $name), $said, "$name: all answers as before, rights and owners, too");
    is_csv(extension_catalog($target, $name), $catalog, "$name: the extension's objects");
    is_csv(schema_catalog($target, $name, $_), $schema{$_}, "$name: the objects of $_") foreach 'live', $shop;
}
restore('directory', "$scratch/directory", '--clean', '--if-exists');
is_csv(answers($target, 'directory'), $said, 'directory: restored again in the place of what was there');
goes_on($_) foreach 'plain', 'directory';

# A model belongs to a role, which must be there

empty_database('roles');
$target->safe_psql('postgres', 'ALTER ROLE analyst RENAME TO somebody');
$target->command_checks_all(
    [ 'pg_restore', '--no-owner', '--no-acl', "$scratch/directory", '-U', 'keeper', '-d', 'roles' ],
    1, [], [qr/role "analyst" does not exist/], 'roles: one is missing');
is(as_role($target, 'roles', 'keeper', 'SELECT count(*) FROM tools.recommender_model'), '0', 'roles: no models');
$target->safe_psql('postgres', 'ALTER ROLE somebody RENAME TO analyst');

# Rights on functions of the extension are a superuser's to give, and then the extension is the
# superuser's, too: a dump does not say whose it was

grant_functions($source, 'shop');
empty_database('granted');
my $superuser = $target->safe_psql('postgres', 'SELECT current_user');
restore('granted', dump_shop('granted', '-Fc'), '-U', $superuser, '-j', '2');
$target->safe_psql('granted', "ALTER TABLE tools.recommender_$_ OWNER TO keeper") foreach 'model', 'item', 'user';
is_csv(answers($target, 'granted'), answers($source, 'shop'), 'by a superuser: all answers as before, all rights');

# Schema and data apart

empty_database('apart');
restore('apart', dump_shop('schema', '-Fc', '--schema-only'));
is(as_role($target, 'apart', 'keeper', 'SELECT count(*) FROM live.session_report()'),
    '0', 'apart: a report of nothing');
restore('apart', dump_shop('data', '-Fc', '--data-only'));
goes_on('apart');

# The data alone, into what init has made anew: months are made first, and columns of the user's own

create_database($target, 'by_init');
clickstream_ok($target, 'init', '-d', 'by_init', '-U', 'keeper', '--schema', 'live', '--partition', 'month');
clickstream_ok($target, 'init', '-d', 'by_init', '-U', 'keeper', '--schema', 'The "shop"');
as_role($target, 'by_init', 'keeper', <<"END");
SELECT live.http_log_create_months(min, max)
FROM (VALUES @{[ join ', ', map { "('$_'::timestamptz, '$_'::timestamptz)" } months() ]}) AS v (min, max);
ALTER TABLE $shop.http_log ADD COLUMN our_note text DEFAULT 'none';
END
restore('by_init', dump_shop('by_init', '-Fc', '--data-only', '-n', 'live', '-n', $shop));
is(as_role($target, 'by_init', 'keeper', "SELECT live.session_states_fresh(), $shop.session_states_fresh()"),
    'f|f', 'by_init: the states are not trusted, for rows were written by hand');
foreach my $schema ('live', $shop)
{
    my $report = "SELECT * FROM $schema.session_report() ORDER BY 1, 2";
    is_csv(as_role($target, 'by_init', 'keeper', $report), as_role($source, 'shop', 'keeper', $report),
        "by_init: the report of $schema");
}
goes_on('by_init');

# Without the states, or without all that is known of loads: the report reads the log

my %left_out = (without_states => ['session_state'], without_all => [ 'session_*', 'load_*' ]);
foreach my $database (sort keys %left_out)
{
    my $report = 'SELECT * FROM live.session_report() ORDER BY 1, 2';

    empty_database($database);
    restore($database, dump_shop($database, '-Fc', map { "--exclude-table-data=live.$_" } @{ $left_out{$database} }));
    is_csv(as_role($target, $database, 'keeper', $report), as_role($source, 'shop', 'keeper', $report),
        "$database: the report");
    as_role($target, $database, 'keeper', 'DELETE FROM live.session_mark');
    is(as_role($target, $database, 'keeper', 'SELECT live.session_states_fresh()'),
        'f', "$database: states are missed");
    is_csv(as_role($target, $database, 'keeper', $report), as_role($source, 'shop', 'keeper', $report),
        "$database: the report, without marks");
    cmp_ok(as_role($target, $database, 'keeper', 'SELECT live.refresh_sessions()'), '>', 20, "$database: a refresh");
    is(as_role($target, $database, 'keeper', 'SELECT live.session_states_fresh()'), 't', "$database: makes all");
    is(as_role($target, $database, 'keeper', 'SELECT live.refresh_sessions(rebuild => true)'),
        '0', "$database: as they are");
}

$source->stop;
$target->stop;
done_testing();
