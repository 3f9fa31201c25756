/*
 * test/unit/avro_decode_test.c
 *     Record bytes to values: every type, and what may be wrong with each.
 */
#include "avro_build.h"

#include <stdlib.h>

#define MICROS "{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}"
#define MILLIS "{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}"

/* A literal as bytes; it may hold NULs. */
#define BYTES(text) ((cs_slice){text, sizeof(text) - 1})

/* A block of records in memory and what is needed to decode them. */
typedef struct decoding
{
    cs_avro_schema *schema;
    cs_avro_plan *plan;
    cs_avro_block block;
    cs_avro_cursor cursor;
    cs_slice data; /* in memory of exactly its size */
    cs_value values[4];
    cs_error err;
} decoding;

/* Begin to decode a block; wanted as for cs_avro_plan_make. */
static void
start_wanted(decoding *d, const char *schema, const int *wanted, size_t count, int64_t records,
             cs_slice data)
{
    memset(d, 0, sizeof(*d));
    assert_ok(cs_avro_schema_parse(cs_malloc_env(), schema, strlen(schema), &d->schema, &d->err),
              &d->err);
    assert_ok(
        cs_avro_plan_make(cs_malloc_env(), d->schema, NULL, wanted, count, NULL, &d->plan, &d->err),
        &d->err);
    d->data = test_exact_copy(data);
    d->block = (cs_avro_block){.offset = 100,
                               .records = records,
                               .first_record = 11,
                               .data = (const uint8_t *) d->data.data,
                               .len = data.len};
    cs_avro_cursor_init(&d->cursor, d->plan, &d->block);
}

/* Begin to decode a block of which all fields are wanted. */
static void
start(decoding *d, const char *schema, int64_t records, cs_slice data)
{
    static const int all[] = {0, 1, 2, 3};
    cs_avro_schema *parsed;
    cs_error err;
    size_t count;

    assert_ok(cs_avro_schema_parse(cs_malloc_env(), schema, strlen(schema), &parsed, &err), &err);
    count = parsed->num_fields;
    cs_avro_schema_free(parsed);
    start_wanted(d, schema, all, count, records, data);
}

/* Decode one record. */
static cs_code
next(decoding *d)
{
    return cs_avro_cursor_next(&d->cursor, d->values, &d->err);
}

/* Free everything. */
static void
end(decoding *d)
{
    cs_avro_plan_free(d->plan);
    cs_avro_schema_free(d->schema);
    test_exact_free(d->data);
}

/* The bytes of one value of one type, and how decoding them ends. */
typedef struct one_value
{
    const char *schema;
    cs_slice bytes;
    cs_code code;
    const char *message;
    cs_value_kind kind; /* where the code is CS_OK */
    int64_t integer;    /* of a boolean, integer or instant */
} one_value;

static const one_value good_values[] = {
    {SCHEMA_NULL, BYTES(""), CS_OK, NULL, CS_VALUE_NULL, 0},
    {SCHEMA_OF("\"boolean\""), BYTES("\x00"), CS_OK, NULL, CS_VALUE_BOOL, 0},
    {SCHEMA_OF("\"boolean\""), BYTES("\x01"), CS_OK, NULL, CS_VALUE_BOOL, 1},
    {SCHEMA_OF("\"int\""), BYTES("\x00"), CS_OK, NULL, CS_VALUE_INTEGER, 0},
    {SCHEMA_OF("\"int\""), BYTES("\x01"), CS_OK, NULL, CS_VALUE_INTEGER, -1},
    {SCHEMA_OF("\"int\""), BYTES("\x80\x01"), CS_OK, NULL, CS_VALUE_INTEGER, 64},
    {SCHEMA_OF("\"int\""), BYTES("\xfe\xff\xff\xff\x0f"), CS_OK, NULL, CS_VALUE_INTEGER, INT32_MAX},
    {SCHEMA_OF("\"int\""), BYTES("\xff\xff\xff\xff\x0f"), CS_OK, NULL, CS_VALUE_INTEGER, INT32_MIN},
    {SCHEMA_LONG, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_OK, NULL, CS_VALUE_INTEGER,
     INT64_MAX},
    {SCHEMA_LONG, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_OK, NULL, CS_VALUE_INTEGER,
     INT64_MIN},
    {SCHEMA_LONG, BYTES("\x82\x80\x00"), CS_OK, NULL, CS_VALUE_INTEGER, 1}, /* padded */
    /* Instants: our epoch is 946,684,800 seconds behind Unix's */
    {SCHEMA_OF(MICROS), BYTES("\x00"), CS_OK, NULL, CS_VALUE_TIME, -CS_UNIX_OFFSET},
    {SCHEMA_OF(MICROS), BYTES("\x01"), CS_OK, NULL, CS_VALUE_TIME, -CS_UNIX_OFFSET - 1},
    {SCHEMA_OF(MILLIS), BYTES("\x02"), CS_OK, NULL, CS_VALUE_TIME, -CS_UNIX_OFFSET + 1000},
    {SCHEMA_OF("[\"null\", " MICROS "]"), BYTES("\x02\x02"), CS_OK, NULL, CS_VALUE_TIME,
     -CS_UNIX_OFFSET + 1},
    /* Unions, null first and last */
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES("\x00"), CS_OK, NULL, CS_VALUE_NULL, 0},
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES("\x02\x0a"), CS_OK, NULL, CS_VALUE_INTEGER, 5},
    {SCHEMA_OF("[\"long\", \"null\"]"), BYTES("\x02"), CS_OK, NULL, CS_VALUE_NULL, 0},
    {SCHEMA_OF("[\"long\", \"null\"]"), BYTES("\x00\x0a"), CS_OK, NULL, CS_VALUE_INTEGER, 5},
};

static const one_value bad_values[] = {
    /* Too short */
    {SCHEMA_OF("\"boolean\""), BYTES(""), CS_ERR_DATA, "not a valid boolean", 0, 0},
    {SCHEMA_OF("\"int\""), BYTES(""), CS_ERR_DATA, "not a valid int", 0, 0},
    {SCHEMA_LONG, BYTES("\x80"), CS_ERR_DATA, "not a valid long", 0, 0},
    {SCHEMA_OF("\"float\""), BYTES("\x00\x00\x00"), CS_ERR_DATA, "not a valid float", 0, 0},
    {SCHEMA_OF("\"double\""), BYTES("1234567"), CS_ERR_DATA, "not a valid double", 0, 0},
    {SCHEMA_STRING, BYTES(""), CS_ERR_DATA, "not a valid string", 0, 0},
    {SCHEMA_STRING,
     BYTES("\x06"
           "ab"),
     CS_ERR_DATA, "not a valid string", 0, 0},
    {SCHEMA_OF("\"bytes\""),
     BYTES("\x06"
           "ab"),
     CS_ERR_DATA, "not a valid bytes", 0, 0},
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES(""), CS_ERR_DATA, "not a valid union", 0, 0},
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES("\x02"), CS_ERR_DATA, "not a valid union", 0, 0},
    /* Lengths */
    {SCHEMA_STRING, BYTES("\x01"), CS_ERR_DATA, "not a valid string", 0, 0},
    {SCHEMA_STRING, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_ERR_DATA, "string", 0, 0},
    {SCHEMA_STRING, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_ERR_DATA, "string", 0, 0},
    {SCHEMA_OF("\"bytes\""), BYTES("\xfe\xff\xff\xff\x0f"), CS_ERR_DATA, "bytes", 0, 0},
    /* Out of range */
    {SCHEMA_OF("\"boolean\""), BYTES("\x02"), CS_ERR_DATA, "not a valid boolean", 0, 0},
    {SCHEMA_OF("\"boolean\""), BYTES("\xff"), CS_ERR_DATA, "not a valid boolean", 0, 0},
    {SCHEMA_OF("\"int\""), BYTES("\x80\x80\x80\x80\x10"), CS_ERR_DATA, "not a valid int", 0, 0},
    {SCHEMA_OF("\"int\""), BYTES("\x81\x80\x80\x80\x10"), CS_ERR_DATA, "not a valid int", 0, 0},
    {SCHEMA_LONG, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x02"), CS_ERR_DATA, "long", 0, 0},
    {SCHEMA_LONG, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"), CS_ERR_DATA, "long", 0, 0},
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES("\x04\x00"), CS_ERR_DATA, "union", 0, 0},
    {SCHEMA_OF("[\"null\", \"long\"]"), BYTES("\x01\x00"), CS_ERR_DATA, "union", 0, 0},
    {SCHEMA_OF("[\"long\", \"null\"]"), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     CS_ERR_DATA, "union", 0, 0},
    /* Well formed, but not what a table can hold */
    {SCHEMA_STRING, BYTES("\x02\x00"), CS_ERR_RANGE, "string holds a NUL character", 0, 0},
    {SCHEMA_STRING,
     BYTES("\x06"
           "a\0b"),
     CS_ERR_RANGE, "string holds a NUL character", 0, 0},
    {SCHEMA_STRING, BYTES("\x02\xff"), CS_ERR_RANGE, "string is not valid UTF-8", 0, 0},
    {SCHEMA_STRING, BYTES("\x06\xed\xa0\x80"), CS_ERR_RANGE, "string is not valid UTF-8", 0, 0},
    {SCHEMA_OF(MICROS), BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_OK, NULL,
     CS_VALUE_TIME, INT64_MAX - CS_UNIX_OFFSET}, /* the last one that fits is within range */
    {SCHEMA_OF(MICROS), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_ERR_RANGE,
     "timestamp -9223372036854775808 is out of range", 0, 0},
    {SCHEMA_OF(MILLIS), BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_ERR_RANGE,
     "timestamp 9223372036854775807 is out of range", 0, 0},
    {SCHEMA_OF(MILLIS), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), CS_ERR_RANGE,
     "out of range", 0, 0},
    {SCHEMA_OF("[\"null\", " MILLIS "]"), BYTES("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     CS_ERR_RANGE, "field \"a\"", 0, 0},
};

/* Decode each value and check how that ends. */
static void
check_values(const one_value *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
    {
        const one_value *expected = &cases[i];
        const cs_value *value;
        decoding d;

        start(&d, expected->schema, 1, expected->bytes);
        value = &d.values[0];
        assert_outcome(next(&d), expected->code, &d.err, expected->message, expected->schema);
        if (expected->code == CS_OK)
        {
            assert_int_equal(value->kind, expected->kind);
            if (value->kind == CS_VALUE_BOOL)
                assert_int_equal(value->as.boolean, expected->integer);
            else if (value->kind == CS_VALUE_TIME)
                assert_int_equal(value->as.time, expected->integer);
            else if (value->kind == CS_VALUE_INTEGER)
                assert_int_equal(value->as.integer, expected->integer);
            assert_code(next(&d), CS_END, &d.err);
        }
        else
        {
            assert_int_equal(d.err.offset, 100);
            assert_int_equal(d.err.record, 11);
        }
        end(&d);
    }
}

static void
test_values(void **state)
{
    (void) state;
    check_values(good_values, LENGTH(good_values));
    check_values(bad_values, LENGTH(bad_values));
}

static void
test_floats(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_OF("\"float\""), 2, BYTES("\x00\x00\x20\xc0\x00\x00\xc0\x7f"));
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].kind, CS_VALUE_FLOAT);
    assert_true(d.values[0].as.real == -2.5f);
    assert_ok(next(&d), &d.err);
    assert_true(d.values[0].as.real != d.values[0].as.real); /* not a number is a value, too */
    end(&d);
    start(&d, SCHEMA_OF("\"double\""), 1, BYTES("\x00\x00\x00\x00\x00\x00\x04\xc0"));
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].kind, CS_VALUE_DOUBLE);
    assert_true(d.values[0].as.dbl == -2.5);
    end(&d);
}

static void
test_strings_and_bytes(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_STRING, 3,
          BYTES("\x00\x06"
                "abc\x0a"
                "\xe2\x82\xac\xc3\xa9"));
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].kind, CS_VALUE_STRING);
    assert_int_equal(d.values[0].as.bytes.len, 0);
    assert_ok(next(&d), &d.err);
    assert_true(cs_slice_is(d.values[0].as.bytes, "abc"));
    assert_ok(next(&d), &d.err);
    assert_true(cs_slice_is(d.values[0].as.bytes, "\xe2\x82\xac\xc3\xa9"));
    assert_code(next(&d), CS_END, &d.err);
    end(&d);
    start(&d, SCHEMA_OF("\"bytes\""), 1, BYTES("\x06\x00\xff\x80"));
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].kind, CS_VALUE_BYTES);
    assert_same_bytes(d.values[0].as.bytes, BYTES("\x00\xff\x80"));
    end(&d);
}

/* The limits of what a timestamptz holds, in both units. */
static void
check_time_limits(const char *schema, int64_t unit)
{
    const int64_t first = CS_TIME_MIN / unit + CS_UNIX_OFFSET / unit;
    cs_buffer bytes;
    decoding d;

    cs_buffer_init(&bytes, cs_malloc_env());
    build_long(&bytes, first);
    build_long(&bytes, first - 1);
    if (unit == 1000) /* the last instant does not fit 64 bits as microseconds since 1970 */
    {
        build_long(&bytes, CS_TIME_END / unit + CS_UNIX_OFFSET / unit - 1);
        build_long(&bytes, CS_TIME_END / unit + CS_UNIX_OFFSET / unit);
    }
    start(&d, schema, unit == 1000 ? 4 : 2, slice_of_buffer(&bytes));
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].as.time, CS_TIME_MIN);
    assert_refused(next(&d), CS_ERR_RANGE, &d.err, "out of range");
    if (unit == 1000)
    {
        assert_ok(next(&d), &d.err);
        assert_int_equal(d.values[0].as.time, CS_TIME_END - unit);
        assert_refused(next(&d), CS_ERR_RANGE, &d.err, "out of range");
    }
    assert_code(next(&d), CS_END, &d.err);
    end(&d);
    cs_buffer_free(&bytes);
}

static void
test_time_limits(void **state)
{
    (void) state;
    check_time_limits(SCHEMA_OF(MICROS), 1);
    check_time_limits(SCHEMA_OF(MILLIS), 1000);
}

#define SCHEMA_FOUR                                                                         \
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}," \
    "{\"name\":\"b\",\"type\":\"long\"},{\"name\":\"c\",\"type\":[\"null\",\"double\"]},"   \
    "{\"name\":\"d\",\"type\":\"boolean\"}]}"
#define RECORD_1 \
    "\x04"       \
    "xy"         \
    "\x0e"       \
    "\x00"       \
    "\x01"
#define RECORD_2                       \
    "\x00"                             \
    "\x01"                             \
    "\x02"                             \
    "\x00\x00\x00\x00\x00\x00\xf0\x3f" \
    "\x00"

static void
test_records_of_several_fields(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_FOUR, 2, BYTES(RECORD_1 RECORD_2));
    assert_ok(next(&d), &d.err);
    assert_true(cs_slice_is(d.values[0].as.bytes, "xy"));
    assert_int_equal(d.values[1].as.integer, 7);
    assert_int_equal(d.values[2].kind, CS_VALUE_NULL);
    assert_true(d.values[3].as.boolean);
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].as.bytes.len, 0);
    assert_int_equal(d.values[1].as.integer, -1);
    assert_true(d.values[2].as.dbl == 1.0);
    assert_false(d.values[3].as.boolean);
    assert_code(next(&d), CS_END, &d.err);
    assert_code(next(&d), CS_END, &d.err);
    end(&d);
}

/* Only the wanted fields are given, in the order in which they are wanted. */
static void
test_wanted_fields(void **state)
{
    static const int wanted[] = {3, 1};
    decoding d;

    (void) state;
    start_wanted(&d, SCHEMA_FOUR, wanted, LENGTH(wanted), 2, BYTES(RECORD_1 RECORD_2));
    d.values[2].as.integer = 99;
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[0].kind, CS_VALUE_BOOL);
    assert_true(d.values[0].as.boolean);
    assert_int_equal(d.values[1].as.integer, 7);
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[1].as.integer, -1);
    assert_int_equal(d.values[2].as.integer, 99);
    assert_code(next(&d), CS_END, &d.err);
    end(&d);

    start_wanted(&d, SCHEMA_FOUR, NULL, 0, 2, BYTES(RECORD_1 RECORD_2));
    assert_ok(next(&d), &d.err);
    assert_ok(next(&d), &d.err);
    assert_code(next(&d), CS_END, &d.err);
    end(&d);
}

/* Damage that hides where a field ends is found in fields that are not wanted, too. */
static void
test_damage_in_skipped_fields(void **state)
{
    static const int wanted[] = {1};
    decoding d;

    (void) state;
    start_wanted(&d, SCHEMA_FOUR, wanted, 1, 1,
                 BYTES("\x04"
                       "xy"
                       "\x0e"
                       "\x04"
                       "\x01"));
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "field \"c\" is damaged");
    end(&d);
    start_wanted(&d, SCHEMA_FOUR, wanted, 1, 1,
                 BYTES("\x7f"
                       "xy"
                       "\x0e"
                       "\x00"
                       "\x01"));
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "field \"a\" is damaged");
    end(&d);
}

/* After CS_ERR_RANGE the cursor stands behind the record; the message tells which it was. */
static void
test_goes_on_behind_a_refused_record(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_FOUR, 3,
          BYTES(RECORD_1 "\x02\x00"
                         "\x02"
                         "\x00"
                         "\x01" RECORD_2));
    assert_ok(next(&d), &d.err);
    assert_refused(next(&d), CS_ERR_RANGE, &d.err, "field \"a\": string holds a NUL");
    assert_int_equal(d.err.record, 12);
    assert_int_equal(d.err.offset, 100);
    assert_ok(next(&d), &d.err);
    assert_int_equal(d.values[1].as.integer, -1);
    assert_code(next(&d), CS_END, &d.err);
    end(&d);
}

/* A refusal names the field, and its column by its place among the wanted ones. */
static void
test_refused_field_is_named(void **state)
{
    static const int wanted[] = {2, 0};
    decoding d;

    (void) state;
    start_wanted(&d, SCHEMA_FOUR, wanted, LENGTH(wanted), 2,
                 BYTES("\x02\x00"
                       "\x02"
                       "\x00"
                       "\x01"
                       "\x7f"));
    assert_refused(next(&d), CS_ERR_RANGE, &d.err, "field \"a\"");
    assert_int_equal(d.err.field, 1);
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "field \"a\" is damaged");
    end(&d);
    start(&d,
          "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": "
          "\"int\"}, {\"name\": \"b\", \"type\": \"string\"}]}",
          1, BYTES("\x02\x02\xff"));
    assert_refused(next(&d), CS_ERR_RANGE, &d.err, "field \"b\"");
    assert_int_equal(d.err.field, 1);
    end(&d);
}

/* Damage behind a refused value is worse than the value, and ends the block. */
static void
test_damage_behind_a_refused_value(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_FOUR, 2,
          BYTES("\x02\x00"
                "\x02"
                "\x08"
                "\x01" RECORD_2));
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "field \"c\" is damaged");
    assert_int_equal(d.err.record, 11);
    end(&d);
}

static void
test_declared_count(void **state)
{
    decoding d;

    (void) state;
    start(&d, SCHEMA_FOUR, 1, BYTES(RECORD_1 RECORD_2)); /* more bytes than records */
    assert_ok(next(&d), &d.err);
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "12 bytes behind its 1 declared records");
    end(&d);
    start(&d, SCHEMA_FOUR, 3, BYTES(RECORD_1 RECORD_2)); /* more records than bytes */
    assert_ok(next(&d), &d.err);
    assert_ok(next(&d), &d.err);
    assert_refused(next(&d), CS_ERR_DATA, &d.err, "field \"a\" is damaged");
    assert_int_equal(d.err.record, 13);
    end(&d);
}

/* A block cut anywhere gives the whole records, then an error. */
static void
test_cut_at_every_byte(void **state)
{
    static const cs_slice all = BYTES(RECORD_1 RECORD_2);
    const size_t first = sizeof(RECORD_1) - 1;

    (void) state;
    for (size_t len = 0; len < all.len; len++)
    {
        decoding d;

        start(&d, SCHEMA_FOUR, 2, (cs_slice){all.data, len});
        if (len >= first)
            assert_ok(next(&d), &d.err);
        assert_refused(next(&d), CS_ERR_DATA, &d.err, "is damaged");
        end(&d);
    }
}

/* Random bytes as records of every type: values or errors, and nothing beside the block. */
static void
test_random_bytes(void **state)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":[\"null\","
        "\"string\"]},{\"name\":\"b\",\"type\":[\"long\",\"null\"]},{\"name\":\"c\",\"type\":"
        "\"bytes\"},{\"name\":\"d\",\"type\":[\"null\"," MILLIS "]}]}";
    test_random random;
    size_t decoded = 0;

    (void) state;
    test_random_start(&random, "random records");
    for (size_t i = 0; i < test_rounds(20000); i++)
    {
        char bytes[64];
        size_t len = (size_t) test_random_below(&random, sizeof(bytes) + 1);
        decoding d;
        cs_code code;

        for (size_t j = 0; j < len; j++)
            bytes[j] = (char) (test_random_next(&random) >> (56 + test_random_below(&random, 8)));
        start(&d, schema, 3, (cs_slice){bytes, len});
        while ((code = next(&d)) == CS_OK || code == CS_ERR_RANGE)
            decoded++;
        if (code != CS_END)
            assert_code(code, CS_ERR_DATA, &d.err);
        end(&d);
    }
    assert_true(decoded > 0); /* else the bytes are not hostile enough */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_strings_and_bytes),
        cmocka_unit_test(test_time_limits),
        cmocka_unit_test(test_records_of_several_fields),
        cmocka_unit_test(test_wanted_fields),
        cmocka_unit_test(test_damage_in_skipped_fields),
        cmocka_unit_test(test_goes_on_behind_a_refused_record),
        cmocka_unit_test(test_refused_field_is_named),
        cmocka_unit_test(test_damage_behind_a_refused_value),
        cmocka_unit_test(test_declared_count),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests_name("avro_decode", tests, NULL, NULL);
}
