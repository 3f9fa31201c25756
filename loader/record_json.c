/*
 * loader/record_json.c
 *     Records as lines of JSON.
 *
 * Written as they are met, nested values event by event: no tree is built.
 */
#include "record_json.h"

#include "avro_walk.h"
#include "column_type.h"

#include <math.h>

/* Append the escaped form of a character that JSON strings cannot hold. */
static cs_code
append_escaped(cs_buffer *out, uint8_t c, cs_error *err)
{
    static const char letters[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                   ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

    if (c < sizeof(letters) && letters[c] != 0)
        return cs_buffer_append(out, (char[]){'\\', letters[c]}, 2, err);
    return cs_buffer_printf(out, err, "\\u%04x", c);
}

/* Append text, valid UTF-8, as a JSON string. */
static cs_code
append_quoted(cs_buffer *out, cs_slice text, cs_error *err)
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

/* Append a number as JSON has it: infinities and NaN are text. */
static cs_code
append_real(cs_buffer *out, double value, bool single, cs_error *err)
{
    const char *quote = isfinite(value) ? "" : "\"";
    size_t start;

    CS_TRY(cs_buffer_append(out, quote, strlen(quote), err));
    start = out->len;
    CS_TRY(append_real_text(value, single, out, err));
    for (size_t i = start; i < out->len && isfinite(value); i++)
        if (out->data[i] == '.' || out->data[i] == 'e')
            return CS_OK;
    return isfinite(value) ? cs_buffer_append(out, ".0", 2, err)
                           : cs_buffer_append(out, quote, strlen(quote), err);
}

/* Append a value that is not nested. */
static cs_code
append_scalar(cs_buffer *out, const cs_value *value, cs_error *err)
{
    switch (value->kind)
    {
        case CS_VALUE_NULL:
            return cs_buffer_append(out, "null", 4, err);
        case CS_VALUE_BOOL:
        case CS_VALUE_INTEGER:
            return cs_value_text(value, out, err);
        case CS_VALUE_FLOAT:
            return append_real(out, value->as.real, true, err);
        case CS_VALUE_DOUBLE:
            return append_real(out, value->as.dbl, false, err);
        case CS_VALUE_STRING:
            return append_quoted(out, value->as.bytes, err);
        default: /* digits and ASCII letters, but for the one backslash of bytes */
            CS_TRY(cs_buffer_append(out, "\"\\", value->kind == CS_VALUE_BYTES ? 2 : 1, err));
            CS_TRY(cs_value_text(value, out, err));
            return cs_buffer_append(out, "\"", 1, err);
    }
}

/* What the events of a nested value write to. */
typedef struct json_writer
{
    cs_buffer *out;
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
    CS_TRY(append_quoted(writer->out, key, err));
    return cs_buffer_append(writer->out, ":", 1, err);
}

/* cs_avro_visitor.scalar */
static cs_code
visit_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    json_writer *writer = ctx;

    CS_TRY(separate(writer, true, err));
    return append_scalar(writer->out, value, err);
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
    json_writer writer = {out, false};
    const cs_avro_visitor visitor = {&writer, visit_begin, visit_key, visit_scalar, visit_end};

    if (value->kind != CS_VALUE_NESTED)
        return append_scalar(out, value, err);
    return cs_avro_walk(plan, value, &visitor, err);
}
