/*
 * loader/meta_time.h
 *     What encode notes in an Avro file's metadata, and the times among it.
 */
#ifndef LOADER_META_TIME_H
#define LOADER_META_TIME_H

#include "avro_container.h"
#include "calendar.h"

/* The field that they are of. */
#define TIME_COLUMN "timestamp"

#define SOURCE_SUM_KEY "clickstream.source_sha256" /* of the lines that it was made from */
#define MIN_TIME_KEY "clickstream.min_timestamp"
#define MAX_TIME_KEY "clickstream.max_timestamp"

/* Read the time of a key; false where there is none that can be understood. */
bool meta_time_find(const cs_avro_reader *reader, const char *key, cs_time *time);

#endif
