/*
 * extension/avro_plan.c
 *     Planning a scan of an Avro table: its rows, its cost, its paths.
 *
 * All clauses stay in the plan; which of them prune files, and in what order
 * columns are decoded for them, is for the scan to find (avro_scan.c).
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/rel.h"

#include "compat.h"

#include "avro_count.h"
#include "avro_fdw.h"
#include "avro_join.h"
#include "avro_plan.h"

/* What it takes to open a file, and to decode a column, in cpu_tuple_cost and cpu_operator_cost. */
#define FILE_COST 20
#define COLUMN_COST 0.5

/* The columns that a query needs of a table. */
static Bitmapset *
needed_columns(const RelOptInfo *rel)
{
    Bitmapset *attnums = avro_attnums((Node *) rel->reltarget->exprs, rel->relid);
    ListCell *cell;

    foreach (cell, rel->baserestrictinfo)
        attnums = bms_add_members(
            attnums, avro_attnums((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid));
    return attnums;
}

/* Leave out the files that the clauses rule out already. */
static void
prune(PlannerInfo *root, RelOptInfo *rel, AvroTable *table)
{
    if (rel->baserestrictinfo == NIL)
        return;
    avro_prune_plan(root, rel, table);
    if (!avro_prune_has_times(rel->baserestrictinfo, rel->relid) ||
        avro_table_count_files(table, AVRO_KEPT) > AVRO_MAX_HEADERS_PLANNED)
        return;
    avro_table_bind(table);
    avro_prune_plan(root, rel, table);
}

/* The share of the kept files' rows that the clauses keep. */
static double
selectivity(PlannerInfo *root, RelOptInfo *rel, const AvroTable *table)
{
    List *open = NIL;
    ListCell *cell;

    foreach (cell, rel->baserestrictinfo)
    {
        RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

        if (!avro_prune_decides(table, (Node *) restriction->clause, rel->relid))
            open = lappend(open, restriction);
    }
    return clauselist_selectivity(root, open, 0, JOIN_INNER, NULL);
}

void
avroGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
    AvroPlan *plan = palloc0_object(AvroPlan);
    Relation relation = table_open(relid, NoLock);

    plan->attnums = needed_columns(rel);
    plan->table = avro_table_open(relid, RelationGetDescr(relation), plan->attnums);
    table_close(relation, NoLock);
    avro_table_list(plan->table);
    prune(root, rel, plan->table);
    plan->estimate = avro_estimate(plan->table);
    rel->fdw_private = plan;
    rel->pages = (BlockNumber) Min(ceil(plan->estimate.bytes / BLCKSZ), MaxBlockNumber);
    rel->tuples = plan->estimate.rows;
    rel->rows = clamp_row_est(rel->tuples * selectivity(root, rel, plan->table));
}

/* What the whole table costs: pages read, and work on them, which workers share. */
static void
cost_scan(const RelOptInfo *rel, Cost *startup, Cost *disk, Cost *cpu)
{
    const AvroPlan *plan = rel->fdw_private;
    double pages = plan->estimate.bytes / BLCKSZ;
    double columns = plan->table->num_columns;

    *startup = rel->baserestrictcost.startup + cpu_tuple_cost * FILE_COST;
    *disk = seq_page_cost * pages + cpu_tuple_cost * FILE_COST * plan->estimate.files;
    *cpu = seq_page_cost * pages * plan->estimate.unpack +
           rel->tuples * (cpu_tuple_cost + cpu_operator_cost * COLUMN_COST * (columns + 1) +
                          rel->baserestrictcost.per_tuple);
}

/* How many workers a scan is worth. */
static int
count_workers(RelOptInfo *rel)
{
    const AvroPlan *plan = rel->fdw_private;
    double pages = plan->estimate.bytes / BLCKSZ * (1 + plan->estimate.unpack);
    int workers = compute_parallel_worker(rel, pages, -1, max_parallel_workers_per_gather);

    /* A block is the smallest thing that is shared out. */
    return (int) Min(workers, Max(plan->estimate.blocks - 1, 0));
}

/* The share of the rows that one process makes, as the planner reckons for tables. */
static double
parallel_divisor(int workers)
{
    double divisor = workers;

    if (parallel_leader_participation && workers < 4)
        divisor += 1.0 - 0.3 * workers;
    return divisor;
}

/* Add the paths that prune by values from the other side of a join. */
static void
add_join_paths(PlannerInfo *root, RelOptInfo *rel, Cost startup, Cost work)
{
    const AvroPlan *plan = rel->fdw_private;
    ListCell *cell;

    foreach (cell, avro_join_parameters(root, rel))
    {
        ParamPathInfo *info = lfirst(cell);
        double share = rel->rows > 0 ? info->ppi_rows / rel->rows : 1;

        /* A file at least, whose rows may all be of the kind that is asked for. */
        share = Min(Max(share, 1 / Max(plan->estimate.files, 1)), 1);
        add_path(rel,
                 (Path *) compat_foreignscan_path(root, rel, info->ppi_rows, startup,
                                                  startup + work * share, info->ppi_req_outer));
    }
}

void
avroGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
    Cost startup;
    Cost disk;
    Cost cpu;
    int workers;
    double divisor;
    ForeignPath *path;

    cost_scan(rel, &startup, &disk, &cpu);
    add_path(rel, (Path *) compat_foreignscan_path(root, rel, rel->rows, startup,
                                                   startup + disk + cpu, rel->lateral_relids));
    add_join_paths(root, rel, startup, disk + cpu);
    if (!rel->consider_parallel || rel->lateral_relids != NULL)
        return;
    workers = count_workers(rel);
    if (workers <= 0)
        return;
    divisor = parallel_divisor(workers);
    path = compat_foreignscan_path(root, rel, clamp_row_est(rel->rows / divisor), startup,
                                   startup + disk + cpu / divisor, NULL);
    path->path.parallel_workers = workers;
    path->path.parallel_aware = true;
    add_partial_path(rel, (Path *) path);
}

/* A set of columns as a list. */
static List *
attnum_list(const Bitmapset *attnums)
{
    List *list = NIL;
    int attnum = -1;

    while ((attnum = bms_next_member(attnums, attnum)) >= 0)
        list = lappend_int(list, attnum);
    return list;
}

/*
 * The clauses of a scan, and the places of those that may be tried on a file: not
 * one that could tell its user of rows which a clause before it hides.
 */
static List *
split_clauses(const RelOptInfo *rel, List *scan_clauses, List **pruning)
{
    List *clauses = NIL;
    ListCell *cell;

    *pruning = NIL;
    foreach (cell, scan_clauses)
    {
        RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);

        if (restriction->pseudoconstant)
            continue;
        if (avro_prune_allowed(rel, restriction))
            *pruning = lappend_int(*pruning, list_length(clauses));
        clauses = lappend(clauses, restriction->clause);
    }
    return clauses;
}

/* The columns that come from the records of some kept file. */
static List *
decoded_columns(const AvroTable *table)
{
    List *attnums = NIL;

    for (int i = 0; i < table->num_columns; i++)
    {
        const AvroColumn *column = &table->columns[i];
        bool decoded = false;

        for (int j = 0; j < table->num_files && !decoded; j++)
            decoded = table->files[j].pruned == AVRO_KEPT && !avro_column_is_file(column) &&
                      !avro_table_fixed(column, &table->files[j]);
        if (decoded)
            attnums = lappend_int(attnums, column->attnum);
    }
    return attnums;
}

ForeignScan *
avroGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist,
                   List *scan_clauses, Plan *outer_plan)
{
    const AvroPlan *plan = rel->fdw_private;
    const AvroTable *table;
    List *clauses;
    List *pruning;
    List *files;

    if (IS_UPPER_REL(rel))
        return avro_count_plan(path, tlist, outer_plan);
    table = plan->table;
    clauses = split_clauses(rel, scan_clauses, &pruning);
    files = list_make3_int(table->num_files, avro_table_count_files(table, AVRO_PRUNED_BY_PATH),
                           avro_table_count_files(table, AVRO_PRUNED_BY_TIME));
    return make_foreignscan(
        tlist, clauses, rel->relid, NIL,
        list_make4(attnum_list(plan->attnums), pruning, decoded_columns(table), files), NIL,
        clauses, outer_plan);
}

bool
avroIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
    return true;
}
