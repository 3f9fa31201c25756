/*
 * test/unit/avro_salvage_test.c
 *     Going on behind damaged blocks: which blocks are read, what is told of
 *     the others, and that every byte of the file is one or the other.
 */
#include "avro_build.h"
#include "varint.h"

#include <stdlib.h>

#define NUM_BLOCKS 6
#define MAX_LOSSES 64

/* What came out of a file that was read with a salvage after each error. */
typedef struct salvage
{
    bool good[KNOWN_MAX_BLOCKS]; /* the file's blocks that were read */
    size_t num_losses;
    cs_avro_loss losses[MAX_LOSSES];
    uint64_t bytes; /* of the blocks read and of the losses */
    int64_t rows;
} salvage;

/* Build a file of blocks of different sizes. */
static void
start_file(known_file *file, cs_avro_codec codec)
{
    known_start(file, codec);
    for (int i = 0; i < NUM_BLOCKS; i++)
        known_add(file, 50 + 7 * i);
}

/* The file's block that begins at an offset, num_blocks if there is none. */
static size_t
block_at(const known_file *file, uint64_t offset)
{
    size_t block = 0;

    while (block < file->num_blocks && known_begin(file, block) != offset)
        block++;
    return block;
}

/* Decode a block as its reader would: it must hold just its longs. */
static cs_code
decode_block(const cs_avro_block *block)
{
    const uint8_t *at = block->data;
    uint64_t raw;

    for (int64_t i = 0; i < block->records; i++)
    {
        at = cs_varint_get(at, block->data + block->len, &raw);
        if (at == NULL)
            return CS_ERR_DATA;
    }
    return at == block->data + block->len ? CS_OK : CS_ERR_DATA;
}

/* Note a block that was read. */
static void
note_block(const known_file *file, const cs_avro_block *block, salvage *result)
{
    size_t which = block_at(file, block->offset);

    result->bytes += block->end_offset - block->offset;
    result->rows += block->records;
    if (which < file->num_blocks && file->blocks[which].end == block->end_offset)
        result->good[which] = true;
}

/* Read a file to its end. It must end, with every byte read or lost. */
static salvage
read_salvaging(const known_file *file, bool by_heads)
{
    salvage result = {.num_losses = 0};
    cs_slice copy = test_exact_copy(slice_of_buffer(&file->bytes));
    known_file exact = *file;
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_head head;
    test_file memory;
    cs_error err;
    cs_code code;

    exact.bytes.data = (uint8_t *) copy.data;
    reader = known_open(cs_malloc_env(), &exact, &memory);
    for (;;)
    {
        code = by_heads ? cs_avro_reader_next_head(reader, &head, &err) : CS_OK;
        if (code == CS_OK)
            code = by_heads ? cs_avro_reader_load(reader, &head, &block, &err)
                            : cs_avro_reader_next(reader, &block, &err);
        if (code == CS_END)
            break;
        if (code == CS_OK)
            code = decode_block(&block);
        if (code == CS_OK)
        {
            note_block(file, &block, &result);
            continue;
        }
        assert_true(code == CS_ERR_DATA || code == CS_ERR_LIMIT);
        assert_true(result.num_losses < MAX_LOSSES);
        assert_ok(cs_avro_reader_resync(reader, &result.losses[result.num_losses], &err), &err);
        result.bytes += result.losses[result.num_losses++].bytes;
    }
    assert_int_equal(file->header_len + result.bytes, file->bytes.len);
    cs_avro_reader_close(reader);
    test_exact_free(copy);
    return result;
}

/* Fail unless exactly these blocks were lost, at once, with this account of it. */
static void
check_lost(const known_file *file, const salvage *result, size_t first, size_t count, int known,
           bool readable)
{
    const cs_avro_loss *loss = &result->losses[0];
    int64_t before = known_rows_before(file, first);

    for (size_t i = 0; i < file->num_blocks; i++)
        assert_int_equal(result->good[i], i < first || i >= first + count);
    assert_int_equal(result->num_losses, 1);
    assert_int_equal(loss->offset, known_begin(file, first));
    assert_int_equal(loss->bytes, known_begin(file, first + count) - known_begin(file, first));
    assert_int_equal(loss->records_known, known);
    assert_int_equal(loss->blocks, readable ? 1 : 0);
    if (known)
        assert_int_equal(loss->records, file->blocks[first].rows - before);
    if (!readable)
        assert_int_equal(loss->records, 0);
}

/* A wrong end marker costs one block, whatever the codec; its numbers are known. */
static void
test_wrong_marker(void **state)
{
    (void) state;
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t block = 0; block < NUM_BLOCKS; block++)
            for (int by_heads = 0; by_heads < 2; by_heads++)
            {
                known_file file;
                salvage result;

                start_file(&file, codec);
                file.bytes.data[file.blocks[block].end - 1] ^= 0x40;
                result = read_salvaging(&file, by_heads);
                check_lost(&file, &result, block, 1, true, true);
                known_free(&file);
            }
}

/* Bytes that do not decompress: the block's borders are sound, so only it is lost. */
static void
test_undecompressable(void **state)
{
    static const cs_avro_codec codecs[] = {CS_CODEC_SNAPPY, CS_CODEC_BZIP2, CS_CODEC_XZ};

    (void) state;
    for (size_t i = 0; i < LENGTH(codecs); i++)
        for (size_t block = 0; block < NUM_BLOCKS; block++)
            for (int by_heads = 0; by_heads < 2; by_heads++)
            {
                known_file file;
                salvage result;

                start_file(&file, codecs[i]);
                file.bytes.data[file.blocks[block].end - CS_AVRO_SYNC_BYTES - 6] ^= 1;
                result = read_salvaging(&file, by_heads);
                check_lost(&file, &result, block, 1, true, true);
                known_free(&file);
            }
}

/* Replace the first bytes of a block, its two numbers, by others, as long or longer or shorter. */
static void
replace_head(known_file *file, size_t block, int64_t records, int64_t size)
{
    size_t begin = known_begin(file, block);
    size_t head = 0;
    cs_buffer changed;
    int64_t moved;

    for (int numbers = 0; numbers < 2; head++)
        numbers += file->bytes.data[begin + head] < 0x80;
    cs_buffer_init(&changed, cs_malloc_env());
    build_raw(&changed, file->bytes.data, begin);
    build_long(&changed, records);
    build_long(&changed, size);
    build_raw(&changed, file->bytes.data + begin + head, file->bytes.len - begin - head);
    moved = (int64_t) changed.len - (int64_t) file->bytes.len;
    for (size_t i = block; i < file->num_blocks; i++)
        file->blocks[i].end = (size_t) ((int64_t) file->blocks[i].end + moved);
    cs_buffer_free(&file->bytes);
    file->bytes = changed;
}

/* Numbers that cannot be, or lead nowhere: the next block is searched for and found. */
static void
test_wrong_numbers(void **state)
{
    static const struct
    {
        int64_t records;
        int64_t size;
        bool readable; /* it may be that the numbers are right, as far as one can tell */
    } cases[] = {
        {-1, 50, false}, {INT64_MIN, 50, false}, {INT64_MAX, 50, false},
        {5, -1, false},  {5, INT64_MIN, false},  {5, INT64_MAX, true},
        {5, 5, true},    {5, 1 << 20, true},     {5, INT64_C(1) << 40, true},
        {0, 50, false},  {5, 30, true},
    };

    (void) state;
    for (size_t block = 0; block < NUM_BLOCKS; block++)
        for (size_t i = 0; i < LENGTH(cases); i++)
            for (int by_heads = 0; by_heads < 2; by_heads++)
            {
                known_file file;
                salvage result;

                start_file(&file, CS_CODEC_NULL);
                replace_head(&file, block, cases[i].records, cases[i].size);
                result = read_salvaging(&file, by_heads);
                check_lost(&file, &result, block, 1, false, cases[i].readable);
                if (cases[i].readable)
                    assert_int_equal(result.losses[0].records, cases[i].records);
                known_free(&file);
            }
}

/* A size that leads to a later block's end takes that one along, and does not hide it. */
static void
test_size_of_two_blocks(void **state)
{
    known_file file;
    salvage result;
    size_t begin, end;

    (void) state;
    start_file(&file, CS_CODEC_NULL);
    begin = known_begin(&file, 2);
    end = file.blocks[3].end;
    replace_head(&file, 2, 5, (int64_t) (end - begin) - 4 - CS_AVRO_SYNC_BYTES);
    result = read_salvaging(&file, false);
    check_lost(&file, &result, 2, 2, false, true);
    assert_int_equal(result.losses[0].records, 5);
    known_free(&file);
}

/* After a loss with known numbers, later numbers are exact; after another, as documented. */
static void
test_numbers_after_a_loss(void **state)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    start_file(&file, CS_CODEC_NULL);
    file.bytes.data[file.blocks[1].end - 1] ^= 1;
    replace_head(&file, 3, -1, 10);
    reader = known_open(cs_malloc_env(), &file, &memory);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 0, &block);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err);
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 2, &block);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err);
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_int_equal(block.index, 4);
    assert_int_equal(block.first_record, file.blocks[2].rows + 1); /* the lost ones are unknown */
    assert_int_equal(block.offset, file.blocks[3].end);
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* A file cut anywhere: all blocks before the cut are read, the rest is one loss. */
static void
test_cut_at_every_byte(void **state)
{
    known_file whole;

    (void) state;
    start_file(&whole, CS_CODEC_DEFLATE);
    for (size_t len = whole.header_len; len <= whole.bytes.len; len++)
    {
        known_file file = whole;
        salvage result;
        size_t kept = 0;

        while (kept < NUM_BLOCKS && whole.blocks[kept].end <= len)
            kept++;
        file.bytes.len = len;
        result = read_salvaging(&file, len % 2 == 0);
        for (size_t i = 0; i < NUM_BLOCKS; i++)
            assert_int_equal(result.good[i], i < kept);
        assert_int_equal(result.num_losses, len == known_begin(&whole, kept) ? 0 : 1);
        if (result.num_losses == 0)
            continue;
        assert_int_equal(result.losses[0].offset, known_begin(&whole, kept));
        assert_int_equal(result.losses[0].bytes, len - known_begin(&whole, kept));
        /* The block's numbers take two bytes each here, or one and two. */
        assert_int_equal(result.losses[0].records_known, result.losses[0].blocks == 1);
        if (len >= known_begin(&whole, kept) + 4)
            assert_int_equal(result.losses[0].records,
                             whole.blocks[kept].rows - known_rows_before(&whole, kept));
    }
    known_free(&whole);
}

/* Bytes behind the last block are a loss of bytes, and of nothing else that is known. */
static void
test_garbage_at_the_end(void **state)
{
    static const char garbage[] = "\x05garbage that is no block: -1 is not a number of records";

    (void) state;
    for (size_t len = 1; len < sizeof(garbage); len++)
    {
        known_file file;
        salvage result;

        start_file(&file, CS_CODEC_NULL);
        build_raw(&file.bytes, garbage, len);
        result = read_salvaging(&file, false);
        assert_int_equal(result.rows, file.blocks[NUM_BLOCKS - 1].rows);
        assert_int_equal(result.num_losses, 1);
        assert_int_equal(result.losses[0].bytes, len);
        assert_false(result.losses[0].records_known);
        assert_int_equal(result.losses[0].records, 0);
        known_free(&file);
    }
}

/* Where the last block's marker is wrong too, nothing says where it ended. */
static void
test_garbage_behind_a_wrong_marker(void **state)
{
    known_file file;
    salvage result;

    (void) state;
    start_file(&file, CS_CODEC_NULL);
    file.bytes.data[file.bytes.len - 1] ^= 1;
    build_raw(&file.bytes, "\x01", 1);
    result = read_salvaging(&file, false);
    assert_int_equal(result.num_losses, 1);
    assert_int_equal(result.losses[0].blocks, 1);
    assert_false(result.losses[0].records_known);
    known_free(&file);
}

/* A marker of equal bytes, behind data of the same: the first place where it fits is not it. */
static void
test_overlapping_markers(void **state)
{
    static const char same[CS_AVRO_SYNC_BYTES] = "aaaaaaaaaaaaaaaa";
    known_file file;
    salvage result;
    uint8_t *marker;
    size_t start, end;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 10);
    start = file.bytes.len;
    build_raw(&file.bytes, "\x01\x02", 2); /* -1 records */
    build_raw(&file.bytes, same, 9);
    build_raw(&file.bytes, build_sync, sizeof(build_sync));
    end = file.bytes.len;
    known_add(&file, 10);
    while ((marker = memmem(file.bytes.data, file.bytes.len, build_sync, sizeof(build_sync))))
        memcpy(marker, same, sizeof(same));
    result = read_salvaging(&file, false);
    assert_int_equal(result.num_losses, 1);
    assert_int_equal(result.losses[0].bytes, end - start);
    assert_int_equal(result.rows, 20);
    known_free(&file);
}

/* Two neighbours damaged so that nothing leads from one to the other. */
static void
test_neighbours(void **state)
{
    known_file file;
    salvage result;

    (void) state;
    start_file(&file, CS_CODEC_NULL);
    replace_head(&file, 2, 5, -7);
    file.bytes.data[file.blocks[2].end - 3] ^= 1; /* its marker too: the next one's start is lost */
    result = read_salvaging(&file, false);
    check_lost(&file, &result, 2, 2, false, false);
    known_free(&file);

    start_file(&file, CS_CODEC_NULL);
    file.bytes.data[file.blocks[2].end - 3] ^= 1;
    file.bytes.data[file.blocks[3].end - 3] ^= 1;
    result = read_salvaging(&file, true);
    check_lost(&file, &result, 2, 3, false, true); /* the fifth's marker is the first good one */
    known_free(&file);
}

/* Append a damaged block of strings: what each of them holds, and one string of filler. */
static void
add_damaged(cs_buffer *file, const cs_buffer *planted)
{
    cs_buffer data;

    cs_buffer_init(&data, cs_malloc_env());
    build_text(&data, "before");
    build_bytes(&data, planted->data, planted->len);
    build_text(&data, "a string that looks like nothing in particular");
    build_long(file, 3);
    build_long(file, (int64_t) data.len + 5); /* wrong */
    build_raw(file, data.data, data.len);
    build_raw(file, build_sync, sizeof(build_sync));
    cs_buffer_free(&data);
}

/* Markers in a damaged block's strings are not borders, unless a whole block follows. */
static void
check_planted(const cs_buffer *planted, bool taken)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    cs_buffer file;
    test_file memory;
    cs_source source;
    size_t start, end;
    cs_error err;

    cs_buffer_init(&file, cs_malloc_env());
    build_header(&file, SCHEMA_STRING, NULL);
    build_block(&file, 1, "\x04hi", 3);
    start = file.len;
    add_damaged(&file, planted);
    end = file.len;
    build_block(&file, 1, "\x04ho", 3);
    memory = (test_file){.bytes = file};
    source = test_file_source(&memory);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err);
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_int_equal(loss.offset, start);
    if (taken)
        assert_true(loss.bytes < end - start);
    else
    {
        assert_int_equal(loss.bytes, end - start);
        assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
        assert_memory_equal(block.data, "\x04ho", 3);
        assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    }
    cs_avro_reader_close(reader);
    cs_buffer_free(&file);
}

static void
test_planted_markers(void **state)
{
    cs_buffer planted;

    (void) state;
    cs_buffer_init(&planted, cs_malloc_env());
    build_raw(&planted, build_sync, sizeof(build_sync));
    check_planted(&planted, false);
    for (int i = 0; i < 100; i++) /* and many in a row */
        build_raw(&planted, build_sync, sizeof(build_sync));
    check_planted(&planted, false);
    planted.len = 0;
    build_raw(&planted, build_sync, sizeof(build_sync));
    build_long(&planted, 1);
    build_long(&planted, 3);
    build_raw(&planted, "\x04ha", 3);
    check_planted(&planted, false); /* a block, but for its end */
    build_raw(&planted, build_sync, sizeof(build_sync) - 1);
    check_planted(&planted, false);
    build_raw(&planted, build_sync + sizeof(build_sync) - 1, 1);
    check_planted(&planted, true); /* nothing tells this from a file */
    cs_buffer_free(&planted);
}

/* Markers lie across the borders of what is searched at a time. */
static void
test_far_away(void **state)
{
    (void) state;
    for (size_t gap = 256 * 1024 - 40; gap < 256 * 1024 + 8; gap++)
    {
        char *filler = calloc(1, gap);
        known_file file;
        salvage result;
        size_t start;

        assert_non_null(filler);
        known_start(&file, CS_CODEC_NULL);
        known_add(&file, 10);
        start = file.bytes.len;
        build_raw(&file.bytes, "\x01", 1); /* -1 records */
        build_raw(&file.bytes, filler, gap);
        build_raw(&file.bytes, build_sync, sizeof(build_sync));
        known_add(&file, 10);
        result = read_salvaging(&file, false);
        assert_int_equal(result.num_losses, 1);
        assert_int_equal(result.losses[0].offset, start);
        assert_int_equal(result.losses[0].bytes, 1 + gap + sizeof(build_sync));
        assert_int_equal(result.rows, 20);
        known_free(&file);
        free(filler);
    }
}

/* A sound block that the caller could not decode, the last one too. */
static void
test_after_decoding(void **state)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    known_file file;
    test_file memory;
    cs_error err;

    (void) state;
    start_file(&file, CS_CODEC_SNAPPY);
    reader = known_open(cs_malloc_env(), &file, &memory);
    assert_refused(cs_avro_reader_resync(reader, &loss, &err), CS_ERR_ARGUMENT, &err,
                   "no block to go on behind");
    for (size_t i = 0; i < file.num_blocks; i++)
    {
        assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
        known_check_block(&file, i, &block);
        assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
        assert_int_equal(loss.offset, known_begin(&file, i));
        assert_int_equal(loss.bytes, file.blocks[i].end - known_begin(&file, i));
        assert_int_equal(loss.blocks, 1);
        assert_int_equal(loss.records, block.records);
        assert_true(loss.records_known);
        assert_code(cs_avro_reader_resync(reader, &loss, &err), CS_ERR_ARGUMENT, &err);
    }
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    assert_code(cs_avro_reader_resync(reader, &loss, &err), CS_ERR_ARGUMENT, &err);
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* Of a pipe, a block whose end was found is passed over; nothing else can be. */
static void
test_pipe(void **state)
{
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    known_file file;
    test_file memory;
    cs_source source;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_SNAPPY);
    for (int i = 0; i < 4; i++)
        known_add(&file, 30000);
    file.bytes.data[file.blocks[1].end - 20] ^= 1; /* the snappy checksum */
    file.bytes.data[file.blocks[2].end - 1] ^= 1;
    memory = (test_file){.bytes = file.bytes, .max_read = 1000};
    source = test_file_source(&memory);
    source.size = -1;
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_refused(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err, "checksum");
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_int_equal(loss.records, 30000);
    assert_refused(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err, "marker");
    assert_int_equal(block.index, 2);
    assert_refused(cs_avro_reader_resync(reader, &loss, &err), CS_ERR_UNSUPPORTED, &err,
                   "only in a regular file");
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* A block over the limit can be passed over like any other. */
static void
test_block_over_the_limit(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    known_file file;
    test_file memory;
    cs_source source;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    known_add(&file, 10);
    known_add(&file, 2000);
    known_add(&file, 20);
    limits.max_block_bytes = 1000;
    memory = (test_file){.bytes = file.bytes};
    source = test_file_source(&memory);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, &limits, &reader, &err), &err);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_LIMIT, &err);
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_int_equal(loss.records, 2000);
    assert_true(loss.records_known);
    assert_ok(cs_avro_reader_next(reader, &block, &err), &err);
    known_check_block(&file, 2, &block);
    cs_avro_reader_close(reader);
    known_free(&file);
}

/* A long search takes a bounded buffer, can be stopped, and then begun anew. */
static void
test_search_is_bounded(void **state)
{
    const size_t size = (size_t) 32 * 1024 * 1024;
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_avro_loss loss;
    known_file file;
    test_file memory;
    test_env env;
    cs_error err;

    (void) state;
    known_start(&file, CS_CODEC_NULL);
    build_raw(&file.bytes, "\x01", 1);
    assert_ok(cs_buffer_reserve(&file.bytes, size, &err), &err);
    memset(file.bytes.data + file.bytes.len, 'x', size);
    file.bytes.len += size;
    test_env_start(&env, 0, 0);
    reader = known_open(&env.env, &file, &memory);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_ERR_DATA, &err);
    env.stop_at = env.polls + 10;
    assert_code(cs_avro_reader_resync(reader, &loss, &err), CS_ERR_STOPPED, &err);
    env.stop_at = 0;
    assert_ok(cs_avro_reader_resync(reader, &loss, &err), &err);
    assert_int_equal(loss.bytes, size + 1);
    assert_true(env.peak < 1024 * 1024);
    assert_code(cs_avro_reader_next(reader, &block, &err), CS_END, &err);
    cs_avro_reader_close(reader);
    assert_int_equal(env.live, 0);
    known_free(&file);
}

/* True if the block lies in a loss of which it is told that others may be in it. */
static bool
is_in_doubt(const known_file *file, const salvage *result, size_t block)
{
    for (size_t i = 0; i < result->num_losses; i++)
    {
        const cs_avro_loss *loss = &result->losses[i];

        if (loss->offset < known_begin(file, block) &&
            file->blocks[block].end <= loss->offset + loss->bytes)
            return !loss->records_known;
    }
    return false;
}

/* Damage bytes of blocks that are no neighbours: all others are read, but for those in doubt. */
static void
check_random_damage(cs_avro_codec codec, test_random *random)
{
    bool damaged[KNOWN_MAX_BLOCKS] = {false};
    known_file file;
    salvage result;

    known_start(&file, codec);
    for (int i = 0; i < 20; i++)
        known_add(&file, (int64_t) test_random_below(random, 300) + 1);
    for (size_t i = test_random_below(random, 4); i < file.num_blocks;
         i += 2 + test_random_below(random, 6))
    {
        size_t begin = known_begin(&file, i);
        size_t at = begin + test_random_below(random, file.blocks[i].end - begin);

        if (test_random_below(random, 2) == 0)
            at = begin + test_random_below(random, 4); /* its numbers */
        file.bytes.data[at] ^= (uint8_t) (1 + test_random_below(random, 255));
        damaged[i] = true;
    }
    result = read_salvaging(&file, test_random_below(random, 2) == 0);
    for (size_t i = 0; i < file.num_blocks; i++)
        if (!damaged[i])
            assert_true(result.good[i] || is_in_doubt(&file, &result, i));
    known_free(&file);
}

static void
test_random_damage(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "salvage");
    for (size_t i = 0; i < test_rounds(300); i++)
        check_random_damage((cs_avro_codec) (i % CS_NUM_CODECS), &random);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_marker),
        cmocka_unit_test(test_undecompressable),
        cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_size_of_two_blocks),
        cmocka_unit_test(test_numbers_after_a_loss),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_garbage_at_the_end),
        cmocka_unit_test(test_garbage_behind_a_wrong_marker),
        cmocka_unit_test(test_overlapping_markers),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_planted_markers),
        cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_after_decoding),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_block_over_the_limit),
        cmocka_unit_test(test_search_is_bounded),
        cmocka_unit_test(test_random_damage),
    };

    return cmocka_run_group_tests_name("avro_salvage", tests, NULL, NULL);
}
