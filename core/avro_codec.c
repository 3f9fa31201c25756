/*
 * core/avro_codec.c
 *     The codecs by name; and those that work on whole buffers: null, deflate
 *     (raw RFC 1951, by libdeflate), snappy, zstandard.
 *
 * bzip2 and xz are in avro_codec_stream.c.
 */
#include "avro_codec_parts.h"

#include <libdeflate.h>
#include <snappy-c.h>
#include <stdio.h>
#include <zstd.h>
#include <zstd_errors.h>

#define DEFLATE_LEVEL 6
#define ZSTANDARD_LEVEL 3
#define BZIP2_LEVEL 9
#define XZ_LEVEL 6

/* Levels of zstandard from 20 on take hundreds of megabytes. */
#define ZSTANDARD_MAX_LEVEL 19

#define FIRST_ROOM_FACTOR 4
#define FIRST_ROOM_MIN 4096

/* A declared size is believed up to so many times the stored bytes. */
#define DECLARED_ROOM_FACTOR 64

/* Behind a snappy block: the CRC-32 of the decompressed bytes, most significant byte first. */
#define SNAPPY_SUM_BYTES 4

/* A snappy element of 3 bytes stands for 64 bytes at most. */
#define SNAPPY_MAX_FACTOR 22

/* A codec's name, and its levels of compression: all zero where it has none. */
static const struct
{
    const char *name;
    int level; /* the default */
    int max_level;
} codecs[CS_NUM_CODECS] = {
    [CS_CODEC_NULL] = {"null", 0, 0},
    [CS_CODEC_DEFLATE] = {"deflate", DEFLATE_LEVEL, 12},
    [CS_CODEC_SNAPPY] = {"snappy", 0, 0},
    [CS_CODEC_ZSTANDARD] = {"zstandard", ZSTANDARD_LEVEL, ZSTANDARD_MAX_LEVEL},
    [CS_CODEC_BZIP2] = {"bzip2", BZIP2_LEVEL, 9},
    [CS_CODEC_XZ] = {"xz", XZ_LEVEL, 9},
};

bool
cs_avro_codec_find(cs_slice name, cs_avro_codec *codec)
{
    for (size_t i = 0; i < CS_NUM_CODECS; i++)
        if (cs_slice_is(name, codecs[i].name))
        {
            *codec = (cs_avro_codec) i;
            return true;
        }
    return false;
}

const char *
cs_avro_codec_name(cs_avro_codec codec)
{
    return codecs[codec].name;
}

void
cs_codec_list(char text[CS_CODEC_LIST_SIZE])
{
    int len = 0;

    for (size_t i = 0; i < CS_NUM_CODECS && len < CS_CODEC_LIST_SIZE; i++)
        len += snprintf(text + len, (size_t) (CS_CODEC_LIST_SIZE - len), "%s%s", i > 0 ? ", " : "",
                        codecs[i].name);
}

cs_code
cs_codec_check_level(cs_avro_codec codec, int level, cs_error *err)
{
    if (level == 0 || (level > 0 && level <= codecs[codec].max_level))
        return CS_OK;
    if (codecs[codec].max_level == 0)
        return cs_fail(err, CS_ERR_ARGUMENT, "codec %s has no compression levels",
                       codecs[codec].name);
    return cs_fail(err, CS_ERR_ARGUMENT, "compression level %d of %s is not between 1 and %d",
                   level, codecs[codec].name, codecs[codec].max_level);
}

void
cs_codec_init(cs_codec_state *state, const cs_env *env, cs_avro_codec codec, int level)
{
    memset(state, 0, sizeof(*state));
    state->env = env;
    state->codec = codec;
    state->level = level > 0 ? level : codecs[codec].level;
}

/* Free all that was made; the state may be used again. */
void
cs_codec_free(cs_codec_state *state)
{
    if (state->compressor != NULL)
        libdeflate_free_compressor(state->compressor);
    if (state->decompressor != NULL)
        libdeflate_free_decompressor(state->decompressor);
    ZSTD_freeCCtx(state->zstd_compressor);
    ZSTD_freeDCtx(state->zstd_decompressor);
    cs_codec_free_pieces(state);
    cs_codec_init(state, state->env, state->codec, state->level);
}

cs_code
cs_codec_fail_data(const cs_codec_state *state, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "block is not valid %s data", codecs[state->codec].name);
}

cs_code
cs_codec_fail_memory(const cs_codec_state *state, cs_error *err)
{
    return cs_fail(err, CS_ERR_MEMORY, "out of memory for the codec %s", codecs[state->codec].name);
}

cs_code
cs_codec_fail_limit(size_t limit, cs_error *err)
{
    return cs_fail(err, CS_ERR_LIMIT, "block decompresses to more than the limit of %zu bytes",
                   limit);
}

size_t
cs_codec_first_room(size_t stored, size_t limit, const cs_buffer *out)
{
    size_t room = FIRST_ROOM_MIN;

    if (stored > room / FIRST_ROOM_FACTOR)
        room = stored < limit / FIRST_ROOM_FACTOR ? stored * FIRST_ROOM_FACTOR : limit;
    if (out->capacity > CS_AVRO_BLOCK_SLACK && room < out->capacity - CS_AVRO_BLOCK_SLACK)
        room = out->capacity - CS_AVRO_BLOCK_SLACK;
    return room < limit ? room : limit;
}

cs_code
cs_codec_make_room(cs_buffer *out, size_t room, bool keep, cs_error *err)
{
    size_t wanted = room + CS_AVRO_BLOCK_SLACK;
    void *data;

    if (wanted <= out->capacity)
        return CS_OK;
    if (!keep)
        cs_buffer_free(out);
    data = out->env->resize(out->env->ctx, out->data, out->capacity, wanted);
    if (data == NULL)
        return cs_fail_memory(err, wanted);
    out->data = data;
    out->capacity = wanted;
    return CS_OK;
}

cs_code
cs_codec_grow_room(cs_buffer *out, size_t *room, size_t limit, bool keep, cs_error *err)
{
    if (*room >= limit)
        return cs_codec_fail_limit(limit, err);
    *room = *room < limit / 2 ? *room * 2 : limit;
    return cs_codec_make_room(out, *room, keep, err);
}

/* Compress with deflate. */
static cs_code
deflate_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    if (state->compressor == NULL)
        state->compressor = libdeflate_alloc_compressor(state->level);
    if (state->compressor == NULL)
        return cs_codec_fail_memory(state, err);
    CS_TRY(cs_codec_make_room(out, libdeflate_deflate_compress_bound(state->compressor, data.len),
                              false, err));
    out->len = libdeflate_deflate_compress(state->compressor, data.data, data.len, out->data,
                                           out->capacity);
    return CS_OK;
}

/*
 * True if rest is the beginning of the Adler-32 sum of the decompressed bytes. A
 * zlib stream ends with that, and some writers (fastavro) cut the stream's header
 * off, but not all of its end.
 */
static bool
is_zlib_end(const char *rest, size_t len, const cs_buffer *out)
{
    uint32_t sum = libdeflate_adler32(1, out->data, out->len);
    const uint8_t bytes[] = {(uint8_t) (sum >> 24), (uint8_t) (sum >> 16), (uint8_t) (sum >> 8),
                             (uint8_t) sum};

    return len <= sizeof(bytes) && memcmp(rest, bytes, len) == 0;
}

/* Decompress with deflate, which must use up all of data but what is_zlib_end allows. */
static cs_code
deflate_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                   cs_error *err)
{
    size_t room = cs_codec_first_room(data.len, limit, out);

    if (state->decompressor == NULL)
        state->decompressor = libdeflate_alloc_decompressor();
    if (state->decompressor == NULL)
        return cs_codec_fail_memory(state, err);
    CS_TRY(cs_codec_make_room(out, room, false, err));
    for (;;)
    {
        enum libdeflate_result result;
        size_t used;

        result = libdeflate_deflate_decompress_ex(state->decompressor, data.data, data.len,
                                                  out->data, room, &used, &out->len);
        if (result == LIBDEFLATE_SUCCESS &&
            (used == data.len || is_zlib_end(data.data + used, data.len - used, out)))
            return CS_OK;
        out->len = 0;
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return cs_codec_fail_data(state, err);
        CS_TRY(cs_poll(state->env, err));
        CS_TRY(cs_codec_grow_room(out, &room, limit, false, err));
    }
}

/* Compress with snappy and append the sum. */
static cs_code
snappy_compress_block(cs_slice data, cs_buffer *out, cs_error *err)
{
    size_t len = snappy_max_compressed_length(data.len);
    uint32_t sum = libdeflate_crc32(0, data.data, data.len);
    const uint8_t bytes[SNAPPY_SUM_BYTES] = {(uint8_t) (sum >> 24), (uint8_t) (sum >> 16),
                                             (uint8_t) (sum >> 8), (uint8_t) sum};

    CS_TRY(cs_codec_make_room(out, len + SNAPPY_SUM_BYTES, false, err));
    if (snappy_compress(data.data, data.len, (char *) out->data, &len) != SNAPPY_OK)
        return cs_fail(err, CS_ERR_ARGUMENT, "snappy cannot compress %zu bytes", data.len);
    memcpy(out->data + len, bytes, sizeof(bytes));
    out->len = len + sizeof(bytes);
    return CS_OK;
}

/* Decompress with snappy and check the sum. */
static cs_code
snappy_decompress_block(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                        cs_error *err)
{
    const uint8_t *sum;
    size_t stored, len;

    if (data.len < SNAPPY_SUM_BYTES)
        return cs_fail(err, CS_ERR_DATA,
                       "block is not valid snappy data: %zu bytes cannot hold its checksum",
                       data.len);
    stored = data.len - SNAPPY_SUM_BYTES;
    sum = (const uint8_t *) data.data + stored;
    if (snappy_uncompressed_length(data.data, stored, &len) != SNAPPY_OK)
        return cs_codec_fail_data(state, err);
    if (len > limit)
        return cs_codec_fail_limit(limit, err);
    if (len / SNAPPY_MAX_FACTOR > stored)
        return cs_codec_fail_data(state, err);
    CS_TRY(cs_codec_make_room(out, len, false, err));
    if (snappy_uncompress(data.data, stored, (char *) out->data, &len) != SNAPPY_OK)
        return cs_codec_fail_data(state, err);
    if (libdeflate_crc32(0, out->data, len) != ((uint32_t) sum[0] << 24 | (uint32_t) sum[1] << 16 |
                                                (uint32_t) sum[2] << 8 | (uint32_t) sum[3]))
        return cs_fail(err, CS_ERR_DATA, "block's snappy checksum does not match its data");
    out->len = len;
    return CS_OK;
}

/* Compress with zstandard, as one frame that says its size. */
static cs_code
zstandard_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    size_t len;

    if (state->zstd_compressor == NULL)
        state->zstd_compressor = ZSTD_createCCtx();
    if (state->zstd_compressor == NULL)
        return cs_codec_fail_memory(state, err);
    CS_TRY(cs_codec_make_room(out, ZSTD_compressBound(data.len), false, err));
    len = ZSTD_compressCCtx(state->zstd_compressor, out->data, out->capacity, data.data, data.len,
                            state->level);
    if (ZSTD_isError(len))
        return cs_codec_fail_memory(state, err); /* nothing else can go wrong here */
    out->len = len;
    return CS_OK;
}

/*
 * Decompress zstandard: any number of frames. Whole frames are decoded straight
 * into the result, so that the window a frame asks for costs nothing; the size
 * that a frame declares is no more than the first guess.
 */
static cs_code
zstandard_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                     cs_error *err)
{
    unsigned long long declared = ZSTD_getFrameContentSize(data.data, data.len);
    size_t room = cs_codec_first_room(data.len, limit, out);

    if (state->zstd_decompressor == NULL)
        state->zstd_decompressor = ZSTD_createDCtx();
    if (state->zstd_decompressor == NULL)
        return cs_codec_fail_memory(state, err);
    if (declared < ZSTD_CONTENTSIZE_ERROR && declared > room && declared <= limit &&
        declared / DECLARED_ROOM_FACTOR <= data.len)
        room = (size_t) declared;
    CS_TRY(cs_codec_make_room(out, room, false, err));
    for (;;)
    {
        size_t len =
            ZSTD_decompressDCtx(state->zstd_decompressor, out->data, room, data.data, data.len);

        if (!ZSTD_isError(len))
        {
            out->len = len;
            return CS_OK;
        }
        if (ZSTD_getErrorCode(len) == ZSTD_error_memory_allocation)
            return cs_codec_fail_memory(state, err);
        if (ZSTD_getErrorCode(len) != ZSTD_error_dstSize_tooSmall)
            return cs_codec_fail_data(state, err);
        CS_TRY(cs_poll(state->env, err));
        CS_TRY(cs_codec_grow_room(out, &room, limit, false, err));
    }
}

cs_code
cs_codec_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    out->len = 0;
    switch (state->codec)
    {
        case CS_CODEC_NULL:
            break;
        case CS_CODEC_DEFLATE:
            return deflate_compress(state, data, out, err);
        case CS_CODEC_SNAPPY:
            return snappy_compress_block(data, out, err);
        case CS_CODEC_ZSTANDARD:
            return zstandard_compress(state, data, out, err);
        case CS_CODEC_BZIP2:
            return cs_bzip2_compress(state, data, out, err);
        case CS_CODEC_XZ:
            return cs_xz_compress(state, data, out, err);
    }
    return cs_buffer_append(out, data.data, data.len, err);
}

/* Decompress with the codec; the slack is not written yet. */
static cs_code
decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out, cs_error *err)
{
    switch (state->codec)
    {
        case CS_CODEC_NULL:
            break;
        case CS_CODEC_DEFLATE:
            return deflate_decompress(state, data, limit, out, err);
        case CS_CODEC_SNAPPY:
            return snappy_decompress_block(state, data, limit, out, err);
        case CS_CODEC_ZSTANDARD:
            return zstandard_decompress(state, data, limit, out, err);
        case CS_CODEC_BZIP2:
            return cs_bzip2_decompress(state, data, limit, out, err);
        case CS_CODEC_XZ:
            return cs_xz_decompress(state, data, limit, out, err);
    }
    if (data.len > limit)
        return cs_codec_fail_limit(limit, err);
    CS_TRY(cs_codec_make_room(out, data.len, false, err));
    return cs_buffer_append(out, data.data, data.len, err);
}

cs_code
cs_codec_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                    cs_error *err)
{
    cs_code code;

    out->len = 0;
    code = decompress(state, data, limit, out, err);
    if (code != CS_OK)
        out->len = 0;
    else
        memset(out->data + out->len, 0, CS_AVRO_BLOCK_SLACK);
    return code;
}
