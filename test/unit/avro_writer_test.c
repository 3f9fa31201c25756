/*
 * test/unit/avro_writer_test.c
 *     The options of the writer: where blocks are cut, metadata given at open,
 *     and what is refused.
 */
#include "avro_build.h"

#include <stdlib.h>

#define REDSHIFT_BLOCK_BYTES (4 * 1024 * 1024)
#define MAX_BLOCKS 64

/* What lies in a file. */
typedef struct layout
{
    size_t num_blocks;
    struct
    {
        int64_t records;
        size_t len;    /* decompressed */
        size_t stored; /* with head and marker */
    } blocks[MAX_BLOCKS];
} layout;

/* Fill bytes with noise, which no codec makes smaller. */
static void
fill_noise(char *bytes, size_t len)
{
    test_random random = {len};

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char) test_random_next(&random);
}

/* Write records of bytes with these lengths in all. */
static void
write_records(test_file *file, const cs_avro_writer_options *options, const size_t *lens,
              size_t count)
{
    cs_avro_schema *schema = build_schema(SCHEMA_OF("\"bytes\""));
    cs_sink sink = test_file_sink(file);
    cs_avro_writer *writer;
    cs_error err;

    assert_ok(cs_avro_writer_open(cs_malloc_env(), &sink, schema, options, &writer, &err), &err);
    for (size_t i = 0; i < count; i++)
    {
        cs_buffer *buffer = cs_avro_writer_buffer(writer);
        size_t head = lens[i] <= 64 ? 1 : lens[i] <= 8193 ? 2 : lens[i] <= 1048578 ? 3 : 4;
        char *bytes = malloc(lens[i]);

        assert_non_null(bytes);
        fill_noise(bytes, lens[i] - head);
        build_bytes(buffer, bytes, lens[i] - head);
        free(bytes);
        assert_ok(cs_avro_writer_add(writer, &err), &err);
    }
    assert_ok(cs_avro_writer_finish(writer, NULL, 0, &err), &err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
}

/* Read how a file is laid out; its records must all be well formed. */
static layout
read_layout(test_file *file)
{
    cs_source source = test_file_source(file);
    layout result = {.num_blocks = 0};
    cs_avro_reader *reader;
    cs_avro_block block;
    int64_t rows = 0;
    cs_error err;
    cs_code code;

    assert_int_equal(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), CS_OK);
    while ((code = cs_avro_reader_next(reader, &block, &err)) == CS_OK)
    {
        assert_true(result.num_blocks < MAX_BLOCKS);
        result.blocks[result.num_blocks].records = block.records;
        result.blocks[result.num_blocks].len = block.len;
        result.blocks[result.num_blocks].stored = (size_t) (block.end_offset - block.offset);
        result.num_blocks++;
        rows += block.records;
    }
    assert_code(code, CS_END, &err);
    cs_avro_reader_close(reader);
    assert_int_equal(read_all(cs_malloc_env(), &source).rows, rows);
    return result;
}

/* Records of these lengths, and the blocks that they must give. */
typedef struct cut_case
{
    size_t lens[6];
    size_t num_blocks;
    size_t blocks[6]; /* their bytes */
} cut_case;

/* Blocks are cut before they pass the size chosen; a larger record is one of its own. */
static void
test_where_blocks_are_cut(void **state)
{
    static const cut_case cases[] = {
        {{1000}, 1, {1000}},
        {{400, 600}, 1, {1000}},
        {{400, 599, 1}, 1, {1000}},
        {{400, 600, 1}, 2, {1000, 1}},
        {{400, 601}, 2, {400, 601}},
        {{999, 2, 998}, 2, {999, 1000}},
        {{5000}, 1, {5000}},
        {{10, 5000, 10}, 3, {10, 5000, 10}},
        {{5000, 5000}, 2, {5000, 5000}},
        {{10, 20, 1001, 30, 40}, 3, {30, 1001, 70}},
        {{1001, 1000, 999, 1, 1}, 4, {1001, 1000, 1000, 1}},
    };

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t i = 0; i < LENGTH(cases); i++)
        {
            const cs_avro_writer_options options = {.codec = codec, .block_bytes = 1000};
            size_t count = 0;
            test_file file;
            layout found;

            while (count < LENGTH(cases[i].lens) && cases[i].lens[count] > 0)
                count++;
            test_file_start(&file);
            write_records(&file, &options, cases[i].lens, count);
            found = read_layout(&file);
            assert_int_equal(found.num_blocks, cases[i].num_blocks);
            for (size_t j = 0; j < found.num_blocks; j++)
                assert_int_equal(found.blocks[j].len, cases[i].blocks[j]);
            test_file_free(&file);
        }
}

/* Nothing chosen: blocks of 128 KiB at most. */
static void
test_default_block_size(void **state)
{
    size_t lens[100];
    test_file file;
    layout found;

    (void) state;
    for (size_t i = 0; i < LENGTH(lens); i++)
        lens[i] = 10000;
    test_file_start(&file);
    write_records(&file, NULL, lens, LENGTH(lens));
    found = read_layout(&file);
    assert_int_equal(found.num_blocks, 8);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(found.blocks[i].len, 130000);
    test_file_free(&file);
}

/* However badly the data compress, no block of several records passes Redshift's limit. */
static void
test_largest_blocks(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        const cs_avro_writer_options options = {.codec = codec,
                                                .block_bytes = CS_AVRO_BLOCK_BYTES_MAX};
        size_t lens[70];
        test_file file;
        layout found;

        for (size_t i = 0; i < LENGTH(lens); i++)
            lens[i] = CS_AVRO_BLOCK_BYTES_MAX / 64 + i % 3;
        test_file_start(&file);
        write_records(&file, &options, lens, LENGTH(lens));
        found = read_layout(&file);
        assert_int_equal(found.num_blocks, 2);
        assert_true(found.blocks[0].len > CS_AVRO_BLOCK_BYTES_MAX / 64 * 60);
        assert_true(found.blocks[0].stored < REDSHIFT_BLOCK_BYTES);
        test_file_free(&file);
    }
}

/* Records of no bytes fill no block: it is cut before our own reader would refuse it. */
static void
test_records_of_nothing(void **state)
{
    const int64_t count = 2 * CS_AVRO_MAX_EMPTY_ITEMS + 5;
    cs_avro_schema *schema = build_schema(SCHEMA_NULL);
    cs_avro_writer *writer;
    test_file file;
    layout found;
    cs_sink sink;
    cs_error err;

    (void) state;
    test_file_start(&file);
    sink = test_file_sink(&file);
    assert_ok(cs_avro_writer_open(cs_malloc_env(), &sink, schema, NULL, &writer, &err), &err);
    for (int64_t i = 0; i < count; i++)
        assert_ok(cs_avro_writer_add(writer, &err), &err);
    assert_ok(cs_avro_writer_finish(writer, NULL, 0, &err), &err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
    found = read_layout(&file);
    assert_int_equal(found.num_blocks, 3);
    assert_int_equal(found.blocks[2].records, 5);
    test_file_free(&file);
}

/* Open a writer with these options and close it. */
static cs_code
try_options(const cs_avro_writer_options *options, cs_error *err)
{
    cs_avro_schema *schema = build_schema(SCHEMA_LONG);
    cs_avro_writer *writer;
    test_file file;
    test_env env;
    cs_sink sink;
    cs_code code;

    test_file_start(&file);
    test_env_start(&env, 0, 0);
    sink = test_file_sink(&file);
    code = cs_avro_writer_open(&env.env, &sink, schema, options, &writer, err);
    assert_int_equal(code == CS_OK, writer != NULL);
    cs_avro_writer_free(writer);
    assert_int_equal(env.live, 0);
    cs_avro_schema_free(schema);
    test_file_free(&file);
    return code;
}

static void
test_options_refused(void **state)
{
    static const cs_avro_meta schema[] = {{"avro.schema", (const uint8_t *) "x", 1}};
    static const cs_avro_meta ours[] = {{"clickstream.writer", (const uint8_t *) "x", 1}};
    static const cs_avro_meta twice[] = {{"a", (const uint8_t *) "x", 1},
                                         {"b", (const uint8_t *) "a", 1},
                                         {"a", (const uint8_t *) "", 0}};
    static const struct
    {
        cs_avro_writer_options options;
        const char *message;
    } cases[] = {
        {{.codec = CS_CODEC_SNAPPY, .level = 1}, "codec snappy has no compression levels"},
        {{.codec = CS_CODEC_NULL, .level = 6}, "codec null has no compression levels"},
        {{.codec = CS_CODEC_XZ, .level = 10}, "level 10 of xz is not between 1 and 9"},
        {{.codec = CS_CODEC_DEFLATE, .level = -1}, "level -1 of deflate"},
        {{.block_bytes = CS_AVRO_BLOCK_BYTES_MAX + 1}, "block size of 3145729 bytes"},
        {{.block_bytes = SIZE_MAX}, "block size"},
        {{.meta = schema, .num_meta = 1}, "metadata key \"avro.schema\" is reserved"},
        {{.meta = ours, .num_meta = 1}, "\"clickstream.writer\" is reserved"},
        {{.meta = twice, .num_meta = 3}, "metadata key \"a\" is given twice"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_error err;

        assert_outcome(try_options(&cases[i].options, &err), CS_ERR_ARGUMENT, &err,
                       cases[i].message, cases[i].message);
    }
}

/* Metadata of any bytes, given at open, and text given at finish beside it. */
static void
test_metadata_at_open(void **state)
{
    static uint8_t big[100000];
    static const cs_avro_meta meta[] = {
        {"", (const uint8_t *) "no key", 6},
        {"zeros", (const uint8_t *) "a\0b\0", 4},
        {"nothing", (const uint8_t *) "", 0},
        {"not utf-8", (const uint8_t *) "\xff\xfe", 2},
        {"avro", (const uint8_t *) "not reserved", 12},
        {"big", big, sizeof(big)},
    };
    static const cs_avro_text_meta late[] = {{"late", "text"}};
    static const cs_avro_text_meta again[] = {{"nothing", "text"}};
    static const cs_avro_text_meta reserved[] = {{"avro.codec", "text"}};
    const cs_avro_writer_options options = {.meta = meta, .num_meta = LENGTH(meta)};
    cs_avro_schema *schema = build_schema(SCHEMA_LONG);
    const cs_avro_meta *found;
    cs_avro_writer *writer;
    cs_avro_reader *reader;
    cs_source source;
    test_file file;
    size_t count;
    cs_sink sink;
    cs_error err;

    (void) state;
    memset(big, 'x', sizeof(big));
    test_file_start(&file);
    sink = test_file_sink(&file);
    assert_ok(cs_avro_writer_open(cs_malloc_env(), &sink, schema, &options, &writer, &err), &err);
    assert_refused(cs_avro_writer_finish(writer, again, 1, &err), CS_ERR_ARGUMENT, &err,
                   "\"nothing\" is given twice");
    assert_refused(cs_avro_writer_finish(writer, reserved, 1, &err), CS_ERR_ARGUMENT, &err,
                   "\"avro.codec\" is reserved");
    assert_ok(cs_avro_writer_finish(writer, late, 1, &err), &err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);

    source = test_file_source(&file);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    found = cs_avro_reader_meta(reader, &count);
    assert_int_equal(count, LENGTH(meta) + 4);
    for (size_t i = 0; i < LENGTH(meta); i++)
    {
        assert_string_equal(found[i + 2].key, meta[i].key);
        assert_int_equal(found[i + 2].len, meta[i].len);
        assert_memory_equal(found[i + 2].value, meta[i].value, meta[i].len);
    }
    assert_string_equal(cs_avro_reader_meta_text(reader, "late"), "text");
    cs_avro_reader_close(reader);
    test_file_free(&file);
}

/* With a marker given, the same records give the same bytes; without, no two files are the same. */
static void
test_marker_at_open(void **state)
{
    static const uint8_t marker[CS_AVRO_SYNC_BYTES] = "a marker of ours";
    static const size_t lens[] = {100, 200, 3000};
    const cs_avro_writer_options given = {.sync = marker};
    const cs_avro_writer_options random = {.sync = NULL};
    test_file files[4];

    (void) state;
    for (size_t i = 0; i < LENGTH(files); i++)
    {
        test_file_start(&files[i]);
        write_records(&files[i], i < 2 ? &given : &random, lens, LENGTH(lens));
        assert_int_equal(read_layout(&files[i]).num_blocks, 1);
        assert_int_equal(files[i].bytes.len, files[0].bytes.len);
    }
    assert_memory_equal(files[0].bytes.data, files[1].bytes.data, files[0].bytes.len);
    assert_memory_not_equal(files[2].bytes.data, files[3].bytes.data, files[2].bytes.len);
    assert_memory_equal(files[0].bytes.data + files[0].bytes.len - sizeof(marker), marker,
                        sizeof(marker));
    for (size_t i = 0; i < LENGTH(files); i++)
        test_file_free(&files[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where_blocks_are_cut), cmocka_unit_test(test_default_block_size),
        cmocka_unit_test(test_largest_blocks),       cmocka_unit_test(test_records_of_nothing),
        cmocka_unit_test(test_options_refused),      cmocka_unit_test(test_metadata_at_open),
        cmocka_unit_test(test_marker_at_open),
    };

    return cmocka_run_group_tests_name("avro_writer", tests, NULL, NULL);
}
