/*
 * core/avro_container.h
 *     The object container file: header, blocks, sync markers, codecs.
 *
 * Reading: open parses the header and the schema; next_block hands out one
 * block after the other, decompressed. The file may end only at a block's
 * border; a block's length is checked against the bytes left before anything
 * is allocated; empty blocks are passed over. Record bytes are checked by
 * avro_decode.h.
 *
 * Writing: the header is written with its metadata padded to a fixed size, so
 * that finish can put in what is only known at the end.
 */
#ifndef CS_AVRO_CONTAINER_H
#define CS_AVRO_CONTAINER_H

#include "avro_schema.h"

#define CS_AVRO_MAGIC "Obj\x01"
#define CS_AVRO_MAGIC_BYTES 4
#define CS_AVRO_SYNC_BYTES 16

/* Limits for hostile files; a reader may be opened with others. */
#define CS_AVRO_MAX_HEADER_BYTES (16 * 1024 * 1024)
#define CS_AVRO_MAX_META_ENTRIES 10000             /* each is compared with all before it */
#define CS_AVRO_MAX_BLOCK_BYTES (64 * 1024 * 1024) /* stored, and decompressed */
#define CS_AVRO_MAX_EMPTY_RECORDS (1024 * 1024)    /* records of zero bytes in one block */

typedef enum cs_avro_codec
{
    CS_CODEC_NULL,
    CS_CODEC_DEFLATE
} cs_avro_codec;

/* Find a codec by its name in the specification; false if unknown. */
bool cs_avro_codec_find(cs_slice name, cs_avro_codec *codec);
const char *cs_avro_codec_name(cs_avro_codec codec);

/*
 * Where bytes come from. read_at returns the number of bytes read, 0 at the
 * end, or -1 with errno set; core reads forward only, so a pipe may ignore the
 * offset. size is -1 where unknown.
 */
typedef struct cs_source
{
    void *ctx;
    const char *name;
    int64_t size;
    int64_t (*read_at)(void *ctx, uint64_t offset, void *data, size_t len);
} cs_source;

/* Where bytes go. write_at writes all of data; false with errno set if it cannot. */
typedef struct cs_sink
{
    void *ctx;
    const char *name;
    bool (*write_at)(void *ctx, uint64_t offset, const void *data, size_t len);
} cs_sink;

/* One entry of the header's metadata. */
typedef struct cs_avro_meta
{
    char *key;
    uint8_t *value; /* terminated for convenience, may hold NULs */
    size_t len;
} cs_avro_meta;

/* One block, decompressed; data is valid until the next call. */
typedef struct cs_avro_block
{
    int64_t index;        /* from 0, empty blocks counted */
    uint64_t offset;      /* of the block's first byte in the file */
    uint64_t end_offset;  /* behind its sync marker */
    int64_t records;      /* declared; > 0 */
    int64_t first_record; /* the number of its first record in the file, from 1 */
    const uint8_t *data;
    size_t len;
} cs_avro_block;

typedef struct cs_avro_reader cs_avro_reader;

cs_code cs_avro_reader_open(const cs_env *env, const cs_source *source, cs_avro_reader **reader,
                            cs_error *err);
void cs_avro_reader_close(cs_avro_reader *reader);

/* CS_OK with a block of at least one record, CS_END at the regular end of the file. */
cs_code cs_avro_reader_next(cs_avro_reader *reader, cs_avro_block *block, cs_error *err);

const cs_avro_schema *cs_avro_reader_schema(const cs_avro_reader *reader);
cs_avro_codec cs_avro_reader_codec(const cs_avro_reader *reader);
const cs_avro_meta *cs_avro_reader_meta(const cs_avro_reader *reader, size_t *count);

/* The value of a metadata key as terminated text, NULL if absent. */
const char *cs_avro_reader_meta_text(const cs_avro_reader *reader, const char *key);

/* The header's raw bytes with its sync marker: the file's identity. */
cs_slice cs_avro_reader_header(const cs_avro_reader *reader);

/* Blocks are cut when they reach this many bytes before compression. */
#define CS_AVRO_BLOCK_BYTES (128 * 1024)

typedef struct cs_avro_writer cs_avro_writer;

/* Metadata given at finish; values are text. */
typedef struct cs_avro_text_meta
{
    const char *key;
    const char *value;
} cs_avro_text_meta;

/* The bytes that the metadata given at finish may take together, keys included. */
#define CS_AVRO_FINISH_META_BYTES 512

/* The schema must outlive the writer. */
cs_code cs_avro_writer_open(const cs_env *env, const cs_sink *sink, const cs_avro_schema *schema,
                            cs_avro_codec codec, cs_avro_writer **writer, cs_error *err);

/* The buffer to which one record's encoding is appended before cs_avro_writer_add. */
cs_buffer *cs_avro_writer_buffer(cs_avro_writer *writer);

/* Count the record just appended; writes a block when it is full. */
cs_code cs_avro_writer_add(cs_avro_writer *writer, cs_error *err);

/* Write the last block and the final header. The sink is the caller's to sync and close. */
cs_code cs_avro_writer_finish(cs_avro_writer *writer, const cs_avro_text_meta *meta, size_t count,
                              cs_error *err);
void cs_avro_writer_free(cs_avro_writer *writer);

#endif
