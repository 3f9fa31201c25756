/*
 * test/unit/avro_round_trip_test.c
 *     Random values through the encoder and back: what is taken reads back as it
 *     was given, what is not is refused and leaves nothing behind.
 */
#include "avro_good.h"
#include "json_damage.h"

#include "avro_encode.h"
#include "avro_json.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 1000 /* of each test; 100,000 in a soak run */
#define MAX_COLUMNS 32
#define TEXT_BYTES 40

/* What became of the values of a test: a test of nothing would show here. */
static struct
{
    size_t tried, taken;
} seen;

/* A schema, the plan that reads it all, and a buffer. */
typedef struct trip
{
    cs_avro_schema *schema;
    cs_avro_plan *plan;
    size_t columns;
    cs_buffer bytes;
} trip;

static void
start_trip(trip *t, const char *json)
{
    int wanted[MAX_COLUMNS] = {0};
    cs_error err;

    *t = (trip){.columns = 0};
    cs_buffer_init(&t->bytes, cs_malloc_env());
    assert_outcome(cs_avro_schema_parse(cs_malloc_env(), json, strlen(json), &t->schema, &err),
                   CS_OK, &err, NULL, json);
    t->columns = t->schema->num_fields;
    assert_true(t->columns <= MAX_COLUMNS);
    for (size_t i = 0; i < t->columns; i++)
        wanted[i] = (int) i;
    assert_ok(cs_avro_plan_make(cs_malloc_env(), t->schema, NULL, wanted, t->columns, NULL,
                                &t->plan, &err),
              &err);
}

static void
end_trip(trip *t)
{
    cs_avro_plan_free(t->plan);
    cs_avro_schema_free(t->schema);
    cs_buffer_free(&t->bytes);
}

/* Read the one record in the buffer. The values borrow from it. */
static cs_code
read_back(trip *t, cs_value *values, cs_error *err)
{
    cs_avro_block block = {.records = 1, .first_record = 1, .len = t->bytes.len};
    cs_avro_cursor cursor;
    cs_value end[MAX_COLUMNS];
    cs_code code;

    assert_ok(cs_buffer_reserve(&t->bytes, CS_AVRO_BLOCK_SLACK, err), err);
    memset(t->bytes.data + t->bytes.len, 0, CS_AVRO_BLOCK_SLACK);
    block.data = t->bytes.data;
    cs_avro_cursor_init(&cursor, t->plan, &block);
    code = cs_avro_cursor_next(&cursor, values, err);
    if (code == CS_OK)
        assert_int_equal(cs_avro_cursor_next(&cursor, end, err), CS_END);
    return code;
}

/* Random bytes for a value to borrow. */
static cs_slice
random_bytes(test_random *random, char *room, bool text)
{
    size_t len = test_random_below(random, TEXT_BYTES);

    for (size_t i = 0; i < len; i++)
        room[i] = (char) (text ? 'a' + test_random_below(random, 26) : test_random_next(random));
    return (cs_slice){room, len};
}

/* A number of any magnitude, or one of the ends. */
static int64_t
random_integer(test_random *random)
{
    static const int64_t ends[] = {0,         -1,         INT32_MAX, INT32_MIN,   INT64_MAX,
                                   INT64_MIN, CS_DAY - 1, CS_DAY,    CS_TIME_MIN, CS_TIME_END - 1};

    if (test_random_below(random, 4) == 0)
        return ends[test_random_below(random, LENGTH(ends))];
    return (int64_t) test_random_next(random) >> test_random_below(random, 64);
}

/* A value of a kind, within what the kind itself can hold. */
static cs_value
random_value(test_random *random, cs_value_kind kind, char *room)
{
    cs_value value = {.kind = kind};
    int64_t number = random_integer(random);

    switch (kind)
    {
        case CS_VALUE_BOOL:
            value.as.boolean = number & 1;
            break;
        case CS_VALUE_INTEGER:
            value.as.integer = number;
            break;
        case CS_VALUE_FLOAT:
            value.as.real = (float) number / 7.0f;
            break;
        case CS_VALUE_DOUBLE:
            value.as.dbl = (double) number / 7.0;
            break;
        case CS_VALUE_BYTES:
        case CS_VALUE_STRING:
            value.as.bytes = random_bytes(random, room, kind == CS_VALUE_STRING);
            break;
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            value.as.time = cs_time_valid(number) ? number : number % CS_DAY;
            value.nanos = test_random_below(random, 4) == 0 ? (int16_t) (number & 511) : 0;
            if (test_random_below(random, 2) == 0)
                value.as.time -= value.as.time % CS_SECOND;
            break;
        case CS_VALUE_DATE:
            value.as.days =
                (int32_t) (CS_DATE_MIN +
                           (int64_t) ((uint64_t) number % (uint64_t) (CS_DATE_END - CS_DATE_MIN)));
            break;
        case CS_VALUE_TIME_OF_DAY:
            value.as.time_of_day = (int64_t) ((uint64_t) number % (uint64_t) CS_DAY);
            if (test_random_below(random, 2) == 0)
                value.as.time_of_day -= value.as.time_of_day % CS_MILLISECOND;
            break;
        case CS_VALUE_DECIMAL:
            value.as.decimal.len = 1 + (uint32_t) random_bytes(random, room, false).len % 9;
            value.as.decimal.data = (const uint8_t *) room;
            value.as.decimal.scale = (int32_t) test_random_below(random, 5);
            break;
        case CS_VALUE_DURATION:
            value.as.duration.months = (uint32_t) number;
            value.as.duration.days = (uint32_t) (number >> 8);
            value.as.duration.millis = (uint32_t) (number >> 16);
            break;
        default:
            for (size_t i = 0; i < sizeof(value.as.uuid); i++)
                value.as.uuid[i] = (uint8_t) test_random_next(random);
    }
    return value;
}

/* Fail unless a value that was taken reads back as it was given. */
static void
check_same(const cs_value *given, const cs_value *read, const char *name)
{
    cs_buffer texts[2];
    cs_error err;

    if (given->kind != read->kind)
        fail_msg("%s: kind %d reads back as %d", name, given->kind, read->kind);
    if (given->kind == CS_VALUE_NULL)
        return;
    if (given->kind == CS_VALUE_FLOAT || given->kind == CS_VALUE_DOUBLE)
    {
        if (given->kind == CS_VALUE_FLOAT ? given->as.real != read->as.real
                                          : given->as.dbl != read->as.dbl)
            fail_msg("%s: another number", name);
        return;
    }
    for (int i = 0; i < 2; i++)
    {
        cs_buffer_init(&texts[i], cs_malloc_env());
        assert_ok(cs_value_text(i == 0 ? given : read, &texts[i], &err), &err);
    }
    if (given->kind == CS_VALUE_DECIMAL && given->as.decimal.scale != read->as.decimal.scale)
        assert_true(given->as.decimal.scale < read->as.decimal.scale); /* 1.5 in cents: 1.50 */
    else
        assert_same_bytes(slice_of_buffer(&texts[1]), slice_of_buffer(&texts[0]));
    cs_buffer_free(&texts[0]);
    cs_buffer_free(&texts[1]);
}

/* A schema of nullable scalars, beside those of good files. */
#define OPTIONAL(name, type) "{\"name\": \"" name "\", \"type\": [\"null\", " type "]}"
#define MONEY "{\"type\": \"bytes\", \"logicalType\": \"decimal\", \"precision\": 9, \"scale\": 2}"
#define OPTIONALS                                                                                  \
    "{\"type\": \"record\", \"name\": \"O\", \"fields\": [" OPTIONAL("a", "\"int\"") "," OPTIONAL( \
        "b",                                                                                       \
        "\"string\"") "," OPTIONAL("c",                                                            \
                                   MONEY) "," OPTIONAL("d",                                        \
                                                       "{\"type\": \"long\", \"logicalType\": "    \
                                                       "\"timestamp-micros\"}") ","                \
                                                                                "{\"name\": "      \
                                                                                "\"e\", "          \
                                                                                "\"type\": "       \
                                                                                "[\"int\", "       \
                                                                                "\"long\"]},"      \
                                                                                "{\"name\": "      \
                                                                                "\"f\", "          \
                                                                                "\"type\": "       \
                                                                                "[\"double\", "    \
                                                                                "\"null\", "       \
                                                                                "\"int\"]}]}"

/* One record of random values, mostly of the kinds that the columns have. */
static void
try_record(trip *t, test_random *random)
{
    cs_value given[MAX_COLUMNS], read[MAX_COLUMNS];
    char rooms[MAX_COLUMNS][TEXT_BYTES];
    size_t before = test_random_below(random, 3);
    cs_error err;
    cs_code code;

    for (size_t i = 0; i < t->columns; i++)
    {
        cs_value_kind kind = cs_avro_plan_shape(t->plan, i).kind;

        if (test_random_below(random, 100) == 0)
            kind = (cs_value_kind) test_random_below(random, CS_VALUE_NESTED);
        else if (cs_avro_plan_shape(t->plan, i).nullable && test_random_below(random, 4) == 0)
            kind = CS_VALUE_NULL;
        given[i] = random_value(random, kind, rooms[i]);
    }
    t->bytes.len = 0;
    build_raw(&t->bytes, "abc", before);
    code = cs_avro_encode_record(t->schema, given, &t->bytes, &err);
    seen.tried++;
    if (code != CS_OK)
    {
        assert_code(code, CS_ERR_RANGE, &err);
        assert_in_range(err.field, 0, t->columns - 1);
        assert_true(err.message[0] != '\0');
        assert_int_equal(t->bytes.len, before);
        return;
    }
    seen.taken++;
    memmove(t->bytes.data, t->bytes.data + before, t->bytes.len -= before);
    assert_ok(read_back(t, read, &err), &err);
    for (size_t i = 0; i < t->columns; i++)
        check_same(&given[i], &read[i], t->schema->fields[i].name);
}

static void
test_random_scalars(void **state)
{
    const char *const schemas[] = {good_schemas[0].json, good_schemas[1].json, good_schemas[2].json,
                                   OPTIONALS};
    test_random random;

    (void) state;
    test_random_start(&random, "scalars");
    for (size_t i = 0; i < LENGTH(schemas); i++)
    {
        trip t;

        start_trip(&t, schemas[i]);
        for (size_t round = test_rounds(ROUNDS); round-- > 0;)
            try_record(&t, &random);
        end_trip(&t);
    }
    fprintf(stderr, "scalars: %zu records, %zu taken\n", seen.tried, seen.taken);
    assert_true(seen.taken > 0 && seen.taken < seen.tried);
    memset(&seen, 0, sizeof(seen));
}

/* The record in the buffer as JSON; NULL where a value in it is refused. */
static json_t *
record_json(trip *t)
{
    cs_value values[MAX_COLUMNS];
    json_t *record = json_object();
    cs_error err;
    cs_code code = read_back(t, values, &err);

    if (code != CS_OK)
        assert_code(code, CS_ERR_RANGE, &err);
    for (size_t i = 0; code == CS_OK && i < t->columns; i++)
    {
        json_t *json;

        code = cs_avro_value_json(t->plan, &values[i], &json, &err);
        if (code == CS_OK)
            json_object_set_new(record, t->schema->fields[i].name, json);
        else
            assert_code(code, CS_ERR_RANGE, &err);
    }
    if (code == CS_OK)
        return record;
    json_decref(record);
    return NULL;
}

/* Encode JSON, read it back as JSON; NULL where it is refused, which some must not be. */
static json_t *
through_json(trip *t, const json_t *record, bool must)
{
    cs_error err;
    cs_code code;
    json_t *json;

    t->bytes.len = 0;
    code = cs_avro_encode_json(t->schema->root, record, CS_JSON_PLAIN, &t->bytes, &err);
    if (code != CS_OK)
    {
        assert_code(code, CS_ERR_RANGE, &err);
        assert_true(err.message[0] != '\0' && cs_utf8_valid(err.message, strlen(err.message)));
        if (must)
            fail_msg("%s: %s", err.message, json_dumps(record, 0));
        return NULL;
    }
    json = record_json(t);
    if (json == NULL)
        fail_msg("what was taken cannot be read: %s", json_dumps(record, JSON_ENCODE_ANY));
    return json;
}

/* Fail unless both are the same JSON. */
static void
check_same_json(const json_t *given, const json_t *read)
{
    if (!json_equal(given, read))
        fail_msg("%s\nreads back as\n%s", json_dumps(given, 0), json_dumps(read, 0));
}

/* A random record as JSON, encoded again; then with damage. */
static void
try_json(trip *t, test_random *random)
{
    size_t changes = 1 + test_random_below(random, 3);
    good_pieces record;
    json_t *json, *again;

    pieces_start(&record);
    pieces_add_value(&record, random, t->schema->root, 0);
    t->bytes.len = 0;
    build_raw(&t->bytes, record.bytes.data, record.bytes.len);
    pieces_free(&record);
    json = record_json(t);
    if (json == NULL)
        return;
    again = through_json(t, json, true);
    check_same_json(json, again);
    json_decref(again);
    while (changes-- > 0)
        damage_json(random, json);
    again = through_json(t, json, false);
    seen.tried++;
    if (again != NULL)
    {
        json_t *third = through_json(t, again, true);

        seen.taken++;
        check_same_json(again, third);
        json_decref(third);
    }
    json_decref(again);
    json_decref(json);
}

static void
test_random_json(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "JSON");
    for (size_t i = 0; i < num_good_schemas; i++)
    {
        trip t;

        start_trip(&t, good_schemas[i].json);
        if (t.schema->root->type == CS_AVRO_RECORD)
            for (size_t round = test_rounds(ROUNDS) / num_good_schemas; round-- > 0;)
                try_json(&t, &random);
        end_trip(&t);
    }
    fprintf(stderr, "JSON: %zu damaged records, %zu taken\n", seen.tried, seen.taken);
    assert_true(seen.taken > 0 && seen.taken < seen.tried);
    memset(&seen, 0, sizeof(seen));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_scalars),
        cmocka_unit_test(test_random_json),
    };

    return cmocka_run_group_tests_name("avro_round_trip", tests, NULL, NULL);
}
