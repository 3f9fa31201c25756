/*
 * core/avro_merge_parts.h
 *     What avro_merge.c makes and avro_merge_write.c writes down: types that grow.
 */
#ifndef CS_AVRO_MERGE_PARTS_H
#define CS_AVRO_MERGE_PARTS_H

#include "avro_merge.h"

typedef struct cs_merged_type cs_merged_type;

/* A list of names that can grow. */
typedef struct cs_merged_names
{
    const char **items;
    size_t count;
    size_t capacity;
} cs_merged_names;

/* A column, or a field inside one. */
typedef struct cs_merged_field
{
    const char *name;
    cs_merged_names aliases;
    cs_merged_type *type;
    const cs_avro_field *fallback; /* some schema's field whose default it has; NULL if none */
    bool missing;                  /* some schema lacks it */
} cs_merged_field;

/* A type that can grow. */
struct cs_merged_type
{
    cs_avro_node type; /* kind, logical type, name, size; not its lists */
    cs_merged_names aliases;
    cs_merged_names symbols;
    cs_merged_field *fields;
    size_t num_fields;
    size_t field_capacity;
    const char *default_symbol; /* NULL if none */
    cs_merged_type *items;
    cs_merged_type **branches;
    size_t num_branches;
    size_t branch_capacity;
    const char *written; /* the name under which its definition stands in the JSON already */
};

/* True if the list holds the name. */
bool cs_merged_names_have(const cs_merged_names *list, const char *name);

/* Write a type as the JSON text of a schema and parse that, which checks it. */
cs_code cs_merge_write(const cs_env *env, cs_arena *arena, cs_merged_type *type,
                       cs_avro_schema **schema, cs_error *err);

#endif
