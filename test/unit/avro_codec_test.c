/*
 * test/unit/avro_codec_test.c
 *     The codecs: what is compressed comes back, whatever else is refused, and
 *     neither bombs nor lies about sizes cost more than the limit.
 */
#include "avro_codec.h"
#include "support.h"

#include <bzlib.h>
#include <libdeflate.h>
#include <lzma.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

#define LIMIT ((size_t) 4 * 1024 * 1024)

/* A codec with its buffers, in counted memory. */
typedef struct fixture
{
    test_env env;
    cs_codec_state codec;
    cs_buffer packed;
    cs_buffer plain;
} fixture;

/* Start a codec with a level, 0 for its default. */
static void
start(fixture *f, cs_avro_codec codec, int level)
{
    test_env_start(&f->env, 0, 0);
    cs_codec_init(&f->codec, &f->env.env, codec, level);
    cs_buffer_init(&f->packed, &f->env.env);
    cs_buffer_init(&f->plain, &f->env.env);
}

/* End it; nothing may be left. */
static void
stop(fixture *f)
{
    cs_codec_free(&f->codec);
    cs_buffer_free(&f->packed);
    cs_buffer_free(&f->plain);
    assert_int_equal(f->env.live, 0);
}

/* Decompress bytes that end where their memory ends, so that the sanitizers see a step too far. */
static cs_code
unpack(fixture *f, const void *bytes, size_t len, size_t limit, cs_error *err)
{
    cs_slice copy = test_exact_copy((cs_slice){bytes, len});
    cs_code code = cs_codec_decompress(&f->codec, copy, limit, &f->plain, err);

    test_exact_free(copy);
    if (code != CS_OK)
        assert_int_equal(f->plain.len, 0);
    return code;
}

/* Fill bytes: with one value, with a text that repeats, or at random. */
static void
fill(uint8_t *bytes, size_t len, int how)
{
    test_random random = {len};

    for (size_t i = 0; i < len; i++)
        bytes[i] = how == 0   ? 7
                   : how == 1 ? (uint8_t) ("/campaigns/12345 GET "[i % 21] + (i / 5000) % 3)
                              : (uint8_t) test_random_next(&random);
}

/* Compress and decompress; the slack behind the result must be zero. */
static void
check_round_trip(fixture *f, const uint8_t *bytes, size_t len)
{
    static const uint8_t zeros[CS_AVRO_BLOCK_SLACK];
    cs_slice data = {(const char *) bytes, len};
    cs_error err;

    assert_ok(cs_codec_compress(&f->codec, data, &f->packed, &err), &err);
    assert_ok(unpack(f, f->packed.data, f->packed.len, len + 1, &err), &err);
    assert_same_bytes(slice_of_buffer(&f->plain), data);
    assert_memory_equal(f->plain.data + f->plain.len, zeros, sizeof(zeros));
    assert_ok(unpack(f, f->packed.data, f->packed.len, len, &err), &err);
    if (len > 0)
        assert_refused(unpack(f, f->packed.data, f->packed.len, len - 1, &err), CS_ERR_LIMIT, &err,
                       "decompresses to more than");
}

static void
test_round_trips(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 100, 4095, 4096, 4097, 100000, 1000000};
    uint8_t *bytes = malloc(1000000);

    (void) state;
    assert_non_null(bytes);
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        fixture f;

        start(&f, codec, 0);
        for (int how = 0; how < 3; how++)
            for (size_t i = 0; i < LENGTH(sizes); i++) /* one state for all of them */
            {
                fill(bytes, sizes[i], how);
                check_round_trip(&f, bytes, sizes[i]);
            }
        stop(&f);
    }
    free(bytes);
}

/* All levels, the lowest compressing worse than the highest. */
static void
test_levels(void **state)
{
    static const int levels[CS_NUM_CODECS] = {0, 12, 0, 19, 9, 9};
    uint8_t bytes[50000];
    cs_error err;

    (void) state;
    fill(bytes, sizeof(bytes), 1);
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        size_t first = 0, last = 0;

        for (int level = 1; level <= levels[codec]; level++)
        {
            fixture f;

            assert_ok(cs_codec_check_level(codec, level, &err), &err);
            start(&f, codec, level);
            check_round_trip(&f, bytes, sizeof(bytes));
            last = f.packed.len;
            first = level == 1 ? last : first;
            stop(&f);
        }
        assert_true(last <= first);
        assert_ok(cs_codec_check_level(codec, 0, &err), &err);
        assert_refused(cs_codec_check_level(codec, -1, &err), CS_ERR_ARGUMENT, &err, "level");
        assert_refused(cs_codec_check_level(codec, levels[codec] + 1, &err), CS_ERR_ARGUMENT, &err,
                       levels[codec] > 0 ? "is not between 1 and" : "has no compression levels");
    }
}

static void
test_names(void **state)
{
    static const char *const names[CS_NUM_CODECS] = {"null",      "deflate", "snappy",
                                                     "zstandard", "bzip2",   "xz"};
    static const char *const unknown[] = {"Null", "", "zstd", "lzma", "bzip", "xz ", "snappy2"};
    char list[CS_CODEC_LIST_SIZE];
    cs_avro_codec codec;

    (void) state;
    for (size_t i = 0; i < LENGTH(names); i++)
    {
        codec = CS_CODEC_NULL;
        assert_true(cs_avro_codec_find(cs_slice_of(names[i]), &codec));
        assert_int_equal(codec, i);
        assert_string_equal(cs_avro_codec_name(codec), names[i]);
    }
    for (size_t i = 0; i < LENGTH(unknown); i++)
        assert_false(cs_avro_codec_find(cs_slice_of(unknown[i]), &codec));
    cs_codec_list(list);
    assert_string_equal(list, "null, deflate, snappy, zstandard, bzip2, xz");
}

/* Compress size bytes of one value with the codec. */
static void
pack_bomb(fixture *f, size_t size)
{
    uint8_t *bytes = malloc(size);
    cs_error err;

    assert_non_null(bytes);
    memset(bytes, 0, size);
    assert_ok(cs_codec_compress(&f->codec, (cs_slice){(char *) bytes, size}, &f->packed, &err),
              &err);
    free(bytes);
}

/* A small block that becomes 64 times the limit: no more than about the limit is spent on it. */
static void
test_bombs(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_DEFLATE; codec < CS_NUM_CODECS; codec++)
    {
        fixture packer, f;
        cs_error err;

        start(&packer, codec, 0);
        pack_bomb(&packer, 64 * LIMIT);
        start(&f, codec, 0);
        assert_refused(unpack(&f, packer.packed.data, packer.packed.len, LIMIT, &err), CS_ERR_LIMIT,
                       &err, "decompresses to more than the limit of 4194304 bytes");
        /* A stream's result moves while it grows; bzip2 works in 3.6 MB, xz in 8 MiB and more. */
        if (codec == CS_CODEC_BZIP2 || codec == CS_CODEC_XZ)
            assert_true(f.env.peak < 2 * LIMIT + 10000000);
        else
            assert_true(f.env.peak < LIMIT + 4096);
        stop(&f);
        stop(&packer);
    }
}

/* The classic one: 255 KB of deflate that are 256 MB. */
static void
test_deflate_bomb_of_256_mb(void **state)
{
    const size_t size = (size_t) 256 * 1024 * 1024;
    fixture f;
    cs_error err;

    (void) state;
    start(&f, CS_CODEC_DEFLATE, 0);
    pack_bomb(&f, size);
    assert_in_range(f.packed.len, 200 * 1024, 300 * 1024);
    f.env.peak = 0;
    assert_refused(unpack(&f, f.packed.data, f.packed.len, CS_AVRO_MAX_BLOCK_BYTES, &err),
                   CS_ERR_LIMIT, &err, "decompresses to more than");
    assert_true(f.env.peak < f.packed.capacity + CS_AVRO_MAX_BLOCK_BYTES + 4096);
    stop(&f);
}

/* The data of one codec cut anywhere, and with a byte more. */
static void
check_cuts(cs_avro_codec codec, const uint8_t *bytes, size_t len)
{
    fixture packer, f;
    cs_error err;

    start(&packer, codec, 0);
    start(&f, codec, 0);
    assert_ok(
        cs_codec_compress(&packer.codec, (cs_slice){(char *) bytes, len}, &packer.packed, &err),
        &err);
    for (size_t cut = 1; cut < packer.packed.len; cut++)
        assert_outcome(unpack(&f, packer.packed.data, cut, LIMIT, &err), CS_ERR_DATA, &err, NULL,
                       cs_avro_codec_name(codec));
    for (int more = 0; more < 256; more++)
    {
        uint8_t byte = (uint8_t) more;

        assert_ok(cs_buffer_append(&packer.packed, &byte, 1, &err), &err);
        assert_outcome(unpack(&f, packer.packed.data, packer.packed.len, LIMIT, &err), CS_ERR_DATA,
                       &err, NULL, cs_avro_codec_name(codec));
        packer.packed.len--;
    }
    stop(&f);
    stop(&packer);
}

static void
test_cuts_and_garbage(void **state)
{
    uint8_t bytes[3000];

    (void) state;
    fill(bytes, sizeof(bytes), 1);
    for (cs_avro_codec codec = CS_CODEC_SNAPPY; codec < CS_NUM_CODECS; codec++)
        check_cuts(codec, bytes, sizeof(bytes));
}

/* Any byte changed: refused or decompressed, within the limit; with a checksum, never wrong. */
static void
test_every_byte_changed(void **state)
{
    static const bool has_sum[CS_NUM_CODECS] = {false, false, true, false, true, true};
    uint8_t bytes[600];

    (void) state;
    fill(bytes, sizeof(bytes), 1);
    for (cs_avro_codec codec = CS_CODEC_DEFLATE; codec < CS_NUM_CODECS; codec++)
    {
        cs_slice data = {(char *) bytes, sizeof(bytes)};
        fixture packer, f;
        cs_error err;

        start(&packer, codec, 0);
        start(&f, codec, 0);
        assert_ok(cs_codec_compress(&packer.codec, data, &packer.packed, &err), &err);
        for (size_t i = 0; i < packer.packed.len; i++)
            for (int change = 1; change < 256; change++)
            {
                cs_code code;

                packer.packed.data[i] ^= (uint8_t) change;
                code = unpack(&f, packer.packed.data, packer.packed.len, LIMIT, &err);
                packer.packed.data[i] ^= (uint8_t) change;
                assert_true(code == CS_OK || code == CS_ERR_DATA || code == CS_ERR_LIMIT);
                if (code == CS_OK && has_sum[codec])
                    assert_same_bytes(slice_of_buffer(&f.plain), data);
            }
        assert_true(f.env.peak < LIMIT + 25000000); /* bzip2 and xz keep some */
        stop(&f);
        stop(&packer);
    }
}

/* Make a snappy block that claims to decompress to size bytes. */
static size_t
snappy_claim(uint8_t *out, uint64_t size)
{
    size_t len = 0;

    for (; size >= 0x80; size >>= 7)
        out[len++] = (uint8_t) (size | 0x80);
    out[len++] = (uint8_t) size;
    memcpy(out + len, "\x00x\x00\x00\x00\x00", 6);
    return len + 6;
}

/* A block too short for its checksum is refused before that is looked at (D11). */
static void
test_short_snappy_block(void **state)
{
    fixture f;
    cs_error err;

    (void) state;
    start(&f, CS_CODEC_SNAPPY, 0);
    for (size_t len = 0; len < 4; len++)
        assert_refused(unpack(&f, "\x01\x02\x03", len, LIMIT, &err), CS_ERR_DATA, &err,
                       "cannot hold its checksum");
    assert_refused(unpack(&f, "\0\0\0\0", 4, LIMIT, &err), CS_ERR_DATA, &err, "not valid snappy");
    assert_ok(unpack(&f, "\0\0\0\0\0", 5, LIMIT, &err), &err); /* nothing, of which the sum is 0 */
    assert_int_equal(f.plain.len, 0);
    stop(&f);
}

/* A claimed size is neither allocated nor believed. */
static void
test_snappy_claims(void **state)
{
    static const struct
    {
        uint64_t size;
        cs_code code;
    } cases[] = {{2, CS_ERR_DATA},
                 {LIMIT, CS_ERR_DATA},
                 {LIMIT + 1, CS_ERR_LIMIT},
                 {UINT32_MAX, CS_ERR_LIMIT},
                 {UINT64_C(1) << 32, CS_ERR_DATA}, /* over what the format can say */
                 {UINT64_MAX, CS_ERR_DATA}};
    fixture f;

    (void) state;
    start(&f, CS_CODEC_SNAPPY, 0);
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        uint8_t block[32];
        size_t len = snappy_claim(block, cases[i].size);
        cs_error err;

        assert_code(unpack(&f, block, len, LIMIT, &err), cases[i].code, &err);
        assert_true(f.env.peak < 4096);
    }
    stop(&f);
}

/* The checksum is of the decompressed bytes, most significant byte first. */
static void
test_snappy_checksum(void **state)
{
    static const char plain[] = "123456789"; /* its CRC-32 is cbf43926 */
    static const char good[] = "\x09\x20"    /* nine bytes, as they are */
                               "123456789\xcb\xf4\x39\x26";
    char bad[sizeof(good)];
    fixture f;
    cs_error err;

    (void) state;
    start(&f, CS_CODEC_SNAPPY, 0);
    assert_ok(unpack(&f, good, sizeof(good) - 1, LIMIT, &err), &err);
    assert_same_bytes(slice_of_buffer(&f.plain), cs_slice_of(plain));
    assert_ok(cs_codec_compress(&f.codec, cs_slice_of(plain), &f.packed, &err), &err);
    assert_same_bytes(slice_of_buffer(&f.packed), ((cs_slice){good, sizeof(good) - 1}));
    for (size_t bit = 0; bit < 32; bit++)
    {
        memcpy(bad, good, sizeof(good));
        bad[sizeof(good) - 5 + bit / 8] ^= (char) (1 << bit % 8);
        assert_refused(unpack(&f, bad, sizeof(bad) - 1, LIMIT, &err), CS_ERR_DATA, &err,
                       "snappy checksum does not match");
    }
    stop(&f);
}

/* Append a zstandard frame that does not, or does, say how much is in it. */
static void
append_frame(cs_buffer *out, cs_slice data, int say_size)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_inBuffer in = {data.data, data.len, 0};
    ZSTD_outBuffer to;
    cs_error err;

    assert_non_null(context);
    assert_ok(cs_buffer_reserve(out, ZSTD_compressBound(data.len), &err), &err);
    to = (ZSTD_outBuffer){out->data, out->capacity, out->len};
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, say_size);
    assert_int_equal(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
    out->len = to.pos;
    ZSTD_freeCCtx(context);
}

static void
test_zstandard_frames(void **state)
{
    static const char skippable[] = "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz";
    char *text = malloc(300000);
    cs_slice data = {text, 300000};
    fixture f;
    cs_error err;

    (void) state;
    assert_non_null(text);
    fill((uint8_t *) text, data.len, 1);
    start(&f, CS_CODEC_ZSTANDARD, 0);
    for (int say_size = 0; say_size < 2; say_size++)
    {
        f.packed.len = 0;
        append_frame(&f.packed, data, say_size);
        assert_ok(unpack(&f, f.packed.data, f.packed.len, LIMIT, &err), &err);
        assert_same_bytes(slice_of_buffer(&f.plain), data);
        append_frame(&f.packed, data, 1 - say_size);
        assert_ok(cs_buffer_append(&f.packed, skippable, sizeof(skippable) - 1, &err), &err);
        append_frame(&f.packed, (cs_slice){text, 0}, say_size);
        append_frame(&f.packed, data, say_size);
        assert_ok(unpack(&f, f.packed.data, f.packed.len, LIMIT, &err), &err);
        assert_int_equal(f.plain.len, 3 * data.len);
        assert_memory_equal(f.plain.data + 2 * data.len, text, data.len);
        assert_code(unpack(&f, f.packed.data, f.packed.len, 3 * data.len - 1, &err), CS_ERR_LIMIT,
                    &err);
    }
    stop(&f);
    free(text);
}

/* A frame that claims terabytes is not taken at its word. */
static void
test_zstandard_claims(void **state)
{
    /* single segment, content size of eight bytes; then one block of one byte, "x" */
    static const char frame[] = "\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00x";
    static const uint64_t claims[] = {1, 2, LIMIT, LIMIT + 1, UINT64_C(1) << 40, UINT64_MAX - 2};
    fixture f;

    (void) state;
    start(&f, CS_CODEC_ZSTANDARD, 0);
    for (size_t i = 0; i < LENGTH(claims); i++)
    {
        char bytes[sizeof(frame) - 1];
        cs_error err;
        cs_code code;

        memcpy(bytes, frame, sizeof(bytes));
        memcpy(bytes + 5, &claims[i], 8); /* little-endian */
        code = unpack(&f, bytes, sizeof(bytes), LIMIT, &err);
        if (claims[i] == 1)
            assert_ok(code, &err);
        else
            assert_true(code == CS_ERR_DATA || code == CS_ERR_LIMIT);
        assert_true(f.env.peak < LIMIT * 2 + 4096);
    }
    stop(&f);
}

/* bzip2 and xz streams may stand one behind the other, in xz with zeros between. */
static void
check_streams(cs_avro_codec codec, const char *padding, size_t padding_len, cs_code expected)
{
    uint8_t bytes[20000];
    cs_slice data = {(char *) bytes, sizeof(bytes)};
    fixture f, twice;
    cs_error err;

    fill(bytes, sizeof(bytes), 1);
    start(&f, codec, 0);
    start(&twice, codec, 0);
    assert_ok(cs_codec_compress(&f.codec, data, &f.packed, &err), &err);
    for (int i = 0; i < 2; i++)
    {
        assert_ok(cs_buffer_append(&twice.packed, f.packed.data, f.packed.len, &err), &err);
        assert_ok(cs_buffer_append(&twice.packed, padding, i == 0 ? padding_len : 0, &err), &err);
    }
    assert_code(unpack(&twice, twice.packed.data, twice.packed.len, LIMIT, &err), expected, &err);
    if (expected == CS_OK)
    {
        assert_int_equal(twice.plain.len, 2 * data.len);
        assert_memory_equal(twice.plain.data + data.len, bytes, data.len);
        assert_code(unpack(&twice, twice.packed.data, twice.packed.len, 2 * data.len - 1, &err),
                    CS_ERR_LIMIT, &err);
    }
    stop(&twice);
    stop(&f);
}

static void
test_streams_in_a_row(void **state)
{
    (void) state;
    check_streams(CS_CODEC_BZIP2, "", 0, CS_OK);
    check_streams(CS_CODEC_BZIP2, "\0", 1, CS_ERR_DATA);
    check_streams(CS_CODEC_XZ, "", 0, CS_OK);
    check_streams(CS_CODEC_XZ, "\0\0\0\0", 4, CS_OK);
    check_streams(CS_CODEC_XZ, "\0\0\0", 3, CS_ERR_DATA);
    check_streams(CS_CODEC_XZ, "\0\0\0x", 4, CS_ERR_DATA);
}

/* Compress one byte as xz with a dictionary of this size. */
static size_t
pack_xz(uint32_t dictionary, uint8_t *out, size_t room)
{
    lzma_options_lzma options;
    lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    size_t len = 0;

    assert_false(lzma_lzma_preset(&options, 0));
    options.dict_size = dictionary;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL,
                                               (const uint8_t *) "x", 1, out, &len, room),
                     LZMA_OK);
    return len;
}

/* Every level of the xz program can be read; a dictionary of gigabytes is not made. */
static void
test_xz_memory(void **state)
{
    uint8_t packed[256];
    fixture f;
    cs_error err;
    size_t len;

    (void) state;
    start(&f, CS_CODEC_XZ, 0);
    len = pack_xz(64 * 1024 * 1024, packed, sizeof(packed));
    assert_ok(unpack(&f, packed, len, LIMIT, &err), &err);
    assert_same_bytes(slice_of_buffer(&f.plain), cs_slice_of("x"));
    len = pack_xz(128 * 1024 * 1024, packed, sizeof(packed));
    f.env.peak = 0;
    assert_refused(unpack(&f, packed, len, LIMIT, &err), CS_ERR_LIMIT, &err,
                   "takes more than the limit of 75497472 bytes of memory");
    assert_true(f.env.peak < 80 * 1024 * 1024);
    stop(&f);
}

/* Each codec's own library reads what we write. */
static void
check_peers(cs_avro_codec codec, const cs_buffer *packed, char *out, size_t room)
{
    unsigned int bzip2_len = (unsigned int) room;
    size_t len = room, at = 0, to = 0;
    uint64_t memory = UINT64_MAX;

    switch (codec)
    {
        case CS_CODEC_SNAPPY:
            assert_int_equal(
                snappy_uncompress((const char *) packed->data, packed->len - 4, out, &len),
                SNAPPY_OK);
            break;
        case CS_CODEC_ZSTANDARD:
            len = ZSTD_decompress(out, room, packed->data, packed->len);
            assert_int_equal(ZSTD_getFrameContentSize(packed->data, packed->len), room);
            break;
        case CS_CODEC_BZIP2:
            assert_int_equal(BZ2_bzBuffToBuffDecompress(out, &bzip2_len, (char *) packed->data,
                                                        (unsigned int) packed->len, 0, 0),
                             BZ_OK);
            len = bzip2_len;
            break;
        case CS_CODEC_XZ:
            assert_int_equal(lzma_stream_buffer_decode(&memory, 0, NULL, packed->data, &at,
                                                       packed->len, (uint8_t *) out, &to, room),
                             LZMA_OK);
            assert_int_equal(at, packed->len);
            len = to;
            break;
        default:
            break;
    }
    assert_int_equal(len, room);
}

static void
test_libraries_read_it(void **state)
{
    static char out[200000];
    uint8_t bytes[sizeof(out)];

    (void) state;
    fill(bytes, sizeof(bytes), 1);
    for (cs_avro_codec codec = CS_CODEC_SNAPPY; codec < CS_NUM_CODECS; codec++)
    {
        cs_slice data = {(char *) bytes, sizeof(bytes)};
        fixture f;
        cs_error err;

        start(&f, codec, 0);
        assert_ok(cs_codec_compress(&f.codec, data, &f.packed, &err), &err);
        assert_true(f.packed.len < sizeof(bytes) / 4);
        memset(out, 0, sizeof(out));
        check_peers(codec, &f.packed, out, sizeof(out));
        assert_memory_equal(out, bytes, sizeof(out));
        stop(&f);
    }
}

/* Work that never returned, as when an error jumps out of it: freeing the state gets all back. */
static void
test_freed_in_the_middle(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_BZIP2; codec < CS_NUM_CODECS; codec++)
    {
        uint8_t bytes[20000];
        fixture packer, f;
        cs_error err;

        fill(bytes, sizeof(bytes), 2);
        start(&packer, codec, 0);
        assert_ok(cs_codec_compress(&packer.codec, (cs_slice){(char *) bytes, sizeof(bytes)},
                                    &packer.packed, &err),
                  &err);
        start(&f, codec, 0);
        assert_ok(unpack(&f, packer.packed.data, packer.packed.len, LIMIT, &err), &err);
        assert_true(f.env.live > 2); /* kept for the next block */
        for (size_t i = 0; i < CS_CODEC_MAX_PIECES; i++)
            f.codec.pieces[i].used = f.codec.pieces[i].memory != NULL;
        stop(&f);
        stop(&packer);
    }
}

/* Work on the next block takes no memory anew. */
static void
test_memory_is_kept(void **state)
{
    uint8_t bytes[50000];
    cs_slice data = {(char *) bytes, sizeof(bytes)};

    (void) state;
    fill(bytes, sizeof(bytes), 1);
    for (cs_avro_codec codec = CS_CODEC_DEFLATE; codec < CS_NUM_CODECS; codec++)
    {
        fixture packer, f;
        size_t packed_by = 0, unpacked_by = 0;
        cs_error err;

        start(&packer, codec, 0);
        start(&f, codec, 0);
        for (int i = 0; i < 4; i++)
        {
            assert_ok(cs_codec_compress(&packer.codec, data, &packer.packed, &err), &err);
            assert_ok(unpack(&f, packer.packed.data, packer.packed.len, LIMIT, &err), &err);
            if (i == 1)
            {
                packed_by = packer.env.allocations;
                unpacked_by = f.env.allocations;
            }
        }
        assert_int_equal(packer.env.allocations, packed_by);
        assert_int_equal(f.env.allocations, unpacked_by);
        stop(&f);
        stop(&packer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bombs),
        cmocka_unit_test(test_deflate_bomb_of_256_mb),
        cmocka_unit_test(test_cuts_and_garbage),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_short_snappy_block),
        cmocka_unit_test(test_snappy_claims),
        cmocka_unit_test(test_snappy_checksum),
        cmocka_unit_test(test_zstandard_frames),
        cmocka_unit_test(test_zstandard_claims),
        cmocka_unit_test(test_streams_in_a_row),
        cmocka_unit_test(test_xz_memory),
        cmocka_unit_test(test_libraries_read_it),
        cmocka_unit_test(test_freed_in_the_middle),
        cmocka_unit_test(test_memory_is_kept),
    };

    return cmocka_run_group_tests_name("avro_codec", tests, NULL, NULL);
}
