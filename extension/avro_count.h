/*
 * extension/avro_count.h
 *     count(*) of a whole Avro table, from the heads of its blocks.
 */
#ifndef CLICKSTREAM_AVRO_COUNT_H
#define CLICKSTREAM_AVRO_COUNT_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "compat.h"

#include "avro_table.h"

/* A node that counts. */
typedef struct AvroCount
{
    AvroTable *table;
    bool done;
    int64 blocks; /* counted so far */
    int64 records;
} AvroCount;

ForeignScan *avro_count_plan(ForeignPath *path, List *tlist, Plan *outer_plan);
void avro_count_begin(ForeignScanState *node, int eflags);
TupleTableSlot *avro_count_iterate(ForeignScanState *node);
void avro_count_rescan(ForeignScanState *node);

#endif
