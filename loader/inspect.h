/*
 * loader/inspect.h
 *     What an Avro file's header and block heads say, and how it is shown.
 */
#ifndef LOADER_INSPECT_H
#define LOADER_INSPECT_H

#include "record_file.h"

/* A time from the metadata. */
typedef struct inspect_time
{
    const char *raw; /* as it stands there; NULL: there is none */
    bool known;      /* its unit is */
    cs_time time;
} inspect_time;

typedef struct inspect_facts
{
    const char *name;
    int64_t size; /* of the file; -1 if unknown */
    const cs_avro_reader *reader;
    const cs_avro_schema *schema;
    cs_avro_totals totals;
    bool complete; /* the blocks were read to the end of the file */
    cs_error err;  /* if not, why */
    inspect_time min_timestamp;
    inspect_time max_timestamp;
} inspect_facts;

/* Append what is known, as lines for people, or as one line of JSON. */
cs_code inspect_table(const inspect_facts *facts, cs_buffer *out, cs_error *err);
cs_code inspect_json(const inspect_facts *facts, cs_buffer *out, cs_error *err);

/* The marker between blocks, as hexadecimal digits. */
#define INSPECT_SYNC_SIZE (2 * CS_AVRO_SYNC_BYTES + 1)
void inspect_sync(const inspect_facts *facts, char text[INSPECT_SYNC_SIZE]);

/* True if a metadata entry is shown as itself: not the schema, nor the codec. */
bool inspect_is_extra(const cs_avro_meta *entry);

#endif
