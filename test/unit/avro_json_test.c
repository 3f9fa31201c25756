/*
 * test/unit/avro_json_test.c
 *     JSON to Avro and back: values as people write them, what is refused and
 *     why; random values of random schemas make the round trip.
 */
#include "avro_random.h"

#include <math.h>
#include <stdlib.h>

/* Write random values of random schemas and read them back: equal JSON, equal bytes. */
static void
test_round_trip(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "JSON round trip");
    for (size_t i = 0; i < test_rounds(1000); i++)
    {
        cs_avro_schema *schema = random_parsed_schema(&random);
        char *text = strdup(schema->json);
        cs_buffer data, again;
        json_t *given[3], *read;
        avro_case c;

        cs_buffer_init(&data, cs_malloc_env());
        for (size_t j = 0; j < LENGTH(given); j++)
        {
            given[j] = random_value(&random, schema->root);
            assert_outcome(
                cs_avro_encode_json(schema->root, given[j], CS_JSON_PLAIN, &data, &c.err), CS_OK,
                &c.err, NULL, text);
        }
        assert_outcome(case_open_parsed(&c, schema, NULL, NULL), CS_OK, &c.err, NULL, text);
        case_load(&c, LENGTH(given), slice_of_buffer(&data));
        cs_buffer_init(&again, cs_malloc_env());
        for (size_t j = 0; j < LENGTH(given); j++)
        {
            assert_outcome(case_record(&c, &read), CS_OK, &c.err, NULL, text);
            case_check_json(read, given[j], text);
            assert_ok(cs_avro_encode_json(schema->root, read, CS_JSON_PLAIN, &again, &c.err),
                      &c.err);
            json_decref(read);
            json_decref(given[j]);
        }
        assert_code(case_record(&c, &read), CS_END, &c.err);
        assert_same_bytes(slice_of_buffer(&again), slice_of_buffer(&data));
        cs_buffer_free(&data);
        cs_buffer_free(&again);
        case_close(&c);
        free(text);
    }
}

#define LOGICAL(type, name) "{\"type\": \"" type "\", \"logicalType\": \"" name "\"}"
#define DECIMAL(precision, scale)                                                   \
    "{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": " precision \
    ", \"scale\": " scale "}"
#define FIXED(size, rest) "{\"type\": \"fixed\", \"name\": \"F\", \"size\": " size rest "}"
#define RECORD(fields) "{\"type\": \"record\", \"name\": \"n.R\", \"fields\": [" fields "]}"

/* A value as people write it, and the bytes that it becomes or why it is refused. */
typedef struct written
{
    const char *type;
    const char *value;
    cs_slice bytes;
    const char *message; /* NULL where it is taken */
} written;

/* Encode each value. */
static void
check_written(const written *cases, size_t count, cs_avro_json_style style)
{
    for (size_t i = 0; i < count; i++)
    {
        cs_avro_schema *schema = case_schema(cases[i].type);
        json_t *json = case_json(cases[i].value);
        cs_buffer out;
        cs_error err;
        char subject[600];

        snprintf(subject, sizeof(subject), "%.290s as %.290s", cases[i].value, cases[i].type);
        cs_buffer_init(&out, cs_malloc_env());
        assert_ok(cs_buffer_append(&out, "before", 6, &err), &err);
        assert_outcome(cs_avro_encode_json(schema->root, json, style, &out, &err),
                       cases[i].message == NULL ? CS_OK : CS_ERR_RANGE, &err, cases[i].message,
                       subject);
        if (cases[i].message == NULL && out.len != 6 + cases[i].bytes.len)
            fail_msg("%zu bytes: %s", out.len - 6, subject);
        assert_same_bytes(((cs_slice){(char *) out.data + 6, out.len - 6}), cases[i].bytes);
        cs_buffer_free(&out);
        json_decref(json);
        cs_avro_schema_free(schema);
    }
}

#define NOTHING BYTES("")

static void
test_scalars(void **state)
{
    static const written cases[] = {
        {"\"null\"", "null", BYTES(""), NULL},
        {"\"boolean\"", "true", BYTES("\x01"), NULL},
        {"\"boolean\"", "false", BYTES("\x00"), NULL},
        {"\"int\"", "-1", BYTES("\x01"), NULL},
        {"\"int\"", "2147483647", BYTES("\xfe\xff\xff\xff\x0f"), NULL},
        {"\"long\"", "-9223372036854775808", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         NULL},
        {"\"float\"", "1", BYTES("\x00\x00\x80\x3f"), NULL},
        {"\"float\"", "0.1", BYTES("\xcd\xcc\xcc\x3d"), NULL},
        {"\"float\"", "\"-Infinity\"", BYTES("\x00\x00\x80\xff"), NULL},
        {"\"double\"", "-1.5", BYTES("\x00\x00\x00\x00\x00\x00\xf8\xbf"), NULL},
        {"\"double\"", "\"Infinity\"", BYTES("\x00\x00\x00\x00\x00\x00\xf0\x7f"), NULL},
        {"\"string\"", "\"\"", BYTES("\x00"), NULL},
        {"\"string\"", "\"\\u00e9\"", BYTES("\x04\xc3\xa9"), NULL},
        {"\"bytes\"", "\"\\\\x\"", BYTES("\x00"), NULL},
        {"\"bytes\"", "\"\\\\x00fFA0\"", BYTES("\x06\x00\xff\xa0"), NULL},
        {FIXED("2", ""), "\"\\\\x0102\"", BYTES("\x01\x02"), NULL},
        {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"B\"]}", "\"B\"",
         BYTES("\x02"), NULL},
        /* Refused */
        {"\"null\"", "0", NOTHING, "0 is not a value of type null"},
        {"\"boolean\"", "1", NOTHING, "1 is not a value of type boolean"},
        {"\"boolean\"", "\"true\"", NOTHING, "\"true\" is not a value of type boolean"},
        {"\"int\"", "2147483648", NOTHING, "2147483648 is out of range for int"},
        {"\"int\"", "1.0", NOTHING, "1.0 is not a value of type int"},
        {"\"int\"", "\"1\"", NOTHING, "\"1\" is not a value of type int"},
        {"\"long\"", "null", NOTHING, "null is not a value of type long"},
        {"\"double\"", "\"1.5\"", NOTHING, "is not a value of type double"},
        {"\"double\"", "\"nan\"", NOTHING, "is not a value of type double"},
        {"\"double\"", "true", NOTHING, "is not a value of type double"},
        {"\"string\"", "7", NOTHING, "7 is not a value of type string"},
        {"\"string\"", "[\"a\"]", NOTHING, "an array is not a value of type string"},
        {"\"string\"", "{}", NOTHING, "an object is not a value of type string"},
        {"\"bytes\"", "\"00\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "\"\\\\x0\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "\"\\\\x0g\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "\"\\\\x00\\u000000\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "\"\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "1", NOTHING, "1 is not a value of type bytes"},
        {FIXED("2", ""), "\"\\\\x01\"", NOTHING, "1 bytes do not fit a fixed of 2"},
        {FIXED("2", ""), "\"\\\\x010203\"", NOTHING, "3 bytes do not fit a fixed of 2"},
        {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"B\"]}", "\"C\"", NOTHING,
         "\"C\" is not one of the enum's symbols"},
        {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"B\"]}", "0", NOTHING,
         "0 is not a value of type enum"},
    };

    (void) state;
    check_written(cases, LENGTH(cases), CS_JSON_PLAIN);
}

static const written logical_types_cases[] = {
    {LOGICAL("int", "date"), "\"1970-01-02\"", BYTES("\x02"), NULL},
    {LOGICAL("int", "date"), "\"1969-12-31\"", BYTES("\x01"), NULL},
    {LOGICAL("int", "time-millis"), "\"00:00:00.001\"", BYTES("\x02"), NULL},
    {LOGICAL("long", "time-micros"), "\"00:00:00.001\"", BYTES("\xd0\x0f"), NULL},
    {LOGICAL("long", "timestamp-millis"), "\"1970-01-01T00:00:00.001Z\"", BYTES("\x02"), NULL},
    {LOGICAL("long", "timestamp-millis"), "\"1970-01-01T08:00:00+08:00\"", BYTES("\x00"), NULL},
    {LOGICAL("long", "timestamp-micros"), "\"1970-01-01 00:00:00.000001 UTC\"", BYTES("\x02"),
     NULL},
    {LOGICAL("long", "timestamp-nanos"), "\"1969-12-31T23:59:59.999999999Z\"", BYTES("\x01"), NULL},
    {LOGICAL("long", "timestamp-nanos"), "\"1677-09-21T00:12:43.145224192Z\"",
     BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL},
    {LOGICAL("long", "timestamp-nanos"), "\"2262-04-11T23:47:16.854775807Z\"",
     BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL},
    {LOGICAL("long", "timestamp-nanos"), "\"1677-09-21T00:12:43.145224191Z\"", NOTHING,
     "out of range"},
    {LOGICAL("long", "timestamp-nanos"), "\"2262-04-11T23:47:16.854775808Z\"", NOTHING,
     "out of range"},
    {LOGICAL("long", "timestamp-nanos"), "\"1970-01-01T00:00:00.0000001Z\"", BYTES("\xc8\x01"),
     NULL},
    {LOGICAL("long", "local-timestamp-millis"), "\"1970-01-01T00:00:01\"", BYTES("\xd0\x0f"), NULL},
    {LOGICAL("string", "uuid"), "\"0123ABCD-0123-4567-89ab-0123456789ab\"",
     BYTES("\x48"
           "0123abcd-0123-4567-89ab-0123456789ab"),
     NULL},
    {FIXED("16", ", \"logicalType\": \"uuid\""), "\"00010203-0405-0607-0809-0a0b0c0d0e0f\"",
     BYTES("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"), NULL},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P1M2DT3.004S\"",
     BYTES("\x01\x00\x00\x00\x02\x00\x00\x00\xbc\x0b\x00\x00"), NULL},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"PT0S\"",
     BYTES("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), NULL},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P4294967295DT4294967.295S\"",
     BYTES("\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"), NULL},
    {DECIMAL("4", "2"), "\"12.34\"", BYTES("\x04\x04\xd2"), NULL},
    {DECIMAL("4", "2"), "\"-0.01\"", BYTES("\x02\xff"), NULL},
    {DECIMAL("4", "2"), "\"12.3\"", BYTES("\x04\x04\xce"), NULL},
    {DECIMAL("4", "2"), "12.34", BYTES("\x04\x04\xd2"), NULL},
    {DECIMAL("4", "2"), "12", BYTES("\x04\x04\xb0"), NULL},
    {FIXED("4", ", \"logicalType\": \"decimal\", \"precision\": 4, \"scale\": 2"), "\"-12.34\"",
     BYTES("\xff\xff\xfb\x2e"), NULL},
    /* Refused */
    {LOGICAL("int", "date"), "\"1970-15-13\"", NOTHING, "is not a value of type date"},
    {LOGICAL("int", "date"), "\"1970-00-13\"", NOTHING, "is not a value of type date"},
    {LOGICAL("int", "date"), "\"1970-02-30\"", NOTHING, "is not a value of type date"},
    {LOGICAL("int", "date"), "\"1970-01-01T00:00:00Z\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "1", NOTHING, "1 is not a value of type date"},
    {LOGICAL("int", "date"), "\"1970-01- 1\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "\"1970-+1-+1\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "\"10000-01-01\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "\" 1970-01-01\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "\"-4713-11-23\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "date"), "\"+5881581-01-01\"", NOTHING, "date"},
    {LOGICAL("int", "date"), "\"\"", NOTHING, "not a value of type date"},
    {LOGICAL("int", "time-millis"), "\"24:00:00\"", NOTHING, "not a value of type time-millis"},
    {LOGICAL("int", "time-millis"), "\"00:00:00.0001\"", NOTHING, "finer than milliseconds"},
    {LOGICAL("int", "time-millis"), "\"00:00\"", NOTHING, "not a value of type time-millis"},
    {LOGICAL("int", "time-millis"), "\"00:00:00Z\"", NOTHING, "not a value of type time-millis"},
    {LOGICAL("long", "timestamp-millis"), "\"1970-01-01T00:00:00.0001Z\"", NOTHING,
     "finer than milliseconds"},
    {LOGICAL("long", "timestamp-micros"), "\"1970-01-01T00:00:00.0000001Z\"", NOTHING,
     "finer than microseconds"},
    {LOGICAL("long", "timestamp-nanos"), "\"1970-01-01T00:00:00.0000000001Z\"", NOTHING,
     "not a value of type timestamp-nanos"},
    {LOGICAL("long", "timestamp-nanos"), "\"2300-01-01T00:00:00Z\"", NOTHING, "out of range"},
    {LOGICAL("long", "timestamp-micros"), "\"1970-13-01T00:00:00Z\"", NOTHING,
     "not a value of type timestamp-micros"},
    {LOGICAL("long", "timestamp-micros"), "\"1970-01-01\"", NOTHING, "not a value of"},
    {LOGICAL("long", "timestamp-micros"), "\"1970-01-01T00:00:00Z\\u0000\"", NOTHING,
     "not a value of"},
    {LOGICAL("long", "timestamp-micros"), "0", NOTHING, "not a value of"},
    {LOGICAL("long", "timestamp-micros"), "\"+294277-01-01T00:00:00Z\"", NOTHING, "out of range"},
    {LOGICAL("string", "uuid"), "\"0123abcd-0123-4567-89ab-0123456789a\"", NOTHING,
     "not a value of type uuid"},
    {LOGICAL("string", "uuid"), "\"0123abcd0-123-4567-89ab-0123456789ab\"", NOTHING, "uuid"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P1M2D\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P1M2DT3.0041S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P1M2DT3.S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"PT3\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"PT3Sx\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P4294967296DT0S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"PT4294967.296S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"PT18446744073709551617S\"", NOTHING,
     "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P-1DT0S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"P1D2MT0S\"", NOTHING, "duration"},
    {FIXED("12", ", \"logicalType\": \"duration\""), "\"\"", NOTHING, "duration"},
    {DECIMAL("4", "2"), "\"1.234\"", NOTHING, "more than 2 digits behind the point"},
    {DECIMAL("4", "2"), "\"100.00\"", NOTHING, "decimal has more than 4 digits"},
    {DECIMAL("4", "2"), "\"x\"", NOTHING, "\"x\" is not a decimal number"},
    {DECIMAL("4", "2"), "true", NOTHING, "true is not a value of type decimal"},
};

static void
test_logical_types(void **state)
{
    (void) state;
    check_written(logical_types_cases, LENGTH(logical_types_cases), CS_JSON_PLAIN);
}

static const written nested_cases[] = {
    {"{\"type\": \"array\", \"items\": \"int\"}", "[]", BYTES("\x00"), NULL},
    {"{\"type\": \"array\", \"items\": \"int\"}", "[1, 2]", BYTES("\x04\x02\x04\x00"), NULL},
    {"{\"type\": \"map\", \"values\": \"int\"}", "{}", BYTES("\x00"), NULL},
    {"{\"type\": \"map\", \"values\": \"int\"}", "{\"k\": 1}", BYTES("\x02\x02k\x02\x00"), NULL},
    {RECORD("{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"b\", \"type\": \"string\", "
            "\"default\": \"d\"}"),
     "{\"a\": 1}",
     BYTES("\x02\x02"
           "d"),
     NULL},
    {RECORD("{\"name\": \"a\", \"type\": \"int\"}, {\"name\": \"b\", \"type\": \"string\"}"),
     "{\"b\": \"x\", \"a\": 1}", BYTES("\x02\x02x"), NULL},
    {RECORD(""), "{}", BYTES(""), NULL},
    /* Unions */
    {"[\"null\", \"int\"]", "null", BYTES("\x00"), NULL},
    {"[\"null\", \"int\"]", "1", BYTES("\x02\x02"), NULL},
    {"[\"int\", \"long\"]", "2147483648", BYTES("\x02\x80\x80\x80\x80\x10"), NULL},
    {"[\"double\", \"long\"]", "1", BYTES("\x02\x02"), NULL}, /* the kind of number stays */
    {"[\"float\", \"double\"]", "0.5", BYTES("\x00\x00\x00\x00\x3f"), NULL},
    {"[\"float\", \"double\"]", "0.1", BYTES("\x02\x9a\x99\x99\x99\x99\x99\xb9\x3f"), NULL},
    {"[\"string\", \"float\"]", "0.1", BYTES("\x02\xcd\xcc\xcc\x3d"), NULL},
    {"[\"string\", \"double\"]", "1", BYTES("\x02\x00\x00\x00\x00\x00\x00\xf0\x3f"), NULL},
    {"[\"int\", " LOGICAL("long", "timestamp-millis") ", \"string\"]", "\"1970-01-01T00:00:00Z\"",
     BYTES("\x02\x00"), NULL},
    {"[\"int\", " LOGICAL("long", "timestamp-millis") ", \"string\"]", "\"x\"", BYTES("\x04\x02x"),
     NULL},
    {"[" RECORD(
         "{\"name\": \"a\", \"type\": \"int\"}") ", {\"type\": \"map\", \"values\": \"long\"}]",
     "{\"a\": 1, \"b\": 2}",
     BYTES("\x02\x04\x02"
           "a\x02\x02"
           "b\x04\x00"),
     NULL},
    /* Refused, with the path to the value */
    {"{\"type\": \"array\", \"items\": \"int\"}", "{}", NOTHING,
     "an object is not a value of type array"},
    {"{\"type\": \"array\", \"items\": \"int\"}", "[1, \"x\"]", NOTHING,
     "\"x\" is not a value of type int"},
    {"{\"type\": \"map\", \"values\": \"int\"}", "[]", NOTHING, "not a value of type map"},
    {"{\"type\": \"map\", \"values\": \"int\"}", "{\"k\": null}", NOTHING,
     "k: null is not a value of type int"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\"}"), "{}", NOTHING,
     "field \"a\" is missing and has no default"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\"}"), "{\"a\": 1, \"b\": 2}", NOTHING,
     "the object has members that record \"R\" lacks"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\"}"), "[1]", NOTHING, "not a value of type record"},
    {RECORD("{\"name\": \"a\", \"type\": {\"type\": \"map\", \"values\": {\"type\": \"array\", "
            "\"items\": \"int\"}}}"),
     "{\"a\": {\"k\": [1, true]}}", NOTHING, "a: k: true is not a value of type int"},
    {"[\"null\", \"int\"]", "\"x\"", NOTHING, "\"x\" is not a value of type union"},
    {"[\"int\"]", "2147483648", NOTHING, "out of range for int"},
};

static void
test_nested(void **state)
{
    (void) state;
    check_written(nested_cases, LENGTH(nested_cases), CS_JSON_PLAIN);
}

/* In the style of defaults logical types are as their base, bytes are code points. */
static void
test_default_style(void **state)
{
    static const written cases[] = {
        {"\"bytes\"", "\"\"", BYTES("\x00"), NULL},
        {"\"bytes\"", "\"\\u0000A\\u00ff\"",
         BYTES("\x06\x00"
               "A\xff"),
         NULL},
        {"\"bytes\"", "\"\\\\x00\"", BYTES("\x08\\x00"), NULL},
        {FIXED("2", ""), "\"\\u0080\\u00bf\"", BYTES("\x80\xbf"), NULL},
        {"\"string\"", "\"\\u0000\"", BYTES("\x02\x00"), NULL},
        {LOGICAL("int", "date"), "1", BYTES("\x02"), NULL},
        {LOGICAL("long", "timestamp-nanos"), "-1", BYTES("\x01"), NULL},
        {LOGICAL("string", "uuid"), "\"x\"", BYTES("\x02x"), NULL},
        {DECIMAL("4", "2"), "\"\\u0004\\u00d2\"", BYTES("\x04\x04\xd2"), NULL},
        {"[\"float\", \"double\"]", "0.1", BYTES("\x00\xcd\xcc\xcc\x3d"), NULL}, /* the first */
        {"[\"double\", \"long\"]", "1", BYTES("\x00\x00\x00\x00\x00\x00\x00\xf0\x3f"), NULL},
        {"\"bytes\"", "\"\\u0100\"", NOTHING, "is not a value of type bytes"},
        {"\"bytes\"", "\"\\u20ac\"", NOTHING, "is not a value of type bytes"},
        {LOGICAL("int", "date"), "\"1970-01-01\"", NOTHING, "is not a value of type int"},
        {FIXED("2", ""), "\"abc\"", NOTHING, "3 bytes do not fit a fixed of 2"},
    };

    (void) state;
    check_written(cases, LENGTH(cases), CS_JSON_DEFAULT);
}

/* Any bytes can be given as code points. */
static void
test_code_points(void **state)
{
    cs_avro_schema *schema = case_schema("\"bytes\"");
    test_random random;

    (void) state;
    test_random_start(&random, "code points");
    for (size_t i = 0; i < test_rounds(2000); i++)
    {
        uint8_t bytes[12];
        char text[80] = "\"";
        size_t len = (size_t) test_random_below(&random, sizeof(bytes));
        json_t *json;
        cs_buffer out;
        cs_error err;

        for (size_t j = 0; j < len; j++)
        {
            bytes[j] = (uint8_t) test_random_next(&random);
            sprintf(text + strlen(text), "\\u%04x", bytes[j]);
        }
        json = case_json(strcat(text, "\""));
        cs_buffer_init(&out, cs_malloc_env());
        assert_ok(cs_avro_encode_json(schema->root, json, CS_JSON_DEFAULT, &out, &err), &err);
        assert_int_equal(out.len, 1 + len);
        assert_int_equal(out.data[0], 2 * len);
        assert_memory_equal(out.data + 1, bytes, len);
        cs_buffer_free(&out);
        json_decref(json);
    }
    cs_avro_schema_free(schema);
}

/* Unions inside unions of a hostile schema do not multiply without end; a long value is not quoted.
 */
static void
test_limits(void **state)
{
    cs_buffer type;
    cs_avro_schema *schema;
    json_t *json = json_string("x");
    cs_buffer out;
    cs_error err;

    (void) state;
    cs_buffer_init(&type, cs_malloc_env());
    for (int i = 0; i < 40; i++)
        assert_ok(cs_buffer_printf(
                      &type, &err,
                      "[{\"type\":\"map\",\"values\":\"int\"},{\"type\":\"array\",\"items\":"),
                  &err);
    assert_ok(cs_buffer_printf(&type, &err, "\"int\""), &err);
    for (int i = 0; i < 40; i++)
    {
        json_t *outer = json_array();

        assert_ok(cs_buffer_printf(&type, &err, "}]"), &err);
        json_array_append_new(outer, json);
        json = outer;
    }
    assert_ok(cs_buffer_append(&type, "", 1, &err), &err);
    schema = case_schema((char *) type.data);
    cs_buffer_init(&out, cs_malloc_env());
    assert_refused(cs_avro_encode_json(schema->root, json, CS_JSON_PLAIN, &out, &err), CS_ERR_RANGE,
                   &err, "an array is not a value of type union");
    assert_int_equal(out.len, 0);
    cs_buffer_free(&out);
    cs_buffer_free(&type);
    json_decref(json);
    cs_avro_schema_free(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),     cmocka_unit_test(test_logical_types),
        cmocka_unit_test(test_nested),      cmocka_unit_test(test_default_style),
        cmocka_unit_test(test_code_points), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_round_trip),
    };

    return cmocka_run_group_tests_name("avro_json", tests, NULL, NULL);
}
