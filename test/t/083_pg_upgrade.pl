# test/t/083_pg_upgrade.pl - a cluster with everything goes through pg_upgrade to a newer server, by
# copies and by links: what it answers, what it goes on to do, and extensions that were old then
#
# OLD_PG_CONFIG names the pg_config of an older server, for which the extension is staged in
# CLICKSTREAM_STAGE as well; scripts/check-upgrade sees to both. Skipped where it is not set.
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Everything;
use Clickstream::Live;
use Clickstream::Logs;
use Clickstream::Upgrade;
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $old_config = $ENV{OLD_PG_CONFIG};
plan skip_all => 'pg_upgrade: OLD_PG_CONFIG names no older server' unless $old_config;

my $scratch = PostgreSQL::Test::Utils::tempdir;
my $late = avro_log("$scratch/late", random_log(84, 25));
chmod 0755, $scratch;

# What a program prints.
sub output_of
{
    my ($out) = run_command([@_]);
    return $out;
}

my $old_bin = output_of($old_config, '--bindir');
my $new_bin = output_of($ENV{PG_CONFIG}, '--bindir');
my ($new_major) = output_of($ENV{PG_CONFIG}, '--version') =~ /PostgreSQL (\d+)/;

# Make a server of the old version.
sub old_node
{
    my ($name) = @_;
    my $config = "$scratch/old.conf";

    open my $out, '>', $config or die "$config: $!";
    print $out output_of("$ENV{CLICKSTREAM_ROOT}/scripts/server-config", $old_config, $ENV{CLICKSTREAM_STAGE}), "\n";
    close $out;
    local $ENV{TEMP_CONFIG} = $config;
    my $node = PostgreSQL::Test::Cluster->new($name, install_path => dirname($old_bin));
    $node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
    $node->append_conf('postgresql.conf', 'fsync = off');
    $node->start;
    return $node;
}

# Make an empty cluster of the new version, not started.
sub new_cluster
{
    my ($name) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);

    # from 18 on checksums are the default, and the old cluster has none
    $node->init(extra =>
          [ '--encoding=UTF8', '--locale=C.UTF-8', $new_major >= 18 ? '--no-data-checksums' : () ]);
    $node->append_conf('postgresql.conf', 'fsync = off');
    return $node;
}

# Fill a cluster: one database of the present version; one for some older ones, as they are and
# updated before. The names of their files begin with $files.
sub fill
{
    my ($node, $files) = @_;
    my ($oldest) = all_versions();

    create_roles($node);
    create_database($node, 'shop');
    fill_values($node, 'shop');
    grant_functions($node, 'shop');
    fill_files($node, 'shop', "${files}_files");
    fill_model($node, 'shop');
    fill_live($node, 'shop', "${files}_live");
    create_database($node, 'old', $oldest);
    fill_values($node, 'old');
    create_database($node, 'older_model', '0.5.0');
    fill_model($node, 'older_model');
    create_database($node, 'updated', $oldest);
    fill_values($node, 'updated');
    as_role($node, 'updated', 'keeper', 'ALTER EXTENSION clickstream UPDATE');
    return;
}

# Run pg_upgrade.
sub upgrade
{
    my ($old, $new, @options) = @_;
    my $output = $new->data_dir . '/pg_upgrade_output.d';

    local $ENV{TMPDIR} = $scratch;
    chdir $scratch or die $!;
    command_ok([ "$new_bin/pg_upgrade", '--no-sync', '-b', $old_bin, '-B', $new_bin, '-d', $old->data_dir, '-D',
            $new->data_dir, '-s', $new->host, '-p', $old->port, '-P', $new->port, @options ], "pg_upgrade @options")
      or diag(map { slurp_file($_) } glob("$output/*/*.txt"), glob("$output/*/log/*.log"));
    return;
}

# Test that the cluster is what it was, and goes on.
sub check
{
    my ($node, $name, $before) = @_;
    my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

    foreach my $database (sort keys %$before)
    {
        is_csv(answers($node, $database), $before->{$database}, "$name: $database: all answers as before");
    }
    foreach my $schema ('live', 'The "shop"')
    {
        my @where = ('-d', 'shop', '-U', 'keeper', '--schema', $schema);
        my $in = $schema eq 'live' ? $schema : $shop;

        clickstream_ok($node, 'load', @where, "$scratch/${name}_live_first.avro");
        my $count = as_role($node, 'shop', 'keeper', "SELECT count(*) FROM $in.http_log");
        clickstream_ok($node, 'load', @where, $late);
        clickstream_ok($node, 'load', @where, $late);
        is(as_role($node, 'shop', 'keeper', "SELECT count(*) - $count FROM $in.http_log"),
            scalar(read_lines("$scratch/late.txt")), "$name: $schema: a load loads each row once");
        cmp_ok(as_role($node, 'shop', 'keeper', "SELECT $in.refresh_sessions()"), '>', 20, "$name: $schema: a refresh");
        is(as_role($node, 'shop', 'keeper', "SELECT $in.refresh_sessions(rebuild => true)"),
            '0', "$name: $schema: is exact");
        clickstream_ok($node, 'init', @where);
    }

    # pg_upgrade makes extensions the superuser's; what they own keeps its owner
    foreach my $database ('old', 'older_model')
    {
        $node->psql($database, 'ALTER EXTENSION clickstream UPDATE',
            extra_params => [ '-U', 'keeper' ], stderr => \my $err);
        like($err, qr/must be owner of extension clickstream/, "$name: $database: is the superuser's now");
        $node->safe_psql($database, 'ALTER EXTENSION clickstream UPDATE');
    }
    is_csv(answers($node, 'old'), $before->{old}, "$name: old: after the update, too");
    is_csv(answers($node, 'older_model'), $before->{older_model}, "$name: older_model: after the update, too");
    is($node->safe_psql('older_model', "SELECT relowner::regrole FROM pg_class WHERE relname = 'recommender_item'"),
        'keeper', "$name: older_model: the tables of models keep their owner");
    as_role($node, 'older_model', 'analyst',
        q(SELECT tools.recommender_fit('few', 'public.taken', 'user_id', 'item_id')));
    $node->safe_psql('postgres', 'CREATE DATABASE fresh TEMPLATE template0');
    $node->safe_psql('fresh', 'CREATE SCHEMA tools; CREATE EXTENSION clickstream SCHEMA tools');
    is_csv(plain_catalog($node, 'old'), plain_catalog($node, 'fresh'),
        "$name: old: the catalog is that of a fresh install");
    is_csv(plain_catalog($node, 'updated'), plain_catalog($node, 'fresh'), "$name: updated: as well");
    return;
}

# The extension's objects without rights and owners.
sub plain_catalog
{
    my ($node, $database) = @_;
    my $catalog = extension_catalog($node, $database);

    $catalog =~ s/\{[^{}|]*=[^{}|]*\}//g;
    $catalog =~ s/\b(?:keeper|nobody)\b/owner/g;
    return $catalog;
}

foreach my $mode ('--copy', '--link')
{
    my $name = $mode =~ s/--//r;
    my $old = old_node("old_$name");

    fill($old, "$scratch/$name");
    my %before = map { $_ => answers($old, $_) } 'shop', 'old', 'older_model', 'updated';
    $old->stop;
    my $new = new_cluster("new_$name");
    upgrade($old, $new, $mode);
    $new->start;
    check($new, $name, \%before);
    $new->stop;
}

done_testing();
