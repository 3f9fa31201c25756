# test/t/006_stored_values.pl - states, maps and models that released versions stored: the current
# build reads each value as the text it stood for, writes the same bytes for that text, and
# recommends the same
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $fixtures = "$ENV{CLICKSTREAM_ROOT}/test/fixtures";
my $node = new_node('stored_values');
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @versions = grep { -e "$fixtures/$_/sessionset.csv" } slurp_dir($fixtures);

# A cast to a type from the bytes on disk, past every check of input.
$node->safe_psql('postgres', <<'END');
CREATE EXTENSION clickstream;
CREATE CAST (bytea AS sessionset) WITHOUT FUNCTION;
CREATE CAST (bytea AS reward_map) WITHOUT FUNCTION;
END

cmp_ok(scalar @versions, '>=', 1, 'there are fixtures');
foreach my $version (sort @versions)
{
    foreach my $type (qw(sessionset reward_map))
    {
        my $file = "$fixtures/$version/$type.csv";
        my $records = () = slurp_file($file) =~ /^\w+,[0-9a-f]+,"/mg;

        $node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS stored, received;
CREATE TABLE stored (name text PRIMARY KEY, bytes text, text text);
COPY stored FROM '$file' (FORMAT csv, HEADER);
ALTER TABLE stored ALTER bytes TYPE bytea USING decode(bytes, 'hex');
COPY (SELECT name, bytes FROM stored) TO '$scratch/stored.bin' (FORMAT binary);
CREATE TABLE received (name text PRIMARY KEY, value $type);
COPY received FROM '$scratch/stored.bin' (FORMAT binary);
END
        cmp_ok($records, '>', 5, "$version: $type: there are fixtures");
        is($node->safe_psql('postgres', 'SELECT count(*) FROM stored'),
            $records, "$version: $type: all are read");
        is($node->safe_psql('postgres', "SELECT name FROM stored WHERE bytes::${type}::text IS DISTINCT FROM text"),
            '', "$version: $type: stored bytes are read as their text");
        is($node->safe_psql('postgres', <<'END'), '', "$version: $type: received bytes are read as their text");
SELECT name FROM stored FULL JOIN received USING (name) WHERE value::text IS DISTINCT FROM text
END
        is($node->safe_psql('postgres', <<"END"), '', "$version: $type: the text is written as the same bytes");
SELECT name FROM stored WHERE ${type}_send(text::${type}) IS DISTINCT FROM bytes
END
    }
}

# What COPY wrote in binary form, and models

foreach my $version (sort grep { -e "$fixtures/$_/stored.bin" } @versions)
{
    $node->safe_psql('postgres', <<"END");
DROP TABLE IF EXISTS copied, given;
CREATE TABLE copied (s_name text, s sessionset, m_name text, m reward_map);
COPY copied FROM '$fixtures/$version/stored.bin' (FORMAT binary);
CREATE TABLE given (name text, bytes text, text text);
COPY given FROM '$fixtures/$version/sessionset.csv' (FORMAT csv, HEADER);
COPY given FROM '$fixtures/$version/reward_map.csv' (FORMAT csv, HEADER);
COPY copied TO '$scratch/again.bin' (FORMAT binary);
END
    is($node->safe_psql('postgres', <<'END'), 't|0', "$version: a binary dump is read");
SELECT count(*) > 20, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM given WHERE name = s_name AND text = s::text)
                                       OR NOT EXISTS (SELECT FROM given WHERE name = m_name AND text = m::text))
FROM copied
END
    ok(slurp_file("$scratch/again.bin") eq slurp_file("$fixtures/$version/stored.bin"),
        "$version: and written the same");
}
foreach my $version (sort grep { -e "$fixtures/$_/recommend.csv" } slurp_dir($fixtures))
{
    my $files = "$fixtures/$version/recommend";

    $node->safe_psql('postgres', <<"END");
CREATE ROLE analyst;
\\copy recommender_model from '${files}er_model.csv' (format csv, header)
\\copy recommender_item from '${files}er_item.csv' (format csv, header)
\\copy recommender_user from '${files}er_user.csv' (format csv, header)
CREATE TEMP TABLE wanted (user_id text, rank bigint, item_id bigint, score real, because bigint[]);
\\copy wanted from '${files}.csv' (format csv, header)
CREATE TABLE compared AS
SELECT u.user_id, r.*, w.item_id AS wanted_item, w.score AS wanted_score, w.because AS wanted_because
FROM (recommender_user AS u CROSS JOIN recommend('taken', u.user_id, 5) AS r)
FULL JOIN wanted AS w ON w.user_id = u.user_id AND w.rank = r.rank;
END
    is($node->safe_psql('postgres', <<'END'), 't|0', "$version: the model recommends the same");
SELECT count(*) > 100, count(*) FILTER (WHERE (item_id, because) IS DISTINCT FROM (wanted_item, wanted_because)
                                       OR abs(score - wanted_score) > 1e-6)
FROM compared
END
    $node->safe_psql('postgres', 'DROP TABLE compared; DELETE FROM recommender_model; DROP ROLE analyst');
}

done_testing();
