/*
 * bench/encode.c
 *     Write the records of a log as Avro with core, or with avro-c's value writer, in one thread.
 *
 * Usage: encode core|avro-c|avro-c-text SCHEMA LOG OUTPUT CODEC
 *
 * The log is parsed by core, before the clock starts; with avro-c-text line by line
 * while it runs, as a program that turns text into Avro has to. Prints processor
 * seconds and records.
 */
#include "avro_encode.h"
#include "avro_container.h"
#include "http_log.h"

#include <avro.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NUM_FIELDS 4
#define MAX_LINES 20000000

/* What there is to be written. */
typedef struct work
{
    cs_buffer schema;
    cs_buffer text;
    cs_log_line *lines;
    size_t count;
    const char *output;
    const char *codec;
} work;

/* End with a message. */
static void
die(const char *what, const char *why)
{
    fprintf(stderr, "encode: %s: %s\n", what, why);
    exit(1);
}

/* Processor seconds used so far. */
static double
now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double) time.tv_sec + (double) time.tv_nsec / 1e9;
}

/* Read a whole file. */
static void
read_file(const char *name, cs_buffer *content)
{
    FILE *file = fopen(name, "rb");
    cs_error err;
    size_t got;

    if (file == NULL)
        die(name, strerror(errno));
    cs_buffer_init(content, cs_malloc_env());
    do
    {
        if (cs_buffer_reserve(content, (size_t) 1 << 20, &err) != CS_OK)
            die(name, err.message);
        got = fread(content->data + content->len, 1, (size_t) 1 << 20, file);
        content->len += got;
    } while (got > 0);
    fclose(file);
}

/* Parse the line at *at and go on behind it. */
static cs_log_line
next_line(const char **at, const char *end)
{
    const char *feed = memchr(*at, '\n', (size_t) (end - *at));
    size_t len = (size_t) ((feed != NULL ? feed : end) - *at);
    cs_log_line line;
    cs_error err;

    if (cs_log_line_parse((cs_slice){*at, len}, &line, &err) != CS_OK)
        die("line", err.message);
    *at += len + 1;
    return line;
}

/* Parse the whole log. */
static void
parse_lines(work *work)
{
    const char *at = (const char *) work->text.data;
    const char *end = at + work->text.len;

    work->lines = malloc(MAX_LINES * sizeof(cs_log_line));
    if (work->lines == NULL)
        die("lines", "out of memory");
    while (at < end && work->count < MAX_LINES)
        work->lines[work->count++] = next_line(&at, end);
}

/* cs_sink.write_at on a descriptor */
static bool
write_at(void *ctx, uint64_t offset, const void *data, size_t len)
{
    return pwrite(*(int *) ctx, data, len, (off_t) offset) == (ssize_t) len;
}

/* Write all lines with core. */
static cs_code
write_core(const work *work, cs_avro_writer *writer, const cs_avro_schema *schema, cs_error *err)
{
    for (size_t i = 0; i < work->count; i++)
    {
        const cs_log_line *line = &work->lines[i];
        const cs_value values[NUM_FIELDS] = {
            {.kind = CS_VALUE_TIME, .as.time = line->time},
            {.kind = CS_VALUE_STRING, .as.bytes = line->method},
            {.kind = CS_VALUE_STRING, .as.bytes = line->path},
            {.kind = CS_VALUE_STRING, .as.bytes = line->user_id},
        };

        CS_TRY(cs_avro_encode_record(schema, values, cs_avro_writer_buffer(writer), err));
        CS_TRY(cs_avro_writer_add(writer, err));
    }
    return cs_avro_writer_finish(writer, NULL, 0, err);
}

/* Open a file and write all lines with core. */
static void
run_core(const work *work)
{
    int fd = open(work->output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    cs_sink sink = {&fd, work->output, write_at};
    cs_avro_writer_options options = {.codec = CS_CODEC_NULL};
    cs_avro_schema *schema;
    cs_avro_writer *writer;
    cs_error err;

    if (fd < 0)
        die(work->output, strerror(errno));
    cs_avro_codec_find(cs_slice_of(work->codec), &options.codec);
    if (cs_avro_schema_parse(cs_malloc_env(), (const char *) work->schema.data, work->schema.len,
                             &schema, &err) != CS_OK ||
        cs_avro_writer_open(cs_malloc_env(), &sink, schema, &options, &writer, &err) != CS_OK ||
        write_core(work, writer, schema, &err) != CS_OK)
        die(work->output, err.message);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
    close(fd);
}

/* avro-c's writer with the record that is filled again and again. */
typedef struct peer
{
    avro_file_writer_t writer;
    avro_value_t record;
    avro_value_t fields[NUM_FIELDS];
} peer;

/* Open a file with avro-c, with blocks of the size that core makes. */
static void
open_peer(const work *work, peer *peer)
{
    avro_schema_t schema;

    remove(work->output);
    if (avro_schema_from_json_length((const char *) work->schema.data, work->schema.len, &schema) !=
            0 ||
        avro_file_writer_create_with_codec(work->output, schema, &peer->writer, work->codec,
                                           CS_AVRO_BLOCK_BYTES) != 0 ||
        avro_generic_value_new(avro_generic_class_from_schema(schema), &peer->record) != 0)
        die(work->output, avro_strerror());
    for (size_t i = 0; i < NUM_FIELDS; i++)
        avro_value_get_by_index(&peer->record, i, &peer->fields[i], NULL);
}

/* Terminate a field, whose next byte is a separator, and set it. */
static void
set_text(avro_value_t *field, cs_slice text)
{
    ((char *) text.data)[text.len] = '\0';
    avro_value_set_string_len(field, text.data, text.len + 1);
}

/* Write one line with avro-c. */
static void
write_peer(peer *peer, const cs_log_line *line)
{
    avro_value_set_long(&peer->fields[0], (line->time + CS_UNIX_OFFSET) / 1000);
    set_text(&peer->fields[1], line->method);
    set_text(&peer->fields[2], line->path);
    set_text(&peer->fields[3], line->user_id);
    if (avro_file_writer_append_value(peer->writer, &peer->record) != 0)
        die("record", avro_strerror());
}

/* Write all lines with avro-c, parsing them on the way where that was not done. */
static void
run_peer(work *work)
{
    const char *at = (const char *) work->text.data;
    const char *end = at + work->text.len;
    bool parsed = work->lines != NULL;
    peer peer;

    open_peer(work, &peer);
    if (parsed)
        for (size_t i = 0; i < work->count; i++)
            write_peer(&peer, &work->lines[i]);
    for (; !parsed && at < end; work->count++)
    {
        cs_log_line line = next_line(&at, end);

        write_peer(&peer, &line);
    }
    if (avro_file_writer_close(peer.writer) != 0)
        die(work->output, avro_strerror());
}

int
main(int argc, char **argv)
{
    work work = {.count = 0};
    double before;

    if (argc != 6)
        die("usage", "core|avro-c|avro-c-text SCHEMA LOG OUTPUT CODEC");
    read_file(argv[2], &work.schema);
    read_file(argv[3], &work.text);
    work.output = argv[4];
    work.codec = argv[5];
    if (strcmp(argv[1], "avro-c-text") != 0)
        parse_lines(&work);
    before = now();
    if (strcmp(argv[1], "core") == 0)
        run_core(&work);
    else
        run_peer(&work);
    printf("%.6f %zu\n", now() - before, work.count);
    return 0;
}
