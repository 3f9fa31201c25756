/*
 * core/avro_encode.c
 *     Encoding values.
 */
#include "avro_encode.h"
#include "varint.h"

#include <endian.h>

cs_code
cs_avro_encode_long(int64_t value, cs_buffer *buffer, cs_error *err)
{
    uint8_t *end;

    CS_TRY(cs_buffer_reserve(buffer, CS_VARINT_MAX_BYTES, err));
    end = cs_varint_put(buffer->data + buffer->len, cs_zigzag(value));
    buffer->len = (size_t) (end - buffer->data);
    return CS_OK;
}

cs_code
cs_avro_encode_bytes(cs_slice bytes, cs_buffer *buffer, cs_error *err)
{
    uint8_t *out;

    CS_TRY(cs_buffer_reserve(buffer, CS_VARINT_MAX_BYTES + bytes.len, err));
    out = cs_varint_put(buffer->data + buffer->len, cs_zigzag((int64_t) bytes.len));
    if (bytes.len > 0)
        memcpy(out, bytes.data, bytes.len);
    buffer->len = (size_t) (out - buffer->data) + bytes.len;
    return CS_OK;
}

/* Append bytes to a type that is bytes, or a fixed of just this size. */
static cs_code
encode_raw(const cs_avro_node *type, cs_slice bytes, cs_buffer *buffer, cs_error *err)
{
    if (type->type != CS_AVRO_FIXED)
        return cs_avro_encode_bytes(bytes, buffer, err);
    if (bytes.len != type->size)
        return cs_fail(err, CS_ERR_RANGE, "%zu bytes do not fit a fixed of %zu", bytes.len,
                       type->size);
    return cs_buffer_append(buffer, bytes.data, bytes.len, err);
}

/* Append a number. */
static cs_code
encode_integer(const cs_avro_node *type, int64_t number, cs_buffer *buffer, cs_error *err)
{
    if (type->type == CS_AVRO_INT && (number < INT32_MIN || number > INT32_MAX))
        return cs_fail(err, CS_ERR_RANGE, "%lld is out of range for int", (long long) number);
    return cs_avro_encode_long(number, buffer, err);
}

/* Microseconds and the nanoseconds beyond them in nanoseconds; false if these do not fit. */
static bool
join_nanos(int64_t micros, int16_t nanos, int64_t *number)
{
    int64_t rest = nanos;

    if (micros < 0) /* the floor may lie below what fits, though the sum does not */
    {
        micros++;
        rest -= 1000;
    }
    return !__builtin_mul_overflow(micros, INT64_C(1000), number) &&
           !__builtin_add_overflow(*number, rest, number);
}

/* Append an instant, with or without a zone, in the type's unit since 1970. */
static cs_code
encode_time(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    bool millis = type->logical == CS_LOGICAL_TIMESTAMP_MILLIS ||
                  type->logical == CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS;
    bool nanos = type->logical == CS_LOGICAL_TIMESTAMP_NANOS ||
                 type->logical == CS_LOGICAL_LOCAL_TIMESTAMP_NANOS;
    int64_t unit = millis ? 1000 : 1;
    int64_t number;

    if (!cs_time_valid(value->as.time))
        return cs_fail(err, CS_ERR_RANGE, "timestamp is out of range");
    if (value->as.time % unit != 0 || (value->nanos != 0 && !nanos))
        return cs_fail(err, CS_ERR_RANGE, "timestamp is finer than %s",
                       millis ? "milliseconds" : "microseconds");
    if (__builtin_add_overflow(value->as.time / unit, CS_UNIX_OFFSET / unit, &number) ||
        (nanos && !join_nanos(number, value->nanos, &number)))
        return cs_fail(err, CS_ERR_RANGE, "timestamp is out of range");
    return cs_avro_encode_long(number, buffer, err);
}

/* Append a date, as days since 1970. */
static cs_code
encode_date(int32_t days, cs_buffer *buffer, cs_error *err)
{
    if (days < CS_DATE_MIN || days >= CS_DATE_END)
        return cs_fail(err, CS_ERR_RANGE, "date is out of range");
    return cs_avro_encode_long(days + CS_UNIX_OFFSET / CS_DAY, buffer, err);
}

/* Append a time of day in the type's unit. */
static cs_code
encode_time_of_day(const cs_avro_node *type, int64_t micros, cs_buffer *buffer, cs_error *err)
{
    int64_t unit = type->logical == CS_LOGICAL_TIME_MILLIS ? 1000 : 1;

    if (micros < 0 || micros >= CS_DAY)
        return cs_fail(err, CS_ERR_RANGE, "time of day is out of range");
    if (micros % unit != 0)
        return cs_fail(err, CS_ERR_RANGE, "time of day is finer than milliseconds");
    return cs_avro_encode_long(micros / unit, buffer, err);
}

/* The decimal digits of a decimal, leading zeros left out. */
static cs_code
count_digits(const cs_value *value, const cs_buffer *buffer, size_t *count, cs_error *err)
{
    cs_buffer text;
    cs_code code;

    *count = 0;
    cs_buffer_init(&text, buffer->env);
    code = cs_decimal_format(value, &text, err);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] >= '0' && text.data[i] <= '9' && (text.data[i] != '0' || *count > 0))
            (*count)++;
    cs_buffer_free(&text);
    return code;
}

/* Append a decimal of the type's scale; a fixed is filled up with its sign. */
static cs_code
encode_decimal(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    const uint8_t *data = value->as.decimal.data;
    size_t len = value->as.decimal.len;
    uint8_t sign = len > 0 && data[0] >= 0x80 ? 0xff : 0;
    size_t digits;

    if (value->as.decimal.scale != type->scale)
        return cs_fail(err, CS_ERR_RANGE, "decimal has scale %d instead of %d",
                       (int) value->as.decimal.scale, type->scale);
    CS_TRY(count_digits(value, buffer, &digits, err));
    if (digits > (size_t) type->precision)
        return cs_fail(err, CS_ERR_RANGE, "decimal has more than %d digits", type->precision);
    if (type->type != CS_AVRO_FIXED)
        return cs_avro_encode_bytes((cs_slice){(const char *) data, len}, buffer, err);
    for (; len > type->size && data[0] == sign; data++)
        len--;
    if (len > type->size)
        return cs_fail(err, CS_ERR_RANGE, "decimal does not fit a fixed of %zu bytes", type->size);
    CS_TRY(cs_buffer_reserve(buffer, type->size, err));
    memset(buffer->data + buffer->len, sign, type->size - len);
    if (len > 0)
        memcpy(buffer->data + buffer->len + type->size - len, data, len);
    buffer->len += type->size;
    return CS_OK;
}

/* Append a UUID as text or as bytes. */
static cs_code
encode_uuid(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    char text[CS_UUID_TEXT_SIZE];

    if (type->type == CS_AVRO_FIXED)
        return cs_buffer_append(buffer, value->as.uuid, CS_UUID_BYTES, err);
    cs_uuid_format(value->as.uuid, text);
    return cs_avro_encode_bytes(cs_slice_of(text), buffer, err);
}

/* Append a duration: three little-endian numbers. */
static cs_code
encode_duration(const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    uint32_t parts[] = {htole32(value->as.duration.months), htole32(value->as.duration.days),
                        htole32(value->as.duration.millis)};

    return cs_buffer_append(buffer, parts, sizeof(parts), err);
}

/* Append text to a string, or as a symbol of an enum. */
static cs_code
encode_string(const cs_avro_node *type, cs_slice text, cs_buffer *buffer, cs_error *err)
{
    if (type->type != CS_AVRO_ENUM)
        return cs_avro_encode_bytes(text, buffer, err);
    for (size_t i = 0; i < type->symbols.count; i++)
        if (cs_slice_is(text, type->symbols.items[i]))
            return cs_avro_encode_long((int64_t) i, buffer, err);
    return cs_fail(err, CS_ERR_RANGE, "\"%.*s\" is not one of the enum's symbols",
                   (int) (text.len < 100 ? text.len : 100), text.data);
}

/* Append a value to a type of its kind that is no union. */
static cs_code
encode_plain(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    uint8_t byte;

    switch (value->kind)
    {
        case CS_VALUE_NULL:
            return CS_OK;
        case CS_VALUE_BOOL:
            byte = value->as.boolean;
            return cs_buffer_append(buffer, &byte, 1, err);
        case CS_VALUE_INTEGER:
            return encode_integer(type, value->as.integer, buffer, err);
        case CS_VALUE_FLOAT:
            return cs_buffer_append(buffer, &value->as.real, sizeof(float), err);
        case CS_VALUE_DOUBLE:
            return cs_buffer_append(buffer, &value->as.dbl, sizeof(double), err);
        case CS_VALUE_BYTES:
            return encode_raw(type, value->as.bytes, buffer, err);
        case CS_VALUE_STRING:
            return encode_string(type, value->as.bytes, buffer, err);
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            return encode_time(type, value, buffer, err);
        case CS_VALUE_DATE:
            return encode_date(value->as.days, buffer, err);
        case CS_VALUE_TIME_OF_DAY:
            return encode_time_of_day(type, value->as.time_of_day, buffer, err);
        case CS_VALUE_DECIMAL:
            return encode_decimal(type, value, buffer, err);
        case CS_VALUE_UUID:
            return encode_uuid(type, value, buffer, err);
        case CS_VALUE_DURATION:
            return encode_duration(value, buffer, err);
        case CS_VALUE_NESTED:
            break;
    }
    return cs_fail(err, CS_ERR_ARGUMENT, "a nested value cannot be encoded as a scalar");
}

/* Append to the first branch that takes the value. */
static cs_code
encode_union(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer, cs_error *err)
{
    size_t start = buffer->len;
    bool tried = false;

    for (size_t i = 0; i < type->num_branches; i++)
    {
        cs_code code;

        if (cs_avro_shape_of(type->branches[i]).kind != value->kind)
            continue;
        buffer->len = start;
        tried = true;
        CS_TRY(cs_avro_encode_long((int64_t) i, buffer, err));
        code = encode_plain(type->branches[i], value, buffer, err);
        if (code != CS_ERR_RANGE)
            return code;
    }
    if (tried) /* the last branch said why */
        return CS_ERR_RANGE;
    return cs_fail(err, CS_ERR_RANGE,
                   value->kind == CS_VALUE_NULL ? "it cannot be NULL"
                                                : "value is of no type of the union");
}

cs_code
cs_avro_encode_value(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer,
                     cs_error *err)
{
    size_t start = buffer->len;
    cs_code code;

    if (type->type == CS_AVRO_UNION)
        code = encode_union(type, value, buffer, err);
    else if (cs_avro_shape_of(type).kind == value->kind)
        code = encode_plain(type, value, buffer, err);
    else
        code = cs_fail(err, CS_ERR_RANGE,
                       value->kind == CS_VALUE_NULL ? "it cannot be NULL"
                                                    : "value does not fit its type");
    if (code != CS_OK)
        buffer->len = start;
    return code;
}

/* The branch of a union of null and one other type that takes the value; NULL of other unions. */
static const cs_avro_node *
pick_branch(const cs_avro_node *type, const cs_value *value, int64_t *branch)
{
    bool wants_null = value->kind == CS_VALUE_NULL;

    if (type->num_branches != 2 ||
        (type->branches[0]->type == CS_AVRO_NULL) == (type->branches[1]->type == CS_AVRO_NULL))
        return NULL;
    *branch = (type->branches[1]->type == CS_AVRO_NULL) == wants_null;
    return type->branches[*branch];
}

/* A value as the long that its type makes of it; false where it takes a closer look. */
static inline bool
as_long(const cs_avro_node *type, const cs_value *value, int64_t *number)
{
    if (type->type != CS_AVRO_LONG)
        return false;
    if (value->kind == CS_VALUE_INTEGER && type->logical == CS_LOGICAL_NONE)
    {
        *number = value->as.integer;
        return true;
    }
    if (value->kind != CS_VALUE_TIME || value->nanos != 0 || !cs_time_valid(value->as.time))
        return false;
    if (type->logical == CS_LOGICAL_TIMESTAMP_MICROS)
        return !__builtin_add_overflow(value->as.time, CS_UNIX_OFFSET, number);
    *number = value->as.time / CS_MILLISECOND + CS_UNIX_OFFSET / CS_MILLISECOND;
    return type->logical == CS_LOGICAL_TIMESTAMP_MILLIS && value->as.time % CS_MILLISECOND == 0;
}

/*
 * Append a value of the commonest kinds without a call for each part of it; false,
 * and nothing appended, for all else, errors among them.
 */
static bool
encode_common(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer)
{
    bool is_text = value->kind == CS_VALUE_STRING;
    int64_t branch = -1, number = 0;
    size_t extra = is_text ? value->as.bytes.len : 0;
    uint8_t *out;

    if (buffer->capacity - buffer->len < 2 * CS_VARINT_MAX_BYTES + extra)
        return false;
    out = buffer->data + buffer->len;
    if (type->type == CS_AVRO_UNION)
        type = pick_branch(type, value, &branch);
    if (type == NULL)
        return false;
    if (type->type == CS_AVRO_NULL && value->kind == CS_VALUE_NULL && branch >= 0)
    {
        buffer->len = (size_t) (cs_varint_put(out, cs_zigzag(branch)) - buffer->data);
        return true;
    }
    if (is_text && (type->type != CS_AVRO_STRING || type->logical != CS_LOGICAL_NONE))
        return false;
    if (!is_text && !as_long(type, value, &number))
        return false;
    if (branch >= 0)
        out = cs_varint_put(out, cs_zigzag(branch));
    out = cs_varint_put(out, cs_zigzag(is_text ? (int64_t) extra : number));
    if (extra > 0)
        memcpy(out, value->as.bytes.data, extra);
    buffer->len = (size_t) (out - buffer->data) + extra;
    return true;
}

cs_code
cs_avro_encode_record(const cs_avro_schema *schema, const cs_value *values, cs_buffer *buffer,
                      cs_error *err)
{
    size_t start = buffer->len;

    for (size_t i = 0; i < schema->num_fields; i++)
    {
        cs_code code;

        if (encode_common(schema->fields[i].type, &values[i], buffer))
            continue;
        code = cs_avro_encode_value(schema->fields[i].type, &values[i], buffer, err);
        if (code == CS_OK)
            continue;
        buffer->len = start;
        cs_fail_within(err, code, "field \"%.60s\"", schema->fields[i].name);
        err->field = (int) i;
        return code;
    }
    return CS_OK;
}
