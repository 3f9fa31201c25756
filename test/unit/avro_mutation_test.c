/*
 * test/unit/avro_mutation_test.c
 *     Good files made wrong, read in every way: nothing crashes, hangs, leaks or
 *     takes more memory than the limits say, and every error says what and where.
 *
 * Each length, count, tag and marker is replaced by each extreme in turn, each
 * file is cut at every byte, and then comes chance: flipped bits, splices, noise.
 * A count that would never end is seen by the polls of should_stop and the events
 * of a walk, not by the clock.
 */
#include "avro_good.h"

#include "avro_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_COLUMNS 32
#define MAX_POLLS 20000       /* of one file; each stands for a block or some thousand items */
#define EVENTS_PER_POLL 65536 /* of a walk */
#define MAX_RESYNCS 1000
#define RANDOM_FILES 1000 /* 100,000 in a soak run */
#define HANG_SECONDS 60
#define ROOM (UINT64_C(1) << 29) /* more address space than reading may take */

static const cs_avro_limits limits = {.max_header_bytes = 1 << 18,
                                      .max_block_bytes = 1 << 18,
                                      .max_empty_items = 5000,
                                      .max_depth = 40};
/* Header, schema, plans; a block as stored and as decompressed; a codec's tables. */
#define MAX_PEAK (16 * (size_t) 1024 * 1024)

/* What is read by: the columns of one plan. */
typedef enum reading_kind
{
    READ_NONE, /* no column: everything is skipped */
    READ_SOME, /* every other column */
    READ_ALL,
    READ_RESOLVED, /* all columns of the other schema */
    NUM_READINGS
} reading_kind;

/* One file being read. */
typedef struct file_attempt
{
    test_env env;
    const cs_buffer *bytes;
    cs_avro_reader *reader;
    const cs_avro_schema *resolved; /* the schema to read by; may be NULL */
    cs_avro_plan *plans[NUM_READINGS];
    size_t columns[NUM_READINGS];
    size_t events; /* of walks, since the last poll seen */
    size_t polls_seen;
    size_t sum; /* of all bytes that were handed out, so that the sanitizers see them read */
    bool to_json;
} file_attempt;

/* How the files ended, over a whole test: a test of nothing would show here. */
static struct
{
    size_t files, good, opened, refused, rows, ranges, resyncs;
} seen;

/* Fail unless an error says what is wrong with the file. */
static void
check_message(cs_code code, const cs_error *err)
{
    if (code != CS_ERR_DATA && code != CS_ERR_LIMIT && code != CS_ERR_RANGE &&
        code != CS_ERR_UNSUPPORTED)
        fail_msg("unfit code %d: %s", code, err->message);
    assert_int_equal(err->code, code);
    assert_non_null(memchr(err->message, '\0', sizeof(err->message)));
    assert_true(err->message[0] != '\0');
    if (!cs_utf8_valid(err->message, strlen(err->message)))
        fail_msg("not UTF-8: %s", err->message);
}

/* An error of the reader: in which file, and where. */
static void
check_file_error(const file_attempt *attempt, cs_code code, const cs_error *err)
{
    check_message(code, err);
    if (err->file == NULL || strcmp(err->file, TEST_FILE_NAME) != 0)
        fail_msg("no file: %s", err->message);
    if (err->offset < 0 || (uint64_t) err->offset > attempt->bytes->len)
        fail_msg("offset %lld of %zu: %s", (long long) err->offset, attempt->bytes->len,
                 err->message);
}

/* An error of a cursor, which knows no file: in which block and record. */
static void
check_record_error(const cs_avro_block *block, int64_t record, cs_code code, const cs_error *err)
{
    check_message(code, err);
    assert_int_equal(err->offset, block->offset);
    if (err->record != block->first_record + record)
        fail_msg("record %lld, not %lld: %s", (long long) err->record,
                 (long long) (block->first_record + record), err->message);
}

/* Read bytes that were handed out. */
static void
touch(file_attempt *attempt, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        attempt->sum += ((const uint8_t *) data)[i];
}

/* Count an event; fail where very many come without a poll. */
static void
count_event(file_attempt *attempt)
{
    if (attempt->polls_seen != attempt->env.polls)
    {
        attempt->polls_seen = attempt->env.polls;
        attempt->events = 0;
    }
    if (++attempt->events > EVENTS_PER_POLL)
        fail_msg("%zu events of a walk without a poll", attempt->events);
}

static cs_code
on_bound(void *ctx, cs_avro_type type, cs_error *err)
{
    (void) err;
    assert_true(type == CS_AVRO_ARRAY || type == CS_AVRO_MAP || type == CS_AVRO_RECORD);
    count_event(ctx);
    return CS_OK;
}

static cs_code
on_key(void *ctx, cs_slice key, cs_error *err)
{
    (void) err;
    assert_true(cs_utf8_valid(key.data, key.len));
    touch(ctx, key.data, key.len);
    count_event(ctx);
    return CS_OK;
}

/* Check that a finished scalar keeps what its kind promises. */
static void
check_scalar(file_attempt *attempt, const cs_value *value)
{
    switch (value->kind)
    {
        case CS_VALUE_STRING:
            assert_true(cs_utf8_valid(value->as.bytes.data, value->as.bytes.len));
            assert_null(memchr(value->as.bytes.data, '\0', value->as.bytes.len));
            /* fall through */
        case CS_VALUE_BYTES:
            touch(attempt, value->as.bytes.data, value->as.bytes.len);
            break;
        case CS_VALUE_DECIMAL:
            touch(attempt, value->as.decimal.data, value->as.decimal.len);
            break;
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            assert_true(cs_time_valid(value->as.time));
            assert_in_range(value->nanos, 0, 999);
            break;
        case CS_VALUE_TIME_OF_DAY:
            assert_true(value->as.time_of_day >= 0 && value->as.time_of_day < CS_DAY);
            break;
        default:
            assert_true(value->kind <= CS_VALUE_NESTED);
    }
}

static cs_code
on_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    (void) err;
    assert_true(value->kind != CS_VALUE_NESTED);
    check_scalar(ctx, value);
    count_event(ctx);
    return CS_OK;
}

/* Look at all of a value. */
static void
look_at(file_attempt *attempt, const cs_avro_plan *plan, const cs_value *value)
{
    const cs_avro_visitor visitor = {attempt, on_bound, on_key, on_scalar, on_bound};
    cs_error err;
    cs_code code;
    json_t *json;

    if (value->kind == CS_VALUE_NESTED)
        touch(attempt, value->as.nested.data, value->as.nested.len);
    code = cs_avro_walk(plan, value, &visitor, &err);
    if (code != CS_OK)
    {
        check_message(code, &err);
    }
    if (!attempt->to_json)
        return;
    assert_int_equal(cs_avro_value_json(plan, value, &json, &err), code);
    if (code == CS_OK)
        json_decref(json);
}

/* Parse and look at the records of a block by one plan; how many there were. */
static cs_code
read_block(file_attempt *attempt, const cs_avro_block *block, reading_kind reading,
           int64_t *records, cs_error *err)
{
    const cs_avro_plan *plan = attempt->plans[reading];
    cs_value values[MAX_COLUMNS];
    cs_avro_cursor cursor;
    cs_code code;

    cs_avro_cursor_init(&cursor, plan, block);
    for (*records = 0;; ++*records)
    {
        code = cs_avro_cursor_next(&cursor, values, err);
        if (code != CS_OK && code != CS_ERR_RANGE)
            break;
        assert_true(*records < block->records);
        if (code == CS_ERR_RANGE)
        {
            check_record_error(block, *records, code, err);
            assert_in_range(err->field, 0, attempt->columns[reading] - 1);
            seen.ranges++;
            continue;
        }
        for (size_t i = 0; i < attempt->columns[reading]; i++)
            look_at(attempt, plan, &values[i]);
        seen.rows++;
    }
    return code;
}

/*
 * Read a block by all plans. Skipping sees less damage than reading does: it goes
 * by the sizes of items, and does not look at booleans. But what is read without
 * an error is skipped without one, and where both end well they saw as many records.
 */
static cs_code
read_block_in_all_ways(file_attempt *attempt, const cs_avro_block *block, cs_error *err)
{
    cs_code codes[NUM_READINGS];
    int64_t records[NUM_READINGS];
    cs_error last;

    touch(attempt, block->data, block->len + CS_AVRO_BLOCK_SLACK);
    for (int reading = 0; reading < NUM_READINGS; reading++)
    {
        codes[reading] = CS_END;
        records[reading] = block->records;
        if (attempt->plans[reading] == NULL)
            continue;
        codes[reading] = read_block(attempt, block, reading, &records[reading], &last);
        if (codes[reading] != CS_END)
            check_record_error(block, records[reading], codes[reading], &last);
        else if (records[reading] != block->records)
            fail_msg("%lld of %lld records", (long long) records[reading],
                     (long long) block->records);
        if (reading == READ_ALL)
            *err = last;
    }
    for (int reading = 0; reading < NUM_READINGS; reading++)
        if (codes[READ_ALL] == CS_END && codes[reading] != CS_END)
            fail_msg("a block that reads well does not in way %d", reading);
    return codes[READ_ALL] == CS_END ? CS_OK : codes[READ_ALL];
}

/* Make a plan for each way of reading; one that is refused is left out. */
static void
make_plans(file_attempt *attempt)
{
    const cs_avro_schema *writer = cs_avro_reader_schema(attempt->reader);
    cs_error err;

    for (int reading = 0; reading < NUM_READINGS; reading++)
    {
        const cs_avro_schema *reader = reading == READ_RESOLVED ? attempt->resolved : NULL;
        size_t step = reading == READ_SOME ? 2 : 1;
        size_t count = (reader != NULL ? reader : writer)->num_fields;
        int wanted[MAX_COLUMNS];
        size_t columns = 0;
        cs_code code;

        if (reading == READ_RESOLVED && reader == NULL)
            continue;
        for (size_t i = 0; reading != READ_NONE && i < count && columns < MAX_COLUMNS; i += step)
            wanted[columns++] = (int) i;
        code = cs_avro_plan_make(&attempt->env.env, writer, reader, wanted, columns, &limits,
                                 &attempt->plans[reading], &err);
        attempt->columns[reading] = columns;
        assert_true((code == CS_OK) == (attempt->plans[reading] != NULL));
        if (code != CS_OK)
        {
            assert_true(code == CS_ERR_LIMIT || (reader != NULL && code == CS_ERR_ARGUMENT));
            assert_true(err.message[0] != '\0');
        }
        for (size_t i = 0; code == CS_OK && i < columns; i++)
            cs_avro_plan_shape(attempt->plans[reading], i);
    }
}

/* Go on behind a damaged block; false where that is not possible. */
static bool
go_on(file_attempt *attempt, cs_code code, bool sized)
{
    cs_avro_position before, after;
    cs_avro_loss loss;
    cs_error err;

    if (code != CS_ERR_DATA && code != CS_ERR_LIMIT)
        return false;
    cs_avro_reader_tell(attempt->reader, &before);
    code = cs_avro_reader_resync(attempt->reader, &loss, &err);
    if (code != CS_OK)
    {
        check_file_error(attempt, code, &err);
        assert_true(!sized);
        return false;
    }
    cs_avro_reader_tell(attempt->reader, &after);
    seen.resyncs++;
    assert_true(loss.bytes > 0);
    assert_true(loss.offset + loss.bytes == after.offset);
    assert_true(after.offset >= before.offset && after.offset <= attempt->bytes->len);
    assert_true(after.record >= before.record && after.index >= before.index);
    assert_true(loss.blocks >= 0 && loss.records >= 0);
    return true;
}

/* Read all blocks, going on behind damage; CS_END if there was none. */
static cs_code
read_blocks(file_attempt *attempt, bool sized)
{
    cs_code result = CS_END;
    cs_avro_block block;
    cs_error err;
    uint64_t end = 0;
    size_t resyncs = 0;

    for (;;)
    {
        cs_code code = cs_avro_reader_next(attempt->reader, &block, &err);

        if (code == CS_END)
            return result;
        if (code == CS_OK)
        {
            assert_true(block.offset >= end && block.end_offset > block.offset);
            assert_true(block.end_offset <= attempt->bytes->len);
            assert_true(block.records > 0 && block.len <= limits.max_block_bytes);
            end = block.end_offset;
            code = read_block_in_all_ways(attempt, &block, &err);
            if (code == CS_OK)
                continue;
        }
        else
            check_file_error(attempt, code, &err);
        result = code;
        assert_true(++resyncs < MAX_RESYNCS);
        if (!go_on(attempt, code, sized))
            return result;
    }
}

/* Count by the heads alone, then read block by block through heads. */
static void
read_by_heads(file_attempt *attempt)
{
    cs_avro_position start;
    cs_avro_totals totals;
    cs_avro_block block;
    cs_avro_head head;
    cs_error err;
    cs_code code;
    int64_t records = 0;

    cs_avro_reader_tell(attempt->reader, &start);
    code = cs_avro_reader_count(attempt->reader, &totals, &err);
    if (code != CS_OK)
        check_file_error(attempt, code, &err);
    cs_avro_reader_seek(attempt->reader, &start);
    for (;;)
    {
        cs_code next = cs_avro_reader_next_head(attempt->reader, &head, &err);

        assert_true(next == CS_OK || next == (code == CS_OK ? CS_END : code));
        if (next != CS_OK)
            break;
        records += head.records;
        if (cs_avro_reader_load(attempt->reader, &head, &block, &err) != CS_OK)
            check_file_error(attempt, err.code, &err);
    }
    if (code == CS_OK)
        assert_true(records == totals.records);
    cs_avro_reader_seek(attempt->reader, &start);
}

/* Read bytes in every way; CS_END if they are a good file. */
static cs_code
read_everything(const good_file *good, const cs_buffer *bytes, bool sized, bool to_json)
{
    file_attempt attempt = {.bytes = bytes, .resolved = good->reader, .to_json = to_json};
    cs_slice copy = test_exact_copy(slice_of_buffer(bytes));
    test_file file = {.bytes = {NULL, (uint8_t *) copy.data, copy.len, copy.len},
                      .max_read = sized ? 0 : 100};
    cs_source source = test_file_source(&file);
    cs_error err;
    cs_code code;

    alarm(HANG_SECONDS);
    if (!sized)
        source.size = -1;
    test_env_start(&attempt.env, 0, MAX_POLLS);
    code = cs_avro_reader_open(&attempt.env.env, &source, &limits, &attempt.reader, &err);
    assert_true((code == CS_OK) == (attempt.reader != NULL));
    seen.files++;
    if (code == CS_OK)
    {
        seen.opened++;
        make_plans(&attempt);
        if (sized)
            read_by_heads(&attempt);
        code = read_blocks(&attempt, sized);
        for (int reading = 0; reading < NUM_READINGS; reading++)
            cs_avro_plan_free(attempt.plans[reading]);
        cs_avro_reader_close(attempt.reader);
    }
    else
        check_file_error(&attempt, code, &err);
    seen.good += code == CS_END;
    seen.refused += code != CS_END;
    assert_int_equal(attempt.env.live, 0);
    assert_true(attempt.env.polls < MAX_POLLS);
    if (attempt.env.peak > MAX_PEAK)
        fail_msg("%zu bytes of memory for a file of %zu", attempt.env.peak, bytes->len);
    test_exact_free(copy);
    return code;
}

/* Print what a test saw, and fail if that cannot have been a test. */
static void
report_seen(const char *name)
{
    fprintf(stderr,
            "%s: %zu files, %zu good, %zu opened, %zu refused, %zu rows, %zu values refused, "
            "%zu resyncs\n",
            name, seen.files, seen.good, seen.opened, seen.refused, seen.rows, seen.ranges,
            seen.resyncs);
    assert_true(seen.files > 0 && seen.rows > 0);
    memset(&seen, 0, sizeof(seen));
}

/* A file for each schema and codec reads as a good one. */
static void
test_good_files_are_good(void **state)
{
    test_random random;
    cs_buffer bytes;

    (void) state;
    test_random_start(&random, "good files");
    cs_buffer_init(&bytes, cs_malloc_env());
    for (size_t i = 0; i < num_good_schemas; i++)
        for (int codec = 0; codec < CS_NUM_CODECS; codec++)
        {
            const good_change nothing = {.part = CHANGE_NOTHING};
            good_file file;

            good_file_make(&file, &random, &good_schemas[i], codec);
            good_file_render(&file, &nothing, &bytes);
            assert_int_equal(read_everything(&file, &bytes, true, true), CS_END);
            assert_int_equal(read_everything(&file, &bytes, false, true), CS_END);
            good_file_free(&file);
        }
    cs_buffer_free(&bytes);
    assert_int_equal(seen.refused, 0);
    report_seen("good files");
}

/* Replace one piece by each extreme of its kind, and read each file. */
static void
try_extremes(const good_file *file, const good_piece *piece, good_change change)
{
    cs_buffer text, bytes;

    cs_buffer_init(&text, cs_malloc_env());
    cs_buffer_init(&bytes, cs_malloc_env());
    for (size_t number = 0; piece_extreme(piece, number, &text); number++)
    {
        change.replacement = slice_of_buffer(&text);
        good_file_render(file, &change, &bytes);
        read_everything(file, &bytes, number % 4 != 3, number % 8 == 0);
    }
    cs_buffer_free(&text);
    cs_buffer_free(&bytes);
}

/* Replace each piece of a file in turn. */
static void
try_all_pieces(const good_file *file)
{
    for (size_t i = 0; i < file->header.count; i++)
        try_extremes(file, &file->header.items[i],
                     (good_change){.part = CHANGE_HEADER, .piece = i});
    for (size_t block = 0; block < GOOD_BLOCKS; block++)
    {
        const good_piece count = {.kind = PIECE_COUNT, .value = file->records[block]};
        const good_piece size = {.kind = PIECE_COUNT,
                                 .value = (int64_t) file->blocks[block].bytes.len};
        const good_piece sync = {.kind = PIECE_MARKER, .len = CS_AVRO_SYNC_BYTES};

        try_extremes(file, &count, (good_change){.part = CHANGE_RECORDS, .block = block});
        try_extremes(file, &size, (good_change){.part = CHANGE_SIZE, .block = block});
        try_extremes(file, &sync, (good_change){.part = CHANGE_SYNC, .block = block});
    }
    for (size_t i = 0; i < file->blocks[0].count; i++)
        try_extremes(file, &file->blocks[0].items[i],
                     (good_change){.part = CHANGE_DATA, .piece = i});
}

/* Each length, count, tag and marker, by each extreme; plain and compressed. */
static void
test_every_piece_at_its_extremes(void **state)
{
    size_t rounds = test_rounds(1) > 1 ? 6 : 1;
    test_random random;

    (void) state;
    test_random_start(&random, "extremes");
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < num_good_schemas; i++)
        {
            good_file file;

            good_file_make(&file, &random, &good_schemas[i], round % CS_NUM_CODECS);
            try_all_pieces(&file);
            good_file_free(&file);
        }
    assert_true(seen.refused > seen.files / 4);
    report_seen("extremes");
}

/* A file cut short at any byte is refused, but at a block's border. */
static void
test_cut_at_every_byte(void **state)
{
    test_random random;
    cs_buffer bytes;

    (void) state;
    test_random_start(&random, "cuts");
    cs_buffer_init(&bytes, cs_malloc_env());
    for (int codec = 0; codec < CS_NUM_CODECS; codec++)
    {
        const good_change nothing = {.part = CHANGE_NOTHING};
        size_t good = 0;
        good_file file;

        good_file_make(&file, &random, &good_schemas[codec % 4], codec);
        good_file_render(&file, &nothing, &bytes);
        for (size_t len = bytes.len; len-- > 0;)
        {
            bytes.len = len;
            good += read_everything(&file, &bytes, len % 2 == 0, false) == CS_END;
        }
        assert_int_equal(good, GOOD_BLOCKS);
        good_file_free(&file);
    }
    cs_buffer_free(&bytes);
    report_seen("cuts");
}

/* Change bytes at random: bits, bytes, pieces copied, removed, or from another file. */
static void
damage(test_random *random, cs_buffer *bytes, const cs_buffer *other)
{
    size_t at = test_random_below(random, bytes->len);
    size_t len = 1 + test_random_below(random, bytes->len - at < 40 ? bytes->len - at : 40);
    cs_buffer result;

    cs_buffer_init(&result, cs_malloc_env());
    build_raw(&result, bytes->data, at);
    switch (test_random_below(random, 6))
    {
        case 0: /* one bit */
            len = 1;
            build_raw(&result, &(uint8_t){bytes->data[at] ^ 1u << test_random_below(random, 8)}, 1);
            break;
        case 1: /* noise */
            for (size_t i = 0; i < len; i++)
                build_raw(&result, &(uint8_t){(uint8_t) test_random_next(random)}, 1);
            break;
        case 2: /* removed */
            break;
        case 3: /* twice */
            build_raw(&result, bytes->data + at, len);
            len = 0;
            break;
        case 4: /* a stretch of ones: counts that do not end */
            for (size_t i = 0; i < len && i < 12; i++)
                build_raw(&result, "\xff", 1);
            break;
        default: /* the rest of another file */
            build_raw(&result, other->data + at % other->len, other->len - at % other->len);
            len = bytes->len - at;
    }
    build_raw(&result, bytes->data + at + len, bytes->len - at - len);
    bytes->len = 0;
    build_raw(bytes, result.data, result.len);
    cs_buffer_free(&result);
}

/* A random piece of the data at a random extreme; compressed, so that it gets there. */
static void
render_random(const good_file *file, test_random *random, cs_buffer *bytes)
{
    good_change change = {.part = CHANGE_NOTHING};
    cs_buffer text;

    cs_buffer_init(&text, cs_malloc_env());
    if (test_random_below(random, 2) != 0 && file->blocks[0].count > 0)
    {
        change = (good_change){.part = CHANGE_DATA,
                               .piece = test_random_below(random, file->blocks[0].count)};
        if (piece_extreme(&file->blocks[0].items[change.piece], test_random_below(random, 28),
                          &text))
            change.replacement = slice_of_buffer(&text);
        else
            change.part = CHANGE_NOTHING;
    }
    good_file_render(file, &change, bytes);
    cs_buffer_free(&text);
}

static void
test_random_damage(void **state)
{
    size_t rounds = test_rounds(RANDOM_FILES);
    test_random random;
    cs_buffer bytes, other;

    (void) state;
    test_random_start(&random, "damage");
    cs_buffer_init(&bytes, cs_malloc_env());
    cs_buffer_init(&other, cs_malloc_env());
    for (size_t round = 0; round < rounds; round++)
    {
        const good_schema *source = &good_schemas[test_random_below(&random, num_good_schemas)];
        size_t changes = 1 + test_random_below(&random, 3);
        good_file file;

        good_file_make(&file, &random, source, (int) test_random_below(&random, CS_NUM_CODECS));
        if (other.len == 0)
            render_random(&file, &random, &other);
        render_random(&file, &random, &bytes);
        while (changes-- > 0 && bytes.len > 0)
            damage(&random, &bytes, &other);
        read_everything(&file, &bytes, test_random_below(&random, 4) != 0, round % 4 == 0);
        if (round % 16 == 0)
        {
            other.len = 0;
            build_raw(&other, bytes.data, bytes.len);
        }
        good_file_free(&file);
    }
    cs_buffer_free(&bytes);
    cs_buffer_free(&other);
    assert_true(seen.refused > seen.files / 2);
    report_seen("damage");
}

/* Have memory run out where more than a limit's worth is asked for at once. */
static int
limit_memory(void **state)
{
    (void) state;
#ifndef __SANITIZE_ADDRESS__
    assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){ROOM, ROOM}), 0);
#endif
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_files_are_good),
        cmocka_unit_test(test_every_piece_at_its_extremes),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_random_damage),
    };

    return cmocka_run_group_tests_name("avro_mutation", tests, limit_memory, NULL);
}
