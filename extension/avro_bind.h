/*
 * extension/avro_bind.h
 *     Where each column of an Avro table takes its values from.
 */
#ifndef CLICKSTREAM_AVRO_BIND_H
#define CLICKSTREAM_AVRO_BIND_H

#include "access/tupdesc.h"
#include "nodes/bitmapset.h"

#include "compat.h"

#include "avro_schema.h"

/* The columns that say where a row stands. */
#define AVRO_FILENAME_COLUMN "_filename" /* text */
#define AVRO_BLOCK_COLUMN "_block"       /* bigint, from 0 */
#define AVRO_ROW_COLUMN "_row"           /* bigint, from 1 in each file */

typedef enum AvroSource
{
    AVRO_SOURCE_FIELD,
    AVRO_SOURCE_FILENAME,
    AVRO_SOURCE_BLOCK,
    AVRO_SOURCE_ROW
} AvroSource;

/* One column. A directory "name=value" of its name wins over what is said here. */
typedef struct AvroColumn
{
    AttrNumber attnum;
    const char *name;
    const char *field_option; /* the option "field", NULL if it has none */
    Oid type;
    int32 typmod;
    Oid collation;
    AvroSource source;
    int field; /* of the reader's schema; -1 if it has none */
} AvroColumn;

/* The name of the field that a column is stored in. */
const char *avro_column_field(const AvroColumn *column);

/* Raise that a column's field is missing, with the nearest name as hint; or its type is wrong. */
pg_noreturn void avro_field_missing(const cs_avro_schema *schema, const AvroColumn *column);

/*
 * The columns among attnums (0: all) of a table that files can hold, by the order of
 * the table: generated ones, too, where they are stored. Fields are not bound yet. In
 * the current memory context.
 */
AvroColumn *avro_bind_columns(Oid relid, TupleDesc tuple_desc, const Bitmapset *attnums,
                              int *num_columns);

/* True if a column is a file column, unless the schema has a field of its name. */
bool avro_column_is_file(const AvroColumn *column);

/* Find each column's field or file column; field is -1 where there is none. */
void avro_columns_bind(AvroColumn *columns, int num_columns, const cs_avro_schema *schema);

#endif
