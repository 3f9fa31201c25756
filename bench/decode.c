/*
 * bench/decode.c
 *     Decode an Avro file with core, or with avro-c's value reader, in one thread.
 *
 * Usage: decode core|avro-c FILE [COLUMN]...
 *
 * All columns are decoded where none is named. Prints processor seconds, records and a sum over the
 * values that both readers must agree on: numbers by value, everything else by its length.
 */
#include "avro_decode.h"

#include <avro.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_COLUMNS 256

/* What reading a file comes to. */
typedef struct outcome
{
    int64_t records;
    uint64_t sum;
} outcome;

/* End with a message. */
static void
die(const char *what, const char *why)
{
    fprintf(stderr, "decode: %s: %s\n", what, why);
    exit(1);
}

/* cs_source.read_at on a descriptor */
static int64_t
read_at(void *ctx, uint64_t offset, void *data, size_t len)
{
    return pread(*(int *) ctx, data, len, (off_t) offset);
}

/* Open a file for core. */
static cs_avro_reader *
open_core(const char *name, int *fd)
{
    cs_source source = {fd, name, 0, read_at};
    cs_avro_reader *reader;
    struct stat info;
    cs_error err;

    *fd = open(name, O_RDONLY);
    if (*fd < 0 || fstat(*fd, &info) != 0)
        die(name, strerror(errno));
    source.size = info.st_size;
    if (cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err) != CS_OK)
        die(name, err.message);
    return reader;
}

/* Compile a plan for the named columns, or for all. */
static cs_avro_plan *
make_plan(const cs_avro_schema *schema, char **names, size_t *count)
{
    int wanted[MAX_COLUMNS];
    cs_avro_plan *plan;
    cs_error err;
    size_t named = *count;

    if (named == 0)
        *count = schema->num_fields;
    if (*count > MAX_COLUMNS)
        die("schema", "too many columns");
    for (size_t i = 0; i < *count; i++)
    {
        wanted[i] = named > 0 ? cs_avro_schema_find(schema, names[i]) : (int) i;
        if (wanted[i] < 0)
            die(names[i], "no such column");
    }
    if (cs_avro_plan_make(cs_malloc_env(), schema, NULL, wanted, *count, NULL, &plan, &err) !=
        CS_OK)
        die("plan", err.message);
    return plan;
}

/* What a value adds to the sum. */
static uint64_t
weigh(const cs_value *value)
{
    switch (value->kind)
    {
        case CS_VALUE_TIME:
            return (uint64_t) (value->as.time + CS_UNIX_OFFSET) / 1000;
        case CS_VALUE_INTEGER:
            return (uint64_t) value->as.integer;
        case CS_VALUE_DOUBLE:
            return (uint64_t) value->as.dbl;
        case CS_VALUE_STRING:
        case CS_VALUE_BYTES:
            return value->as.bytes.len;
        default:
            return 0;
    }
}

/* Read a file with core. */
static outcome
read_core(const char *name, char **names, size_t count)
{
    int fd;
    cs_avro_reader *reader = open_core(name, &fd);
    cs_avro_plan *plan = make_plan(cs_avro_reader_schema(reader), names, &count);
    outcome total = {0, 0};
    cs_avro_block block;
    cs_error err;
    cs_code code;

    while ((code = cs_avro_reader_next(reader, &block, &err)) == CS_OK)
    {
        cs_value values[MAX_COLUMNS];
        cs_avro_cursor cursor;

        cs_avro_cursor_init(&cursor, plan, &block);
        while ((code = cs_avro_cursor_next(&cursor, values, &err)) == CS_OK)
        {
            for (size_t i = 0; i < count; i++)
                total.sum += weigh(&values[i]);
            total.records++;
        }
        if (code != CS_END)
            die(name, err.message);
    }
    if (code != CS_END)
        die(name, err.message);
    cs_avro_plan_free(plan);
    cs_avro_reader_close(reader);
    close(fd);
    return total;
}

/* What avro-c's value adds to the sum. */
static uint64_t
weigh_peer(const avro_value_t *value)
{
    const void *bytes;
    size_t len;
    int32_t small;
    int64_t number;
    double real;

    switch (avro_value_get_type(value))
    {
        case AVRO_INT32:
            avro_value_get_int(value, &small);
            return (uint64_t) small;
        case AVRO_INT64:
            avro_value_get_long(value, &number);
            return (uint64_t) number;
        case AVRO_DOUBLE:
            avro_value_get_double(value, &real);
            return (uint64_t) real;
        case AVRO_STRING:
            avro_value_get_string(value, (const char **) &bytes, &len);
            return len - 1;
        case AVRO_BYTES:
            avro_value_get_bytes(value, &bytes, &len);
            return len;
        default:
            return 0;
    }
}

/* The writer's schema with none but the named fields: avro-c's way to skip the others. */
static avro_schema_t
project(avro_schema_t schema, char **names, size_t count)
{
    avro_schema_t record = avro_schema_record(avro_schema_name(schema), NULL);

    for (size_t i = 0; i < count; i++)
    {
        avro_schema_t field = avro_schema_get_subschema(schema, names[i]);

        if (field == NULL)
            die(names[i], "no such column");
        avro_schema_record_field_append(record, names[i], field);
    }
    return record;
}

/* Read a file with avro-c: a resolved writer where fields are skipped. */
static outcome
read_peer(const char *name, char **names, size_t count)
{
    avro_file_reader_t reader;
    avro_schema_t schema;
    avro_value_iface_t *iface, *resolver = NULL;
    avro_value_t record, *target = &record, resolved;
    outcome total = {0, 0};
    int status;

    if (avro_file_reader(name, &reader) != 0)
        die(name, avro_strerror());
    schema = avro_file_reader_get_writer_schema(reader);
    if (count > 0)
    {
        avro_schema_t part = project(schema, names, count);

        resolver = avro_resolved_writer_new(schema, part);
        if (resolver == NULL)
            die(name, avro_strerror());
        iface = avro_generic_class_from_schema(part);
        avro_resolved_writer_new_value(resolver, &resolved);
        target = &resolved;
    }
    else
        iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &record);
    if (count > 0)
        avro_resolved_writer_set_dest(&resolved, &record);
    while ((status = avro_file_reader_read_value(reader, target)) == 0)
    {
        size_t fields;

        avro_value_get_size(&record, &fields);
        for (size_t i = 0; i < fields; i++)
        {
            avro_value_t field;

            avro_value_get_by_index(&record, i, &field, NULL);
            total.sum += weigh_peer(&field);
        }
        total.records++;
    }
    if (status != EOF)
        die(name, avro_strerror());
    return total;
}

int
main(int argc, char **argv)
{
    struct timespec start, end;
    outcome total;

    if (argc < 3 || (strcmp(argv[1], "core") != 0 && strcmp(argv[1], "avro-c") != 0))
    {
        fprintf(stderr, "Usage: decode core|avro-c FILE [COLUMN]...\n");
        return 1;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (strcmp(argv[1], "core") == 0)
        total = read_core(argv[2], argv + 3, (size_t) argc - 3);
    else
        total = read_peer(argv[2], argv + 3, (size_t) argc - 3);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.4f %" PRId64 " %" PRIu64 "\n",
           (double) (end.tv_sec - start.tv_sec) + (double) (end.tv_nsec - start.tv_nsec) / 1e9,
           total.records, total.sum);
    return 0;
}
