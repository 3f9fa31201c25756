/*
 * test/unit/avro_header_test.c
 *     The header of an object container file: its metadata map, and what a
 *     file may have wrong about it.
 */
#include "avro_build.h"

#include <stdio.h>
#include <stdlib.h>

/* One entry of a header. */
typedef struct entry
{
    const char *key;
    const char *value;
} entry;

static const entry schema_entry = {"avro.schema", SCHEMA_LONG};

/* Append entries without their count. */
static void
put_entries(cs_buffer *out, const entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        build_text(out, entries[i].key);
        build_text(out, entries[i].value);
    }
}

/* Start a file. */
static void
start_file(cs_buffer *file)
{
    cs_buffer_init(file, cs_malloc_env());
    build_raw(file, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES);
}

/* End the map, append the marker and one block of three longs. */
static void
end_file(cs_buffer *file)
{
    build_long(file, 0);
    build_raw(file, build_sync, sizeof(build_sync));
    build_longs(file, 1, 3);
}

/* Read a file and free it; every error must name the file and a place in it. */
static read_result
read_and_free(cs_buffer *file)
{
    read_result result = read_file_bytes(file);

    if (result.code != CS_END)
    {
        assert_non_null(result.err.file);
        assert_in_range(result.err.offset, 0, file->len);
    }
    cs_buffer_free(file);
    return result;
}

/* The file must be read as three rows. */
static void
check_good(cs_buffer *file)
{
    read_result result = read_and_free(file);

    assert_code(result.code, CS_END, &result.err);
    assert_int_equal(result.rows, 3);
}

/* The file must be refused. */
static void
check_bad(cs_buffer *file, cs_code code, const char *message)
{
    read_result result = read_and_free(file);

    assert_refused(result.code, code, &result.err, message);
    assert_false(result.opened);
}

/* Read a file whose header has these entries in one group. */
static read_result
read_with_entries(const entry *entries, size_t count)
{
    cs_buffer file;

    start_file(&file);
    build_long(&file, (int64_t) count);
    put_entries(&file, entries, count);
    end_file(&file);
    return read_and_free(&file);
}

/* Entries of a header, and the error that they give. */
typedef struct bad_entries
{
    size_t count;
    entry entries[3];
    cs_code code;
    const char *message;
} bad_entries;

static void
test_bad_entries(void **state)
{
    static const bad_entries cases[] = {
        {1, {{"avro.codec", "null"}}, CS_ERR_DATA, "holds no schema"},
        {1, {{"Avro.Schema", SCHEMA_LONG}}, CS_ERR_DATA, "holds no schema"},
        {1, {{"avro.schema", ""}}, CS_ERR_DATA, "schema is not valid JSON"},
        {1, {{"avro.schema", "{"}}, CS_ERR_DATA, "schema is not valid JSON"},
        {1, {{"avro.schema", "\"lon\""}}, CS_ERR_DATA, "unknown type \"lon\""},
        {2,
         {{"avro.schema", SCHEMA_LONG}, {"avro.codec", "zstd"}},
         CS_ERR_UNSUPPORTED,
         "codec \"zstd\" is not one that this version reads "
         "(null, deflate, snappy, zstandard, bzip2, xz)"},
        {2, {{"avro.schema", SCHEMA_LONG}, {"avro.codec", "lzma"}}, CS_ERR_UNSUPPORTED, "lzma"},
        {2, {{"avro.schema", SCHEMA_LONG}, {"avro.codec", ""}}, CS_ERR_UNSUPPORTED, "codec \"\""},
        {2, {{"avro.schema", SCHEMA_LONG}, {"avro.codec", "Deflate"}}, CS_ERR_UNSUPPORTED, "codec"},
        {2, {{"avro.schema", SCHEMA_LONG}, {"avro.codec", "nullx"}}, CS_ERR_UNSUPPORTED, "codec"},
        {2,
         {{"avro.schema", SCHEMA_LONG}, {"avro.schema", SCHEMA_LONG}},
         CS_ERR_DATA,
         "\"avro.schema\" appears twice"},
        {3,
         {{"avro.schema", SCHEMA_LONG}, {"x", "1"}, {"x", "2"}},
         CS_ERR_DATA,
         "\"x\" appears twice"},
        {3,
         {{"", "1"}, {"avro.schema", SCHEMA_LONG}, {"", "2"}},
         CS_ERR_DATA,
         "\"\" appears twice"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        read_result result = read_with_entries(cases[i].entries, cases[i].count);

        assert_outcome(result.code, cases[i].code, &result.err, cases[i].message, cases[i].message);
        assert_false(result.opened);
    }
}

static void
test_metadata_is_given_back(void **state)
{
    static const entry entries[] = {{"x", ""},
                                    {"avro.codec", "null"},
                                    {"avro.schema", SCHEMA_LONG},
                                    {"clickstream.x", "v\xc3\xa9"}};
    cs_avro_reader *reader;
    const cs_avro_meta *meta;
    test_file file = {.calls = 0};
    cs_source source;
    size_t count;
    cs_error err;

    (void) state;
    start_file(&file.bytes);
    build_long(&file.bytes, LENGTH(entries) + 1);
    put_entries(&file.bytes, entries, LENGTH(entries));
    build_text(&file.bytes, "binary");
    build_bytes(&file.bytes, "a\0b", 3);
    end_file(&file.bytes);
    source = test_file_source(&file);
    assert_ok(cs_avro_reader_open(cs_malloc_env(), &source, NULL, &reader, &err), &err);
    meta = cs_avro_reader_meta(reader, &count);
    assert_int_equal(count, LENGTH(entries) + 1);
    for (size_t i = 0; i < LENGTH(entries); i++)
    {
        assert_string_equal(meta[i].key, entries[i].key);
        assert_string_equal((const char *) meta[i].value, entries[i].value);
        assert_int_equal(meta[i].len, strlen(entries[i].value));
        assert_string_equal(cs_avro_reader_meta_text(reader, entries[i].key), entries[i].value);
    }
    assert_int_equal(meta[count - 1].len, 3);
    assert_memory_equal(meta[count - 1].value, "a\0b", 4);
    assert_null(cs_avro_reader_meta_text(reader, "y"));
    assert_null(cs_avro_reader_meta_text(reader, ""));
    cs_avro_reader_close(reader);
    cs_buffer_free(&file.bytes);
}

/* The map may come in groups; a negative count is followed by the group's size in bytes. */
static void
test_groups(void **state)
{
    static const entry more[] = {{"x", "1"}, {"y", "2"}};
    cs_buffer file;

    (void) state;
    start_file(&file);
    build_long(&file, 1);
    put_entries(&file, &more[0], 1);
    build_long(&file, 1);
    put_entries(&file, &schema_entry, 1);
    build_long(&file, 1);
    put_entries(&file, &more[1], 1);
    end_file(&file);
    check_good(&file);

    start_file(&file);
    build_long(&file, -2);
    build_long(&file, 8);
    put_entries(&file, more, 2);
    build_long(&file, -1);
    build_long(&file, (int64_t) (1 + strlen(schema_entry.key) + 2 + strlen(schema_entry.value)));
    put_entries(&file, &schema_entry, 1);
    end_file(&file);
    check_good(&file);
}

static void
test_same_key_in_two_groups(void **state)
{
    cs_buffer file;

    (void) state;
    start_file(&file);
    build_long(&file, 1);
    put_entries(&file, &schema_entry, 1);
    build_long(&file, -1);
    build_long(&file, 100);
    put_entries(&file, &schema_entry, 1);
    end_file(&file);
    check_bad(&file, CS_ERR_DATA, "appears twice");
}

/* A count of entries that are not there ends with the file, however large it is. */
static void
test_hostile_counts(void **state)
{
    static const int64_t counts[] = {2, 100, INT64_MAX, -2, -100, INT64_MIN, INT64_MIN + 1};

    (void) state;
    for (size_t i = 0; i < LENGTH(counts); i++)
    {
        cs_buffer file;
        read_result result;

        start_file(&file);
        build_long(&file, counts[i]);
        if (counts[i] < 0)
            build_long(&file, 10);
        put_entries(&file, &schema_entry, 1);
        end_file(&file);
        result = read_and_free(&file);
        assert_code(result.code, CS_ERR_DATA, &result.err);
        assert_false(result.opened);
    }
}

/* A length of a key or a value, and the error that it gives. */
typedef struct bad_length
{
    int64_t len;
    const char *message;
} bad_length;

static void
test_hostile_lengths(void **state)
{
    static const bad_length cases[] = {
        {-1, "negative length"},
        {INT64_MIN, "negative length"},
        {INT64_MAX, "bytes are left"},
        {1000, "bytes are left"},
        {CS_AVRO_MAX_HEADER_BYTES, "bytes are left"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        for (int as_value = 0; as_value < 2; as_value++)
        {
            cs_buffer file;

            start_file(&file);
            build_long(&file, 1);
            if (as_value)
                build_text(&file, "x");
            build_long(&file, cases[i].len);
            put_entries(&file, &schema_entry, 1);
            end_file(&file);
            check_bad(&file, CS_ERR_DATA, cases[i].message);
        }
}

/* Read a file whose size is not known, in counted memory. */
static read_result
read_pipe(const cs_buffer *bytes, test_env *env)
{
    test_file file = {.bytes = *bytes};
    cs_source source = test_file_source(&file);
    read_result result;

    source.size = -1;
    test_env_start(env, 0, 0);
    result = read_all(&env->env, &source);
    assert_int_equal(env->live, 0);
    return result;
}

static void
test_lengths_from_a_pipe(void **state)
{
    cs_buffer file;
    test_env env;
    read_result result;

    (void) state;
    start_file(&file);
    build_long(&file, 1);
    build_long(&file, CS_AVRO_MAX_HEADER_BYTES / 2);
    build_raw(&file, "xyz", 3);
    result = read_pipe(&file, &env);
    assert_refused(result.code, CS_ERR_DATA, &result.err, "ends inside the header");
    assert_true(env.peak < 4 * 1024 * 1024); /* nothing was allocated on the length's word */
    cs_buffer_free(&file);

    start_file(&file);
    build_long(&file, 1);
    build_long(&file, CS_AVRO_MAX_HEADER_BYTES);
    result = read_pipe(&file, &env);
    assert_refused(result.code, CS_ERR_LIMIT, &result.err, "over the limit");
    cs_buffer_free(&file);
}

/* Append an entry whose key has one byte and whose value has len. */
static void
put_big_entry(cs_buffer *file, const char *key, size_t len)
{
    cs_error err;

    build_text(file, key);
    build_long(file, (int64_t) len);
    assert_ok(cs_buffer_reserve(file, len, &err), &err);
    memset(file->data + file->len, 'x', len);
    file->len += len;
}

/* The limit holds for the header as a whole, also where an entry ends just at it. */
static void
test_header_limit(void **state)
{
    for (size_t spare = 0; spare < 12; spare += 3)
        for (int know_size = 0; know_size < 2; know_size++)
        {
            cs_buffer file;
            read_result result;
            test_env env;

            (void) state;
            start_file(&file);
            build_long(&file, 3);
            /* magic 4, count 1, key 2, length 4 */
            put_big_entry(&file, "a", CS_AVRO_MAX_HEADER_BYTES - 11 - spare);
            put_big_entry(&file, "b", CS_AVRO_MAX_HEADER_BYTES);
            put_entries(&file, &schema_entry, 1);
            end_file(&file);
            result = know_size ? read_file_bytes(&file) : read_pipe(&file, &env);
            assert_refused(result.code, CS_ERR_LIMIT, &result.err, "limit");
            cs_buffer_free(&file);
        }
}

/* Millions of tiny entries must not take for ever. */
static void
test_many_entries(void **state)
{
    const int64_t count = 300000;
    cs_buffer file;

    (void) state;
    start_file(&file);
    build_long(&file, count);
    for (int64_t i = 0; i < count; i++)
    {
        char key[16];

        snprintf(key, sizeof(key), "%x", (unsigned) i);
        build_text(&file, key);
        build_text(&file, "");
    }
    put_entries(&file, &schema_entry, 1);
    end_file(&file);
    check_bad(&file, CS_ERR_LIMIT, "limit");
}

/* A NUL ends neither the schema nor the name of the codec. */
static void
test_embedded_nul(void **state)
{
    static const char schema[] = SCHEMA_LONG "\0}";
    cs_buffer file;

    (void) state;
    start_file(&file);
    build_long(&file, 1);
    build_text(&file, "avro.schema");
    build_bytes(&file, schema, sizeof(schema) - 1);
    end_file(&file);
    check_bad(&file, CS_ERR_DATA, "not valid JSON");

    start_file(&file);
    build_long(&file, 2);
    put_entries(&file, &schema_entry, 1);
    build_text(&file, "avro.codec");
    build_bytes(&file, "null\0x", 6);
    end_file(&file);
    check_bad(&file, CS_ERR_UNSUPPORTED, "codec");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_entries),
        cmocka_unit_test(test_metadata_is_given_back),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_same_key_in_two_groups),
        cmocka_unit_test(test_hostile_counts),
        cmocka_unit_test(test_hostile_lengths),
        cmocka_unit_test(test_lengths_from_a_pipe),
        cmocka_unit_test(test_header_limit),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_embedded_nul),
    };

    return cmocka_run_group_tests_name("avro_header", tests, NULL, NULL);
}
