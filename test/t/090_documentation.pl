# test/t/090_documentation.pl - the examples of README.md do what they say, and every
# block of README.md and docs is run or says why not
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Documentation;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};

# What is wrong with a page is found: each of these on its own, and nothing in a page without.
sub problems_of
{
    my ($text) = @_;
    my $file = PostgreSQL::Test::Utils::tempdir . '/page.md';

    append_to_file($file, $text);
    return page_problems($file, $root);
}

my $fence = '```';
like(problems_of("a\n\n    make\n"), qr/^line 3: indented code/, 'indented code');
like(problems_of("${fence}json\n{}\n$fence\n"), qr/^line 1: neither run nor marked/, 'no mark');
like(problems_of("${fence}text\nout\n$fence\n"), qr/neither run/, 'an output without its command');
like(problems_of("<!-- no command: x -->\n${fence}sh\nmake\n$fence\n"), qr/marked as none/, 'a wrong mark');
like(problems_of("<!-- not run: test/t/999.pl does -->\n${fence}sh\nmake\n$fence\n"),
    qr{test/t/999.pl is not there}, 'a test that does not exist');
is( problems_of("${fence}sql\nx\n$fence\n\n${fence}text\ny\n$fence\n\n<!-- not run: why -->\n${fence}sh\nz\n$fence\n"),
    '', 'a sound page');

foreach my $file (grep { -e } glob("$root/docs/*.md"), map { "$root/$_" } qw(README.md SECURITY.md))
{
    is(page_problems($file, $root), '', "$file: every block is run, or marked");
}

my $desk = new_desk(new_node('documentation'), $root, 'shop');
check_blocks($desk, 'README.md', page_blocks("$root/README.md"));

done_testing();
