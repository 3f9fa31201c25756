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

/* A base relation's fdw_private. */
typedef struct AvroPlan
{
    AvroTable *table;
    Bitmapset *attnums; /* the columns that the query needs */
    AvroEstimate estimate;
} AvroPlan;

#endif
