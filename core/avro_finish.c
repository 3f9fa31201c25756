/*
 * core/avro_finish.c
 *     Scalars: their form in the file, and from there to their logical type.
 */
#include "avro_reading.h"

/* Read a boolean: one byte, 0 or 1. */
static bool
parse_boolean(cs_avro_bytes *in, bool *value)
{
    if (cs_bytes_left(in) < 1 || *in->at > 1)
        return false;
    *value = *in->at++;
    return true;
}

/* Read a number of a range. */
static bool
parse_number(cs_avro_bytes *in, int64_t min, int64_t max, cs_value *value)
{
    value->kind = CS_VALUE_INTEGER;
    return cs_bytes_long(in, &value->as.integer) && value->as.integer >= min &&
           value->as.integer <= max;
}

/* Copy len bytes of little-endian number. */
static bool
parse_real(cs_avro_bytes *in, void *out, size_t len)
{
    const uint8_t *data;

    if (!cs_bytes_take(in, len, &data))
        return false;
    memcpy(out, data, len);
    return true;
}

/* Read the bytes of a fixed. */
static bool
parse_fixed(cs_avro_bytes *in, size_t size, cs_value *value)
{
    const uint8_t *data;

    if (!cs_bytes_take(in, size, &data))
        return false;
    value->kind = CS_VALUE_BYTES;
    value->as.bytes = (cs_slice){(const char *) data, size};
    return true;
}

/* Read a scalar's form by its type in the file. */
static bool
parse_scalar(const cs_avro_node *type, cs_avro_bytes *in, cs_value *value)
{
    switch (type->type)
    {
        case CS_AVRO_NULL:
            value->kind = CS_VALUE_NULL;
            return true;
        case CS_AVRO_BOOLEAN:
            value->kind = CS_VALUE_BOOL;
            return parse_boolean(in, &value->as.boolean);
        case CS_AVRO_INT:
            return parse_number(in, INT32_MIN, INT32_MAX, value);
        case CS_AVRO_LONG:
            return parse_number(in, INT64_MIN, INT64_MAX, value);
        case CS_AVRO_ENUM:
            return parse_number(in, 0, (int64_t) type->symbols.count - 1, value);
        case CS_AVRO_FLOAT:
            value->kind = CS_VALUE_FLOAT;
            return parse_real(in, &value->as.real, sizeof(float));
        case CS_AVRO_DOUBLE:
            value->kind = CS_VALUE_DOUBLE;
            return parse_real(in, &value->as.dbl, sizeof(double));
        case CS_AVRO_BYTES:
            value->kind = CS_VALUE_BYTES;
            return cs_bytes_slice(in, &value->as.bytes);
        case CS_AVRO_STRING:
            value->kind = CS_VALUE_STRING;
            return cs_bytes_slice(in, &value->as.bytes);
        case CS_AVRO_FIXED:
            return parse_fixed(in, type->size, value);
        default:
            return false;
    }
}

cs_code
cs_reading_parse(const cs_avro_reading *reading, cs_avro_bytes *in, cs_value *value)
{
    return parse_scalar(reading->writer, in, value) ? CS_OK : CS_ERR_DATA;
}

cs_code
cs_reading_check_text(cs_value *value, cs_error *err)
{
    value->kind = CS_VALUE_STRING;
    if (cs_is_text(value->as.bytes, value->as.bytes.len))
        return CS_OK;
    if (memchr(value->as.bytes.data, '\0', value->as.bytes.len) != NULL)
        return cs_fail(err, CS_ERR_RANGE, "string holds a NUL character");
    return cs_fail(err, CS_ERR_RANGE, "string is not valid UTF-8");
}

/* Turn a count of units since 1970 into an instant. */
static cs_code
finish_time(const cs_avro_reading *reading, cs_value *value, cs_error *err)
{
    int64_t count = value->as.integer;
    int64_t time = count;
    int64_t scale = reading->unit == 1000 ? 1000 : 1; /* to microseconds */
    int16_t nanos = 0;

    if (reading->unit == 1000000000)
    {
        nanos = (int16_t) (count % 1000);
        time = count / 1000;
        if (nanos < 0)
        {
            nanos = (int16_t) (nanos + 1000);
            time--;
        }
    }
    if (__builtin_sub_overflow(time, CS_UNIX_OFFSET / scale, &time) ||
        __builtin_mul_overflow(time, scale, &time) || !cs_time_valid(time))
        return cs_fail(err, CS_ERR_RANGE, "timestamp %lld is out of range", (long long) count);
    value->kind = reading->finish == CS_FINISH_TIME ? CS_VALUE_TIME : CS_VALUE_LOCAL_TIME;
    value->nanos = nanos;
    value->as.time = time;
    return CS_OK;
}

/* Turn days since 1970 into days since 2000, in the range that a date can hold. */
static cs_code
finish_date(cs_value *value, cs_error *err)
{
    int64_t days = value->as.integer - CS_UNIX_OFFSET / CS_DAY;

    if (days < CS_DATE_MIN || days >= CS_DATE_END)
        return cs_fail(err, CS_ERR_RANGE, "date %lld is out of range",
                       (long long) value->as.integer);
    value->kind = CS_VALUE_DATE;
    value->as.days = (int32_t) days;
    return CS_OK;
}

/* Turn a count of units since midnight into a time of day. */
static cs_code
finish_time_of_day(const cs_avro_reading *reading, cs_value *value, cs_error *err)
{
    int64_t count = value->as.integer;

    if (count < 0 || count >= INT64_C(86400) * reading->unit)
        return cs_fail(err, CS_ERR_RANGE, "time of day %lld is out of range", (long long) count);
    value->kind = CS_VALUE_TIME_OF_DAY;
    value->as.time_of_day = count * (1000000 / reading->unit);
    return CS_OK;
}

/* Take bytes as a decimal. */
static cs_code
finish_decimal(const cs_avro_reading *reading, cs_value *value, cs_error *err)
{
    cs_slice bytes = value->as.bytes;

    if (bytes.len > UINT32_MAX)
        return cs_fail(err, CS_ERR_RANGE, "decimal of %zu bytes is too large", bytes.len);
    value->kind = CS_VALUE_DECIMAL;
    value->as.decimal.data = (const uint8_t *) bytes.data;
    value->as.decimal.len = (uint32_t) bytes.len;
    value->as.decimal.scale = reading->scale;
    return CS_OK;
}

/* Read a UUID's text. */
static cs_code
finish_uuid(cs_value *value, cs_error *err)
{
    cs_slice text = value->as.bytes;
    uint8_t uuid[CS_UUID_BYTES];

    if (!cs_uuid_parse(text, uuid))
        return cs_fail(err, CS_ERR_RANGE, "string is not a UUID");
    value->kind = CS_VALUE_UUID;
    memcpy(value->as.uuid, uuid, sizeof(uuid));
    return CS_OK;
}

/* Take a fixed as a duration: three little-endian numbers. */
static cs_code
finish_duration(cs_value *value)
{
    uint32_t parts[3];

    memcpy(parts, value->as.bytes.data, sizeof(parts));
    value->kind = CS_VALUE_DURATION;
    value->as.duration.months = le32toh(parts[0]);
    value->as.duration.days = le32toh(parts[1]);
    value->as.duration.millis = le32toh(parts[2]);
    return CS_OK;
}

/* Widen a number to float or double. */
static cs_code
finish_real(const cs_avro_reading *reading, cs_value *value)
{
    double number = value->kind == CS_VALUE_FLOAT ? value->as.real : (double) value->as.integer;

    if (reading->finish == CS_FINISH_FLOAT)
    {
        value->as.real = (float) value->as.integer;
        value->kind = CS_VALUE_FLOAT;
        return CS_OK;
    }
    value->as.dbl = number;
    value->kind = CS_VALUE_DOUBLE;
    return CS_OK;
}

/* Take an enum's number as its symbol. */
static cs_code
finish_symbol(const cs_avro_reading *reading, cs_value *value, cs_error *err)
{
    int64_t number = value->as.integer;

    if (reading->symbols[number].data == NULL)
        return cs_fail(err, CS_ERR_RANGE, "symbol \"%.100s\" is not one of the reader's",
                       reading->writer->symbols.items[number]);
    value->kind = CS_VALUE_STRING;
    value->as.bytes = reading->symbols[number];
    return CS_OK;
}

cs_code
cs_reading_finish(const cs_avro_reading *reading, cs_value *value, cs_error *err)
{
    switch (reading->finish)
    {
        case CS_FINISH_NONE:
            return CS_OK;
        case CS_FINISH_TEXT:
            return cs_reading_check_text(value, err);
        case CS_FINISH_BYTES:
            value->kind = CS_VALUE_BYTES;
            return CS_OK;
        case CS_FINISH_SYMBOL:
            return finish_symbol(reading, value, err);
        case CS_FINISH_FLOAT:
        case CS_FINISH_DOUBLE:
            return finish_real(reading, value);
        case CS_FINISH_TIME:
        case CS_FINISH_LOCAL_TIME:
            return finish_time(reading, value, err);
        case CS_FINISH_DATE:
            return finish_date(value, err);
        case CS_FINISH_TIME_OF_DAY:
            return finish_time_of_day(reading, value, err);
        case CS_FINISH_DECIMAL:
            return finish_decimal(reading, value, err);
        case CS_FINISH_UUID_TEXT:
            return finish_uuid(value, err);
        case CS_FINISH_UUID_BYTES:
            memmove(value->as.uuid, value->as.bytes.data, CS_UUID_BYTES);
            value->kind = CS_VALUE_UUID;
            return CS_OK;
        case CS_FINISH_DURATION:
            return finish_duration(value);
        case CS_FINISH_MISMATCH:
            break;
    }
    return cs_fail(err, CS_ERR_RANGE,
                   "a value of type %s is not one that the reader's schema takes",
                   cs_avro_type_name(reading->writer->type));
}
