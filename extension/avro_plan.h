/*
 * extension/avro_plan.h
 *     What planning knows of an Avro table.
 */
#ifndef CLICKSTREAM_AVRO_PLAN_H
#define CLICKSTREAM_AVRO_PLAN_H

#include "nodes/pathnodes.h"

#include "compat.h"

#include "avro_estimate.h"
#include "avro_prune.h"

/* Headers of so many files are read at planning, for estimates and paths. */
#define AVRO_MAX_HEADERS_PLANNED 256

/* A base relation's fdw_private. */
typedef struct AvroPlan
{
    AvroTable *table;
    Bitmapset *attnums; /* the columns that the query needs */
    AvroEstimate estimate;
} AvroPlan;

#endif
