/*
 * test/unit/avro_schema_mutation_test.c
 *     Good schemas made wrong, as text and as JSON: parsed, described, resolved,
 *     merged, without a crash, a leak, or more memory than their length explains.
 */
#include "avro_good.h"
#include "json_damage.h"

#include "avro_json.h"
#include "avro_merge.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 1000 /* of each test; 100,000 in a soak run */
#define MAX_TEXT (64 * 1024)
#define MAX_POLLS 100000
#define MAX_PEAK (64 * (size_t) 1024 * 1024)
#define HANG_SECONDS 60
#define MAX_COLUMNS 200

/* What became of the schemas of a test: a test of nothing would show here. */
static struct
{
    size_t tried, parsed, resolved, merged;
} seen;

/* Fail unless an error says what is wrong, and that it is the schema. */
static void
check_refusal(cs_code code, const cs_error *err)
{
    if (code != CS_ERR_DATA && code != CS_ERR_LIMIT && code != CS_ERR_RANGE &&
        code != CS_ERR_UNSUPPORTED && code != CS_ERR_ARGUMENT)
        fail_msg("unfit code %d: %s", code, err->message);
    assert_int_equal(err->code, code);
    assert_true(err->message[0] != '\0');
    if (!cs_utf8_valid(err->message, strlen(err->message)))
        fail_msg("not UTF-8: %s", err->message);
}

/* Resolve one schema to another. */
static cs_code
resolve(const cs_env *env, const cs_avro_schema *writer, const cs_avro_schema *reader)
{
    size_t columns = (reader != NULL ? reader : writer)->num_fields;
    int wanted[MAX_COLUMNS] = {0};
    cs_avro_plan *plan;
    cs_error err;
    cs_code code;

    columns = columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
    for (size_t i = 0; i < columns; i++)
        wanted[i] = (int) i;
    code = cs_avro_plan_make(env, writer, reader, wanted, columns, NULL, &plan, &err);
    assert_true((code == CS_OK) == (plan != NULL));
    if (code != CS_OK)
        check_refusal(code, &err);
    for (size_t i = 0; code == CS_OK && i < columns; i++)
        cs_avro_plan_shape(plan, i);
    cs_avro_plan_free(plan);
    return code;
}

/* Merge two schemas; each must resolve to the result. */
static void
merge(const cs_env *env, const cs_avro_schema *one, const cs_avro_schema *other)
{
    const cs_avro_schema *both[] = {one, other};
    cs_avro_schema *merged;
    cs_error err;
    cs_code code = cs_avro_schema_merge(env, both, LENGTH(both), &merged, &err);

    assert_true((code == CS_OK) == (merged != NULL));
    if (code != CS_OK)
    {
        check_refusal(code, &err);
        return;
    }
    seen.merged++;
    for (size_t i = 0; i < LENGTH(both); i++)
        if (resolve(env, both[i], merged) != CS_OK)
            fail_msg("schema %zu does not resolve to the merged one:\n%.*s\n%.*s", i,
                     (int) both[i]->json_len, both[i]->json, (int) merged->json_len, merged->json);
    cs_avro_schema_free(merged);
}

/* Describe each column. */
static void
describe(const cs_env *env, const cs_avro_schema *schema)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, env);
    assert_ok(cs_avro_type_describe(schema->root, &text, &err), &err);
    for (size_t i = 0; i < schema->num_fields && i < MAX_COLUMNS; i++)
    {
        assert_ok(cs_avro_type_describe(schema->fields[i].type, &text, &err), &err);
        assert_true(cs_avro_schema_find(schema, schema->fields[i].name) >= 0);
        cs_avro_shape_of(schema->fields[i].type);
    }
    cs_buffer_free(&text);
}

/* Parse a text and do with the schema what one can do. */
static void
try_schema(cs_slice json, const cs_avro_schema *original)
{
    cs_slice copy = test_exact_copy(json);
    cs_avro_schema *schema;
    test_env env;
    cs_error err;
    cs_code code;

    alarm(HANG_SECONDS);
    test_env_start(&env, 0, MAX_POLLS);
    seen.tried++;
    code = cs_avro_schema_parse(&env.env, copy.data, copy.len, &schema, &err);
    assert_true((code == CS_OK) == (schema != NULL));
    if (code == CS_OK)
    {
        seen.parsed++;
        assert_int_equal(schema->json_len, json.len);
        assert_memory_equal(schema->json, json.data, json.len);
        describe(&env.env, schema);
        if (resolve(&env.env, schema, NULL) == CS_ERR_ARGUMENT)
            fail_msg("a schema does not resolve to itself: %.*s", (int) json.len, json.data);
        seen.resolved += resolve(&env.env, original, schema) == CS_OK;
        resolve(&env.env, schema, original);
        merge(&env.env, original, schema);
    }
    else
        check_refusal(code, &err);
    cs_avro_schema_free(schema);
    test_exact_free(copy);
    assert_int_equal(env.live, 0);
    if (env.peak > MAX_PEAK)
        fail_msg("%zu bytes of memory for a schema of %zu", env.peak, json.len);
}

/* Print what a test saw, and fail if that cannot have been a test. */
static void
report_seen(const char *name)
{
    fprintf(stderr, "%s: %zu schemas, %zu good, %zu resolved, %zu merged\n", name, seen.tried,
            seen.parsed, seen.resolved, seen.merged);
    assert_true(seen.tried > 0 && seen.parsed > 0 && seen.parsed < seen.tried);
    memset(&seen, 0, sizeof(seen));
}

/* Parse a good schema. */
static cs_avro_schema *
parse_good(const good_schema *source)
{
    cs_avro_schema *schema;
    cs_error err;

    assert_outcome(
        cs_avro_schema_parse(cs_malloc_env(), source->json, strlen(source->json), &schema, &err),
        CS_OK, &err, NULL, source->name);
    return schema;
}

/* The text of each good schema, cut at every byte. */
static void
test_cut_at_every_byte(void **state)
{
    (void) state;
    for (size_t i = 0; i < num_good_schemas; i++)
    {
        cs_avro_schema *original = parse_good(&good_schemas[i]);
        size_t len = strlen(good_schemas[i].json);

        for (size_t cut = 0; cut <= len; cut++)
            try_schema((cs_slice){good_schemas[i].json, cut}, original);
        cs_avro_schema_free(original);
    }
    report_seen("cuts");
}

/* Change a text at random: other characters, stretches removed, doubled or nested. */
static void
damage_text(test_random *random, const char *json, cs_buffer *out)
{
    static const char letters[] = "{}[]\":,\\ 0123456789-+.eEnulltrf\x00\x7f\xc3\xff";
    size_t len = strlen(json);
    size_t at = test_random_below(random, len);
    size_t size = 1 + test_random_below(random, len - at < 60 ? len - at : 60);
    size_t times = 1 + test_random_below(random, 4) % 2 * test_random_below(random, 300);

    out->len = 0;
    build_raw(out, json, at);
    switch (test_random_below(random, 4))
    {
        case 0:
            build_raw(out, &letters[test_random_below(random, sizeof(letters) - 1)], 1);
            size = 1;
            break;
        case 1:
            break;
        case 2:
            while (times-- > 0)
                build_raw(out, json + at, size);
            break;
        default:
            while (times-- > 0)
                build_raw(out, "{\"type\":", 8);
    }
    build_raw(out, json + at + size, len - at - size);
}

static void
test_random_text(void **state)
{
    test_random random;
    cs_buffer text;

    (void) state;
    test_random_start(&random, "schema texts");
    cs_buffer_init(&text, cs_malloc_env());
    for (size_t round = test_rounds(ROUNDS); round-- > 0;)
    {
        const good_schema *source = &good_schemas[test_random_below(&random, num_good_schemas)];
        cs_avro_schema *original = parse_good(source);

        damage_text(&random, source->json, &text);
        try_schema(slice_of_buffer(&text), original);
        cs_avro_schema_free(original);
    }
    cs_buffer_free(&text);
    report_seen("texts");
}

static void
test_random_json(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "schema JSON");
    for (size_t round = test_rounds(ROUNDS); round-- > 0;)
    {
        const good_schema *source = &good_schemas[test_random_below(&random, num_good_schemas)];
        json_t *json = json_loads(source->json, JSON_DECODE_ANY, NULL);
        size_t changes = 1 + test_random_below(&random, 3);
        cs_avro_schema *original = parse_good(source);
        char *text;

        while (changes-- > 0 && !json_is_string(json))
        {
            damage_json(&random, json);
        }
        text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        assert_non_null(text);
        if (strlen(text) < MAX_TEXT)
            try_schema(cs_slice_of(text), original);
        free(text);
        json_decref(json);
        cs_avro_schema_free(original);
    }
    report_seen("JSON");
}

/* A schema that is read as itself and as each other: pairs that do not fit are refused. */
static void
test_every_pair(void **state)
{
    (void) state;
    for (size_t i = 0; i < num_good_schemas; i++)
        for (size_t j = 0; j < num_good_schemas; j++)
        {
            cs_avro_schema *original = parse_good(&good_schemas[i]);

            try_schema(cs_slice_of(good_schemas[j].json), original);
            if (good_schemas[j].reader != NULL)
                try_schema(cs_slice_of(good_schemas[j].reader), original);
            cs_avro_schema_free(original);
        }
    assert_int_equal(seen.parsed, seen.tried);
    assert_true(seen.resolved >= num_good_schemas && seen.resolved < seen.tried);
    memset(&seen, 0, sizeof(seen));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_random_text),
        cmocka_unit_test(test_random_json),
    };

    return cmocka_run_group_tests_name("avro_schema_mutation", tests, NULL, NULL);
}
