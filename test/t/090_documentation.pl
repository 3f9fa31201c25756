# test/t/090_documentation.pl - the examples of README.md do what they say, and every
# block of README.md and docs is run or says why not
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Documentation;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};

foreach my $file (grep { -e } glob("$root/docs/*.md"), map { "$root/$_" } qw(README.md SECURITY.md))
{
    is(page_problems($file, $root), '', "$file: every block is run, or marked");
}

my $desk = new_desk(new_node('documentation'), $root, 'shop');
check_blocks($desk, 'README.md', page_blocks("$root/README.md"));

done_testing();
