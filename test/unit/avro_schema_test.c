/*
 * test/unit/avro_schema_test.c
 *     Schemas: what is taken, what is refused, and why.
 */
#include "avro_schema.h"
#include "support.h"

#include <stdlib.h>

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define ONE(type) RECORD(FIELD("a", type))

/* The type of a schema's one field and what it is understood as. */
typedef struct good_type
{
    const char *json;
    cs_avro_type type;
    cs_avro_logical logical;
    int null_branch; /* -1 where not nullable */
} good_type;

/* A schema and how it is refused. */
typedef struct bad_schema
{
    const char *json;
    cs_code code;
    const char *message;
} bad_schema;

/* Parse a schema that lies in memory of exactly its size. */
static cs_code
parse(const char *json, cs_avro_schema **schema, cs_error *err)
{
    cs_slice copy = test_exact_copy(cs_slice_of(json));
    cs_code code = cs_avro_schema_parse(cs_malloc_env(), copy.data, copy.len, schema, err);

    test_exact_free(copy);
    return code;
}

#define MILLIS CS_LOGICAL_TIMESTAMP_MILLIS
#define MICROS CS_LOGICAL_TIMESTAMP_MICROS

static const good_type good_types[] = {
    {"\"null\"", CS_AVRO_NULL, CS_LOGICAL_NONE, -1},
    {"\"boolean\"", CS_AVRO_BOOLEAN, CS_LOGICAL_NONE, -1},
    {"\"int\"", CS_AVRO_INT, CS_LOGICAL_NONE, -1},
    {"\"long\"", CS_AVRO_LONG, CS_LOGICAL_NONE, -1},
    {"\"float\"", CS_AVRO_FLOAT, CS_LOGICAL_NONE, -1},
    {"\"double\"", CS_AVRO_DOUBLE, CS_LOGICAL_NONE, -1},
    {"\"bytes\"", CS_AVRO_BYTES, CS_LOGICAL_NONE, -1},
    {"\"string\"", CS_AVRO_STRING, CS_LOGICAL_NONE, -1},
    /* Objects around a type */
    {"{\"type\": \"string\"}", CS_AVRO_STRING, CS_LOGICAL_NONE, -1},
    {"{\"type\": {\"type\": \"string\"}}", CS_AVRO_STRING, CS_LOGICAL_NONE, -1},
    {"{\"type\": {\"type\": {\"type\": \"int\"}}}", CS_AVRO_INT, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"string\", \"avro.java.string\": \"String\"}", CS_AVRO_STRING, CS_LOGICAL_NONE,
     -1},
    /* Logical types */
    {"{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}", CS_AVRO_LONG, MILLIS, -1},
    {"{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}", CS_AVRO_LONG, MICROS, -1},
    {"{\"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}}", CS_AVRO_LONG,
     MICROS, -1},
    /* A logical type that is unknown or stands on a wrong base falls back to the base */
    {"{\"type\": \"string\", \"logicalType\": \"timestamp-millis\"}", CS_AVRO_STRING,
     CS_LOGICAL_NONE, -1},
    {"{\"type\": \"int\", \"logicalType\": \"timestamp-micros\"}", CS_AVRO_INT, CS_LOGICAL_NONE,
     -1},
    {"{\"type\": \"double\", \"logicalType\": \"timestamp-micros\"}", CS_AVRO_DOUBLE,
     CS_LOGICAL_NONE, -1},
    {"{\"type\": \"long\", \"logicalType\": \"sundial\"}", CS_AVRO_LONG, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"long\", \"logicalType\": \"\"}", CS_AVRO_LONG, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"long\", \"logicalType\": 7}", CS_AVRO_LONG, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"long\", \"logicalType\": \"Timestamp-Millis\"}", CS_AVRO_LONG, CS_LOGICAL_NONE,
     -1},
    {"{\"type\": \"int\", \"logicalType\": \"date\"}", CS_AVRO_INT, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": 4, \"scale\": 9}",
     CS_AVRO_BYTES, CS_LOGICAL_NONE, -1},
    {"{\"type\": \"string\", \"logicalType\": \"uuid\"}", CS_AVRO_STRING, CS_LOGICAL_NONE, -1},
    /* Unions with null */
    {"[\"null\", \"long\"]", CS_AVRO_LONG, CS_LOGICAL_NONE, 0},
    {"[\"long\", \"null\"]", CS_AVRO_LONG, CS_LOGICAL_NONE, 1},
    {"[{\"type\": \"null\"}, {\"type\": \"string\"}]", CS_AVRO_STRING, CS_LOGICAL_NONE, 0},
    {"[\"null\", {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}]", CS_AVRO_LONG,
     MILLIS, 0},
    {"[{\"type\": \"long\", \"logicalType\": \"timestamp-micros\"}, \"null\"]", CS_AVRO_LONG,
     MICROS, 1},
};

static void
test_good_types(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(good_types); i++)
    {
        const good_type *expected = &good_types[i];
        cs_avro_schema *schema;
        char json[512];
        cs_error err;

        strcpy(json, "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", "
                     "\"type\": ");
        strcat(strcat(json, expected->json), "}]}");
        assert_outcome(parse(json, &schema, &err), CS_OK, &err, NULL, expected->json);
        assert_int_equal(schema->num_fields, 1);
        assert_int_equal(schema->fields[0].type, expected->type);
        assert_int_equal(schema->fields[0].logical, expected->logical);
        assert_int_equal(schema->fields[0].nullable, expected->null_branch >= 0);
        if (expected->null_branch >= 0)
            assert_int_equal(schema->fields[0].null_branch, expected->null_branch);
        assert_string_equal(schema->json, json); /* the original text is kept */
        assert_int_equal(schema->json_len, strlen(json));
        cs_avro_schema_free(schema);
    }
}

static void
test_record(void **state)
{
    static const char json[] =
        "{\"type\": \"record\", \"name\": \"com.example.Log\", \"namespace\": \"x\", "
        "\"doc\": \"d\", \"aliases\": [\"Old\"], \"fields\": ["
        "{\"name\": \"t\", \"type\": \"long\", \"doc\": \"d\", \"default\": 0},"
        "{\"name\": \"_b1\", \"type\": [\"null\", \"double\"], \"default\": null, \"order\": "
        "\"ignore\"}, {\"name\": \"n\", \"type\": \"null\"}, {\"name\": \"T\", \"type\": "
        "\"double\", \"aliases\": [\"x\"]}, {\"name\": \"f\", \"type\": \"float\"}]}";
    cs_avro_schema *schema;
    cs_error err;

    (void) state;
    assert_ok(parse(json, &schema, &err), &err);
    assert_string_equal(schema->name, "com.example.Log");
    assert_int_equal(schema->num_fields, 5);
    assert_int_equal(schema->min_record_bytes, 1 + 1 + 0 + 8 + 4);
    assert_int_equal(cs_avro_schema_find(schema, "t"), 0);
    assert_int_equal(cs_avro_schema_find(schema, "T"), 3);
    assert_int_equal(cs_avro_schema_find(schema, "_b1"), 1);
    assert_int_equal(cs_avro_schema_find(schema, "x"), -1);
    assert_int_equal(cs_avro_schema_find(schema, ""), -1);
    cs_avro_schema_free(schema);
    cs_avro_schema_free(NULL);
}

static void
test_no_fields(void **state)
{
    cs_avro_schema *schema;
    cs_error err;

    (void) state;
    assert_ok(parse(RECORD(""), &schema, &err), &err);
    assert_int_equal(schema->num_fields, 0);
    assert_int_equal(schema->min_record_bytes, 0);
    assert_int_equal(cs_avro_schema_find(schema, "a"), -1);
    cs_avro_schema_free(schema);
}

static void
test_names(void **state)
{
    static const char *const names[] = {"R", "_", "a1", "HttpLog", "com.example.HttpLog", "a.b._c"};
    static const char *const bad[] = {"",   "1a", "a-b",  "a b", ".",
                                      "a.", ".a", "a..b", "a.1", "\xc3\xa9"};
    cs_avro_schema *schema;
    cs_error err;

    (void) state;
    for (size_t i = 0; i < LENGTH(names) + LENGTH(bad); i++)
    {
        bool is_good = i < LENGTH(names);
        const char *name = is_good ? names[i] : bad[i - LENGTH(names)];
        char json[128] = "{\"type\": \"record\", \"fields\": [], \"name\": \"";

        strcat(strcat(json, name), "\"}");
        assert_outcome(parse(json, &schema, &err), is_good ? CS_OK : CS_ERR_DATA, &err,
                       is_good ? NULL : "record has no valid name", name);
        cs_avro_schema_free(schema);
    }
}

static const bad_schema bad_schemas[] = {
    /* JSON */
    {"", CS_ERR_DATA, "not valid JSON"},
    {"{", CS_ERR_DATA, "not valid JSON"},
    {RECORD("") " x", CS_ERR_DATA, "not valid JSON"},
    {"{\"type\": \"record\", \"name\": \"R\", \"name\": \"S\", \"fields\": []}", CS_ERR_DATA,
     "not valid JSON"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\", \"type\": \"int\"}"), CS_ERR_DATA,
     "not valid JSON"},
    {RECORD(FIELD("a\\u0000b", "\"int\"")), CS_ERR_DATA, "not valid JSON"},
    {RECORD(FIELD("\xff", "\"int\"")), CS_ERR_DATA, "not valid JSON"},
    /* The top */
    {"\"string\"", CS_ERR_UNSUPPORTED, "top-level type is not a record"},
    {"[\"null\", " RECORD("") "]", CS_ERR_UNSUPPORTED, "not a record"},
    {"{\"type\": \"string\"}", CS_ERR_UNSUPPORTED, "not a record"},
    {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"]}", CS_ERR_UNSUPPORTED,
     "not a record"},
    {"{\"type\": \"Record\", \"name\": \"R\", \"fields\": []}", CS_ERR_UNSUPPORTED, "not a record"},
    {"{}", CS_ERR_UNSUPPORTED, "not a record"},
    {"null", CS_ERR_UNSUPPORTED, "not a record"},
    {"7", CS_ERR_UNSUPPORTED, "not a record"},
    {"{\"type\": \"record\", \"fields\": []}", CS_ERR_DATA, "record has no valid name"},
    {"{\"type\": \"record\", \"name\": 1, \"fields\": []}", CS_ERR_DATA, "no valid name"},
    {"{\"type\": \"record\", \"name\": \"R\"}", CS_ERR_DATA, "no list of fields"},
    {"{\"type\": \"record\", \"name\": \"R\", \"fields\": {}}", CS_ERR_DATA, "no list of fields"},
    {"{\"type\": \"record\", \"name\": \"R\", \"fields\": null}", CS_ERR_DATA, "no list of fields"},
    /* Fields */
    {RECORD("\"a\""), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD("null"), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD("{\"type\": \"int\"}"), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD("{\"name\": 1, \"type\": \"int\"}"), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD(FIELD("", "\"int\"")), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("1b", "\"int\"")), CS_ERR_DATA, "field 2"},
    {RECORD(FIELD("a.b", "\"int\"")), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD(FIELD("a b", "\"int\"")), CS_ERR_DATA, "field 1 has no valid name"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("a", "\"int\"")), CS_ERR_DATA,
     "\"a\" is defined twice"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"") "," FIELD("a", "\"long\"")),
     CS_ERR_DATA, "\"a\" is defined twice"},
    {RECORD("{\"name\": \"a\"}"), CS_ERR_DATA, "\"a\" has no valid type"},
    {ONE("null"), CS_ERR_DATA, "no valid type"},
    {ONE("1"), CS_ERR_DATA, "no valid type"},
    {ONE("{}"), CS_ERR_DATA, "no valid type"},
    {ONE("{\"type\": 1}"), CS_ERR_DATA, "no valid type"},
    /* Types */
    {ONE("\"String\""), CS_ERR_DATA, "unknown type \"String\""},
    {ONE("\"\""), CS_ERR_DATA, "unknown type \"\""},
    {ONE("\"R\""), CS_ERR_DATA, "unknown type \"R\""}, /* a record that contains itself */
    {ONE("{\"type\": \"str\"}"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("{\"type\": {\"type\": \"str\"}}"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("{\"type\": \"record\", \"name\": \"S\", \"fields\": []}"), CS_ERR_UNSUPPORTED,
     "of type record, which this version does not read"},
    {ONE("{\"type\": \"error\", \"name\": \"S\", \"fields\": []}"), CS_ERR_UNSUPPORTED, "error"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"]}"), CS_ERR_UNSUPPORTED,
     "enum"},
    {ONE("{\"type\": \"array\", \"items\": \"int\"}"), CS_ERR_UNSUPPORTED, "array"},
    {ONE("{\"type\": \"map\", \"values\": \"int\"}"), CS_ERR_UNSUPPORTED, "map"},
    {ONE("{\"type\": \"fixed\", \"name\": \"F\", \"size\": -1}"), CS_ERR_UNSUPPORTED, "fixed"},
    /* Unions */
    {ONE("[]"), CS_ERR_UNSUPPORTED, "union of 0 types"},
    {ONE("[\"null\"]"), CS_ERR_UNSUPPORTED, "union of 1 types"},
    {ONE("[\"null\", \"int\", \"long\"]"), CS_ERR_UNSUPPORTED, "union of 3 types"},
    {ONE("[\"int\", \"long\"]"), CS_ERR_UNSUPPORTED, "union without null"},
    {ONE("[\"int\", \"int\"]"), CS_ERR_DATA, "holds int twice"},
    {ONE("[\"null\", \"null\"]"), CS_ERR_DATA, "holds null twice"},
    {ONE("[\"null\", {\"type\": \"null\"}]"), CS_ERR_DATA, "holds null twice"},
    {ONE("[\"null\", [\"null\", \"int\"]]"), CS_ERR_DATA, "union inside a union"},
    {ONE("[[\"int\"], \"null\"]"), CS_ERR_DATA, "union inside a union"},
    {ONE("[\"null\", \"str\"]"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("[\"null\", null]"), CS_ERR_DATA, "no valid type"},
    {ONE("[\"null\", {\"type\": \"array\", \"items\": \"int\"}]"), CS_ERR_UNSUPPORTED, "array"},
};

static void
test_bad_schemas(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(bad_schemas); i++)
    {
        const bad_schema *expected = &bad_schemas[i];
        cs_avro_schema *schema;
        cs_error err;

        assert_outcome(parse(expected->json, &schema, &err), expected->code, &err,
                       expected->message, expected->json);
        assert_null(schema);
    }
}

/* Append a text some number of times. */
static void
repeat(cs_buffer *out, const char *text, size_t times)
{
    cs_error err;

    for (size_t i = 0; i < times; i++)
        assert_ok(cs_buffer_append(out, text, strlen(text), &err), &err);
}

/* Nesting ends at a limit and not at the end of the stack. */
static void
check_depth(size_t depth, cs_code expected, const char *message)
{
    cs_avro_schema *schema;
    cs_buffer json;
    cs_error err;

    cs_buffer_init(&json, cs_malloc_env());
    repeat(&json,
           "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", \"type\": ", 1);
    repeat(&json, "{\"type\": ", depth);
    repeat(&json, "\"int\"", 1);
    repeat(&json, "}", depth);
    repeat(&json, "}]}", 1);
    assert_refused(
        cs_avro_schema_parse(cs_malloc_env(), (const char *) json.data, json.len, &schema, &err),
        expected, &err, message);
    cs_avro_schema_free(schema);
    cs_buffer_free(&json);
}

static void
test_deep_nesting(void **state)
{
    (void) state;
    check_depth(10, CS_OK, NULL);
    check_depth(100, CS_ERR_DATA, "no valid type");
    check_depth(500000, CS_ERR_DATA, "not valid JSON");
}

/* Text that is cut anywhere is refused. */
static void
test_cut_everywhere(void **state)
{
    static const char json[] = RECORD(FIELD("a", "[\"null\", {\"type\": \"long\"}]"));

    (void) state;
    for (size_t len = 0; len < sizeof(json) - 1; len++)
    {
        cs_slice copy = test_exact_copy((cs_slice){json, len});
        cs_avro_schema *schema;
        cs_error err;

        assert_refused(cs_avro_schema_parse(cs_malloc_env(), copy.data, copy.len, &schema, &err),
                       CS_ERR_DATA, &err, "not valid JSON");
        test_exact_free(copy);
    }
}

/* A long name does not overrun the message. */
static void
test_long_names(void **state)
{
    cs_avro_schema *schema;
    cs_buffer json;
    cs_error err;

    (void) state;
    cs_buffer_init(&json, cs_malloc_env());
    repeat(&json, "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"", 1);
    repeat(&json, "a", 100000);
    repeat(&json, "\", \"type\": \"", 1);
    repeat(&json, "b", 100000);
    repeat(&json, "\"}]}", 1);
    assert_code(
        cs_avro_schema_parse(cs_malloc_env(), (const char *) json.data, json.len, &schema, &err),
        CS_ERR_DATA, &err);
    assert_true(strlen(err.message) < CS_ERROR_MESSAGE_SIZE);
    cs_buffer_free(&json);
}

static void
test_type_names(void **state)
{
    (void) state;
    assert_string_equal(cs_avro_type_name(CS_AVRO_NULL), "null");
    assert_string_equal(cs_avro_type_name(CS_AVRO_BOOLEAN), "boolean");
    assert_string_equal(cs_avro_type_name(CS_AVRO_LONG), "long");
    assert_string_equal(cs_avro_type_name(CS_AVRO_STRING), "string");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_types),     cmocka_unit_test(test_record),
        cmocka_unit_test(test_no_fields),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_bad_schemas),    cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_type_names),
    };

    return cmocka_run_group_tests_name("avro_schema", tests, NULL, NULL);
}
