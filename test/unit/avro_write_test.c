/*
 * test/unit/avro_write_test.c
 *     Encoding records and writing files: what is written reads back equal,
 *     and a failing write is never taken for a whole file.
 */
#include "avro_encode.h"
#include "avro_build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_ALL                                                                               \
    "{\"type\": \"record\", \"name\": \"All\", \"doc\": \"kept as it is\", \"fields\": ["        \
    "{\"name\": \"n\", \"type\": \"null\"}, {\"name\": \"b\", \"type\": \"boolean\"},"           \
    "{\"name\": \"i\", \"type\": \"int\"}, {\"name\": \"l\", \"type\": \"long\"},"               \
    "{\"name\": \"f\", \"type\": \"float\"}, {\"name\": \"d\", \"type\": \"double\"},"           \
    "{\"name\": \"y\", \"type\": \"bytes\"}, {\"name\": \"s\", \"type\": \"string\"},"           \
    "{\"name\": \"tm\", \"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}}," \
    "{\"name\": \"tu\", \"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}}," \
    "{\"name\": \"nb\", \"type\": [\"null\", \"boolean\"]},"                                     \
    "{\"name\": \"ni\", \"type\": [\"int\", \"null\"]},"                                         \
    "{\"name\": \"nl\", \"type\": [\"null\", \"long\"]},"                                        \
    "{\"name\": \"nf\", \"type\": [\"float\", \"null\"]},"                                       \
    "{\"name\": \"nd\", \"type\": [\"null\", \"double\"]},"                                      \
    "{\"name\": \"ny\", \"type\": [\"bytes\", \"null\"]},"                                       \
    "{\"name\": \"ns\", \"type\": [\"null\", \"string\"]},"                                      \
    "{\"name\": \"nt\", \"type\": [{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}," \
    "\"null\"]}]}"
#define NUM_ALL 18

static char text_bytes[256]; /* what random strings are made of */

/* Choose any 64 bits, often small ones or an extreme. */
static int64_t
random_long(test_random *random)
{
    uint64_t bits = test_random_next(random) >> test_random_below(random, 64);

    return test_random_below(random, 2) == 0 ? (int64_t) bits : (int64_t) ~bits;
}

/* Choose a value that fits the field; the n-th record has all NULLs, the next one none. */
static cs_value
random_value(test_random *random, const cs_avro_field *field, size_t n)
{
    const uint64_t range = (uint64_t) CS_TIME_END - (uint64_t) CS_TIME_MIN;
    cs_value value = {.kind = CS_VALUE_NULL};
    int64_t number = random_long(random);
    uint32_t low = (uint32_t) number;
    const cs_avro_shape shape = cs_avro_shape_of(field->type);

    if (shape.nullable && (n % 5 == 0 || (n % 5 > 1 && test_random_below(random, 2) == 0)))
        return value;
    switch (shape.type->type)
    {
        case CS_AVRO_NULL:
            break;
        case CS_AVRO_BOOLEAN:
            value = (cs_value){.kind = CS_VALUE_BOOL, .as.boolean = number & 1};
            break;
        case CS_AVRO_INT:
            value = (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = (int32_t) low};
            break;
        case CS_AVRO_LONG:
            value = (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = number};
            break;
        case CS_AVRO_FLOAT:
            value.kind = CS_VALUE_FLOAT;
            memcpy(&value.as.real, &low, sizeof(low));
            break;
        case CS_AVRO_DOUBLE:
            value.kind = CS_VALUE_DOUBLE;
            memcpy(&value.as.dbl, &number, sizeof(number));
            break;
        case CS_AVRO_BYTES:
        case CS_AVRO_STRING:
            value.kind = shape.type->type == CS_AVRO_BYTES ? CS_VALUE_BYTES : CS_VALUE_STRING;
            value.as.bytes = (cs_slice){text_bytes, test_random_below(random, 200)};
            break;
        default:
            fail_msg("no values of type %s", cs_avro_type_name(shape.type->type));
    }
    if (shape.kind != CS_VALUE_TIME)
        return value;
    value.kind = CS_VALUE_TIME;
    value.as.time = (cs_time) ((uint64_t) CS_TIME_MIN + test_random_below(random, range));
    if (shape.type->logical == CS_LOGICAL_TIMESTAMP_MILLIS)
        value.as.time -= value.as.time % 1000;
    else if (value.as.time > INT64_MAX - CS_UNIX_OFFSET) /* beyond what a long of these holds */
        value.as.time = INT64_MAX - CS_UNIX_OFFSET;
    return value;
}

/* Fail unless both values are the same, bit by bit. */
static void
check_value(const cs_value *actual, const cs_value *expected)
{
    assert_int_equal(actual->kind, expected->kind);
    switch (expected->kind)
    {
        case CS_VALUE_NULL:
            break;
        case CS_VALUE_BOOL:
            assert_int_equal(actual->as.boolean, expected->as.boolean);
            break;
        case CS_VALUE_FLOAT:
            assert_memory_equal(&actual->as.real, &expected->as.real, sizeof(float));
            break;
        case CS_VALUE_INTEGER:
        case CS_VALUE_DOUBLE:
        case CS_VALUE_TIME:
            assert_memory_equal(&actual->as, &expected->as, 8);
            break;
        case CS_VALUE_BYTES:
        case CS_VALUE_STRING:
            assert_same_bytes(actual->as.bytes, expected->as.bytes);
            break;
        default:
            fail_msg("no values of kind %d", (int) expected->kind);
    }
}

/* Write count random records into the file; the seed tells which. */
static cs_code
write_random(const cs_env *env, const cs_sink *sink, cs_avro_codec codec, size_t count,
             test_random random, cs_error *err)
{
    cs_avro_schema *schema = build_schema(SCHEMA_ALL);
    cs_value values[NUM_ALL];
    const cs_avro_writer_options options = {.codec = codec};
    cs_avro_writer *writer;
    cs_code code = cs_avro_writer_open(env, sink, schema, &options, &writer, err);

    assert_int_equal(schema->num_fields, NUM_ALL);
    for (size_t i = 0; i < count && code == CS_OK; i++)
    {
        for (size_t j = 0; j < NUM_ALL; j++)
            values[j] = random_value(&random, &schema->fields[j], i);
        code = cs_avro_encode_record(schema, values, cs_avro_writer_buffer(writer), err);
        if (code == CS_OK)
            code = cs_avro_writer_add(writer, err);
    }
    if (code == CS_OK)
        code = cs_avro_writer_finish(writer, NULL, 0, err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
    return code;
}

/* Read the file and compare its records; return the number of blocks. */
static int64_t
check_random(test_file *file, cs_avro_codec codec, size_t count, test_random random)
{
    cs_source source = test_file_source(file);
    int wanted[NUM_ALL];
    int64_t blocks = 0;
    cs_avro_reader *reader;
    cs_avro_plan *plan;
    cs_avro_block block;
    size_t row = 0;
    cs_error err;
    cs_code code;

    for (int i = 0; i < NUM_ALL; i++)
        wanted[i] = i;
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    assert_int_equal(cs_avro_reader_codec(reader), codec);
    assert_string_equal(cs_avro_reader_schema(reader)->json, SCHEMA_ALL);
    assert_ok(cs_avro_plan_make(cs_malloc_env(), cs_avro_reader_schema(reader), NULL, wanted,
                                NUM_ALL, NULL, &plan, &err),
              &err);
    for (; (code = cs_avro_reader_next(reader, &block, &err)) == CS_OK; blocks++)
    {
        cs_avro_cursor cursor;
        cs_value values[NUM_ALL];

        assert_int_equal(block.first_record, row + 1);
        cs_avro_cursor_init(&cursor, plan, &block);
        for (; (code = cs_avro_cursor_next(&cursor, values, &err)) == CS_OK; row++)
            for (size_t j = 0; j < NUM_ALL; j++)
            {
                cs_value expected =
                    random_value(&random, &cs_avro_reader_schema(reader)->fields[j], row);

                check_value(&values[j], &expected);
            }
        assert_code(code, CS_END, &err);
    }
    assert_code(code, CS_END, &err);
    assert_int_equal(row, count);
    cs_avro_plan_free(plan);
    cs_avro_reader_close(reader);
    return blocks;
}

static void
test_what_is_written_reads_back(void **state)
{
    static const size_t counts[] = {0, 1, 2, 7, 1000};
    test_random random;

    (void) state;
    for (size_t i = 0; i < sizeof(text_bytes); i++)
        text_bytes[i] = (char) ('a' + i % 26);
    test_random_start(&random, "written files");
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
        for (size_t i = 0; i < LENGTH(counts); i++)
        {
            test_file file;
            cs_sink sink;
            cs_error err;
            int64_t blocks;

            test_file_start(&file);
            sink = test_file_sink(&file);
            assert_ok(write_random(cs_malloc_env(), &sink, codec, counts[i], random, &err), &err);
            blocks = check_random(&file, codec, counts[i], random);
            assert_true(counts[i] < 1000 ? blocks <= 1 : blocks > 1);
            test_file_free(&file);
            test_random_next(&random);
        }
}

/* Write n longs with this metadata at the end; return the first block's offset. */
static cs_code
write_longs(test_file *file, size_t n, const cs_avro_text_meta *meta, size_t count, cs_error *err)
{
    cs_avro_schema *schema = build_schema(SCHEMA_LONG);
    cs_sink sink = test_file_sink(file);
    cs_avro_writer *writer;
    cs_code code;

    assert_ok(cs_avro_writer_open(cs_malloc_env(), &sink, schema, NULL, &writer, err), err);
    for (size_t i = 0; i < n; i++)
    {
        build_long(cs_avro_writer_buffer(writer), (int64_t) i + 1);
        assert_ok(cs_avro_writer_add(writer, err), err);
    }
    code = cs_avro_writer_finish(writer, meta, count, err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
    return code;
}

/* Read a file of the longs 1 to n and return its header's length. */
static size_t
check_longs(test_file *file, int64_t n, const cs_avro_text_meta *meta, size_t count)
{
    cs_source source = test_file_source(file);
    cs_avro_reader *reader;
    read_result result;
    size_t len, num_meta;
    cs_error err;

    result = read_all(cs_malloc_env(), &source);
    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.rows, n);
    assert_int_equal(result.sum, n * (n + 1) / 2);

    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    len = cs_avro_reader_header(reader).len;
    for (size_t i = 0; i < count; i++)
        assert_string_equal(cs_avro_reader_meta_text(reader, meta[i].key), meta[i].value);
    cs_avro_reader_meta(reader, &num_meta);
    assert_int_equal(num_meta, count + 3);
    assert_string_equal(cs_avro_reader_meta_text(reader, "avro.codec"), "null");
    assert_string_equal(cs_avro_reader_meta_text(reader, "avro.schema"), SCHEMA_LONG);
    assert_memory_equal(cs_avro_reader_meta_text(reader, "clickstream.writer"), "clickstream ", 12);
    cs_avro_reader_close(reader);
    return len;
}

/* The header takes the same room whatever is put into it at the end. */
static void
test_metadata_at_finish(void **state)
{
    static const cs_avro_text_meta meta[] = {
        {"clickstream.min_timestamp", "1710057600000"},
        {"clickstream.max_timestamp", "1710144000000"},
        {"empty", ""},
        {"clickstream.source_sha256",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    };
    size_t without = 0;

    (void) state;
    for (size_t count = 0; count <= LENGTH(meta); count++)
    {
        test_file file;
        cs_error err;
        size_t len;

        test_file_start(&file);
        assert_ok(write_longs(&file, 50000, meta, count, &err), &err);
        len = check_longs(&file, 50000, meta, count);
        without = count == 0 ? len : without;
        assert_int_equal(len, without);
        test_file_free(&file);
    }
}

/* The metadata given at the end may take CS_AVRO_FINISH_META_BYTES, and no more. */
static void
test_metadata_limit(void **state)
{
    bool fitted = false, refused = false;

    (void) state;
    for (size_t len = 0; len < 2 * CS_AVRO_FINISH_META_BYTES; len++)
    {
        char value[2 * CS_AVRO_FINISH_META_BYTES + 1];
        const cs_avro_text_meta meta = {"key", value};
        test_file file;
        cs_error err;
        cs_code code;

        memset(value, 'v', len);
        value[len] = '\0';
        test_file_start(&file);
        code = write_longs(&file, 10, &meta, 1, &err);
        if (code == CS_OK)
            check_longs(&file, 10, &meta, 1);
        else
            assert_refused(code, CS_ERR_LIMIT, &err, "metadata takes more than 512 bytes");
        /* Its key and the two lengths take some of the room */
        assert_true(len + 3 <= CS_AVRO_FINISH_META_BYTES - 4 ? code == CS_OK : true);
        assert_true(len + 3 > CS_AVRO_FINISH_META_BYTES ? code != CS_OK : true);
        fitted = fitted || code == CS_OK;
        refused = refused || code != CS_OK;
        test_file_free(&file);
    }
    assert_true(fitted && refused);
}

/* So many entries that their count takes two bytes. */
static void
test_many_small_entries(void **state)
{
    char keys[100][4];
    cs_avro_text_meta meta[100];
    test_file file;
    cs_error err;

    (void) state;
    for (int i = 0; i < 100; i++)
    {
        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        meta[i] = (cs_avro_text_meta){keys[i], ""};
    }
    test_file_start(&file);
    assert_ok(write_longs(&file, 10, meta, LENGTH(meta), &err), &err);
    check_longs(&file, 10, meta, LENGTH(meta));
    test_file_free(&file);
}

/* Each file has a sync marker of its own. */
static void
test_markers_differ(void **state)
{
    test_file one, other;
    cs_error err;
    size_t len;

    (void) state;
    test_file_start(&one);
    test_file_start(&other);
    assert_ok(write_longs(&one, 1, NULL, 0, &err), &err);
    assert_ok(write_longs(&other, 1, NULL, 0, &err), &err);
    len = one.bytes.len;
    assert_int_equal(other.bytes.len, len);
    assert_memory_not_equal(one.bytes.data + len - CS_AVRO_SYNC_BYTES,
                            other.bytes.data + len - CS_AVRO_SYNC_BYTES, CS_AVRO_SYNC_BYTES);
    test_file_free(&one);
    test_file_free(&other);
}

/* Each failing write ends with the system's error, and nothing reads as a whole file. */
static void
test_write_failures(void **state)
{
    const size_t count = 3000; /* some blocks */
    test_random random;
    cs_code code = CS_ERR_IO;

    (void) state;
    test_random_start(&random, "failing writes");
    for (size_t fail_at = 1; code == CS_ERR_IO; fail_at++)
    {
        test_file file;
        test_env env;
        cs_sink sink;
        cs_error err;

        test_file_start(&file);
        file.fail_at = fail_at;
        sink = test_file_sink(&file);
        test_env_start(&env, 0, 0);
        code = write_random(&env.env, &sink, CS_CODEC_DEFLATE, count, random, &err);
        assert_int_equal(env.live, 0);
        if (code != CS_OK)
        {
            read_result result = read_file_bytes(&file.bytes);

            assert_refused(code, CS_ERR_IO, &err, strerror(ENOSPC));
            assert_int_equal(err.sys_errno, ENOSPC);
            assert_string_equal(err.file, TEST_FILE_NAME);
            assert_int_equal(err.offset, file.failed_at);
            assert_int_equal(result.code, CS_ERR_DATA); /* the header comes last */
        }
        else
            assert_true(file.calls > 3 && fail_at == file.calls + 1);
        test_file_free(&file);
    }
    assert_int_equal(code, CS_OK);
}

/* A value that does not fit, and why. */
typedef struct misfit
{
    const char *type;
    cs_value value;
    const char *message;
} misfit;

#define MILLIS "{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}"
#define MICROS "{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}"

static void
test_values_that_do_not_fit(void **state)
{
    static const misfit cases[] = {
        {SCHEMA_LONG, {.kind = CS_VALUE_NULL}, "field \"a\": it cannot be NULL"},
        {SCHEMA_STRING, {.kind = CS_VALUE_NULL}, "cannot be NULL"},
        {SCHEMA_LONG,
         {.kind = CS_VALUE_STRING, .as.bytes = {"x", 1}},
         "field \"a\": value does not fit its type"},
        {SCHEMA_STRING, {.kind = CS_VALUE_BYTES, .as.bytes = {"x", 1}}, "does not fit"},
        {SCHEMA_STRING, {.kind = CS_VALUE_INTEGER, .as.integer = 1}, "does not fit"},
        {SCHEMA_LONG, {.kind = CS_VALUE_TIME, .as.time = 1}, "does not fit"},
        {SCHEMA_NULL, {.kind = CS_VALUE_INTEGER, .as.integer = 1}, "does not fit"},
        {SCHEMA_OF(MILLIS), {.kind = CS_VALUE_INTEGER, .as.integer = 1}, "does not fit"},
        {SCHEMA_OF("\"int\""),
         {.kind = CS_VALUE_INTEGER, .as.integer = INT64_C(2147483648)},
         "field \"a\": 2147483648 is out of range for int"},
        {SCHEMA_OF("[\"null\", \"int\"]"),
         {.kind = CS_VALUE_INTEGER, .as.integer = INT64_C(-2147483649)},
         "out of range"},
        {SCHEMA_OF(MILLIS), {.kind = CS_VALUE_TIME, .as.time = 1}, "finer than milliseconds"},
        {SCHEMA_OF(MILLIS), {.kind = CS_VALUE_TIME, .as.time = -1}, "finer than milliseconds"},
        {SCHEMA_OF(MILLIS), {.kind = CS_VALUE_TIME, .as.time = 1999}, "finer than milliseconds"},
        {SCHEMA_OF(MICROS), {.kind = CS_VALUE_TIME, .as.time = CS_TIME_END - 1}, "out of range"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_avro_schema *schema = build_schema(cases[i].type);
        cs_buffer buffer;
        cs_error err;

        cs_buffer_init(&buffer, cs_malloc_env());
        build_raw(&buffer, "before", 6);
        assert_outcome(cs_avro_encode_record(schema, &cases[i].value, &buffer, &err), CS_ERR_RANGE,
                       &err, cases[i].message, cases[i].type);
        assert_same_bytes(slice_of_buffer(&buffer), cs_slice_of("before"));
        cs_buffer_free(&buffer);
        cs_avro_schema_free(schema);
    }
}

/* What the first fields wrote goes, too, when a later one does not fit. */
static void
test_refused_record_leaves_the_buffer(void **state)
{
    cs_avro_schema *schema =
        build_schema("{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", "
                     "\"type\": \"string\"}, {\"name\": \"b\", \"type\": \"int\"}]}");
    const cs_value values[] = {{.kind = CS_VALUE_STRING, .as.bytes = {"abc", 3}},
                               {.kind = CS_VALUE_INTEGER, .as.integer = INT64_MAX}};
    cs_buffer buffer;
    cs_error err;

    (void) state;
    cs_buffer_init(&buffer, cs_malloc_env());
    build_raw(&buffer, "before", 6);
    assert_refused(cs_avro_encode_record(schema, values, &buffer, &err), CS_ERR_RANGE, &err,
                   "field \"b\"");
    assert_same_bytes(slice_of_buffer(&buffer), cs_slice_of("before"));
    cs_buffer_free(&buffer);
    cs_avro_schema_free(schema);
}

/* Worked out by hand from the specification. */
static void
test_golden_record(void **state)
{
    static const char bytes[] = "\x00\x02\x04hi\x01\x0f";
    cs_avro_schema *schema = build_schema(
        "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": "
        "[\"null\", \"long\"]}, {\"name\": \"b\", \"type\": [\"null\", \"string\"]}, {\"name\": "
        "\"c\", \"type\": \"boolean\"}, {\"name\": \"d\", \"type\": \"int\"}]}");
    const cs_value values[] = {{.kind = CS_VALUE_NULL},
                               {.kind = CS_VALUE_STRING, .as.bytes = {"hi", 2}},
                               {.kind = CS_VALUE_BOOL, .as.boolean = true},
                               {.kind = CS_VALUE_INTEGER, .as.integer = -8}};
    cs_buffer buffer;
    cs_error err;

    (void) state;
    cs_buffer_init(&buffer, cs_malloc_env());
    assert_ok(cs_avro_encode_record(schema, values, &buffer, &err), &err);
    assert_same_bytes(slice_of_buffer(&buffer), ((cs_slice){bytes, sizeof(bytes) - 1}));
    cs_buffer_free(&buffer);
    cs_avro_schema_free(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_metadata_at_finish),
        cmocka_unit_test(test_metadata_limit),
        cmocka_unit_test(test_many_small_entries),
        cmocka_unit_test(test_markers_differ),
        cmocka_unit_test(test_write_failures),
        cmocka_unit_test(test_values_that_do_not_fit),
        cmocka_unit_test(test_refused_record_leaves_the_buffer),
        cmocka_unit_test(test_golden_record),
    };

    return cmocka_run_group_tests_name("avro_write", tests, NULL, NULL);
}
