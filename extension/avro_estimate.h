/*
 * extension/avro_estimate.h
 *     How many rows the files of a table hold, without reading them.
 */
#ifndef CLICKSTREAM_AVRO_ESTIMATE_H
#define CLICKSTREAM_AVRO_ESTIMATE_H

#include "compat.h"

#include "avro_table.h"

/* What the kept files hold. */
typedef struct AvroEstimate
{
    double files;
    double rows;
    double blocks;
    double bytes;
    double unpack; /* the cost of decompressing a page, in pages read */
} AvroEstimate;

AvroEstimate avro_estimate(const AvroTable *table);

#endif
