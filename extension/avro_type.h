/*
 * extension/avro_type.h
 *     Which SQL type the values of an Avro type have.
 */
#ifndef CLICKSTREAM_AVRO_TYPE_H
#define CLICKSTREAM_AVRO_TYPE_H

#include "compat.h"

#include "avro_value.h"

/* A type as columns are declared with it. */
typedef struct AvroSqlType
{
    Oid oid;
    int32 typmod; /* of numeric(p,s), also as items of an array; else -1 */
} AvroSqlType;

/*
 * The type that IMPORT FOREIGN SCHEMA declares a column with: arrays of scalars
 * are SQL arrays; other nested values, and arrays of null, are jsonb; a column of null
 * alone is text.
 */
AvroSqlType avro_sql_type(const cs_avro_shape *shape);

/* Its text for DDL: numeric(10,2), bigint[]. */
char *avro_sql_type_text(const AvroSqlType *type);

#endif
