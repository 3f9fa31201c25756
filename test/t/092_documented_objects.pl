# test/t/092_documented_objects.pl - docs/sql.md has every object of the extension and of
# "clickstream init", and an example of each that is not internal
use strict;
use warnings FATAL => 'all';

use Clickstream::Cluster;
use Clickstream::Documentation;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = $ENV{CLICKSTREAM_ROOT};
my $node = new_node('objects');
my $page = slurp_file("$root/docs/sql.md");

clickstream_ok($node, 'init');

# Names and kinds of what lies in the database, the system's own left out. Functions that
# types, aggregates, operators, operator classes, wrappers and triggers are made of say
# nothing by themselves.
my @objects = split /\n/, $node->safe_psql('postgres', <<~'SQL');
    WITH members AS (
        SELECT classid, objid FROM pg_depend
        WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
          AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'clickstream')
    ), ours AS (
        SELECT * FROM members
        UNION
        SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION
        SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION
        SELECT 'pg_trigger'::regclass, oid FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid NOT IN (SELECT objid FROM members)
    ), parts AS (
        SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend])::oid AS oid FROM pg_type
        UNION
        SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn])
        FROM pg_aggregate
        UNION
        SELECT oprcode FROM pg_operator
        UNION
        SELECT amproc FROM pg_amproc
        UNION
        SELECT unnest(ARRAY[fdwhandler, fdwvalidator]) FROM pg_foreign_data_wrapper
        UNION
        SELECT oid FROM pg_proc
        WHERE prorettype = 'trigger'::regtype AND oid IN (SELECT objid FROM members)
    )
    SELECT 'function ' || proname FROM ours, pg_proc AS p
    WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND p.oid NOT IN (SELECT oid FROM parts)
    UNION
    SELECT 'operator ' || oprname FROM ours, pg_operator AS o
    WHERE classid = 'pg_operator'::regclass AND objid = o.oid
    UNION
    SELECT 'type ' || typname FROM ours, pg_type AS t
    WHERE classid = 'pg_type'::regclass AND objid = t.oid AND typcategory NOT IN ('A', 'C')
    UNION
    SELECT 'wrapper ' || fdwname FROM ours, pg_foreign_data_wrapper AS w
    WHERE classid = 'pg_foreign_data_wrapper'::regclass AND objid = w.oid
    UNION
    SELECT 'table ' || relname FROM ours, pg_class AS c
    WHERE classid = 'pg_class'::regclass AND objid = c.oid AND relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION
    SELECT 'trigger ' || tgname FROM ours, pg_trigger AS g
    WHERE classid = 'pg_trigger'::regclass AND objid = g.oid
    ORDER BY 1
    SQL
cmp_ok(scalar @objects, '>', 70, 'the catalog has many objects');

my ($public, $internal) = split /^## Internal functions\n/m, $page;
my $examples = join '', map { $_->{text} }
  grep { !$_->{mark} && ($_->{language} // '') eq 'sql' } page_blocks("$root/docs/sql.md");

foreach my $object (@objects)
{
    my ($kind, $name) = split / /, $object;

    if ($kind eq 'operator')
    {
        like($public, qr/`\Q$name\E`|`a \Q$name\E b`/, "$object is documented");
        like($examples, qr/\w \Q$name\E [\w']/, "$object has an example");
        next;
    }
    like($page, qr/`$name\b/, "$object is documented");
    next if $kind eq 'trigger' || $internal =~ /`$name`/;
    like($examples, qr/\b$name\b/, "$object has an example");
}

# What the chapter about internal functions names is there.
my %known = map { (split / /)[1] => 1 } @objects;
my ($table) = $internal =~ /((?:^\|.*\n)+)/m;
is(join(' ', grep { !$known{$_} } $table =~ /`(\w+)`/g), '', 'internal functions exist');

# Each signature in the tables is one that the server knows: name and number of arguments.
foreach my $signature ($public =~ /^\| `(\w+\([^`]*\))`/mg)
{
    my ($name, $arguments) = $signature =~ /^(\w+)\((.*)\)$/;
    my $most = () = $arguments =~ /,/g;
    $most++ if $arguments ne '';
    my $is = $node->safe_psql('postgres',
        "SELECT count(*) > 0 FROM pg_proc WHERE proname = '$name' AND pronargs = $most");
    is($is, 't', "$signature has as many arguments as in the catalog") unless $arguments =~ /\.\.\./;
}

# The columns of each table; those of the ledger are on the page of file formats.
my $columns = $node->safe_psql('postgres', <<~'SQL');
    SELECT relname, attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0
    ORDER BY 1, attnum
    SQL
my $formats = slurp_file("$root/docs/formats.md");
my ($ledger) = $formats =~ /^## The ledger\n(.*?)^## /ms;
foreach my $pair (split /\n/, $columns)
{
    my ($name, $column) = split /\|/, $pair;
    my ($row) = $page =~ /^(\| `$name`.* \| .*\|)$/m;
    like($name eq 'load_batch' ? $ledger : $row, qr/\b$column\b/, "column $name.$column");
}

done_testing();
