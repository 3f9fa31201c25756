/*
 * extension/avro_table.c
 *     An Avro table as one query sees it.
 *
 * Headers are read of those files only that the path does not rule out, and only
 * where something depends on them: the schema, or the range of times.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "compat.h"

#include "avro_convert.h"
#include "avro_table.h"
#include "avro_union.h"

AvroTable *
avro_table_open(Oid relid, TupleDesc tuple_desc, const Bitmapset *attnums)
{
    AvroTable *table = palloc0_object(AvroTable);

    table->context = CurrentMemoryContext;
    table->options = avro_options_get(relid);
    table->columns = avro_bind_columns(relid, tuple_desc, attnums, &table->num_columns);
    return table;
}

/* Make room for the list of files. */
static void
make_files(AvroTable *table, int count)
{
    table->files = MemoryContextAllocZero(table->context,
                                          mul_size(sizeof(AvroTableFile), (Size) Max(count, 1)));
    table->num_files = count;
}

void
avro_table_list(AvroTable *table)
{
    MemoryContext old;
    AvroPaths *paths;

    if (table->files != NULL)
        return;
    old = MemoryContextSwitchTo(table->context);
    paths = avro_paths(table->options->filename);
    make_files(table, paths->count);
    for (int i = 0; i < paths->count; i++)
        table->files[i].path = paths->items[i];
    MemoryContextSwitchTo(old);
}

void
avro_table_set_files(AvroTable *table, const char *const *paths, int count)
{
    MemoryContext old = MemoryContextSwitchTo(table->context);

    make_files(table, count);
    for (int i = 0; i < count; i++)
    {
        table->files[i].path.path = pstrdup(paths[i]);
        avro_path_parse_keys(&table->files[i].path);
    }
    MemoryContextSwitchTo(old);
}

/* An instant of the metadata as a timestamptz; false if it is none. */
static bool
parse_instant(const char *text, cs_avro_logical logical, TimestampTz *instant)
{
    char *end;
    int64 micros;

    if (text == NULL)
        return false;
    errno = 0;
    micros = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    if (logical == CS_LOGICAL_TIMESTAMP_MILLIS && pg_mul_s64_overflow(micros, 1000, &micros))
        return false;
    if (logical == CS_LOGICAL_TIMESTAMP_NANOS)
        micros = micros / 1000 - (micros % 1000 < 0);
    return !pg_sub_s64_overflow(micros, CS_UNIX_OFFSET, instant) && IS_VALID_TIMESTAMP(*instant);
}

/* How a schema stores its time field; CS_LOGICAL_NONE if it has none. */
static cs_avro_logical
time_logical(const cs_avro_schema *schema)
{
    int field = cs_avro_schema_find(schema, AVRO_TIME_FIELD);
    cs_avro_shape shape;

    if (field < 0)
        return CS_LOGICAL_NONE;
    shape = cs_avro_shape_of(schema->fields[field].type);
    return shape.kind == CS_VALUE_TIME ? shape.type->logical : CS_LOGICAL_NONE;
}

/* What the metadata says of a file's times. */
static AvroTimeRange
read_range(const AvroFileInfo *info)
{
    const char *min = avro_file_info_meta(info, AVRO_MIN_TIME_KEY);
    const char *max = avro_file_info_meta(info, AVRO_MAX_TIME_KEY);
    AvroTimeRange range = {.known = false};
    cs_avro_logical logical;
    cs_avro_schema *schema;

    if (min == NULL || max == NULL)
        return range;
    schema = avro_parse_schema(info->schema, info->schema_len, info->path);
    logical = time_logical(schema);
    cs_avro_schema_free(schema);
    range.known = logical != CS_LOGICAL_NONE && parse_instant(min, logical, &range.min) &&
                  parse_instant(max, logical, &range.max) && range.min <= range.max;
    return range;
}

const AvroFileInfo *
avro_table_info(AvroTable *table, AvroTableFile *file)
{
    MemoryContext old;

    if (file->info == NULL)
    {
        CHECK_FOR_INTERRUPTS();
        old = MemoryContextSwitchTo(table->context);
        file->info = avro_file_info(file->path.path, &table->options->limits);
        file->range = read_range(file->info);
        MemoryContextSwitchTo(old);
    }
    return file->info;
}

/* Merge the schemas of all files whose headers were read. */
static void
merge_schemas(AvroTable *table)
{
    AvroFileInfo **infos = palloc_array(AvroFileInfo *, table->num_files);
    int count = 0;

    for (int i = 0; i < table->num_files; i++)
        if (table->files[i].info != NULL)
            infos[count++] = table->files[i].info;
    if (count > table->num_merged)
    {
        table->schema = avro_union_schema(infos, count);
        table->num_merged = count;
    }
    pfree(infos);
}

/* Read the headers of all files, or of those that are kept, and bind to their schema. */
static void
bind_to_files(AvroTable *table, bool all)
{
    for (int i = 0; i < table->num_files; i++)
        if (all || table->files[i].pruned == AVRO_KEPT)
            avro_table_info(table, &table->files[i]);
    merge_schemas(table);
    if (table->schema != NULL)
        avro_columns_bind(table->columns, table->num_columns, table->schema);
}

/* The first column that neither the schema nor a directory has; NULL if there is none. */
static const AvroColumn *
find_missing(const AvroTable *table)
{
    for (int i = 0; i < table->num_columns; i++)
    {
        const AvroColumn *column = &table->columns[i];
        bool named = column->source != AVRO_SOURCE_FIELD || column->field >= 0;

        for (int j = 0; j < table->num_files && !named; j++)
            named = avro_table_fixed(column, &table->files[j]);
        if (!named)
            return column;
    }
    return NULL;
}

void
avro_table_bind(AvroTable *table)
{
    MemoryContext old = MemoryContextSwitchTo(table->context);
    const char *json = table->options->schema;
    const AvroColumn *missing;

    if (json == NULL)
        bind_to_files(table, false);
    else if (table->schema == NULL)
    {
        table->schema = avro_parse_schema(json, strlen(json), NULL);
        avro_columns_bind(table->columns, table->num_columns, table->schema);
    }
    if (json == NULL && table->schema != NULL && find_missing(table) != NULL)
        bind_to_files(table, true);
    missing = table->schema != NULL ? find_missing(table) : NULL;
    if (missing != NULL)
        avro_field_missing(table->schema, missing);
    MemoryContextSwitchTo(old);
}

void
avro_table_bind_all(AvroTable *table)
{
    MemoryContext old = MemoryContextSwitchTo(table->context);

    if (table->options->schema == NULL)
        bind_to_files(table, true);
    MemoryContextSwitchTo(old);
}

void
avro_table_set_schema(AvroTable *table, const char *json, size_t len)
{
    MemoryContext old = MemoryContextSwitchTo(table->context);

    table->schema = avro_parse_schema(json, len, NULL);
    avro_columns_bind(table->columns, table->num_columns, table->schema);
    MemoryContextSwitchTo(old);
}

int
avro_table_count_files(const AvroTable *table, AvroPruned pruned)
{
    int count = 0;

    for (int i = 0; i < table->num_files; i++)
        count += table->files[i].pruned == pruned;
    return count;
}

bool
avro_table_fixed(const AvroColumn *column, const AvroTableFile *file)
{
    const char *value;

    return avro_path_key(&file->path, column->name, &value) ||
           column->source == AVRO_SOURCE_FILENAME;
}

Datum
avro_table_fixed_value(const AvroColumn *column, const AvroTableFile *file, bool *is_null)
{
    const char *value;

    if (!avro_path_key(&file->path, column->name, &value))
        value = file->path.path;
    return avro_text_datum(column, value, is_null);
}
