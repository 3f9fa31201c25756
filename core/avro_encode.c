/*
 * core/avro_encode.c
 *     Encoding records.
 */
#include "avro_encode.h"
#include "varint.h"

/* Turn an instant into the field's unit since the Unix epoch. */
static cs_code
time_to_long(const cs_avro_field *field, cs_time time, int64_t *value, cs_error *err)
{
    int64_t unit = field->logical == CS_LOGICAL_TIMESTAMP_MILLIS ? 1000 : 1;

    if (time % unit != 0)
        return cs_fail(err, CS_ERR_RANGE,
                       "timestamp is finer than the milliseconds of field \"%s\"", field->name);
    if (__builtin_add_overflow(time / unit, CS_UNIX_OFFSET / unit, value))
        return cs_fail(err, CS_ERR_RANGE, "timestamp is out of range for field \"%s\"",
                       field->name);
    return CS_OK;
}

/* Write a long at out, which has room. */
static uint8_t *
put_long(uint8_t *out, int64_t value)
{
    return cs_varint_put(out, cs_zigzag(value));
}

/* Append a value that is of the field's kind and not NULL. */
static cs_code
append_value(const cs_avro_field *field, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    size_t extra =
        value->kind == CS_VALUE_STRING || value->kind == CS_VALUE_BYTES ? value->as.bytes.len : 0;
    int64_t number = 0;
    uint8_t *out;

    if (value->kind == CS_VALUE_TIME)
        CS_TRY(time_to_long(field, value->as.time, &number, err));
    else if (value->kind == CS_VALUE_INTEGER)
        number = value->as.integer;
    if (field->type == CS_AVRO_INT && (number < INT32_MIN || number > INT32_MAX))
        return cs_fail(err, CS_ERR_RANGE, "%lld is out of range for field \"%s\"",
                       (long long) number, field->name);
    CS_TRY(cs_buffer_reserve(buffer, CS_VARINT_MAX_BYTES + 1 + extra, err));
    out = buffer->data + buffer->len;
    if (field->nullable)
        out = put_long(out, 1 - field->null_branch);
    switch (value->kind)
    {
        case CS_VALUE_NULL:
            break;
        case CS_VALUE_BOOL:
            *out++ = value->as.boolean;
            break;
        case CS_VALUE_INTEGER:
        case CS_VALUE_TIME:
            out = put_long(out, number);
            break;
        case CS_VALUE_FLOAT:
            memcpy(out, &value->as.real, sizeof(float));
            out += sizeof(float);
            break;
        case CS_VALUE_DOUBLE:
            memcpy(out, &value->as.dbl, sizeof(double));
            out += sizeof(double);
            break;
        case CS_VALUE_BYTES:
        case CS_VALUE_STRING:
            out = put_long(out, (int64_t) extra);
            if (extra > 0)
                memcpy(out, value->as.bytes.data, extra);
            out += extra;
            break;
    }
    buffer->len = (size_t) (out - buffer->data);
    return CS_OK;
}

/* Append one field. */
static cs_code
append_field(const cs_avro_field *field, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    if (value->kind == CS_VALUE_NULL && field->nullable)
    {
        CS_TRY(cs_buffer_reserve(buffer, 1, err));
        buffer->len =
            (size_t) (put_long(buffer->data + buffer->len, field->null_branch) - buffer->data);
        return CS_OK;
    }
    if (value->kind != cs_avro_field_kind(field))
        return cs_fail(err, CS_ERR_RANGE,
                       value->kind == CS_VALUE_NULL ? "field \"%s\" cannot be NULL"
                                                    : "value does not fit field \"%s\"",
                       field->name);
    return append_value(field, value, buffer, err);
}

cs_code
cs_avro_encode_record(const cs_avro_schema *schema, const cs_value *values, cs_buffer *buffer,
                      cs_error *err)
{
    size_t start = buffer->len;

    for (size_t i = 0; i < schema->num_fields; i++)
    {
        cs_code code = append_field(&schema->fields[i], &values[i], buffer, err);

        if (code != CS_OK)
        {
            buffer->len = start;
            return code;
        }
    }
    return CS_OK;
}
