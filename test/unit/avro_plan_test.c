/*
 * test/unit/avro_plan_test.c
 *     Decode plans: any choice of columns gives what all of them give; limits
 *     of what takes no bytes and of depth; groups of items; damage everywhere.
 */
#include "avro_build.h"
#include "avro_random.h"

#include <stdlib.h>

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define ARRAY(items) "{\"type\": \"array\", \"items\": " items "}"
#define MAP(values) "{\"type\": \"map\", \"values\": " values "}"
#define FIXED(name, size) "{\"type\": \"fixed\", \"name\": \"" name "\", \"size\": " size "}"
#define ALL_BITS "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" /* INT64_MIN */
#define TWO_TO_61 "\x80\x80\x80\x80\x80\x80\x80\x80\x40"

/* The fields that random records of mostly fixed size are made of. */
static const char *const field_types[] = {
    "\"null\"",
    "\"boolean\"",
    "\"float\"",
    "\"double\"",
    "{\"type\": \"fixed\", \"name\": \"A%d\", \"size\": 3}",
    "{\"type\": \"fixed\", \"name\": \"B%d\", \"size\": 0}",
    "{\"type\": \"fixed\", \"name\": \"C%d\", \"size\": 12, \"logicalType\": \"duration\"}",
    "{\"type\": \"record\", \"name\": \"D%d\", \"fields\": [{\"name\": \"x\", \"type\": "
    "\"double\"}, "
    "{\"name\": \"y\", \"type\": \"boolean\"}]}",
    "{\"type\": \"record\", \"name\": \"E%d\", \"fields\": []}",
    "\"long\"",
    "\"string\"",
    "[\"null\", \"double\"]",
    "[\"string\", \"null\"]",
    "[\"int\", \"double\", \"null\"]",
    "{\"type\": \"array\", \"items\": \"double\"}",
};

/* A record of random fields. */
static char *
random_fields(test_random *random, size_t count)
{
    cs_buffer json;
    cs_error err;

    cs_buffer_init(&json, cs_malloc_env());
    build_raw(&json, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[", 38);
    for (size_t i = 0; i < count; i++)
    {
        const char *type = field_types[test_random_below(random, LENGTH(field_types))];
        char text[256];

        snprintf(text, sizeof(text), type, (int) i);
        assert_ok(cs_buffer_printf(&json, &err, "%s{\"name\":\"f%zu\",\"type\":%s}",
                                   i > 0 ? "," : "", i, text),
                  &err);
    }
    build_raw(&json, "]}", 3);
    return (char *) json.data;
}

/* Choose some of count columns, in any order. */
static size_t
choose_columns(test_random *random, size_t count, int *wanted)
{
    size_t chosen = 0;

    for (size_t i = 0; i < count; i++)
        if (test_random_below(random, 2) == 0)
        {
            size_t place = (size_t) test_random_below(random, chosen + 1);

            wanted[chosen++] = wanted[place];
            wanted[place] = (int) i;
        }
    return chosen;
}

/* Read a column of a record in two steps, the finishing ones in a random order. */
static void
check_two_steps(test_random *random, avro_case *c, const int *wanted, json_t *const *columns,
                const char *what)
{
    size_t order[CASE_COLUMNS];

    cs_avro_cursor_init(&c->cursor, c->plan, &c->block);
    assert_outcome(cs_avro_cursor_parse(&c->cursor, c->values, &c->err), CS_OK, &c->err, NULL,
                   what);
    for (size_t i = 0; i < c->count; i++)
    {
        size_t place = (size_t) test_random_below(random, i + 1);

        order[i] = order[place];
        order[place] = i;
    }
    for (size_t i = 0; i < c->count; i++)
    {
        json_t *read;

        assert_ok(cs_avro_cursor_finish(&c->cursor, order[i], &c->values[order[i]], &c->err),
                  &c->err);
        assert_ok(case_column(c, order[i], &read), &c->err);
        case_check_json(read, columns[wanted[order[i]]], what);
        json_decref(read);
    }
}

/* Read some of the columns; they must be as they are among all. */
static void
check_choice(test_random *random, avro_case *c, json_t *const *columns, const char *what)
{
    int wanted[CASE_COLUMNS];
    size_t count = choose_columns(random, c->writer->num_fields, wanted);

    assert_outcome(case_want(c, wanted, count, NULL), CS_OK, &c->err, NULL, what);
    cs_avro_cursor_init(&c->cursor, c->plan, &c->block);
    assert_outcome(case_next(c), CS_OK, &c->err, NULL, what);
    for (size_t i = 0; i < count; i++)
    {
        cs_avro_shape shape = cs_avro_plan_shape(c->plan, i);
        json_t *read;

        if (shape.kind == CS_VALUE_NESTED && c->values[i].kind != CS_VALUE_NULL)
            assert_int_equal(c->values[i].kind, CS_VALUE_NESTED);
        if (c->values[i].kind == CS_VALUE_NULL)
            assert_true(shape.nullable);
        assert_ok(case_column(c, i, &read), &c->err);
        case_check_json(read, columns[wanted[i]], what);
        json_decref(read);
    }
    assert_code(case_next(c), CS_END, &c->err);
    check_two_steps(random, c, wanted, columns, what);
}

/* Check choices of columns of one schema. */
static void
check_choices(test_random *random, cs_avro_schema *schema)
{
    char *what = strdup(schema->json);
    json_t *columns[CASE_COLUMNS];
    cs_buffer data;
    avro_case c;

    cs_buffer_init(&data, cs_malloc_env());
    random_encoded(random, schema->root, &data);
    assert_outcome(case_open_parsed(&c, schema, NULL, NULL), CS_OK, &c.err, NULL, what);
    case_load(&c, 1, slice_of_buffer(&data));
    assert_outcome(case_next(&c), CS_OK, &c.err, NULL, what);
    for (size_t i = 0; i < schema->num_fields; i++)
        assert_ok(case_column(&c, i, &columns[i]), &c.err);
    for (int i = 0; i < 6; i++)
        check_choice(random, &c, columns, what);
    for (size_t i = 0; i < schema->num_fields; i++)
        json_decref(columns[i]);
    case_close(&c);
    cs_buffer_free(&data);
    free(what);
}

static void
test_any_choice_of_columns(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "choices of columns");
    for (size_t i = 0; i < test_rounds(600); i++)
    {
        char *json = random_fields(&random, (size_t) test_random_below(&random, 12));

        check_choices(&random, case_schema(json));
        free(json);
        check_choices(&random, random_parsed_schema(&random));
    }
}

/* A record that is cut anywhere is damaged, whichever columns are wanted; so is one too long. */
static void
test_cut_anywhere(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "cut records");
    for (size_t i = 0; i < test_rounds(200); i++)
    {
        avro_case c;
        cs_buffer data;
        int wanted[CASE_COLUMNS];
        cs_avro_schema *schema = random_parsed_schema(&random);

        cs_buffer_init(&data, cs_malloc_env());
        random_encoded(&random, schema->root, &data);
        assert_ok(case_open_parsed(&c, schema, NULL, NULL), &c.err);
        for (size_t len = 0; len < data.len && len < 300; len++)
        {
            size_t count = choose_columns(&random, schema->num_fields, wanted);

            assert_ok(case_want(&c, wanted, count, NULL), &c.err);
            case_load(&c, 1, (cs_slice){(char *) data.data, len});
            assert_refused(case_next(&c), CS_ERR_DATA, &c.err, "is damaged: not a valid");
            assert_int_equal(c.err.offset, 100);
            assert_int_equal(c.err.record, 11);
        }
        build_raw(&data, "\0", 1);
        case_load(&c, 1, slice_of_buffer(&data));
        assert_ok(case_next(&c), &c.err);
        assert_refused(case_next(&c), CS_ERR_DATA, &c.err, "1 bytes behind its 1 declared records");
        case_close(&c);
        cs_buffer_free(&data);
    }
}

/* Read all that there is in a block; the code that ends it. */
static cs_code
read_block(avro_case *c, size_t *delivered)
{
    cs_code code;

    while ((code = case_next(c)) == CS_OK || code == CS_ERR_RANGE)
        for (size_t i = 0; i < c->count && code == CS_OK; i++)
        {
            json_t *json;

            if (case_column(c, i, &json) == CS_OK)
                (*delivered)++;
            else
                assert_true(c->err.code == CS_ERR_RANGE || c->err.code == CS_ERR_DATA ||
                            c->err.code == CS_ERR_LIMIT);
            json_decref(json);
        }
    return code;
}

/* Bytes that were changed at random give values or errors, and no step beside them. */
static void
test_changed_bytes(void **state)
{
    test_random random;
    size_t delivered = 0, refused = 0;

    (void) state;
    test_random_start(&random, "changed records");
    for (size_t i = 0; i < test_rounds(300); i++)
    {
        avro_case c;
        cs_buffer data;
        cs_avro_schema *schema = random_parsed_schema(&random);

        cs_buffer_init(&data, cs_malloc_env());
        random_encoded(&random, schema->root, &data);
        random_encoded(&random, schema->root, &data);
        assert_ok(case_open_parsed(&c, schema, NULL, NULL), &c.err);
        for (int j = 0; j < 20 && data.len > 0; j++)
        {
            size_t at = (size_t) test_random_below(&random, data.len);
            uint8_t before = data.data[at];
            cs_code code;

            data.data[at] = (uint8_t) test_random_next(&random);
            case_load(&c, 2, slice_of_buffer(&data));
            code = read_block(&c, &delivered);
            if (code != CS_END)
            {
                assert_true(code == CS_ERR_DATA || code == CS_ERR_LIMIT);
                refused++;
            }
            data.data[at] = before;
        }
        case_close(&c);
        cs_buffer_free(&data);
    }
    assert_true(delivered > 0 && refused > 0);
}

/* A value's bytes, and how reading it ends: as a column, inside another value, and passed over. */
typedef struct group_case
{
    const char *type;
    cs_slice bytes;
    const char *expected; /* NULL where it is refused: */
    cs_code code;
    const char *message;
    cs_code skipped; /* how passing over it ends */
} group_case;

static const group_case group_cases[] = {
    {ARRAY("\"int\""), BYTES("\x00"), "[]", CS_OK, NULL, CS_OK},
    {ARRAY("\"int\""), BYTES("\x04\x02\x04\x02\x06\x00"), "[1, 2, 3]", CS_OK, NULL, CS_OK},
    /* Groups that say their size */
    {ARRAY("\"int\""), BYTES("\x03\x04\x02\x04\x00"), "[1, 2]", CS_OK, NULL, CS_OK},
    {ARRAY("\"int\""), BYTES("\x03\x04\x02\x04\x01\x02\x06\x00"), "[1, 2, 3]", CS_OK, NULL, CS_OK},
    {ARRAY("\"double\""), BYTES("\x01\x10\x00\x00\x00\x00\x00\x00\xf0\x3f\x00"), "[1.0]", CS_OK,
     NULL, CS_OK},
    {MAP("\"int\""), BYTES("\x01\x06\x02k\x02\x00"), "{\"k\": 1}", CS_OK, NULL, CS_OK},
    {MAP("\"int\""), BYTES("\x02\x02k\x02\x02\x02l\x04\x00"), "{\"k\": 1, \"l\": 2}", CS_OK, NULL,
     CS_OK},
    {ARRAY("\"null\""), BYTES("\x05\x00\x00"), "[null, null, null]", CS_OK, NULL, CS_OK},
    {ARRAY(FIXED("F", "0")), BYTES("\x02\x00"), "[\"\\\\x\"]", CS_OK, NULL, CS_OK},
    {ARRAY(MAP("\"null\"")), BYTES("\x02\x02\x02k\x00\x00"), "[{\"k\": null}]", CS_OK, NULL, CS_OK},
    {ARRAY("[\"null\", \"string\"]"), BYTES("\x04\x00\x02\x02x\x00"), "[null, \"x\"]", CS_OK, NULL,
     CS_OK},
    /* Sizes that are wrong: a size is believed where the group is passed over */
    {ARRAY("\"int\""), BYTES("\x03\x02\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES("\x03\x06\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"double\""), BYTES("\x01\x12\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00"), NULL,
     CS_ERR_DATA, "damaged", CS_OK},
    {ARRAY("\"int\""), BYTES("\x03\x03\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES("\x03" ALL_BITS "\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged",
     CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES("\x03\x80\x08\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged",
     CS_ERR_DATA},
    {ARRAY("\"null\""), BYTES("\x03\x02\x00\x00"), NULL, CS_ERR_DATA, "damaged", CS_OK},
    /* Counts that are wrong */
    {ARRAY("\"int\""), BYTES(""), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES("\x02"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES("\x02\x02"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES(ALL_BITS "\x00\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"null\""), BYTES(ALL_BITS "\x00\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"int\""), BYTES(TWO_TO_61 "\x02\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"double\""), BYTES(TWO_TO_61 "\x02\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {ARRAY("\"double\""), BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), NULL, CS_ERR_DATA,
     "damaged", CS_ERR_DATA},
    {MAP("\"null\""), BYTES(TWO_TO_61 "\x02\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {MAP("\"int\""), BYTES("\x02\x02k"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {MAP("\"int\""), BYTES("\x02\x01k\x02\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    {MAP("\"int\""), BYTES("\x02\x7fk\x02\x00"), NULL, CS_ERR_DATA, "damaged", CS_ERR_DATA},
    /* Items of no bytes, without end */
    {ARRAY("\"null\""), BYTES(TWO_TO_61 "\x00"), NULL, CS_ERR_LIMIT,
     "record holds more than the limit of 1048576 items of no bytes", CS_ERR_LIMIT},
    {ARRAY(FIXED("F", "0")), BYTES(TWO_TO_61 "\x00"), NULL, CS_ERR_LIMIT, "of no bytes",
     CS_ERR_LIMIT},
    {ARRAY("{\"type\": \"record\", \"name\": \"E\", \"fields\": []}"), BYTES(TWO_TO_61 "\x00"),
     NULL, CS_ERR_LIMIT, "of no bytes", CS_ERR_LIMIT},
    {ARRAY("\"null\""), BYTES("\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00"), NULL,
     CS_ERR_LIMIT, "of no bytes", CS_ERR_LIMIT},
    {ARRAY(ARRAY("\"null\"")), BYTES("\x04\x80\x80\x60\x00\x80\x80\x60\x00\x00"), NULL,
     CS_ERR_LIMIT, "of no bytes", CS_ERR_LIMIT},
    /* What is inside is looked at when it is read */
    {ARRAY("\"boolean\""), BYTES("\x02\x02\x00"), NULL, CS_ERR_DATA, "not a valid boolean", CS_OK},
    {ARRAY("{\"type\": \"enum\", \"name\": \"E\", \"symbols\": [\"A\"]}"), BYTES("\x02\x02\x00"),
     NULL, CS_ERR_DATA, "not a valid enum", CS_OK},
    {ARRAY("\"int\""), BYTES("\x02\x80\x80\x80\x80\x10\x00"), NULL, CS_ERR_DATA, "not a valid int",
     CS_OK},
    {ARRAY("\"string\""), BYTES("\x02\x02\xff\x00"), NULL, CS_ERR_RANGE, "not valid UTF-8", CS_OK},
    {MAP("\"int\""), BYTES("\x02\x02\x00\x02\x00"), NULL, CS_ERR_RANGE, "NUL", CS_OK},
    {MAP("\"int\""), BYTES("\x02\x02\xff\x02\x00"), NULL, CS_ERR_RANGE, "not valid UTF-8", CS_OK},
    {ARRAY("[\"null\", \"int\"]"), BYTES("\x02\x04\x00"), NULL, CS_ERR_DATA, "damaged",
     CS_ERR_DATA},
    {ARRAY("[\"null\", \"int\"]"), BYTES("\x02\x01\x00"), NULL, CS_ERR_DATA, "damaged",
     CS_ERR_DATA},
};

/* Read a schema's only value. */
static void
check_group(const group_case *expected, const char *schema, cs_slice bytes, const char *json)
{
    json_t *read, *wanted;
    avro_case c;
    cs_code code;

    assert_ok(case_open(&c, schema, NULL, NULL), &c.err);
    case_load(&c, 1, bytes);
    code = case_record(&c, &read);
    assert_outcome(code, expected->code, &c.err, expected->message, schema);
    if (code == CS_OK)
    {
        wanted = case_json(json);
        case_check_json(read, wanted, schema);
        json_decref(wanted);
        json_decref(read);
        assert_code(case_next(&c), CS_END, &c.err);
    }
    else
        assert_non_null(strstr(c.err.message, "field \"")); /* it is named in any case */
    assert_ok(case_want(&c, NULL, 0, NULL), &c.err);        /* passed over */
    cs_avro_cursor_init(&c.cursor, c.plan, &c.block);
    assert_outcome(case_next(&c), expected->skipped, &c.err, NULL, schema);
    case_close(&c);
}

static void
test_groups(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(group_cases); i++)
    {
        const group_case *expected = &group_cases[i];
        char schema[400], json[200];
        cs_buffer bytes;

        snprintf(schema, sizeof(schema), RECORD(FIELD("a", "%s")), expected->type);
        snprintf(json, sizeof(json), "{\"a\": %s}", expected->expected);
        check_group(expected, schema, expected->bytes, json);

        snprintf(schema, sizeof(schema), RECORD(FIELD("a", "[\"string\", \"null\", %s]")),
                 expected->type);
        cs_buffer_init(&bytes, cs_malloc_env());
        build_long(&bytes, 2);
        build_raw(&bytes, expected->bytes.data, expected->bytes.len);
        check_group(expected, schema, slice_of_buffer(&bytes), json);
        cs_buffer_free(&bytes);
    }
}

/* The limits can be set. */
static void
test_given_limits(void **state)
{
    cs_avro_limits limits = cs_avro_default_limits;
    avro_case c;
    json_t *json;

    (void) state;
    limits.max_empty_items = 3;
    assert_ok(case_open(&c, RECORD(FIELD("a", ARRAY("\"null\""))), NULL, &limits), &c.err);
    case_load(&c, 3, BYTES("\x06\x00\x06\x00\x08\x00")); /* they are counted record by record */
    assert_ok(case_record(&c, &json), &c.err);
    json_decref(json);
    assert_ok(case_record(&c, &json), &c.err);
    json_decref(json);
    assert_refused(case_record(&c, &json), CS_ERR_LIMIT, &c.err,
                   "field \"a\": record holds more than the limit of 3 items of no bytes");
    assert_int_equal(c.err.record, 13);
    case_close(&c);
}

/* Read a value nested depth times, with count bytes before it and as many ends behind it. */
static void
check_depth(const char *schema, const char *before, int depth, bool ends, bool fits)
{
    cs_buffer bytes;
    avro_case c;
    json_t *json;

    cs_buffer_init(&bytes, cs_malloc_env());
    build_raw(&bytes, before, strlen(before));
    for (int i = 0; i < depth; i++)
        build_raw(&bytes, "\x02", 1);
    for (int i = 0; i <= depth; i++)
        if (ends || i == 0)
            build_raw(&bytes, "", 1);
    assert_ok(case_open(&c, schema, NULL, NULL), &c.err);
    case_load(&c, 1, slice_of_buffer(&bytes));
    assert_outcome(case_next(&c), fits ? CS_OK : CS_ERR_LIMIT, &c.err,
                   fits ? NULL : "field \"a\": value is nested more than the limit of 100 levels",
                   schema);
    if (fits) /* what was passed over can be walked through */
    {
        assert_outcome(case_column(&c, 0, &json), CS_OK, &c.err, NULL, schema);
        json_decref(json);
    }
    assert_ok(case_want(&c, NULL, 0, NULL), &c.err);
    cs_avro_cursor_init(&c.cursor, c.plan, &c.block);
    assert_outcome(case_next(&c), fits ? CS_OK : CS_ERR_LIMIT, &c.err, NULL, schema);
    case_close(&c);
    cs_buffer_free(&bytes);
}

#define LIST                                                                                       \
    "{\"type\": \"record\", \"name\": \"L\", \"fields\": [" FIELD("next", "[\"null\", \"L\"]") "]" \
                                                                                               "}"
#define TREE "{\"type\": \"record\", \"name\": \"L\", \"fields\": [" FIELD("a", ARRAY("\"L\"")) "]}"

/* A record and what stands in it are a level each, a union is one, too. */
static void
test_depth(void **state)
{
    static const int depths[] = {0, 1, 40, 49, 50, 51, 400000};

    (void) state;
    for (size_t i = 0; i < LENGTH(depths); i++)
    {
        bool fits = depths[i] < 50;

        check_depth(RECORD(FIELD("a", LIST)), "", depths[i], false, fits);
        check_depth(RECORD(FIELD("a", TREE)), "", depths[i], true, fits);
        check_depth(RECORD(FIELD("a", "[\"null\", " LIST "]")), "", depths[i], false, fits);
        check_depth(RECORD(FIELD("a", "[\"null\", \"string\", " LIST "]")), "\x04", depths[i],
                    false, depths[i] < 49);
    }
}

static void
test_wrong_columns(void **state)
{
    static const int twice[] = {0, 1, 0};
    avro_case c;

    (void) state;
    assert_ok(case_open(&c, RECORD(FIELD("a", "\"int\"") "," FIELD("b", "\"int\"")), NULL, NULL),
              &c.err);
    assert_refused(case_want(&c, twice, LENGTH(twice), NULL), CS_ERR_ARGUMENT, &c.err,
                   "field \"a\" is wanted twice");
    assert_null(c.plan);
    case_close(&c);
    cs_avro_plan_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_choice_of_columns), cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_changed_bytes),         cmocka_unit_test(test_groups),
        cmocka_unit_test(test_given_limits),          cmocka_unit_test(test_depth),
        cmocka_unit_test(test_wrong_columns),
    };

    return cmocka_run_group_tests_name("avro_plan", tests, NULL, NULL);
}
