/*
 * extension/avro_count.c
 *     count(*) of a whole Avro table, from the heads of its blocks.
 *
 * Head, size and end marker of each block are checked, its contents are not. So
 * this is not done where damaged records are to be passed over, nor where a
 * clause looks at rows.
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"

#include "avro_count.h"
#include "avro_fdw.h"
#include "avro_plan.h"

/* True if an expression is count(*) without anything. */
static bool
is_bare_count(const Node *node)
{
    const Aggref *aggregate = (const Aggref *) node;

    return IsA(node, Aggref) && aggregate->aggfnoid == F_COUNT_ && aggregate->aggstar &&
           aggregate->aggfilter == NULL && aggregate->aggdistinct == NIL &&
           aggregate->aggorder == NIL && aggregate->agglevelsup == 0;
}

/* True if a target is made of count(*) and constants. */
static bool
counts_only(const PathTarget *target)
{
    List *parts =
        pull_var_clause((Node *) target->exprs, PVC_INCLUDE_AGGREGATES | PVC_INCLUDE_WINDOWFUNCS |
                                                    PVC_INCLUDE_PLACEHOLDERS);
    ListCell *cell;

    foreach (cell, parts)
        if (!is_bare_count(lfirst(cell)))
            return false;
    return parts != NIL && !expression_returns_set((Node *) target->exprs);
}

/* True if a query only counts the rows of a table. */
static bool
can_count(const PlannerInfo *root, const RelOptInfo *input_rel)
{
    const Query *query = root->parse;
    const AvroPlan *plan = input_rel->fdw_private;

    return input_rel->reloptkind == RELOPT_BASEREL && plan != NULL &&
           input_rel->baserestrictinfo == NIL && input_rel->lateral_relids == NULL &&
           query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL &&
           query->havingQual == NULL && query->rowMarks == NIL &&
           !plan->table->options->ignore_errors &&
           counts_only(root->upper_targets[UPPERREL_GROUP_AGG]);
}

void
avroGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
                         RelOptInfo *output_rel, void *extra)
{
    const AvroPlan *plan = input_rel->fdw_private;
    Cost startup;

    if (stage != UPPERREL_GROUP_AGG || !can_count(root, input_rel))
        return;
    startup = cpu_tuple_cost * (plan->estimate.files + plan->estimate.blocks);
    add_path(output_rel, (Path *) compat_foreign_upper_path(root, output_rel,
                                                            root->upper_targets[UPPERREL_GROUP_AGG],
                                                            1, startup, startup + cpu_tuple_cost));
}

ForeignScan *
avro_count_plan(ForeignPath *path, List *tlist, Plan *outer_plan)
{
    List *parts = pull_var_clause((Node *) path->path.pathtarget->exprs, PVC_INCLUDE_AGGREGATES);

    return make_foreignscan(tlist, NIL, 0, NIL, NIL, add_to_flat_tlist(NIL, parts), NIL,
                            outer_plan);
}

void
avro_count_begin(ForeignScanState *node, int eflags)
{
    const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
    RangeTblEntry *entry =
        exec_rt_fetch((Index) bms_singleton_member(plan->fs_relids), node->ss.ps.state);
    AvroCount *count = palloc0_object(AvroCount);

    count->table = palloc0_object(AvroTable);
    count->table->context = CurrentMemoryContext;
    count->table->options = avro_options_get(entry->relid);
    node->fdw_state = count;
}

/* Count the rows of one file. */
static void
count_file(AvroCount *count, const char *path)
{
    AvroFile *file = avro_file_open(path, &count->table->options->limits);
    cs_avro_totals totals;
    cs_error err;

    if (cs_avro_reader_count(file->reader, &totals, &err) != CS_OK)
        avro_raise(path, NULL, NULL, &err);
    count->records += totals.records;
    count->blocks += totals.blocks;
    avro_file_close(file);
}

TupleTableSlot *
avro_count_iterate(ForeignScanState *node)
{
    TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
    AvroCount *count = node->fdw_state;

    ExecClearTuple(slot);
    if (count->done)
        return slot;
    avro_table_list(count->table);
    count->records = 0;
    for (int i = 0; i < count->table->num_files; i++)
    {
        CHECK_FOR_INTERRUPTS();
        count_file(count, count->table->files[i].path.path);
    }
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
    {
        slot->tts_values[i] = Int64GetDatum(count->records);
        slot->tts_isnull[i] = false;
    }
    count->done = true;
    return ExecStoreVirtualTuple(slot);
}

void
avro_count_rescan(ForeignScanState *node)
{
    AvroCount *count = node->fdw_state;

    count->done = false;
}
