/*
 * test/interop/avro_c_peer.c
 *     avro-c as a peer: its reader on our files, its writer for ours.
 *
 * Usage: avro_c_peer compare FILE FILE       the records of both are equal
 *        avro_c_peer copy CODEC FROM TO      read each record, write it
 *
 * The number of records is printed. What a file's schema says beside its types
 * (logical types, defaults, aliases) avro-c drops when it writes one.
 */
#include <avro.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (64 * 1024)
#define RECORD_BYTES (1024 * 1024)

/* A file being read, and its current record. */
typedef struct peer_file
{
    const char *name;
    avro_file_reader_t reader;
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
} peer_file;

/* Say why it failed, and end. */
static void
fail(const char *name)
{
    fprintf(stderr, "avro_c_peer: %s: %s\n", name, avro_strerror());
    exit(1);
}

/* Open a file. */
static void
open_file(peer_file *file, const char *name)
{
    file->name = name;
    if (avro_file_reader(name, &file->reader) != 0)
        fail(name);
    file->schema = avro_file_reader_get_writer_schema(file->reader);
    file->iface = avro_generic_class_from_schema(file->schema);
    if (file->iface == NULL || avro_generic_value_new(file->iface, &file->value) != 0)
        fail(name);
}

/* Read the next record; 0 at the end. */
static int
next_record(peer_file *file)
{
    int status;

    avro_value_reset(&file->value);
    status = avro_file_reader_read_value(file->reader, &file->value);
    if (status != 0 && status != EOF)
        fail(file->name);
    return status == 0;
}

static void
close_file(peer_file *file)
{
    avro_value_decref(&file->value);
    avro_value_iface_decref(file->iface);
    avro_schema_decref(file->schema);
    avro_file_reader_close(file->reader);
}

/* Encode a record as avro-c does; its length. */
static size_t
encode_record(peer_file *file, char *bytes)
{
    avro_writer_t writer = avro_writer_memory(bytes, RECORD_BYTES);
    size_t len;

    if (avro_value_write(writer, &file->value) != 0)
        fail(file->name);
    len = (size_t) avro_writer_tell(writer);
    avro_writer_free(writer);
    return len;
}

/* True if two records are the same bytes: avro_value_equal has no NaN equal to itself. */
static int
same_record(peer_file *a, peer_file *b)
{
    static char a_bytes[RECORD_BYTES], b_bytes[RECORD_BYTES];
    size_t len = encode_record(a, a_bytes);

    return len == encode_record(b, b_bytes) && memcmp(a_bytes, b_bytes, len) == 0;
}

/* Compare two files; the number of records. */
static long
compare_files(const char *a_name, const char *b_name)
{
    peer_file a, b;
    long records = 0;

    open_file(&a, a_name);
    open_file(&b, b_name);
    for (;; records++)
    {
        int more = next_record(&a);

        if (more != next_record(&b))
        {
            fprintf(stderr, "avro_c_peer: one file ends after %ld records\n", records);
            exit(1);
        }
        if (!more)
            break;
        if (!same_record(&a, &b))
        {
            fprintf(stderr, "avro_c_peer: record %ld differs\n", records + 1);
            exit(1);
        }
    }
    close_file(&a);
    close_file(&b);
    return records;
}

/* Write what is read; the number of records. */
static long
copy_file(const char *codec, const char *from, const char *to)
{
    avro_file_writer_t writer;
    peer_file file;
    long records = 0;

    open_file(&file, from);
    if (avro_file_writer_create_with_codec(to, file.schema, &writer, codec, BLOCK_BYTES) != 0)
        fail(to);
    for (; next_record(&file); records++)
        if (avro_file_writer_append_value(writer, &file.value) != 0)
            fail(to);
    if (avro_file_writer_close(writer) != 0)
        fail(to);
    close_file(&file);
    return records;
}

int
main(int argc, char **argv)
{
    long records;

    if (argc == 4 && strcmp(argv[1], "compare") == 0)
        records = compare_files(argv[2], argv[3]);
    else if (argc == 5 && strcmp(argv[1], "copy") == 0)
        records = copy_file(argv[2], argv[3], argv[4]);
    else
    {
        fprintf(stderr, "usage: avro_c_peer compare FILE FILE | copy CODEC FROM TO\n");
        return 1;
    }
    printf("%ld\n", records);
    return 0;
}
