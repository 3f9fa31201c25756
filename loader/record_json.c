/*
 * loader/record_json.c
 *     Records as lines of JSON.
 */
#include "record_json.h"

#include "column_type.h"
#include "stop.h"

#include <math.h>
#include <yajl/yajl_gen.h>

/* yajl_print_t: append to the buffer. */
static void
append(void *ctx, const char *text, size_t len)
{
    json_lines *lines = ctx;
    cs_error err;

    if (cs_buffer_append(lines->out, text, len, &err) != CS_OK && lines->err != NULL)
        *lines->err = err;
}

bool
json_lines_init(json_lines *lines, cs_buffer *out)
{
    *lines = (json_lines){.out = out, .json = yajl_gen_alloc(NULL)};
    return lines->json != NULL &&
           yajl_gen_config(lines->json, yajl_gen_print_callback, append, lines) != 0;
}

/* Free the generator; one that was never set up is fine. */
void
json_lines_free(json_lines *lines)
{
    if (lines->json != NULL)
        yajl_gen_free(lines->json);
    lines->json = NULL;
}

/* Point the appends to an error that says that there was none. */
static json_lines *
start(json_lines *lines, cs_error *err)
{
    cs_error_clear(err);
    lines->err = err;
    return lines;
}

/* What a call of the generator came to. */
static cs_code
outcome(json_lines *lines, yajl_gen_status status, cs_error *err)
{
    lines->err = NULL;
    if (err->code != CS_OK)
        return err->code;
    if (status == yajl_max_depth_exceeded)
        return cs_fail(err, CS_ERR_LIMIT, "value is nested too deeply to be written as JSON");
    if (status != yajl_gen_status_ok)
        return cs_fail(err, CS_ERR_ARGUMENT, "value cannot be written as JSON");
    return CS_OK;
}

/* Append text, valid UTF-8, as a string. */
static cs_code
append_string(json_lines *lines, cs_slice text, cs_error *err)
{
    json_lines *to = start(lines, err);

    return outcome(to, yajl_gen_string(to->json, (const unsigned char *) text.data, text.len), err);
}

/* Append text as a number. */
static cs_code
append_number(json_lines *lines, const cs_buffer *text, cs_error *err)
{
    json_lines *to = start(lines, err);

    return outcome(to, yajl_gen_number(to->json, (const char *) text->data, text->len), err);
}

/*
 * Append a float or a double: with a point or an exponent unless numbers are plain; as text
 * where JSON has no number.
 */
static cs_code
append_real(json_lines *lines, const cs_value *value, cs_buffer *text, cs_error *err)
{
    bool single = value->kind == CS_VALUE_FLOAT;
    double number = single ? value->as.real : value->as.dbl;

    CS_TRY(append_real_text(number, single, text, err));
    if (!isfinite(number))
        return append_string(lines, (cs_slice){(const char *) text->data, text->len}, err);
    if (!lines->plain_numbers && memchr(text->data, '.', text->len) == NULL &&
        memchr(text->data, 'e', text->len) == NULL)
        CS_TRY(cs_buffer_append(text, ".0", 2, err));
    return append_number(lines, text, err);
}

/* Append what takes a text of its own first. */
static cs_code
append_formatted(json_lines *lines, const cs_value *value, cs_error *err)
{
    cs_buffer text;
    cs_code code;

    cs_buffer_init(&text, loader_env());
    if (value->kind == CS_VALUE_FLOAT || value->kind == CS_VALUE_DOUBLE)
        code = append_real(lines, value, &text, err);
    else
    {
        code = cs_value_text(value, &text, err);
        if (code == CS_OK && value->kind == CS_VALUE_DECIMAL && lines->plain_numbers)
            code = append_number(lines, &text, err);
        else if (code == CS_OK)
            code = append_string(lines, (cs_slice){(const char *) text.data, text.len}, err);
    }
    cs_buffer_free(&text);
    return code;
}

/* cs_avro_visitor.scalar, and the whole of a value that is not nested */
static cs_code
visit_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    json_lines *lines = start(ctx, err);

    switch (value->kind)
    {
        case CS_VALUE_NULL:
            return outcome(lines, yajl_gen_null(lines->json), err);
        case CS_VALUE_BOOL:
            return outcome(lines, yajl_gen_bool(lines->json, value->as.boolean), err);
        case CS_VALUE_INTEGER:
            return outcome(lines, yajl_gen_integer(lines->json, value->as.integer), err);
        case CS_VALUE_STRING:
            return append_string(lines, value->as.bytes, err);
        default:
            return append_formatted(lines, value, err);
    }
}

/* cs_avro_visitor.begin */
static cs_code
visit_begin(void *ctx, cs_avro_type type, cs_error *err)
{
    json_lines *lines = start(ctx, err);

    return outcome(lines,
                   type == CS_AVRO_ARRAY ? yajl_gen_array_open(lines->json)
                                         : yajl_gen_map_open(lines->json),
                   err);
}

/* cs_avro_visitor.key */
static cs_code
visit_key(void *ctx, cs_slice key, cs_error *err)
{
    return append_string(ctx, key, err);
}

/* cs_avro_visitor.end */
static cs_code
visit_end(void *ctx, cs_avro_type type, cs_error *err)
{
    json_lines *lines = start(ctx, err);

    return outcome(lines,
                   type == CS_AVRO_ARRAY ? yajl_gen_array_close(lines->json)
                                         : yajl_gen_map_close(lines->json),
                   err);
}

cs_code
json_lines_begin(json_lines *lines, cs_error *err)
{
    return visit_begin(lines, CS_AVRO_RECORD, err);
}

cs_code
json_lines_key(json_lines *lines, const char *key, cs_error *err)
{
    return append_string(lines, cs_slice_of(key), err);
}

cs_code
json_lines_end(json_lines *lines, cs_error *err)
{
    return visit_end(lines, CS_AVRO_RECORD, err);
}

cs_avro_visitor
json_lines_visitor(json_lines *lines)
{
    return (cs_avro_visitor){lines, visit_begin, visit_key, visit_scalar, visit_end};
}

cs_code
json_lines_value(json_lines *lines, const cs_avro_plan *plan, const cs_value *value, cs_error *err)
{
    const cs_avro_visitor visitor = json_lines_visitor(lines);

    return cs_avro_walk(plan, value, &visitor, err);
}

cs_code
json_lines_finish(json_lines *lines, cs_error *err)
{
    yajl_gen_reset(lines->json, NULL);
    return cs_buffer_append(lines->out, "\n", 1, err);
}

void
json_lines_abandon(json_lines *lines)
{
    yajl_gen_reset(lines->json, NULL);
}
