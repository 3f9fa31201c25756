/*
 * loader/record_json.c
 *     Records as lines of JSON.
 *
 * What most records are made of is written as it is met, nested values event by
 * event; core makes the JSON of the rarer types.
 */
#include "record_json.h"

#include "avro_json.h"
#include "json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_SIZE 32

/* Append the escaped form of a character that JSON strings cannot hold. */
static cs_code
append_escaped(cs_buffer *out, uint8_t c, cs_error *err)
{
    static const char letters[] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
        ['\t'] = 't'};

    if (c < sizeof(letters) && letters[c] != 0)
        return cs_buffer_append(out, (char[]){'\\', letters[c]}, 2, err);
    return cs_buffer_printf(out, err, "\\u%04x", c);
}

cs_code
json_append_quoted(cs_buffer *out, cs_slice text, cs_error *err)
{
    size_t start = 0;

    CS_TRY(cs_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text.len; i++)
    {
        uint8_t c = (uint8_t) text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        CS_TRY(cs_buffer_append(out, text.data + start, i - start, err));
        CS_TRY(append_escaped(out, c, err));
        start = i + 1;
    }
    CS_TRY(cs_buffer_append(out, text.data + start, text.len - start, err));
    return cs_buffer_append(out, "\"", 1, err);
}

/* Append an integer. */
static cs_code
append_integer(cs_buffer *out, int64_t value, cs_error *err)
{
    uint64_t rest = value < 0 ? -(uint64_t) value : (uint64_t) value;
    char text[NUMBER_SIZE];
    char *first = text + sizeof(text);

    do
        *--first = (char) ('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (value < 0)
        *--first = '-';
    return cs_buffer_append(out, first, (size_t) (text + sizeof(text) - first), err);
}

/* Append the shortest text that reads as the number again; single: as a float. */
static cs_code
append_real(cs_buffer *out, double value, bool single, cs_error *err)
{
    char text[NUMBER_SIZE];
    int most = single ? 9 : 17;

    for (int digits = single ? 6 : 15; digits <= most; digits++)
    {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if ((single ? (double) strtof(text, NULL) : strtod(text, NULL)) == value)
            break;
    }
    if (strpbrk(text, ".e") == NULL)
        strcat(text, ".0");
    return cs_buffer_append(out, text, strlen(text), err);
}

/* Append a time without nanoseconds. */
static cs_code
append_time(cs_buffer *out, const cs_value *value, cs_error *err)
{
    char text[CS_TIME_TEXT_SIZE + 2] = "\"";
    size_t len = 1 + cs_time_format(value->as.time, text + 1);

    if (value->kind == CS_VALUE_LOCAL_TIME)
        len--; /* no Z */
    text[len++] = '"';
    return cs_buffer_append(out, text, len, err);
}

/* Append a value of a rarer type by core's JSON. */
static cs_code
append_by_core(cs_buffer *out, const cs_avro_plan *plan, const cs_value *value, cs_error *err)
{
    json_t *json;

    CS_TRY(cs_avro_value_json(plan, value, &json, err));
    return json_append(out, json, err);
}

/* Append a value that is not nested. */
static cs_code
append_scalar(cs_buffer *out, const cs_avro_plan *plan, const cs_value *value, cs_error *err)
{
    switch (value->kind)
    {
        case CS_VALUE_NULL:
            return cs_buffer_append(out, "null", 4, err);
        case CS_VALUE_BOOL:
            return value->as.boolean ? cs_buffer_append(out, "true", 4, err)
                                     : cs_buffer_append(out, "false", 5, err);
        case CS_VALUE_INTEGER:
            return append_integer(out, value->as.integer, err);
        case CS_VALUE_STRING:
            return json_append_quoted(out, value->as.bytes, err);
        case CS_VALUE_FLOAT:
            if (isfinite(value->as.real))
                return append_real(out, (double) value->as.real, true, err);
            break;
        case CS_VALUE_DOUBLE:
            if (isfinite(value->as.dbl))
                return append_real(out, value->as.dbl, false, err);
            break;
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            if (value->nanos == 0)
                return append_time(out, value, err);
            break;
        default:
            break;
    }
    return append_by_core(out, plan, value, err);
}

/* What the events of a nested value write to. */
typedef struct json_writer
{
    cs_buffer *out;
    const cs_avro_plan *plan;
    bool separate; /* a comma comes before the next value or key */
} json_writer;

/* Put a comma between two values. */
static cs_code
separate(json_writer *writer, bool again, cs_error *err)
{
    bool comma = writer->separate;

    writer->separate = again;
    return comma ? cs_buffer_append(writer->out, ",", 1, err) : CS_OK;
}

/* cs_avro_visitor.begin */
static cs_code
visit_begin(void *ctx, cs_avro_type type, cs_error *err)
{
    json_writer *writer = ctx;

    CS_TRY(separate(writer, false, err));
    return cs_buffer_append(writer->out, type == CS_AVRO_ARRAY ? "[" : "{", 1, err);
}

/* cs_avro_visitor.key */
static cs_code
visit_key(void *ctx, cs_slice key, cs_error *err)
{
    json_writer *writer = ctx;

    CS_TRY(separate(writer, false, err));
    CS_TRY(json_append_quoted(writer->out, key, err));
    return cs_buffer_append(writer->out, ":", 1, err);
}

/* cs_avro_visitor.scalar */
static cs_code
visit_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    json_writer *writer = ctx;

    CS_TRY(separate(writer, true, err));
    return append_scalar(writer->out, writer->plan, value, err);
}

/* cs_avro_visitor.end */
static cs_code
visit_end(void *ctx, cs_avro_type type, cs_error *err)
{
    json_writer *writer = ctx;

    writer->separate = true;
    return cs_buffer_append(writer->out, type == CS_AVRO_ARRAY ? "]" : "}", 1, err);
}

cs_code
json_append_value(cs_buffer *out, const cs_avro_plan *plan, const cs_value *value, cs_error *err)
{
    json_writer writer = {out, plan, false};
    const cs_avro_visitor visitor = {&writer, visit_begin, visit_key, visit_scalar, visit_end};

    if (value->kind != CS_VALUE_NESTED)
        return append_scalar(out, plan, value, err);
    return cs_avro_walk(plan, value, &visitor, err);
}
