/*
 * loader/column_print.c
 *     The text of values, from their binary form: so a load as text gives the
 *     same rows as a binary one.
 */
#include "column_type.h"

#include <inttypes.h>

/* A number in network byte order. */
static uint64_t
read_wire(const uint8_t *binary, size_t len)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len; i++)
        value = value << 8 | binary[i];
    return value;
}

/* smallint, integer, bigint */
cs_code
print_integer(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    int unused = 64 - 8 * (int) len;
    int64_t value = (int64_t) (read_wire(binary, len) << unused) >> unused;

    return cs_buffer_printf(out, err, "%" PRId64, value);
}

/* oid */
cs_code
print_oid(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    return cs_buffer_printf(out, err, "%" PRIu64, read_wire(binary, len));
}

/* real */
cs_code
print_float4(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    uint32_t bits = (uint32_t) read_wire(binary, len);
    float value;

    memcpy(&value, &bits, sizeof(value));
    return append_real_text(value, true, out, err);
}

/* double precision */
cs_code
print_float8(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    uint64_t bits = read_wire(binary, len);
    double value;

    memcpy(&value, &bits, sizeof(value));
    return append_real_text(value, false, out, err);
}

/* boolean */
cs_code
print_bool(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    (void) len;
    return cs_buffer_append(out, binary[0] != 0 ? "t" : "f", 1, err);
}

/* "char", which is empty where the byte is NUL */
cs_code
print_char(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    return cs_buffer_append(out, binary, binary[0] != 0 ? len : 0, err);
}

/* Append a date without its era. */
static cs_code
print_day(int64_t days, bool *before_christ, cs_buffer *out, cs_error *err)
{
    int64_t year;
    int month, day;

    cs_date_from_days(days, &year, &month, &day);
    *before_christ = year <= 0;
    return cs_buffer_printf(out, err, "%04" PRId64 "-%02d-%02d", year <= 0 ? 1 - year : year, month,
                            day);
}

/* Append a time of day. */
static cs_code
print_clock(int64_t micros, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "%02d:%02d:%02d", (int) (micros / CS_HOUR),
                            (int) (micros / CS_MINUTE % 60), (int) (micros / CS_SECOND % 60)));
    return micros % CS_SECOND == 0
               ? CS_OK
               : cs_buffer_printf(out, err, ".%06d", (int) (micros % CS_SECOND));
}

/* Append an infinity. */
static cs_code
print_infinity(bool negative, cs_buffer *out, cs_error *err)
{
    return cs_buffer_printf(out, err, negative ? "-infinity" : "infinity");
}

/* timestamp with time zone; one without ignores the offset */
cs_code
print_timestamp(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    cs_time time = (cs_time) read_wire(binary, len);
    int64_t of_day = (time % CS_DAY + CS_DAY) % CS_DAY;
    bool before_christ;

    if (time == INT64_MIN || time == INT64_MAX)
        return print_infinity(time < 0, out, err);
    CS_TRY(print_day((time - of_day) / CS_DAY, &before_christ, out, err));
    CS_TRY(cs_buffer_append(out, " ", 1, err));
    CS_TRY(print_clock(of_day, out, err));
    return cs_buffer_printf(out, err, "+00%s", before_christ ? " BC" : "");
}

/* date */
cs_code
print_date(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    int32_t days = (int32_t) read_wire(binary, len);
    bool before_christ;

    if (days == INT32_MIN || days == INT32_MAX)
        return print_infinity(days < 0, out, err);
    CS_TRY(print_day(days, &before_christ, out, err));
    return cs_buffer_append(out, " BC", before_christ ? 3 : 0, err);
}

/* time without time zone */
cs_code
print_time(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    return print_clock((int64_t) read_wire(binary, len), out, err);
}

/* interval; none of its parts is negative */
cs_code
print_interval(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    int64_t micros = (int64_t) read_wire(binary, 8);

    (void) len;
    return cs_buffer_printf(out, err, "P%dM%dDT%" PRId64 ".%06dS",
                            (int32_t) read_wire(binary + 12, 4), (int32_t) read_wire(binary + 8, 4),
                            micros / CS_SECOND, (int) (micros % CS_SECOND));
}

/* uuid */
cs_code
print_uuid(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    char text[CS_UUID_TEXT_SIZE];

    (void) len;
    cs_uuid_format(binary, text);
    return cs_buffer_append(out, text, sizeof(text) - 1, err);
}

/* bytea */
cs_code
print_bytea(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    cs_value value = {.kind = CS_VALUE_BYTES, .as.bytes = {(const char *) binary, len}};

    return cs_value_text(&value, out, err);
}

/* jsonb: its text behind the version */
cs_code
print_jsonb(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    return cs_buffer_append(out, binary + 1, len - 1, err);
}
