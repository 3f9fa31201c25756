/*
 * loader/column_type.h
 *     The column types that rows can be loaded into: how a value becomes a
 *     field of COPY, in its binary form or as text.
 */
#ifndef LOADER_COLUMN_TYPE_H
#define LOADER_COLUMN_TYPE_H

#include "avro_decode.h"
#include "row_source.h"

/* Oids of built-in types: they never change (pg_type.dat). The rest are in column_type.c. */
#define BYTEAOID 17
#define INT8OID 20
#define TEXTOID 25
#define TIMESTAMPTZOID 1184

/* What else is to be known of a type. */
typedef enum type_class
{
    TYPE_SCALAR,
    TYPE_TEXT,  /* takes everything as text, nested values as JSON */
    TYPE_JSON,  /* takes everything as JSON; a string holds JSON text */
    TYPE_OTHER, /* its binary form is not known here */
    TYPE_ARRAY  /* the same; takes arrays as {...} */
} type_class;

typedef struct column_type
{
    uint32_t oid;
    type_class class;
    unsigned int accepts; /* bit 1 << kind for each kind of value that append takes */

    /*
     * Append the bytes of a value that is not NULL, without their length.
     * CS_ERR_RANGE: the value does not fit, and the row is refused. Of a type whose
     * binary form is not known: its text.
     */
    cs_code (*append)(const cs_value *value, cs_buffer *out, refusal *why);

    /* Append the text of what append made; NULL: that is text. */
    cs_code (*print)(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
} column_type;

/* A column of the table, and where its values come from. */
typedef struct load_column
{
    const char *name;
    const column_type *type;
    int field; /* index of the value */
    bool not_null;

    /* Where values are nested, or become JSON */
    bool is_indirect; /* they are */
    char delimiter;   /* between the items of an array */
    const cs_avro_plan *plan;
} load_column;

/* Find a type by its oid; NULL if its binary form is not known here. */
const column_type *column_type_find(uint32_t oid);

/* timestamptz without infinities: of the time of a request. */
const column_type *column_type_event_time(void);

/* Any type as text. */
const column_type *column_type_other(bool is_array);

/* True if values of this kind can go into the type. NULL goes anywhere. */
bool column_type_accepts(const column_type *type, cs_value_kind kind);

/* True if nested values can: arrays, maps and records, or unions. */
bool column_type_accepts_nested(const column_type *type, bool is_union);

/* The name of a kind of value, for messages. */
const char *value_kind_name(cs_value_kind kind);

/* Append numbers in network byte order. */
cs_code append_int16(cs_buffer *out, int16_t value, cs_error *err);
cs_code append_int32(cs_buffer *out, int32_t value, cs_error *err);

/* Append a number in the fewest digits that give it back; NaN, Infinity, -Infinity. */
cs_code append_real_text(double value, bool is_float, cs_buffer *out, cs_error *err);

/* Append a scalar as any type's input takes it; times beyond the year 9999 and before 1, too. */
cs_code append_literal(const cs_value *value, cs_buffer *out, refusal *why);

/* column_type.print of the types */
cs_code print_integer(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_oid(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_float4(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_float8(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_bool(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_char(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_timestamp(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_date(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_time(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_interval(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_uuid(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_bytea(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);
cs_code print_jsonb(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);

#endif
