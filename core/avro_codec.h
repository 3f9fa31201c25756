/*
 * core/avro_codec.h
 *     Compressing and decompressing one block.
 */
#ifndef CS_AVRO_CODEC_H
#define CS_AVRO_CODEC_H

#include "avro_container.h"

/* A piece of memory that a streaming codec was given. */
typedef struct cs_codec_piece
{
    void *memory; /* NULL: the slot is free */
    size_t size;
    bool used; /* false: given back, and kept for the next block */
} cs_codec_piece;

#define CS_CODEC_MAX_PIECES 32 /* bzip2 takes up to 4 at a time, xz about 10 */

/*
 * What a codec needs from block to block: made at first use, kept, and freed by
 * cs_codec_free alone, wherever work in it was left off. Memory comes from env,
 * but for what libdeflate, libzstd and libsnappy allocate: a compressor or
 * decompressor of theirs takes malloc's, and snappy's compressor a working table
 * during a call. None of these grows with what a file says.
 */
typedef struct cs_codec_state
{
    const cs_env *env;
    cs_avro_codec codec;
    int level;
    struct libdeflate_compressor *compressor;
    struct libdeflate_decompressor *decompressor;
    struct ZSTD_CCtx_s *zstd_compressor;
    struct ZSTD_DCtx_s *zstd_decompressor;
    cs_codec_piece pieces[CS_CODEC_MAX_PIECES]; /* what bzip2 and xz took */
} cs_codec_state;

/* Start a codec; a level of 0 is the codec's default. */
void cs_codec_init(cs_codec_state *state, const cs_env *env, cs_avro_codec codec, int level);
void cs_codec_free(cs_codec_state *state);

/* CS_ERR_ARGUMENT unless the codec has this level of compression. */
cs_code cs_codec_check_level(cs_avro_codec codec, int level, cs_error *err);

/* The names of all codecs, with commas between. */
#define CS_CODEC_LIST_SIZE 64
void cs_codec_list(char text[CS_CODEC_LIST_SIZE]);

/* Replace the contents of out by data, compressed. */
cs_code cs_codec_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err);

/*
 * Replace the contents of out by data, decompressed: at most limit bytes, with
 * CS_AVRO_BLOCK_SLACK zeros behind them. All of data must be used up.
 */
cs_code cs_codec_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                            cs_error *err);

#endif
