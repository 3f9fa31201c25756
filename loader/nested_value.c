/*
 * loader/nested_value.c
 *     Flattening nested values.
 *
 * Core walks the value. Its first event tells what becomes of it: a scalar, alone in a
 * union, stays one; an array that goes to an array column is written as {...}; all else
 * as JSON. In an array's literal every item but NULL is quoted, which any type's input
 * takes; a record or map in it is JSON text.
 */
#include "nested_value.h"

#include "stop.h"

/* What becomes of the value. */
typedef enum flat_form
{
    FLAT_UNKNOWN, /* nothing was met yet */
    FLAT_SCALAR,
    FLAT_LITERAL,
    FLAT_JSON
} flat_form;

/* One walk. */
typedef struct flattening
{
    nested_writer *writer;
    const load_column *column;
    cs_value *flat;
    refusal *why;
    const char *bad_text; /* SQLSTATE of a string that is no text; NULL: none was met */
    cs_avro_visitor json;
    flat_form form;
    int json_depth; /* containers that are open as JSON */
    bool first;     /* of the items of the literal's innermost array */
} flattening;

/* Set up; memory is taken when the first value is written. */
void
nested_writer_init(nested_writer *writer)
{
    writer->json = (json_lines){.json = NULL};
    cs_buffer_init(&writer->json_text, loader_env());
    cs_buffer_init(&writer->literal, loader_env());
    cs_buffer_init(&writer->item, loader_env());
}

/* Free the buffers. */
void
nested_writer_free(nested_writer *writer)
{
    json_lines_free(&writer->json);
    cs_buffer_free(&writer->json_text);
    cs_buffer_free(&writer->literal);
    cs_buffer_free(&writer->item);
}

/* Start a JSON text. */
static cs_code
start_json(nested_writer *writer, cs_error *err)
{
    writer->json_text.len = 0;
    if (writer->json.json == NULL)
    {
        if (!json_lines_init(&writer->json, &writer->json_text))
            return cs_fail_memory(err, sizeof(json_lines));
        writer->json.plain_numbers = true;
    }
    json_lines_abandon(&writer->json);
    return CS_OK;
}

/* Append what stands before an item. */
static cs_code
separate(flattening *f, cs_error *err)
{
    bool first = f->first;

    f->first = false;
    return cs_buffer_append(&f->writer->literal, &f->column->delimiter, first ? 0 : 1, err);
}

/* Append an item in quotes. */
static cs_code
append_quoted(flattening *f, const cs_buffer *text, cs_error *err)
{
    cs_buffer *out = &f->writer->literal;

    CS_TRY(cs_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text->len; i++)
    {
        if (text->data[i] == '"' || text->data[i] == '\\')
            CS_TRY(cs_buffer_append(out, "\\", 1, err));
        CS_TRY(cs_buffer_append(out, &text->data[i], 1, err));
    }
    return cs_buffer_append(out, "\"", 1, err);
}

/* cs_avro_visitor.begin */
static cs_code
begin(void *ctx, cs_avro_type type, cs_error *err)
{
    flattening *f = ctx;

    if (f->form == FLAT_UNKNOWN)
    {
        bool literal = type == CS_AVRO_ARRAY && f->column->type->class == TYPE_ARRAY;

        f->form = literal ? FLAT_LITERAL : FLAT_JSON;
        f->first = true;
        if (!literal)
            CS_TRY(start_json(f->writer, err));
    }
    if (f->form == FLAT_LITERAL && f->json_depth == 0)
    {
        CS_TRY(separate(f, err));
        if (type == CS_AVRO_ARRAY)
        {
            f->first = true;
            return cs_buffer_append(&f->writer->literal, "{", 1, err);
        }
        CS_TRY(start_json(f->writer, err));
    }
    f->json_depth++;
    return f->json.begin(f->json.ctx, type, err);
}

/* cs_avro_visitor.key */
static cs_code
key(void *ctx, cs_slice text, cs_error *err)
{
    flattening *f = ctx;

    return f->json.key(f->json.ctx, text, err);
}

/* cs_avro_visitor.scalar */
static cs_code
scalar(void *ctx, const cs_value *value, cs_error *err)
{
    flattening *f = ctx;

    if (f->form == FLAT_UNKNOWN)
    {
        f->form = FLAT_SCALAR;
        *f->flat = *value;
        return CS_OK;
    }
    if (f->form == FLAT_JSON || f->json_depth > 0)
        return f->json.scalar(f->json.ctx, value, err);
    CS_TRY(separate(f, err));
    if (value->kind == CS_VALUE_NULL)
        return cs_buffer_append(&f->writer->literal, "NULL", 4, err);
    f->writer->item.len = 0;
    CS_TRY(append_literal(value, &f->writer->item, f->why));
    return append_quoted(f, &f->writer->item, err);
}

/* cs_avro_visitor.end */
static cs_code
end(void *ctx, cs_avro_type type, cs_error *err)
{
    flattening *f = ctx;

    if (f->json_depth == 0)
    {
        f->first = false;
        return cs_buffer_append(&f->writer->literal, "}", 1, err);
    }
    CS_TRY(f->json.end(f->json.ctx, type, err));
    if (--f->json_depth == 0 && f->form == FLAT_LITERAL)
        return append_quoted(f, &f->writer->json_text, err);
    return CS_OK;
}

/* cs_avro_text_judge: what is no text is refused. A NUL character is not in JSON as jsonb has it.
 */
static cs_code
judge_text(void *ctx, cs_slice text, cs_error *err)
{
    flattening *f = ctx;
    bool json = f->form == FLAT_JSON || f->json_depth > 0;

    (void) err;
    f->bad_text = json && memchr(text.data, '\0', text.len) != NULL ? SQLSTATE_BAD_CHARACTER
                                                                    : SQLSTATE_BAD_ENCODING;
    return CS_ERR_RANGE;
}

/* Refuse a row for what the walk came to, unless it is no fault of the row. */
static cs_code
refuse_walk(const flattening *f, refusal *why, cs_code code)
{
    const char *state = code == CS_ERR_DATA    ? SQLSTATE_BAD_BINARY
                        : code == CS_ERR_LIMIT ? SQLSTATE_LIMIT
                        : f->bad_text != NULL  ? f->bad_text
                                               : SQLSTATE_BAD_DATA;

    if (code != CS_ERR_DATA && code != CS_ERR_LIMIT && code != CS_ERR_RANGE)
        return code;
    why->err.code = CS_ERR_RANGE;
    why->sqlstate = state;
    return CS_ERR_RANGE;
}

/* Take what was written. */
static void
take_text(const flattening *f)
{
    const cs_buffer *text = f->form == FLAT_JSON ? &f->writer->json_text : &f->writer->literal;

    *f->flat =
        (cs_value){.kind = CS_VALUE_STRING, .as.bytes = {(const char *) text->data, text->len}};
}

cs_code
nested_flatten(nested_writer *writer, const load_column *column, const cs_value *value,
               cs_value *flat, refusal *why)
{
    flattening f = {.writer = writer,
                    .column = column,
                    .flat = flat,
                    .why = why,
                    .json = json_lines_visitor(&writer->json)};
    const cs_avro_visitor visitor = {&f, begin, key, scalar, end};
    cs_code code;

    writer->literal.len = 0;
    if (column->type->class == TYPE_JSON)
    {
        f.form = FLAT_JSON;
        CS_TRY(start_json(writer, &why->err));
    }
    code = cs_avro_walk_judged(column->plan, value, &visitor, judge_text, &why->err);
    if (code != CS_OK)
        return refuse_walk(&f, why, code);
    if (f.form != FLAT_SCALAR)
        take_text(&f);
    if (f.form == FLAT_SCALAR ? column_type_accepts(column->type, flat->kind)
                              : column->type->class != TYPE_SCALAR)
        return CS_OK;
    return refuse(why, SQLSTATE_WRONG_TYPE, "the union's %s does not go into the column's type",
                  value_kind_name(f.form == FLAT_SCALAR ? flat->kind : CS_VALUE_NESTED));
}
