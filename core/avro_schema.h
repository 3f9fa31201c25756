/*
 * core/avro_schema.h
 *     The schema of an Avro file: a tree of types, validated.
 *
 * Everything the specification demands of a schema is checked when it is
 * parsed, defaults included, so that whoever walks the tree need not. A named
 * type that is used again is the same node: a recursive type makes the tree a
 * graph. An unknown or invalid logical type falls back to its base type, as
 * the specification says. The original JSON text is kept: it is what gets
 * written, so that what this version does not know (doc, order, properties of
 * users) is never lost.
 */
#ifndef CS_AVRO_SCHEMA_H
#define CS_AVRO_SCHEMA_H

#include "arena.h"

typedef enum cs_avro_type
{
    CS_AVRO_NULL,
    CS_AVRO_BOOLEAN,
    CS_AVRO_INT,
    CS_AVRO_LONG,
    CS_AVRO_FLOAT,
    CS_AVRO_DOUBLE,
    CS_AVRO_BYTES,
    CS_AVRO_STRING,
    CS_AVRO_FIXED,
    CS_AVRO_ENUM,
    CS_AVRO_ARRAY,
    CS_AVRO_MAP,
    CS_AVRO_RECORD, /* "error" too */
    CS_AVRO_UNION
} cs_avro_type;

typedef enum cs_avro_logical
{
    CS_LOGICAL_NONE,
    CS_LOGICAL_DATE,
    CS_LOGICAL_TIME_MILLIS,
    CS_LOGICAL_TIME_MICROS,
    CS_LOGICAL_TIMESTAMP_MILLIS,
    CS_LOGICAL_TIMESTAMP_MICROS,
    CS_LOGICAL_TIMESTAMP_NANOS,
    CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS,
    CS_LOGICAL_LOCAL_TIMESTAMP_MICROS,
    CS_LOGICAL_LOCAL_TIMESTAMP_NANOS,
    CS_LOGICAL_DECIMAL,
    CS_LOGICAL_UUID,
    CS_LOGICAL_DURATION
} cs_avro_logical;

/* Limits of a schema; a hostile one passes none of them. */
#define CS_AVRO_MAX_SCHEMA_NODES 100000
#define CS_AVRO_MAX_SCHEMA_DEPTH 200

/* Instead of a size, where encodings differ in length. */
#define CS_AVRO_VARIABLE (-1)

typedef struct cs_avro_node cs_avro_node;

/* A list of names: aliases, symbols. */
typedef struct cs_avro_names
{
    const char **items;
    size_t count;
} cs_avro_names;

/* A field of a record. */
typedef struct cs_avro_field
{
    const char *name;
    cs_avro_names aliases;
    const cs_avro_node *type;
    bool has_default;
    cs_slice default_bytes;   /* encoded by type */
    const char *default_json; /* as in the schema */
} cs_avro_field;

/* A type. Only the members of its kind are set. */
struct cs_avro_node
{
    cs_avro_type type;
    cs_avro_logical logical;
    int index;           /* its number in the schema, from 0 */
    uint64_t min_bytes;  /* no encoding of a value is shorter */
    int64_t fixed_bytes; /* what every encoding takes, or CS_AVRO_VARIABLE */
    int precision;       /* decimal */
    int scale;           /* decimal */

    /* Named types: record, enum, fixed */
    const char *name; /* the full name, with its namespace */
    cs_avro_names aliases;
    size_t size; /* of a fixed, in bytes */
    cs_avro_names symbols;
    int default_symbol; /* of an enum: an index, -1 if none */

    /* Types made of types */
    cs_avro_field *fields; /* of a record */
    size_t num_fields;
    const cs_avro_node *items; /* of an array; the values of a map */
    const cs_avro_node **branches;
    size_t num_branches;
};

/*
 * A schema; owns its memory. The columns of a file are the fields of the
 * record at the top; where the top is another type, there is one column
 * "value" of that type.
 */
typedef struct cs_avro_schema
{
    const cs_env *env;
    cs_arena arena;
    const char *json; /* the original text */
    size_t json_len;
    const cs_avro_node *root;
    size_t num_nodes;
    const cs_avro_field *fields; /* the columns */
    size_t num_fields;
} cs_avro_schema;

/* Parse and validate JSON text. On failure *schema is NULL and nothing is left behind. */
cs_code cs_avro_schema_parse(const cs_env *env, const char *json, size_t len,
                             cs_avro_schema **schema, cs_error *err);
void cs_avro_schema_free(cs_avro_schema *schema);

/* The index of the column of this name (exact case), or -1. */
int cs_avro_schema_find(const cs_avro_schema *schema, const char *name);

/* The type's name as schemas spell it. */
const char *cs_avro_type_name(cs_avro_type type);

/* The logical type's name, NULL for none. */
const char *cs_avro_logical_name(cs_avro_logical logical);

/*
 * Append a type for people: long, timestamp-millis, decimal(10,2), array<string>,
 * union<null, string>, record Name, enum Name, fixed Name(16).
 */
cs_code cs_avro_type_describe(const cs_avro_node *type, cs_buffer *text, cs_error *err);

/* True if the type is a number (int to double) without a logical type. */
static inline bool
cs_avro_is_number(const cs_avro_node *type)
{
    return type->logical == CS_LOGICAL_NONE && type->type >= CS_AVRO_INT &&
           type->type <= CS_AVRO_DOUBLE;
}

/* The part of a full name behind its last dot. */
const char *cs_avro_short_name(const char *name);

/* True if text is a name without namespace: [A-Za-z_][A-Za-z0-9_]*. */
bool cs_avro_is_name(cs_slice text);

/* True if the list holds the name. */
bool cs_avro_names_have(const cs_avro_names *names, const char *name);

#endif
