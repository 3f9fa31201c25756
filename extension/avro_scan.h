/*
 * extension/avro_scan.h
 *     The scan of an Avro table.
 *
 * A scan takes one block after the other: from a place of its own, or, where
 * workers share it, from one in shared memory, so that any of them may read any
 * block and each is read once. Of a record, the columns that a clause of the query
 * looks at are made first, clause by clause, and the others only if all hold.
 */
#ifndef CLICKSTREAM_AVRO_SCAN_H
#define CLICKSTREAM_AVRO_SCAN_H

#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/lwlock.h"

#include "compat.h"

#include "avro_convert.h"
#include "avro_decode.h"
#include "avro_prune.h"
#include "avro_table.h"

/* What a scan has done. */
typedef struct AvroProgress
{
    int64 blocks;
    int64 bytes;    /* of these blocks in the files */
    int64 filtered; /* rows that failed a clause before their other columns were decoded */
} AvroProgress;

/* Where a scan is, and what all its processes have done. */
typedef struct AvroShared
{
    LWLock lock;               /* of what follows; not used where a scan is not shared */
    int file;                  /* the number of files: behind the last one */
    bool started;              /* position is set */
    cs_avro_position position; /* in the file */
    AvroProgress done;
    pg_atomic_uint64 refused; /* records that on_error = 'ignore' has passed over */
} AvroShared;

/* A column of the scan in the file that is open. */
typedef struct AvroScanColumn
{
    const AvroColumn *column;
    int at;     /* in the slot */
    int value;  /* in the scan's values; -1: not taken from records */
    bool again; /* another column before it in the order has finished the value */
    AvroConvert convert;
    Datum fixed; /* not taken from records: the value for all rows of the file, or the block */
    bool fixed_null;
} AvroScanColumn;

/* A clause of the query. */
typedef struct AvroClause
{
    ExprState *state;
    Node *expression;
    Bitmapset *attnums;
    bool prunes;  /* it was tried on the fixed columns of each file */
    bool decided; /* by these: it holds for each row */
    int until;    /* how many columns, in the order in which they are made, it needs */
} AvroClause;

typedef struct AvroScan
{
    PlanState *plan_state; /* NULL: for ANALYZE */
    ExprContext *econtext; /* the same */
    AvroTable *table;
    Index varno; /* of the table in clauses */
    AvroPrune *prune;
    AvroClause *clauses;
    int num_clauses;
    bool prepared; /* files are listed and pruned */

    /* How far it is */
    AvroShared *shared; /* local, or in the memory of a parallel query */
    AvroShared local;
    uint64 *lost;          /* beside shared: bytes of each file whose records are not known */
    uint64 *local_lost;    /* beside local */
    bool parallel;         /* shared is */
    AvroProgress progress; /* not yet added to the shared one */
    AvroProgress total;    /* collected from what was shared */
    uint64 total_refused;  /* the same */
    uint64 *total_lost;    /* the same; NULL: nothing */

    /* The file that is open */
    MemoryContext file_context;
    int file_index; /* -1: none */
    AvroFile *file;
    cs_avro_position start; /* of its first block */
    cs_avro_plan *plan;
    cs_value *values;
    AvroScanColumn *columns; /* as the table's */
    AvroScanColumn **order;  /* those that are taken from records, as they are made */
    int num_order;
    AvroScanColumn **fixed; /* the others */
    int num_fixed;

    /* The block being read */
    bool in_block;
    cs_avro_block block;
    cs_avro_cursor cursor;
    AvroRow row;
} AvroScan;

/* Make a scan of all files without clauses, its rows in the current memory context. */
AvroScan *avro_scan_make(AvroTable *table);

/* List, prune and bind, once; in the process that plans the work. */
void avro_scan_prepare(AvroScan *scan);

/* See which clauses are decided by the files that are kept. */
void avro_scan_decide(AvroScan *scan);

/* Go to the start of the first file. */
void avro_scan_rewind(AvroScan *scan);

/* Open a file of the table, by its place, and compile what its columns do. */
void avro_scan_open(AvroScan *scan, int index);

/*
 * Make the next row of the block that was loaded in a slot that is ready to hold one;
 * false behind its last one.
 */
bool avro_scan_block_row(AvroScan *scan, TupleTableSlot *slot);

/* Start with a block that was loaded. */
void avro_scan_enter_block(AvroScan *scan);

/* Take the next block: find it, alone, and load it; false behind the last one. */
bool avro_scan_next_block(AvroScan *scan);

/* Count records that were refused, and raise if they are too many. */
void avro_scan_count_refused(AvroScan *scan, int64 records);

/* A block is damaged, some of its records were read: raise, or count its others and go on. */
void avro_scan_leave_block(AvroScan *scan, cs_error *err, int64 records_read);

/* Add what this process has done to what all have done. */
void avro_scan_share_progress(AvroScan *scan);

/* Take over what all have done, before the shared memory goes. */
void avro_scan_collect(AvroScan *scan);

/* Tell the user what was skipped. */
void avro_scan_report_refused(const AvroScan *scan);

#endif
