# test/perl/Clickstream/Documentation.pm - the examples of README.md and docs, found and run
#
# Every fenced block of a page is run, in order, in a scratch directory that holds data/:
# "sh" blocks must succeed; in "console" blocks the output of each "$ command" (goes on in
# the next line behind a backslash) must be the text below it; the output of an "sql" block
# must be the "text" block right behind it, if one stands there. "..." in an output stands
# for anything.
# Any other block, and one that is not to be run, has a comment on the line before it:
# "<!-- not run: why, and by which test instead -->", or for what is no command
# "<!-- no command: what it is -->". "<!-- run: command -->" prepares the blocks behind it,
# and "<!-- database: name -->" says where they run.
# Code that is indented instead is refused.
package Clickstream::Documentation;

use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(page_blocks page_problems new_desk check_blocks desk_shell);

my %runnable = map { $_ => 1 } qw(sh console sql);

# Split a page into its blocks: { line, language, text, mark } where mark is the comment
# before it, { line, run } for commands in comments, and { line, database }.
sub page_blocks
{
    my ($file) = @_;
    my (@blocks, $block, $indent);
    my $before = '';

    open my $in, '<', $file or die "$file: $!";
    while (my $line = <$in>)
    {
        if ($line =~ /^( *)```(\w*)$/)
        {
            if ($block) { push @blocks, $block; $block = undef }
            else
            {
                $indent = $1;
                $block = { line => $., language => $2, text => '' };
                ($block->{mark}) = $before =~ /^ *<!-- ((?:not run|no command): .+) -->$/;
            }
        }
        elsif ($block) { $block->{text} .= $line =~ s/^$indent//r }
        elsif ($line =~ /^<!-- (run|database): (.+) -->$/)
        {
            push @blocks, { line => $., $1 => $2 };
        }
        $before = $line;
    }
    close $in;
    die "$file: a fenced block is not closed" if $block;
    return @blocks;
}

# Say what of a page is neither run nor marked, and what is marked wrongly.
sub page_problems
{
    my ($file, $root) = @_;
    my ($problem, $fenced, $blank, $behind) = ('', 0, 1, '');

    open my $in, '<', $file or die "$file: $!";
    while (my $line = <$in>)
    {
        $fenced = !$fenced if $line =~ /^ *```/;
        $problem .= "line $.: indented code: fence it\n"
          if !$fenced && $blank && $line =~ /^(?: {4}|\t)/;
        $blank = $line =~ /^\s*$/;
    }
    close $in;
    foreach my $block (page_blocks($file))
    {
        my $language = $block->{language} // next;
        my $mark = $block->{mark} // '';
        my $compared = $language eq 'text' && $behind eq 'sql';

        $problem .= "line $block->{line}: neither run nor marked\n"
          unless $mark || $compared || $runnable{$language};
        $problem .= "line $block->{line}: a command, marked as none\n"
          if $mark =~ /^no command/ && $runnable{$language};
        while ($mark =~ m{\b(test/\S+\.\w+)}g)
        {
            $problem .= "line $block->{line}: $1 is not there\n" unless -e "$root/$1";
        }
        $behind = $mark ? '' : $language;
    }
    return $problem;
}

# Make a place to run blocks in: a server, a scratch directory, a database.
sub new_desk
{
    my ($node, $root, $database) = @_;
    my $scratch = PostgreSQL::Test::Utils::tempdir;

    symlink "$root/data", "$scratch/data" or die $!;
    return { node => $node, scratch => $scratch, database => $database };
}

# Run a shell command there; return its success and what it printed.
sub desk_shell
{
    my ($desk, $command, $input) = @_;
    my $out = '';

    local %ENV = (
        %ENV,
        client_environment($desk->{node}),
        PGTZ => 'UTC',
        PGDATABASE => $desk->{database});
    delete $ENV{PGAPPNAME};
    IPC::Run::run([ 'bash', '-euc', $command ],
        '<', \($input // ''), '>', \$out, '2>&1',
        init => sub { chdir $desk->{scratch} or die $! });
    $out =~ s/[ \t]+$//mg;
    return ($? == 0, $out);
}

# Compare an output with what the page shows, where "..." stands for anything.
sub same_output
{
    my ($out, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($out, $expected, $name) unless $expected =~ /\.\.\./;
    my $pattern = join '.*?', map { quotemeta } split /\.\.\./, $expected, -1;
    return like($out, qr/\A$pattern\z/s, $name);
}

# Run the commands of a "console" block.
sub check_console
{
    my ($desk, $where, $text) = @_;

    while ($text =~ /^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)/mg)
    {
        my ($command, $expected) = ($1, $2);
        my (undef, $out) = desk_shell($desk, $command);
        same_output($out, $expected, "$where: $command");
    }
    return;
}

# Run the blocks of a page, in order.
sub check_blocks
{
    my ($desk, $page, @blocks) = @_;

    foreach my $i (0 .. $#blocks)
    {
        my $block = $blocks[$i];
        my $where = "$page, line $block->{line}";
        my ($language, $text) = @$block{qw(language text)};

        next if $block->{mark};
        if (defined $block->{database}) { $desk->{database} = $block->{database} }
        elsif (defined $block->{run} || $language eq 'sh')
        {
            my ($ok, $out) = desk_shell($desk, $block->{run} // $text);
            ok($ok, $where) or diag($out);
        }
        elsif ($language eq 'console') { check_console($desk, $where, $text) }
        elsif ($language eq 'sql')
        {
            my ($ok, $out) = desk_shell($desk, 'psql -X -q -v ON_ERROR_STOP=1 -P pager=off', $text);
            my $next = $blocks[ $i + 1 ];
            ok($ok, $where) or diag($out);
            same_output($out, "$next->{text}\n", "$where: result")
              if $next && ($next->{language} // '') eq 'text' && !$next->{mark};
        }
    }
    return;
}

1;
