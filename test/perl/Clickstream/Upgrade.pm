# test/perl/Clickstream/Upgrade.pm - what the tests of upgrades share: released versions and what they
# stored, and all that is to be known of the extension's objects and of those of init
package Clickstream::Upgrade;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(current_version all_versions fixtures_of extension_catalog schema_catalog);

my $root = $ENV{CLICKSTREAM_ROOT};

# Return the version that CREATE EXTENSION installs.
sub current_version
{
    my ($version) = slurp_file("$root/extension/clickstream.control") =~ /^default_version = '(.*)'/m;
    return $version;
}

# Return a string that sorts as the version does.
sub version_key { return join '', map { chr } split /\./, $_[0] }

# Return the released versions and the current one, oldest first.
sub all_versions
{
    my %known = map { /^clickstream--([0-9.]+)\.sql$/ ? ($1 => 1) : () } slurp_dir("$root/extension");

    $known{ current_version() } = 1;
    return sort { version_key($a) cmp version_key($b) } keys %known;
}

# Return the path of a file that a version stored, or the newest version before it that stored
# such a file.
sub fixtures_of
{
    my ($version, $file) = @_;
    my @known = sort { version_key($a) cmp version_key($b) }
      grep { /^\d/ && version_key($_) le version_key($version) && -e "$root/test/fixtures/$_/$file" }
      slurp_dir("$root/test/fixtures");

    return @known ? "$root/test/fixtures/$known[-1]/$file" : undef;
}

# Return queries for relations, with their columns, indexes, constraints and triggers; which they
# are, a query in parentheses says.
sub relations_sql
{
    my ($mine) = @_;

    return <<"END";
SELECT m.oid::regclass AS relation, m.relkind, m.relowner::regrole, m.relacl, m.reloptions, m.relpersistence,
       obj_description(m.oid, 'pg_class'), a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity, a.attgenerated, a.attstorage, a.attcollation::regcollation, a.attacl,
       pg_get_expr(d.adbin, d.adrelid), col_description(m.oid, a.attnum)
FROM pg_class AS m
LEFT JOIN pg_attribute AS a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped AND m.relkind <> 'S'
LEFT JOIN pg_attrdef AS d ON d.adrelid = m.oid AND d.adnum = a.attnum
WHERE m.oid IN $mine ORDER BY m.oid::regclass::text, a.attname;
SELECT pg_get_indexdef(i.indexrelid) AS index, i.indisvalid, obj_description(i.indexrelid, 'pg_class')
FROM pg_index AS i WHERE i.indrelid IN $mine ORDER BY 1;
SELECT n.conrelid::regclass, n.conname, pg_get_constraintdef(n.oid)
FROM pg_constraint AS n WHERE n.conrelid IN $mine
ORDER BY n.conrelid::regclass::text, n.conname;
SELECT pg_get_triggerdef(t.oid) AS trigger, t.tgenabled, obj_description(t.oid, 'pg_trigger')
FROM pg_trigger AS t WHERE t.tgrelid IN $mine AND NOT t.tgisinternal ORDER BY 1;
END
}

my $members = "SELECT d.objid FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass"
  . " AND d.refobjid = e.oid WHERE e.extname = 'clickstream' AND d.deptype = 'e' AND d.classid = '%s'::regclass";

# Return everything that the extension owns: what it is, all its marks, rights and its comment; and
# what it says of itself.
sub extension_catalog
{
    my ($node, $database) = @_;
    my $relations = relations_sql('(' . sprintf($members, 'pg_class') . ')');
    my $families = sprintf($members, 'pg_opfamily');

    return $node->safe_psql($database, <<"END");
SET search_path = pg_catalog;
SELECT pg_describe_object(d.classid, d.objid, 0) AS object,
       obj_description(d.objid, d.classid::regclass::name) AS comment,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.prokind, p.provolatile, p.proparallel, p.proisstrict, p.proleakproof, p.prosecdef, p.procost, p.prorows,
       p.prosrc, p.probin, p.proacl, p.proowner::regrole, p.proconfig,
       a.aggtransfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggfinalfn, a.aggtransspace, a.aggfinalmodify,
       w.fdwhandler::regproc, w.fdwvalidator::regproc, w.fdwacl, w.fdwoptions, w.fdwowner::regrole,
       t.typlen, t.typalign, t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typacl,
       o.oprcode, o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge,
       i.privtype, i.initprivs
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
     LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
     LEFT JOIN pg_aggregate AS a ON a.aggfnoid = p.oid
     LEFT JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
     LEFT JOIN pg_foreign_data_wrapper AS w ON d.classid = 'pg_foreign_data_wrapper'::regclass AND w.oid = d.objid
     LEFT JOIN pg_operator AS o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
     LEFT JOIN pg_init_privs AS i ON i.classoid = d.classid AND i.objoid = d.objid AND i.objsubid = 0
WHERE e.extname = 'clickstream' AND d.deptype = 'e' ORDER BY object;
$relations
SELECT f.opfname, f.opfmethod, o.amopstrategy, o.amopopr::regoperator, o.amoppurpose
FROM pg_amop AS o JOIN pg_opfamily AS f ON f.oid = o.amopfamily
WHERE f.oid IN ($families) ORDER BY f.opfmethod, o.amopstrategy;
SELECT f.opfname, f.opfmethod, p.amprocnum, p.amproc::regprocedure
FROM pg_amproc AS p JOIN pg_opfamily AS f ON f.oid = p.amprocfamily
WHERE f.oid IN ($families) ORDER BY f.opfmethod, p.amprocnum;
SELECT e.extversion, e.extrelocatable, e.extnamespace::regnamespace, e.extowner::regrole,
       e.extconfig::regclass[], e.extcondition, obj_description(e.oid, 'pg_extension')
FROM pg_extension AS e WHERE e.extname = 'clickstream';
END
}

# Return everything in a schema: relations, triggers and functions, with rights, owners and comments.
sub schema_catalog
{
    my ($node, $database, $schema) = @_;
    my $relations = relations_sql("(SELECT c.oid FROM pg_class AS c"
          . " WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind NOT IN ('i', 'I', 't'))");

    return $node->safe_psql($database, <<"END");
SET search_path = pg_catalog;
$relations
SELECT p.oid::regprocedure AS function, md5(pg_get_functiondef(p.oid)), p.proacl, p.proowner::regrole,
       obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p WHERE p.pronamespace = '$schema'::regnamespace AND p.prokind <> 'a'
ORDER BY p.oid::regprocedure::text;
END
}

1;
