/*
 * core/avro_text.c
 *     Scalars as text.
 */
#include "avro_value.h"

#include <inttypes.h>
#include <stdio.h>

/* Append an instant: in UTC with a Z, or without a zone. */
static cs_code
time_text(const cs_value *value, cs_buffer *out, cs_error *err)
{
    char text[CS_TIME_TEXT_SIZE];
    size_t len = cs_time_format(value->as.time, text) - 1; /* without the Z */

    CS_TRY(cs_buffer_append(out, text, len, err));
    if (value->nanos != 0)
        CS_TRY(cs_buffer_printf(out, err, "%s%03d", memchr(text, '.', len) ? "" : ".000000",
                                value->nanos));
    return cs_buffer_append(out, "Z", value->kind == CS_VALUE_TIME, err);
}

/* Append a day. */
static cs_code
date_text(int32_t days, cs_buffer *out, cs_error *err)
{
    int64_t year;
    int month, day;

    cs_date_from_days(days, &year, &month, &day);
    return cs_buffer_printf(
        out, err, year > 9999 || year < 0 ? "%+05" PRId64 "-%02d-%02d" : "%04" PRId64 "-%02d-%02d",
        year, month, day);
}

/* Append a time of day: what stands behind the T of that time on some day. */
static cs_code
time_of_day_text(int64_t micros, cs_buffer *out, cs_error *err)
{
    char text[CS_TIME_TEXT_SIZE];
    size_t len = cs_time_format(micros, text);
    const char *time = memchr(text, 'T', len);

    return cs_buffer_append(out, time + 1, len - (size_t) (time - text) - 2, err);
}

/* Append a duration in the form of ISO 8601. */
static cs_code
duration_text(const cs_value *value, cs_buffer *out, cs_error *err)
{
    uint32_t millis = value->as.duration.millis;

    CS_TRY(cs_buffer_printf(out, err, "P%" PRIu32 "M%" PRIu32 "DT%" PRIu32,
                            value->as.duration.months, value->as.duration.days, millis / 1000));
    if (millis % 1000 != 0)
        CS_TRY(cs_buffer_printf(out, err, ".%03" PRIu32, millis % 1000));
    return cs_buffer_append(out, "S", 1, err);
}

/* Append bytes as \x and hexadecimal digits. */
static cs_code
bytes_text(cs_slice bytes, cs_buffer *out, cs_error *err)
{
    static const char digits[] = "0123456789abcdef";

    CS_TRY(cs_buffer_append(out, "\\x", 2, err));
    if (bytes.len > SIZE_MAX / 2)
        return cs_fail_memory(err, SIZE_MAX);
    CS_TRY(cs_buffer_reserve(out, 2 * bytes.len, err));
    for (size_t i = 0; i < bytes.len; i++)
    {
        uint8_t byte = (uint8_t) bytes.data[i];

        out->data[out->len++] = (uint8_t) digits[byte >> 4];
        out->data[out->len++] = (uint8_t) digits[byte & 15];
    }
    return CS_OK;
}

cs_code
cs_bytes_parse(cs_slice text, cs_buffer *bytes, cs_error *err)
{
    size_t start = bytes->len;
    bool right = text.len >= 2 && text.len % 2 == 0 && memcmp(text.data, "\\x", 2) == 0;

    CS_TRY(cs_buffer_reserve(bytes, text.len / 2, err));
    for (size_t i = 2; i < text.len && right; i += 2)
    {
        int high = cs_hex_digit(text.data[i]), low = cs_hex_digit(text.data[i + 1]);

        right = high >= 0 && low >= 0;
        if (right)
            bytes->data[bytes->len++] = (uint8_t) (high << 4 | low);
    }
    if (right)
        return CS_OK;
    bytes->len = start;
    return cs_fail(err, CS_ERR_RANGE, "text is not \\x and hexadecimal digits");
}

cs_code
cs_value_text(const cs_value *value, cs_buffer *out, cs_error *err)
{
    char uuid[CS_UUID_TEXT_SIZE];

    switch (value->kind)
    {
        case CS_VALUE_BOOL:
            return cs_buffer_printf(out, err, "%s", value->as.boolean ? "true" : "false");
        case CS_VALUE_INTEGER:
            return cs_buffer_printf(out, err, "%" PRId64, value->as.integer);
        case CS_VALUE_STRING:
            return cs_buffer_append(out, value->as.bytes.data, value->as.bytes.len, err);
        case CS_VALUE_BYTES:
            return bytes_text(value->as.bytes, out, err);
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            return time_text(value, out, err);
        case CS_VALUE_DATE:
            return date_text(value->as.days, out, err);
        case CS_VALUE_TIME_OF_DAY:
            return time_of_day_text(value->as.time_of_day, out, err);
        case CS_VALUE_DECIMAL:
            return cs_decimal_format(value, out, err);
        case CS_VALUE_UUID:
            cs_uuid_format(value->as.uuid, uuid);
            return cs_buffer_append(out, uuid, sizeof(uuid) - 1, err);
        case CS_VALUE_DURATION:
            return duration_text(value, out, err);
        case CS_VALUE_NULL:
        case CS_VALUE_FLOAT:
        case CS_VALUE_DOUBLE:
        case CS_VALUE_NESTED:
            break;
    }
    return cs_fail(err, CS_ERR_ARGUMENT, "value has no text of its own");
}
