/*
 * test/unit/avro_container_test.c
 *     Reading object container files: headers, blocks, borders, limits, and
 *     everything that a file may have wrong about them.
 */
#include "avro_build.h"

#include <errno.h>
#include <stdlib.h>

#define NO_SIZE (-1)
/* Read the first len bytes of a file, its size known or not, max_read bytes at a time. */
static read_result
read_cut(const cs_buffer *bytes, size_t len, bool know_size, size_t max_read)
{
    cs_slice copy = test_exact_copy((cs_slice){(const char *) bytes->data, len});
    test_file file = {.max_read = max_read};
    cs_source source;
    test_env env;
    read_result result;

    file.bytes.data = (uint8_t *) copy.data;
    file.bytes.len = len;
    source = test_file_source(&file);
    if (!know_size)
        source.size = NO_SIZE;
    test_env_start(&env, 0, 0);
    result = read_all(&env.env, &source);
    assert_int_equal(env.live, 0);
    test_exact_free(copy);
    return result;
}

/* The error must name the file and a place in it that exists. */
static void
check_place(const read_result *result, size_t from, size_t to)
{
    assert_non_null(result->err.file);
    assert_string_equal(result->err.file, TEST_FILE_NAME);
    assert_in_range(result->err.offset, from, to);
}

/* Read a file from its beginning up to any byte: it may only end at a border. */
static void
check_every_cut(const known_file *file, bool know_size, size_t max_read)
{
    size_t block = 0;

    for (size_t len = 0; len <= file->bytes.len; len++)
    {
        read_result result = read_cut(&file->bytes, len, know_size, max_read);
        size_t border;

        while (block < file->num_blocks && file->blocks[block].end <= len)
            block++;
        border = block > 0 ? file->blocks[block - 1].end : file->header_len;
        assert_int_equal(result.opened, len >= file->header_len);
        assert_int_equal(result.rows, block > 0 ? file->blocks[block - 1].rows : 0);
        assert_int_equal(result.sum, result.rows * (result.rows + 1) / 2);
        if (len == border)
        {
            assert_int_equal(result.code, CS_END);
            continue;
        }
        assert_code(result.code, CS_ERR_DATA, &result.err);
        check_place(&result, len < file->header_len ? 0 : border, len);
    }
}

static void
test_cut_at_every_byte(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        known_file file;

        known_start(&file, codec);
        known_add(&file, 3);
        known_add(&file, 0);
        known_add(&file, 200); /* its count and size take two bytes */
        known_add(&file, 1);
        check_every_cut(&file, true, 0);
        check_every_cut(&file, false, 0);
        check_every_cut(&file, false, 1);
        check_every_cut(&file, true, 7);
        known_free(&file);
    }
}

static void
test_empty_file(void **state)
{
    cs_buffer bytes;
    read_result result;

    (void) state;
    cs_buffer_init(&bytes, cs_malloc_env());
    result = read_file_bytes(&bytes);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "file is empty");
    check_place(&result, 0, 0);
    result = read_cut(&bytes, 0, false, 0);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "file is empty");
}

static void
test_wrong_magic(void **state)
{
    (void) state;
    for (size_t i = 0; i < CS_AVRO_MAGIC_BYTES; i++)
        for (int bit = 0; bit < 8; bit++)
        {
            known_file file;
            read_result result;

            known_start(&file, CS_CODEC_NULL);
            file.bytes.data[i] ^= (uint8_t) (1 << bit);
            result = read_file_bytes(&file.bytes);
            assert_refused(result.code, CS_ERR_DATA, &result.err, "not an Avro object container");
            check_place(&result, 0, 0);
            known_free(&file);
        }
}

static void
test_every_bit_of_every_marker(void **state)
{
    known_file file;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 0);
    known_add(&file, 4);
    for (size_t block = 0; block < file.num_blocks; block++)
        for (size_t bit = 0; bit < CS_AVRO_SYNC_BYTES * 8; bit++)
        {
            size_t marker = file.blocks[block].end - CS_AVRO_SYNC_BYTES;
            read_result result;

            file.bytes.data[marker + bit / 8] ^= (uint8_t) (1 << bit % 8);
            result = read_file_bytes(&file.bytes);
            file.bytes.data[marker + bit / 8] ^= (uint8_t) (1 << bit % 8);
            assert_refused(result.code, CS_ERR_DATA, &result.err, "sync marker");
            check_place(&result, marker, marker);
            assert_int_equal(result.rows, block > 0 ? file.blocks[block - 1].rows : 0);
        }
    file.bytes.data[file.header_len - 1] ^= 1; /* the header's own */
    assert_int_equal(read_file_bytes(&file.bytes).code, CS_ERR_DATA);
    known_free(&file);
}

/* Empty blocks in every place are read past, and counted in the index (D1, D2). */
static void
check_empty_blocks(cs_avro_codec codec, const int64_t *counts, size_t num_counts)
{
    known_file file;
    read_result result;
    int64_t rows;

    known_start(&file, codec);
    for (size_t i = 0; i < num_counts; i++)
        known_add(&file, counts[i]);
    rows = file.blocks[num_counts - 1].rows;
    result = read_file_bytes(&file.bytes);
    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.rows, rows);
    assert_int_equal(result.sum, rows * (rows + 1) / 2);
    known_free(&file);
}

static void
test_empty_blocks_are_read_past(void **state)
{
    static const int64_t counts[][5] = {{0, 2, 3, 4, 5}, {2, 0, 3, 4, 5}, {2, 3, 4, 5, 0},
                                        {0, 0, 3, 0, 0}, {0, 0, 0, 0, 0}, {1, 0, 0, 0, 1}};

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t i = 0; i < LENGTH(counts); i++)
            check_empty_blocks(codec, counts[i], LENGTH(counts[i]));
}

/* A file that is no more than its header has no rows, and is no error. */
static void
test_file_without_blocks(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        known_file file;
        read_result result;

        known_start(&file, codec);
        result = read_file_bytes(&file.bytes);
        assert_code(result.code, CS_END, &result.err);
        assert_int_equal(result.rows, 0);
        known_free(&file);
    }
}

/* Some writers leave out the bytes of an empty block altogether. */
static void
test_empty_block_of_no_bytes(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        known_file file;
        read_result result;

        known_start(&file, codec);
        known_add(&file, 2);
        build_block(&file.bytes, 0, "", 0);
        known_add(&file, 3);
        result = read_file_bytes(&file.bytes);
        assert_code(result.code, CS_END, &result.err);
        assert_int_equal(result.rows, 5);
        known_free(&file);
    }
}

/* A block of no records must hold nothing, whether that shows in its size or not. */
static void
test_empty_block_with_bytes(void **state)
{
    static const char zeros[100000];

    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t len = 1; len <= sizeof(zeros); len = len * 10 - len % 10)
        {
            known_file file;
            read_result result;

            known_start(&file, codec);
            known_add(&file, 2);
            build_packed_block(&file.bytes, codec, 0, zeros, len);
            result = read_file_bytes(&file.bytes);
            assert_refused(result.code, CS_ERR_DATA, &result.err, "declares no records");
            check_place(&result, file.blocks[0].end, file.blocks[0].end);
            assert_int_equal(result.rows, 2);
            known_free(&file);
        }
}

/* What a block says about itself. */
static void
test_block_fields(void **state)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    known_file file;
    test_file memory = {.calls = 0};
    cs_source source;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 0);
    known_add(&file, 4);
    memory.bytes = file.bytes;
    source = test_file_source(&memory);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_int_equal(cs_avro_reader_codec(reader), CS_CODEC_NULL);
    assert_same_bytes(cs_avro_reader_header(reader),
                      ((cs_slice){(char *) file.bytes.data, file.header_len}));
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_int_equal(block.index, 0);
    assert_int_equal(block.offset, file.header_len);
    assert_int_equal(block.end_offset, file.blocks[0].end);
    assert_int_equal(block.records, 3);
    assert_int_equal(block.first_record, 1);
    assert_int_equal(block.len, 3);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_int_equal(block.index, 2);
    assert_int_equal(block.offset, file.blocks[1].end);
    assert_int_equal(block.end_offset, file.blocks[2].end);
    assert_int_equal(block.first_record, 4);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    cs_avro_reader_close(reader);
    cs_avro_reader_close(NULL);
    known_free(&file);
}

static void
test_block_of_no_bytes_with_records(void **state)
{
    known_file file;
    read_result result;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 2);
    build_block(&file.bytes, 1, "", 0);
    known_add(&file, 2);
    result = read_file_bytes(&file.bytes);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "its 0 bytes hold fewer");
    check_place(&result, file.blocks[0].end, file.blocks[0].end);
    assert_int_equal(result.rows, 2);
    known_free(&file);
}

/* Numbers in place of a block's count and size, and the error. */
typedef struct bad_numbers
{
    int64_t records;
    int64_t size;
    cs_code code;
    const char *message;
} bad_numbers;

/* A block of two bytes, 02 04: two longs; numbers that are not 2 and 2. */
static const bad_numbers bad_block_numbers[] = {
    {-1, 2, CS_ERR_DATA, "negative record count -1"},
    {INT64_MIN, 2, CS_ERR_DATA, "negative record count"},
    {0, 2, CS_ERR_DATA, "declares no records, but holds 2 bytes"},
    {1, 2, CS_ERR_DATA, "1 bytes behind its 1 declared records"},
    {3, 2, CS_ERR_DATA, "declares 3 records, but its 2 bytes hold fewer"},
    {INT64_C(1) << 61, 2, CS_ERR_DATA, "bytes hold fewer"},
    {INT64_MAX, 2, CS_ERR_DATA, "bytes hold fewer"},
    {2, -1, CS_ERR_DATA, "negative length -1"},
    {2, INT64_MIN, CS_ERR_DATA, "negative length"},
    {2, 0, CS_ERR_DATA, "declares 2 records, but its 0 bytes hold fewer"},
    {1, 1, CS_ERR_DATA, "sync marker"},
    {2, 3, CS_ERR_DATA, NULL},
    {2, 18, CS_ERR_DATA, "truncated"},
    {2, CS_AVRO_MAX_BLOCK_BYTES, CS_ERR_DATA, "truncated"},
    {2, INT64_C(1) << 40, CS_ERR_DATA, "truncated"},
    {2, INT64_MAX, CS_ERR_DATA, "truncated"},
};

/* The block lies between two good ones: rows before it are delivered, none after it. */
static void
check_bad_numbers(const bad_numbers *bad, bool know_size)
{
    bool over = bad->size > CS_AVRO_MAX_BLOCK_BYTES;
    known_file file;
    read_result result;

    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 2);
    build_long(&file.bytes, bad->records);
    build_long(&file.bytes, bad->size);
    build_raw(&file.bytes, "\x02\x04", 2);
    build_raw(&file.bytes, build_sync, sizeof(build_sync));
    result = read_cut(&file.bytes, file.bytes.len, know_size, 0);
    if (!know_size && over)
        assert_refused(result.code, CS_ERR_LIMIT, &result.err, "over the limit");
    else
        assert_refused(result.code, bad->code, &result.err, bad->message);
    assert_in_range(result.err.offset, file.blocks[0].end, file.bytes.len);
    assert_in_range(result.rows, 2, 3);
    known_free(&file);
}

static void
test_bad_block_numbers(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(bad_block_numbers); i++)
    {
        check_bad_numbers(&bad_block_numbers[i], true);
        check_bad_numbers(&bad_block_numbers[i], false);
    }
}

/* A number as bytes, in place of a block's count; the block holds one long. */
static read_result
read_with_count(const void *count, size_t len)
{
    known_file file;
    read_result result;

    known_start(&file, CS_CODEC_NULL);
    build_raw(&file.bytes, count, len);
    build_raw(&file.bytes, "\x02\x08", 2);
    build_raw(&file.bytes, build_sync, sizeof(build_sync));
    result = read_file_bytes(&file.bytes);
    known_free(&file);
    return result;
}

static void
test_overlong_numbers(void **state)
{
    read_result result;

    (void) state;
    result = read_with_count("\x02", 1);
    assert_code(result.code, CS_END, &result.err);
    result = read_with_count("\x82\x00", 2); /* padded: Avro allows it */
    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.rows, 1);
    result = read_with_count("\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", 10);
    assert_code(result.code, CS_END, &result.err);
    result = read_with_count("\x82\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10); /* over 64 bits */
    assert_refused(result.code, CS_ERR_DATA, &result.err, "not a valid number");
    result = read_with_count("\x82\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "not a valid number");
    result = read_with_count("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "not a valid number");
}

/* Memory must follow what has arrived, not what a length promises. */
static void
test_promised_bytes_are_not_allocated(void **state)
{
    known_file file;
    test_file memory = {.calls = 0};
    cs_source source;
    test_env env;
    read_result result;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    build_long(&file.bytes, 1);
    build_long(&file.bytes, CS_AVRO_MAX_BLOCK_BYTES);
    build_raw(&file.bytes, "\x02", 1);
    memory.bytes = file.bytes;
    source = test_file_source(&memory);
    source.size = NO_SIZE;
    test_env_start(&env, 0, 0);
    result = read_all(&env.env, &source);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "ends inside a block");
    assert_true(env.peak < 4 * 1024 * 1024);
    known_free(&file);
}

/* Add a block of one bytes value that takes exactly len bytes with its length. */
static void
add_big_value(cs_buffer *file, size_t len)
{
    cs_buffer data;
    cs_error err;

    cs_buffer_init(&data, cs_malloc_env());
    build_long(&data, (int64_t) len - 4); /* a length up to 2^27 takes four bytes */
    assert_int_equal(data.len, 4);
    assert_ok(cs_buffer_reserve(&data, len - 4, &err), &err);
    memset(data.data + data.len, 0, len - 4);
    build_deflate_block(file, 1, data.data, len);
    cs_buffer_free(&data);
}

static void
test_deflate_bomb(void **state)
{
    cs_buffer file;
    read_result result;

    (void) state;
    cs_buffer_init(&file, cs_malloc_env());
    build_header(&file, SCHEMA_OF("\"bytes\""), "deflate");
    add_big_value(&file, CS_AVRO_MAX_BLOCK_BYTES);
    assert_true(file.len < CS_AVRO_MAX_BLOCK_BYTES / 100);
    result = read_file_bytes(&file);
    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.rows, 1);
    add_big_value(&file, CS_AVRO_MAX_BLOCK_BYTES + 1);
    result = read_file_bytes(&file);
    assert_refused(result.code, CS_ERR_LIMIT, &result.err, "decompresses to more than");
    assert_int_equal(result.rows, 1);
    cs_buffer_free(&file);
}

static void
test_damaged_deflate(void **state)
{
    known_file file;
    read_result result;

    (void) state;
    known_start(&file, CS_CODEC_DEFLATE);
    build_block(&file.bytes, 1, "\xff\xff", 2);
    result = read_file_bytes(&file.bytes);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "not valid deflate");
    check_place(&result, file.header_len, file.bytes.len);
    known_free(&file);

    known_start(&file, CS_CODEC_DEFLATE);
    build_block(&file.bytes, 1, "", 0);
    result = read_file_bytes(&file.bytes);
    assert_code(result.code, CS_ERR_DATA, &result.err);
    known_free(&file);
}

/* Read a file with one deflate block of the longs 1 and 2, and tail_len bytes behind its stream. */
static read_result
read_with_tail(const char *tail, size_t tail_len)
{
    static const char stream[] = "\x01\x02\x00\xfd\xff\x02\x04"; /* stored: 02 04 */
    char bytes[32];
    known_file file;
    read_result result;

    memcpy(bytes, stream, sizeof(stream) - 1);
    memcpy(bytes + sizeof(stream) - 1, tail, tail_len);
    known_start(&file, CS_CODEC_DEFLATE);
    build_block(&file.bytes, 2, bytes, sizeof(stream) - 1 + tail_len);
    result = read_file_bytes(&file.bytes);
    known_free(&file);
    return result;
}

/* Behind the stream may stand what some writers leave of a zlib checksum, and nothing else. */
static void
test_bytes_behind_deflate(void **state)
{
    static const char sum[] = "\x00\x0a\x00\x07"; /* Adler-32 of 02 04: a = 7, b = 3 + 7 */
    static const cs_slice bad[] = {
        {"\x01", 1},
        {"\x00\x0b", 2},
        {"\x00\x0a\x00\x08", 4},
        {"\x00\x0a\x00\x07\x00", 5},
    };

    (void) state;
    for (size_t len = 0; len <= 4; len++)
    {
        read_result result = read_with_tail(sum, len);

        assert_code(result.code, CS_END, &result.err);
        assert_int_equal(result.sum, 3);
    }
    for (size_t i = 0; i < LENGTH(bad); i++)
    {
        read_result result = read_with_tail(bad[i].data, bad[i].len);

        assert_refused(result.code, CS_ERR_DATA, &result.err, "not valid deflate");
        assert_int_equal(result.rows, 0);
    }
}

/* Records of no bytes: a limit instead of an endless loop, whatever the block's size. */
static void
test_records_of_nothing(void **state)
{
    static const bad_numbers cases[] = {
        {CS_AVRO_MAX_EMPTY_ITEMS, 0, CS_END, NULL},
        {CS_AVRO_MAX_EMPTY_ITEMS + 1, 0, CS_ERR_LIMIT, "records of no bytes"},
        {INT64_C(1) << 61, 0, CS_ERR_LIMIT, "records of no bytes"},
        {INT64_MAX, 0, CS_ERR_LIMIT, "records of no bytes"},
        {INT64_C(1) << 61, 1, CS_ERR_LIMIT, "records of no bytes"},
        {INT64_MAX, 1, CS_ERR_LIMIT, "records of no bytes"},
        {1, 1, CS_ERR_DATA, "1 bytes behind"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_buffer file;
        read_result result;

        cs_buffer_init(&file, cs_malloc_env());
        build_header(&file, SCHEMA_NULL, "null");
        build_block(&file, cases[i].records, "x", (size_t) cases[i].size);
        result = read_file_bytes(&file);
        assert_refused(result.code, cases[i].code, &result.err, cases[i].message);
        if (cases[i].code == CS_END)
            assert_int_equal(result.rows, cases[i].records);
        cs_buffer_free(&file);
    }
}

/* Each failing read gives the system's error with its place, and what was read before it. */
static void
test_read_failures(void **state)
{
    bool failed = true;
    known_file file;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 4);
    for (size_t fail_at = 1; failed; fail_at++)
    {
        test_file memory = {.bytes = file.bytes, .max_read = 5, .fail_at = fail_at};
        cs_source source = test_file_source(&memory);
        read_result result = read_all(cs_malloc_env(), &source);

        failed = fail_at <= memory.calls;
        if (!failed)
        {
            assert_code(result.code, CS_END, &result.err);
            assert_int_equal(result.rows, 7);
            break;
        }
        assert_refused(result.code, CS_ERR_IO, &result.err, strerror(EIO));
        assert_int_equal(result.err.sys_errno, EIO);
        check_place(&result, (size_t) memory.failed_at, (size_t) memory.failed_at);
    }
    known_free(&file);
}

/* A source that asks to stop ends the reading between two blocks. */
static void
test_stopped_between_blocks(void **state)
{
    known_file file;
    test_file memory = {.calls = 0};
    cs_source source;
    test_env env;
    read_result result;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 4);
    memory.bytes = file.bytes;
    source = test_file_source(&memory);
    test_env_start(&env, 0, 0);
    assert_int_equal(read_all(&env.env, &source).code, CS_END);
    assert_true(env.polls >= 2);
    test_env_start(&env, 0, env.polls - 1);
    result = read_all(&env.env, &source);
    assert_code(result.code, CS_ERR_STOPPED, &result.err);
    assert_int_equal(result.rows, 3);
    assert_int_equal(env.live, 0);
    known_free(&file);
}

/* Put a byte to several values at every place: an error or rows come out, nothing else. */
static void
check_every_mutation(const cs_buffer *good)
{
    static const uint8_t values[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    cs_slice copy = test_exact_copy(slice_of_buffer(good));
    test_file memory = {.calls = 0};
    uint8_t *bytes = (uint8_t *) copy.data;

    memory.bytes.data = bytes;
    memory.bytes.len = copy.len;
    for (size_t i = 0; i < copy.len; i++)
        for (size_t j = 0; j < LENGTH(values) + 8; j++)
            for (int know_size = 0; know_size < 2; know_size++)
            {
                uint8_t flipped = bytes[i] ^ (uint8_t) (1 << j % 8);
                cs_source source = test_file_source(&memory);
                uint8_t saved = bytes[i];
                test_env env;
                read_result result;

                bytes[i] = j < LENGTH(values) ? values[j] : flipped;
                source.size = know_size ? source.size : NO_SIZE;
                test_env_start(&env, 0, 0);
                result = read_all(&env.env, &source);
                bytes[i] = saved;
                assert_int_equal(env.live, 0);
                assert_true(env.peak < 5 * 1024 * 1024);
                if (result.code != CS_END)
                    assert_code(result.code, result.err.code, &result.err);
            }
    test_exact_free(copy);
}

static void
test_every_byte_mutated(void **state)
{
    static const char data[] = "\x02\x06"
                               "abc\x04\x00\x00\x80\x3f\x01\x05"; /* one record */
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"s\",\"type\":[\"null\",\"string\"]},{\"name\":\"l\",\"type\":\"long\"},"
        "{\"name\":\"f\",\"type\":\"float\"},{\"name\":\"b\",\"type\":\"boolean\"},"
        "{\"name\":\"t\",\"type\":{\"type\":\"int\"}}]}";
    cs_buffer file;
    cs_buffer twice;

    (void) state;
    cs_buffer_init(&file, cs_malloc_env());
    cs_buffer_init(&twice, cs_malloc_env());
    build_raw(&twice, data, sizeof(data) - 1);
    build_raw(&twice, data, sizeof(data) - 1);

    build_header(&file, schema, "null");
    build_block(&file, 2, twice.data, twice.len);
    build_block(&file, 1, data, sizeof(data) - 1);
    assert_int_equal(read_file_bytes(&file).rows, 3);
    check_every_mutation(&file);

    for (cs_avro_codec codec = CS_CODEC_DEFLATE; codec < CS_NUM_CODECS; codec++)
    {
        file.len = 0;
        build_header(&file, schema, cs_avro_codec_name(codec));
        build_packed_block(&file, codec, 2, twice.data, twice.len);
        build_packed_block(&file, codec, 1, data, sizeof(data) - 1);
        assert_int_equal(read_file_bytes(&file).rows, 3);
        check_every_mutation(&file);
    }
    cs_buffer_free(&twice);
    cs_buffer_free(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_empty_file),
        cmocka_unit_test(test_wrong_magic),
        cmocka_unit_test(test_every_bit_of_every_marker),
        cmocka_unit_test(test_empty_blocks_are_read_past),
        cmocka_unit_test(test_file_without_blocks),
        cmocka_unit_test(test_empty_block_of_no_bytes),
        cmocka_unit_test(test_empty_block_with_bytes),
        cmocka_unit_test(test_block_fields),
        cmocka_unit_test(test_block_of_no_bytes_with_records),
        cmocka_unit_test(test_bad_block_numbers),
        cmocka_unit_test(test_overlong_numbers),
        cmocka_unit_test(test_promised_bytes_are_not_allocated),
        cmocka_unit_test(test_deflate_bomb),
        cmocka_unit_test(test_damaged_deflate),
        cmocka_unit_test(test_bytes_behind_deflate),
        cmocka_unit_test(test_records_of_nothing),
        cmocka_unit_test(test_read_failures),
        cmocka_unit_test(test_stopped_between_blocks),
        cmocka_unit_test(test_every_byte_mutated),
    };

    return cmocka_run_group_tests_name("avro_container", tests, NULL, NULL);
}
