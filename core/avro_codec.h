/*
 * core/avro_codec.h
 *     Compressing and decompressing one block.
 */
#ifndef CS_AVRO_CODEC_H
#define CS_AVRO_CODEC_H

#include "avro_container.h"

/* Holds what a codec needs from block to block. */
typedef struct cs_codec_state
{
    cs_avro_codec codec;
    struct libdeflate_compressor *compressor;     /* made at first use */
    struct libdeflate_decompressor *decompressor; /* made at first use */
} cs_codec_state;

void cs_codec_init(cs_codec_state *state, cs_avro_codec codec);
void cs_codec_free(cs_codec_state *state);

/* Replace the contents of out by data, compressed. */
cs_code cs_codec_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err);

/* Replace the contents of out by data, decompressed; at most limit bytes. */
cs_code cs_codec_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                            cs_error *err);

#endif
