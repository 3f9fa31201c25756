/*
 * core/avro_reader.h
 *     What the files of the reader share: avro_header.c, avro_read.c,
 *     avro_salvage.c.
 */
#ifndef CS_AVRO_READER_H
#define CS_AVRO_READER_H

#include "avro_codec.h"
#include "avro_input.h"

/* What is read at a time for a head: that, and a few empty blocks. */
#define HEAD_AHEAD_BYTES ((size_t) 512)

/* How much is known of the block that was touched last. */
typedef enum cs_block_state
{
    CS_BLOCK_NONE,  /* there is none */
    CS_BLOCK_BEGUN, /* where it begins */
    CS_BLOCK_HEAD,  /* its count and size too */
    CS_BLOCK_SOUND  /* its end marker was found */
} cs_block_state;

struct cs_avro_reader
{
    const cs_env *env;
    cs_avro_limits limits;
    cs_avro_input input;

    /* The header */
    cs_buffer header; /* its raw bytes, sync marker included */
    cs_avro_meta *meta;
    size_t num_meta;
    size_t meta_capacity;
    cs_avro_schema *schema;
    uint8_t sync[CS_AVRO_SYNC_BYTES];

    /* The blocks */
    cs_avro_position position;
    cs_avro_head touched; /* the last block; as far as its state says */
    cs_block_state state;
    bool small_blocks; /* the last block loaded was one: read several at once */

    /* The block loaded */
    cs_codec_state codec;
    cs_buffer stored;       /* as in the file; unused for small ones */
    cs_buffer decompressed; /* unused for the codec null */
};

/* Read the header up to and including the sync marker. */
cs_code cs_reader_read_header(cs_avro_reader *reader, cs_error *err);

/* Find a metadata entry, NULL if absent. */
const cs_avro_meta *cs_reader_find_meta(const cs_avro_reader *reader, const char *key);

/*
 * Read the count and size of the block at head->offset, with up to ahead bytes in
 * one go, and fill in the rest of head but the numbers. CS_END at the end of the
 * file. Nothing is checked but that both are numbers.
 */
cs_code cs_reader_read_head(cs_avro_reader *reader, size_t ahead, cs_avro_head *head, int64_t *size,
                            cs_error *err);

/* True if the file's sync marker stands before end_offset; the file must reach that far. */
cs_code cs_reader_find_marker(cs_avro_reader *reader, uint64_t end_offset, bool *found,
                              cs_error *err);

#endif
