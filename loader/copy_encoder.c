/*
 * loader/copy_encoder.c
 *     Encoding rows for COPY.
 *
 * The binary stream is a signature, then for each row its number of fields, and
 * for each field a length (-1: NULL) and that many bytes; a count of -1 ends it.
 * All numbers are in network byte order. The text stream has a line for each row,
 * and tabs between fields; "\N" is NULL, and a backslash escapes what would be
 * taken for one of these.
 */
#include "copy_encoder.h"

#include "stop.h"

#include <endian.h>

#define SIGNATURE "PGCOPY\n\377\r\n" /* and its terminating NUL */
#define LENGTH_BYTES 4

/* byte_sink_ops.put of a file */
static bool
put_file(byte_sink *sink, const void *data, size_t len)
{
    return fwrite(data, 1, len, ((file_spool *) sink)->file) == len;
}

/* Set up a sink on an open file. */
void
file_spool_init(file_spool *spool, FILE *file)
{
    static const byte_sink_ops ops = {put_file};

    *spool = (file_spool){{&ops}, file};
}

/* Start an encoder. */
void
copy_encoder_init(copy_encoder *encoder, byte_sink *next)
{
    encoder->next = next;
    encoder->form = COPY_BINARY;
    encoder->broken = false;
    nested_writer_init(&encoder->nested);
    cs_buffer_init(&encoder->out, loader_env());
    cs_buffer_init(&encoder->field, loader_env());
    cs_buffer_init(&encoder->text, loader_env());
}

/* Free the buffers. */
void
copy_encoder_free(copy_encoder *encoder)
{
    nested_writer_free(&encoder->nested);
    cs_buffer_free(&encoder->out);
    cs_buffer_free(&encoder->field);
    cs_buffer_free(&encoder->text);
}

/* Hand on what has gathered. */
static cs_code
flush(copy_encoder *encoder, cs_error *err)
{
    encoder->broken = !encoder->next->ops->put(encoder->next, encoder->out.data, encoder->out.len);
    if (encoder->broken)
        return cs_fail(err, CS_ERR_IO, "could not hand on rows");
    encoder->out.len = 0;
    return CS_OK;
}

cs_code
copy_encoder_begin(copy_encoder *encoder, copy_form form, cs_error *err)
{
    encoder->form = form;
    if (form == COPY_TEXT)
        return CS_OK;
    CS_TRY(cs_buffer_append(&encoder->out, SIGNATURE, sizeof(SIGNATURE), err));
    CS_TRY(append_int32(&encoder->out, 0, err)); /* flags */
    return append_int32(&encoder->out, 0, err);  /* length of the header's extension */
}

cs_code
copy_encoder_end(copy_encoder *encoder, cs_error *err)
{
    if (encoder->form == COPY_BINARY)
        CS_TRY(append_int16(&encoder->out, -1, err));
    return flush(encoder, err);
}

/* Refuse NULL where the column does not allow it. */
static cs_code
check_null(const load_column *column, refusal *why)
{
    return column->not_null
               ? refuse(why, SQLSTATE_NOT_NULL, "value is NULL, which the column does not allow")
               : CS_OK;
}

/* Append text that stays as it is: the commonest field. */
static inline cs_code
append_plain_text(cs_buffer *out, cs_slice text, cs_error *err)
{
    uint32_t len = htobe32((uint32_t) text.len);

    if (out->capacity - out->len < LENGTH_BYTES + text.len)
        CS_TRY(cs_buffer_reserve(out, LENGTH_BYTES + text.len, err));
    memcpy(out->data + out->len, &len, LENGTH_BYTES);
    if (text.len > 0) /* without any its data may be NULL */
        memcpy(out->data + out->len + LENGTH_BYTES, text.data, text.len);
    out->len += LENGTH_BYTES + text.len;
    return CS_OK;
}

/* Append a field: its length and bytes. */
static inline cs_code
append_field(cs_buffer *out, const load_column *column, const cs_value *value, refusal *why)
{
    size_t start = out->len;
    uint32_t len;

    if (value->kind == CS_VALUE_NULL)
    {
        CS_TRY(check_null(column, why));
        return append_int32(out, -1, &why->err);
    }
    if (value->kind == CS_VALUE_STRING && column->type->class == TYPE_TEXT &&
        value->as.bytes.len <= INT32_MAX)
        return append_plain_text(out, value->as.bytes, &why->err);
    CS_TRY(append_int32(out, 0, &why->err));
    CS_TRY(column->type->append(value, out, why));
    len = (uint32_t) (out->len - start - LENGTH_BYTES);
    if (out->len - start - LENGTH_BYTES > INT32_MAX)
        return refuse(why, SQLSTATE_NUMBER_RANGE, "value is longer than %d bytes", INT32_MAX);
    for (int i = 0; i < LENGTH_BYTES; i++)
        out->data[start + (size_t) i] = (uint8_t) (len >> (24 - 8 * i));
    return CS_OK;
}

/* Append a field's text, with escapes. */
static cs_code
append_escaped(cs_buffer *out, const cs_buffer *text, cs_error *err)
{
    static const char special[] = "\\\n\r\t", letters[] = "\\nrt";
    uint8_t *to;

    if (text->len > SIZE_MAX / 2)
        return cs_fail_memory(err, SIZE_MAX);
    CS_TRY(cs_buffer_reserve(out, 2 * text->len, err));
    to = out->data + out->len;
    for (size_t i = 0; i < text->len; i++)
    {
        uint8_t c = text->data[i];
        const char *found = c <= '\\' && c != '\0' ? strchr(special, c) : NULL;

        if (found != NULL)
            *to++ = '\\';
        *to++ = found != NULL ? (uint8_t) letters[found - special] : c;
    }
    out->len = (size_t) (to - out->data);
    return CS_OK;
}

/* Append a field as text. */
static cs_code
append_text_field(copy_encoder *encoder, const load_column *column, const cs_value *value,
                  refusal *why)
{
    cs_buffer *field = &encoder->field, *text = &encoder->text;

    if (value->kind == CS_VALUE_NULL)
    {
        CS_TRY(check_null(column, why));
        return cs_buffer_append(&encoder->out, "\\N", 2, &why->err);
    }
    field->len = 0;
    CS_TRY(column->type->append(value, field, why));
    if (column->type->print == NULL)
        return append_escaped(&encoder->out, field, &why->err);
    text->len = 0;
    CS_TRY(column->type->print(field->data, field->len, text, &why->err));
    return append_escaped(&encoder->out, text, &why->err);
}

/* Make a nested value, or one that becomes JSON, a plain one, kept in *flat. */
static cs_code
flatten(copy_encoder *encoder, const load_column *column, const cs_value **value, cs_value *flat,
        refusal *why)
{
    CS_TRY(nested_flatten(&encoder->nested, column, *value, flat, why));
    *value = flat;
    return CS_OK;
}

/* Append a column's value. */
static inline cs_code
append_value(copy_encoder *encoder, bool is_text, const load_column *column, const cs_value *value,
             refusal *why)
{
    cs_value flat;
    cs_code code = CS_OK;

    if (column->is_indirect && value->kind != CS_VALUE_NULL)
        code = flatten(encoder, column, &value, &flat, why);
    if (code == CS_OK)
        code = is_text ? append_text_field(encoder, column, value, why)
                       : append_field(&encoder->out, column, value, why);
    if (code == CS_ERR_RANGE)
        why->column = column->name;
    return code;
}

/* Append a row in its binary form. */
static cs_code
append_binary_row(copy_encoder *encoder, const load_column *columns, size_t count,
                  const cs_value *values, refusal *why)
{
    CS_TRY(append_int16(&encoder->out, (int16_t) count, &why->err));
    for (size_t i = 0; i < count; i++)
        CS_TRY(append_value(encoder, false, &columns[i], &values[columns[i].field], why));
    return CS_OK;
}

/* Append a row as text. */
static cs_code
append_text_row(copy_encoder *encoder, const load_column *columns, size_t count,
                const cs_value *values, refusal *why)
{
    for (size_t i = 0; i < count; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(&encoder->out, "\t", 1, &why->err));
        CS_TRY(append_value(encoder, true, &columns[i], &values[columns[i].field], why));
    }
    return cs_buffer_append(&encoder->out, "\n", 1, &why->err);
}

cs_code
copy_encoder_row(copy_encoder *encoder, const load_column *columns, size_t count,
                 const cs_value *values, refusal *why)
{
    size_t row_start = encoder->out.len;
    cs_code code;

    code = encoder->form == COPY_TEXT ? append_text_row(encoder, columns, count, values, why)
                                      : append_binary_row(encoder, columns, count, values, why);
    if (code != CS_OK)
    {
        encoder->out.len = row_start;
        return code;
    }
    return encoder->out.len >= COPY_CHUNK_BYTES ? flush(encoder, &why->err) : CS_OK;
}
