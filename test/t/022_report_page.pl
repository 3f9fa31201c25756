# test/t/022_report_page.pl - report --format html from the database: the page from files, with
# the campaigns' names; text from the database does no harm; rows and pairs of one moment
use strict;
use warnings FATAL => 'all';
use utf8;

use Clickstream::Cluster;
use Clickstream::Logs;
use Encode qw(decode_utf8);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('report_page');
my ($log, $map) = map { "$ENV{CLICKSTREAM_ROOT}/data/$_" } qw(http_log.txt campaign_reward_mapping.csv);
my @page = qw(report --format html);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# The page from the database.
sub page { return decode_utf8(clickstream_ok($node, @page, @_)) }

clickstream_ok($node, 'init');
load_mapping($node, $map);
load_log($node, $log);

# Without names both pages are the same bytes, from the log and from the states.
my @questions = (
    [],
    [qw(--timezone Asia/Kathmandu)],
    [ '--gap', '30 min', '--timezone', 'America/New_York' ],
    [qw(--from 2024-03-08 --to 2024-03-12 --frame start)],
    [qw(--from 2024-03-08T12:00 --to 2024-03-08T13:00 --frame overlap)],
    [qw(--from 2031-01-01)]);
foreach my $round ('log', 'states')
{
    foreach my $question (@questions)
    {
        is_csv(
            clickstream_ok($node, @page, @$question),
            clickstream_ok(undef, @page, @$question, '--mapping', $map, $log),
            "$round: @$question");
    }
    sql('SELECT refresh_sessions(true)');
}
is(sql('SELECT session_states_fresh()'), 't', 'the second round read the states');

# Names: text, and nothing else. What the page says but for them stays.
my $plain = page();
my ($best) = $plain =~ /<li><p><span>Campaign (\d+)<\/span>/ or die 'no campaign on the page';
my %shown = (
    '</script></svg></ol><script>alert(1)</script>' =>
      '&lt;/script&gt;&lt;/svg&gt;&lt;/ol&gt;&lt;script&gt;alert(1)&lt;/script&gt;',
    'Tea & "Cake" \'n <b>more' => 'Tea &amp; &quot;Cake&quot; &#39;n &lt;b&gt;more',
    '{{style}}%s&amp;' => '{{style}}%s&amp;amp;',
    "\x{1F600} caf\x{e9}" => "\x{1F600} caf\x{e9}",
    "a\nb\x{202e}c" => "a\x{fffd}b\x{fffd}c",
    'y' x 119 . "\x{e9}" x 2 => 'y' x 119 . "\x{2026}");
foreach my $name (sort keys %shown)
{
    my $escaped = $shown{$name};
    # A test's own name is ASCII: newer Perls refuse to print more.
    my $label = $escaped =~ s/([^\x20-\x7e])/sprintf '\\x{%x}', ord $1/egr;

    $name =~ s/'/''/g;
    sql("DELETE FROM campaign; INSERT INTO campaign VALUES ($best, '$name', 'active', NULL)");
    my $page = page();
    my $times = $page =~ s/<bdi>\Q$escaped\E<\/bdi> \($best\)/Campaign $best/g;
    cmp_ok($times, '>=', 2, "name \"$label\" is in the list and in the table");
    ok($page eq $plain, '... and nothing else has changed');
}
sql("UPDATE campaign SET name = ''");
ok(page() eq $plain, 'a campaign whose name is empty goes by its id');

# An offset, as it was asked for
like(page('--timezone', '+08:00'), qr/Time zone: <bdi>\+08:00<\/bdi>/, 'an offset as a zone');

# Users with names that the log's format does not have
sql(<<'END');
TRUNCATE http_log;
INSERT INTO http_log SELECT '2024-03-10Z', 'GET', '/', u
FROM unnest(ARRAY['', ' ', '<i> & "x"', E'tab\tnew\nline', '</table>']) AS u;
END
my @users = page() =~ /<tr><th scope="row">(.*?)<\/th><td>1<\/td><td>0<\/td><\/tr>\n(?!.*-table)/g;
is_deeply(
    [ grep { /<em>|<bdi>/ } @users ],
    [
        '<em>empty id</em>', '<bdi> </bdi>', '<bdi>&lt;/table&gt;</bdi>',
        '<bdi>&lt;i&gt; &amp; &quot;x&quot;</bdi>', "<bdi>tab\x{fffd}new\x{fffd}line</bdi>"
    ],
    'users');

# What is missing, or not allowed, is an error with a hint
my ($status, $out, $err) = clickstream($node, @page, '--gap', '1 month');
is("$status|$out", '1|', 'a bad gap is a usage error, with no page');
sql('DROP FUNCTION campaign_conversions');
($status, $out, $err) = clickstream($node, @page);
is("$status|$out", '3|', 'a database of an older version: no page');
like($err, qr/campaign_conversions.*hint: "clickstream init" creates/s, '... and what to do');
clickstream_ok($node, 'init');
like(page(), qr/<dd id="users">5</, 'init brings it');

done_testing();
