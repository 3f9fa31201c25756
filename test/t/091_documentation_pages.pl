# test/t/091_documentation_pages.pl - the examples of docs do what they say
#
# Each page begins where the chapter "Start" of README.md ends: with the database "shop".
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Documentation;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('pages', 'fsync = off');
my $start = new_desk($node, $root, 'postgres');
my @started = grep { ($_->{text} // '') =~ /^createdb shop$/m } page_blocks("$root/README.md");

check_blocks($start, 'README.md', $started[0]);
$node->safe_psql('postgres', 'ALTER DATABASE shop RENAME TO started');

# Drop the databases and roles that a page made.
sub clear
{
    $node->safe_psql('postgres', $_) foreach split /\n/, $node->safe_psql('postgres', <<~'SQL');
        SELECT format('DROP DATABASE %I (FORCE)', datname) FROM pg_database
        WHERE NOT datistemplate AND datname NOT IN ('postgres', 'started')
        UNION ALL
        SELECT format('DROP ROLE %I', rolname) FROM pg_roles
        WHERE rolname !~ '^pg_' AND rolname <> current_user
        SQL
    return;
}

foreach my $path (glob("$root/docs/*.md"))
{
    my $page = 'docs/' . $path =~ s{.*/}{}r;
    my @blocks = page_blocks($path);
    my $desk = new_desk($node, $root, 'shop');

    next unless grep { !$_->{mark} && ($_->{language} // '') =~ /^(?:sh|console|sql)$/ } @blocks;
    $node->safe_psql('postgres', 'CREATE DATABASE shop TEMPLATE started');
    desk_shell($desk, "cp '$start->{scratch}/http_log.avro' .");
    check_blocks($desk, $page, @blocks);
    clear();
}

done_testing();
