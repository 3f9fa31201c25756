/*
 * test/unit/session_text_test.c
 *     States and maps as JSON text.
 */
#include "session_text.h"
#include "events.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENT_1 "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": 12}"
#define EVENT_2 "{\"time\": \"2024-03-10T08:00:01.5Z\"}"
#define STATE(gap, events) "{\"version\": 1, \"gap\": \"" gap "\", \"events\": [" events "]}"
#define MAP(pairs) "{\"version\": 1, \"pairs\": [" pairs "]}"

/* A JSON text and a part of the message that refuses it. */
typedef struct bad_text
{
    const char *json;
    const char *message;
} bad_text;

/* Read a state's JSON text, in memory of exactly its size, and write it again. */
static void
check_rewritten(const char *json, const char *expected)
{
    cs_slice copy = test_exact_copy(cs_slice_of(json));
    cs_history history;
    cs_buffer state, text;
    cs_error err;

    cs_history_init(&history, cs_malloc_env(), 1);
    cs_buffer_init(&state, cs_malloc_env());
    cs_buffer_init(&text, cs_malloc_env());
    assert_outcome(cs_history_from_json(&history, copy, &err), CS_OK, &err, NULL, json);
    assert_ok(cs_history_encode(&history, &state, &err), &err);
    assert_ok(cs_state_to_json(cs_malloc_env(), slice_of_buffer(&state), &text, &err), &err);
    assert_same_bytes(slice_of_buffer(&text), cs_slice_of(expected));
    cs_history_free(&history);
    cs_buffer_free(&state);
    cs_buffer_free(&text);
    test_exact_free(copy);
}

static void
test_state_is_written_in_canonical_order(void **state)
{
    (void) state;
    check_rewritten(STATE("00:05:00", EVENT_2 ", " EVENT_1),
                    STATE("00:05:00", EVENT_1 ", {\"time\": \"2024-03-10T08:00:01.500000Z\"}"));
    check_rewritten("{\"events\":[{\"issue\":-7,\"time\":\"1999-12-31T23:59:59Z\"}],"
                    "\"gap\":\"00:05:00\",\"version\":1}\n",
                    STATE("00:05:00", "{\"time\": \"1999-12-31T23:59:59Z\", \"issue\": -7}"));
    check_rewritten(STATE("00:05:00", EVENT_1 ", " EVENT_1),
                    STATE("00:05:00", EVENT_1 ", " EVENT_1));
    check_rewritten(STATE("00:05:00", "{\"time\": \"+294276-12-31T23:59:59.999999Z\", \"view\": "
                                      "9223372036854775807}, {\"time\": \"-4713-11-24T00:00:00Z\", "
                                      "\"issue\": -9223372036854775808}"),
                    STATE("00:05:00",
                          "{\"time\": \"-4713-11-24T00:00:00Z\", \"issue\": "
                          "-9223372036854775808}, {\"time\": \"+294276-12-31T23:59:59.999999Z\", "
                          "\"view\": 9223372036854775807}"));
}

/* The forms of a gap: read, and written. */
static void
test_gaps(void **state)
{
    static const char *const gaps[][2] = {
        {"00:05:00", "00:05:00"},
        {"0:05:00", "00:05:00"},
        {"24:00:00", "24:00:00"},
        {"100:00:00", "100:00:00"},
        {"00:00:00.000001", "00:00:00.000001"},
        {"00:00:00.5", "00:00:00.500000"},
        {"00:59:59.999999", "00:59:59.999999"},
        {"2562047787:59:59.999999", "2562047787:59:59.999999"},
        {"2562047788:00:54.775807", "2562047788:00:54.775807"}, /* the longest */
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(gaps); i++)
    {
        char json[256], expected[256];

        snprintf(json, sizeof(json), STATE("%s", EVENT_1), gaps[i][0]);
        snprintf(expected, sizeof(expected), STATE("%s", EVENT_1), gaps[i][1]);
        check_rewritten(json, expected);
    }
}

/* Every gap that a state can hold comes back from its text. */
static void
test_random_gaps(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "gaps");
    for (size_t i = 0; i < test_rounds(2000); i++)
    {
        const cs_event event = {0, 0, CS_OTHER};
        int64_t gap = (int64_t) (test_random_next(&random) >> (1 + test_random_below(&random, 62)));
        cs_buffer stored, text;
        cs_history history;
        cs_error err;

        gap = gap > 0 ? gap : INT64_MAX - (int64_t) i;
        cs_buffer_init(&stored, cs_malloc_env());
        cs_buffer_init(&text, cs_malloc_env());
        cs_history_init(&history, cs_malloc_env(), 1);
        encode_events(&event, 1, gap, &stored);
        assert_ok(cs_state_to_json(cs_malloc_env(), slice_of_buffer(&stored), &text, &err), &err);
        assert_ok(cs_history_from_json(&history, slice_of_buffer(&text), &err), &err);
        assert_int_equal(history.gap, gap);
        cs_history_free(&history);
        cs_buffer_free(&text);
        cs_buffer_free(&stored);
    }
}

static const bad_text bad_states[] = {
    /* JSON */
    {"", "not valid JSON"},
    {" ", "not valid JSON"},
    {"{", "not valid JSON"},
    {"1", "not valid JSON"},
    {"\"x\"", "not valid JSON"},
    {"null", "not valid JSON"},
    {STATE("00:05:00", EVENT_1) " x", "not valid JSON"},
    {STATE("00:05:00", EVENT_1 ","), "not valid JSON"},
    {"{\"version\": 1, \"version\": 1, \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}",
     "not valid JSON"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": 1, \"view\": 1}"),
     "not valid JSON"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": 9223372036854775808}"),
     "not valid JSON"},
    {STATE("00:05:00", "{\"time\": \"\\u0000\"}"), "not valid JSON"},
    {STATE("00:05:00", "{\"time\": \"\xff\"}"), "not valid JSON"},
    /* Version */
    {"[]", "no version"},
    {"{}", "no version"},
    {"{\"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}", "no version"},
    {"{\"version\": \"1\", \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}", "no version"},
    {"{\"version\": 1.0, \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}", "no version"},
    {"{\"version\": 2, \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}",
     "sessionset of version 2, this build reads version 1"},
    {"{\"version\": 0, \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}", "version 0"},
    /* Keys */
    {"{\"version\": 1, \"gap\": \"00:05:00\"}", "missing or unknown keys"},
    {"{\"version\": 1, \"gap\": \"00:05:00\", \"events\": [" EVENT_1 "], \"x\": 1}",
     "missing or unknown keys"},
    {"{\"version\": 1, \"gap\": \"00:05:00\", \"Events\": [" EVENT_1 "]}", "no events"},
    {"{\"version\": 1, \"Gap\": \"00:05:00\", \"events\": [" EVENT_1 "]}", "no gap"},
    /* Gap */
    {"{\"version\": 1, \"gap\": 300, \"events\": [" EVENT_1 "]}", "no gap"},
    {STATE("", EVENT_1), "no gap"},
    {STATE("5 min", EVENT_1), "no gap"},
    {STATE("05:00", EVENT_1), "no gap"},
    {STATE("00:05:00.", EVENT_1), "no gap"},
    {STATE("00:05:00.1234567", EVENT_1), "no gap"},
    {STATE("00:05:00x", EVENT_1), "no gap"},
    {STATE("00:05:00 ", EVENT_1), "no gap"},
    {STATE(" 00:05:00", EVENT_1), "no gap"},
    {STATE("-00:05:00", EVENT_1), "no gap"},
    {STATE("00:60:00", EVENT_1), "no gap"},
    {STATE("00:05:60", EVENT_1), "no gap"},
    {STATE("00:5:00", EVENT_1), "no gap"},
    {STATE("00:05:0", EVENT_1), "no gap"},
    {STATE("00:005:00", EVENT_1), "no gap"},
    {STATE(":05:00", EVENT_1), "no gap"},
    {STATE("2562047788:00:54.775808", EVENT_1), "no gap"},
    {STATE("2562047789:00:00", EVENT_1), "no gap"},
    {STATE("9999999999:00:00", EVENT_1), "no gap"},
    {STATE("99999999999:00:00", EVENT_1), "no gap"},
    {STATE("1 day", EVENT_1), "no gap"},
    /* Events */
    {STATE("00:05:00", ""), "no events"},
    {"{\"version\": 1, \"gap\": \"00:05:00\", \"events\": {}}", "no events"},
    {"{\"version\": 1, \"gap\": \"00:05:00\", \"events\": null}", "no events"},
    {STATE("00:05:00", "1"), "item 1: event has no time"},
    {STATE("00:05:00", "[]"), "item 1: event has no time"},
    {STATE("00:05:00", "{}"), "item 1: event has no time"},
    {STATE("00:05:00", "{\"time\": 1}"), "item 1: event has no time"},
    {STATE("00:05:00", "{\"time\": null}"), "item 1: event has no time"},
    {STATE("00:05:00", EVENT_1 ", {\"view\": 1}"), "item 2: event has no time"},
    {STATE("00:05:00", "{\"time\": \"\"}"), "item 1: timestamp is not of the form"},
    {STATE("00:05:00", "{\"time\": \"infinity\"}"), "not of the form"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00\"}"), "no offset"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00+08:00\"}"), "offset"},
    {STATE("00:05:00", "{\"time\": \"2024-02-30T08:00:00Z\"}"), "day that does not exist"},
    {STATE("00:05:00", "{\"time\": \"+294277-01-01T00:00:00Z\"}"), "out of range"},
    {STATE("00:05:00", "{\"time\": \"-4713-11-23T23:59:59.999999Z\"}"), "out of range"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": \"12\"}"),
     "id of a view is not an integer"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"issue\": 12.0}"),
     "id of a issue is not an integer"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": null}"), "not an integer"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": 1, \"issue\": 2}"),
     "keys beside"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"other\": 1}"), "keys beside"},
    {STATE("00:05:00", "{\"time\": \"2024-03-10T08:00:00Z\", \"view\": 1, \"x\": 2}"),
     "keys beside"},
};

static void
test_bad_states(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(bad_states); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(bad_states[i].json));
        cs_history history;
        cs_error err;

        cs_history_init(&history, cs_malloc_env(), 1);
        assert_outcome(cs_history_from_json(&history, copy, &err), CS_ERR_DATA, &err,
                       bad_states[i].message, bad_states[i].json);
        cs_history_free(&history);
        test_exact_free(copy);
    }
}

/* A gap of zero is refused as everywhere else. */
static void
test_gap_of_zero(void **state)
{
    cs_history history;
    cs_error err;

    (void) state;
    cs_history_init(&history, cs_malloc_env(), 1);
    assert_refused(cs_history_from_json(&history, cs_slice_of(STATE("00:00:00", EVENT_1)), &err),
                   CS_ERR_ARGUMENT, &err, "longer than zero");
    cs_history_free(&history);
}

/* Nesting ends at a limit and not at the end of the stack. */
static void
test_deep_nesting(void **state)
{
    const size_t depth = 1000000;
    char *json = malloc(depth);
    cs_history history;
    cs_map map;
    cs_error err;

    (void) state;
    assert_non_null(json);
    memset(json, '[', depth);
    cs_history_init(&history, cs_malloc_env(), 1);
    cs_map_init(&map, cs_malloc_env());
    assert_refused(cs_history_from_json(&history, (cs_slice){json, depth}, &err), CS_ERR_DATA, &err,
                   "not valid JSON");
    assert_refused(cs_map_from_json(&map, (cs_slice){json, depth}, &err), CS_ERR_DATA, &err,
                   "not valid JSON");
    cs_history_free(&history);
    cs_map_free(&map);
    free(json);
}

/* A state cut anywhere gives an error as JSON, not a shorter text. */
static void
test_damaged_state_has_no_text(void **state)
{
    static const cs_slice good = {"\x01\x0a\x01\x02\x00\x01\x18\x04", 8};
    cs_buffer text;
    cs_error err;

    (void) state;
    cs_buffer_init(&text, cs_malloc_env());
    assert_ok(cs_state_to_json(cs_malloc_env(), good, &text, &err), &err);
    assert_same_bytes(
        slice_of_buffer(&text),
        cs_slice_of(STATE("00:00:01", "{\"time\": \"2000-01-01T00:00:00Z\", \"view\": 12}, "
                                      "{\"time\": \"2000-01-01T00:00:01Z\"}")));
    for (size_t len = 0; len < good.len; len++)
        assert_code(cs_state_to_json(cs_malloc_env(), (cs_slice){good.data, len}, &text, &err),
                    CS_ERR_DATA, &err);
    cs_buffer_free(&text);
}

static const bad_text bad_maps[] = {
    {"", "reward_map is not valid JSON"},
    {"{\"version\": 1, \"pairs\": [[1, 2]]", "not valid JSON"},
    {"{\"version\": 1, \"pairs\": [], \"pairs\": []}", "not valid JSON"},
    {MAP("[1, 9223372036854775808]"), "not valid JSON"},
    {"[[1, 2]]", "no version"},
    {"{\"pairs\": [[1, 2]]}", "no version"},
    {"{\"version\": 2, \"pairs\": []}", "reward_map of version 2, this build reads version 1"},
    {"{\"version\": 1}", "missing or unknown keys"},
    {"{\"version\": 1, \"pairs\": [], \"x\": 1}", "missing or unknown keys"},
    {"{\"version\": 1, \"Pairs\": []}", "no pairs"},
    {"{\"version\": 1, \"pairs\": {}}", "no pairs"},
    {"{\"version\": 1, \"pairs\": null}", "no pairs"},
    {MAP("1"), "item 1: not a pair of integers"},
    {MAP("[]"), "item 1: not a pair of integers"},
    {MAP("[1]"), "item 1: not a pair of integers"},
    {MAP("[1, 2, 3]"), "item 1: not a pair of integers"},
    {MAP("[1, 2], [\"1\", 2]"), "item 2: not a pair of integers"},
    {MAP("[1, 2], [1, 2.0]"), "item 2: not a pair of integers"},
    {MAP("[1, null]"), "item 1: not a pair of integers"},
    {MAP("{\"campaign\": 1, \"reward\": 2}"), "item 1: not a pair of integers"},
};

static void
test_bad_maps(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(bad_maps); i++)
    {
        cs_slice copy = test_exact_copy(cs_slice_of(bad_maps[i].json));
        cs_map map;
        cs_error err;

        cs_map_init(&map, cs_malloc_env());
        assert_outcome(cs_map_from_json(&map, copy, &err), CS_ERR_DATA, &err, bad_maps[i].message,
                       bad_maps[i].json);
        cs_map_free(&map);
        test_exact_free(copy);
    }
}

static void
test_map_is_sorted_when_read(void **state)
{
    cs_map map;
    cs_buffer text;
    cs_error err;

    (void) state;
    cs_map_init(&map, cs_malloc_env());
    cs_buffer_init(&text, cs_malloc_env());
    assert_ok(cs_map_from_json(&map, cs_slice_of(MAP("[2,1],[1,11],[1,10],[2,1],[-1,0]")), &err),
              &err);
    assert_ok(cs_map_to_json(&map, &text, &err), &err);
    assert_same_bytes(slice_of_buffer(&text),
                      cs_slice_of(MAP("[-1, 0], [1, 10], [1, 11], [2, 1]")));
    cs_map_free(&map);
    cs_buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_is_written_in_canonical_order),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_random_gaps),
        cmocka_unit_test(test_bad_states),
        cmocka_unit_test(test_gap_of_zero),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_damaged_state_has_no_text),
        cmocka_unit_test(test_bad_maps),
        cmocka_unit_test(test_map_is_sorted_when_read),
    };

    return cmocka_run_group_tests_name("session_text", tests, NULL, NULL);
}
