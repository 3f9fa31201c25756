/*
 * test/interop/recode.c
 *     JSON lines to an Avro file of any schema, by core's encoder and writer.
 *
 * Usage: recode SCHEMA CODEC FILE < LINES    the lines as "clickstream cat" prints them
 *        recode merge SCHEMA...              print the schema that reads them all
 */
#include "avro_container.h"
#include "avro_json.h"
#include "avro_merge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* Say why it failed, and end. */
static void
fail(const char *what, const cs_error *err)
{
    fprintf(stderr, "recode: %s: %s\n", what, err->message);
    exit(1);
}

/* Read all of a file. */
static char *
read_text(const char *name, size_t *len)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL;
    size_t got;

    *len = 0;
    if (file == NULL)
    {
        perror(name);
        exit(1);
    }
    do
    {
        text = realloc(text, *len + BUFSIZ);
        if (text == NULL)
            abort();
        got = fread(text + *len, 1, BUFSIZ, file);
        *len += got;
    } while (got > 0);
    fclose(file);
    return text;
}

static bool
write_at(void *ctx, uint64_t offset, const void *data, size_t len)
{
    FILE *file = ctx;

    return fseek(file, (long) offset, SEEK_SET) == 0 && fwrite(data, 1, len, file) == len;
}

/* Add one line's record. */
static void
add_line(cs_avro_writer *writer, const cs_avro_schema *schema, const char *line)
{
    json_error_t json_err;
    json_t *record = json_loads(line, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_err);
    cs_error err;

    if (record == NULL)
    {
        fprintf(stderr, "recode: %s: %s\n", line, json_err.text);
        exit(1);
    }
    if (cs_avro_encode_json(schema->root, record, CS_JSON_PLAIN, cs_avro_writer_buffer(writer),
                            &err) != CS_OK ||
        cs_avro_writer_add(writer, &err) != CS_OK)
        fail(line, &err);
    json_decref(record);
}

/* Parse the schema in a file. */
static cs_avro_schema *
read_schema(const char *name)
{
    cs_avro_schema *schema;
    cs_error err;
    size_t len;
    char *json = read_text(name, &len);

    if (cs_avro_schema_parse(cs_malloc_env(), json, len, &schema, &err) != CS_OK)
        fail(name, &err);
    free(json);
    return schema;
}

/* Print the union of schemas by name. */
static void
merge(char **names, size_t count)
{
    cs_avro_schema **schemas = calloc(count, sizeof(cs_avro_schema *)), *merged;
    cs_error err;

    if (schemas == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        schemas[i] = read_schema(names[i]);
    if (cs_avro_schema_merge(cs_malloc_env(), (const cs_avro_schema *const *) schemas, count,
                             &merged, &err) != CS_OK)
        fail("merge", &err);
    printf("%s\n", merged->json);
    cs_avro_schema_free(merged);
    for (size_t i = 0; i < count; i++)
        cs_avro_schema_free(schemas[i]);
    free(schemas);
}

/* Write a file of the lines of standard input. */
static void
write_file(const cs_avro_schema *schema, const cs_avro_writer_options *options, const char *name)
{
    FILE *file = fopen(name, "wb");
    cs_sink sink = {file, name, write_at};
    cs_avro_writer *writer;
    cs_error err;
    char *line = NULL;
    size_t room = 0;

    if (file == NULL)
    {
        perror(name);
        exit(1);
    }
    if (cs_avro_writer_open(cs_malloc_env(), &sink, schema, options, &writer, &err) != CS_OK)
        fail(name, &err);
    while (getline(&line, &room, stdin) != -1)
        add_line(writer, schema, line);
    if (cs_avro_writer_finish(writer, NULL, 0, &err) != CS_OK)
        fail(name, &err);
    cs_avro_writer_free(writer);
    free(line);
    if (fclose(file) != 0)
    {
        perror(name);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    cs_avro_writer_options options = {.block_bytes = 4096};
    cs_avro_schema *schema;

    if (argc >= 3 && strcmp(argv[1], "merge") == 0)
    {
        merge(argv + 2, (size_t) argc - 2);
        return 0;
    }
    if (argc != 4 || !cs_avro_codec_find(cs_slice_of(argv[2]), &options.codec))
    {
        fprintf(stderr, "usage: recode SCHEMA CODEC FILE < LINES | merge SCHEMA...\n");
        return 1;
    }
    schema = read_schema(argv[1]);
    write_file(schema, &options, argv[3]);
    cs_avro_schema_free(schema);
    return 0;
}
