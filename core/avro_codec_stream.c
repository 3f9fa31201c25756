/*
 * core/avro_codec_stream.c
 *     The codecs whose libraries work on streams: bzip2 and xz.
 *
 * Both allocate for each stream anew, megabytes at a time and in the same sizes.
 * So what they give back is kept for the next block. Their own stream structures
 * live on the stack: all they own is in the state's pieces, from where
 * cs_codec_free gets it back even if a call never returned.
 */
#include "avro_codec_parts.h"

#include <bzlib.h>
#include <lzma.h>

/* The bytes that are produced between two polls of should_stop. */
#define STEP_BYTES ((size_t) 256 * 1024)

/* What is kept for the next block at most; more is given back before new memory is taken. */
#define KEPT_BYTES ((size_t) 16 * 1024 * 1024)

/* A bzip2 level is the number of these that one of its own blocks holds. */
#define BZIP2_LEVEL_BYTES 100000

/*
 * What xz may take for decompressing: enough for the dictionary of 64 MiB of its
 * highest level.
 */
#define XZ_MEMORY_BYTES (UINT64_C(72) * 1024 * 1024)

/* The bytes kept that are not in use. */
static size_t
count_unused(const cs_codec_state *state)
{
    size_t bytes = 0;

    for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
        if (state->pieces[i].memory != NULL && !state->pieces[i].used)
            bytes += state->pieces[i].size;
    return bytes;
}

/* Give back the pieces that are not in use. */
static void
free_unused(cs_codec_state *state)
{
    for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
    {
        cs_codec_piece *piece = &state->pieces[i];

        if (piece->memory == NULL || piece->used)
            continue;
        cs_release(state->env, piece->memory);
        piece->memory = NULL;
    }
}

void
cs_codec_free_pieces(cs_codec_state *state)
{
    for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
        state->pieces[i].used = false;
    free_unused(state);
}

/* Find a piece: unused and of this size, or (size 0) a free slot; NULL if there is none. */
static cs_codec_piece *
find_piece(cs_codec_state *state, size_t size)
{
    for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
    {
        cs_codec_piece *piece = &state->pieces[i];

        if (size == 0 ? piece->memory == NULL
                      : piece->memory != NULL && !piece->used && piece->size == size)
            return piece;
    }
    return NULL;
}

/* Allocate for a library; NULL on failure. */
static void *
take_piece(cs_codec_state *state, size_t count, size_t item_size)
{
    cs_codec_piece *piece;
    size_t size;

    if (__builtin_mul_overflow(count, item_size, &size))
        return NULL;
    if (size == 0)
        size = 1;
    piece = find_piece(state, size);
    if (piece == NULL)
    {
        if (count_unused(state) > KEPT_BYTES || find_piece(state, 0) == NULL)
            free_unused(state);
        piece = find_piece(state, 0);
        if (piece == NULL)
            return NULL;
        piece->memory = cs_allocate(state->env, size);
        piece->size = size;
    }
    piece->used = piece->memory != NULL;
    return piece->memory;
}

/* Take back what a library frees. */
static void
return_piece(cs_codec_state *state, const void *memory)
{
    for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
        if (memory != NULL && state->pieces[i].memory == memory)
            state->pieces[i].used = false;
}

/* bzip2's and xz's way to allocate and to free. */
static void *
bzip2_allocate(void *ctx, int count, int size)
{
    return take_piece(ctx, (size_t) count, (size_t) size);
}

static void
bzip2_release(void *ctx, void *memory)
{
    return_piece(ctx, memory);
}

static void *
xz_allocate(void *ctx, size_t count, size_t size)
{
    return take_piece(ctx, count, size);
}

static void
xz_release(void *ctx, void *memory)
{
    return_piece(ctx, memory);
}

/* A stream that is being decompressed: bzip2's or xz's. */
typedef union codec_stream
{
    bz_stream bzip2;
    lzma_stream xz;
} codec_stream;

/* What became of a step. */
typedef enum step_result
{
    STEP_MORE,
    STEP_END,
    STEP_DAMAGED,
    STEP_NO_MEMORY,
    STEP_OVER_MEMORY /* the stream asks for more than it may */
} step_result;

/* Decompress up to room bytes to where to points; *made says how many. */
typedef step_result (*stream_step)(codec_stream *stream, uint8_t *to, size_t room, size_t *made);

/* Report that a step failed. */
static cs_code
fail_step(const cs_codec_state *state, step_result result, cs_error *err)
{
    if (result == STEP_NO_MEMORY)
        return cs_codec_fail_memory(state, err);
    if (result == STEP_OVER_MEMORY)
        return cs_fail(err, CS_ERR_LIMIT,
                       "decompressing the block takes more than the limit of %llu bytes of memory",
                       (unsigned long long) XZ_MEMORY_BYTES);
    return cs_codec_fail_data(state, err);
}

/* Decompress a stream to its end. There is room for one byte too many, so that it shows. */
static cs_code
run_stream(cs_codec_state *state, codec_stream *stream, stream_step step, size_t room, size_t limit,
           cs_buffer *out, cs_error *err)
{
    step_result result = STEP_MORE;

    CS_TRY(cs_codec_make_room(out, room, true, err));
    while (result == STEP_MORE)
    {
        size_t made = 0;

        if (out->len == room)
            CS_TRY(cs_codec_grow_room(out, &room, limit + 1, true, err));
        result = step(stream, out->data + out->len,
                      room - out->len < STEP_BYTES ? room - out->len : STEP_BYTES, &made);
        out->len += made;
        if (out->len > limit)
            return cs_codec_fail_limit(limit, err);
        if (result == STEP_MORE)
            CS_TRY(cs_poll(state->env, err));
    }
    return result == STEP_END ? CS_OK : fail_step(state, result, err);
}

/* bzip2 counts in unsigned int: blocks behind one of the limits that a caller may raise. */
static cs_code
check_bzip2_size(size_t len, cs_error *err)
{
    if (len <= UINT32_MAX / 2)
        return CS_OK;
    return cs_fail(err, CS_ERR_LIMIT, "bzip2 block of %zu bytes is over the limit of %u bytes", len,
                   UINT32_MAX / 2);
}

/* The lowest level up to the chosen one whose block holds all of data: more would be unused. */
static int
bzip2_level(const cs_codec_state *state, size_t len)
{
    size_t needed = len / BZIP2_LEVEL_BYTES + 1;

    return needed < (size_t) state->level ? (int) needed : state->level;
}

cs_code
cs_bzip2_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    bz_stream stream = {.bzalloc = bzip2_allocate, .bzfree = bzip2_release, .opaque = state};
    int result;

    CS_TRY(check_bzip2_size(data.len, err));
    /* The manual's bound: one percent more, and 600 bytes. */
    CS_TRY(cs_codec_make_room(out, data.len + data.len / 100 + 600, false, err));
    if (BZ2_bzCompressInit(&stream, bzip2_level(state, data.len), 0, 0) != BZ_OK)
        return cs_codec_fail_memory(state, err);
    stream.next_in = (char *) data.data; /* which it does not write to */
    stream.avail_in = (unsigned int) data.len;
    stream.next_out = (char *) out->data;
    stream.avail_out = (unsigned int) out->capacity;
    result = BZ2_bzCompress(&stream, BZ_FINISH);
    out->len = out->capacity - stream.avail_out;
    BZ2_bzCompressEnd(&stream);
    if (result != BZ_STREAM_END)
        return cs_fail(err, CS_ERR_ARGUMENT, "bzip2 could not compress the block");
    return CS_OK;
}

/* stream_step of bzip2. One stream may stand behind the other. */
static step_result
bzip2_step(codec_stream *stream, uint8_t *to, size_t room, size_t *made)
{
    bz_stream *bzip2 = &stream->bzip2;
    int result;

    bzip2->next_out = (char *) to;
    bzip2->avail_out = (unsigned int) room;
    result = BZ2_bzDecompress(bzip2);
    *made = room - bzip2->avail_out;
    if (result == BZ_OK) /* with room left, it is waiting for more */
        return bzip2->avail_out > 0 ? STEP_DAMAGED : STEP_MORE;
    if (result == BZ_MEM_ERROR)
        return STEP_NO_MEMORY;
    if (result != BZ_STREAM_END)
        return STEP_DAMAGED;
    if (bzip2->avail_in == 0)
        return STEP_END;
    BZ2_bzDecompressEnd(bzip2);
    return BZ2_bzDecompressInit(bzip2, 0, 0) == BZ_OK ? STEP_MORE : STEP_NO_MEMORY;
}

cs_code
cs_bzip2_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out,
                    cs_error *err)
{
    codec_stream stream = {
        .bzip2 = {.bzalloc = bzip2_allocate, .bzfree = bzip2_release, .opaque = state}};
    cs_code code;

    CS_TRY(check_bzip2_size(data.len, err));
    if (BZ2_bzDecompressInit(&stream.bzip2, 0, 0) != BZ_OK)
        return cs_codec_fail_memory(state, err);
    stream.bzip2.next_in = (char *) data.data;
    stream.bzip2.avail_in = (unsigned int) data.len;
    code = run_stream(state, &stream, bzip2_step, cs_codec_first_room(data.len, limit, out), limit,
                      out, err);
    BZ2_bzDecompressEnd(&stream.bzip2);
    return code;
}

/* The smallest dictionary that reaches over all of data. */
static uint32_t
xz_dictionary(size_t len, uint32_t most)
{
    uint32_t size = LZMA_DICT_SIZE_MIN;

    while (size < len && size < most)
        size *= 2;
    return size < most ? size : most;
}

cs_code
cs_xz_compress(cs_codec_state *state, cs_slice data, cs_buffer *out, cs_error *err)
{
    lzma_allocator allocator = {xz_allocate, xz_release, state};
    lzma_options_lzma options;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_ret result;

    lzma_lzma_preset(&options, (uint32_t) state->level);
    options.dict_size = xz_dictionary(data.len, options.dict_size);
    CS_TRY(cs_codec_make_room(out, lzma_stream_buffer_bound(data.len), false, err));
    result = lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC64, &allocator,
                                       (const uint8_t *) data.data, data.len, out->data, &out->len,
                                       out->capacity);
    if (result == LZMA_MEM_ERROR)
        return cs_codec_fail_memory(state, err);
    if (result != LZMA_OK)
        return cs_fail(err, CS_ERR_ARGUMENT, "xz could not compress the block");
    return CS_OK;
}

/* stream_step of xz. */
static step_result
xz_step(codec_stream *stream, uint8_t *to, size_t room, size_t *made)
{
    lzma_ret result;

    stream->xz.next_out = to;
    stream->xz.avail_out = room;
    result = lzma_code(&stream->xz, LZMA_FINISH);
    *made = room - stream->xz.avail_out;
    switch (result)
    {
        case LZMA_OK:
            return STEP_MORE;
        case LZMA_STREAM_END:
            return STEP_END;
        case LZMA_MEM_ERROR:
            return STEP_NO_MEMORY;
        case LZMA_MEMLIMIT_ERROR:
            return STEP_OVER_MEMORY;
        default: /* LZMA_BUF_ERROR too: the stream is cut */
            return STEP_DAMAGED;
    }
}

cs_code
cs_xz_decompress(cs_codec_state *state, cs_slice data, size_t limit, cs_buffer *out, cs_error *err)
{
    lzma_allocator allocator = {xz_allocate, xz_release, state};
    codec_stream stream = {.xz = LZMA_STREAM_INIT};
    cs_code code;

    stream.xz.allocator = &allocator;
    if (lzma_stream_decoder(&stream.xz, XZ_MEMORY_BYTES, LZMA_CONCATENATED) != LZMA_OK)
        return cs_codec_fail_memory(state, err);
    stream.xz.next_in = (const uint8_t *) data.data;
    stream.xz.avail_in = data.len;
    code = run_stream(state, &stream, xz_step, cs_codec_first_room(data.len, limit, out), limit,
                      out, err);
    lzma_end(&stream.xz);
    return code;
}
