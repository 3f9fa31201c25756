/*
 * core/avro_container.h
 *     The object container file: header, blocks, sync markers, codecs.
 *
 * Reading: open parses the header and the schema. Then either next hands out one
 * block after the other, decompressed; or next_head says where the next block
 * lies, and load reads it, at once, later, or by another process that has the
 * same file open. The file may end only at a block's border; a block's length is
 * checked against the bytes left and a limit before anything is allocated; empty
 * blocks are passed over. Record bytes are checked by avro_decode.h.
 *
 * Several workers on one file share a cs_avro_position: each locks it, seeks to
 * it, calls next_head, stores what tell says then, unlocks, and loads its block.
 * Blocks are found by their lengths alone, so a sync marker inside data means
 * nothing, and block and record numbers are exact.
 *
 * Salvage: after an error in a block, resync goes on behind it and says what was
 * lost.
 *
 * Writing: the header is written with its metadata padded to a fixed size, so
 * that finish can put in what is only known at the end. Records are added one by
 * one; or whole blocks, which packers can make in several threads for one writer.
 */
#ifndef CS_AVRO_CONTAINER_H
#define CS_AVRO_CONTAINER_H

#include "avro_schema.h"

#define CS_AVRO_MAGIC "Obj\x01"
#define CS_AVRO_MAGIC_BYTES 4
#define CS_AVRO_SYNC_BYTES 16
#define CS_AVRO_HEAD_BYTES 20 /* a block's record count and size, at most */

#define CS_AVRO_MAX_META_ENTRIES 10000 /* each is compared with all before it */

/* What a hostile file may cost. Passing one of these is CS_ERR_LIMIT. */
typedef struct cs_avro_limits
{
    size_t max_header_bytes;
    size_t max_block_bytes;  /* of a block: stored, and decompressed */
    int64_t max_empty_items; /* zero-byte records of a block, or zero-byte items of an array */
    int max_depth;           /* of values inside values; the decoder's */
} cs_avro_limits;

#define CS_AVRO_MAX_HEADER_BYTES (16 * 1024 * 1024)
#define CS_AVRO_MAX_BLOCK_BYTES (64 * 1024 * 1024)
#define CS_AVRO_MAX_EMPTY_ITEMS (1024 * 1024)
#define CS_AVRO_MAX_DEPTH 100

/* The limits above. */
extern const cs_avro_limits cs_avro_default_limits;

typedef enum cs_avro_codec
{
    CS_CODEC_NULL,
    CS_CODEC_DEFLATE,
    CS_CODEC_SNAPPY,
    CS_CODEC_ZSTANDARD,
    CS_CODEC_BZIP2,
    CS_CODEC_XZ
} cs_avro_codec;

#define CS_NUM_CODECS 6

/* Find a codec by its name in the specification; false if unknown. */
bool cs_avro_codec_find(cs_slice name, cs_avro_codec *codec);
const char *cs_avro_codec_name(cs_avro_codec codec);

/*
 * Where bytes come from. read_at returns the number of bytes read, 0 at the end,
 * or -1 with errno set. A source of known size is read at any offset, as pread
 * does; one of unknown size (-1: a pipe) forward only, so that it may ignore the
 * offset.
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
    const char *key;
    const uint8_t *value; /* from a reader: terminated for convenience; may hold NULs */
    size_t len;
} cs_avro_meta;

/* Where one block lies. Its end marker has been checked. */
typedef struct cs_avro_head
{
    int64_t index;        /* from 0, empty blocks counted */
    uint64_t offset;      /* of the block's first byte in the file */
    uint64_t data_offset; /* of its stored bytes */
    size_t size;          /* its stored bytes */
    uint64_t end_offset;  /* behind its sync marker */
    int64_t records;      /* declared; > 0 */
    int64_t first_record; /* the number of its first record in the file, from 1 */
} cs_avro_head;

/* Decoders may read so many initialised bytes behind a block's data. */
#define CS_AVRO_BLOCK_SLACK 16

/* One block, decompressed. */
typedef struct cs_avro_block
{
    int64_t index; /* this and the next four: of its head */
    uint64_t offset;
    uint64_t end_offset;
    int64_t records;
    int64_t first_record;

    /*
     * Valid until the reader's next call that is not an accessor, tell or seek.
     * CS_AVRO_BLOCK_SLACK bytes behind it may be read.
     */
    const uint8_t *data;
    size_t len;
} cs_avro_block;

/* A border between blocks. A plain value: it may be copied, also to other processes. */
typedef struct cs_avro_position
{
    uint64_t offset;                   /* of the next block's first byte */
    int64_t index;                     /* its number */
    int64_t record;                    /* the number of its first record */
    uint8_t ahead[CS_AVRO_HEAD_BYTES]; /* the bytes at offset, where they are known already */
    uint8_t num_ahead;                 /* how many are; 0: they will be read */
} cs_avro_position;

typedef struct cs_avro_reader cs_avro_reader;

/* The limits may be NULL, for the defaults; they are copied. */
cs_code cs_avro_reader_open(const cs_env *env, const cs_source *source,
                            const cs_avro_limits *limits, cs_avro_reader **reader, cs_error *err);
void cs_avro_reader_close(cs_avro_reader *reader);

/*
 * CS_OK with the next block that has records, CS_END at the regular end of the
 * file. After an error the position is still before the block at fault.
 */
cs_code cs_avro_reader_next(cs_avro_reader *reader, cs_avro_block *block, cs_error *err);

/*
 * Like next, but only the block's head and end marker are read (with one small
 * read), and the position is then behind it. Needs a source of known size.
 */
cs_code cs_avro_reader_next_head(cs_avro_reader *reader, cs_avro_head *head, cs_error *err);

/*
 * Read and decompress a block of this file, with one read. The position stays,
 * and does not matter.
 */
cs_code cs_avro_reader_load(cs_avro_reader *reader, const cs_avro_head *head, cs_avro_block *block,
                            cs_error *err);

/* The position, before the next block. Setting it needs a source of known size. */
void cs_avro_reader_tell(const cs_avro_reader *reader, cs_avro_position *position);
void cs_avro_reader_seek(cs_avro_reader *reader, const cs_avro_position *position);

/* What lies in a run of blocks. */
typedef struct cs_avro_totals
{
    int64_t records; /* declared */
    int64_t blocks;  /* with records */
    int64_t empty_blocks;
    uint64_t bytes; /* stored, without heads and markers */
} cs_avro_totals;

/*
 * Sum up all blocks from the position on by their heads and end markers; their
 * contents are not read. The position is then the end. Needs a source of known size.
 */
cs_code cs_avro_reader_count(cs_avro_reader *reader, cs_avro_totals *totals, cs_error *err);

/* What a salvage passed over. */
typedef struct cs_avro_loss
{
    uint64_t offset;    /* of the damaged block's first byte */
    uint64_t bytes;     /* from there to the next good block, or to the end of the file */
    int64_t blocks;     /* those among them whose heads could be read */
    int64_t records;    /* that these declare */
    bool records_known; /* these are all: no other block can have been lost */
} cs_avro_loss;

/*
 * After CS_ERR_DATA or CS_ERR_LIMIT from next, next_head, load, or from decoding
 * the block just loaded: go on behind the damaged block. Where its head and end
 * marker are sound, that is the next border; else the file is searched, from the
 * block's first byte on, for a marker that ends the file, or behind which stands
 * a block that ends with the marker itself. CS_OK with the loss; at the end of
 * the file the next block is then CS_END.
 *
 * The records counted as lost are all that the block declares: those of them
 * that were decoded before the damage showed are the caller's to subtract. Where
 * a damaged size leads to the end of a later block, all up to there is one loss;
 * the markers inside tell, so that records_known is false.
 * Numbers continue as if the lost bytes had held one block for each marker in
 * them, and the declared records of those whose heads could be read; where
 * records_known is false, later record and block numbers may be too small.
 *
 * Of a source of unknown size, only a block whose end was found can be passed
 * over; otherwise CS_ERR_UNSUPPORTED.
 */
cs_code cs_avro_reader_resync(cs_avro_reader *reader, cs_avro_loss *loss, cs_error *err);

const cs_avro_schema *cs_avro_reader_schema(const cs_avro_reader *reader);
cs_avro_codec cs_avro_reader_codec(const cs_avro_reader *reader);
const cs_avro_limits *cs_avro_reader_limits(const cs_avro_reader *reader);
const cs_avro_meta *cs_avro_reader_meta(const cs_avro_reader *reader, size_t *count);

/* The value of a metadata key as terminated text, NULL if absent. */
const char *cs_avro_reader_meta_text(const cs_avro_reader *reader, const char *key);

/* The header's raw bytes with its sync marker: the file's identity. */
cs_slice cs_avro_reader_header(const cs_avro_reader *reader);

/*
 * A block holds at most this many bytes before compression, unless a single
 * record takes more: that is then a block of its own.
 */
#define CS_AVRO_BLOCK_BYTES (128 * 1024)

/* The most that may be chosen: no codec makes more than 4 MiB, Redshift's limit, of it. */
#define CS_AVRO_BLOCK_BYTES_MAX (3 * 1024 * 1024)

/* How a file is written; all zero is fine. */
typedef struct cs_avro_writer_options
{
    cs_avro_codec codec;
    int level;                /* of compression; 0: the codec's default */
    size_t block_bytes;       /* 0: CS_AVRO_BLOCK_BYTES */
    const cs_avro_meta *meta; /* further entries of the header; keys in "avro." are refused */
    size_t num_meta;
    const uint8_t *sync; /* the marker, of CS_AVRO_SYNC_BYTES; NULL: a random one */
} cs_avro_writer_options;

typedef struct cs_avro_writer cs_avro_writer;

/* Metadata given at finish; values are text. */
typedef struct cs_avro_text_meta
{
    const char *key;
    const char *value;
} cs_avro_text_meta;

/* The bytes that the metadata given at finish may take together, keys included. */
#define CS_AVRO_FINISH_META_BYTES 512

/* The schema must outlive the writer; the options need not, NULL means all zero. */
cs_code cs_avro_writer_open(const cs_env *env, const cs_sink *sink, const cs_avro_schema *schema,
                            const cs_avro_writer_options *options, cs_avro_writer **writer,
                            cs_error *err);

/* The buffer to which one record's encoding is appended before cs_avro_writer_add. */
cs_buffer *cs_avro_writer_buffer(cs_avro_writer *writer);

/* Count the record just appended; writes the block before it when that is full. */
cs_code cs_avro_writer_add(cs_avro_writer *writer, cs_error *err);

/* The bytes of the file so far: its header and whole blocks. */
uint64_t cs_avro_writer_size(const cs_avro_writer *writer);

/*
 * Turns the bytes of records into a block, which fits into any file of the codec
 * and the records' schema. A packer is for one thread at a time.
 */
typedef struct cs_avro_packer cs_avro_packer;

/* A level of 0 is the codec's default. */
cs_code cs_avro_packer_open(const cs_env *env, cs_avro_codec codec, int level,
                            cs_avro_packer **packer, cs_error *err);
void cs_avro_packer_free(cs_avro_packer *packer);

/* Replace the contents of block by count records, compressed. */
cs_code cs_avro_pack(cs_avro_packer *packer, cs_slice records, int64_t count, cs_buffer *block,
                     cs_error *err);

/*
 * Write a packed block, behind the records added before. The block is the same
 * afterwards; it may move in memory, as the sync marker is put behind it.
 */
cs_code cs_avro_writer_append(cs_avro_writer *writer, cs_buffer *block, cs_error *err);

/* Write the last block and the final header. The sink is the caller's to sync and close. */
cs_code cs_avro_writer_finish(cs_avro_writer *writer, const cs_avro_text_meta *meta, size_t count,
                              cs_error *err);
void cs_avro_writer_free(cs_avro_writer *writer);

#endif
