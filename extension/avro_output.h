/*
 * extension/avro_output.h
 *     Avro files that a transaction writes: they appear when it commits.
 *
 * A file is written under a temporary name in its directory, and gets its own
 * just before the commit. A subtransaction that is rolled back takes the files
 * that were begun in it along.
 */
#ifndef CLICKSTREAM_AVRO_OUTPUT_H
#define CLICKSTREAM_AVRO_OUTPUT_H

#include "compat.h"

#include "avro_container.h"
#include "calendar.h"

/* What a file is to be like. */
typedef struct AvroOutputSpec
{
    Oid relid;            /* the table */
    const char *filename; /* its option: a directory or a glob */
    const char *schema;   /* JSON text, UTF-8 */
    cs_avro_codec codec;
} AvroOutputSpec;

/* A file being written. */
typedef struct AvroOutput AvroOutput;

/*
 * The file that this transaction, at this level of subtransactions, is writing for
 * this specification; NULL if there is none yet. It belongs to the transaction.
 */
AvroOutput *avro_output_find(const AvroOutputSpec *spec);

/* Begin one. */
AvroOutput *avro_output_make(const AvroOutputSpec *spec);

/* The buffer to which one record's encoding is appended before avro_output_add. */
cs_buffer *avro_output_buffer(AvroOutput *output);

/* Count the record just appended; time is that of its field "timestamp", or NULL. */
void avro_output_add(AvroOutput *output, const cs_time *time);

/*
 * Choose a name for a new file of a table: the name of its directory, and its own
 * in it, which the glob matches. An error where there can be none.
 */
void avro_output_name(const char *filename, char **directory, char **name);

#endif
