/*
 * test/unit/avro_walk_test.c
 *     The events of walking through values, and what ends a walk early.
 */
#include "avro_case.h"

#define RECORD(fields) "{\"type\": \"record\", \"name\": \"R\", \"fields\": [" fields "]}"
#define NAMED(name, fields) \
    "{\"type\": \"record\", \"name\": \"" name "\", \"fields\": [" fields "]}"
#define FIELD(name, type) "{\"name\": \"" name "\", \"type\": " type "}"
#define ONE(type) RECORD(FIELD("a", type))
#define ARRAY(items) "{\"type\": \"array\", \"items\": " items "}"
#define MAP(values) "{\"type\": \"map\", \"values\": " values "}"

/* The events so far, as text. */
typedef struct event_log
{
    cs_buffer text;
    size_t count;
    size_t stop_at; /* the event that ends the walk, from 1; 0 for none */
    int judged;     /* strings that were no text */
} event_log;

/* Note an event. */
static cs_code
note(event_log *log, const char *head, cs_slice text, cs_error *err)
{
    if (++log->count == log->stop_at)
        return cs_fail(err, CS_ERR_ARGUMENT, "enough");
    CS_TRY(cs_buffer_append(&log->text, head, strlen(head), err));
    return cs_buffer_append(&log->text, text.data, text.len, err);
}

/* cs_avro_visitor.begin */
static cs_code
on_begin(void *ctx, cs_avro_type type, cs_error *err)
{
    return note(ctx,
                type == CS_AVRO_ARRAY ? " ["
                : type == CS_AVRO_MAP ? " <"
                                      : " {",
                (cs_slice){NULL, 0}, err);
}

/* cs_avro_visitor.end */
static cs_code
on_end(void *ctx, cs_avro_type type, cs_error *err)
{
    return note(ctx,
                type == CS_AVRO_ARRAY ? " ]"
                : type == CS_AVRO_MAP ? " >"
                                      : " }",
                (cs_slice){NULL, 0}, err);
}

/* cs_avro_visitor.key */
static cs_code
on_key(void *ctx, cs_slice key, cs_error *err)
{
    return note(ctx, " ", key, err);
}

/* cs_avro_visitor.scalar */
static cs_code
on_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    cs_buffer text;
    cs_code code = CS_OK;

    cs_buffer_init(&text, cs_malloc_env());
    if (value->kind == CS_VALUE_NULL)
        code = cs_buffer_printf(&text, err, "null");
    else if (value->kind == CS_VALUE_FLOAT || value->kind == CS_VALUE_DOUBLE)
        code = cs_buffer_printf(&text, err, "%g",
                                value->kind == CS_VALUE_FLOAT ? value->as.real : value->as.dbl);
    else
        code = cs_value_text(value, &text, err);
    if (code == CS_OK)
        code = note(ctx, "=", slice_of_buffer(&text), err);
    cs_buffer_free(&text);
    return code;
}

/* A value and the events of walking through column a. */
typedef struct walk_case
{
    const char *writer;
    const char *reader; /* NULL: the writer's */
    const char *value;
    const char *events;
} walk_case;

static const walk_case walk_cases[] = {
    {ONE("\"int\""), NULL, "{\"a\": 5}", "=5"},
    {ONE("[\"null\", \"int\"]"), NULL, "{\"a\": null}", "=null"},
    {ONE(ARRAY("\"int\"")), NULL, "{\"a\": []}", " [ ]"},
    {ONE(ARRAY("\"int\"")), NULL, "{\"a\": [1, 2]}", " [=1=2 ]"},
    {ONE(MAP("\"string\"")), NULL, "{\"a\": {\"k\": \"x\"}}", " < k=x >"},
    {ONE(NAMED("S", "")), NULL, "{\"a\": {}}", " { }"},
    {ONE(NAMED("S", FIELD("x", "\"int\"") "," FIELD("y", "\"double\""))), NULL,
     "{\"a\": {\"x\": 1, \"y\": 0.5}}", " { x=1 y=0.5 }"},
    {ONE("[\"null\", " ARRAY("[\"null\", \"string\"]") "]"), NULL, "{\"a\": [null, \"x\"]}",
     " [=null=x ]"},
    {ONE("[\"string\", " MAP(ARRAY("\"boolean\"")) "]"), NULL,
     "{\"a\": {\"k\": [true], \"l\": []}}", " < k [=true ] l [ ] >"},
    {ONE("[\"string\", \"int\"]"), NULL, "{\"a\": \"x\"}", "=x"},
    {ONE(ARRAY("\"null\"")), NULL, "{\"a\": [null, null]}", " [=null=null ]"},
    {ONE(NAMED("L", FIELD("v", "\"int\"") "," FIELD("next", "[\"null\", \"L\"]"))), NULL,
     "{\"a\": {\"v\": 1, \"next\": {\"v\": 2, \"next\": null}}}",
     " { v=1 next { v=2 next=null } }"},
    /* Through another schema: in the order of the file, then what it lacks */
    {ONE(NAMED("S", FIELD("x", "\"int\"") "," FIELD("y", "\"string\"") "," FIELD("z", "\"int\""))),
     ONE(NAMED("S", FIELD("z", "\"double\"") "," FIELD("x", "\"long\""))),
     "{\"a\": {\"x\": 1, \"y\": \"no\", \"z\": 3}}", " { x=1 z=3 }"},
    {ONE(NAMED("S", FIELD("x", "\"int\"") "," FIELD("gone", ARRAY("\"int\"")))),
     ONE(NAMED("S", "{\"name\": \"n\", \"type\": \"int\", \"default\": 7},"
                    "{\"name\": \"y\", \"aliases\": [\"x\"], \"type\": \"int\"},"
                    "{\"name\": \"d\", \"type\": " ARRAY("\"int\"") ", \"default\": [8, 9]}")),
     "{\"a\": {\"x\": 1, \"gone\": [1, 2, 3]}}", " { y=1 n=7 d [=8=9 ] }"},
    {ONE(NAMED("S", FIELD("gone", ARRAY("\"null\"")) "," FIELD("e", NAMED("E", "")))),
     ONE(NAMED("S", "")), "{\"a\": {\"gone\": [null], \"e\": {}}}", " { }"},
};

/* Walk through column a of a case's record. */
static cs_code
walk(avro_case *c, event_log *log)
{
    const cs_avro_visitor visitor = {log, on_begin, on_key, on_scalar, on_end};

    log->count = 0;
    log->text.len = 0;
    cs_error_clear(&c->err);
    return cs_avro_walk(c->plan, &c->values[0], &visitor, &c->err);
}

/* Open a case and read its one record. */
static void
start(avro_case *c, const walk_case *given)
{
    json_t *value = case_json(given->value);
    cs_buffer data;

    assert_outcome(case_open(c, given->writer, given->reader, NULL), CS_OK, &c->err, NULL,
                   given->writer);
    cs_buffer_init(&data, cs_malloc_env());
    assert_outcome(cs_avro_encode_json(c->writer->root, value, CS_JSON_PLAIN, &data, &c->err),
                   CS_OK, &c->err, NULL, given->writer);
    case_load(c, 1, slice_of_buffer(&data));
    assert_outcome(case_next(c), CS_OK, &c->err, NULL, given->writer);
    cs_buffer_free(&data);
    json_decref(value);
}

static void
test_events(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(walk_cases); i++)
    {
        event_log log = {.stop_at = 0};
        size_t count;
        avro_case c;

        cs_buffer_init(&log.text, cs_malloc_env());
        start(&c, &walk_cases[i]);
        assert_outcome(walk(&c, &log), CS_OK, &c.err, NULL, walk_cases[i].writer);
        assert_same_bytes(slice_of_buffer(&log.text), cs_slice_of(walk_cases[i].events));
        count = log.count;
        assert_ok(walk(&c, &log), &c.err); /* once more gives the same */
        assert_same_bytes(slice_of_buffer(&log.text), cs_slice_of(walk_cases[i].events));

        for (log.stop_at = 1; log.stop_at <= count;
             log.stop_at++) /* the visitor has the last word */
        {
            assert_refused(walk(&c, &log), CS_ERR_ARGUMENT, &c.err, "enough");
            assert_int_equal(log.count, log.stop_at);
        }
        case_close(&c);
        cs_buffer_free(&log.text);
    }
}

/* What takes no bytes is counted, in fields, items and defaults together. */
static void
test_empty_values(void **state)
{
    static const struct
    {
        walk_case given;
        int64_t limit; /* the smallest under which it can be walked through */
    } cases[] = {
        {{ONE(ARRAY("\"null\"")), NULL, "{\"a\": [null, null, null]}", NULL}, 3},
        {{ONE(ARRAY(NAMED("E", ""))), NULL, "{\"a\": [{}, {}]}", NULL}, 2},
        {{ONE(ARRAY(ARRAY("\"null\""))), NULL, "{\"a\": [[null, null], [null]]}", NULL}, 3},
        {{ONE(NAMED("S", FIELD("x", "\"null\"") "," FIELD("y", "\"null\""))), NULL,
          "{\"a\": {\"x\": null, \"y\": null}}", NULL},
         2},
        {{ONE(NAMED("S", "")),
          ONE(NAMED("S", "{\"name\": \"n\", \"type\": " ARRAY(
                             "\"null\"") ", \"default\": [null, null]}")),
          "{\"a\": {}}", NULL},
         3},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
        for (int64_t limit = 0; limit <= cases[i].limit; limit++)
        {
            cs_avro_limits limits = cs_avro_default_limits;
            event_log log = {.stop_at = 0};
            cs_code code;
            avro_case c;

            cs_buffer_init(&log.text, cs_malloc_env());
            start(&c, &cases[i].given);
            limits.max_empty_items = limit;
            assert_ok(case_want(&c, (int[]){0}, 1, &limits), &c.err);
            cs_avro_cursor_init(&c.cursor, c.plan, &c.block);
            code = case_next(&c);
            if (code == CS_OK)
                code = walk(&c, &log);
            assert_outcome(code, limit < cases[i].limit ? CS_ERR_LIMIT : CS_OK, &c.err,
                           limit < cases[i].limit ? "items of no bytes" : NULL,
                           cases[i].given.writer);
            case_close(&c);
            cs_buffer_free(&log.text);
        }
}

/* A walk of many items asks now and then whether it should stop. */
static void
test_stops(void **state)
{
    static const char schema[] = ONE(ARRAY("\"null\""));
    cs_avro_schema *parsed = case_schema(schema);
    event_log log = {.stop_at = 0};
    const cs_avro_visitor visitor = {&log, on_begin, on_key, on_scalar, on_end};
    cs_value value;
    cs_avro_plan *plan;
    cs_avro_cursor cursor;
    uint8_t bytes[4 + CS_AVRO_BLOCK_SLACK] = "\x80\x80\x7a"; /* 1,000,448 items */
    const cs_avro_block block = {.records = 1, .data = bytes, .len = 4};
    test_env env;
    cs_error err;

    (void) state;
    cs_buffer_init(&log.text, cs_malloc_env());
    test_env_start(&env, 0, 0);
    assert_ok(cs_avro_plan_make(&env.env, parsed, NULL, (int[]){0}, 1, NULL, &plan, &err), &err);
    cs_avro_cursor_init(&cursor, plan, &block);
    assert_ok(cs_avro_cursor_next(&cursor, &value, &err), &err);
    env.stop_at = env.polls + 10;
    assert_refused(cs_avro_walk(plan, &value, &visitor, &err), CS_ERR_STOPPED, &err, "interrupted");
    assert_true(log.count <= 10 * CS_POLL_ITEMS + 1);
    cs_buffer_free(&log.text);
    cs_avro_plan_free(plan);
    assert_int_equal(env.live, 0);
    cs_avro_schema_free(parsed);
}

/* Counts what is no text, and lets it pass. */
static cs_code
pass_text(void *ctx, cs_slice text, cs_error *err)
{
    event_log *log = ctx;

    assert_true(text.len == 1 && err->code == CS_ERR_RANGE);
    log->judged++;
    cs_error_clear(err);
    return CS_OK;
}

/* Strings and keys that are no text are refused, unless a judge lets them pass. */
static void
test_judge(void **state)
{
    static const char data[] = "\2\2a\2b\0"  /* a: b */
                               "\2\2c\2\0\0" /* c: NUL */
                               "\2\2\0\2d\0" /* NUL: d */
                               "\2\2e\2\377\0";
    static const char *const json[] = {"{\"a\": \"b\"}", "{\"c\": \"\\u0000\"}",
                                       "{\"\\u0000\": \"d\"}", NULL};
    avro_case c;

    (void) state;
    assert_outcome(case_open(&c, ONE(MAP("\"string\"")), NULL, NULL), CS_OK, &c.err, NULL, "");
    case_load(&c, 4, (cs_slice){data, sizeof(data) - 1});
    for (int i = 0; i < 4; i++)
    {
        event_log log = {.stop_at = 0};
        const cs_avro_visitor visitor = {&log, on_begin, on_key, on_scalar, on_end};
        json_t *found;

        cs_buffer_init(&log.text, cs_malloc_env());
        assert_ok(case_next(&c), &c.err);
        assert_int_equal(walk(&c, &log), i == 0 ? CS_OK : CS_ERR_RANGE);
        assert_ok(cs_avro_walk_judged(c.plan, &c.values[0], &visitor, pass_text, &c.err), &c.err);
        assert_int_equal(log.judged, i > 0);
        assert_int_equal(cs_avro_value_json_nul(c.plan, &c.values[0], &found, &c.err),
                         json[i] != NULL ? CS_OK : CS_ERR_RANGE);
        if (json[i] != NULL)
        {
            char *text = json_dumps(found, 0);

            assert_string_equal(text, json[i]);
            free(text);
            json_decref(found);
        }
        cs_buffer_free(&log.text);
    }
    case_close(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_empty_values),
        cmocka_unit_test(test_stops),
        cmocka_unit_test(test_judge),
    };

    return cmocka_run_group_tests_name("avro_walk", tests, NULL, NULL);
}
