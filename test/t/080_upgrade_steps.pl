# test/t/080_upgrade_steps.pl - a database of an owner who is no superuser, with version 0.1.0, updated
# step by step: all that its users have reads the same after each step
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Everything;
use Clickstream::Logs;
use Clickstream::Upgrade;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('steps');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my ($oldest, @later) = all_versions();

# Versions whose scripts are for superusers alone.
my %superuser = map { $_ => 1 } '0.4.0', '0.5.0';

# What comes with a version, to be there from then on.
my %filled = (
    '0.3.0' => sub { fill_files($node, 'steps', "$scratch/log") },
    # the tables are not the owner's before that
    '0.6.0' => sub { fill_model($node, 'steps') });

chmod 0755, $scratch;
create_roles($node);
create_database($node, 'steps', $oldest);
fill_values($node, 'steps');
grant_functions($node, 'steps');
my $said = answers($node, 'steps');
like($said, qr/many_us/, "$oldest: it answers");

foreach my $version (@later)
{
    my $members = $node->safe_psql('steps', q(SELECT count(*) FROM pg_depend WHERE deptype = 'e'));

    my $update = "ALTER EXTENSION clickstream UPDATE TO '$version'";
    if ($superuser{$version})
    {
        $node->psql('steps', $update, extra_params => [ '-U', 'keeper' ], stderr => \my $err);
        like($err, qr/permission denied to update extension/, "$version: not by its owner");
        $node->safe_psql('steps', $update);
    }
    else { as_role($node, 'steps', 'keeper', $update) }
    is(as_role($node, 'steps', 'keeper', q(SELECT extversion FROM pg_extension WHERE extname = 'clickstream')),
        $version, "$version: the update");
    is_csv(answers($node, 'steps'), $said, "$version: all answers as before, rights and owners, too");
    cmp_ok($node->safe_psql('steps', q(SELECT count(*) FROM pg_depend WHERE deptype = 'e')),
        '>=', $members, "$version: nothing left the extension");
    $filled{$version}->() if $filled{$version};
    $said = answers($node, 'steps');
}
is((reverse @later)[0], current_version(), 'the last version is the current one');

# The same grants on a new database

create_database($node, 'fresh');
fill_values($node, 'fresh');
grant_functions($node, 'fresh');
fill_model($node, 'fresh');
is_csv(extension_catalog($node, 'steps'), extension_catalog($node, 'fresh'),
    'at the end the catalog is that of a fresh install, rights and owners, too');

# In one go, too, and by a superuser: it stays the owner's

create_database($node, 'once', $oldest);
fill_values($node, 'once');
grant_functions($node, 'once');
$said = answers($node, 'once');
as_role($node, 'once', 'keeper', 'ALTER EXTENSION clickstream UPDATE');
is_csv(answers($node, 'once'), $said, 'in one go: all answers as before');
fill_model($node, 'once');
is_csv(extension_catalog($node, 'once'), extension_catalog($node, 'fresh'), 'in one go: the catalog');
create_database($node, 'by_superuser', '0.3.0');
fill_values($node, 'by_superuser');
grant_functions($node, 'by_superuser');
$node->safe_psql('by_superuser', 'ALTER EXTENSION clickstream UPDATE');
fill_model($node, 'by_superuser');
is_csv(extension_catalog($node, 'by_superuser'), extension_catalog($node, 'fresh'), 'by a superuser: the catalog');

# There is no way back

foreach my $version (grep { $_ ne current_version() } $oldest, @later)
{
    my ($status, $out, $err) = $node->psql('once', "ALTER EXTENSION clickstream UPDATE TO '$version'",
        extra_params => [ '-U', 'keeper' ]);
    like($err, qr/has no update path from version .* to version "\Q$version\E"/, "$version: no way back");
}

$node->stop;
done_testing();
