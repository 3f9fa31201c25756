# test/t/093_help_examples.pl - the examples of each command's --help do what they say
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Documentation;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('examples');
my $desk = new_desk($node, $root, 'postgres');
my @commands = clickstream_ok($node, 'help', '--options') =~ /^(\w+)\t\t\t/mg;

# What goes on until it is stopped: t/062_follow.pl, python/test_cli_follow.py and
# python/test_serve.py run these.
my $endless = qr/--follow|clickstream serve/;

# What the examples need, made before those of a command.
my %before = (
    init => 'createdb shop; createdb archive',
    encode => 'mkdir lake; cp data/access.log .',
    load => 'cp data/campaign_reward_mapping.csv mapping.csv',
    cat => 'cp http_log.avro damaged.avro',
    unload => 'clickstream load -d shop -t reward_campaign data/reward_campaign.csv;'
      . " psql -qd shop -c 'SELECT setval(\$\$load_batch_load_id_seq\$\$, 11)';"
      . ' echo 2024-03-25T08:00:00Z GET / user-7 > last.txt;'
      . ' clickstream encode last.txt; clickstream load -d shop last.avro',
    recommend => "psql -qAtd shop -c \"SELECT recommender_fit('rewards', 'reward_interaction',"
      . " 'user_id', 'reward_id') IS NOT NULL, recommender_fit('films', 'reward_interaction',"
      . " 'user_id', 'reward_id') IS NOT NULL\"");

foreach my $command (@commands)
{
    my ($examples) = clickstream_ok($node, $command, '--help') =~ /^Examples:\n((?:  .*\n)+)/m;

    ok($examples, "$command has examples");
    if ($before{$command})
    {
        my ($ok, $out) = desk_shell($desk, $before{$command});
        ok($ok, "before $command") or diag($out);
    }
    foreach my $example ($examples =~ /^  (\S(?:.*\\\n)*.*)$/mg)
    {
        next if $example =~ $endless;
        my ($ok, $out) = desk_shell($desk, $example);
        ok($ok, $example) or diag($out);
    }
}

done_testing();
