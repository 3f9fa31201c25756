/*
 * test/unit/avro_limits_test.c
 *     The limits of a reader: the defaults, others, and what is told when one
 *     of them is passed.
 */
#include "avro_build.h"

/* Open a file under these limits. */
static cs_code
open_file(const cs_buffer *bytes, const cs_avro_limits *limits, test_env *env,
          cs_avro_reader **reader, cs_error *err)
{
    static test_file memory;
    cs_source source;

    memory = (test_file){.bytes = *bytes};
    source = test_file_source(&memory);
    test_env_start(env, 0, 0);
    return cs_avro_reader_open(&env->env, &source, limits, reader, err);
}

/* Read the first block of a file under these limits. */
static cs_code
read_block(const cs_buffer *bytes, const cs_avro_limits *limits, size_t *peak, cs_error *err)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    test_env env;
    cs_code code;

    assert_ok(open_file(bytes, limits, &env, &reader, err), err);
    code = cs_avro_reader_next(reader, &block, err);
    cs_avro_reader_close(reader);
    assert_int_equal(env.live, 0);
    *peak = env.peak;
    return code;
}

static void
test_defaults(void **state)
{
    const cs_avro_limits other = {1, 2, 3, 4};
    cs_avro_reader *reader;
    known_file file;
    test_env env;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    assert_int_equal(cs_avro_default_limits.max_header_bytes, 16 * 1024 * 1024);
    assert_int_equal(cs_avro_default_limits.max_block_bytes, 64 * 1024 * 1024);
    assert_int_equal(cs_avro_default_limits.max_empty_items, 1048576);
    assert_int_equal(cs_avro_default_limits.max_depth, 100);
    assert_ok(open_file(&file.bytes, NULL, &env, &reader, &err), &err);
    assert_memory_equal(cs_avro_reader_limits(reader), &cs_avro_default_limits,
                        sizeof(cs_avro_limits));
    cs_avro_reader_close(reader);
    assert_code(open_file(&file.bytes, &other, &env, &reader, &err), CS_ERR_LIMIT, &err);
    assert_null(reader);
    known_free(&file);
}

static void
test_header_bytes(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    cs_avro_reader *reader;
    known_file file;
    test_env env;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    limits.max_header_bytes = file.header_len;
    assert_ok(open_file(&file.bytes, &limits, &env, &reader, &err), &err);
    cs_avro_reader_close(reader);
    limits.max_header_bytes = 20;
    assert_refused(open_file(&file.bytes, &limits, &env, &reader, &err), CS_ERR_LIMIT, &err,
                   "takes the header over the limit of 20 bytes");
    known_free(&file);
}

/* A stored and a decompressed size at the limit, and one over it. */
static void
test_block_bytes(void **state)
{
    static const uint8_t zeros[100000];

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_avro_limits limits = cs_avro_default_limits;
        cs_buffer file;
        cs_error err;
        size_t peak;

        cs_buffer_init(&file, cs_malloc_env());
        build_header(&file, SCHEMA_LONG, cs_avro_codec_name(codec));
        build_packed_block(&file, codec, sizeof(zeros), zeros, sizeof(zeros));
        limits.max_block_bytes = sizeof(zeros);
        assert_ok(read_block(&file, &limits, &peak, &err), &err);
        limits.max_block_bytes = sizeof(zeros) - 1;
        assert_refused(read_block(&file, &limits, &peak, &err), CS_ERR_LIMIT, &err,
                       codec == CS_CODEC_NULL
                           ? "a block of 100000 bytes is over the limit of 99999 bytes"
                           : "100000 records, more than the limit of 99999 bytes holds");
        file.len = 0;
        build_header(&file, SCHEMA_LONG, cs_avro_codec_name(codec));
        build_packed_block(&file, codec, 1, zeros, sizeof(zeros));
        assert_code(read_block(&file, &limits, &peak, &err), CS_ERR_LIMIT, &err);
        assert_string_equal(err.file, TEST_FILE_NAME);
        assert_in_range(err.offset, 1, file.len);
        cs_buffer_free(&file);
    }
}

/* The block's own size is looked at before any memory is taken for it. */
static void
test_stored_bytes(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    test_random random = {7};
    uint8_t noise[50000];
    size_t peak;

    (void) state;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t) test_random_next(&random);
    limits.max_block_bytes = 40000;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_buffer file;
        cs_error err;

        cs_buffer_init(&file, cs_malloc_env());
        build_header(&file, SCHEMA_STRING, cs_avro_codec_name(codec));
        build_packed_block(&file, codec, 1, noise, sizeof(noise));
        assert_refused(read_block(&file, &limits, &peak, &err), CS_ERR_LIMIT, &err,
                       "is over the limit of 40000 bytes");
        assert_true(peak < 90000); /* the window, and the header */
        cs_buffer_free(&file);
    }
}

/* Counts that no block of the size, or of the largest size, can hold (D3, D9). */
static void
test_impossible_counts(void **state)
{
    static const int64_t counts[] = {INT64_C(1) << 61, INT64_MAX, CS_AVRO_MAX_BLOCK_BYTES + 1};

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t i = 0; i < LENGTH(counts); i++)
        {
            cs_buffer file;
            cs_error err;
            size_t peak;

            cs_buffer_init(&file, cs_malloc_env());
            build_header(&file, SCHEMA_LONG, cs_avro_codec_name(codec));
            build_packed_block(&file, codec, counts[i], "\x02\x04", 2);
            assert_refused(read_block(&file, NULL, &peak, &err),
                           codec == CS_CODEC_NULL ? CS_ERR_DATA : CS_ERR_LIMIT, &err,
                           codec == CS_CODEC_NULL ? "hold fewer" : "more than the limit");
            file.len = 0;
            build_header(&file, SCHEMA_NULL, cs_avro_codec_name(codec));
            build_packed_block(&file, codec, counts[i], "", 0);
            assert_refused(read_block(&file, NULL, &peak, &err), CS_ERR_LIMIT, &err,
                           "records of no bytes, the limit is 1048576");
            cs_buffer_free(&file);
        }
}

static void
test_empty_items(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    cs_buffer file;
    cs_error err;
    size_t peak;

    (void) state;
    cs_buffer_init(&file, cs_malloc_env());
    build_header(&file, SCHEMA_NULL, NULL);
    build_block(&file, 3, "", 0);
    limits.max_empty_items = 3;
    assert_ok(read_block(&file, &limits, &peak, &err), &err);
    limits.max_empty_items = 2;
    assert_refused(read_block(&file, &limits, &peak, &err), CS_ERR_LIMIT, &err,
                   "block declares 3 records of no bytes, the limit is 2");
    limits.max_empty_items = INT64_MAX;
    file.len = 0;
    build_header(&file, SCHEMA_NULL, NULL);
    build_block(&file, INT64_MAX - 1, "", 0);
    assert_ok(read_block(&file, &limits, &peak, &err), &err);
    cs_buffer_free(&file);
}

/* With the limit raised, counts that together pass what can be counted. */
static void
test_sum_of_counts(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    cs_avro_reader *reader;
    cs_avro_totals totals;
    cs_avro_block block;
    cs_buffer file;
    test_env env;
    cs_error err;

    (void) state;
    limits.max_empty_items = INT64_MAX;
    cs_buffer_init(&file, cs_malloc_env());
    build_header(&file, SCHEMA_NULL, NULL);
    build_block(&file, INT64_MAX - 1, "", 0);
    build_block(&file, INT64_MAX - 1, "", 0);
    assert_ok(open_file(&file, &limits, &env, &reader, &err), &err);
    assert_refused(cs_avro_reader_count(reader, &totals, &err), CS_ERR_LIMIT, &err,
                   "more records than can be counted");
    cs_avro_reader_close(reader);
    assert_ok(open_file(&file, &limits, &env, &reader, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_LIMIT, &err);
    cs_avro_reader_close(reader);
    cs_buffer_free(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),          cmocka_unit_test(test_header_bytes),
        cmocka_unit_test(test_block_bytes),       cmocka_unit_test(test_stored_bytes),
        cmocka_unit_test(test_impossible_counts), cmocka_unit_test(test_empty_items),
        cmocka_unit_test(test_sum_of_counts),
    };

    return cmocka_run_group_tests_name("avro_limits", tests, NULL, NULL);
}
