/*
 * extension/avro_union.h
 *     One table's columns over many files: the union of their schemas, and what
 *     their directories say.
 */
#ifndef CLICKSTREAM_AVRO_UNION_H
#define CLICKSTREAM_AVRO_UNION_H

#include "avro_file.h"
#include "avro_schema.h"

/* A column that the directories "name=value" make. */
typedef struct AvroKeyColumn
{
    const char *name;
    Oid type; /* bigint, date or text: what all values are */
} AvroKeyColumn;

/* What files have in common; lives in the memory context that was current. */
typedef struct AvroUnion
{
    const cs_avro_schema *schema; /* the merged one; the file's own where all are alike; NULL: no file */
    bool differ;                  /* the files' schemas do */
    AvroKeyColumn *keys;
    int num_keys;
} AvroUnion;

/* Read the headers of all files and merge. Raises, naming both files, where that cannot be. */
AvroUnion *avro_union(const AvroPaths *paths);

/* Parse JSON text that comes from a file or an option, named by what ("option \"schema\""). */
cs_avro_schema *avro_parse_schema(const char *json, size_t len, const char *what);

#endif
