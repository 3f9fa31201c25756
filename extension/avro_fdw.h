/*
 * extension/avro_fdw.h
 *     The callbacks of the foreign-data wrapper avro_fdw.
 *
 * Planning is in avro_plan.c, the scan in avro_scan.c (which rows), avro_block.c
 * (which blocks), avro_parallel.c (shared by workers) and avro_convert.c (values),
 * count(*) in avro_count.c; INSERT and IMPORT FOREIGN SCHEMA have headers of
 * their own.
 */
#ifndef CLICKSTREAM_AVRO_FDW_H
#define CLICKSTREAM_AVRO_FDW_H

#include "access/parallel.h"
#include "foreign/fdwapi.h"

#include "compat.h"

struct ExplainState;

/* Members of fdw_private: what the plan tells the scan. */
enum AvroPlanPrivate
{
    AVRO_PRIVATE_COLUMNS, /* the columns that the query needs; 0: all */
    AVRO_PRIVATE_PRUNING, /* the places of the clauses that may prune */
    AVRO_PRIVATE_DECODED, /* those of the columns that come from records */
    AVRO_PRIVATE_FILES    /* as planned: an AvroPlannedFiles as a list */
};

/* The numbers of files in AVRO_PRIVATE_FILES. */
enum AvroPlannedFiles
{
    AVRO_PLANNED_FILES,
    AVRO_PLANNED_BY_PATH,
    AVRO_PLANNED_BY_TIME
};

/* Planning */
void avroGetForeignRelSize(PlannerInfo *root, RelOptInfo *rel, Oid relid);
void avroGetForeignPaths(PlannerInfo *root, RelOptInfo *rel, Oid relid);
ForeignScan *avroGetForeignPlan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path,
                                List *tlist, List *scan_clauses, Plan *outer_plan);
void avroGetForeignUpperPaths(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input_rel,
                              RelOptInfo *output_rel, void *extra);
bool avroIsForeignScanParallelSafe(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte);

/* Execution */
void avroBeginForeignScan(ForeignScanState *node, int eflags);
TupleTableSlot *avroIterateForeignScan(ForeignScanState *node);
void avroReScanForeignScan(ForeignScanState *node);
void avroEndForeignScan(ForeignScanState *node);
void avroExplainForeignScan(ForeignScanState *node, struct ExplainState *es);

/* Execution by several processes */
Size avroEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt);
void avroInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate);
void avroReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt,
                                    void *coordinate);
void avroInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate);
void avroShutdownForeignScan(ForeignScanState *node);

/* ANALYZE */
bool avroAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *function,
                             BlockNumber *total_pages);

#endif
