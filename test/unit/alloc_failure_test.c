/*
 * test/unit/alloc_failure_test.c
 *     Whatever allocation fails, and whenever the caller asks to stop: the
 *     right error, nothing left behind.
 */
#include "avro_build.h"
#include "avro_case.h"
#include "avro_encode.h"
#include "avro_merge.h"
#include "events.h"
#include "session_conversions.h"
#include "session_details.h"
#include "session_funnel.h"
#include "session_text.h"

#include <stdio.h>
#include <stdlib.h>

#define MANY_EVENTS (3 * CS_POLL_ITEMS)

/* Something to do in a counted environment. It must free what it made, also after an error. */
typedef cs_code (*operation)(const cs_env *env, cs_error *err);

/* What the operations read, made once. */
static struct
{
    cs_buffer state;      /* of MANY_EVENTS events */
    cs_buffer state_json; /* the same as text */
    cs_buffer map;
    cs_buffer map_json;
    cs_buffer avro[CS_NUM_CODECS]; /* three blocks with each codec */
    cs_buffer columns;             /* a schema of many fields */
    cs_avro_codec codec;           /* the one to read and write with */
    cs_avro_schema *older, *newer; /* of every type */
    json_t *record;                /* of the older one */
    cs_buffer record_bytes;
} given;

/* Whose allocations jansson's are; NULL: nobody's. */
static const cs_env *json_env;

/* jansson's malloc. */
static void *
json_allocate(size_t size)
{
    return json_env != NULL ? json_env->resize(json_env->ctx, NULL, 0, size) : malloc(size);
}

/* jansson's free. */
static void
json_release(void *memory)
{
    if (json_env == NULL)
        free(memory);
    else if (memory != NULL)
        json_env->release(json_env->ctx, memory);
}

#define INNER(extra)                                                                              \
    "{\"name\":\"inner\",\"type\":{\"type\":\"record\",\"name\":\"Inner\",\"aliases\":[\"Old\"]," \
    "\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"Inner\"],\"default\":null},"             \
    "{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"map\",\"values\":"     \
    "[\"null\",\"string\",\"bytes\"]}}}" extra "]}}"
#define LEAVES                                                                                   \
    ",{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"],"     \
    "\"default\":\"A\"}},{\"name\":\"d\",\"type\":{\"type\":\"bytes\",\"logicalType\":"          \
    "\"decimal\","                                                                               \
    "\"precision\":9,\"scale\":2}},{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"F\"," \
    "\"size\":2}}"
#define OLDER                                                             \
    "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[" INNER("") LEAVES \
        ",{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}}]}"
#define NEWER                                                                                     \
    "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":[{\"name\":\"time\",\"aliases\":[\"t\"],"   \
    "\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"},\"default\":1000}," INNER( \
        ",{\"name\":\"more\",\"type\":\"string\",\"default\":\"m\"}") LEAVES                      \
        ",{\"name\":\"b\",\"type\":\"bytes\",\"default\":\"\\u0000\\u00ff\"},"                    \
        "{\"name\":\"s\",\"type\":{\"type\":\"array\",\"items\":\"Inner\"},"                      \
        "\"default\":[{\"list\":[{\"k\":\"v\"}]}]}]}"
#define RECORD_JSON                                                                             \
    "{\"inner\":{\"next\":{\"next\":null,\"list\":[]},\"list\":[{\"k\":null,\"l\":\"text\"}]}," \
    "\"e\":\"B\",\"d\":\"12.34\",\"x\":\"\\\\x0001\",\"t\":\"2024-03-10T08:00:00Z\"}"

/* Parse a schema with every kind of type. */
static cs_code
parse_schema(const cs_env *env, cs_error *err)
{
    cs_avro_schema *schema;
    cs_code code = cs_avro_schema_parse(env, (const char *) given.columns.data, given.columns.len,
                                        &schema, err);

    assert_true((code == CS_OK) == (schema != NULL));
    cs_avro_schema_free(schema);
    return code;
}

/* Parse a schema of every type, with defaults. */
static cs_code
parse_types(const cs_env *env, cs_error *err)
{
    cs_avro_schema *schema;
    cs_code code = cs_avro_schema_parse(env, NEWER, strlen(NEWER), &schema, err);

    assert_true((code == CS_OK) == (schema != NULL));
    cs_avro_schema_free(schema);
    return code;
}

/* Read all columns of the one record as JSON. */
static cs_code
read_columns(const cs_avro_plan *plan, cs_error *err)
{
    const cs_avro_block block = {.records = 1,
                                 .data = given.record_bytes.data,
                                 .len = given.record_bytes.len - CS_AVRO_BLOCK_SLACK};
    cs_value values[CASE_COLUMNS];
    cs_avro_cursor cursor;

    cs_avro_cursor_init(&cursor, plan, &block);
    CS_TRY(cs_avro_cursor_next(&cursor, values, err));
    for (size_t i = 0; i < given.newer->num_fields; i++)
    {
        json_t *json;
        cs_code code = cs_avro_value_json(plan, &values[i], &json, err);

        assert_true((code == CS_OK) == (json != NULL));
        json_decref(json);
        if (code != CS_OK)
            return code;
    }
    return CS_OK;
}

/* Read a record of the older schema through the newer one. */
static cs_code
read_through_plan(const cs_env *env, cs_error *err)
{
    cs_avro_plan *plan;
    int all[CASE_COLUMNS];
    cs_code code;

    for (int i = 0; i < CASE_COLUMNS; i++)
        all[i] = i;
    code = cs_avro_plan_make(env, given.older, given.newer, all, given.newer->num_fields, NULL,
                             &plan, err);
    assert_true((code == CS_OK) == (plan != NULL));
    if (code == CS_OK)
        code = read_columns(plan, err);
    cs_avro_plan_free(plan);
    return code;
}

/* Encode a record from JSON. */
static cs_code
encode_record_json(const cs_env *env, cs_error *err)
{
    cs_buffer out;
    cs_code code;

    cs_buffer_init(&out, env);
    code = cs_avro_encode_json(given.older->root, given.record, CS_JSON_PLAIN, &out, err);
    assert_true(code == CS_OK || out.len == 0);
    cs_buffer_free(&out);
    return code;
}

/* Merge the two schemas. */
static cs_code
merge_schemas(const cs_env *env, cs_error *err)
{
    const cs_avro_schema *schemas[] = {given.older, given.newer};
    cs_avro_schema *merged;
    cs_code code = cs_avro_schema_merge(env, schemas, LENGTH(schemas), &merged, err);

    assert_true((code == CS_OK) == (merged != NULL));
    if (merged != NULL)
    {
        assert_int_equal(merged->num_fields, 7);
        assert_string_equal(merged->fields[4].name, "time");
        assert_string_equal(merged->fields[4].default_json, "1000");
    }
    cs_avro_schema_free(merged);
    return code;
}

/* Read a file to its end. */
static cs_code
read_avro(const cs_env *env, cs_error *err)
{
    test_file file = {.bytes = given.avro[given.codec]};
    cs_source source = test_file_source(&file);
    read_result result;

    source.size = -1;
    result = read_all(env, &source);
    *err = result.err;
    return result.code == CS_END ? CS_OK : result.code;
}

/* Go on behind each block, by turns before and after it was read. */
static cs_code
salvage_blocks(cs_avro_reader *reader, cs_error *err)
{
    cs_avro_block block;
    cs_avro_head head;
    cs_avro_loss loss;
    cs_code code;

    for (int i = 0; (code = cs_avro_reader_next_head(reader, &head, err)) == CS_OK; i++)
    {
        if (i % 2 == 0)
            CS_TRY(cs_avro_reader_load(reader, &head, &block, err));
        CS_TRY(cs_avro_reader_resync(reader, &loss, err));
    }
    return code == CS_END ? CS_OK : code;
}

/* Read a file by heads; its last marker is wrong, so that it is searched. */
static cs_code
salvage_avro(const cs_env *env, cs_error *err)
{
    cs_slice copy = test_exact_copy(slice_of_buffer(&given.avro[given.codec]));
    test_file file = {.bytes = {.data = (uint8_t *) copy.data, .len = copy.len}};
    cs_source source = test_file_source(&file);
    cs_avro_reader *reader;
    cs_avro_loss loss;
    cs_code code;

    file.bytes.data[copy.len - 1] ^= 1;
    code = cs_avro_reader_open(env, &source, NULL, &reader, err);
    if (code == CS_OK)
    {
        code = salvage_blocks(reader, err);
        if (code == CS_ERR_DATA)
            code = cs_avro_reader_resync(reader, &loss, err);
        cs_avro_reader_close(reader);
    }
    test_exact_free(copy);
    return code;
}

/* Write records until there are two blocks, and the end. */
static cs_code
write_records(cs_avro_writer *writer, const cs_avro_schema *schema, cs_error *err)
{
    static const cs_avro_text_meta meta[] = {{"key", "value"}};
    char text[1000];
    cs_value value = {.kind = CS_VALUE_STRING, .as.bytes = {text, sizeof(text)}};

    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 200; i++)
    {
        CS_TRY(cs_avro_encode_record(schema, &value, cs_avro_writer_buffer(writer), err));
        CS_TRY(cs_avro_writer_add(writer, err));
    }
    return cs_avro_writer_finish(writer, meta, LENGTH(meta), err);
}

/* Write a block that is packed apart. */
static cs_code
append_block(const cs_env *env, cs_avro_writer *writer, cs_error *err)
{
    static const char records[] = "\x02x\x02y"; /* two strings */
    cs_avro_packer *packer;
    cs_buffer block;
    cs_code code;

    cs_buffer_init(&block, env);
    code = cs_avro_packer_open(env, given.codec, 0, &packer, err);
    assert_true((code == CS_OK) == (packer != NULL));
    if (code == CS_OK)
        code = cs_avro_pack(packer, cs_slice_of(records), 2, &block, err);
    if (code == CS_OK)
        code = cs_avro_writer_append(writer, &block, err);
    cs_avro_packer_free(packer);
    cs_buffer_free(&block);
    return code;
}

/* Write a file. */
static cs_code
write_avro(const cs_env *env, cs_error *err)
{
    static const char json[] = SCHEMA_STRING;
    static const cs_avro_meta meta[] = {{"given", (const uint8_t *) "at open", 7}};
    const cs_avro_writer_options options = {
        .codec = given.codec, .meta = meta, .num_meta = LENGTH(meta)};
    cs_avro_schema *schema;
    cs_avro_writer *writer;
    cs_error ignored;
    test_file file;
    cs_sink sink;
    cs_code code;

    test_file_start(&file);
    sink = test_file_sink(&file);
    assert_ok(cs_avro_schema_parse(cs_malloc_env(), json, strlen(json), &schema, &ignored),
              &ignored);
    code = cs_avro_writer_open(env, &sink, schema, &options, &writer, err);
    assert_true((code == CS_OK) == (writer != NULL));
    if (code == CS_OK)
        code = append_block(env, writer, err);
    if (code == CS_OK)
        code = write_records(writer, schema, err);
    cs_avro_writer_free(writer);
    cs_avro_schema_free(schema);
    test_file_free(&file);
    return code;
}

/* Add, merge and encode events that are far from sorted. */
static cs_code
collect_events(cs_history *history, cs_history *other, cs_buffer *out, cs_error *err)
{
    for (int64_t i = 0; i < MANY_EVENTS; i++)
    {
        cs_history *to = i % 2 == 0 ? history : other;

        CS_TRY(cs_history_add(to, (cs_event){-i * i % 1009, i, CS_VIEW}, err));
    }
    CS_TRY(cs_history_merge(history, other, err));
    CS_TRY(cs_history_encode(history, out, err));
    return cs_history_add_state(other, slice_of_buffer(out), err);
}

/* Make a state. */
static cs_code
make_state(const cs_env *env, cs_error *err)
{
    cs_history history, other;
    cs_buffer out;
    cs_code code;

    cs_history_init(&history, env, CS_SECOND);
    cs_history_init(&other, env, CS_SECOND);
    cs_buffer_init(&out, env);
    code = collect_events(&history, &other, &out, err);
    cs_history_free(&history);
    cs_history_free(&other);
    cs_buffer_free(&out);
    return code;
}

/* Check a state. */
static cs_code
check_state(const cs_env *env, cs_error *err)
{
    return cs_state_check(env, slice_of_buffer(&given.state), err);
}

/* Read all sessions of a state. */
static cs_code
read_sessions(const cs_env *env, cs_error *err)
{
    cs_session_reader reader;
    cs_code code = cs_sessions_open(env, slice_of_buffer(&given.state), &reader, err);

    while (code == CS_OK)
        code = cs_sessions_next(&reader, err);
    cs_sessions_close(&reader);
    return code == CS_END ? CS_OK : code;
}

/* Read all conversions of one session; its first issues lie before the views. */
static cs_code
read_conversions(cs_conversion_reader *conversions, cs_session_reader *sessions, const cs_map *map,
                 cs_error *err)
{
    cs_conversion conversion;
    cs_code code;

    CS_TRY(cs_sessions_next(sessions, err));
    cs_conversions_start(conversions, &sessions->session, map);
    while ((code = cs_conversions_next(conversions, &conversion, err)) == CS_OK)
        continue;
    return code == CS_END ? CS_OK : code;
}

/* Decode the map and find the conversions of the first session. */
static cs_code
find_conversions(const cs_env *env, cs_error *err)
{
    cs_session_reader sessions;
    cs_conversion_reader conversions;
    cs_map map;
    cs_code code;

    cs_map_init(&map, env);
    cs_conversions_init(&conversions, env);
    code = cs_sessions_open(env, slice_of_buffer(&given.state), &sessions, err);
    sessions.keep_issues = true;
    if (code == CS_OK)
        code = cs_map_decode(&map, slice_of_buffer(&given.map), err);
    if (code == CS_OK)
        code = cs_map_index(&map, err);
    if (code == CS_OK)
        code = read_conversions(&conversions, &sessions, &map, err);
    cs_conversions_free(&conversions);
    cs_sessions_close(&sessions);
    cs_map_free(&map);
    return code;
}

/* Walk all sessions through a funnel, and name the last one. */
static cs_code
walk_funnel(const cs_env *env, cs_error *err)
{
    static const cs_step steps[] = {{CS_VIEW, true, 0}, {CS_ISSUE, true, 0}, {CS_VIEW, false, 1}};
    cs_funnel_reader reader;
    cs_session session = {.same_start = 1};
    cs_buffer name;
    cs_code code =
        cs_funnel_open(env, slice_of_buffer(&given.state), steps, LENGTH(steps), &reader, err);

    cs_buffer_init(&name, env);
    while (code == CS_OK)
        code = cs_funnel_next(&reader, err);
    if (code == CS_END)
        code = cs_session_id(&session, cs_slice_of("somebody"), &name, err);
    cs_buffer_free(&name);
    cs_funnel_close(&reader);
    return code;
}

/* Select the sessions of a frame. */
static cs_code
select_sessions(const cs_env *env, cs_error *err)
{
    cs_buffer out;
    cs_code code;

    cs_buffer_init(&out, env);
    code = cs_sessions_select(env, slice_of_buffer(&given.state), CS_FRAME_OVERLAP, 0, CS_TIME_END,
                              &out, err);
    cs_buffer_free(&out);
    return code;
}

/* Write a state as JSON. */
static cs_code
state_to_json(const cs_env *env, cs_error *err)
{
    cs_buffer out;
    cs_code code;

    cs_buffer_init(&out, env);
    code = cs_state_to_json(env, slice_of_buffer(&given.state), &out, err);
    cs_buffer_free(&out);
    return code;
}

/* Read a state from JSON. */
static cs_code
state_from_json(const cs_env *env, cs_error *err)
{
    cs_history history;
    cs_code code;

    cs_history_init(&history, env, CS_SECOND);
    code = cs_history_from_json(&history, slice_of_buffer(&given.state_json), err);
    cs_history_free(&history);
    return code;
}

/* Read a small map from JSON. */
static cs_code
map_from_json(const cs_env *env, cs_error *err)
{
    cs_map map;
    cs_code code;

    cs_map_init(&map, env);
    code = cs_map_from_json(&map, cs_slice_of("{\"version\": 1, \"pairs\": [[1, 2]]}"), err);
    cs_map_free(&map);
    return code;
}

/* Read a map from JSON and write it in both forms. */
static cs_code
rewrite_map(const cs_env *env, cs_error *err)
{
    cs_buffer stored, json;
    cs_map map;
    cs_code code;

    cs_map_init(&map, env);
    cs_buffer_init(&stored, env);
    cs_buffer_init(&json, env);
    code = cs_map_from_json(&map, slice_of_buffer(&given.map_json), err);
    if (code == CS_OK)
        code = cs_map_encode(&map, &stored, err);
    if (code == CS_OK)
        code = cs_map_to_json(&map, &json, err);
    cs_buffer_free(&stored);
    cs_buffer_free(&json);
    cs_map_free(&map);
    return code;
}

/* Check a stored map. */
static cs_code
check_map(const cs_env *env, cs_error *err)
{
    return cs_map_check(env, slice_of_buffer(&given.map), err);
}

/* An operation, and how it uses its environment. */
typedef struct known_operation
{
    const char *name;
    operation run;
    bool polls; /* it asks whether it should stop */
} known_operation;

/* What is done with each codec. */
static const known_operation codec_operations[] = {
    {"read a file", read_avro, true},
    {"salvage a file", salvage_avro, true},
    {"write a file", write_avro, true},
};

static const known_operation operations[] = {
    {"make a state", make_state, true},           {"check a state", check_state, true},
    {"read sessions", read_sessions, true},       {"select sessions", select_sessions, true},
    {"state to JSON", state_to_json, true},       {"state from JSON", state_from_json, true},
    {"rewrite a map", rewrite_map, false},        {"check a map", check_map, false},
    {"find conversions", find_conversions, true}, {"walk a funnel", walk_funnel, true},
};

/* What uses jansson, whose memory fails, too. */
static const known_operation json_operations[] = {
    {"parse a schema", parse_schema, true},           {"parse all types", parse_types, true},
    {"read through a plan", read_through_plan, true}, {"encode JSON", encode_record_json, false},
    {"merge schemas", merge_schemas, true},           {"map from JSON", map_from_json, false},
};

/* Let every allocation of an operation fail, one after the other. */
static void
check_failures(const char *name, operation run, bool json)
{
    cs_code code = CS_ERR_MEMORY;
    size_t fail_at;

    for (fail_at = 1; code != CS_OK; fail_at++)
    {
        test_env env;
        cs_error err;

        test_env_start(&env, fail_at, 0);
        cs_error_clear(&err);
        json_env = json ? &env.env : NULL;
        code = run(&env.env, &err);
        json_env = NULL;
        if (json && code == CS_ERR_DATA) /* jansson takes a string that it cannot keep for none */
        {
            assert_outcome(code, CS_ERR_DATA, &err, "not valid JSON", name);
            assert_null(strstr(err.message, "JSON:  at")); /* it says why */
        }
        else if (code != CS_OK)
            assert_outcome(code, CS_ERR_MEMORY, &err, "out of memory", name);
        else if (!json || env.allocations < fail_at)
            assert_int_equal(env.allocations, fail_at - 1); /* no failure went unnoticed */
        else
            code = CS_ERR_MEMORY; /* jansson's lexer ignores some failures: go on */
        if (env.live != 0)
            fail_msg("%s: %zu blocks are left after allocation %zu failed", name, env.live,
                     fail_at);
    }
    assert_true(fail_at > 2);
}

static void
test_every_allocation_fails_in_turn(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(operations); i++)
        check_failures(operations[i].name, operations[i].run, false);
    for (size_t i = 0; i < LENGTH(json_operations); i++)
        check_failures(json_operations[i].name, json_operations[i].run, true);
    for (given.codec = CS_CODEC_NULL; given.codec < CS_NUM_CODECS; given.codec++)
        for (size_t i = 0; i < LENGTH(codec_operations); i++)
            check_failures(codec_operations[i].name, codec_operations[i].run, false);
}

/* Let an operation be stopped at every poll, one after the other. */
static void
check_stops(const char *name, operation run)
{
    cs_code code = CS_ERR_STOPPED;
    size_t stop_at;

    for (stop_at = 1; code != CS_OK; stop_at++)
    {
        test_env env;
        cs_error err;

        test_env_start(&env, 0, stop_at);
        cs_error_clear(&err);
        code = run(&env.env, &err);
        if (code != CS_OK)
        {
            assert_outcome(code, CS_ERR_STOPPED, &err, "interrupted", name);
            assert_int_equal(env.polls, stop_at); /* nothing went on after it */
        }
        if (env.live != 0)
            fail_msg("%s: %zu blocks are left after stop %zu", name, env.live, stop_at);
    }
    if (stop_at <= 2)
        fail_msg("%s was never asked to stop", name);
}

static void
test_stopped_at_every_poll(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(operations); i++)
        if (operations[i].polls)
            check_stops(operations[i].name, operations[i].run);
    for (size_t i = 0; i < LENGTH(json_operations); i++)
        if (json_operations[i].polls)
            check_stops(json_operations[i].name, json_operations[i].run);
    for (given.codec = CS_CODEC_NULL; given.codec < CS_NUM_CODECS; given.codec++)
        for (size_t i = 0; i < LENGTH(codec_operations); i++)
            check_stops(codec_operations[i].name, codec_operations[i].run);
}

/* Make the state and its JSON: one session with many ids, and small ones. */
static void
make_given_state(void)
{
    cs_event *events = malloc(MANY_EVENTS * sizeof(cs_event));
    cs_error err;

    assert_non_null(events);
    for (int64_t i = 0; i < MANY_EVENTS; i++)
        events[i] = (cs_event){i < MANY_EVENTS / 2 ? i : i * CS_MINUTE, i % 700,
                               i % 3 == 0 ? CS_ISSUE : CS_VIEW};
    cs_buffer_init(&given.state, cs_malloc_env());
    cs_buffer_init(&given.state_json, cs_malloc_env());
    encode_events(events, MANY_EVENTS, CS_MINUTE, &given.state);
    assert_ok(
        cs_state_to_json(cs_malloc_env(), slice_of_buffer(&given.state), &given.state_json, &err),
        &err);
    free(events);
}

/* Make the map and its JSON. */
static void
make_given_map(void)
{
    cs_map map;
    cs_error err;

    cs_map_init(&map, cs_malloc_env());
    cs_buffer_init(&given.map, cs_malloc_env());
    cs_buffer_init(&given.map_json, cs_malloc_env());
    for (int64_t i = 0; i < 100; i++)
        assert_ok(cs_map_add(&map, i * i, -i, &err), &err);
    cs_map_sort(&map);
    assert_ok(cs_map_encode(&map, &given.map, &err), &err);
    assert_ok(cs_map_to_json(&map, &given.map_json, &err), &err);
    cs_map_free(&map);
}

/* Make the Avro files and the schema of many columns. */
static void
make_given_avro(void)
{
    static const char head[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":[";
    char data[20000];

    memset(data, 2, sizeof(data));
    for (cs_avro_codec codec = CS_CODEC_NULL; codec < CS_NUM_CODECS; codec++)
    {
        cs_buffer *file = &given.avro[codec];

        cs_buffer_init(file, cs_malloc_env());
        build_header(file, SCHEMA_LONG, cs_avro_codec_name(codec));
        build_packed_block(file, codec, 10, data, 10);
        build_packed_block(file, codec, 0, "", 0);
        build_packed_block(file, codec, sizeof(data), data, sizeof(data));
    }

    cs_buffer_init(&given.columns, cs_malloc_env());
    build_raw(&given.columns, head, strlen(head));
    for (int i = 0; i < 50; i++)
    {
        char field[80];

        snprintf(field, sizeof(field), "%s{\"name\":\"f%d\",\"type\":[\"null\",\"string\"]}",
                 i > 0 ? "," : "", i);
        build_raw(&given.columns, field, strlen(field));
    }
    build_raw(&given.columns, "]}", 2);
}

/* Make the schemas of every type, and a record. */
static void
make_given_types(void)
{
    static const uint8_t slack[CS_AVRO_BLOCK_SLACK];
    cs_error err;

    given.older = case_schema(OLDER);
    given.newer = case_schema(NEWER);
    given.record = case_json(RECORD_JSON);
    cs_buffer_init(&given.record_bytes, cs_malloc_env());
    assert_ok(cs_avro_encode_json(given.older->root, given.record, CS_JSON_PLAIN,
                                  &given.record_bytes, &err),
              &err);
    build_raw(&given.record_bytes, slack, sizeof(slack));
}

/* Make what the operations read. */
static int
set_up(void **state)
{
    (void) state;
    json_set_alloc_funcs(json_allocate, json_release);
    make_given_types();
    make_given_state();
    make_given_map();
    make_given_avro();
    return 0;
}

/* Free it. */
static int
tear_down(void **state)
{
    (void) state;
    cs_buffer_free(&given.state);
    cs_buffer_free(&given.state_json);
    cs_buffer_free(&given.map);
    cs_buffer_free(&given.map_json);
    for (size_t i = 0; i < CS_NUM_CODECS; i++)
        cs_buffer_free(&given.avro[i]);
    cs_buffer_free(&given.columns);
    cs_buffer_free(&given.record_bytes);
    cs_avro_schema_free(given.older);
    cs_avro_schema_free(given.newer);
    json_decref(given.record);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_in_turn),
        cmocka_unit_test(test_stopped_at_every_poll),
    };

    return cmocka_run_group_tests_name("alloc_failure", tests, set_up, tear_down);
}
