/*
 * loader/column_type.c
 *     Values in the binary form of the server's types.
 */
#include "column_type.h"

#include "text_value.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BOOLOID 16
#define INT2OID 21
#define INT4OID 23
#define FLOAT4OID 700
#define FLOAT8OID 701
#define BPCHAROID 1042
#define VARCHAROID 1043
#define DATEOID 1082
#define TIMEOID 1083
#define TIMESTAMPOID 1114
#define TIMESTAMPTZOID 1184
#define INTERVALOID 1186
#define UUIDOID 2950

#define KIND(name) (1u << CS_VALUE_##name)

cs_code
append_int16(cs_buffer *out, int16_t value, cs_error *err)
{
    uint16_t wire = htobe16((uint16_t) value);

    return cs_buffer_append(out, &wire, sizeof(wire), err);
}

cs_code
append_int32(cs_buffer *out, int32_t value, cs_error *err)
{
    uint32_t wire = htobe32((uint32_t) value);

    return cs_buffer_append(out, &wire, sizeof(wire), err);
}

cs_code
append_int64(cs_buffer *out, int64_t value, cs_error *err)
{
    uint64_t wire = htobe64((uint64_t) value);

    return cs_buffer_append(out, &wire, sizeof(wire), err);
}

cs_code
append_real_text(double value, bool is_float, cs_buffer *out, cs_error *err)
{
    char text[32];

    if (!isfinite(value))
        return cs_buffer_printf(out, err, "%s",
                                isnan(value) ? "NaN"
                                : value > 0  ? "Infinity"
                                             : "-Infinity");
    for (int digits = is_float ? 6 : 15; digits <= 17; digits++)
    {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float) value : strtod(text, NULL) == value)
            break;
    }
    return cs_buffer_printf(out, err, "%s", text);
}

/* text, varchar, bpchar */
static cs_code
append_text(const cs_value *value, cs_buffer *out, refusal *why)
{
    switch (value->kind)
    {
        case CS_VALUE_FLOAT:
            return append_real_text(value->as.real, true, out, &why->err);
        case CS_VALUE_DOUBLE:
            return append_real_text(value->as.dbl, false, out, &why->err);
        default:
            return cs_value_text(value, out, &why->err);
    }
}

/* Take a whole number between two bounds. */
static cs_code
take_integer(const cs_value *value, int64_t min, int64_t max, int64_t *number, refusal *why)
{
    *number = value->as.integer;
    if (value->kind == CS_VALUE_STRING)
        CS_TRY(text_to_integer(value->as.bytes, number, why));
    if (*number < min || *number > max)
        return refuse(why, SQLSTATE_NUMBER_RANGE,
                      "%" PRId64 " is not between %" PRId64 " and %" PRId64, *number, min, max);
    return CS_OK;
}

/* smallint */
static cs_code
append_smallint(const cs_value *value, cs_buffer *out, refusal *why)
{
    int64_t number;

    CS_TRY(take_integer(value, INT16_MIN, INT16_MAX, &number, why));
    return append_int16(out, (int16_t) number, &why->err);
}

/* integer */
static cs_code
append_integer(const cs_value *value, cs_buffer *out, refusal *why)
{
    int64_t number;

    CS_TRY(take_integer(value, INT32_MIN, INT32_MAX, &number, why));
    return append_int32(out, (int32_t) number, &why->err);
}

/* bigint */
static cs_code
append_bigint(const cs_value *value, cs_buffer *out, refusal *why)
{
    int64_t number;

    CS_TRY(take_integer(value, INT64_MIN, INT64_MAX, &number, why));
    return append_int64(out, number, &why->err);
}

/* Take a number. */
static cs_code
take_double(const cs_value *value, double *number, refusal *why)
{
    switch (value->kind)
    {
        case CS_VALUE_INTEGER:
            *number = (double) value->as.integer; /* as the server's own cast */
            return CS_OK;
        case CS_VALUE_FLOAT:
            *number = value->as.real;
            return CS_OK;
        case CS_VALUE_DOUBLE:
            *number = value->as.dbl;
            return CS_OK;
        default:
            return text_to_double(value->as.bytes, number, why);
    }
}

/* double precision */
static cs_code
append_float8(const cs_value *value, cs_buffer *out, refusal *why)
{
    double number;
    int64_t bits;

    CS_TRY(take_double(value, &number, why));
    memcpy(&bits, &number, sizeof(bits));
    return append_int64(out, bits, &why->err);
}

/* real */
static cs_code
append_float4(const cs_value *value, cs_buffer *out, refusal *why)
{
    double number;
    float narrow;
    int32_t bits;

    CS_TRY(take_double(value, &number, why));
    narrow = (float) number;
    if ((isinf(narrow) && !isinf(number)) || (narrow == 0 && number != 0))
        return refuse(why, SQLSTATE_NUMBER_RANGE, "number is out of range for a real");
    memcpy(&bits, &narrow, sizeof(bits));
    return append_int32(out, bits, &why->err);
}

/* boolean */
static cs_code
append_bool(const cs_value *value, cs_buffer *out, refusal *why)
{
    bool truth;

    if (value->kind == CS_VALUE_STRING)
        CS_TRY(text_to_bool(value->as.bytes, &truth, why));
    else
        truth = value->as.boolean;
    return cs_buffer_append(out, truth ? "\1" : "\0", 1, &why->err);
}

/* timestamp with time zone; timestamp without one, which holds the time in UTC */
static cs_code
append_timestamp(const cs_value *value, cs_buffer *out, refusal *why)
{
    cs_time time;

    if (value->kind == CS_VALUE_STRING)
        CS_TRY(text_to_time(value->as.bytes, &time, why));
    else
        time = value->as.time;
    return append_int64(out, time, &why->err);
}

/* date */
static cs_code
append_date(const cs_value *value, cs_buffer *out, refusal *why)
{
    int32_t days = value->as.days;

    if (value->kind == CS_VALUE_STRING)
        CS_TRY(text_to_date(value->as.bytes, &days, why));
    return append_int32(out, days, &why->err);
}

/* time without time zone */
static cs_code
append_time_of_day(const cs_value *value, cs_buffer *out, refusal *why)
{
    return append_int64(out, value->as.time_of_day, &why->err);
}

/* interval */
static cs_code
append_interval(const cs_value *value, cs_buffer *out, refusal *why)
{
    uint32_t days = value->as.duration.days, months = value->as.duration.months;

    if (days > INT32_MAX || months > INT32_MAX)
        return refuse(why, SQLSTATE_NUMBER_RANGE, "duration is out of range for an interval");
    CS_TRY(append_int64(out, value->as.duration.millis * CS_MILLISECOND, &why->err));
    CS_TRY(append_int32(out, (int32_t) days, &why->err));
    return append_int32(out, (int32_t) months, &why->err);
}

/* uuid */
static cs_code
append_uuid(const cs_value *value, cs_buffer *out, refusal *why)
{
    return cs_buffer_append(out, value->as.uuid, CS_UUID_BYTES, &why->err);
}

/* bytea */
static cs_code
append_bytea(const cs_value *value, cs_buffer *out, refusal *why)
{
    if (value->kind == CS_VALUE_STRING)
        return text_to_bytes(value->as.bytes, out, why);
    return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, &why->err);
}

#define ANY_TEXT                                                                           \
    (KIND(STRING) | KIND(INTEGER) | KIND(BOOL) | KIND(FLOAT) | KIND(DOUBLE) | KIND(TIME) | \
     KIND(LOCAL_TIME) | KIND(DATE) | KIND(TIME_OF_DAY) | KIND(DECIMAL) | KIND(UUID) |      \
     KIND(DURATION))
#define ANY_NUMBER (KIND(STRING) | KIND(INTEGER) | KIND(FLOAT) | KIND(DOUBLE))

static const column_type types[] = {
    {TEXTOID, ANY_TEXT, append_text},
    {VARCHAROID, ANY_TEXT, append_text},
    {BPCHAROID, ANY_TEXT, append_text},
    {INT2OID, KIND(STRING) | KIND(INTEGER), append_smallint},
    {INT4OID, KIND(STRING) | KIND(INTEGER), append_integer},
    {INT8OID, KIND(STRING) | KIND(INTEGER), append_bigint},
    {FLOAT4OID, ANY_NUMBER, append_float4},
    {FLOAT8OID, ANY_NUMBER, append_float8},
    {BOOLOID, KIND(STRING) | KIND(BOOL), append_bool},
    {TIMESTAMPTZOID, KIND(STRING) | KIND(TIME), append_timestamp},
    {TIMESTAMPOID, KIND(STRING) | KIND(TIME) | KIND(LOCAL_TIME), append_timestamp},
    {DATEOID, KIND(STRING) | KIND(DATE), append_date},
    {TIMEOID, KIND(TIME_OF_DAY), append_time_of_day},
    {INTERVALOID, KIND(DURATION), append_interval},
    {UUIDOID, KIND(UUID), append_uuid},
    {BYTEAOID, KIND(STRING) | KIND(BYTES), append_bytea},
};

const column_type *
column_type_find(uint32_t oid)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].oid == oid)
            return &types[i];
    return NULL;
}

bool
column_type_accepts(const column_type *type, cs_value_kind kind)
{
    return kind == CS_VALUE_NULL || (type->accepts & 1u << kind) != 0;
}

const char *
value_kind_name(cs_value_kind kind)
{
    static const char *const names[] = {
        [CS_VALUE_NULL] = "null",
        [CS_VALUE_BOOL] = "boolean",
        [CS_VALUE_INTEGER] = "integer",
        [CS_VALUE_FLOAT] = "float",
        [CS_VALUE_DOUBLE] = "double",
        [CS_VALUE_BYTES] = "bytes",
        [CS_VALUE_STRING] = "string",
        [CS_VALUE_TIME] = "timestamp",
        [CS_VALUE_LOCAL_TIME] = "local timestamp",
        [CS_VALUE_DATE] = "date",
        [CS_VALUE_TIME_OF_DAY] = "time",
        [CS_VALUE_DECIMAL] = "decimal",
        [CS_VALUE_UUID] = "uuid",
        [CS_VALUE_DURATION] = "duration",
        [CS_VALUE_NESTED] = "nested",
    };

    return names[kind];
}
