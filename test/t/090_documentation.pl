# test/t/090_documentation.pl - the examples of README.md and docs do what they say
#
# Fenced blocks are run in order, in one scratch directory that holds data/ and against
# one server: "sh" blocks must succeed; in "console" blocks the output of each "$ command"
# must be the text below it; the output of an "sql" block must be the "text" block that
# follows it, if one does. Blocks without a language are not run.
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('documentation');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my $database; # of the file's SQL

# Run a shell command in the scratch directory; return its success and what it printed.
sub shell
{
    my ($command, $input) = @_;
    my $out = '';

    local %ENV = (
        %ENV,
        client_environment($node),
        PGTZ => 'UTC',
        PGDATABASE => $database);
    delete $ENV{PGAPPNAME};
    IPC::Run::run([ 'bash', '-euc', $command ],
        '<', \($input // ''), '>', \$out, '2>&1', init => sub { chdir $scratch or die $! });
    $out =~ s/[ \t]+$//mg;
    return ($? == 0, $out);
}

# Split Markdown into fenced blocks: [line number, language, text].
sub fenced_blocks
{
    my ($file) = @_;
    my (@blocks, $block);

    open my $in, '<', $file or die "$file: $!";
    while (my $line = <$in>)
    {
        if ($line =~ /^```(\w*)/)
        {
            if ($block) { push @blocks, $block; $block = undef }
            else { $block = [ $., $1, '' ] }
        }
        elsif ($block) { $block->[2] .= $line }
    }
    close $in;
    die "$file: a fenced block is not closed" if $block;
    return @blocks;
}

# Test the commands of a "console" block.
sub check_console
{
    my ($where, $text) = @_;

    while ($text =~ /^\$ (.*)\n((?:(?!\$ ).*\n)*)/mg)
    {
        my ($command, $expected) = ($1, $2);
        my (undef, $out) = shell($command);
        is($out, $expected, "$where: $command");
    }
}

# Test all blocks of a file, which creates the database.
sub check_file
{
    my $file = shift;
    $database = shift;
    my @blocks = fenced_blocks("$root/$file");

    foreach my $i (0 .. $#blocks)
    {
        my ($line, $language, $text) = @{ $blocks[$i] };
        my $where = "$file, line $line";

        if ($language eq 'sh')
        {
            my ($ok, $out) = shell($text);
            ok($ok, $where) or diag($out);
        }
        elsif ($language eq 'console') { check_console($where, $text) }
        elsif ($language eq 'sql')
        {
            my ($ok, $out) = shell('psql -X -q -v ON_ERROR_STOP=1 -P pager=off', $text);
            my $next = $blocks[ $i + 1 ];
            ok($ok, $where) or diag($out);
            is($out, "$next->[2]\n", "$where: result") if $next && $next->[1] eq 'text';
        }
    }
}

symlink "$root/data", "$scratch/data" or die $!;
check_file('README.md', 'shop');
check_file('docs/log-formats.md', 'web');
check_file('docs/encoding.md', 'web');

done_testing();
