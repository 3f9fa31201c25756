/*
 * core/avro_codec.c
 *     The codecs null and deflate (raw RFC 1951, by libdeflate).
 *
 * libdeflate works on whole buffers and needs the room for the result in
 * advance. Avro does not store the decompressed size, so decompressing starts
 * from a guess and doubles it, up to the caller's limit.
 */
#include "avro_codec.h"

#include <libdeflate.h>

#define DEFLATE_LEVEL 6
#define FIRST_GUESS_FACTOR 4
#define FIRST_GUESS_MIN 4096

static const char *const codec_names[] = {"null", "deflate"};

#define NUM_CODECS (sizeof(codec_names) / sizeof(codec_names[0]))

bool
cs_avro_codec_find(cs_slice name, cs_avro_codec *codec)
{
    for (size_t i = 0; i < NUM_CODECS; i++)
        if (cs_slice_is(name, codec_names[i]))
        {
            *codec = (cs_avro_codec) i;
            return true;
        }
    return false;
}

const char *
cs_avro_codec_name(cs_avro_codec codec)
{
    return codec_names[codec];
}

void
cs_codec_init(cs_codec_state *state, cs_avro_codec codec)
{
    memset(state, 0, sizeof(*state));
    state->codec = codec;
}

void
cs_codec_free(cs_codec_state *state)
{
    if (state->compressor != NULL)
        libdeflate_free_compressor(state->compressor);
    if (state->decompressor != NULL)
        libdeflate_free_decompressor(state->decompressor);
    cs_codec_init(state, state->codec);
}

/* Compress with deflate. */
static cs_code
deflate_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    if (state->compressor == NULL)
        state->compressor = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    if (state->compressor == NULL)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory: no deflate compressor");
    CS_TRY(cs_buffer_reserve(out, libdeflate_deflate_compress_bound(state->compressor, data.len),
                             err));
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
    size_t room = data.len < limit / FIRST_GUESS_FACTOR ? data.len * FIRST_GUESS_FACTOR : limit;

    if (state->decompressor == NULL)
        state->decompressor = libdeflate_alloc_decompressor();
    if (state->decompressor == NULL)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory: no deflate decompressor");
    if (room < FIRST_GUESS_MIN)
        room = FIRST_GUESS_MIN;
    for (;;)
    {
        enum libdeflate_result result;
        size_t used;

        CS_TRY(cs_buffer_reserve(out, room, err));
        room = out->capacity < limit ? out->capacity : limit;
        result = libdeflate_deflate_decompress_ex(state->decompressor, data.data, data.len,
                                                  out->data, room, &used, &out->len);
        if (result == LIBDEFLATE_SUCCESS &&
            (used == data.len || is_zlib_end(data.data + used, data.len - used, out)))
            return CS_OK;
        out->len = 0;
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return cs_fail(err, CS_ERR_DATA, "block is not valid deflate data");
        if (room >= limit)
            return cs_fail(err, CS_ERR_LIMIT, "block decompresses to more than %zu bytes", limit);
        room = room < limit / 2 ? room * 2 : limit;
    }
}

cs_code
cs_codec_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    out->len = 0;
    if (state->codec == CS_CODEC_DEFLATE)
        return deflate_compress(state, data, out, err);
    return cs_buffer_append(out, data.data, data.len, err);
}

cs_code
cs_codec_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                    cs_error *err)
{
    out->len = 0;
    if (state->codec == CS_CODEC_DEFLATE)
        return deflate_decompress(state, data, limit, out, err);
    return cs_buffer_append(out, data.data, data.len, err);
}
