/*
 * test/unit/avro_build.h
 *     Avro files built by hand, byte by byte, so that they can be wrong.
 */
#ifndef TEST_AVRO_BUILD_H
#define TEST_AVRO_BUILD_H

#include "avro_decode.h"
#include "support.h"

/* The sync marker of files built here. */
extern const uint8_t build_sync[CS_AVRO_SYNC_BYTES];

/* One field of type T: the head of most schemas here. */
#define SCHEMA_OF(type) \
    "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": " type "}]}"
#define SCHEMA_LONG SCHEMA_OF("\"long\"")
#define SCHEMA_STRING SCHEMA_OF("\"string\"")
#define SCHEMA_NULL SCHEMA_OF("\"null\"")

/* Parse a schema that is right. */
cs_avro_schema *build_schema(const char *json);

/* Append bytes; a long; a length and bytes; a length and a terminated text. */
void build_raw(cs_buffer *out, const void *data, size_t len);
void build_long(cs_buffer *out, int64_t value);
void build_bytes(cs_buffer *out, const void *data, size_t len);
void build_text(cs_buffer *out, const char *text);

/* Append a header with a schema and, unless NULL, a codec. */
void build_header(cs_buffer *out, const char *schema, const char *codec);

/* Append a block with its marker; the data as they are, or compressed with deflate. */
void build_block(cs_buffer *out, int64_t records, const void *data, size_t len);
void build_deflate_block(cs_buffer *out, int64_t records, const void *data, size_t len);

/* The same with any codec, by core's own compressing; of no records, an empty one. */
void build_packed_block(cs_buffer *out, cs_avro_codec codec, int64_t records, const void *data,
                        size_t len);

/* Append a block of longs: first, first + 1, ... */
void build_longs(cs_buffer *out, int64_t first, int64_t count);

/* A file of longs, 1, 2, ..., whose borders are known. */
#define KNOWN_MAX_BLOCKS 64
typedef struct known_file
{
    cs_buffer bytes;
    cs_avro_codec codec;
    size_t header_len;
    size_t num_blocks;
    struct
    {
        size_t end;   /* of the block with its marker */
        int64_t rows; /* up to here */
    } blocks[KNOWN_MAX_BLOCKS];
} known_file;

void known_start(known_file *file, cs_avro_codec codec);
void known_free(known_file *file);

/* Append a block of the next count longs; none is fine. */
void known_add(known_file *file, int64_t count);

/* Where a block begins, and how many rows there are before it. */
size_t known_begin(const known_file *file, size_t block);
int64_t known_rows_before(const known_file *file, size_t block);

/* Open the file; memory must stay as it is. */
cs_avro_reader *known_open(const cs_env *env, const known_file *file, test_file *memory);

/* Fail unless the block is that one of the file, its longs included. */
void known_check_block(const known_file *file, size_t block, const cs_avro_block *actual);

/* What came out of a file that was read to its end, or to its first error. */
typedef struct read_result
{
    cs_code code;   /* CS_END, or the error that ended it */
    cs_error err;   /* of that error */
    bool opened;    /* the header was read */
    int64_t rows;   /* delivered */
    int64_t ranges; /* records refused with CS_ERR_RANGE and passed over */
    int64_t sum;    /* of the first column, where it is an integer */
} read_result;

/* Read all columns of all records. */
read_result read_all(const cs_env *env, const cs_source *source);

/* Read a file in memory, its size known. */
read_result read_file_bytes(const cs_buffer *bytes);

#endif
