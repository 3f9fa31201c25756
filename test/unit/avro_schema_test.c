/*
 * test/unit/avro_schema_test.c
 *     Schemas: what is taken, what is refused, and why.
 */
#include "avro_value.h"
#include "support.h"

#include <stdlib.h>

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define ONE(type) RECORD(FIELD("a", type))

/* The type of a schema's one field and what it is understood as. */
typedef struct good_type
{
    const char *json;
    const char *described; /* as cs_avro_type_describe has it */
    cs_value_kind kind;    /* of its values */
    bool nullable;
    uint64_t min_bytes;
    int64_t fixed_bytes;
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

#define VARIABLE CS_AVRO_VARIABLE
#define LOGICAL(type, name) "{\"type\": \"" type "\", \"logicalType\": \"" name "\"}"
#define DECIMAL(head, rest) "{" head ", \"logicalType\": \"decimal\"" rest "}"
#define FIXED(size) "\"type\": \"fixed\", \"name\": \"F\", \"size\": " size

static const good_type good_types[] = {
    /* Primitive types */
    {"\"null\"", "null", CS_VALUE_NULL, true, 0, 0},
    {"\"boolean\"", "boolean", CS_VALUE_BOOL, false, 1, 1},
    {"\"int\"", "int", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {"\"long\"", "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {"\"float\"", "float", CS_VALUE_FLOAT, false, 4, 4},
    {"\"double\"", "double", CS_VALUE_DOUBLE, false, 8, 8},
    {"\"bytes\"", "bytes", CS_VALUE_BYTES, false, 1, VARIABLE},
    {"\"string\"", "string", CS_VALUE_STRING, false, 1, VARIABLE},
    /* Objects around a type */
    {"{\"type\": \"string\"}", "string", CS_VALUE_STRING, false, 1, VARIABLE},
    {"{\"type\": {\"type\": \"string\"}}", "string", CS_VALUE_STRING, false, 1, VARIABLE},
    {"{\"type\": {\"type\": {\"type\": \"int\"}}}", "int", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {"{\"type\": [\"null\", \"int\"]}", "union<null, int>", CS_VALUE_INTEGER, true, 1, VARIABLE},
    {"{\"type\": \"string\", \"avro.java.string\": \"String\"}", "string", CS_VALUE_STRING, false,
     1, VARIABLE},
    /* Named types */
    {"{\"type\": \"record\", \"name\": \"S\", \"fields\": []}", "record S", CS_VALUE_NESTED, false,
     0, 0},
    {"{\"type\": \"error\", \"name\": \"S\", \"fields\": [" FIELD("x", "\"double\"") "]}",
     "record S", CS_VALUE_NESTED, false, 8, 8},
    {"{\"type\": \"enum\", \"name\": \"x.E\", \"symbols\": [\"A\"]}", "enum E", CS_VALUE_STRING,
     false, 1, VARIABLE},
    {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": []}", "enum E", CS_VALUE_STRING, false, 1,
     VARIABLE},
    {"{" FIXED("16") "}", "fixed F(16)", CS_VALUE_BYTES, false, 16, 16},
    {"{" FIXED("0") "}", "fixed F(0)", CS_VALUE_BYTES, false, 0, 0},
    /* Types of types */
    {"{\"type\": \"array\", \"items\": \"string\"}", "array<string>", CS_VALUE_NESTED, false, 1,
     VARIABLE},
    {"{\"type\": \"array\", \"items\": \"null\"}", "array<null>", CS_VALUE_NESTED, false, 1,
     VARIABLE},
    {"{\"type\": \"map\", \"values\": {\"type\": \"array\", \"items\": \"double\"}}",
     "map<array<double>>", CS_VALUE_NESTED, false, 1, VARIABLE},
    /* Unions: of null and one type, of numbers, others */
    {"[\"null\", \"long\"]", "union<null, long>", CS_VALUE_INTEGER, true, 1, VARIABLE},
    {"[\"long\", \"null\"]", "union<long, null>", CS_VALUE_INTEGER, true, 1, VARIABLE},
    {"[\"long\"]", "union<long>", CS_VALUE_INTEGER, false, 2, VARIABLE},
    {"[\"null\"]", "union<null>", CS_VALUE_NULL, true, 1, VARIABLE},
    {"[\"double\", \"float\"]", "union<double, float>", CS_VALUE_DOUBLE, false, 5, VARIABLE},
    {"[{\"type\": \"null\"}, {\"type\": \"string\"}]", "union<null, string>", CS_VALUE_STRING, true,
     1, VARIABLE},
    {"[\"int\", \"long\"]", "union<int, long>", CS_VALUE_INTEGER, false, 2, VARIABLE},
    {"[\"int\", \"null\", \"float\"]", "union<int, null, float>", CS_VALUE_DOUBLE, true, 1,
     VARIABLE},
    {"[\"long\", \"string\"]", "union<long, string>", CS_VALUE_NESTED, false, 2, VARIABLE},
    {"[\"null\", \"long\", \"string\"]", "union<null, long, string>", CS_VALUE_NESTED, true, 1,
     VARIABLE},
    {"[\"int\", " LOGICAL("long", "timestamp-millis") "]", "union<int, timestamp-millis>",
     CS_VALUE_NESTED, false, 2, VARIABLE},
    {"[{" FIXED("2") "}, {\"type\": \"fixed\", \"name\": \"G\", \"size\": 2}]",
     "union<fixed F(2), fixed G(2)>", CS_VALUE_NESTED, false, 3, VARIABLE},
    /* Logical types */
    {LOGICAL("int", "date"), "date", CS_VALUE_DATE, false, 1, VARIABLE},
    {LOGICAL("int", "time-millis"), "time-millis", CS_VALUE_TIME_OF_DAY, false, 1, VARIABLE},
    {LOGICAL("long", "time-micros"), "time-micros", CS_VALUE_TIME_OF_DAY, false, 1, VARIABLE},
    {LOGICAL("long", "timestamp-millis"), "timestamp-millis", CS_VALUE_TIME, false, 1, VARIABLE},
    {LOGICAL("long", "timestamp-micros"), "timestamp-micros", CS_VALUE_TIME, false, 1, VARIABLE},
    {LOGICAL("long", "timestamp-nanos"), "timestamp-nanos", CS_VALUE_TIME, false, 1, VARIABLE},
    {LOGICAL("long", "local-timestamp-millis"), "local-timestamp-millis", CS_VALUE_LOCAL_TIME,
     false, 1, VARIABLE},
    {LOGICAL("long", "local-timestamp-micros"), "local-timestamp-micros", CS_VALUE_LOCAL_TIME,
     false, 1, VARIABLE},
    {LOGICAL("long", "local-timestamp-nanos"), "local-timestamp-nanos", CS_VALUE_LOCAL_TIME, false,
     1, VARIABLE},
    {LOGICAL("string", "uuid"), "uuid", CS_VALUE_UUID, false, 1, VARIABLE},
    {"{" FIXED("16") ", \"logicalType\": \"uuid\"}", "uuid", CS_VALUE_UUID, false, 16, 16},
    {"{" FIXED("12") ", \"logicalType\": \"duration\"}", "duration", CS_VALUE_DURATION, false, 12,
     12},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": 4, \"scale\": 2"), "decimal(4,2)",
     CS_VALUE_DECIMAL, false, 1, VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": 4"), "decimal(4,0)", CS_VALUE_DECIMAL, false,
     1, VARIABLE},
    {DECIMAL(FIXED("8"), ", \"precision\": 18, \"scale\": 18"), "decimal(18,18)", CS_VALUE_DECIMAL,
     false, 8, 8},
    {"{\"type\": " LOGICAL("long", "timestamp-micros") "}", "timestamp-micros", CS_VALUE_TIME,
     false, 1, VARIABLE},
    {"[\"null\", " LOGICAL("long", "timestamp-micros") "]", "union<null, timestamp-micros>",
     CS_VALUE_TIME, true, 1, VARIABLE},
    /* A logical type that is unknown, or wrong where it stands, falls back to the base */
    {LOGICAL("string", "timestamp-millis"), "string", CS_VALUE_STRING, false, 1, VARIABLE},
    {LOGICAL("int", "timestamp-micros"), "int", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("long", "date"), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("long", "time-millis"), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("int", "time-micros"), "int", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("double", "timestamp-micros"), "double", CS_VALUE_DOUBLE, false, 8, 8},
    {LOGICAL("bytes", "uuid"), "bytes", CS_VALUE_BYTES, false, 1, VARIABLE},
    {LOGICAL("bytes", "duration"), "bytes", CS_VALUE_BYTES, false, 1, VARIABLE},
    {LOGICAL("long", "sundial"), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("long", ""), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("long", "Timestamp-Millis"), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {LOGICAL("long", "timestamp-millis\\u0000"), "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {"{\"type\": \"long\", \"logicalType\": 7}", "long", CS_VALUE_INTEGER, false, 1, VARIABLE},
    {"{" FIXED("15") ", \"logicalType\": \"uuid\"}", "fixed F(15)", CS_VALUE_BYTES, false, 15, 15},
    {"{" FIXED("13") ", \"logicalType\": \"duration\"}", "fixed F(13)", CS_VALUE_BYTES, false, 13,
     13},
    {DECIMAL("\"type\": \"bytes\"", ""), "bytes", CS_VALUE_BYTES, false, 1, VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": 0"), "bytes", CS_VALUE_BYTES, false, 1,
     VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": -1"), "bytes", CS_VALUE_BYTES, false, 1,
     VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": 4, \"scale\": 5"), "bytes", CS_VALUE_BYTES,
     false, 1, VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": 4, \"scale\": -1"), "bytes", CS_VALUE_BYTES,
     false, 1, VARIABLE},
    {DECIMAL("\"type\": \"bytes\"", ", \"precision\": \"4\""), "bytes", CS_VALUE_BYTES, false, 1,
     VARIABLE},
    {DECIMAL("\"type\": \"string\"", ", \"precision\": 4"), "string", CS_VALUE_STRING, false, 1,
     VARIABLE},
    {DECIMAL(FIXED("8"), ", \"precision\": 19"), "fixed F(8)", CS_VALUE_BYTES, false, 8, 8},
    {DECIMAL(FIXED("0"), ", \"precision\": 1"), "fixed F(0)", CS_VALUE_BYTES, false, 0, 0},
};

/* Fail unless a type is described as expected. */
static void
check_description(const cs_avro_node *type, const char *expected)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, cs_malloc_env());
    assert_ok(cs_avro_type_describe(type, &text, &err), &err);
    assert_same_bytes(slice_of_buffer(&text), cs_slice_of(expected));
    cs_buffer_free(&text);
}

static void
test_good_types(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(good_types); i++)
    {
        const good_type *expected = &good_types[i];
        const cs_avro_node *type;
        cs_avro_schema *schema;
        cs_avro_shape shape;
        char json[512];
        cs_error err;

        strcpy(json, "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": \"a\", "
                     "\"type\": ");
        strcat(strcat(json, expected->json), "}]}");
        assert_outcome(parse(json, &schema, &err), CS_OK, &err, NULL, expected->json);
        assert_int_equal(schema->num_fields, 1);
        type = schema->fields[0].type;
        shape = cs_avro_shape_of(type);
        check_description(type, expected->described);
        assert_int_equal(shape.kind, expected->kind);
        assert_int_equal(shape.nullable, expected->nullable);
        assert_int_equal(type->min_bytes, expected->min_bytes);
        assert_int_equal(type->fixed_bytes, expected->fixed_bytes);
        assert_int_equal(schema->root->min_bytes, expected->min_bytes);
        assert_int_equal(schema->root->fixed_bytes, expected->fixed_bytes);
        assert_string_equal(schema->json, json); /* the original text is kept */
        assert_int_equal(schema->json_len, strlen(json));
        cs_avro_schema_free(schema);
    }
}

/* A top type that is no record is one column. */
static void
test_top_types(void **state)
{
    static const char *const tops[][2] = {
        {"\"string\"", "string"},
        {"{\"type\": \"string\"}", "string"},
        {"[\"null\", " RECORD("") "]", "union<null, record R>"},
        {"{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"]}", "enum E"},
        {"{\"type\": \"array\", \"items\": " RECORD("") "}", "array<record R>"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(tops); i++)
    {
        cs_avro_schema *schema;
        cs_error err;

        assert_outcome(parse(tops[i][0], &schema, &err), CS_OK, &err, NULL, tops[i][0]);
        assert_int_equal(schema->num_fields, 1);
        assert_string_equal(schema->fields[0].name, "value");
        assert_false(schema->fields[0].has_default);
        assert_ptr_equal(schema->fields[0].type, schema->root);
        assert_int_equal(cs_avro_schema_find(schema, "value"), 0);
        check_description(schema->root, tops[i][1]);
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
    assert_string_equal(schema->root->name, "com.example.Log");
    assert_int_equal(schema->root->aliases.count, 1);
    assert_string_equal(schema->root->aliases.items[0], "com.example.Old");
    assert_int_equal(schema->num_fields, 5);
    assert_int_equal(schema->root->min_bytes, 1 + 1 + 0 + 8 + 4);
    assert_int_equal(schema->root->fixed_bytes, CS_AVRO_VARIABLE);
    assert_int_equal(schema->fields[3].aliases.count, 1);
    assert_string_equal(schema->fields[3].aliases.items[0], "x");
    assert_true(schema->fields[0].has_default);
    assert_same_bytes(schema->fields[0].default_bytes, ((cs_slice){"", 1}));
    assert_string_equal(schema->fields[0].default_json, "0");
    assert_string_equal(schema->fields[1].default_json, "null");
    assert_false(schema->fields[2].has_default);
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
    assert_int_equal(schema->root->min_bytes, 0);
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
    {RECORD(FIELD("\xff", "\"int\"")), CS_ERR_DATA, "not valid JSON"},
    /* The top */
    {"{\"type\": \"Record\", \"name\": \"R\", \"fields\": []}", CS_ERR_DATA,
     "unknown type \"Record\""},
    {"{}", CS_ERR_DATA, "has no valid type"},
    {"null", CS_ERR_DATA, "has no valid type"},
    {"7", CS_ERR_DATA, "has no valid type"},
    {"{\"type\": \"record\", \"fields\": []}", CS_ERR_DATA, "record has no valid name"},
    {"{\"type\": \"record\", \"name\": 1, \"fields\": []}", CS_ERR_DATA, "no valid name"},
    {"{\"type\": \"record\", \"name\": \"R\"}", CS_ERR_DATA, "\"R\" has no list of fields"},
    {"{\"type\": \"record\", \"name\": \"R\", \"fields\": {}}", CS_ERR_DATA, "no list of fields"},
    {"{\"type\": \"record\", \"name\": \"R\", \"fields\": null}", CS_ERR_DATA, "no list of fields"},
    {"{\"type\": \"record\", \"name\": \"R\", \"namespace\": \"1\", \"fields\": []}", CS_ERR_DATA,
     "namespace \"1\" is not valid"},
    {"{\"type\": \"record\", \"name\": \"R\", \"aliases\": \"S\", \"fields\": []}", CS_ERR_DATA,
     "the aliases are not a list"},
    {"{\"type\": \"record\", \"name\": \"R\", \"aliases\": [\"a-b\"], \"fields\": []}", CS_ERR_DATA,
     "the aliases hold what is not a name"},
    /* Fields */
    {RECORD("\"a\""), CS_ERR_DATA, "field 1 of record \"R\" has no valid name"},
    {RECORD("null"), CS_ERR_DATA, "field 1 of record \"R\" has no valid name"},
    {RECORD("{\"type\": \"int\"}"), CS_ERR_DATA, "field 1 of record \"R\" has no valid name"},
    {RECORD("{\"name\": 1, \"type\": \"int\"}"), CS_ERR_DATA, "field 1 of record"},
    {RECORD(FIELD("", "\"int\"")), CS_ERR_DATA, "field 1 of record"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("1b", "\"int\"")), CS_ERR_DATA, "field 2"},
    {RECORD(FIELD("a.b", "\"int\"")), CS_ERR_DATA, "has no valid name"},
    {RECORD(FIELD("a b", "\"int\"")), CS_ERR_DATA, "has no valid name"},
    {RECORD(FIELD("a\\u0000b", "\"int\"")), CS_ERR_DATA, "has no valid name"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("a", "\"int\"")), CS_ERR_DATA,
     "field \"a\" of record \"R\" is defined twice"},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"") "," FIELD("a", "\"long\"")),
     CS_ERR_DATA, "\"a\" of record \"R\" is defined twice"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\", \"aliases\": [\"b\", \"b\"]}"), CS_ERR_DATA,
     "field \"a\" of record \"R\": b is named twice"},
    {RECORD("{\"name\": \"a\", \"type\": \"int\", \"aliases\": [\"b.c\"]}"), CS_ERR_DATA,
     "the aliases hold what is not a name"},
    {RECORD("{\"name\": \"a\"}"), CS_ERR_DATA, "field \"a\" of record \"R\": it has no type"},
    {ONE("null"), CS_ERR_DATA, "no valid type"},
    {ONE("1"), CS_ERR_DATA, "no valid type"},
    {ONE("{}"), CS_ERR_DATA, "no valid type"},
    {ONE("{\"type\": 1}"), CS_ERR_DATA, "no valid type"},
    /* Types */
    {ONE("\"String\""), CS_ERR_DATA, "field \"a\" of record \"R\": unknown type \"String\""},
    {ONE("\"\""), CS_ERR_DATA, "unknown type \"\""},
    {ONE("\"int\\u0000\""), CS_ERR_DATA, "no valid type"},
    {ONE("{\"type\": \"str\"}"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("{\"type\": {\"type\": \"str\"}}"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("\"union\""), CS_ERR_DATA, "unknown type \"union\""},
    {ONE("{\"type\": \"union\"}"), CS_ERR_DATA, "unknown type \"union\""},
    {ONE("\"record\""), CS_ERR_DATA, "unknown type \"record\""},
    {ONE("\"array\""), CS_ERR_DATA, "unknown type \"array\""},
    {ONE("{\"type\": \"array\"}"), CS_ERR_DATA, "an array has no items"},
    {ONE("{\"type\": \"array\", \"items\": null}"), CS_ERR_DATA, "no valid type"},
    {ONE("{\"type\": \"map\", \"items\": \"int\"}"), CS_ERR_DATA, "a map has no values"},
    {ONE("{\"type\": \"record\", \"name\": \"S\", \"fields\": [" FIELD("b", "\"T\"") "]}"),
     CS_ERR_DATA, "field \"b\" of record \"S\": unknown type \"T\""},
    {ONE("{\"type\": \"record\", \"name\": \"R\", \"fields\": []}"), CS_ERR_DATA,
     "type \"R\" is defined twice"},
    {ONE("{\"type\": \"fixed\", \"name\": \"int\", \"size\": 1}"), CS_ERR_DATA,
     "\"int\" is the name of a primitive type"},
    {ONE("{\"type\": \"fixed\", \"name\": \"x.string\", \"size\": 1}"), CS_ERR_DATA,
     "\"string\" is the name of a primitive type"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\"}"), CS_ERR_DATA, "enum \"E\" has no symbols"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": \"A\"}"), CS_ERR_DATA,
     "the symbols are not a list"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"A\"]}"), CS_ERR_DATA,
     "A is named twice"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"a b\"]}"), CS_ERR_DATA,
     "the symbols hold what is not a name"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"], \"default\": \"B\"}"),
     CS_ERR_DATA, "the default of enum \"E\" is not one of its symbols"},
    {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"], \"default\": 0}"),
     CS_ERR_DATA, "the default of enum \"E\" is not one of its symbols"},
    {ONE("{\"type\": \"fixed\", \"name\": \"F\"}"), CS_ERR_DATA, "fixed \"F\" has no valid size"},
    {ONE("{\"type\": \"fixed\", \"name\": \"F\", \"size\": -1}"), CS_ERR_DATA, "no valid size"},
    {ONE("{\"type\": \"fixed\", \"name\": \"F\", \"size\": 1.5}"), CS_ERR_DATA, "no valid size"},
    {ONE("{\"type\": \"fixed\", \"name\": \"F\", \"size\": \"1\"}"), CS_ERR_DATA, "no valid size"},
    /* Unions */
    {ONE("[]"), CS_ERR_DATA, "a union has no types"},
    {ONE("[\"int\", \"int\"]"), CS_ERR_DATA, "its union holds int twice"},
    {ONE("[\"null\", \"null\"]"), CS_ERR_DATA, "holds null twice"},
    {ONE("[\"null\", {\"type\": \"null\"}]"), CS_ERR_DATA, "holds null twice"},
    {ONE("[\"long\", " LOGICAL("long", "timestamp-millis") "]"), CS_ERR_DATA, "holds long twice"},
    {ONE("[{\"type\": \"map\", \"values\": \"int\"}, {\"type\": \"map\", \"values\": \"long\"}]"),
     CS_ERR_DATA, "holds map twice"},
    {ONE("[{" FIXED("1") "}, \"F\"]"), CS_ERR_DATA, "holds F twice"},
    {ONE("[\"null\", [\"null\", \"int\"]]"), CS_ERR_DATA, "union inside a union"},
    {ONE("[[\"int\"], \"null\"]"), CS_ERR_DATA, "union inside a union"},
    {ONE("[\"null\", {\"type\": [\"int\"]}]"), CS_ERR_DATA, "union inside a union"},
    {ONE("[\"null\", \"str\"]"), CS_ERR_DATA, "unknown type \"str\""},
    {ONE("[\"null\", null]"), CS_ERR_DATA, "no valid type"},
    /* Records that contain themselves without end */
    {ONE("\"R\""), CS_ERR_DATA, "record \"R\" contains itself without end"},
    {ONE("[\"R\"]"), CS_ERR_DATA, "record \"R\" contains itself without end"},
    {ONE("{\"type\": \"record\", \"name\": \"S\", \"fields\": [" FIELD("b", "\"R\"") "]}"),
     CS_ERR_DATA, "contains itself without end"},
    {RECORD(FIELD("x", "[\"null\", {\"type\": \"record\", \"name\": \"S\", \"fields\": [" FIELD(
                           "b", "\"S\"") "]}]")),
     CS_ERR_DATA, "record \"S\" contains itself without end"},
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

/* Parse opening texts, a core and closing texts. */
static cs_code
parse_nested(const char *open, size_t depth, const char *core, const char *close, cs_error *err)
{
    cs_avro_schema *schema;
    cs_buffer json;
    cs_code code;

    cs_buffer_init(&json, cs_malloc_env());
    repeat(&json, open, depth);
    repeat(&json, core, 1);
    repeat(&json, close, depth);
    code = cs_avro_schema_parse(cs_malloc_env(), (const char *) json.data, json.len, &schema, err);
    cs_avro_schema_free(schema);
    cs_buffer_free(&json);
    return code;
}

/* Nesting ends at a limit and not at the end of the stack. */
static void
test_deep_nesting(void **state)
{
    static const char *const nestings[][2] = {
        {"{\"type\": ", "}"},
        {"{\"type\": \"array\", \"items\": ", "}"},
        {"{\"type\": \"map\", \"values\": ", "}"},
    };
    cs_error err;

    (void) state;
    for (size_t i = 0; i < LENGTH(nestings); i++)
    {
        const char *open = nestings[i][0], *close = nestings[i][1];

        assert_ok(parse_nested(open, 10, "[\"int\"]", close, &err), &err);
        assert_ok(parse_nested(open, CS_AVRO_MAX_SCHEMA_DEPTH - 2, "[\"int\"]", close, &err), &err);
        assert_refused(parse_nested(open, CS_AVRO_MAX_SCHEMA_DEPTH - 1, "[\"int\"]", close, &err),
                       CS_ERR_LIMIT, &err, "more than the limit of 200 levels");
        assert_refused(parse_nested(open, 500000, "[\"int\"]", close, &err), CS_ERR_DATA, &err,
                       "not valid JSON");
    }
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
    assert_string_equal(cs_avro_type_name(CS_AVRO_UNION), "union");
    assert_null(cs_avro_logical_name(CS_LOGICAL_NONE));
    assert_string_equal(cs_avro_logical_name(CS_LOGICAL_DURATION), "duration");
    assert_string_equal(cs_avro_short_name("a.b.C"), "C");
    assert_string_equal(cs_avro_short_name("C"), "C");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_types),   cmocka_unit_test(test_top_types),
        cmocka_unit_test(test_record),       cmocka_unit_test(test_no_fields),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_bad_schemas),
        cmocka_unit_test(test_deep_nesting), cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_long_names),   cmocka_unit_test(test_type_names),
    };

    return cmocka_run_group_tests_name("avro_schema", tests, NULL, NULL);
}
