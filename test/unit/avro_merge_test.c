/*
 * test/unit/avro_merge_test.c
 *     Schemas of several generations as one: what becomes of each column, what
 *     is refused, and that every file can still be read.
 */
#include "avro_merge.h"

#include "avro_random.h"

#include <stdlib.h>

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define NAMED(name, fields) \
    "{\"type\": \"record\", \"name\": \"" name "\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define WITH(name, type, rest) "{\"name\": \"" name "\", \"type\": " type ", " rest "}"
#define ONE(type) RECORD(FIELD("a", type))
#define LOGICAL(type, name) "{\"type\": \"" type "\", \"logicalType\": \"" name "\"}"
#define DECIMAL(precision, scale)                                                   \
    "{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": " precision \
    ", \"scale\": " scale "}"
#define FIXED(name, size) "{\"type\": \"fixed\", \"name\": \"" name "\", \"size\": " size "}"
#define ENUM(name, symbols) \
    "{\"type\": \"enum\", \"name\": \"" name "\", \"symbols\": [" symbols "]}"
#define ARRAY(items) "{\"type\": \"array\", \"items\": " items "}"
#define MAP(values) "{\"type\": \"map\", \"values\": " values "}"
#define LIST(fields) NAMED("L", FIELD("next", "[\"null\", \"L\"]") "," fields)

/* Merge schemas; they stay the caller's. */
static cs_code
merge(cs_avro_schema **schemas, size_t count, cs_avro_schema **merged, cs_error *err)
{
    return cs_avro_schema_merge(cs_malloc_env(), (const cs_avro_schema *const *) schemas, count,
                                merged, err);
}

/* A copy of a schema. */
static cs_avro_schema *
copy_schema(const cs_avro_schema *schema)
{
    return case_schema(schema->json);
}

/* Read a value of a schema through another, as an object of columns. */
static json_t *
read_through(const cs_avro_schema *writer, const cs_avro_schema *reader, const json_t *value,
             const char *what)
{
    json_t *read;
    cs_buffer data;
    avro_case c;

    assert_outcome(case_open_parsed(&c, copy_schema(writer), copy_schema(reader), NULL), CS_OK,
                   &c.err, NULL, what);
    cs_buffer_init(&data, cs_malloc_env());
    assert_outcome(cs_avro_encode_json(writer->root, value, CS_JSON_PLAIN, &data, &c.err), CS_OK,
                   &c.err, NULL, what);
    case_load(&c, 1, slice_of_buffer(&data));
    assert_outcome(case_record(&c, &read), CS_OK, &c.err, NULL, what);
    case_close(&c);
    cs_buffer_free(&data);
    return read;
}

/* Two schemas, the columns that they have together, and a value of each as it is read. */
typedef struct generation
{
    const char *first;
    const char *second;
    const char *columns; /* "name type, ..."; NULL where they are refused: */
    const char *message;
    const char *values[2]; /* NULL: do not read */
    const char *read[2];
} generation;

/* Fail unless the columns are described so. */
static void
check_columns(const cs_avro_schema *schema, const char *expected)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, cs_malloc_env());
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        assert_ok(cs_buffer_printf(&text, &err, "%s%s ", i > 0 ? ", " : "", schema->fields[i].name),
                  &err);
        assert_ok(cs_avro_type_describe(schema->fields[i].type, &text, &err), &err);
    }
    assert_same_bytes(slice_of_buffer(&text), cs_slice_of(expected));
    cs_buffer_free(&text);
}

/* Check one pair of schemas. */
static void
check_generation(const generation *g)
{
    cs_avro_schema *schemas[2] = {case_schema(g->first), case_schema(g->second)};
    cs_avro_schema *merged, *again;
    cs_error err;
    char what[700];

    snprintf(what, sizeof(what), "%.340s and %.340s", g->first, g->second);
    assert_outcome(merge(schemas, 2, &merged, &err), g->columns != NULL ? CS_OK : CS_ERR_ARGUMENT,
                   &err, g->message, what);
    if (g->columns == NULL)
        assert_null(merged);
    else
    {
        check_columns(merged, g->columns);
        for (int i = 0; i < 2; i++)
        {
            json_t *value = case_json(g->values[i]), *expected = case_json(g->read[i]);
            json_t *read = read_through(schemas[i], merged, value, what);

            case_check_json(read, expected, what);
            json_decref(value);
            json_decref(expected);
            json_decref(read);
        }
        /* merged with one of its parts it stays as it is */
        assert_outcome(merge((cs_avro_schema *[]){merged, schemas[1]}, 2, &again, &err), CS_OK,
                       &err, NULL, what);
        check_columns(again, g->columns);
        cs_avro_schema_free(again);
    }
    cs_avro_schema_free(merged);
    cs_avro_schema_free(schemas[0]);
    cs_avro_schema_free(schemas[1]);
}

/* Check pairs of schemas. */
static void
check_generations(const generation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_generation(&cases[i]);
}

#define REFUSED(part)         \
    NULL, part, {NULL, NULL}, \
    {                         \
        NULL, NULL            \
    }
#define READS(a, as_a, b, as_b) \
    NULL, {a, b},               \
    {                           \
        as_a, as_b              \
    }

static const generation columns_cases[] = {
    {ONE("\"int\""), ONE("\"int\""), "a int",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": 2}", "{\"a\": 2}")},
    /* Added with a default, and without; taken away */
    {ONE("\"int\""),
     RECORD(FIELD("a", "\"int\"") "," WITH("b", "\"string\"", "\"default\": \"d\"")),
     "a int, b string",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": \"d\"}", "{\"a\": 2, \"b\": \"x\"}",
           "{\"a\": 2, \"b\": \"x\"}")},
    {ONE("\"int\""), RECORD(FIELD("b", "\"string\"") "," FIELD("a", "\"int\"")),
     "a int, b union<null, string>",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"a\": 2, \"b\": \"x\"}",
           "{\"a\": 2, \"b\": \"x\"}")},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")), ONE("\"int\""),
     "a int, b union<null, string>",
     READS("{\"a\": 1, \"b\": \"x\"}", "{\"a\": 1, \"b\": \"x\"}", "{\"a\": 2}",
           "{\"a\": 2, \"b\": null}")},
    {ONE("\"int\""), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"int\", \"string\"]")),
     "a int, b union<null, int, string>",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"a\": 2, \"b\": \"x\"}",
           "{\"a\": 2, \"b\": \"x\"}")},
    {ONE("\"int\""), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"int\", \"null\"]")),
     "a int, b union<int, null>",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"a\": 2, \"b\": 3}",
           "{\"a\": 2, \"b\": 3}")},
    {ONE("\"int\""), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"null\"")), "a int, b null",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"a\": 2, \"b\": null}",
           "{\"a\": 2, \"b\": null}")},
    {ONE("\"int\""), RECORD(FIELD("b", "\"int\"")), "a union<null, int>, b union<null, int>",
     READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"b\": 2}", "{\"a\": null, \"b\": 2}")},
    {ONE("\"int\""), RECORD(""), "a union<null, int>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{}", "{\"a\": null}")},
    /* A default of a type with bytes, NULs included */
    {RECORD(""), RECORD(WITH("a", "\"bytes\"", "\"default\": \"\\u0000\\u00ff\"")), "a bytes",
     READS("{}", "{\"a\": \"\\\\x00ff\"}", "{\"a\": \"\\\\x01\"}", "{\"a\": \"\\\\x01\"}")},
    /* Renamed by alias: at the old place, under the newer name */
    {RECORD(FIELD("old", "\"int\"") "," FIELD("b", "\"int\"")),
     RECORD(FIELD("b", "\"int\"") "," WITH("new", "\"int\"", "\"aliases\": [\"old\"]")),
     "new int, b int",
     READS("{\"old\": 1, \"b\": 2}", "{\"new\": 1, \"b\": 2}", "{\"b\": 4, \"new\": 3}",
           "{\"new\": 3, \"b\": 4}")},
    {RECORD(WITH("new", "\"int\"", "\"aliases\": [\"old\"]")), RECORD(FIELD("old", "\"int\"")),
     "new int", READS("{\"new\": 1}", "{\"new\": 1}", "{\"old\": 2}", "{\"new\": 2}")},
    {RECORD(FIELD("old", "\"int\"")), RECORD(WITH("new", "\"double\"", "\"aliases\": [\"old\"]")),
     "new double", READS("{\"old\": 1}", "{\"new\": 1.0}", "{\"new\": 2.5}", "{\"new\": 2.5}")},
    /* The name itself counts more than an alias */
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
     RECORD(FIELD("b", "\"int\"") "," WITH("c", "\"int\"", "\"aliases\": [\"b\"]")),
     "a union<null, int>, b int, c union<null, int>",
     READS("{\"a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2, \"c\": null}", "{\"b\": 3, \"c\": 4}",
           "{\"a\": null, \"b\": 3, \"c\": 4}")},
    /* Records of another name are the same at the top */
    {NAMED("x.R", FIELD("a", "\"int\"")), NAMED("y.S", FIELD("a", "\"long\"")), "a long",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": 2}", "{\"a\": 2}")},
};

static void
test_columns(void **state)
{
    (void) state;
    check_generations(columns_cases, LENGTH(columns_cases));
}

#define BOTH(first, second, described, v, as_v, w, as_w)                                        \
    {ONE(first), ONE(second), "a " described,                                                   \
     READS("{\"a\": " v "}", "{\"a\": " as_v "}", "{\"a\": " w "}", "{\"a\": " as_w "}")},      \
    {                                                                                           \
        ONE(second), ONE(first), "a " described,                                                \
            READS("{\"a\": " w "}", "{\"a\": " as_w "}", "{\"a\": " v "}", "{\"a\": " as_v "}") \
    }
#define NEITHER(first, second, left, right)                                            \
    {ONE(first), ONE(second),                                                          \
     REFUSED("field \"a\": type " left " in one file and " right " in another")},      \
    {                                                                                  \
        ONE(second), ONE(first),                                                       \
            REFUSED("field \"a\": type " right " in one file and " left " in another") \
    }

static const generation types_cases[] = {
    BOTH("\"int\"", "\"long\"", "long", "1", "1", "4294967296", "4294967296"),
    BOTH("\"int\"", "\"double\"", "double", "1", "1.0", "1.5", "1.5"),
    BOTH("\"int\"", "\"float\"", "double", "16777217", "16777217.0", "1.5", "1.5"),
    BOTH("\"long\"", "\"float\"", "double", "1", "1.0", "1.5", "1.5"),
    BOTH("\"long\"", "\"double\"", "double", "1", "1.0", "1.5", "1.5"),
    BOTH("\"float\"", "\"double\"", "double", "0.5", "0.5", "0.1", "0.1"),
    BOTH("\"string\"", "\"bytes\"", "bytes", "\"a\"", "\"\\\\x61\"", "\"\\\\xff\"", "\"\\\\xff\""),
    BOTH(LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"),
         "timestamp-micros", "\"2024-03-10T08:00:00Z\"", "\"2024-03-10T08:00:00Z\"",
         "\"2024-03-10T08:00:00.000001Z\"", "\"2024-03-10T08:00:00.000001Z\""),
    BOTH(LOGICAL("long", "local-timestamp-millis"), LOGICAL("long", "local-timestamp-nanos"),
         "local-timestamp-nanos", "\"2024-03-10T08:00:00\"", "\"2024-03-10T08:00:00\"",
         "\"2024-03-10T08:00:00.000000001\"", "\"2024-03-10T08:00:00.000000001\""),
    BOTH(DECIMAL("4", "2"), DECIMAL("9", "2"), "decimal(9,2)", "\"1.23\"", "\"1.23\"",
         "\"1234567.89\"", "\"1234567.89\""),
    BOTH(FIXED("F", "1"), FIXED("F", "1"), "fixed F(1)", "\"\\\\x01\"", "\"\\\\x01\"",
         "\"\\\\x02\"", "\"\\\\x02\""),
    BOTH(ARRAY("\"int\""), ARRAY("\"double\""), "array<double>", "[1]", "[1.0]", "[1.5]", "[1.5]"),
    BOTH(MAP("\"int\""), MAP("\"long\""), "map<long>", "{\"k\": 1}", "{\"k\": 1}", "{\"k\": 2}",
         "{\"k\": 2}"),
    /* With null */
    {ONE("\"int\""), ONE("[\"null\", \"int\"]"), "a union<int, null>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": null}", "{\"a\": null}")},
    {ONE("[\"null\", \"int\"]"), ONE("\"int\""), "a union<null, int>",
     READS("{\"a\": null}", "{\"a\": null}", "{\"a\": 1}", "{\"a\": 1}")},
    {ONE("[\"null\", \"int\"]"), ONE("\"double\""), "a union<null, double>",
     READS("{\"a\": 1}", "{\"a\": 1.0}", "{\"a\": 1.5}", "{\"a\": 1.5}")},
    {ONE("[\"null\", \"int\"]"), ONE("[\"long\", \"null\"]"), "a union<null, long>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": null}", "{\"a\": null}")},
    {ONE("\"null\""), ONE("\"int\""), "a union<null, int>",
     READS("{\"a\": null}", "{\"a\": null}", "{\"a\": 1}", "{\"a\": 1}")},
    {ONE("\"int\""), ONE("\"null\""), "a union<int, null>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": null}", "{\"a\": null}")},
    {ONE("\"null\""), ONE("\"null\""), "a null",
     READS("{\"a\": null}", "{\"a\": null}", "{\"a\": null}", "{\"a\": null}")},
    /* Unions of several types */
    {ONE("[\"int\", \"string\"]"), ONE("[\"string\", \"int\"]"), "a union<int, string>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": \"x\"}", "{\"a\": \"x\"}")},
    {ONE("[\"int\", \"string\"]"), ONE("[\"null\", \"boolean\"]"),
     "a union<int, string, null, boolean>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": true}", "{\"a\": true}")},
    {ONE("[\"int\", \"string\"]"), ONE("[\"long\", \"null\", \"string\"]"),
     "a union<int, string, long, null>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": 4294967296}", "{\"a\": 4294967296}")},
    {ONE("[\"int\", \"string\"]"), ONE("\"string\""), "a union<int, string>",
     READS("{\"a\": 1}", "{\"a\": 1}", "{\"a\": \"x\"}", "{\"a\": \"x\"}")},
    {ONE("\"string\""), ONE("[\"int\", \"string\"]"), "a union<string, int>",
     READS("{\"a\": \"x\"}", "{\"a\": \"x\"}", "{\"a\": 1}", "{\"a\": 1}")},
    {ONE("[" NAMED("A", FIELD("x", "\"int\"")) ", " NAMED("B", FIELD("y", "\"int\"")) "]"),
     ONE("[" NAMED("B", FIELD("y", "\"long\"")) ", " NAMED("A", FIELD("x", "\"int\"")) "]"),
     "a union<record A, record B>",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1}}", "{\"a\": {\"y\": 2}}",
           "{\"a\": {\"y\": 2}}")},
    {ONE("[\"null\", " NAMED("A", FIELD("x", "\"int\"")) ", " NAMED("B",
                                                                    FIELD("y", "\"int\"")) "]"),
     ONE("[{\"type\": \"record\", \"name\": \"C\", \"aliases\": [\"A\"], \"fields\": [" FIELD(
         "x", "\"int\"") "]}, \"null\", " NAMED("B", FIELD("y", "\"int\"")) "]"),
     "a union<null, record A, record B>",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 2}}",
           "{\"a\": {\"x\": 2}}")},
    /* What does not go together */
    NEITHER("\"int\"", "\"string\"", "int", "string"),
    NEITHER("\"int\"", "\"boolean\"", "int", "boolean"),
    NEITHER("\"string\"", ENUM("E", "\"A\""), "string", "enum E"),
    NEITHER("\"bytes\"", FIXED("F", "1"), "bytes", "fixed F(1)"),
    NEITHER(FIXED("F", "1"), FIXED("F", "2"), "fixed F(1)", "fixed F(2)"),
    NEITHER(ARRAY("\"int\""), MAP("\"int\""), "array<int>", "map<int>"),
    NEITHER(NAMED("S", ""), "\"string\"", "record S", "string"),
    NEITHER("\"long\"", LOGICAL("long", "timestamp-millis"), "long", "timestamp-millis"),
    NEITHER(LOGICAL("int", "date"), LOGICAL("long", "timestamp-millis"), "date",
            "timestamp-millis"),
    NEITHER(LOGICAL("long", "timestamp-millis"), LOGICAL("long", "local-timestamp-millis"),
            "timestamp-millis", "local-timestamp-millis"),
    NEITHER(LOGICAL("string", "uuid"), "\"string\"", "uuid", "string"),
    NEITHER(DECIMAL("4", "1"), DECIMAL("4", "2"), "decimal(4,1)", "decimal(4,2)"),
    {ONE("[\"null\", \"int\"]"), ONE("\"string\""),
     REFUSED("field \"a\": type int in one file and string in another")},
    {ONE("[\"null\", \"int\"]"), ONE("[\"string\", \"null\"]"),
     REFUSED("field \"a\": type int in one file and string in another")},
    {ONE(NAMED("S", FIELD("x", "\"int\""))), ONE(NAMED("S", FIELD("x", "\"string\""))),
     REFUSED("field \"a\": field \"x\": type int in one file and string in another")},
    {ONE("\"int\""), "\"string\"", REFUSED("type record R in one file and string in another")},
    {"\"int\"", "\"string\"", REFUSED("type int in one file and string in another")},
    {ONE("\"int\""), "[\"null\", \"string\"]", REFUSED("type record R in one file and string")},
};

static void
test_types(void **state)
{
    (void) state;
    check_generations(types_cases, LENGTH(types_cases));
}

static void
test_enums(void **state)
{
    static const generation cases[] = {
        {ONE(ENUM("E", "\"A\", \"B\"")), ONE(ENUM("E", "\"C\", \"A\"")), "a enum E",
         READS("{\"a\": \"B\"}", "{\"a\": \"B\"}", "{\"a\": \"C\"}", "{\"a\": \"C\"}")},
        {ONE(ENUM("E", "\"A\"")), ONE(ENUM("F", "\"B\"")), "a enum E",
         READS("{\"a\": \"A\"}", "{\"a\": \"A\"}", "{\"a\": \"B\"}", "{\"a\": \"B\"}")},
        /* A default does not hide a symbol that only one file has */
        {ONE("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"], \"default\": \"A\"}"),
         ONE(ENUM("E", "\"B\"")), "a enum E",
         READS("{\"a\": \"A\"}", "{\"a\": \"A\"}", "{\"a\": \"B\"}", "{\"a\": \"B\"}")},
    };

    (void) state;
    check_generations(cases, LENGTH(cases));
}

static const generation inner_types_cases[] = {
    /* Fields of inner records */
    {ONE(NAMED("S", FIELD("x", "\"int\""))),
     ONE(NAMED("S", FIELD("y", "\"int\"") "," FIELD("x", "\"long\""))), "a record S",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1, \"y\": null}}",
           "{\"a\": {\"x\": 2, \"y\": 3}}", "{\"a\": {\"x\": 2, \"y\": 3}}")},
    {ONE(NAMED("S", FIELD("x", "\"int\""))), ONE(NAMED("T", FIELD("x", "\"int\""))), "a record S",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 2}}",
           "{\"a\": {\"x\": 2}}")},
    {ONE(ARRAY(NAMED("S", FIELD("x", "\"int\"")))), ONE(ARRAY(NAMED("S", FIELD("z", "\"int\"")))),
     "a array<record S>",
     READS("{\"a\": [{\"x\": 1}]}", "{\"a\": [{\"x\": 1, \"z\": null}]}", "{\"a\": [{\"z\": 2}]}",
           "{\"a\": [{\"x\": null, \"z\": 2}]}")},
    /* A type that is used twice is merged as one */
    {RECORD(FIELD("a", NAMED("S", FIELD("x", "\"int\""))) "," FIELD("b", "\"S\"")),
     RECORD(FIELD("b", NAMED("S", FIELD("x", "\"int\"") "," FIELD("y", "\"int\"")))),
     "a union<null, record S>, b record S",
     READS("{\"a\": {\"x\": 1}, \"b\": {\"x\": 2}}",
           "{\"a\": {\"x\": 1, \"y\": null}, \"b\": {\"x\": 2, \"y\": null}}",
           "{\"b\": {\"x\": 3, \"y\": 4}}", "{\"a\": null, \"b\": {\"x\": 3, \"y\": 4}}")},
    /* Recursive types */
    {ONE(LIST(FIELD("v", "\"int\""))), ONE(LIST(FIELD("v", "\"long\"") "," FIELD("w", "\"int\""))),
     "a record L",
     READS("{\"a\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}",
           "{\"a\": {\"v\": 1, \"w\": null, \"next\": {\"v\": 2, \"w\": null, \"next\": null}}}",
           "{\"a\": {\"v\": 1, \"w\": 3, \"next\": null}}",
           "{\"a\": {\"v\": 1, \"w\": 3, \"next\": null}}")},
    {ONE(LIST(FIELD("v", "\"int\""))), ONE(LIST(FIELD("v", "\"string\""))),
     REFUSED("field \"a\": field \"v\": type int in one file and string in another")},
    {LIST(FIELD("v", "\"int\"")), LIST(FIELD("v", "\"double\"")),
     "next union<null, record L>, v double",
     READS("{\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}",
           "{\"v\": 1.0, \"next\": {\"v\": 2.0, \"next\": null}}", "{\"v\": 1.5, \"next\": null}",
           "{\"v\": 1.5, \"next\": null}")},
    /* One name for different things in different files */
    {RECORD(FIELD("a", NAMED("X", FIELD("x", "\"int\"")))),
     RECORD(FIELD("b", NAMED("X", FIELD("y", "\"int\"")))),
     "a union<null, record X>, b union<null, record X>",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1, \"y\": null}, \"b\": null}",
           "{\"b\": {\"y\": 2}}", "{\"a\": null, \"b\": {\"x\": null, \"y\": 2}}")},
    {RECORD(FIELD("a", NAMED("X", FIELD("x", "\"int\"")))), RECORD(FIELD("b", FIXED("X", "1"))),
     "a union<null, record X>, b union<null, fixed X_(1)>",
     READS("{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1}, \"b\": null}", "{\"b\": \"\\\\x01\"}",
           "{\"a\": null, \"b\": \"\\\\x01\"}")},
    /* Namespaces: a name without one inside one that has */
    {NAMED("n.R", FIELD("a", "{\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"\", "
                             "\"size\": 1}") "," FIELD("b", FIXED("F", "2"))),
     NAMED("n.R", FIELD("c", FIXED("F", "2")) "," FIELD("d", FIXED("m.F", "3"))),
     "a union<null, fixed F(1)>, b union<null, fixed F(2)>, c union<null, fixed F(2)>, "
     "d union<null, fixed F(3)>",
     READS("{\"a\": \"\\\\x01\", \"b\": \"\\\\x0102\"}",
           "{\"a\": \"\\\\x01\", \"b\": \"\\\\x0102\", \"c\": null, \"d\": null}",
           "{\"c\": \"\\\\x0102\", \"d\": \"\\\\x010203\"}",
           "{\"a\": null, \"b\": null, \"c\": \"\\\\x0102\", \"d\": \"\\\\x010203\"}")},
    /* Other tops */
    {"\"int\"", "\"long\"", "value long", READS("1", "{\"value\": 1}", "2", "{\"value\": 2}")},
    {ARRAY("\"int\""), ARRAY("[\"null\", \"int\"]"), "value array<union<int, null>>",
     READS("[1]", "{\"value\": [1]}", "[null]", "{\"value\": [null]}")},
};

static void
test_inner_types(void **state)
{
    (void) state;
    check_generations(inner_types_cases, LENGTH(inner_types_cases));
}

/* Defaults follow the type that their column gets. */
static void
test_defaults(void **state)
{
    static const generation cases[] = {
        {RECORD(WITH("a", "\"int\"", "\"default\": 1")), RECORD(""), "a int",
         READS("{\"a\": 2}", "{\"a\": 2}", "{}", "{\"a\": 1}")},
        {RECORD(WITH("a", "\"int\"", "\"default\": 1") "," FIELD("b", "\"null\"")),
         RECORD(FIELD("a", "\"double\"")), "a double, b null",
         READS("{\"a\": 2, \"b\": null}", "{\"a\": 2.0, \"b\": null}", "{\"a\": 1.5}",
               "{\"a\": 1.5, \"b\": null}")},
        {RECORD(WITH("a", "[\"null\", \"int\"]", "\"default\": null")),
         RECORD(FIELD("b", "\"int\"")), "a union<null, int>, b union<null, int>",
         READS("{\"a\": 1}", "{\"a\": 1, \"b\": null}", "{\"b\": 1}", "{\"a\": null, \"b\": 1}")},
        {RECORD(FIELD("a", "\"int\"")),
         RECORD(FIELD("a", "\"int\"") "," WITH("s", NAMED("S", FIELD("x", "\"int\"")),
                                               "\"default\": {\"x\": 7}")),
         "a int, s record S",
         READS("{\"a\": 1}", "{\"a\": 1, \"s\": {\"x\": 7}}", "{\"a\": 1, \"s\": {\"x\": 2}}",
               "{\"a\": 1, \"s\": {\"x\": 2}}")},
        {RECORD(FIELD("z", "\"int\"")),
         RECORD(WITH("t", LOGICAL("long", "timestamp-millis"),
                     "\"default\": 1000") "," FIELD("z", "\"int\"")),
         "z int, t timestamp-millis",
         READS("{\"z\": 1}", "{\"z\": 1, \"t\": \"1970-01-01T00:00:01Z\"}",
               "{\"z\": 1, \"t\": \"1970-01-01T00:00:02Z\"}",
               "{\"z\": 1, \"t\": \"1970-01-01T00:00:02Z\"}")},
    };

    (void) state;
    check_generations(cases, LENGTH(cases));
}

/* A default in milliseconds is the same instant where the column becomes one in microseconds. */
static void
test_defaults_of_changed_types(void **state)
{
    static const char *const generations[][3] = {
        /* one that has the default, one of the other type, what a file without it reads */
        {RECORD(WITH("a", LOGICAL("long", "timestamp-millis"), "\"default\": 1000")),
         RECORD(FIELD("a", LOGICAL("long", "timestamp-micros"))), "\"1970-01-01T00:00:01Z\""},
        {RECORD(WITH("a", LOGICAL("long", "timestamp-millis"), "\"default\": -1")),
         RECORD(FIELD("a", LOGICAL("long", "timestamp-nanos"))), "\"1969-12-31T23:59:59.999000Z\""},
        {RECORD(
             WITH("a", "[" LOGICAL("long", "timestamp-millis") ", \"null\"]", "\"default\": 1000")),
         RECORD(FIELD("a", LOGICAL("long", "timestamp-micros"))), "\"1970-01-01T00:00:01Z\""},
        {RECORD(WITH("a", "\"string\"", "\"default\": \"\\u00e9\\u20ac\"")),
         RECORD(FIELD("a", "\"bytes\"")), "\"\\\\xc3a9e282ac\""},
        {RECORD(WITH("a", "\"bytes\"", "\"default\": \"\\u00e9\"")),
         RECORD(FIELD("a", "\"string\"")), "\"\\\\xe9\""},
        {RECORD(WITH("a", "\"int\"", "\"default\": 1")), RECORD(FIELD("a", "\"double\"")), "1.0"},
        {RECORD(WITH("a", "\"int\"", "\"default\": 1")),
         RECORD(FIELD("a", "[\"null\", \"double\"]")), "1.0"},
        {RECORD(WITH("a", NAMED("S", FIELD("t", LOGICAL("long", "timestamp-millis"))),
                     "\"default\": {\"t\": 1000}")),
         RECORD(FIELD("a", NAMED("S", FIELD("t", LOGICAL("long", "timestamp-micros")) "," FIELD(
                                          "u", "\"int\"")))),
         "{\"t\": \"1970-01-01T00:00:01Z\", \"u\": null}"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(generations) * 2; i++)
    {
        const char *const *g = generations[i / 2];
        cs_avro_schema *schemas[3] = {case_schema(g[i % 2]), case_schema(g[1 - i % 2]),
                                      case_schema(RECORD(""))};
        cs_avro_schema *merged;
        json_t *value = case_json("{}"), *expected, *read;
        char text[200];
        cs_error err;

        snprintf(text, sizeof(text), "{\"a\": %s}", g[2]);
        expected = case_json(text);
        assert_outcome(merge(schemas, 3, &merged, &err), CS_OK, &err, NULL, g[0]);
        read = read_through(schemas[2], merged, value, g[0]);
        case_check_json(read, expected, g[0]);
        json_decref(value);
        json_decref(expected);
        json_decref(read);
        cs_avro_schema_free(merged);
        for (int j = 0; j < 3; j++)
            cs_avro_schema_free(schemas[j]);
    }
}

/* A schema of one enum and many fields, the names beginning with a letter. */
static cs_avro_schema *
large_schema(char letter)
{
    cs_avro_schema *schema;
    cs_buffer json;
    cs_error err;

    cs_buffer_init(&json, cs_malloc_env());
    assert_ok(cs_buffer_printf(&json, &err,
                               "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":"
                               "\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\","
                               "\"symbols\":[\"A\""),
              &err);
    for (int i = 0; i < 100000; i++)
        assert_ok(cs_buffer_printf(&json, &err, ",\"%c%d\"", letter, i), &err);
    assert_ok(cs_buffer_printf(&json, &err, "]}}"), &err);
    for (int i = 0; i < 10000; i++)
        assert_ok(cs_buffer_printf(&json, &err,
                                   ",{\"name\":\"%c%d\",\"type\":{\"type\":\"fixed\","
                                   "\"name\":\"T%d\",\"size\":1}}",
                                   letter, i, i),
                  &err);
    assert_ok(cs_buffer_append(&json, "]}", 3, &err), &err);
    schema = case_schema((char *) json.data);
    cs_buffer_free(&json);
    return schema;
}

/* Many names are not compared each with each. */
static void
test_many_names(void **state)
{
    cs_avro_schema *schemas[2] = {large_schema('a'), large_schema('b')};
    cs_avro_schema *merged;
    cs_error err;

    (void) state;
    assert_ok(merge(schemas, 2, &merged, &err), &err);
    assert_int_equal(merged->num_fields, 20001);
    assert_int_equal(merged->fields[0].type->symbols.count, 200001);
    assert_int_equal(cs_avro_schema_find(merged, "b9999"), 20000);
    for (int i = 0; i < 2; i++)
    {
        cs_avro_plan *plan;

        assert_ok(cs_avro_plan_make(cs_malloc_env(), schemas[i], merged, (int[]){7}, 1, NULL, &plan,
                                    &err),
                  &err);
        cs_avro_plan_free(plan);
    }
    cs_avro_schema_free(merged);
    cs_avro_schema_free(schemas[0]);
    cs_avro_schema_free(schemas[1]);
}

/* True if a schema's JSON defines a type of a name, which others may refer to. */
static bool
defines_names(const json_t *json)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_object_get(json, "name") != NULL)
        return true;
    json_object_foreach((json_t *) json, key, item) if (defines_names(item)) return true;
    json_array_foreach((json_t *) json, i, item) if (defines_names(item)) return true;
    return false;
}

/* Another type that the one of a field can become. */
static json_t *
changed_type(test_random *random, json_t *type)
{
    static const char *const wider[][2] = {
        {"int", "long"},  {"int", "double"},  {"float", "double"},
        {"int", "float"}, {"long", "double"},
    };
    const char *name = json_string_value(type);

    for (size_t i = 0; name != NULL && i < LENGTH(wider); i++)
        if (strcmp(name, wider[i][0]) == 0 && test_random_below(random, 2) == 0)
            return json_string(wider[i][1]);
    if (name != NULL && strcmp(name, "null") == 0)
        return json_pack("[s, s]", "null", "string");
    if (json_is_array(type))
        return json_incref(type);
    return test_random_below(random, 2) == 0 ? json_pack("[s, O]", "null", type)
                                             : json_pack("[O, s]", type, "null");
}

/* Change one field of a record. */
static void
change_field(test_random *random, json_t *field)
{
    char renamed[40];

    switch (test_random_below(random, 6))
    {
        case 0:
        case 1:
            json_object_set_new(field, "type",
                                changed_type(random, json_object_get(field, "type")));
            break;
        case 2: /* its newer name begins with the older one */
            json_object_set_new(field, "aliases", json_pack("[O]", json_object_get(field, "name")));
            snprintf(renamed, sizeof(renamed), "%s_",
                     json_string_value(json_object_get(field, "name")));
            json_object_set_new(field, "name", json_string(renamed));
            break;
        default:
            break;
    }
}

/* Change the records of a schema here and there; count makes names of new fields. */
static void
change_schema(test_random *random, json_t *json, int *count)
{
    json_t *fields = json_object_get(json, "fields");
    const char *key;
    json_t *item;
    size_t i;

    json_object_foreach(json, key, item) if (strcmp(key, "aliases") != 0)
        change_schema(random, item, count);
    json_array_foreach(json, i, item) change_schema(random, item, count);
    for (i = 0; i < json_array_size(fields); i++)
    {
        item = json_array_get(fields, i);
        if (test_random_below(random, 8) == 0 && !defines_names(json_object_get(item, "type")))
        {
            json_array_remove(fields, i--);
            continue;
        }
        change_field(random, item);
    }
    if (fields != NULL && test_random_below(random, 2) == 0)
    {
        char name[16];

        snprintf(name, sizeof(name), "g%d", (*count)++);
        item = test_random_below(random, 2) == 0
                   ? json_pack("{ss, ss}", "name", name, "type", "string")
                   : json_pack("{ss, ss, si}", "name", name, "type", "long", "default", 7);
        json_array_insert_new(fields, test_random_below(random, json_array_size(fields) + 1), item);
    }
}

/* A member of an object, under its name or a newer one. */
static const json_t *
member(const json_t *object, const char *name)
{
    char renamed[64];
    const json_t *item = json_object_get(object, name);

    snprintf(renamed, sizeof(renamed), "%s", name);
    while (item == NULL && strlen(renamed) + 2 < sizeof(renamed))
        item = json_object_get(object, strcat(renamed, "_"));
    return item;
}

/* True if what was read holds all that was written. */
static bool
holds(const json_t *read, const json_t *written)
{
    const char *key;
    json_t *item;

    if (json_is_number(read) && json_is_number(written))
        return json_number_value(read) == json_number_value(written);
    if (json_is_object(read) && json_is_object(written))
    {
        json_object_foreach((json_t *) written, key,
                            item) if (!holds(member(read, key), item)) return false;
        return true;
    }
    if (!json_is_array(read) || json_array_size(read) != json_array_size(written))
        return json_equal(read, written);
    for (size_t i = 0; i < json_array_size(read); i++)
        if (!holds(json_array_get(read, i), json_array_get(written, i)))
            return false;
    return true;
}

/* Parse a schema's JSON. */
static cs_avro_schema *
parse_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    cs_avro_schema *schema = case_schema(text);

    free(text);
    return schema;
}

/* Whatever became of a schema, the values of each of its generations are read whole. */
static void
test_random_generations(void **state)
{
    test_random random;
    size_t merges = 0;

    (void) state;
    test_random_start(&random, "merged schemas");
    for (size_t i = 0; i < test_rounds(400); i++)
    {
        json_t *json = random_schema(&random);
        cs_avro_schema *schemas[3], *merged;
        int count = 0;
        cs_error err;

        for (int j = 0; j < 3; j++)
        {
            schemas[j] = parse_json(json);
            change_schema(&random, json, &count);
        }
        json_decref(json);
        assert_outcome(merge(schemas, 3, &merged, &err), CS_OK, &err, NULL, schemas[0]->json);
        merges++;
        for (int j = 0; j < 3; j++)
        {
            json_t *written = random_value(&random, schemas[j]->root);
            json_t *read = read_through(schemas[j], merged, written, schemas[j]->json);

            if (!holds(read, written))
                case_check_json(read, written, schemas[j]->json);
            json_decref(written);
            json_decref(read);
        }
        cs_avro_schema_free(merged);
        for (int j = 0; j < 3; j++)
            cs_avro_schema_free(schemas[j]);
    }
    assert_true(merges > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_enums),      cmocka_unit_test(test_inner_types),
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_defaults_of_changed_types),
        cmocka_unit_test(test_many_names), cmocka_unit_test(test_random_generations),
    };

    return cmocka_run_group_tests_name("avro_merge", tests, NULL, NULL);
}
