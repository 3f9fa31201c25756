/*
 * loader/column_type.c
 *     Values in the binary form of the server's types.
 */
#include "column_type.h"

#include "numeric_text.h"
#include "stop.h"
#include "text_value.h"

#include <endian.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BOOLOID 16
#define CHAROID 18
#define NAMEOID 19
#define INT2OID 21
#define INT4OID 23
#define OIDOID 26
#define JSONOID 114
#define FLOAT4OID 700
#define FLOAT8OID 701
#define BPCHAROID 1042
#define VARCHAROID 1043
#define DATEOID 1082
#define TIMEOID 1083
#define TIMESTAMPOID 1114
#define INTERVALOID 1186
#define NUMERICOID 1700
#define UUIDOID 2950
#define JSONBOID 3802

#define JSONB_VERSION "\1"
#define NAME_TYPE_BYTES 63

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

/* Append a number in network byte order. */
static cs_code
append_int64(cs_buffer *out, int64_t value, cs_error *err)
{
    uint64_t wire = htobe64((uint64_t) value);

    return cs_buffer_append(out, &wire, sizeof(wire), err);
}

/*
 * True if a number's text, read again, gives it back whatever the reader does where a text
 * lies halfway between two numbers: the server's own text is so, too.
 */
static bool
gives_back(const char *text, double value, bool is_float)
{
    long double exact, above, below;

    if (is_float ? strtof(text, NULL) != (float) value : strtod(text, NULL) != value)
        return false;
    if (fabs(value) < (is_float ? 0x1p24 : 0x1p53)) /* none lies halfway */
        return true;
    above = is_float ? nextafterf((float) value, INFINITY) : nextafter(value, INFINITY);
    below = is_float ? nextafterf((float) value, -INFINITY) : nextafter(value, -INFINITY);
    exact = strtold(text, NULL);
    return exact - value != (above - value) / 2 && value - exact != (value - below) / 2;
}

cs_code
append_real_text(double value, bool is_float, cs_buffer *out, cs_error *err)
{
    bool tiny = fabs(value) < (is_float ? (double) FLT_MIN : DBL_MIN); /* with fewer digits */
    char text[40]; /* for any digits: a compiler does not see their limit */

    if (!isfinite(value))
        return cs_buffer_printf(out, err, "%s",
                                isnan(value) ? "NaN"
                                : value > 0  ? "Infinity"
                                             : "-Infinity");
    for (int digits = tiny ? 1 : is_float ? 6 : 15; digits <= 17; digits++)
    {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (gives_back(text, value, is_float))
            break;
    }
    return cs_buffer_printf(out, err, "%s", text);
}

/* Append a decimal. */
static cs_code
append_decimal(const cs_value *value, cs_buffer *out, refusal *why)
{
    cs_code code = cs_decimal_format(value, out, &why->err);

    return code == CS_ERR_LIMIT ? refuse(why, SQLSTATE_NUMBER_RANGE, "decimal is too long") : code;
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
        case CS_VALUE_DECIMAL:
            return append_decimal(value, out, why);
        default:
            return cs_value_text(value, out, &why->err);
    }
}

/* Refuse a duration that no interval holds. */
static cs_code
check_duration(const cs_value *value, refusal *why)
{
    if (value->as.duration.days > INT32_MAX || value->as.duration.months > INT32_MAX)
        return refuse(why, SQLSTATE_NUMBER_RANGE, "duration is out of range for an interval");
    return CS_OK;
}

cs_code
append_literal(const cs_value *value, cs_buffer *out, refusal *why)
{
    uint64_t time = htobe64((uint64_t) value->as.time);
    uint32_t days = htobe32((uint32_t) value->as.days);

    switch (value->kind)
    {
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            return print_timestamp((const uint8_t *) &time, sizeof(time), out, &why->err);
        case CS_VALUE_DATE:
            return print_date((const uint8_t *) &days, sizeof(days), out, &why->err);
        case CS_VALUE_DURATION:
            CS_TRY(check_duration(value, why));
            return append_text(value, out, why);
        default:
            return append_text(value, out, why);
    }
}

/* The text of a number that is not a string; scratch holds it. */
static cs_code
number_text(const cs_value *value, cs_buffer *scratch, cs_slice *text, refusal *why)
{
    cs_buffer_init(scratch, loader_env());
    CS_TRY(append_text(value, scratch, why));
    *text = (cs_slice){(const char *) scratch->data, scratch->len};
    return CS_OK;
}

/* Take a whole number from a decimal, whose digits behind the point must be zeros. */
static cs_code
take_whole(const cs_value *value, int64_t *number, refusal *why)
{
    cs_buffer scratch;
    cs_slice text;
    const char *point;
    cs_code code = number_text(value, &scratch, &text, why);

    point = code == CS_OK ? memchr(text.data, '.', text.len) : NULL;
    while (point != NULL && text.data[text.len - 1] == '0')
        text.len--;
    if (point != NULL && text.data + text.len - 1 == point)
        text.len--;
    else if (point != NULL)
        code = text_refuse(why, SQLSTATE_NUMBER_RANGE, "whole number", text);
    if (code == CS_OK)
        code = text_to_integer(text, number, why);
    cs_buffer_free(&scratch);
    return code;
}

/* Take a whole number from any kind of number. */
static cs_code
take_number(const cs_value *value, int64_t *number, refusal *why)
{
    double real;

    switch (value->kind)
    {
        case CS_VALUE_STRING:
            return text_to_integer(value->as.bytes, number, why);
        case CS_VALUE_DECIMAL:
            return take_whole(value, number, why);
        case CS_VALUE_FLOAT:
        case CS_VALUE_DOUBLE:
            real = value->kind == CS_VALUE_FLOAT ? (double) value->as.real : value->as.dbl;
            if (!(real >= -0x1p63 && real < 0x1p63))
                return refuse(why, SQLSTATE_NUMBER_RANGE, "number is out of range");
            *number = (int64_t) real;
            return (double) *number == real
                       ? CS_OK
                       : refuse(why, SQLSTATE_NUMBER_RANGE, "%g is not a whole number", real);
        default:
            *number = value->as.integer;
            return CS_OK;
    }
}

/* Take a whole number between two bounds. */
static cs_code
take_integer(const cs_value *value, int64_t min, int64_t max, int64_t *number, refusal *why)
{
    *number = value->as.integer;
    if (value->kind != CS_VALUE_INTEGER)
        CS_TRY(take_number(value, number, why));
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

/* oid */
static cs_code
append_oid(const cs_value *value, cs_buffer *out, refusal *why)
{
    int64_t number;

    CS_TRY(take_integer(value, 0, UINT32_MAX, &number, why));
    return append_int32(out, (int32_t) (uint32_t) number, &why->err);
}

/* numeric; a float and a double by their shortest text */
static cs_code
append_numeric(const cs_value *value, cs_buffer *out, refusal *why)
{
    cs_buffer scratch;
    cs_slice text;
    cs_code code;

    if (value->kind == CS_VALUE_STRING)
        return numeric_from_text(value->as.bytes, out, why);
    code = number_text(value, &scratch, &text, why);
    if (code == CS_OK)
        code = numeric_from_text(text, out, why);
    cs_buffer_free(&scratch);
    return code;
}

/* Take a double from a decimal. */
static cs_code
take_decimal(const cs_value *value, double *number, refusal *why)
{
    cs_buffer scratch;
    cs_slice text;
    cs_code code = number_text(value, &scratch, &text, why);

    if (code == CS_OK)
        code = text_to_double(text, number, why);
    cs_buffer_free(&scratch);
    return code;
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
        case CS_VALUE_DECIMAL:
            return take_decimal(value, number, why);
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
    int sign;

    if (value->kind != CS_VALUE_STRING)
        time = value->as.time;
    else if (text_to_infinity(value->as.bytes, &sign))
        time = sign < 0 ? INT64_MIN : INT64_MAX;
    else
        CS_TRY(text_to_time(value->as.bytes, &time, why));
    return append_int64(out, time, &why->err);
}

/* The same for the time of an event: sessions have no infinite ones. */
static cs_code
append_event_time(const cs_value *value, cs_buffer *out, refusal *why)
{
    int sign;

    if (value->kind == CS_VALUE_STRING && text_to_infinity(value->as.bytes, &sign))
        return refuse(why, SQLSTATE_TIME_RANGE, "the time of a request cannot be infinite");
    return append_timestamp(value, out, why);
}

/* date */
static cs_code
append_date(const cs_value *value, cs_buffer *out, refusal *why)
{
    int32_t days;
    int sign;

    if (value->kind != CS_VALUE_STRING)
        days = value->as.days;
    else if (text_to_infinity(value->as.bytes, &sign))
        days = sign < 0 ? INT32_MIN : INT32_MAX;
    else
        CS_TRY(text_to_date(value->as.bytes, &days, why));
    return append_int32(out, days, &why->err);
}

/* time without time zone */
static cs_code
append_time_of_day(const cs_value *value, cs_buffer *out, refusal *why)
{
    int64_t micros = value->as.time_of_day;

    if (value->kind == CS_VALUE_STRING)
        CS_TRY(text_to_time_of_day(value->as.bytes, &micros, why));
    return append_int64(out, micros, &why->err);
}

/* interval */
static cs_code
append_interval(const cs_value *value, cs_buffer *out, refusal *why)
{
    CS_TRY(check_duration(value, why));
    CS_TRY(append_int64(out, value->as.duration.millis * CS_MILLISECOND, &why->err));
    CS_TRY(append_int32(out, (int32_t) value->as.duration.days, &why->err));
    return append_int32(out, (int32_t) value->as.duration.months, &why->err);
}

/* uuid */
static cs_code
append_uuid(const cs_value *value, cs_buffer *out, refusal *why)
{
    uint8_t uuid[CS_UUID_BYTES];

    if (value->kind != CS_VALUE_STRING)
        return cs_buffer_append(out, value->as.uuid, CS_UUID_BYTES, &why->err);
    if (!text_to_uuid(value->as.bytes, uuid))
        return text_refuse(why, SQLSTATE_BAD_TEXT, "UUID", value->as.bytes);
    return cs_buffer_append(out, uuid, CS_UUID_BYTES, &why->err);
}

/* bytea */
static cs_code
append_bytea(const cs_value *value, cs_buffer *out, refusal *why)
{
    if (value->kind == CS_VALUE_STRING)
        return text_to_bytes(value->as.bytes, out, why);
    return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, &why->err);
}

/* name */
static cs_code
append_name(const cs_value *value, cs_buffer *out, refusal *why)
{
    if (value->as.bytes.len > NAME_TYPE_BYTES)
        return refuse(why, SQLSTATE_TOO_LONG, "text is longer than the %d bytes of a name",
                      NAME_TYPE_BYTES);
    return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, &why->err);
}

/* "char": one byte, NUL for an empty text */
static cs_code
append_char(const cs_value *value, cs_buffer *out, refusal *why)
{
    if (value->as.bytes.len > 1)
        return refuse(why, SQLSTATE_TOO_LONG, "text is longer than one byte");
    return cs_buffer_append(out, value->as.bytes.len == 1 ? value->as.bytes.data : "", 1,
                            &why->err);
}

/* json */
static cs_code
append_json(const cs_value *value, cs_buffer *out, refusal *why)
{
    CS_TRY(text_check_json(value->as.bytes, true, why));
    return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, &why->err);
}

/* jsonb */
static cs_code
append_jsonb(const cs_value *value, cs_buffer *out, refusal *why)
{
    CS_TRY(text_check_json(value->as.bytes, false, why));
    CS_TRY(cs_buffer_append(out, JSONB_VERSION, 1, &why->err));
    return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, &why->err);
}

#define ANY_TEXT                                                                           \
    (KIND(STRING) | KIND(INTEGER) | KIND(BOOL) | KIND(FLOAT) | KIND(DOUBLE) | KIND(TIME) | \
     KIND(LOCAL_TIME) | KIND(DATE) | KIND(TIME_OF_DAY) | KIND(DECIMAL) | KIND(UUID) |      \
     KIND(DURATION) | KIND(BYTES))
#define ANY_NUMBER (KIND(STRING) | KIND(INTEGER) | KIND(FLOAT) | KIND(DOUBLE) | KIND(DECIMAL))
#define ANY_INSTANT (KIND(STRING) | KIND(TIME) | KIND(LOCAL_TIME))

static const column_type types[] = {
    {TEXTOID, TYPE_TEXT, ANY_TEXT, append_text, NULL},
    {VARCHAROID, TYPE_TEXT, ANY_TEXT, append_text, NULL},
    {BPCHAROID, TYPE_TEXT, ANY_TEXT, append_text, NULL},
    {NAMEOID, TYPE_SCALAR, KIND(STRING), append_name, NULL},
    {CHAROID, TYPE_SCALAR, KIND(STRING), append_char, print_char},
    {INT2OID, TYPE_SCALAR, ANY_NUMBER, append_smallint, print_integer},
    {INT4OID, TYPE_SCALAR, ANY_NUMBER, append_integer, print_integer},
    {INT8OID, TYPE_SCALAR, ANY_NUMBER, append_bigint, print_integer},
    {OIDOID, TYPE_SCALAR, ANY_NUMBER, append_oid, print_oid},
    {FLOAT4OID, TYPE_SCALAR, ANY_NUMBER, append_float4, print_float4},
    {FLOAT8OID, TYPE_SCALAR, ANY_NUMBER, append_float8, print_float8},
    {NUMERICOID, TYPE_SCALAR, ANY_NUMBER, append_numeric, numeric_to_text},
    {BOOLOID, TYPE_SCALAR, KIND(STRING) | KIND(BOOL), append_bool, print_bool},
    {TIMESTAMPTZOID, TYPE_SCALAR, KIND(STRING) | KIND(TIME), append_timestamp, print_timestamp},
    {TIMESTAMPOID, TYPE_SCALAR, ANY_INSTANT, append_timestamp, print_timestamp},
    {DATEOID, TYPE_SCALAR, KIND(STRING) | KIND(DATE), append_date, print_date},
    {TIMEOID, TYPE_SCALAR, KIND(STRING) | KIND(TIME_OF_DAY), append_time_of_day, print_time},
    {INTERVALOID, TYPE_SCALAR, KIND(DURATION), append_interval, print_interval},
    {UUIDOID, TYPE_SCALAR, KIND(STRING) | KIND(UUID), append_uuid, print_uuid},
    {BYTEAOID, TYPE_SCALAR, KIND(STRING) | KIND(BYTES), append_bytea, print_bytea},
    {JSONOID, TYPE_JSON, KIND(STRING), append_json, NULL},
    {JSONBOID, TYPE_JSON, KIND(STRING), append_jsonb, print_jsonb},
};

const column_type *
column_type_other(bool is_array)
{
    static const column_type array = {0, TYPE_ARRAY, KIND(STRING), append_text, NULL};
    static const column_type other = {0, TYPE_OTHER, ANY_TEXT, append_literal, NULL};

    return is_array ? &array : &other;
}

const column_type *
column_type_event_time(void)
{
    static const column_type type = {TIMESTAMPTZOID, TYPE_SCALAR, KIND(STRING) | KIND(TIME),
                                     append_event_time, print_timestamp};

    return &type;
}

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

bool
column_type_accepts_nested(const column_type *type, bool is_union)
{
    return type->class != TYPE_SCALAR || is_union;
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
