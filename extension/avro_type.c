/*
 * extension/avro_type.c
 *     Which SQL type the values of an Avro type have.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "avro_type.h"
#include "compat.h"

/* The type of values that are not nested; InvalidOid for those that are. */
static Oid
scalar_type(const cs_avro_shape *shape)
{
    switch (shape->kind)
    {
        case CS_VALUE_NULL:
        case CS_VALUE_STRING:
            return TEXTOID;
        case CS_VALUE_BOOL:
            return BOOLOID;
        case CS_VALUE_INTEGER:
            return shape->type->type == CS_AVRO_INT ? INT4OID : INT8OID;
        case CS_VALUE_FLOAT:
            return FLOAT4OID;
        case CS_VALUE_DOUBLE:
            return FLOAT8OID;
        case CS_VALUE_BYTES:
            return BYTEAOID;
        case CS_VALUE_TIME:
            return TIMESTAMPTZOID;
        case CS_VALUE_LOCAL_TIME:
            return TIMESTAMPOID;
        case CS_VALUE_DATE:
            return DATEOID;
        case CS_VALUE_TIME_OF_DAY:
            return TIMEOID;
        case CS_VALUE_DECIMAL:
            return NUMERICOID;
        case CS_VALUE_UUID:
            return UUIDOID;
        case CS_VALUE_DURATION:
            return INTERVALOID;
        case CS_VALUE_NESTED:
            break;
    }
    return InvalidOid;
}

/* Avro's precision and scale as a numeric's typmod; -1 where numeric(p,s) cannot have them. */
static int32
numeric_typmod(int precision, int scale)
{
    if (precision < 1 || precision > NUMERIC_MAX_PRECISION || scale < 0 || scale > precision)
        return -1;
    return ((precision << 16) | scale) + VARHDRSZ;
}

/* The typmod of values of a scalar type. */
static int32
scalar_typmod(const cs_avro_shape *shape)
{
    return shape->kind == CS_VALUE_DECIMAL
               ? numeric_typmod(shape->type->precision, shape->type->scale)
               : -1;
}

AvroSqlType
avro_sql_type(const cs_avro_shape *shape)
{
    AvroSqlType type = {.oid = scalar_type(shape), .typmod = scalar_typmod(shape)};

    if (type.oid == InvalidOid && shape->type->type == CS_AVRO_ARRAY)
    {
        cs_avro_shape items = cs_avro_shape_of(shape->type->items);
        Oid item = items.kind != CS_VALUE_NULL ? scalar_type(&items) : InvalidOid;

        if (item != InvalidOid)
        {
            type.oid = get_array_type(item);
            type.typmod = scalar_typmod(&items);
        }
    }
    if (type.oid == InvalidOid)
        type.oid = JSONBOID;
    return type;
}

char *
avro_sql_type_text(const AvroSqlType *type)
{
    return format_type_with_typemod(type->oid, type->typmod);
}
