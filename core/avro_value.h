/*
 * core/avro_value.h
 *     One field's value, decoded or to be encoded.
 */
#ifndef CS_AVRO_VALUE_H
#define CS_AVRO_VALUE_H

#include "avro_schema.h"
#include "calendar.h"

typedef enum cs_value_kind
{
    CS_VALUE_NULL,
    CS_VALUE_BOOL,
    CS_VALUE_INTEGER, /* int and long */
    CS_VALUE_FLOAT,
    CS_VALUE_DOUBLE,
    CS_VALUE_BYTES,
    CS_VALUE_STRING, /* verified UTF-8 without NUL */
    CS_VALUE_TIME    /* timestamp-millis and -micros, as cs_time */
} cs_value_kind;

/* The bytes of a string or bytes value are borrowed: from the block, or from the caller. */
typedef struct cs_value
{
    cs_value_kind kind;
    union
    {
        bool boolean;
        int64_t integer;
        float real;
        double dbl;
        cs_slice bytes;
        cs_time time;
    } as;
} cs_value;

/* The kind of value that a field has where it is not NULL. */
cs_value_kind cs_avro_field_kind(const cs_avro_field *field);

#endif
