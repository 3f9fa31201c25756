/*
 * extension/avro_join.c
 *     Paths that prune by values from the other side of a join.
 *
 * "days JOIN log ON log.day = days.day", where "day" is a directory, need not read
 * all of the log for each day: as the inner side of a nested loop the scan gets the
 * day as a parameter, and each rescan opens the files of that day only.
 */
#include "postgres.h"

#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"

#include "compat.h"

#include "avro_join.h"
#include "avro_plan.h"

/* The column whose equivalences are asked for. */
typedef struct ColumnMatch
{
    AttrNumber attnum;
} ColumnMatch;

/* True if the metadata of all files says what times they hold. */
static bool
has_ranges(AvroTable *table)
{
    if (table->num_files > AVRO_MAX_HEADERS_PLANNED)
        return false;
    for (int i = 0; i < table->num_files; i++)
    {
        avro_table_info(table, &table->files[i]);
        if (!table->files[i].range.known)
            return false;
    }
    return true;
}

/* True if a clause over this column may rule out files. */
static bool
may_prune(AvroTable *table, const AvroColumn *column)
{
    if (pg_strcasecmp(avro_column_field(column), AVRO_TIME_FIELD) == 0)
        return has_ranges(table);
    if (strcmp(column->name, AVRO_FILENAME_COLUMN) == 0 && avro_column_is_file(column))
        return true;
    for (int i = 0; i < table->num_files; i++)
        if (avro_table_fixed(column, &table->files[i]))
            return true;
    return false;
}

/* True if a join clause looks at the table by columns that may rule out files, and at no others. */
static bool
clause_may_prune(const RelOptInfo *rel, const RestrictInfo *restriction)
{
    const AvroPlan *plan = rel->fdw_private;
    Bitmapset *attnums = avro_attnums((Node *) restriction->clause, rel->relid);
    int found = 0;

    for (int i = 0; i < plan->table->num_columns; i++)
    {
        const AvroColumn *column = &plan->table->columns[i];

        if (bms_is_member(column->attnum, attnums))
            found += may_prune(plan->table, column);
    }
    return found > 0 && found == bms_num_members(attnums);
}

/* True if a member of an equivalence class is the column itself. */
static bool
is_column(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em,
          void *argument)
{
    const ColumnMatch *match = argument;
    const Var *var = (const Var *) em->em_expr;

    return IsA(var, Var) && var->varno == (int) rel->relid && var->varattno == match->attnum;
}

/* Add the parameterisation by one clause to a list, unless it is there. */
static List *
add_parameters(PlannerInfo *root, RelOptInfo *rel, const RestrictInfo *restriction, List *list)
{
    Relids outer;

    if (!join_clause_is_movable_to((RestrictInfo *) restriction, rel))
        return list;
    outer = bms_del_member(bms_union(restriction->clause_relids, rel->lateral_relids),
                           (int) rel->relid);
    if (bms_is_empty(outer))
        return list;
    return list_append_unique_ptr(list, get_baserel_parampathinfo(root, rel, outer));
}

/* Add those by the equivalences of one column. */
static List *
add_equivalences(PlannerInfo *root, RelOptInfo *rel, const AvroColumn *column, List *list)
{
    const AvroPlan *plan = rel->fdw_private;
    ColumnMatch match = {column->attnum};
    List *clauses = generate_implied_equalities_for_column(root, rel, is_column, &match,
                                                           rel->lateral_referencers);
    ListCell *cell;

    if (clauses == NIL || !may_prune(plan->table, column))
        return list;
    foreach (cell, clauses)
        list = add_parameters(root, rel, lfirst_node(RestrictInfo, cell), list);
    return list;
}

List *
avro_join_parameters(PlannerInfo *root, RelOptInfo *rel)
{
    const AvroPlan *plan = rel->fdw_private;
    List *list = NIL;
    ListCell *cell;

    if (plan->table->num_files < 2)
        return NIL;
    foreach (cell, rel->joininfo)
    {
        RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

        if (clause_may_prune(rel, restriction))
            list = add_parameters(root, rel, restriction, list);
    }
    for (int i = 0; i < plan->table->num_columns && rel->has_eclass_joins; i++)
        list = add_equivalences(root, rel, &plan->table->columns[i], list);
    return list;
}
