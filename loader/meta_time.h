/*
 * loader/meta_time.h
 *     The smallest and the largest time of an Avro file, where its metadata says them.
 */
#ifndef LOADER_META_TIME_H
#define LOADER_META_TIME_H

#include "avro_container.h"
#include "calendar.h"

/* The field that they are of. */
#define TIME_COLUMN "timestamp"

/* What encode notes in a file, with the sum of the lines that it was made from. */
#define SOURCE_SUM_KEY "clickstream.source_sha256"
#define MIN_TIME_KEY "clickstream.min_timestamp"
#define MAX_TIME_KEY "clickstream.max_timestamp"

/* Read the time of a key; false where there is none that can be understood. */
bool meta_time_find(const cs_avro_reader *reader, const char *key, cs_time *time);

#endif
