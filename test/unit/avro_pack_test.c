/*
 * test/unit/avro_pack_test.c
 *     Blocks made apart from a file, as several threads do it for one writer.
 */
#include "avro_build.h"

#define NUM_LONGS 1000

/* The longs first, first + 1, ... as records. */
static void
append_longs(cs_buffer *out, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        build_long(out, first + i);
}

/* Pack the longs first, first + 1, ... */
static void
pack_longs(cs_avro_packer *packer, int64_t first, int64_t count, cs_buffer *block)
{
    cs_buffer records;
    cs_error err;

    cs_buffer_init(&records, cs_malloc_env());
    append_longs(&records, first, count);
    assert_ok(cs_avro_pack(packer, slice_of_buffer(&records), count, block, &err), &err);
    cs_buffer_free(&records);
}

/* Add one by one. */
static void
add_longs(cs_avro_writer *writer, int64_t first, int64_t count)
{
    cs_error err;

    for (int64_t i = 0; i < count; i++)
    {
        build_long(cs_avro_writer_buffer(writer), first + i);
        assert_ok(cs_avro_writer_add(writer, &err), &err);
    }
}

/* Check that a file holds blocks of these numbers of longs, counted from 1. */
static void
check_blocks(test_file *file, const int64_t *blocks, size_t count)
{
    cs_source source = test_file_source(file);
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_buffer expected;
    cs_error err;
    int64_t next = 1;

    cs_buffer_init(&expected, cs_malloc_env());
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    for (size_t i = 0; i < count; i++)
    {
        assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
        assert_int_equal(block.records, blocks[i]);
        expected.len = 0;
        append_longs(&expected, next, blocks[i]);
        assert_int_equal(block.len, expected.len);
        assert_memory_equal(block.data, expected.data, expected.len);
        next += blocks[i];
    }
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    cs_avro_reader_close(reader);
    cs_buffer_free(&expected);
}

/* Open a writer of longs. */
static cs_avro_writer *
open_writer(test_file *file, cs_avro_schema *schema, cs_avro_codec codec)
{
    const cs_avro_writer_options options = {.codec = codec};
    cs_avro_writer *writer;
    cs_sink sink;
    cs_error err;

    test_file_start(file);
    sink = test_file_sink(file);
    assert_ok(cs_avro_writer_open(cs_malloc_env(), &sink, schema, &options, &writer, &err), &err);
    return writer;
}

/* Finish a file, and check its blocks. */
static void
finish(cs_avro_writer *writer, test_file *file, const int64_t *blocks, size_t count)
{
    cs_error err;

    assert_ok(cs_avro_writer_finish(writer, NULL, 0, &err), &err);
    assert_int_equal(cs_avro_writer_size(writer), file->bytes.len);
    cs_avro_writer_free(writer);
    check_blocks(file, blocks, count);
    test_file_free(file);
}

/* Packed blocks and single records keep their order, with every codec. */
static void
test_order(void **state)
{
    static const int64_t blocks[] = {3, 5, NUM_LONGS, 2};
    cs_avro_schema *schema = build_schema(SCHEMA_LONG);

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_avro_packer *packer;
        cs_avro_writer *writer;
        cs_buffer block;
        test_file file;
        cs_error err;

        cs_buffer_init(&block, cs_malloc_env());
        assert_ok(cs_avro_packer_open(cs_malloc_env(), codec, 0, &packer, &err), &err);
        writer = open_writer(&file, schema, codec);
        add_longs(writer, 1, 3);
        pack_longs(packer, 4, 5, &block);
        assert_ok(cs_avro_writer_append(writer, &block, &err), &err);
        assert_int_equal(cs_avro_writer_size(writer), file.bytes.len);
        pack_longs(packer, 9, NUM_LONGS, &block);
        assert_ok(cs_avro_writer_append(writer, &block, &err), &err);
        add_longs(writer, 9 + NUM_LONGS, 2);
        finish(writer, &file, blocks, LENGTH(blocks));
        cs_avro_packer_free(packer);
        cs_buffer_free(&block);
    }
    cs_avro_schema_free(schema);
}

/* A block fits into any file, and is the same afterwards. */
static void
test_two_files(void **state)
{
    static const int64_t blocks[] = {NUM_LONGS};
    cs_avro_schema *schema = build_schema(SCHEMA_LONG);
    cs_avro_packer *packer;
    cs_buffer block;
    cs_error err;
    size_t len;

    (void) state;
    cs_buffer_init(&block, cs_malloc_env());
    assert_ok(cs_avro_packer_open(cs_malloc_env(), CS_CODEC_DEFLATE, 9, &packer, &err), &err);
    pack_longs(packer, 1, NUM_LONGS, &block);
    len = block.len;
    for (int i = 0; i < 2; i++)
    {
        test_file file;
        cs_avro_writer *writer = open_writer(&file, schema, CS_CODEC_DEFLATE);

        assert_ok(cs_avro_writer_append(writer, &block, &err), &err);
        assert_int_equal(block.len, len);
        finish(writer, &file, blocks, LENGTH(blocks));
    }
    cs_avro_packer_free(packer);
    cs_buffer_free(&block);
    cs_avro_schema_free(schema);
}

/* A level that the codec does not have is refused. */
static void
test_level(void **state)
{
    cs_avro_packer *packer;
    cs_error err;

    (void) state;
    assert_code(cs_avro_packer_open(cs_malloc_env(), CS_CODEC_SNAPPY, 1, &packer, &err),
                CS_ERR_ARGUMENT, &err);
    assert_null(packer);
    cs_avro_packer_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_two_files),
        cmocka_unit_test(test_level),
    };

    return cmocka_run_group_tests_name("avro_pack", tests, NULL, NULL);
}
