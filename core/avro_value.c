/*
 * core/avro_value.c
 *     Which values a type has; UUIDs as text. Decimals are in avro_decimal.c.
 */
#include "avro_value.h"

#include <stdio.h>

/* The kind of value of a type without a logical one. */
static cs_value_kind
plain_kind(cs_avro_type type)
{
    switch (type)
    {
        case CS_AVRO_NULL:
            return CS_VALUE_NULL;
        case CS_AVRO_BOOLEAN:
            return CS_VALUE_BOOL;
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
            return CS_VALUE_INTEGER;
        case CS_AVRO_FLOAT:
            return CS_VALUE_FLOAT;
        case CS_AVRO_DOUBLE:
            return CS_VALUE_DOUBLE;
        case CS_AVRO_BYTES:
        case CS_AVRO_FIXED:
            return CS_VALUE_BYTES;
        case CS_AVRO_STRING:
        case CS_AVRO_ENUM:
            return CS_VALUE_STRING;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
        case CS_AVRO_RECORD:
        case CS_AVRO_UNION:
            return CS_VALUE_NESTED;
    }
    return CS_VALUE_NULL;
}

/* The kind of value of a type that is no union. */
static cs_value_kind
kind_of(const cs_avro_node *type)
{
    switch (type->logical)
    {
        case CS_LOGICAL_NONE:
            return plain_kind(type->type);
        case CS_LOGICAL_DATE:
            return CS_VALUE_DATE;
        case CS_LOGICAL_TIME_MILLIS:
        case CS_LOGICAL_TIME_MICROS:
            return CS_VALUE_TIME_OF_DAY;
        case CS_LOGICAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_TIMESTAMP_NANOS:
            return CS_VALUE_TIME;
        case CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_NANOS:
            return CS_VALUE_LOCAL_TIME;
        case CS_LOGICAL_DECIMAL:
            return CS_VALUE_DECIMAL;
        case CS_LOGICAL_UUID:
            return CS_VALUE_UUID;
        case CS_LOGICAL_DURATION:
            return CS_VALUE_DURATION;
    }
    return CS_VALUE_NULL;
}

/* The shape of a union. */
static cs_avro_shape
union_shape(const cs_avro_node *type)
{
    cs_avro_shape shape = {CS_VALUE_NULL, false, type};
    bool numbers = true, real = false;
    size_t others = 0;

    for (size_t i = 0; i < type->num_branches; i++)
    {
        const cs_avro_node *branch = type->branches[i];

        if (branch->type == CS_AVRO_NULL)
        {
            shape.nullable = true;
            continue;
        }
        if (others++ == 0 ||
            (numbers && cs_avro_is_number(branch) && branch->type > shape.type->type))
            shape.type = branch;
        numbers = numbers && cs_avro_is_number(branch);
        real = real || branch->type == CS_AVRO_FLOAT || branch->type == CS_AVRO_DOUBLE;
    }
    if (others == 1)
        shape.kind = kind_of(shape.type);
    else if (others > 1 && numbers)
        shape.kind = real ? CS_VALUE_DOUBLE : CS_VALUE_INTEGER;
    else if (others > 1)
    {
        shape.kind = CS_VALUE_NESTED;
        shape.type = type;
    }
    return shape;
}

cs_avro_shape
cs_avro_shape_of(const cs_avro_node *type)
{
    if (type->type == CS_AVRO_UNION)
        return union_shape(type);
    return (cs_avro_shape){kind_of(type), type->type == CS_AVRO_NULL, type};
}

void
cs_uuid_format(const uint8_t uuid[CS_UUID_BYTES], char text[CS_UUID_TEXT_SIZE])
{
    char *out = text;

    for (int i = 0; i < CS_UUID_BYTES; i++)
        out += snprintf(out, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", uuid[i]);
}

bool
cs_uuid_parse(cs_slice text, uint8_t uuid[CS_UUID_BYTES])
{
    size_t at = 0;

    if (text.len != CS_UUID_TEXT_SIZE - 1)
        return false;
    for (int i = 0; i < CS_UUID_BYTES; i++)
    {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && text.data[at++] != '-')
            return false;
        high = cs_hex_digit(text.data[at++]);
        low = cs_hex_digit(text.data[at++]);
        if (high < 0 || low < 0)
            return false;
        uuid[i] = (uint8_t) (high * 16 + low);
    }
    return true;
}
