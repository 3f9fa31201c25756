/*
 * core/avro_value.h
 *     One value, decoded or to be encoded, and which values a type has.
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
    CS_VALUE_BYTES,       /* bytes and fixed */
    CS_VALUE_STRING,      /* verified UTF-8 without NUL; string and enum */
    CS_VALUE_TIME,        /* timestamp-*: a timestamptz */
    CS_VALUE_LOCAL_TIME,  /* local-timestamp-*: a timestamp */
    CS_VALUE_DATE,        /* date */
    CS_VALUE_TIME_OF_DAY, /* time-* */
    CS_VALUE_DECIMAL,     /* decimal: a numeric */
    CS_VALUE_UUID,        /* uuid */
    CS_VALUE_DURATION,    /* duration: an interval */
    CS_VALUE_NESTED       /* array, map, record, union of several types: see avro_walk.h */
} cs_value_kind;

#define CS_UUID_BYTES 16
#define CS_DURATION_BYTES 12

/* How a nested value is read: part of a plan. */
struct cs_avro_reading;

/* The bytes of a value are borrowed: from the block, or from the caller. */
typedef struct cs_value
{
    cs_value_kind kind;
    int16_t nanos;   /* TIME, LOCAL_TIME: nanoseconds beyond the microsecond, 0 to 999 */
    uint16_t column; /* NESTED: which of the plan's columns it is */
    union
    {
        bool boolean;
        int64_t integer;
        float real;
        double dbl;
        cs_slice bytes;      /* BYTES, STRING */
        cs_time time;        /* TIME, LOCAL_TIME */
        int64_t time_of_day; /* microseconds from midnight, below CS_DAY */
        int32_t days;        /* DATE: from 2000-01-01 */
        struct
        {
            const uint8_t *data; /* big-endian two's complement */
            uint32_t len;
            int32_t scale; /* decimal digits behind the point */
        } decimal;
        uint8_t uuid[CS_UUID_BYTES];
        struct
        {
            uint32_t months, days, millis;
        } duration;
        struct
        {
            const uint8_t *data; /* its encoding in the file, its length verified */
            size_t len;
            const struct cs_avro_reading *reading;
        } nested;
    } as;
} cs_value;

/* Which values a column of a type has. */
typedef struct cs_avro_shape
{
    cs_value_kind kind;       /* of its values, where they are not NULL */
    bool nullable;            /* a union with null, or null itself */
    const cs_avro_node *type; /* the type without null; for a union of numbers its widest branch */
} cs_avro_shape;

/*
 * The shape of a type. A union of null and T has T's; a union of numbers widens
 * (int, long to INTEGER; with float or double to DOUBLE); another union is NESTED.
 */
cs_avro_shape cs_avro_shape_of(const cs_avro_node *type);

/* A decimal takes at most this many bytes, sign extension left out. */
#define CS_AVRO_MAX_DECIMAL_BYTES 4096

/* Append a DECIMAL as text: -12.34. CS_ERR_LIMIT past CS_AVRO_MAX_DECIMAL_BYTES. */
cs_code cs_decimal_format(const cs_value *value, cs_buffer *text, cs_error *err);

/*
 * Append text (-12.34, exponents too) as big-endian two's complement at the given
 * scale, at least one byte. CS_ERR_RANGE if it is finer than the scale or no number.
 */
cs_code cs_decimal_parse(cs_slice text, int scale, cs_buffer *bytes, cs_error *err);

/*
 * Append a scalar as text: times as 2024-03-10T08:00:00.5Z (without the Z where
 * they have no zone), dates, durations as P1M2DT3.004S, bytes as \x and
 * hexadecimal digits. Not for FLOAT and DOUBLE, whose text each caller has a
 * library for.
 */
cs_code cs_value_text(const cs_value *value, cs_buffer *out, cs_error *err);

/* Append the bytes that such text of BYTES stands for. CS_ERR_RANGE if it is not of that form. */
cs_code cs_bytes_parse(cs_slice text, cs_buffer *bytes, cs_error *err);

#define CS_UUID_TEXT_SIZE 37
void cs_uuid_format(const uint8_t uuid[CS_UUID_BYTES], char text[CS_UUID_TEXT_SIZE]);
bool cs_uuid_parse(cs_slice text, uint8_t uuid[CS_UUID_BYTES]);

#endif
