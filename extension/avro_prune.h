/*
 * extension/avro_prune.h
 *     Files that can hold no row of the query.
 *
 * A clause over columns that are fixed for a file (its name, the directories on
 * its path) is evaluated once for the file. A clause that compares the time
 * field with an expression of no column is held against the range of times in
 * the file's metadata. What cannot be told prunes nothing.
 */
#ifndef CLICKSTREAM_AVRO_PRUNE_H
#define CLICKSTREAM_AVRO_PRUNE_H

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "compat.h"

#include "avro_table.h"

/* "time field operator expression" of one query. */
typedef struct AvroTimeClause
{
    AttrNumber attnum;
    Expr *bound;
    ExprState *state; /* of bound */
    bool has_min;     /* the smallest time must satisfy min_test against the bound */
    bool has_max;
    FmgrInfo min_test;
    FmgrInfo max_test;
    Oid collation;
} AvroTimeClause;

/* A clause that is tried on the fixed columns of each file. */
typedef struct AvroPathClause
{
    ExprState *state;
    Bitmapset *attnums;
} AvroPathClause;

/* What prunes the files of one scan. */
typedef struct AvroPrune
{
    AvroTable *table;
    TupleTableSlot *slot; /* the columns of a file, for path clauses */
    AvroPathClause *paths;
    int num_paths;
    AvroTimeClause *times;
    int num_times;
    bool varies; /* some clause depends on a parameter */
} AvroPrune;

/* The columns that an expression over one table refers to; whole-row references are 0. */
Bitmapset *avro_attnums(Node *expression, Index varno);

/* Find the clauses that can prune. */
AvroPrune *avro_prune_make(AvroTable *table, List *quals, ScanState *scan, Index varno);

/* Mark the files that are kept and those that are not, and bind the columns. */
void avro_prune_run(AvroPrune *prune, ExprContext *econtext);

/* The same for planning: the clauses whose other side is known by then. */
void avro_prune_plan(PlannerInfo *root, RelOptInfo *rel, AvroTable *table);

/* True if a clause may be tried on a file: it tells its user of no row that another hides. */
bool avro_prune_allowed(const RelOptInfo *rel, const RestrictInfo *restriction);

/* True if some clause compares a timestamptz column with an expression of no column. */
bool avro_prune_has_times(List *clauses, Index varno);

/* True if a clause is one that the fixed columns of all kept files decide. */
bool avro_prune_decides(const AvroTable *table, Node *clause, Index varno);

#endif
