/*
 * core/avro_schema.h
 *     The schema tree of an Avro file, validated.
 *
 * This version knows records of primitives, nullable unions of them, and the
 * logical types timestamp-millis and timestamp-micros. Another logical type
 * falls back to its base type, as the specification says; another type is
 * CS_ERR_UNSUPPORTED. The original JSON text is kept: it is what gets written.
 */
#ifndef CS_AVRO_SCHEMA_H
#define CS_AVRO_SCHEMA_H

#include "base.h"

typedef enum cs_avro_type
{
    CS_AVRO_NULL,
    CS_AVRO_BOOLEAN,
    CS_AVRO_INT,
    CS_AVRO_LONG,
    CS_AVRO_FLOAT,
    CS_AVRO_DOUBLE,
    CS_AVRO_BYTES,
    CS_AVRO_STRING
} cs_avro_type;

typedef enum cs_avro_logical
{
    CS_LOGICAL_NONE,
    CS_LOGICAL_TIMESTAMP_MILLIS,
    CS_LOGICAL_TIMESTAMP_MICROS
} cs_avro_logical;

/* A field of the record. Its type is T, or a union of null and T. */
typedef struct cs_avro_field
{
    const char *name;
    cs_avro_type type; /* T */
    cs_avro_logical logical;
    bool nullable;   /* a union with null */
    int null_branch; /* of a nullable field: the union's index of null, 0 or 1 */
} cs_avro_field;

/* A record schema; owns its memory. */
typedef struct cs_avro_schema
{
    const cs_env *env;
    char *json; /* the original text */
    size_t json_len;
    char *name; /* the record's name, with its namespace as given */
    cs_avro_field *fields;
    size_t num_fields;
    size_t min_record_bytes; /* the fewest bytes a record can take */
} cs_avro_schema;

/* Parse and validate JSON text. On failure *schema is NULL and nothing is left behind. */
cs_code cs_avro_schema_parse(const cs_env *env, const char *json, size_t len,
                             cs_avro_schema **schema, cs_error *err);
void cs_avro_schema_free(cs_avro_schema *schema);

/* The index of the field of this name (exact case), or -1. */
int cs_avro_schema_find(const cs_avro_schema *schema, const char *name);

/* The type's name as schemas spell it. */
const char *cs_avro_type_name(cs_avro_type type);

#endif
