/*
 * test/unit/session_codec_test.c
 *     The stored form of a state: its bytes, and what damaged ones do.
 */
#include "session_codec.h"
#include "events.h"
#include "session_read.h"
#include "session_text.h"

#include <stdlib.h>

/* Events, their gap, and the bytes that must ever stand for them. */
typedef struct golden_state
{
    int64_t gap;
    size_t count;
    cs_event events[4];
    size_t len;
    uint8_t bytes[64];
} golden_state;

/*
 * Computed by hand from session_codec.h. States like these lie in tables: a
 * change of the format needs a new version, and keeps these.
 */
static const golden_state goldens[] = {
    /* One event at the epoch; seconds; 5 minutes */
    {300 * CS_SECOND, 1, {{0, 0, CS_OTHER}}, 7, {0x01, 0x0a, 0xac, 0x02, 0x01, 0x00, 0x00}},
    /* Seconds, a gap of 1,500 ms; a step of 32 s takes a second byte, one of 31 s does not */
    {1500000,
     4,
     {{-CS_SECOND, 7, CS_VIEW},
      {-CS_SECOND, -1, CS_ISSUE},
      {31 * CS_SECOND, 0, CS_OTHER},
      {62 * CS_SECOND, 0, CS_VIEW}},
     14,
     {0x01, 0x06, 0xdc, 0x0b, 0x04, 0x01, 0x01, 0x0e, 0x02, 0x01, 0x80, 0x01, 0x7d, 0x00}},
    /* Milliseconds: 2024-03-10T08:00:00Z and 1,500 and 1 ms later */
    {300 * CS_SECOND,
     3,
     {{INT64_C(763372800000000), 12, CS_VIEW},
      {INT64_C(763372801500000), 0, CS_OTHER},
      {INT64_C(763372801501000), 7, CS_ISSUE}},
     17,
     {0x01, 0x09, 0xac, 0x02, 0x03, 0x80, 0xa0, 0x84, 0xc9, 0xb7, 0x2c, 0x01, 0x18, 0xf0, 0x2e,
      0x06, 0x0e}},
    /* Microseconds, the longest gap, the first and last instants, the extreme ids */
    {INT64_MAX,
     3,
     {{CS_TIME_MIN, 0, CS_OTHER}, {1, INT64_MIN, CS_VIEW}, {CS_TIME_END - 1, INT64_MAX, CS_ISSUE}},
     61,
     {0x01, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x03, 0xff,
      0xff, 0x82, 0xee, 0xd7, 0xcf, 0xc1, 0xf0, 0x05, 0x00, 0x85, 0x80, 0x86, 0xdc,
      0xaf, 0x9f, 0x83, 0xe1, 0x0b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0x01, 0xfa, 0xff, 0xa9, 0xf6, 0xec, 0xad, 0xff, 0xff, 0xff, 0x03, 0xfe,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}},
};

static void
test_golden_bytes(void **state)
{
    cs_buffer bytes;

    (void) state;
    cs_buffer_init(&bytes, cs_malloc_env());
    for (size_t i = 0; i < LENGTH(goldens); i++)
    {
        const golden_state *golden = &goldens[i];
        const cs_slice expected = {(const char *) golden->bytes, golden->len};
        cs_state_reader reader;
        cs_event event;
        cs_error err;

        encode_events(golden->events, golden->count, golden->gap, &bytes);
        assert_same_bytes(slice_of_buffer(&bytes), expected);
        assert_ok(cs_state_check(cs_malloc_env(), expected, &err), &err);
        assert_ok(cs_state_open(expected, &reader, &err), &err);
        assert_int_equal(reader.gap, golden->gap);
        for (size_t j = 0; j < golden->count; j++)
        {
            assert_ok(cs_state_next(&reader, &event, &err), &err);
            assert_int_equal(cs_event_compare(&event, &golden->events[j]), 0);
        }
        assert_code(cs_state_next(&reader, &event, &err), CS_END, &err);
    }
    cs_buffer_free(&bytes);
}

/* The state is appended to what the buffer holds. */
static void
test_encode_appends(void **state)
{
    const cs_event event = {0, 0, CS_OTHER};
    cs_buffer bytes;
    cs_error err;

    (void) state;
    cs_buffer_init(&bytes, cs_malloc_env());
    assert_ok(cs_buffer_append(&bytes, "head", 4, &err), &err);
    encode_sorted(&event, 1, CS_SECOND, &bytes);
    assert_same_bytes(slice_of_buffer(&bytes), ((cs_slice){"head\x01\x0a\x01\x01\x00\x00", 10}));
    cs_buffer_free(&bytes);
}

/* Damaged bytes and a part of the message. */
typedef struct damaged
{
    const char *what;
    size_t len;
    uint8_t bytes[32];
    const char *message;
} damaged;

static const damaged damages[] = {
    {"empty", 0, {0}, "too short"},
    {"version only", 1, {0x01}, "too short"},
    {"version 0", 7, {0x00, 0x0a, 0x01, 0x01, 0x00, 0x00}, "version 0, this build reads version 1"},
    {"version 2", 6, {0x02, 0x0a, 0x01, 0x01, 0x00, 0x00}, "version 2, this build reads version 1"},
    {"unknown unit of time", 6, {0x01, 0x0b, 0x01, 0x01, 0x00, 0x00}, "unit"},
    {"unknown unit of gap", 6, {0x01, 0x0e, 0x01, 0x01, 0x00, 0x00}, "unit"},
    {"unused bits", 6, {0x01, 0x1a, 0x01, 0x01, 0x00, 0x00}, "unit"},
    {"unused high bit", 6, {0x01, 0x8a, 0x01, 0x01, 0x00, 0x00}, "unit"},
    {"no gap", 2, {0x01, 0x0a}, "gap"},
    {"gap 0", 6, {0x01, 0x0a, 0x00, 0x01, 0x00, 0x00}, "gap"},
    {"gap over 63 bits",
     15,
     {0x01, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01, 0x00, 0x00},
     "gap"},
    {"gap that overflows in microseconds",
     15,
     {0x01, 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x01, 0x00, 0x00},
     "gap"},
    {"gap padded", 7, {0x01, 0x0a, 0x81, 0x00, 0x01, 0x00, 0x00}, "canonical"},
    {"gap not in its coarsest unit", 7, {0x01, 0x06, 0xe8, 0x07, 0x01, 0x00, 0x00}, "canonical"},
    {"no count", 3, {0x01, 0x0a, 0x01}, "number of events"},
    {"count 0", 5, {0x01, 0x0a, 0x01, 0x00, 0x00}, "number of events"},
    {"count padded", 7, {0x01, 0x0a, 0x01, 0x81, 0x00, 0x00, 0x00}, "canonical"},
    {"count of all ones",
     15,
     {0x01, 0x0a, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00, 0x00},
     "ends before"},
    {"count over the events", 6, {0x01, 0x0a, 0x01, 0x02, 0x00, 0x00}, "ends before"},
    {"count under the events", 7, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x00, 0x00}, "bytes follow"},
    {"no time", 4, {0x01, 0x0a, 0x01, 0x01}, "time"},
    {"first time padded", 7, {0x01, 0x0a, 0x01, 0x01, 0x80, 0x00, 0x00}, "canonical"},
    {"first time that overflows",
     15,
     {0x01, 0x0a, 0x01, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00},
     "time"},
    {"times not in their coarsest unit",
     7,
     {0x01, 0x09, 0x01, 0x01, 0xd0, 0x0f, 0x00},
     "canonical"},
    {"first step not 0", 6, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x04}, "canonical"},
    {"step padded", 7, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x80, 0x00}, "canonical"},
    {"step over 64 bits",
     16,
     {0x01, 0x0a, 0x01, 0x01, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
      0x01},
     "ends before"},
    {"step past the last instant",
     15,
     {0x01, 0x0a, 0x01, 0x01, 0x00, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     "time"},
    {"step cut", 6, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x80}, "ends before"},
    {"kind 3", 7, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x03, 0x00}, "kind"},
    {"no id", 6, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x01}, "inside an event"},
    {"id padded", 8, {0x01, 0x0a, 0x01, 0x01, 0x00, 0x01, 0x82, 0x00}, "canonical"},
    {"ids out of order", 9, {0x01, 0x0a, 0x01, 0x02, 0x00, 0x01, 0x04, 0x01, 0x02}, "not in order"},
    {"kinds out of order", 8, {0x01, 0x0a, 0x01, 0x02, 0x00, 0x01, 0x04, 0x00}, "not in order"},
};

static void
test_damage_is_named(void **state)
{
    (void) state;
    for (size_t i = 0; i < LENGTH(damages); i++)
    {
        cs_slice copy =
            test_exact_copy((cs_slice){(const char *) damages[i].bytes, damages[i].len});
        cs_error err;

        assert_outcome(cs_state_check(cs_malloc_env(), copy, &err), CS_ERR_DATA, &err,
                       damages[i].message, damages[i].what);
        test_exact_free(copy);
    }
}

/* A count is compared with the bytes when a state is opened: callers may trust it for memory. */
static void
test_hostile_count_is_refused_at_open(void **state)
{
    cs_state_reader reader;
    size_t found = 0;
    cs_error err;

    (void) state;
    for (size_t i = 0; i < LENGTH(damages); i++)
        if (strstr(damages[i].what, "count o") == damages[i].what)
        {
            const cs_slice bytes = {(const char *) damages[i].bytes, damages[i].len};

            assert_refused(cs_state_open(bytes, &reader, &err), CS_ERR_DATA, &err, "ends before");
            found++;
        }
    assert_int_equal(found, 2);
}

/* An accepted state must be the encoding of its own events. */
static void
check_canonical(cs_slice state)
{
    cs_state_reader reader;
    cs_history history;
    cs_buffer again;
    cs_event event;
    cs_error err;

    cs_buffer_init(&again, cs_malloc_env());
    assert_ok(cs_state_open(state, &reader, &err), &err);
    cs_history_init(&history, cs_malloc_env(), reader.gap);
    while (next_event(&reader, &event))
    {
        assert_true(cs_time_valid(event.time) && event.kind <= CS_ISSUE);
        assert_ok(cs_history_add(&history, event, &err), &err);
    }
    assert_int_equal(cs_history_waiting(&history), 0);
    assert_ok(cs_history_encode(&history, &again, &err), &err);
    assert_same_bytes(slice_of_buffer(&again), state);
    cs_history_free(&history);
    cs_buffer_free(&again);
}

/* Read the bytes in every other way, too: nothing but an answer or an error may come out. */
static void
read_unchecked(cs_slice state)
{
    cs_session_reader reader;
    cs_buffer out;
    int64_t count;
    cs_error err;

    cs_buffer_init(&out, cs_malloc_env());
    cs_sessions_count(state, &count, &err);
    cs_sessions_select(cs_malloc_env(), state, CS_FRAME_OVERLAP, 0, CS_TIME_END, &out, &err);
    cs_state_to_json(cs_malloc_env(), state, &out, &err);
    if (cs_sessions_open(cs_malloc_env(), state, &reader, &err) == CS_OK)
        while (cs_sessions_next(&reader, &err) == CS_OK)
            assert_true(reader.session.events > 0);
    cs_sessions_close(&reader);
    cs_buffer_free(&out);
}

/* Check bytes that may or may not be a state; return whether they were taken for one. */
static bool
check_hostile(cs_slice bytes)
{
    cs_slice copy = test_exact_copy(bytes);
    cs_error err;
    cs_code code = cs_state_check(cs_malloc_env(), copy, &err);

    if (code == CS_OK)
        check_canonical(copy);
    else
        assert_code(code, CS_ERR_DATA, &err);
    read_unchecked(copy);
    test_exact_free(copy);
    return code == CS_OK;
}

/* Flip every bit, put every byte to several values, cut at every length, and append. */
static void
mutate_state(cs_slice good)
{
    static const uint8_t values[] = {0x00, 0x7f, 0x80, 0xff};
    cs_slice copy = {malloc(good.len + 1), good.len};
    uint8_t *bytes = (uint8_t *) copy.data;

    assert_non_null(bytes);
    memcpy(bytes, good.data, good.len);
    assert_true(check_hostile(copy));
    for (size_t i = 0; i < good.len; i++)
    {
        for (int bit = 0; bit < 8; bit++)
        {
            bytes[i] ^= (uint8_t) (1 << bit);
            check_hostile(copy);
            bytes[i] = (uint8_t) good.data[i];
        }
        for (size_t j = 0; j < LENGTH(values); j++)
        {
            bytes[i] = values[j];
            check_hostile(copy);
        }
        bytes[i] = (uint8_t) good.data[i];
        assert_false(check_hostile((cs_slice){copy.data, i}));
    }
    for (size_t j = 0; j < LENGTH(values); j++)
    {
        bytes[good.len] = values[j];
        assert_false(check_hostile((cs_slice){copy.data, good.len + 1}));
    }
    free(bytes);
}

static void
test_mutated_states(void **state)
{
    test_random random;
    cs_buffer good;

    (void) state;
    test_random_start(&random, "mutated states");
    cs_buffer_init(&good, cs_malloc_env());
    for (size_t i = 0; i < LENGTH(goldens); i++)
        mutate_state((cs_slice){(const char *) goldens[i].bytes, goldens[i].len});
    for (size_t i = 0; i < test_rounds(20); i++)
    {
        cs_event events[MAX_RANDOM_EVENTS];
        size_t count = random_events(&random, events);

        encode_events(events, count < 40 ? count : 40, random_gap(&random), &good);
        mutate_state(slice_of_buffer(&good));
    }
    cs_buffer_free(&good);
}

/* Random bytes; half of them behind a good start. */
static void
test_random_bytes(void **state)
{
    test_random random;
    size_t taken = 0;

    (void) state;
    test_random_start(&random, "random bytes");
    for (size_t i = 0; i < test_rounds(50000); i++)
    {
        uint8_t bytes[48];
        size_t len = (size_t) test_random_below(&random, sizeof(bytes) + 1);

        for (size_t j = 0; j < len; j++)
            bytes[j] = (uint8_t) (test_random_next(&random) >> test_random_below(&random, 8));
        if (i % 2 == 0 && len > 5)
        {
            memcpy(bytes, goldens[0].bytes, 5);
            bytes[4] = (uint8_t) (1 + test_random_below(&random, len));
        }
        taken += check_hostile((cs_slice){(const char *) bytes, len});
    }
    assert_true(taken > 0); /* else the bytes are not hostile enough */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_encode_appends),
        cmocka_unit_test(test_damage_is_named),
        cmocka_unit_test(test_hostile_count_is_refused_at_open),
        cmocka_unit_test(test_mutated_states),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests_name("session_codec", tests, NULL, NULL);
}
