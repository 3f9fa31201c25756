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
    Oid type; /* bigint or date, where all values are such; else text */
} AvroKeyColumn;

/* What files have in common; lives in the memory context that was current. */
typedef struct AvroUnion
{
    const cs_avro_schema *schema; /* the merged one; the file's own where all are alike */
    bool differ;                  /* the files' schemas do */
    AvroKeyColumn *keys;
    int num_keys;
} AvroUnion;

/*
 * Parse a schema, in the current memory context; path is where it comes from,
 * NULL if it is an option's or an argument's.
 */
cs_avro_schema *avro_parse_schema(const char *json, size_t len, const char *path);

/*
 * The union of the schemas of files, in the current memory context; of those
 * that are alike, their own. Raises, naming the file, where one does not fit
 * those before it. count is at least 1.
 */
cs_avro_schema *avro_union_schema(AvroFileInfo *const *infos, int count);

/* Read the headers of all files and merge. An error if there is no file. */
AvroUnion *avro_union(const char *filename);

/* True if the directories make a column of this name; it hides a field of the same name. */
bool avro_union_has_key(const AvroUnion *all, const char *name);

#endif
