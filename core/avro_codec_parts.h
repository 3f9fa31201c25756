/*
 * core/avro_codec_parts.h
 *     What the files of the codecs share.
 *
 * Decompressed sizes are not stored, or not to be believed. So a codec starts
 * from a guess, or from what the buffer has room for since an earlier block, and
 * grows it up to the limit.
 */
#ifndef CS_AVRO_CODEC_PARTS_H
#define CS_AVRO_CODEC_PARTS_H

#include "avro_codec.h"

/* The room to begin with, for so many stored bytes. */
size_t cs_codec_first_room(size_t stored, size_t limit, const cs_buffer *out);

/* Make out hold room bytes and the slack; its contents may be lost unless keep. */
cs_code cs_codec_make_room(cs_buffer *out, size_t room, bool keep, cs_error *err);

/* Report that the data decompress to more than the limit. */
cs_code cs_codec_fail_limit(size_t limit, cs_error *err);

/* Double the room up to the limit; CS_ERR_LIMIT if it is there already. */
cs_code cs_codec_grow_room(cs_buffer *out, size_t *room, size_t limit, bool keep, cs_error *err);

/* Report that the data are not what the codec makes. */
cs_code cs_codec_fail_data(const cs_codec_state *state, cs_error *err);

/* Report that the codec's library could not get memory. */
cs_code cs_codec_fail_memory(const cs_codec_state *state, cs_error *err);

/* The codecs whose libraries work on streams (avro_codec_stream.c). */
cs_code cs_bzip2_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err);
cs_code cs_bzip2_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                            cs_error *err);
cs_code cs_xz_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err);
cs_code cs_xz_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                         cs_error *err);

/* Give the pieces back that a streaming codec took, those in use too. */
void cs_codec_free_pieces(cs_codec_state *state);

#endif
