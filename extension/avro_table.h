/*
 * extension/avro_table.h
 *     An Avro table as one query sees it: its columns, its files, the schema that
 *     they are read by, and which of them can hold no row that is asked for.
 */
#ifndef CLICKSTREAM_AVRO_TABLE_H
#define CLICKSTREAM_AVRO_TABLE_H

#include "datatype/timestamp.h"

#include "compat.h"

#include "avro_bind.h"
#include "avro_file.h"
#include "avro_option.h"

/* The field whose range of values a file's metadata may give, and where. */
#define AVRO_TIME_FIELD "timestamp"
#define AVRO_MIN_TIME_KEY "clickstream.min_timestamp"
#define AVRO_MAX_TIME_KEY "clickstream.max_timestamp"

/* The range of a file's time field; as the times of its rows, microseconds from 2000. */
typedef struct AvroTimeRange
{
    bool known; /* the metadata is there and makes sense */
    TimestampTz min;
    TimestampTz max;
} AvroTimeRange;

typedef enum AvroPruned
{
    AVRO_KEPT,
    AVRO_PRUNED_BY_PATH,
    AVRO_PRUNED_BY_TIME
} AvroPruned;

typedef struct AvroTableFile
{
    AvroPath path;
    AvroFileInfo *info;  /* NULL while nothing asked for it */
    AvroTimeRange range; /* set with info */
    AvroPruned pruned;
} AvroTableFile;

typedef struct AvroTable
{
    MemoryContext context; /* owns all of this */
    AvroOptions *options;
    AvroColumn *columns; /* those that the query needs */
    int num_columns;
    AvroTableFile *files; /* NULL before they are listed */
    int num_files;
    cs_avro_schema *schema; /* the reader's; NULL: not known yet, or no file */
    int num_merged;         /* files whose schemas it is made of */
} AvroTable;

/* Start with the columns among attnums (0: all); in the current memory context. */
AvroTable *avro_table_open(Oid relid, TupleDesc tuple_desc, const Bitmapset *attnums);

/* List the files, once. */
void avro_table_list(AvroTable *table);

/* Take a list of files made elsewhere. */
void avro_table_set_files(AvroTable *table, const char *const *paths, int count);

/* A file's header, read once. */
const AvroFileInfo *avro_table_info(AvroTable *table, AvroTableFile *file);

/*
 * Bind the columns to the fields of the reader's schema: the option's, else that of
 * the kept files, else, where a column is missing there, that of all files. An error
 * if a column is missing still. Without a file nothing is bound.
 */
void avro_table_bind(AvroTable *table);

/* Read the headers of all files, so that no later choice of files finds another schema. */
void avro_table_bind_all(AvroTable *table);

/* Bind to a schema made elsewhere. */
void avro_table_set_schema(AvroTable *table, const char *json, size_t len);

/* The number of files kept, or pruned so. */
int avro_table_count_files(const AvroTable *table, AvroPruned pruned);

/* True if a column has one value for all rows of a file: its name, or a directory's. */
bool avro_table_fixed(const AvroColumn *column, const AvroTableFile *file);

/* That value, in the current memory context. */
Datum avro_table_fixed_value(const AvroColumn *column, const AvroTableFile *file, bool *is_null);

#endif
