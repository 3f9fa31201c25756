/*
 * test/unit/avro_resolve_test.c
 *     Schema resolution: what a value becomes when it is read through another
 *     schema, as a column and inside a nested value.
 */
#include "avro_case.h"

#include <stdlib.h>

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define LOGICAL(type, name) "{\"type\": \"" type "\", \"logicalType\": \"" name "\"}"
#define FIXED(name, size) "{\"type\": \"fixed\", \"name\": \"" name "\", \"size\": " size "}"
#define ENUM(name, symbols, rest) \
    "{\"type\": \"enum\", \"name\": \"" name "\", \"symbols\": [" symbols "]" rest "}"
#define DECIMAL(head, precision, scale) \
    "{" head ", \"logicalType\": \"decimal\", \"precision\": " precision ", \"scale\": " scale "}"
#define SUB(name, fields) "{\"type\": \"record\", \"name\": \"" name "\", \"fields\": [" fields "]}"
#define ARRAY(items) "{\"type\": \"array\", \"items\": " items "}"
#define MAP(values) "{\"type\": \"map\", \"values\": " values "}"

/* A value of one type that is read as another. */
typedef struct resolution
{
    const char *writer;
    const char *reader;
    const char *value;
    const char *expected; /* NULL where it is refused: */
    cs_code code;
    const char *message;
} resolution;

#define REFUSED(part) NULL, CS_ERR_ARGUMENT, part /* by the plan */
#define MISFIT(part) NULL, CS_ERR_RANGE, part     /* when the value is met */

/* Check one resolution of whole schemas. */
static void
check_schemas(const resolution *r, const char *writer, const char *reader, const char *value,
              const char *expected)
{
    json_t *json, *wanted;
    cs_error err;
    char subject[600];

    snprintf(subject, sizeof(subject), "%.290s as %.290s", writer, reader);
    assert_outcome(case_read_through(writer, reader, value, &json, &err), r->code, &err, r->message,
                   subject);
    if (r->code != CS_OK)
        return;
    wanted = case_json(expected);
    case_check_json(json, wanted, subject);
    json_decref(wanted);
    json_decref(json);
}

/* Put a record schema, or its value, into the one field of another. */
static char *
put_inside(const char *head, const char *inner, const char *tail)
{
    size_t size = strlen(head) + strlen(inner) + strlen(tail) + 1;
    char *whole = malloc(size);

    assert_non_null(whole);
    snprintf(whole, size, "%s%s%s", head, inner, tail);
    return whole;
}

/* Check a resolution of records at the top and inside a field, an array and a nullable field. */
static void
check_everywhere(const resolution *r, const char *writer, const char *reader, const char *value,
                 const char *expected)
{
    static const char *const places[][4] = {
        /* a type, a value, each its begin and its end */
        {"{\"type\": \"record\", \"name\": \"T\", \"fields\": [{\"name\": \"n\", \"type\": ", "}]}",
         "{\"n\": ", "}"},
        {"{\"type\": \"record\", \"name\": \"T\", \"fields\": [{\"name\": \"n\", \"type\": "
         "{\"type\": \"array\", \"items\": ",
         "}}]}", "{\"n\": [", "]}"},
        {"{\"type\": \"record\", \"name\": \"T\", \"fields\": [{\"name\": \"n\", \"type\": "
         "{\"type\": \"map\", \"values\": ",
         "}}]}", "{\"n\": {\"k\": ", "}}"},
    };

    check_schemas(r, writer, reader, value, expected);
    for (size_t i = 0; i < LENGTH(places); i++)
    {
        char *outer_writer = put_inside(places[i][0], writer, places[i][1]);
        char *outer_reader = put_inside(places[i][0], reader, places[i][1]);
        char *outer_value = put_inside(places[i][2], value, places[i][3]);
        char *outer_expected =
            put_inside(places[i][2], expected != NULL ? expected : "", places[i][3]);

        check_schemas(r, outer_writer, outer_reader, outer_value, outer_expected);
        free(outer_writer);
        free(outer_reader);
        free(outer_value);
        free(outer_expected);
    }
}

/* Check resolutions of records. */
static void
check_records(const resolution *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_everywhere(&cases[i], cases[i].writer, cases[i].reader, cases[i].value,
                         cases[i].expected);
}

/* Check resolutions of the one field of a record. */
static void
check_types(const resolution *cases, size_t count)
{
    static const char head[] = "{\"type\": \"record\", \"name\": \"R\", \"fields\": [{\"name\": "
                               "\"a\", \"type\": ";

    for (size_t i = 0; i < count; i++)
    {
        const resolution *r = &cases[i];
        char *writer = put_inside(head, r->writer, "}]}");
        char *reader = put_inside(head, r->reader, "}]}");
        char *value = put_inside("{\"a\": ", r->value, "}");
        char *expected = put_inside("{\"a\": ", r->expected != NULL ? r->expected : "", "}");

        check_everywhere(r, writer, reader, value, expected);
        free(writer);
        free(reader);
        free(value);
        free(expected);
    }
}

static void
test_promotions(void **state)
{
    static const resolution cases[] = {
        {"\"null\"", "\"null\"", "null", "null", CS_OK, NULL},
        {"\"boolean\"", "\"boolean\"", "true", "true", CS_OK, NULL},
        {"\"int\"", "\"int\"", "-5", "-5", CS_OK, NULL},
        {"\"int\"", "\"long\"", "-2147483648", "-2147483648", CS_OK, NULL},
        {"\"int\"", "\"float\"", "16777216", "16777216.0", CS_OK, NULL},
        {"\"int\"", "\"double\"", "2147483647", "2147483647.0", CS_OK, NULL},
        {"\"long\"", "\"long\"", "9223372036854775807", "9223372036854775807", CS_OK, NULL},
        {"\"long\"", "\"float\"", "-4", "-4.0", CS_OK, NULL},
        {"\"long\"", "\"double\"", "9007199254740993", "9007199254740992.0", CS_OK, NULL},
        {"\"float\"", "\"float\"", "0.5", "0.5", CS_OK, NULL},
        {"\"float\"", "\"double\"", "-0.25", "-0.25", CS_OK, NULL},
        {"\"float\"", "\"double\"", "\"-Infinity\"", "\"-Infinity\"", CS_OK, NULL},
        {"\"double\"", "\"double\"", "\"NaN\"", "\"NaN\"", CS_OK, NULL},
        {"\"string\"", "\"string\"", "\"\\u20ac\"", "\"\\u20ac\"", CS_OK, NULL},
        {"\"string\"", "\"bytes\"", "\"a\\u00e9\"", "\"\\\\x61c3a9\"", CS_OK, NULL},
        {"\"bytes\"", "\"bytes\"", "\"\\\\x00ff\"", "\"\\\\x00ff\"", CS_OK, NULL},
        {"\"bytes\"", "\"string\"", "\"\\\\x61c3a9\"", "\"a\\u00e9\"", CS_OK, NULL},
        {"\"bytes\"", "\"string\"", "\"\\\\xff\"", MISFIT("not valid UTF-8")},
        {"\"bytes\"", "\"string\"", "\"\\\\x00\"", MISFIT("NUL")},
        {FIXED("F", "2"), FIXED("F", "2"), "\"\\\\x0102\"", "\"\\\\x0102\"", CS_OK, NULL},
        {FIXED("F", "2"), FIXED("x.G", "2"), "\"\\\\x0102\"", "\"\\\\x0102\"", CS_OK, NULL},
        {ARRAY("\"int\""), ARRAY("\"double\""), "[1, 2]", "[1.0, 2.0]", CS_OK, NULL},
        {MAP("\"int\""), MAP("\"long\""), "{\"k\": 1}", "{\"k\": 1}", CS_OK, NULL},
        /* The other way there is no way */
        {"\"long\"", "\"int\"", "1", REFUSED("field \"a\": long cannot be read as int")},
        {"\"float\"", "\"long\"", "1.0", REFUSED("float cannot be read as long")},
        {"\"double\"", "\"float\"", "1.0", REFUSED("double cannot be read as float")},
        {"\"int\"", "\"string\"", "1", REFUSED("int cannot be read as string")},
        {"\"string\"", "\"int\"", "\"1\"", REFUSED("string cannot be read as int")},
        {"\"boolean\"", "\"int\"", "true", REFUSED("boolean cannot be read as int")},
        {"\"int\"", "\"boolean\"", "1", REFUSED("int cannot be read as boolean")},
        {"\"null\"", "\"int\"", "null", REFUSED("null cannot be read as int")},
        {"\"int\"", "\"null\"", "1", REFUSED("int cannot be read as null")},
        {FIXED("F", "2"), FIXED("F", "3"), "\"\\\\x0102\"",
         REFUSED("fixed F(2) cannot be read as fixed F(3)")},
        {FIXED("F", "2"), "\"bytes\"", "\"\\\\x0102\"",
         REFUSED("fixed F(2) cannot be read as bytes")},
        {"\"bytes\"", FIXED("F", "2"), "\"\\\\x0102\"",
         REFUSED("bytes cannot be read as fixed F(2)")},
        {ENUM("E", "\"A\"", ""), "\"string\"", "\"A\"", REFUSED("enum E cannot be read as string")},
        {ARRAY("\"int\""), MAP("\"int\""), "[]", REFUSED("array<int> cannot be read as map<int>")},
        {ARRAY("\"int\""), ARRAY("\"string\""), "[]", REFUSED("int cannot be read as string")},
        {SUB("S", ""), "\"string\"", "{}", REFUSED("record S cannot be read as string")},
        {"\"string\"", SUB("S", ""), "\"x\"", REFUSED("string cannot be read as record S")},
    };

    (void) state;
    check_types(cases, LENGTH(cases));
}

static void
test_enums(void **state)
{
    static const resolution cases[] = {
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"A\", \"B\"", ""), "\"B\"", "\"B\"", CS_OK,
         NULL},
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"B\", \"A\"", ""), "\"B\"", "\"B\"", CS_OK,
         NULL},
        {ENUM("E", "\"A\"", ""), ENUM("x.F", "\"C\", \"A\"", ""), "\"A\"", "\"A\"", CS_OK, NULL},
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"A\", \"Z\"", ", \"default\": \"Z\""), "\"B\"",
         "\"Z\"", CS_OK, NULL},
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"A\", \"Z\"", ", \"default\": \"Z\""), "\"A\"",
         "\"A\"", CS_OK, NULL},
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"A\"", ""), "\"A\"", "\"A\"", CS_OK, NULL},
        {ENUM("E", "\"A\", \"B\"", ""), ENUM("E", "\"A\"", ""), "\"B\"",
         MISFIT("symbol \"B\" is not one of the reader's")},
        /* The writer's default says nothing to the reader */
        {ENUM("E", "\"A\", \"B\"", ", \"default\": \"A\""), ENUM("E", "\"A\"", ""), "\"B\"",
         MISFIT("symbol \"B\"")},
    };

    (void) state;
    check_types(cases, LENGTH(cases));
}

static const resolution logical_types_cases[] = {
    /* Another unit is the same instant */
    {LOGICAL("long", "timestamp-millis"), LOGICAL("long", "timestamp-micros"),
     "\"2024-03-10T08:00:00.5Z\"", "\"2024-03-10T08:00:00.500000Z\"", CS_OK, NULL},
    {LOGICAL("long", "timestamp-micros"), LOGICAL("long", "timestamp-millis"),
     "\"2024-03-10T08:00:00.000001Z\"", "\"2024-03-10T08:00:00.000001Z\"", CS_OK, NULL},
    {LOGICAL("long", "timestamp-nanos"), LOGICAL("long", "timestamp-micros"),
     "\"1969-12-31T23:59:59.999999001Z\"", "\"1969-12-31T23:59:59.999999001Z\"", CS_OK, NULL},
    {LOGICAL("long", "timestamp-micros"), LOGICAL("long", "timestamp-nanos"),
     "\"2024-03-10T08:00:00Z\"", "\"2024-03-10T08:00:00Z\"", CS_OK, NULL},
    {LOGICAL("int", "time-millis"), LOGICAL("long", "time-micros"), "\"23:59:59.999\"",
     "\"23:59:59.999000\"", CS_OK, NULL},
    {LOGICAL("long", "timestamp-millis"), LOGICAL("long", "local-timestamp-micros"),
     "\"2024-03-10T08:00:00Z\"", "\"2024-03-10T08:00:00\"", CS_OK, NULL},
    {LOGICAL("long", "local-timestamp-nanos"), LOGICAL("long", "timestamp-millis"),
     "\"2024-03-10T08:00:00\"", "\"2024-03-10T08:00:00Z\"", CS_OK, NULL},
    /* Without a logical type on one side, what the other says counts */
    {LOGICAL("long", "timestamp-millis"), "\"long\"", "\"1970-01-01T00:00:01Z\"", "1000", CS_OK,
     NULL},
    {"\"long\"", LOGICAL("long", "timestamp-millis"), "1000", "\"1970-01-01T00:00:01Z\"", CS_OK,
     NULL},
    {"\"int\"", LOGICAL("long", "timestamp-micros"), "1", "\"1970-01-01T00:00:00.000001Z\"", CS_OK,
     NULL},
    {LOGICAL("int", "date"), "\"long\"", "\"1970-01-02\"", "1", CS_OK, NULL},
    {LOGICAL("int", "date"), "\"double\"", "\"1970-01-02\"", "1.0", CS_OK, NULL},
    {"\"int\"", LOGICAL("int", "date"), "-1", "\"1969-12-31\"", CS_OK, NULL},
    {"\"long\"", LOGICAL("long", "time-micros"), "1", "\"00:00:00.000001\"", CS_OK, NULL},
    {"\"long\"", LOGICAL("long", "time-micros"), "-1", MISFIT("time of day -1 is out of range")},
    {"\"long\"", LOGICAL("long", "time-micros"), "86400000000", MISFIT("out of range")},
    {"\"string\"", LOGICAL("string", "uuid"), "\"0123ABCD-0123-4567-89ab-0123456789ab\"",
     "\"0123abcd-0123-4567-89ab-0123456789ab\"", CS_OK, NULL},
    {"\"string\"", LOGICAL("string", "uuid"), "\"x\"", MISFIT("not a UUID")},
    {LOGICAL("string", "uuid"), "\"string\"", "\"0123abcd-0123-4567-89ab-0123456789ab\"",
     "\"0123abcd-0123-4567-89ab-0123456789ab\"", CS_OK, NULL},
    {"\"bytes\"", LOGICAL("string", "uuid"),
     "\"\\\\x30313233616263642d303132332d343536372d383961622d303132333435363738396162\"",
     "\"0123abcd-0123-4567-89ab-0123456789ab\"", CS_OK, NULL},
    {"\"bytes\"", DECIMAL("\"type\": \"bytes\"", "4", "2"), "\"\\\\x04d2\"", "\"12.34\"", CS_OK,
     NULL},
    {DECIMAL("\"type\": \"bytes\"", "4", "2"), "\"bytes\"", "\"12.34\"", "\"\\\\x04d2\"", CS_OK,
     NULL},
    {DECIMAL("\"type\": \"bytes\"", "4", "2"), DECIMAL("\"type\": \"bytes\"", "9", "2"),
     "\"-12.34\"", "\"-12.34\"", CS_OK, NULL},
    {DECIMAL("\"type\": \"bytes\"", "4", "1"), DECIMAL("\"type\": \"bytes\"", "9", "3"), "\"12.3\"",
     "\"12.3\"", CS_OK, NULL},
    {"{\"type\": \"fixed\", \"name\": \"F\", \"size\": 12}",
     "{\"type\": \"fixed\", \"name\": \"F\", \"size\": 12, \"logicalType\": \"duration\"}",
     "\"\\\\x0100000002000000ec0b0000\"", "\"P1M2DT3.052S\"", CS_OK, NULL},
    {"{\"type\": \"fixed\", \"name\": \"F\", \"size\": 16}",
     "{\"type\": \"fixed\", \"name\": \"F\", \"size\": 16, \"logicalType\": \"uuid\"}",
     "\"\\\\x000102030405060708090a0b0c0d0e0f\"", "\"00010203-0405-0607-0809-0a0b0c0d0e0f\"", CS_OK,
     NULL},
    /* What means something else is refused */
    {LOGICAL("int", "date"), LOGICAL("long", "timestamp-micros"), "\"1970-01-02\"",
     REFUSED("date cannot be read as timestamp-micros")},
    {LOGICAL("int", "time-millis"), LOGICAL("int", "date"), "\"00:00:00\"",
     REFUSED("time-millis cannot be read as date")},
    {LOGICAL("long", "timestamp-micros"), LOGICAL("long", "time-micros"),
     "\"1970-01-02T00:00:00Z\"", REFUSED("timestamp-micros cannot be read as time-micros")},
    {LOGICAL("long", "timestamp-micros"), LOGICAL("int", "date"), "\"1970-01-02T00:00:00Z\"",
     REFUSED("timestamp-micros cannot be read as date")},
};

static void
test_logical_types(void **state)
{
    (void) state;
    check_types(logical_types_cases, LENGTH(logical_types_cases));
}

static const resolution unions_cases[] = {
    /* Into a union */
    {"\"int\"", "[\"null\", \"int\"]", "5", "5", CS_OK, NULL},
    {"\"null\"", "[\"int\", \"null\"]", "null", "null", CS_OK, NULL},
    {"\"int\"", "[\"null\", \"long\"]", "5", "5", CS_OK, NULL},
    {"\"int\"", "[\"string\", \"double\", \"long\"]", "5", "5.0", CS_OK, NULL}, /* the first */
    {"\"int\"", "[\"double\", \"int\"]", "5", "5", CS_OK, NULL},                /* the same */
    {"\"string\"", "[\"bytes\", \"string\"]", "\"a\"", "\"a\"", CS_OK, NULL},
    {"\"string\"", "[\"null\", \"bytes\"]", "\"a\"", "\"\\\\x61\"", CS_OK, NULL},
    {"\"string\"", "[\"null\", \"int\"]", "\"a\"",
     REFUSED("field \"a\": string cannot be read as union<null, int>")},
    {"\"double\"", "[\"null\", \"string\", \"double\"]", "1.5", "1.5", CS_OK, NULL},
    {FIXED("F", "1"), "[\"null\", \"string\", " FIXED("F", "1") "]", "\"\\\\x01\"", "\"\\\\x01\"",
     CS_OK, NULL},
    {ARRAY("\"int\""), "[\"null\", " ARRAY("\"long\"") "]", "[1]", "[1]", CS_OK, NULL},
    {SUB("S", FIELD("x", "\"int\"")), "[\"null\", " SUB("S", FIELD("x", "\"long\"")) "]",
     "{\"x\": 1}", "{\"x\": 1}", CS_OK, NULL},
    /* Out of a union */
    {"[\"null\", \"int\"]", "\"int\"", "5", "5", CS_OK, NULL},
    {"[\"null\", \"int\"]", "\"int\"", "null",
     MISFIT("a value of type null is not one that the reader's schema takes")},
    {"[\"int\", \"string\"]", "\"string\"", "\"a\"", "\"a\"", CS_OK, NULL},
    {"[\"int\", \"string\"]", "\"string\"", "5", MISFIT("a value of type int")},
    {"[\"int\", \"string\"]", "\"double\"", "5", "5.0", CS_OK, NULL},
    {"[\"string\", " ARRAY("\"int\"") "]", "\"string\"", "[1, 2]", MISFIT("a value of type array")},
    {"[\"null\", \"string\", " SUB("S", FIELD("x", "\"int\"")) "]", "[\"null\", \"string\"]",
     "{\"x\": 1}", MISFIT("a value of type record")},
    {"[\"null\", " SUB("S", FIELD("x", "\"int\"")) "]", SUB("S", FIELD("x", "\"int\"")), "null",
     MISFIT("a value of type null")},
    {"[\"null\", " ARRAY("\"int\"") "]", ARRAY("\"int\""), "[1]", "[1]", CS_OK, NULL},
    {"[\"null\", " ARRAY("\"int\"") "]", ARRAY("\"int\""), "null", MISFIT("a value of type null")},
    {"[\"null\", \"int\"]", "\"string\"", "5", REFUSED("cannot be read as string")},
    {"[\"null\", \"string\"]", "\"null\"", "null", "null", CS_OK, NULL},
    {"[\"null\", \"string\"]", "\"null\"", "\"x\"", MISFIT("a value of type string")},
    /* From one to another */
    {"[\"null\", \"int\"]", "[\"int\", \"null\"]", "5", "5", CS_OK, NULL},
    {"[\"null\", \"int\"]", "[\"int\", \"null\"]", "null", "null", CS_OK, NULL},
    {"[\"null\", \"int\", \"string\"]", "[\"string\", \"null\", \"long\"]", "5", "5", CS_OK, NULL},
    {"[\"null\", \"int\", \"string\"]", "[\"null\", \"int\"]", "\"x\"",
     MISFIT("a value of type string")},
    {"[\"null\", \"int\", \"string\"]", "[\"null\", \"int\"]", "null", "null", CS_OK, NULL},
    {"[\"int\", \"float\"]", "[\"float\", \"double\"]", "5", "5.0", CS_OK, NULL},
    {"[\"int\", \"double\"]", "[\"int\", \"double\"]", "5", "5", CS_OK, NULL},
    {"[\"int\", \"double\"]", "[\"int\", \"double\"]", "5.5", "5.5", CS_OK, NULL},
    {"[\"int\", \"boolean\"]", "[\"string\", \"null\"]", "5", REFUSED("field \"a\": int cannot")},
    {"[" LOGICAL("long", "timestamp-millis") ", \"null\"]",
     "[\"null\", " LOGICAL("long", "timestamp-micros") "]", "\"2024-03-10T08:00:00Z\"",
     "\"2024-03-10T08:00:00Z\"", CS_OK, NULL},
    /* Named types go by name, then alias, then short name */
    {"[" SUB("A", FIELD("x", "\"int\"")) ", " SUB("B", FIELD("y", "\"int\"")) "]",
     "[" SUB("B", FIELD("y", "\"int\"")) ", " SUB("A", FIELD("x", "\"int\"")) "]", "{\"x\": 1}",
     "{\"x\": 1}", CS_OK, NULL},
    {"[" SUB("A", FIELD("x", "\"int\"")) ", " SUB("B", FIELD("x", "\"int\"")) "]",
     "[{\"type\": \"record\", \"name\": \"C\", \"aliases\": [\"A\"], \"fields\": ["
     "{\"name\": \"x\", \"type\": \"int\"}, {\"name\": \"c\", \"type\": \"int\", \"default\": "
     "7}]}, " SUB("B", FIELD("x", "\"int\"")) "]",
     "{\"x\": 1}", "{\"x\": 1, \"c\": 7}", CS_OK, NULL},
    {SUB("n.A", FIELD("x", "\"int\"")),
     "[" SUB("B", FIELD("x", "\"string\"")) ", " SUB("m.A", FIELD("x", "\"int\"")) "]",
     "{\"x\": 1}", "{\"x\": 1}", CS_OK, NULL},
    /* An alias does not win over the name itself */
    {SUB("A", FIELD("x", "\"int\"")),
     "[{\"type\": \"record\", \"name\": \"C\", \"aliases\": [\"A\"], \"fields\": []}, " SUB(
         "A", FIELD("x", "\"int\"")) "]",
     "{\"x\": 1}", "{\"x\": 1}", CS_OK, NULL},
    {FIXED("F", "1"), "[" FIXED("G", "1") ", " FIXED("F", "1") "]", "\"\\\\x01\"", "\"\\\\x01\"",
     CS_OK, NULL},
    {ENUM("E", "\"X\"", ""),
     "[" ENUM("D", "\"Y\"", ", \"default\": \"Y\"") ", " ENUM("E", "\"X\"", "") "]", "\"X\"",
     "\"X\"", CS_OK, NULL},
};

static void
test_unions(void **state)
{
    (void) state;
    check_types(unions_cases, LENGTH(unions_cases));
}

#define WITH(name, type, rest) "{\"name\": \"" name "\", \"type\": " type ", " rest "}"

static const resolution fields_cases[] = {
    /* Another order, fields that only one side has */
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"")),
     RECORD(FIELD("b", "\"string\"") "," FIELD("a", "\"int\"")), "{\"a\": 1, \"b\": \"x\"}",
     "{\"a\": 1, \"b\": \"x\"}", CS_OK, NULL},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"string\"") "," FIELD("c", "\"double\"")),
     RECORD(FIELD("b", "\"string\"")), "{\"a\": 1, \"b\": \"x\", \"c\": 1.5}", "{\"b\": \"x\"}",
     CS_OK, NULL},
    {RECORD(FIELD("a", "\"int\"")), RECORD(""), "{\"a\": 1}", "{}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "\"int\"", "\"default\": 7")), "{}", "{\"a\": 7}", CS_OK, NULL},
    {RECORD(FIELD("a", "\"int\"")), RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
     "{\"a\": 1}", REFUSED("field \"b\" is not in the file and has no default")},
    {RECORD(FIELD("a", "\"int\"")),
     RECORD(FIELD("a", "\"int\"") "," FIELD("b", "[\"null\", \"int\"]")), "{\"a\": 1}",
     REFUSED("field \"b\" is not in the file and has no default")},
    /* Aliases */
    {RECORD(FIELD("old", "\"int\"")),
     RECORD(WITH("new", "\"long\"", "\"aliases\": [\"x\", \"old\"]")), "{\"old\": 1}",
     "{\"new\": 1}", CS_OK, NULL},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")),
     RECORD(WITH("c", "\"int\"", "\"aliases\": [\"a\"], \"default\": 9") "," FIELD("a", "\"int\"")),
     "{\"a\": 1, \"b\": 2}", "{\"c\": 9, \"a\": 1}", CS_OK, NULL},
    {RECORD(WITH("new", "\"int\"", "\"aliases\": [\"old\"]")), RECORD(FIELD("old", "\"int\"")),
     "{\"new\": 1}", REFUSED("field \"old\" is not in the file")},
    {RECORD(FIELD("b", "\"int\"") "," FIELD("a", "\"int\"")),
     RECORD(WITH("a", "\"int\"", "\"aliases\": [\"b\"]")), "{\"b\": 1, \"a\": 2}", "{\"a\": 2}",
     CS_OK, NULL},
    {RECORD(FIELD("x", "\"int\"") "," FIELD("y", "\"int\"")),
     RECORD(WITH("z", "\"int\"", "\"aliases\": [\"x\", \"y\"]")), "{\"x\": 1, \"y\": 2}",
     "{\"z\": 1}", CS_OK, NULL},
    {RECORD(FIELD("a", "\"int\"") "," FIELD("x", "\"int\"")),
     RECORD(WITH("a", "\"int\"", "\"aliases\": [\"x\"]") "," WITH("b", "\"int\"",
                                                                  "\"aliases\": [\"x\"]")),
     "{\"a\": 1, \"x\": 2}", "{\"a\": 1, \"b\": 2}", CS_OK, NULL},
    /* Defaults of every kind */
    {RECORD(""), RECORD(WITH("a", "\"null\"", "\"default\": null")), "{}", "{\"a\": null}", CS_OK,
     NULL},
    {RECORD(""), RECORD(WITH("a", "\"boolean\"", "\"default\": true")), "{}", "{\"a\": true}",
     CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "\"double\"", "\"default\": 1")), "{}", "{\"a\": 1.0}", CS_OK,
     NULL},
    {RECORD(""), RECORD(WITH("a", "\"string\"", "\"default\": \"\\u20ac\"")), "{}",
     "{\"a\": \"\\u20ac\"}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "\"bytes\"", "\"default\": \"\\u0000\\u00ff\"")), "{}",
     "{\"a\": \"\\\\x00ff\"}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", FIXED("F", "2"), "\"default\": \"\\u0000A\"")), "{}",
     "{\"a\": \"\\\\x0041\"}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", ENUM("E", "\"A\", \"B\"", ""), "\"default\": \"B\"")), "{}",
     "{\"a\": \"B\"}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", ARRAY("\"int\""), "\"default\": [1, 2]")), "{}",
     "{\"a\": [1, 2]}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", MAP("\"int\""), "\"default\": {\"k\": 1}")), "{}",
     "{\"a\": {\"k\": 1}}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "[\"null\", \"int\"]", "\"default\": null")), "{}",
     "{\"a\": null}", CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "[\"int\", \"null\"]", "\"default\": 5")), "{}", "{\"a\": 5}",
     CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", "[\"null\", \"int\"]", "\"default\": 5")), "{}", "{\"a\": 5}",
     CS_OK, NULL},
    {RECORD(""), RECORD(WITH("a", LOGICAL("long", "timestamp-millis"), "\"default\": 1000")), "{}",
     "{\"a\": \"1970-01-01T00:00:01Z\"}", CS_OK, NULL},
    {RECORD(""),
     RECORD(WITH("a",
                 SUB("S", FIELD("x", "\"int\"") "," WITH("y", "\"string\"", "\"default\": \"d\"")),
                 "\"default\": {\"x\": 1}")),
     "{}", "{\"a\": {\"x\": 1, \"y\": \"d\"}}", CS_OK, NULL},
    {RECORD(""),
     RECORD(WITH(
         "a",
         SUB("L", FIELD("v", "\"int\"") "," WITH("next", "[\"null\", \"L\"]", "\"default\": null")),
         "\"default\": {\"v\": 1, \"next\": {\"v\": 2}}")),
     "{}", "{\"a\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}", CS_OK, NULL},
    /* A default is not looked at where the field is there */
    {RECORD(FIELD("a", "\"int\"")), RECORD(WITH("a", "\"int\"", "\"default\": 7")), "{\"a\": 1}",
     "{\"a\": 1}", CS_OK, NULL},
    /* Inner records */
    {RECORD(FIELD("s", SUB("S", FIELD("x", "\"int\"") "," FIELD("y", "\"int\"")))),
     RECORD(
         FIELD("s", SUB("S", WITH("z", "\"int\"", "\"default\": 3") "," FIELD("y", "\"long\"")))),
     "{\"s\": {\"x\": 1, \"y\": 2}}", "{\"s\": {\"y\": 2, \"z\": 3}}", CS_OK, NULL},
    {RECORD(FIELD("s", SUB("S", FIELD("x", "\"int\"")))),
     RECORD(FIELD("s", SUB("S", FIELD("x", "\"string\"")))), "{\"s\": {\"x\": 1}}",
     REFUSED("field \"s\": field \"x\": int cannot be read as string")},
    {RECORD(FIELD("s", SUB("S", FIELD("x", "\"int\"")))),
     RECORD(FIELD("s", SUB("S", FIELD("y", "\"int\"")))), "{\"s\": {\"x\": 1}}",
     REFUSED("field \"s\": field \"y\" is not in the file and has no default")},
};

static void
test_fields(void **state)
{
    (void) state;
    check_records(fields_cases, LENGTH(fields_cases));
}

/* Defaults that are right by their type, but that we do not take: found by the plan. */
static void
test_refused_defaults(void **state)
{
    static const resolution cases[] = {
        {RECORD(""), RECORD(WITH("a", "\"string\"", "\"default\": \"x\\u0000\"")), "{}",
         REFUSED("field \"a\": its default cannot be read: string holds a NUL")},
        {RECORD(""),
         RECORD(WITH("a", LOGICAL("long", "timestamp-millis"), "\"default\": 9223372036854775807")),
         "{}", REFUSED("field \"a\": its default cannot be read: timestamp")},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        check_schemas(&cases[i], cases[i].writer, cases[i].reader, cases[i].value, NULL);
}

#define LIST(fields) SUB("L", FIELD("next", "[\"null\", \"L\"]") "," fields)

static void
test_recursion(void **state)
{
    static const resolution cases[] = {
        {RECORD(FIELD("l", LIST(FIELD("v", "\"int\"")))),
         RECORD(FIELD("l", LIST(FIELD("v", "\"long\"")))),
         "{\"l\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}",
         "{\"l\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}", CS_OK, NULL},
        {RECORD(FIELD("l", LIST(FIELD("v", "\"int\"")))),
         RECORD(FIELD("l", LIST(WITH("w", "\"int\"", "\"default\": 9")))),
         "{\"l\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}",
         "{\"l\": {\"w\": 9, \"next\": {\"w\": 9, \"next\": null}}}", CS_OK, NULL},
        /* The pair fails at its last field, after the union inside it was resolved */
        {RECORD(FIELD("l", LIST(FIELD("v", "\"int\"")))),
         RECORD(FIELD("l", LIST(FIELD("v", "\"string\"")))), "{\"l\": {\"v\": 1, \"next\": null}}",
         REFUSED("field \"l\": field \"v\": int cannot be read as string")},
        /* The same inside a union, where it is refused only when it is met */
        {RECORD(FIELD("l", "[\"null\", " LIST(FIELD("v", "\"int\"")) "]")),
         RECORD(FIELD("l", "[\"null\", " LIST(FIELD("v", "\"string\"")) "]")), "{\"l\": null}",
         "{\"l\": null}", CS_OK, NULL},
        {RECORD(FIELD("l", "[\"null\", " LIST(FIELD("v", "\"int\"")) "]")),
         RECORD(FIELD("l", "[\"null\", " LIST(FIELD("v", "\"string\"")) "]")),
         "{\"l\": {\"v\": 1, \"next\": null}}", MISFIT("a value of type record")},
        /* What was resolved by way of a pair that failed later, and is used elsewhere */
        {RECORD(FIELD(
             "l",
             "[\"null\", " SUB(
                 "A",
                 FIELD("b", "[\"null\", " SUB("B", FIELD("a", "[\"null\", \"A\"]")) "]") "," FIELD(
                     "v", "\"int\"")) "]") "," FIELD("m", "[\"null\", \"B\"]")),
         RECORD(FIELD(
             "l",
             "[\"null\", " SUB(
                 "A",
                 FIELD("b", "[\"null\", " SUB("B", FIELD("a", "[\"null\", \"A\"]")) "]") "," FIELD(
                     "v", "\"string\"")) "]") "," FIELD("m", "[\"null\", \"B\"]")),
         "{\"l\": null, \"m\": {\"a\": null}}", "{\"l\": null, \"m\": {\"a\": null}}", CS_OK, NULL},
        {RECORD(FIELD(
             "l",
             "[\"null\", " SUB(
                 "A",
                 FIELD("b", "[\"null\", " SUB("B", FIELD("a", "[\"null\", \"A\"]")) "]") "," FIELD(
                     "v", "\"int\"")) "]") "," FIELD("m", "[\"null\", \"B\"]")),
         RECORD(FIELD(
             "l",
             "[\"null\", " SUB(
                 "A",
                 FIELD("b", "[\"null\", " SUB("B", FIELD("a", "[\"null\", \"A\"]")) "]") "," FIELD(
                     "v", "\"string\"")) "]") "," FIELD("m", "[\"null\", \"B\"]")),
         "{\"l\": null, \"m\": {\"a\": {\"b\": null, \"v\": 1}}}",
         MISFIT("a value of type record")},
    };

    (void) state;
    check_records(cases, LENGTH(cases));
}

/* Files whose top is no record have one column. */
static void
test_top_types(void **state)
{
    static const resolution cases[] = {
        {"\"int\"", "\"double\"", "5", "{\"value\": 5.0}", CS_OK, NULL},
        {"[\"null\", \"int\"]", "[\"null\", \"long\"]", "null", "{\"value\": null}", CS_OK, NULL},
        {ARRAY("\"int\""), ARRAY("\"long\""), "[1]", "{\"value\": [1]}", CS_OK, NULL},
        {RECORD(FIELD("a", "\"int\"")), "[\"null\", " RECORD(FIELD("a", "\"long\"")) "]",
         "{\"a\": 1}", "{\"value\": {\"a\": 1}}", CS_OK, NULL},
        {RECORD(""), "[\"null\", " RECORD(WITH("a", "\"long\"", "\"default\": 1")) "]", "{}",
         "{\"value\": {\"a\": 1}}", CS_OK, NULL},
        {"\"string\"", RECORD(FIELD("a", "\"string\"")), "\"x\"",
         REFUSED("string cannot be read as record R")},
        {"[\"string\", " RECORD(FIELD("a", "\"string\"")) "]", RECORD(FIELD("a", "\"string\"")),
         "{\"a\": \"x\"}", REFUSED("a file of type union has no fields")},
        {"[" RECORD("") "]", RECORD(""), "{}", REFUSED("a file of type union has no fields")},
        {RECORD(FIELD("a", "\"string\"")), "\"string\"", "{\"a\": \"x\"}",
         REFUSED("record R cannot be read as string")},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        check_schemas(&cases[i], cases[i].writer, cases[i].reader, cases[i].value,
                      cases[i].expected);
}

/* Types that hold others twice, 60 levels deep, are resolved pair by pair and not path by path. */
static void
test_many_paths(void **state)
{
    static const char head[] = "{\"type\": \"record\", \"name\": \"R\", \"fields\": [";
    cs_buffer json;
    cs_error err;
    avro_case c;

    (void) state;
    cs_buffer_init(&json, cs_malloc_env());
    assert_ok(cs_buffer_append(&json, head, strlen(head), &err), &err);
    for (int i = 0; i < 60; i++)
    {
        if (i == 0)
            assert_ok(cs_buffer_printf(&json, &err,
                                       "{\"name\":\"f0\",\"type\":{\"type\":\"record\","
                                       "\"name\":\"T0\",\"fields\":[]}}"),
                      &err);
        else
            assert_ok(cs_buffer_printf(&json, &err,
                                       ",{\"name\":\"f%d\",\"type\":{\"type\":\"record\",\"name\":"
                                       "\"T%d\",\"fields\":[{\"name\":\"a\",\"type\":\"T%d\"},"
                                       "{\"name\":\"b\",\"type\":\"T%d\"}]}}",
                                       i, i, i - 1, i - 1),
                      &err);
    }
    assert_ok(cs_buffer_append(&json, "]}", 3, &err), &err);
    c = (avro_case){.writer = case_schema((char *) json.data),
                    .reader = case_schema((char *) json.data)};
    assert_ok(case_want(&c, (int[]){3, 59}, 2, NULL), &c.err);
    case_load(&c, 1, BYTES(""));
    assert_ok(case_next(&c), &c.err); /* no bytes, but too much to be walked through */
    assert_refused(case_column(&c, 1, &(json_t *){NULL}), CS_ERR_LIMIT, &c.err,
                   "items of no bytes");
    case_close(&c);
    cs_buffer_free(&json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promotions),    cmocka_unit_test(test_enums),
        cmocka_unit_test(test_logical_types), cmocka_unit_test(test_unions),
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_refused_defaults),
        cmocka_unit_test(test_recursion),     cmocka_unit_test(test_top_types),
        cmocka_unit_test(test_many_paths),
    };

    return cmocka_run_group_tests_name("avro_resolve", tests, NULL, NULL);
}
