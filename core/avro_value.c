/*
 * core/avro_value.c
 *     Which kind of value a field has.
 */
#include "avro_value.h"

cs_value_kind
cs_avro_field_kind(const cs_avro_field *field)
{
    switch (field->type)
    {
        case CS_AVRO_NULL:
            return CS_VALUE_NULL;
        case CS_AVRO_BOOLEAN:
            return CS_VALUE_BOOL;
        case CS_AVRO_INT:
            return CS_VALUE_INTEGER;
        case CS_AVRO_LONG:
            return field->logical != CS_LOGICAL_NONE ? CS_VALUE_TIME : CS_VALUE_INTEGER;
        case CS_AVRO_FLOAT:
            return CS_VALUE_FLOAT;
        case CS_AVRO_DOUBLE:
            return CS_VALUE_DOUBLE;
        case CS_AVRO_BYTES:
            return CS_VALUE_BYTES;
        case CS_AVRO_STRING:
            return CS_VALUE_STRING;
    }
    return CS_VALUE_NULL;
}
