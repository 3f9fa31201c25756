/*
 * loader/column_type.h
 *     The column types that rows can be loaded into: how a value becomes a
 *     field of binary COPY.
 */
#ifndef LOADER_COLUMN_TYPE_H
#define LOADER_COLUMN_TYPE_H

#include "row_source.h"

/* Oids of built-in types: they never change (pg_type.dat). The rest are in column_type.c. */
#define BYTEAOID 17
#define INT8OID 20
#define TEXTOID 25

typedef struct column_type
{
    uint32_t oid;
    unsigned int accepts; /* bit 1 << kind for each kind of value */

    /*
     * Append the bytes of a value that is not NULL, without their length.
     * CS_ERR_RANGE: the value does not fit, and the row is refused.
     */
    cs_code (*append)(const cs_value *value, cs_buffer *out, refusal *why);
} column_type;

/* Find a type by its oid; NULL if there is no such type here. */
const column_type *column_type_find(uint32_t oid);

/* True if values of this kind can go into the type. NULL goes anywhere. */
bool column_type_accepts(const column_type *type, cs_value_kind kind);

/* The name of a kind of value, for messages. */
const char *value_kind_name(cs_value_kind kind);

/* Append numbers in network byte order. */
cs_code append_int16(cs_buffer *out, int16_t value, cs_error *err);
cs_code append_int32(cs_buffer *out, int32_t value, cs_error *err);
cs_code append_int64(cs_buffer *out, int64_t value, cs_error *err);

/* Append a number in the fewest digits that give it back; NaN, Infinity, -Infinity. */
cs_code append_real_text(double value, bool is_float, cs_buffer *out, cs_error *err);

#endif
