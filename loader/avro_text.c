/*
 * loader/avro_text.c
 *     Avro records as JSON.
 */
#include "avro_text.h"

#include "json_text.h"
#include "varint.h"

#include <inttypes.h>
#include <math.h>

/* The bytes of a record that are not yet printed. */
typedef struct record_bytes
{
    const uint8_t *at;
    const uint8_t *end;
} record_bytes;

/* Report bytes that no decoder would have taken. */
static cs_code
fail(cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "record is damaged");
}

/* Take a long. */
static cs_code
take_long(record_bytes *bytes, int64_t *value, cs_error *err)
{
    uint64_t raw;
    const uint8_t *next = cs_varint_get(bytes->at, bytes->end, &raw);

    if (next == NULL)
        return fail(err);
    bytes->at = next;
    *value = cs_unzigzag(raw);
    return CS_OK;
}

/* Take len bytes. */
static cs_code
take_bytes(record_bytes *bytes, int64_t len, cs_slice *slice, cs_error *err)
{
    if (len < 0 || len > bytes->end - bytes->at)
        return fail(err);
    *slice = (cs_slice){(const char *) bytes->at, (size_t) len};
    bytes->at += len;
    return CS_OK;
}

/* Append a number; JSON has none for infinities and NaN. */
static cs_code
append_double(double value, int digits, cs_buffer *text, cs_error *err)
{
    if (!isfinite(value))
        return cs_buffer_printf(text, err, "\"%s\"",
                                isnan(value) ? "NaN"
                                : value > 0  ? "Infinity"
                                             : "-Infinity");
    return cs_buffer_printf(text, err, "%.*g", digits, value);
}

/* Append a float or double. */
static cs_code
append_real(record_bytes *bytes, bool is_double, cs_buffer *text, cs_error *err)
{
    cs_slice raw = {NULL, 0};
    double dbl;
    float real;

    CS_TRY(take_bytes(bytes, is_double ? sizeof(dbl) : sizeof(real), &raw, err));
    memcpy(is_double ? (void *) &dbl : (void *) &real, raw.data, raw.len);
    return is_double ? append_double(dbl, 17, text, err) : append_double(real, 9, text, err);
}

/* Append a value that is not null. */
static cs_code
append_value(record_bytes *bytes, cs_avro_type type, cs_buffer *text, cs_error *err)
{
    int64_t number;
    cs_slice slice;

    switch (type)
    {
        case CS_AVRO_NULL:
            return cs_buffer_append(text, "null", 4, err);
        case CS_AVRO_BOOLEAN:
            CS_TRY(take_bytes(bytes, 1, &slice, err));
            return cs_buffer_printf(text, err, "%s", slice.data[0] ? "true" : "false");
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
            CS_TRY(take_long(bytes, &number, err));
            return cs_buffer_printf(text, err, "%" PRId64, number);
        case CS_AVRO_FLOAT:
        case CS_AVRO_DOUBLE:
            return append_real(bytes, type == CS_AVRO_DOUBLE, text, err);
        case CS_AVRO_BYTES:
        case CS_AVRO_STRING:
            CS_TRY(take_long(bytes, &number, err));
            CS_TRY(take_bytes(bytes, number, &slice, err));
            return type == CS_AVRO_STRING ? json_append_raw_string(text, slice, err)
                                          : json_append_base64(text, slice, err);
    }
    return fail(err);
}

/* Append a field's value. */
static cs_code
append_field(record_bytes *bytes, const cs_avro_field *field, cs_buffer *text, cs_error *err)
{
    int64_t branch;

    if (!field->nullable)
        return append_value(bytes, field->type, text, err);
    CS_TRY(take_long(bytes, &branch, err));
    return append_value(bytes, branch == field->null_branch ? CS_AVRO_NULL : field->type, text,
                        err);
}

cs_code
avro_record_text(const cs_avro_schema *schema, cs_slice record, cs_buffer *text, cs_error *err)
{
    record_bytes bytes = {(const uint8_t *) record.data,
                          (const uint8_t *) record.data + record.len};

    CS_TRY(cs_buffer_append(text, "{", 1, err));
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(text, ",", 1, err));
        CS_TRY(json_append_string(text, cs_slice_of(schema->fields[i].name), NULL, err));
        CS_TRY(cs_buffer_append(text, ":", 1, err));
        CS_TRY(append_field(&bytes, &schema->fields[i], text, err));
    }
    return cs_buffer_append(text, "}", 1, err);
}
