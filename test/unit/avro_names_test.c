/*
 * test/unit/avro_names_test.c
 *     Schemas as graphs: names and namespaces, references, recursion, sizes,
 *     limits; the defaults of fields.
 */
#include "avro_case.h"

#include <stdlib.h>

#define RECORD(name, fields) \
    "{\"type\": \"record\", \"name\": \"" name "\", \"fields\": [" fields "]}"
#define SPACE(name, space, fields)                                           \
    "{\"type\": \"record\", \"name\": \"" name "\", \"namespace\": \"" space \
    "\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define WITH(type, value) \
    RECORD("R", "{\"name\": \"a\", \"type\": " type ", \"default\": " value "}")
#define FIXED(name) "{\"type\": \"fixed\", \"name\": \"" name "\", \"size\": 1}"
#define ENUM(rest) "{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\", \"B\"]" rest "}"

/* A schema, and the full name of the type of its last field; NULL where it is refused. */
typedef struct naming
{
    const char *json;
    const char *name;
    const char *message;
} naming;

static const naming namespaces_cases[] = {
    {RECORD("R", FIELD("a", FIXED("F"))), "F", NULL},
    {SPACE("R", "x", FIELD("a", FIXED("F"))), "x.F", NULL},
    {RECORD("x.y.R", FIELD("a", FIXED("F"))), "x.y.F", NULL},
    {SPACE("x.R", "ignored", FIELD("a", FIXED("F"))), "x.F", NULL},
    {SPACE("R", "", FIELD("a", FIXED("F"))), "F", NULL},
    {SPACE("R", "x", FIELD("a", FIXED("y.F"))), "y.F", NULL},
    {SPACE("R", "x",
           FIELD("a", "{\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"y\", \"size\": 1}")),
     "y.F", NULL},
    {SPACE("R", "x",
           FIELD("a", "{\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"\", \"size\": 1}")),
     "F", NULL},
    /* The namespace of the nearest named type, also through arrays and unions */
    {SPACE("R", "x",
           FIELD("a", "{\"type\": \"array\", \"items\": [\"null\", " FIXED("F") "]}") "," FIELD(
               "b", "\"F\"")),
     "x.F", NULL},
    {SPACE("R", "x", FIELD("a", SPACE("S", "y", FIELD("b", FIXED("F")))) "," FIELD("c", "\"y.F\"")),
     "y.F", NULL},
    {SPACE("R", "x", FIELD("a", SPACE("S", "y", "")) "," FIELD("b", FIXED("F"))), "x.F", NULL},
    /* References */
    {SPACE("R", "x", FIELD("a", FIXED("F")) "," FIELD("b", "\"F\"")), "x.F", NULL},
    {SPACE("R", "x", FIELD("a", FIXED("F")) "," FIELD("b", "\"x.F\"")), "x.F", NULL},
    {SPACE("R", "x", FIELD("a", FIXED("F")) "," FIELD("b", "{\"type\": \"F\"}")), "x.F", NULL},
    {RECORD("R", FIELD("a", FIXED("F")) "," FIELD(
                     "b", SPACE("S", "x", FIELD("c", "\"F\""))) "," FIELD("d", "\"F\"")),
     "F", NULL},
    {RECORD("R", FIELD("a", FIXED("F")) "," FIELD("b", FIXED("x.F")) "," FIELD("c", "\"F\"")), "F",
     NULL},
    {SPACE("R", "x",
           FIELD("a", "{\"type\": \"fixed\", \"name\": \"F\", \"namespace\": \"\", \"size\": "
                      "1}") "," FIELD("b", FIXED("F")) "," FIELD("c", "\"F\"")),
     "x.F", NULL},
    {SPACE("R", "x", FIELD("a", FIXED("F")) "," FIELD("b", "\"y.F\"")), NULL,
     "unknown type \"y.F\""},
    {RECORD("R", FIELD("a", "\"F\"") "," FIELD("b", FIXED("F"))), NULL, "unknown type \"F\""},
    {RECORD("R", FIELD("a", FIXED("F")) "," FIELD("b", FIXED("F"))), NULL,
     "type \"F\" is defined twice"},
    {RECORD("R", FIELD("a", FIXED("x.F")) "," FIELD("b", FIXED("F"))), "F", NULL},
    /* Not a name */
    {SPACE("R", "x.", ""), NULL, "namespace \"x.\" is not valid"},
    {SPACE("R", "x-y", ""), NULL, "namespace \"x-y\" is not valid"},
    {SPACE("R", "x\\u0000y", ""), NULL, "the record has no valid namespace"},
};

static void
test_namespaces(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(namespaces_cases); i++)
    {
        cs_avro_schema *schema;
        cs_error err;

        assert_outcome(cs_avro_schema_parse(cs_malloc_env(), namespaces_cases[i].json,
                                            strlen(namespaces_cases[i].json), &schema, &err),
                       namespaces_cases[i].name != NULL ? CS_OK : CS_ERR_DATA, &err,
                       namespaces_cases[i].message, namespaces_cases[i].json);
        if (namespaces_cases[i].name != NULL)
        {
            const cs_avro_node *type = schema->fields[schema->num_fields - 1].type;

            assert_non_null(type->name);
            assert_string_equal(type->name, namespaces_cases[i].name);
        }
        cs_avro_schema_free(schema);
    }
}

static void
test_aliases(void **state)
{
    cs_avro_schema *schema = case_schema(
        "{\"type\": \"record\", \"name\": \"x.R\", \"aliases\": [\"Q\", \"y.P\"], \"fields\": ["
        "{\"name\": \"a\", \"aliases\": [\"b\", \"c\"], \"type\": {\"type\": \"enum\", \"name\": "
        "\"E\", "
        "\"aliases\": [], \"symbols\": [\"A\", \"B\"], \"default\": \"B\"}}]}");

    (void) state;
    assert_int_equal(schema->root->aliases.count, 2);
    assert_string_equal(schema->root->aliases.items[0], "x.Q");
    assert_string_equal(schema->root->aliases.items[1], "y.P");
    assert_int_equal(schema->fields[0].aliases.count, 2);
    assert_string_equal(schema->fields[0].aliases.items[1], "c");
    assert_int_equal(schema->fields[0].type->aliases.count, 0);
    assert_int_equal(schema->fields[0].type->symbols.count, 2);
    assert_int_equal(schema->fields[0].type->default_symbol, 1);
    cs_avro_schema_free(schema);
}

/* A name that is used again is the same node; numbers tell nodes apart. */
static void
test_references_share_nodes(void **state)
{
    cs_avro_schema *schema = case_schema(RECORD(
        "R", FIELD("a", FIXED("F")) "," FIELD("b", "\"F\"") "," FIELD("c", "[\"null\", \"R\"]")));

    (void) state;
    assert_ptr_equal(schema->fields[0].type, schema->fields[1].type);
    assert_ptr_equal(schema->fields[2].type->branches[1], schema->root);
    assert_int_equal(schema->num_nodes, 4);
    assert_int_equal(schema->root->index, 0);
    assert_int_equal(schema->fields[0].type->index, 1);
    assert_int_equal(schema->fields[2].type->index, 2);
    cs_avro_schema_free(schema);
}

#define LIST "[\"null\", \"R\"]"

/* A record, and what its encodings take. */
static void
test_sizes(void **state)
{
    static const struct
    {
        const char *json;
        uint64_t min_bytes;
        int64_t fixed_bytes;
    } cases[] = {
        {RECORD("R", ""), 0, 0},
        {RECORD("R", FIELD("a", "\"null\"")), 0, 0},
        {RECORD("R",
                FIELD("a", "\"double\"") "," FIELD("b", "\"float\"") "," FIELD("c", "\"boolean\"")),
         13, 13},
        {RECORD("R", FIELD("a", "\"double\"") "," FIELD("b", "\"int\"")), 9, CS_AVRO_VARIABLE},
        {RECORD("R", FIELD("a", RECORD("S", FIELD("x", "\"double\""))) "," FIELD("b", "\"S\"")), 16,
         16},
        {RECORD("R", FIELD("a", "[\"double\", \"string\"]")), 2, CS_AVRO_VARIABLE},
        /* Records that contain themselves, with a way out */
        {RECORD("R", FIELD("a", LIST)), 1, CS_AVRO_VARIABLE},
        {RECORD("R", FIELD("a", LIST) "," FIELD("b", "\"double\"")), 9, CS_AVRO_VARIABLE},
        {RECORD("R", FIELD("a", "[\"R\", \"double\"]")), 9, CS_AVRO_VARIABLE},
        {RECORD("R",
                FIELD("a", "{\"type\": \"array\", \"items\": \"R\"}") "," FIELD("b", "\"float\"")),
         5, CS_AVRO_VARIABLE},
        {RECORD("R", FIELD("a", "{\"type\": \"map\", \"values\": \"R\"}")), 1, CS_AVRO_VARIABLE},
        {RECORD("R",
                FIELD("a", RECORD("S", FIELD("b", LIST) "," FIELD("c", "\"double\""))) "," FIELD(
                    "d", "[\"S\", \"null\"]")),
         10, CS_AVRO_VARIABLE},
        {RECORD("R", FIELD("a", "[" RECORD("S", FIELD("b", "\"R\"")) ", \"string\"]")), 2,
         CS_AVRO_VARIABLE},
        {RECORD("R",
                FIELD("a",
                      "{\"type\": \"array\", \"items\": " RECORD(
                          "S",
                          FIELD("b", "\"R\"") "," FIELD(
                              "c", "\"double\"")) "}") "," FIELD("d",
                                                                 "[\"S\", \"null\", \"boolean\"]")),
         2, CS_AVRO_VARIABLE},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_avro_schema *schema = case_schema(cases[i].json);

        if (schema->root->min_bytes != cases[i].min_bytes ||
            schema->root->fixed_bytes != cases[i].fixed_bytes)
            fail_msg("%llu, %lld: %s", (unsigned long long) schema->root->min_bytes,
                     (long long) schema->root->fixed_bytes, cases[i].json);
        cs_avro_schema_free(schema);
    }
}

/* Parse a schema that is built here, and measure the top. */
static cs_code
parse_built(cs_buffer *json, cs_avro_schema **schema, cs_error *err)
{
    cs_code code =
        cs_avro_schema_parse(cs_malloc_env(), (char *) json->data, json->len, schema, err);

    cs_buffer_free(json);
    return code;
}

/* T0 is given; each T after it holds the one before twice. */
static void
build_towers(cs_buffer *json, const char *lowest, int height)
{
    cs_error err;

    cs_buffer_init(json, cs_malloc_env());
    assert_ok(cs_buffer_printf(json, &err,
                               "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                               "{\"name\":\"f0\",\"type\":%s}",
                               lowest),
              &err);
    for (int i = 1; i < height; i++)
        assert_ok(
            cs_buffer_printf(json, &err,
                             ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"T%d\","
                             "\"fields\":[{\"name\":\"a\",\"type\":\"T%d\"},{\"name\":\"b\","
                             "\"type\":\"T%d\"}]}}",
                             i, i, i - 1, i - 1),
            &err);
    assert_ok(cs_buffer_append(json, "]}", 2, &err), &err);
}

static void
test_exponential_sizes(void **state)
{
    static const struct
    {
        const char *lowest;
        int height;
        uint64_t last_min;
        int64_t last_fixed;
    } cases[] = {
        {RECORD("T0", FIELD("a", "\"null\"")), 2000, 0, 0},
        {RECORD("T0", FIELD("a", "\"boolean\"")), 11, 1024, 1024},
        {RECORD("T0", FIELD("a", "\"int\"")), 11, 1024, CS_AVRO_VARIABLE},
        {RECORD("T0", FIELD("a", "\"boolean\"")), 2000, UINT64_C(1) << 60, CS_AVRO_VARIABLE},
        {RECORD("T0", FIELD("a", "\"string\"")), 2000, UINT64_C(1) << 60, CS_AVRO_VARIABLE},
        {"{\"type\": \"fixed\", \"name\": \"T0\", \"size\": 9223372036854775807}", 4,
         UINT64_C(1) << 60, CS_AVRO_VARIABLE},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_avro_schema *schema;
        const cs_avro_node *last;
        cs_buffer json;
        cs_error err;

        build_towers(&json, cases[i].lowest, cases[i].height);
        assert_ok(parse_built(&json, &schema, &err), &err);
        last = schema->fields[schema->num_fields - 1].type;
        assert_int_equal(last->min_bytes, cases[i].last_min);
        assert_int_equal(last->fixed_bytes, cases[i].last_fixed);
        cs_avro_schema_free(schema);
    }
}

/* A fixed larger than any memory is a type like others. */
static void
test_huge_fixed(void **state)
{
    avro_case c;

    (void) state;
    assert_ok(case_open(&c, "{\"type\": \"fixed\", \"name\": \"F\", \"size\": 9223372036854775807}",
                        NULL, NULL),
              &c.err);
    case_load(&c, 1, BYTES("abc"));
    assert_refused(case_next(&c), CS_ERR_DATA, &c.err,
                   "field \"value\" is damaged: not a valid fixed");
    case_close(&c);
}

static void
test_number_of_types(void **state)
{
    for (int extra = 0; extra <= 1; extra++)
    {
        cs_avro_schema *schema;
        cs_buffer json;
        cs_error err;

        (void) state;
        cs_buffer_init(&json, cs_malloc_env());
        assert_ok(cs_buffer_printf(&json, &err, "{\"type\":\"record\",\"name\":\"R\",\"fields\":["),
                  &err);
        for (int i = 0; i < CS_AVRO_MAX_SCHEMA_NODES - 1 + extra; i++)
            assert_ok(cs_buffer_printf(&json, &err, "%s{\"name\":\"f%d\",\"type\":\"int\"}",
                                       i > 0 ? "," : "", i),
                      &err);
        assert_ok(cs_buffer_append(&json, "]}", 2, &err), &err);
        assert_refused(parse_built(&json, &schema, &err), extra == 0 ? CS_OK : CS_ERR_LIMIT, &err,
                       extra == 0 ? NULL : "schema has more than the limit of 100000 types");
        cs_avro_schema_free(schema);
    }
}

/* Sizes that depend on one another the long way are found in a few passes. */
static void
test_long_dependencies(void **state)
{
    const int count = 30000;
    cs_avro_schema *schema;
    cs_buffer json;
    test_env env;
    cs_error err;

    (void) state;
    cs_buffer_init(&json, cs_malloc_env());
    assert_ok(cs_buffer_printf(&json, &err,
                               "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                               "{\"name\":\"f0\",\"type\":{\"type\":\"record\",\"name\":"
                               "\"T0\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}}"),
              &err);
    for (int i = 1; i < count; i++) /* each refers back, below itself */
        assert_ok(
            cs_buffer_printf(&json, &err,
                             ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":\"T%d\","
                             "\"fields\":[{\"name\":\"x\",\"type\":[\"T%d\"]}]}}",
                             i, i, i - 1),
            &err);
    assert_ok(cs_buffer_append(&json, "]}", 2, &err), &err);
    test_env_start(&env, 0, 0);
    assert_ok(cs_avro_schema_parse(&env.env, (char *) json.data, json.len, &schema, &err), &err);
    assert_int_equal(schema->fields[count - 1].type->min_bytes, count);
    assert_true(env.polls < 200); /* one a pass, and one for many nodes and defaults */
    cs_avro_schema_free(schema);
    cs_buffer_free(&json);
}

/* A default and its encoding; NULL where it is refused. */
typedef struct default_case
{
    const char *json;
    cs_slice bytes;
    const char *message;
} default_case;

#define NOTHING BYTES("")

static const default_case defaults_cases[] = {
    {WITH("\"null\"", "null"), BYTES(""), NULL},
    {WITH("\"boolean\"", "true"), BYTES("\x01"), NULL},
    {WITH("\"int\"", "-2147483648"), BYTES("\xff\xff\xff\xff\x0f"), NULL},
    {WITH("\"long\"", "1"), BYTES("\x02"), NULL},
    {WITH("\"float\"", "1"), BYTES("\x00\x00\x80\x3f"), NULL},
    {WITH("\"double\"", "1.5"), BYTES("\x00\x00\x00\x00\x00\x00\xf8\x3f"), NULL},
    {WITH("\"double\"", "\"NaN\""), BYTES("\x00\x00\x00\x00\x00\x00\xf8\x7f"), NULL},
    {WITH("\"string\"", "\"ab\""),
     BYTES("\x04"
           "ab"),
     NULL},
    {WITH("\"bytes\"", "\"\\u0000\\u00ff\""), BYTES("\x04\x00\xff"), NULL},
    {WITH(FIXED("F"), "\"\\u0000\""), BYTES("\x00"), NULL},
    {WITH(ENUM(""), "\"B\""), BYTES("\x02"), NULL},
    {WITH("{\"type\": \"array\", \"items\": \"int\"}", "[]"), BYTES("\x00"), NULL},
    {WITH("{\"type\": \"array\", \"items\": \"int\"}", "[1]"), BYTES("\x02\x02\x00"), NULL},
    {WITH("{\"type\": \"map\", \"values\": \"int\"}", "{\"k\": 1}"), BYTES("\x02\x02k\x02\x00"),
     NULL},
    {WITH(RECORD("S", FIELD("x", "\"int\"")), "{\"x\": 1}"), BYTES("\x02"), NULL},
    {WITH("[\"null\", \"int\"]", "null"), BYTES("\x00"), NULL},
    {WITH("[\"int\", \"null\"]", "1"), BYTES("\x00\x02"), NULL},
    {WITH("[\"null\", \"int\"]", "1"), BYTES("\x02\x02"), NULL}, /* as since version 1.12 */
    {WITH("[\"double\", \"long\"]", "1"), BYTES("\x00\x00\x00\x00\x00\x00\x00\xf0\x3f"), NULL},
    {WITH("{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}", "1"), BYTES("\x02"), NULL},
    /* Missing members of inner records take their own defaults */
    {WITH(RECORD("S", "{\"name\": \"x\", \"type\": \"int\", \"default\": 7}"), "{}"), BYTES("\x0e"),
     NULL},
    {WITH("[\"null\", \"R\"]", "null"), BYTES("\x00"), NULL},
    /* Wrong */
    {WITH("\"null\"", "0"), NOTHING, "field \"a\" of record \"R\" has a wrong default: 0 is not"},
    {WITH("\"boolean\"", "\"true\""), NOTHING,
     "wrong default: \"true\" is not a value of type boolean"},
    {WITH("\"int\"", "2147483648"), NOTHING, "wrong default: 2147483648 is out of range for int"},
    {WITH("\"int\"", "1.5"), NOTHING, "wrong default: 1.5 is not a value of type int"},
    {WITH("\"int\"", "null"), NOTHING, "wrong default: null is not a value of type int"},
    {WITH("\"long\"", "\"1\""), NOTHING, "wrong default"},
    {WITH("\"double\"", "\"1\""), NOTHING, "wrong default"},
    {WITH("\"string\"", "1"), NOTHING, "wrong default: 1 is not a value of type string"},
    {WITH("\"bytes\"", "\"\\u0100\""), NOTHING, "wrong default"},
    {WITH(FIXED("F"), "\"ab\""), NOTHING, "wrong default: 2 bytes do not fit a fixed of 1"},
    {WITH(ENUM(""), "\"C\""), NOTHING, "wrong default: \"C\" is not one of the enum's symbols"},
    {WITH("{\"type\": \"array\", \"items\": \"int\"}", "{}"), NOTHING, "wrong default: an object"},
    {WITH("{\"type\": \"array\", \"items\": \"int\"}", "[null]"), NOTHING, "wrong default: null"},
    {WITH("{\"type\": \"map\", \"values\": \"int\"}", "{\"k\": \"x\"}"), NOTHING,
     "wrong default: k: \"x\" is not a value of type int"},
    {WITH(RECORD("S", FIELD("x", "\"int\"")), "{}"), NOTHING,
     "wrong default: field \"x\" is missing and has no default"},
    {WITH(RECORD("S", FIELD("x", "\"int\"")), "{\"x\": 1, \"y\": 2}"), NOTHING,
     "wrong default: the object has members that record \"S\" lacks"},
    {WITH("[\"null\", \"int\"]", "\"x\""), NOTHING,
     "wrong default: \"x\" is not a value of type union"},
    {RECORD("T", FIELD("t", WITH("\"int\"", "\"x\""))), NOTHING,
     "field \"a\" of record \"R\" has a wrong default"},
};

static void
test_defaults(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(defaults_cases); i++)
    {
        const char *json = defaults_cases[i].json;
        cs_avro_schema *schema;
        cs_error err;

        assert_outcome(cs_avro_schema_parse(cs_malloc_env(), json, strlen(json), &schema, &err),
                       defaults_cases[i].message == NULL ? CS_OK : CS_ERR_DATA, &err,
                       defaults_cases[i].message, json);
        if (defaults_cases[i].message != NULL)
            continue;
        assert_true(schema->fields[0].has_default);
        assert_same_bytes(schema->fields[0].default_bytes, defaults_cases[i].bytes);
        cs_avro_schema_free(schema);
    }
}

/* A default that is nested as deep as JSON allows. */
static void
test_deep_default(void **state)
{
    const int depth = 1000;
    cs_avro_schema *schema;
    cs_buffer json;
    cs_error err;

    (void) state;
    cs_buffer_init(&json, cs_malloc_env());
    assert_ok(cs_buffer_printf(&json, &err,
                               "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                               "{\"name\":\"a\",\"type\":%s,\"default\":",
                               RECORD("S", FIELD("n", "{\"type\":\"array\",\"items\":\"S\"}"))),
              &err);
    for (int i = 0; i < depth; i++)
        assert_ok(cs_buffer_printf(&json, &err, "{\"n\":["), &err);
    for (int i = 0; i < depth; i++)
        assert_ok(cs_buffer_printf(&json, &err, "]}"), &err);
    assert_ok(cs_buffer_printf(&json, &err, "}]}"), &err);
    assert_ok(parse_built(&json, &schema, &err), &err);
    assert_int_equal(schema->fields[0].default_bytes.len, 2 * depth - 1);
    cs_avro_schema_free(schema);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_namespaces),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_references_share_nodes),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_exponential_sizes),
        cmocka_unit_test(test_huge_fixed),
        cmocka_unit_test(test_number_of_types),
        cmocka_unit_test(test_long_dependencies),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_deep_default),
    };

    return cmocka_run_group_tests_name("avro_names", tests, NULL, NULL);
}
