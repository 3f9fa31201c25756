/*
 * test/unit/avro_position_test.c
 *     Blocks by their heads: in any order, shared between readers, counted; with
 *     the same verdict on a damaged file as reading it through.
 */
#include "avro_build.h"

#include <stdlib.h>

#define MANY_BLOCKS 40
#define NUM_READERS 8

/* Build a file of blocks of many sizes, some of them empty. */
static void
start_mixed(known_file *file, cs_avro_codec codec)
{
    known_start(file, codec);
    for (int i = 0; i < MANY_BLOCKS; i++)
        known_add(file, i % 5 == 3 ? 0 : (i * i * i) % 50000 + 1);
}

/* The first block with rows from this one on; num_blocks if there is none. */
static size_t
block_with_rows(const known_file *file, size_t block)
{
    while (block < file->num_blocks && file->blocks[block].rows == known_rows_before(file, block))
        block++;
    return block;
}

/* Fail unless the head is that block's. */
static void
check_head(const known_file *file, size_t block, const cs_avro_head *head)
{
    int64_t before = known_rows_before(file, block);

    assert_int_equal(head->index, block);
    assert_int_equal(head->offset, known_begin(file, block));
    assert_int_equal(head->end_offset, file->blocks[block].end);
    assert_int_equal(head->data_offset + head->size + CS_AVRO_SYNC_BYTES, head->end_offset);
    assert_in_range(head->data_offset, head->offset + 2, head->offset + 8);
    assert_int_equal(head->records, file->blocks[block].rows - before);
    assert_int_equal(head->first_record, before + 1);
}

/* All heads first, then the blocks from the last to the first. */
static void
test_blocks_backwards(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_avro_head heads[MANY_BLOCKS];
        cs_avro_reader *reader;
        cs_avro_block block;
        known_file file;
        test_file memory;
        size_t count = 0;
        cs_error err;
        cs_code code;

        start_mixed(&file, codec);
        reader = known_open(cs_malloc_env(), &file, &memory);
        for (size_t i = block_with_rows(&file, 0); i < file.num_blocks;
             i = block_with_rows(&file, i + 1))
        {
            assert_ok(cs_avro_reader_next_head(reader, &heads[count], &err), &err);
            check_head(&file, i, &heads[count++]);
        }
        code = cs_avro_reader_next_head(reader, &heads[count], &err);
        assert_code(code, CS_END, &err);
        for (size_t i = count; i-- > 0;)
        {
            assert_ok(cs_avro_reader_load(reader, &heads[i], &block, &err), &err);
            known_check_block(&file, (size_t) heads[i].index, &block);
        }
        assert_code(cs_avro_reader_next_head(reader, &heads[0], &err), CS_END, &err);
        cs_avro_reader_close(reader);
        known_free(&file);
    }
}

/* A scan in order takes one read a block, whether it goes by next or by heads. */
static void
test_one_read_a_block(void **state)
{
    const int64_t rows = 30000; /* some 80 KB: more than the window */
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_head head;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    for (int i = 0; i < 20; i++)
        known_add(&file, rows);

    reader = known_open(cs_malloc_env(), &file, &memory);
    assert_int_equal(memory.calls, 1);
    for (size_t i = 0; i < file.num_blocks; i++)
    {
        assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
        known_check_block(&file, i, &block);
        assert_int_equal(memory.calls, i + 2);
    }
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    assert_int_equal(memory.calls, file.num_blocks + 1);
    cs_avro_reader_close(reader);

    reader = known_open(cs_malloc_env(), &file, &memory);
    for (size_t i = 0; i < file.num_blocks; i++)
    {
        size_t before = memory.calls;

        assert_ok(cs_avro_reader_next_head(reader, &head, &err), &err);
        assert_int_equal(memory.calls, before + 1);
        if (i % 2 == 0)
            continue;
        assert_ok(cs_avro_reader_load(reader, &head, &block, &err), &err);
        assert_int_equal(memory.calls, before + 2);
        known_check_block(&file, i, &block);
    }
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* Small blocks come many in one read. */
static void
test_small_blocks_share_reads(void **state)
{
    test_file memory = {.calls = 0};
    cs_source source;
    read_result result;

    (void) state;
    cs_buffer_init(&memory.bytes, cs_malloc_env());
    build_header(&memory.bytes, SCHEMA_LONG, NULL);
    for (int64_t i = 0; i < 10000; i++)
        build_longs(&memory.bytes, i + 1, 1);
    source = test_file_source(&memory);
    result = read_all(cs_malloc_env(), &source);
    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.sum, INT64_C(10000) * 10001 / 2);
    assert_true(memory.calls <= memory.bytes.len / (64 * 1024) + 3);
    test_file_free(&memory);
}

/* Several readers take turns with one position, as workers with a lock do. */
static void
share_position(const known_file *file, test_random *random)
{
    cs_avro_reader *readers[NUM_READERS];
    test_file memories[NUM_READERS];
    cs_avro_position shared;
    size_t next = block_with_rows(file, 0);
    cs_error err;
    cs_code code = CS_OK;

    for (int i = 0; i < NUM_READERS; i++)
        readers[i] = known_open(cs_malloc_env(), file, &memories[i]);
    cs_avro_reader_tell(readers[0], &shared);
    while (code == CS_OK)
    {
        size_t who = test_random_below(random, NUM_READERS);
        cs_avro_reader *reader = readers[who];
        size_t calls = memories[who].calls;
        cs_avro_position copy;
        cs_avro_block block;
        cs_avro_head head;

        memcpy(&copy, &shared, sizeof(copy));
        cs_avro_reader_seek(reader, &copy);
        code = cs_avro_reader_next_head(reader, &head, &err);
        cs_avro_reader_tell(reader, &shared);
        if (code != CS_OK)
            break;
        check_head(file, next, &head);
        /* One for the end marker with the head behind it; at the start one for the head. */
        assert_true(memories[who].calls <= calls + 1 + (next == 0));
        assert_ok(cs_avro_reader_load(reader, &head, &block, &err), &err);
        known_check_block(file, next, &block);
        next = block_with_rows(file, next + 1);
    }
    assert_code(code, CS_END, &err);
    assert_int_equal(next, file->num_blocks);
    assert_int_equal(shared.offset, file->bytes.len);
    for (int i = 0; i < NUM_READERS; i++)
        cs_avro_reader_close(readers[i]);
}

static void
test_shared_position(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "shared position");
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        known_file file;

        known_start(&file, codec);
        for (int i = 0; i < MANY_BLOCKS; i++)
            known_add(&file, 5000 + i);
        share_position(&file, &random);
        known_free(&file);
    }
}

/* Going back, and on from a position that was kept. */
static void
test_tell_and_seek(void **state)
{
    cs_avro_position start, middle, at;
    cs_avro_reader *reader;
    cs_avro_block block;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_SNAPPY);
    for (int i = 0; i < 6; i++)
        known_add(&file, 10 + i);
    reader = known_open(cs_malloc_env(), &file, &memory);
    cs_avro_reader_tell(reader, &start);
    assert_int_equal(start.offset, file.header_len);
    assert_int_equal(start.index, 0);
    assert_int_equal(start.record, 1);
    for (size_t i = 0; i < 3; i++)
        assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    cs_avro_reader_tell(reader, &middle);
    assert_int_equal(middle.offset, file.blocks[2].end);
    assert_int_equal(middle.index, 3);
    cs_avro_reader_seek(reader, &start);
    known_check_block(&file, 2, &block); /* still there */
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 0, &block);
    cs_avro_reader_seek(reader, &middle);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 3, &block);
    cs_avro_reader_tell(reader, &at);
    assert_int_equal(at.offset, file.blocks[3].end);
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* A whole block with the marker inside a string, and markers alone: data, nothing else. */
static void
test_planted_markers(void **state)
{
    cs_buffer file, data, text;
    test_file memory;
    cs_source source;
    cs_avro_reader *reader;
    cs_avro_head head;
    cs_avro_totals totals;
    int64_t rows = 0;
    cs_error err;

    (void) state;
    cs_buffer_init(&file, cs_malloc_env());
    cs_buffer_init(&data, cs_malloc_env());
    cs_buffer_init(&text, cs_malloc_env());
    build_raw(&text, build_sync, sizeof(build_sync));
    build_block(&text, 7, "\x02x", 2);
    build_raw(&text, build_sync, sizeof(build_sync));
    for (int i = 0; i < 3; i++)
        build_bytes(&data, text.data, text.len);
    build_header(&file, SCHEMA_STRING, NULL);
    for (int i = 0; i < 4; i++)
        build_block(&file, 3, data.data, data.len);
    memory = (test_file){.bytes = file};
    source = test_file_source(&memory);
    assert_int_equal(read_all(cs_malloc_env(), &source).rows, 12);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    while (cs_avro_reader_next_head(reader, &head, &err) == CS_OK)
    {
        assert_int_equal(head.first_record, rows + 1);
        rows += head.records;
    }
    assert_int_equal(rows, 12);
    cs_avro_reader_close(reader);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_ok(cs_avro_reader_count(reader, &totals, &err), &err);
    assert_int_equal(totals.records, 12);
    cs_avro_reader_close(reader);
    cs_buffer_free(&text);
    cs_buffer_free(&data);
    cs_buffer_free(&file);
}

static void
test_count(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_avro_reader *reader;
        cs_avro_totals totals;
        cs_avro_block block;
        known_file file;
        test_file memory;
        cs_error err;

        start_mixed(&file, codec);
        reader = known_open(cs_malloc_env(), &file, &memory);
        assert_ok(cs_avro_reader_count(reader, &totals, &err), &err);
        assert_int_equal(totals.records, file.blocks[MANY_BLOCKS - 1].rows);
        assert_int_equal(totals.blocks, MANY_BLOCKS * 4 / 5);
        assert_int_equal(totals.empty_blocks, MANY_BLOCKS / 5);
        assert_in_range(totals.bytes, file.bytes.len - file.header_len - 26 * MANY_BLOCKS,
                        file.bytes.len - file.header_len - 18 * MANY_BLOCKS);
        assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
        assert_ok(cs_avro_reader_count(reader, &totals, &err), &err); /* from the end on */
        assert_int_equal(totals.records + totals.blocks + totals.empty_blocks, 0);
        cs_avro_reader_close(reader);
        known_free(&file);
    }
}

/* Go through a file by heads; how many records there are before the first error. */
static cs_code
walk_heads(const cs_buffer *bytes, int64_t *records, cs_error *err)
{
    cs_slice copy = test_exact_copy(slice_of_buffer(bytes));
    test_file memory = {.max_read = 50};
    cs_source source;
    cs_avro_reader *reader;
    cs_avro_totals totals;
    cs_avro_head head;
    cs_code code;

    memory.bytes.data = (uint8_t *) copy.data;
    memory.bytes.len = copy.len;
    source = test_file_source(&memory);
    *records = 0;
    code = cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, err);
    if (code == CS_OK)
    {
        while ((code = cs_avro_reader_next_head(reader, &head, err)) == CS_OK)
            *records += head.records;
        cs_avro_reader_close(reader);
        assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, err), err);
        assert_code(cs_avro_reader_count(reader, &totals, err), code == CS_END ? CS_OK : code, err);
        assert_int_equal(totals.records, *records);
        cs_avro_reader_close(reader);
    }
    test_exact_free(copy);
    return code;
}

/* Cut anywhere, heads end as reading does: at a border, or with an error (D5). */
static void
test_heads_of_cut_files(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        known_file file;

        known_start(&file, codec);
        known_add(&file, 3);
        known_add(&file, 0);
        known_add(&file, 200);
        known_add(&file, 1);
        for (size_t len = 0; len <= file.bytes.len; len++)
        {
            cs_buffer cut = {.data = file.bytes.data, .len = len};
            read_result whole = read_file_bytes(&cut);
            int64_t records;
            cs_error err;

            assert_code(walk_heads(&cut, &records, &err), whole.code, &err);
            assert_int_equal(records, whole.rows);
            if (whole.code != CS_END)
                assert_in_range(err.offset, 0, len);
        }
        known_free(&file);
    }
}

/* A block whose end marker is wrong is not handed out, nor what follows it. */
static void
test_heads_and_wrong_markers(void **state)
{
    known_file file;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 0);
    known_add(&file, 40000);
    known_add(&file, 4);
    for (size_t block = 0; block < file.num_blocks; block++)
        for (size_t bit = 0; bit < CS_AVRO_SYNC_BYTES * 8; bit++)
        {
            size_t marker = file.blocks[block].end - CS_AVRO_SYNC_BYTES;
            int64_t records;
            cs_error err;

            file.bytes.data[marker + bit / 8] ^= (uint8_t) (1 << bit % 8);
            assert_refused(walk_heads(&file.bytes, &records, &err), CS_ERR_DATA, &err,
                           "sync marker");
            file.bytes.data[marker + bit / 8] ^= (uint8_t) (1 << bit % 8);
            assert_int_equal(err.offset, marker);
            assert_int_equal(records, known_rows_before(&file, block));
        }
    known_free(&file);
}

/* After an error the position stands still: the same error comes again. */
static void
test_error_comes_again(void **state)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_head head;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 30000);
    file.bytes.data[file.bytes.len - 1] ^= 1;
    reader = known_open(cs_malloc_env(), &file, &memory);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    for (int i = 0; i < 3; i++)
    {
        assert_refused(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err, "marker");
        assert_refused(cs_avro_reader_next_head(reader, &head, &err), CS_ERR_DATA, &err, "marker");
    }
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* What needs to go back is refused for a pipe, and an error there is final. */
static void
test_pipes(void **state)
{
    cs_avro_reader *reader;
    cs_avro_totals totals;
    cs_avro_block block;
    cs_avro_head head;
    known_file file;
    test_file memory;
    cs_source source;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    known_add(&file, 90000);
    file.bytes.data[file.bytes.len - 1] ^= 1;
    memory = (test_file){.bytes = file.bytes};
    source = test_file_source(&memory);
    source.size = -1;
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_refused(cs_avro_reader_next_head(reader, &head, &err), CS_ERR_ARGUMENT, &err,
                   "only in a regular file");
    assert_refused(cs_avro_reader_count(reader, &totals, &err), CS_ERR_ARGUMENT, &err,
                   "only in a regular file");
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 0, &block);
    assert_refused(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err, "marker");
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_IO, &err);
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* A position behind the end: the file has become shorter. */
static void
test_position_behind_the_end(void **state)
{
    cs_avro_position position;
    cs_avro_reader *reader;
    cs_avro_head head;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 3);
    reader = known_open(cs_malloc_env(), &file, &memory);
    cs_avro_reader_tell(reader, &position);
    position.offset = file.bytes.len + 1;
    position.num_ahead = 0;
    cs_avro_reader_seek(reader, &position);
    assert_refused(cs_avro_reader_next_head(reader, &head, &err), CS_ERR_DATA, &err, "truncated");
    cs_avro_reader_close(reader);
    known_free(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_backwards),
        cmocka_unit_test(test_one_read_a_block),
        cmocka_unit_test(test_small_blocks_share_reads),
        cmocka_unit_test(test_shared_position),
        cmocka_unit_test(test_tell_and_seek),
        cmocka_unit_test(test_planted_markers),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_heads_of_cut_files),
        cmocka_unit_test(test_heads_and_wrong_markers),
        cmocka_unit_test(test_error_comes_again),
        cmocka_unit_test(test_pipes),
        cmocka_unit_test(test_position_behind_the_end),
    };

    return cmocka_run_group_tests_name("avro_position", tests, NULL, NULL);
}
