/*
 * test/unit/session_history_test.c
 *     Collecting, merging and sorting events: the stored form follows the
 *     multiset of events and the gap alone.
 */
#include "session_history.h"
#include "events.h"
#include "session_text.h"

#include <stdlib.h>

#define MAX_PARTS 8
#define BIG_COUNT 100000

/* Histories that are to be merged into one. */
typedef struct history_parts
{
    cs_history items[MAX_PARTS];
    size_t count;
} history_parts;

/* Split the events over 1 to 8 histories at random; some may stay empty. */
static void
split_events(test_random *random, const cs_event *events, size_t count, int64_t gap,
             history_parts *parts)
{
    parts->count = 1 + (size_t) test_random_below(random, MAX_PARTS);
    for (size_t i = 0; i < parts->count; i++)
        cs_history_init(&parts->items[i], cs_malloc_env(), gap);
    for (size_t i = 0; i < count; i++)
    {
        cs_error err;
        size_t part = (size_t) test_random_below(random, parts->count);

        assert_ok(cs_history_add(&parts->items[part], events[i], &err), &err);
    }
}

/* The number of events. */
static size_t
count_events(const cs_history *history)
{
    return history->run.count + cs_history_waiting(history);
}

/* Add from to history by way of its stored form. */
static void
merge_stored(cs_history *history, cs_history *from)
{
    cs_buffer bytes;
    cs_error err;

    if (count_events(from) == 0)
        return;
    cs_buffer_init(&bytes, cs_malloc_env());
    assert_ok(cs_history_encode(from, &bytes, &err), &err);
    assert_ok(cs_history_add_state(history, slice_of_buffer(&bytes), &err), &err);
    cs_buffer_free(&bytes);
}

/* Add from to history as a parallel query does: packed, and read in place. */
static void
merge_packed(cs_history *history, cs_history *from)
{
    cs_history view;
    cs_buffer bytes;
    cs_error err;

    if (count_events(from) == 0)
        return;
    cs_buffer_init(&bytes, cs_malloc_env());
    cs_history_init(&view, cs_malloc_env(), CS_DEFAULT_GAP);
    assert_ok(cs_history_pack(from, &bytes, &err), &err);
    assert_ok(cs_history_unpack(&view, slice_of_buffer(&bytes), &err), &err);
    assert_int_equal(view.gap, from->gap);
    assert_ok(cs_history_merge(history, &view, &err), &err);
    cs_buffer_free(&bytes);
}

/* Merge two parts picked at random, in one of the three ways. */
static void
merge_two(test_random *random, history_parts *parts)
{
    size_t from = (size_t) test_random_below(random, parts->count);
    size_t last = parts->count - 1;
    cs_history taken = parts->items[from];
    cs_history *into;
    cs_error err;

    parts->items[from] = parts->items[last];
    parts->count = last;
    into = &parts->items[test_random_below(random, last)];
    if (test_random_below(random, 4) == 0)
        assert_ok(cs_history_fold(into, &err), &err);
    switch (test_random_below(random, 3))
    {
        case 0:
            merge_stored(into, &taken);
            break;
        case 1:
            merge_packed(into, &taken);
            break;
        default:
            assert_ok(cs_history_merge(into, &taken, &err), &err);
    }
    cs_history_free(&taken);
}

/* For qsort: by time alone. */
static int
compare_times(const void *a, const void *b)
{
    cs_time left = ((const cs_event *) a)->time;
    cs_time right = ((const cs_event *) b)->time;

    return (left > right) - (left < right);
}

/* Replace the contents of out by the state made from the events in a random way. */
static void
encode_some_way(test_random *random, cs_event *events, size_t count, int64_t gap, cs_buffer *out)
{
    history_parts parts;
    cs_error err;

    shuffle_events(random, events, count);
    if (test_random_below(random, 3) == 0) /* as in a log: only ties in any order */
        qsort(events, count, sizeof(cs_event), compare_times);
    split_events(random, events, count, gap, &parts);
    while (parts.count > 1)
        merge_two(random, &parts);
    out->len = 0;
    assert_ok(cs_history_encode(&parts.items[0], out, &err), &err);
    cs_history_free(&parts.items[0]);
}

/* The state must read back as exactly these events, in order. */
static void
check_decoded(cs_slice state, const cs_event *events, size_t count, int64_t gap)
{
    cs_state_reader reader;
    cs_event event;
    cs_error err;

    assert_ok(cs_state_open(state, &reader, &err), &err);
    assert_int_equal(reader.gap, gap);
    assert_int_equal(reader.count, count);
    for (size_t i = 0; i < count; i++)
    {
        assert_ok(cs_state_next(&reader, &event, &err), &err);
        assert_int_equal(cs_event_compare(&event, &events[i]), 0);
    }
    assert_code(cs_state_next(&reader, &event, &err), CS_END, &err);
}

/* The state must come back from its JSON text as the same bytes. */
static void
check_json(cs_slice state)
{
    cs_buffer text, again;
    cs_history history;
    cs_error err;

    cs_buffer_init(&text, cs_malloc_env());
    cs_buffer_init(&again, cs_malloc_env());
    cs_history_init(&history, cs_malloc_env(), CS_DEFAULT_GAP);
    assert_ok(cs_state_to_json(cs_malloc_env(), state, &text, &err), &err);
    assert_ok(cs_history_from_json(&history, slice_of_buffer(&text), &err), &err);
    assert_ok(cs_history_encode(&history, &again, &err), &err);
    assert_same_bytes(slice_of_buffer(&again), state);
    cs_history_free(&history);
    cs_buffer_free(&text);
    cs_buffer_free(&again);
}

/* Check one random set of events. */
static void
check_set(test_random *random)
{
    cs_event events[MAX_RANDOM_EVENTS], sorted[MAX_RANDOM_EVENTS];
    size_t count = random_events(random, events);
    int64_t gap = random_gap(random);
    cs_buffer expected, actual;
    cs_error err;

    cs_buffer_init(&expected, cs_malloc_env());
    cs_buffer_init(&actual, cs_malloc_env());
    memcpy(sorted, events, sizeof(events));
    sort_events(sorted, count);
    encode_sorted(sorted, count, gap, &expected);
    for (int way = 0; way < 4; way++)
    {
        encode_some_way(random, events, count, gap, &actual);
        assert_same_bytes(slice_of_buffer(&actual), slice_of_buffer(&expected));
    }
    assert_ok(cs_state_check(cs_malloc_env(), slice_of_buffer(&expected), &err), &err);
    check_decoded(slice_of_buffer(&expected), sorted, count, gap);
    check_json(slice_of_buffer(&expected));
    cs_buffer_free(&expected);
    cs_buffer_free(&actual);
}

static void
test_any_order_split_and_merge_tree(void **state)
{
    size_t rounds = test_rounds(1000);
    test_random random;

    (void) state;
    test_random_start(&random, "any order, split and merge tree");
    for (size_t i = 0; i < rounds; i++)
        check_set(&random);
    print_message("%zu sets of events\n", rounds);
}

/* How the events of a big history come in. */
typedef int64_t (*big_pattern)(test_random *random, size_t i);

static int64_t
in_sequence(test_random *random, size_t i)
{
    (void) random;
    return (int64_t) i;
}

static int64_t
reversed(test_random *random, size_t i)
{
    (void) random;
    return -(int64_t) i;
}

static int64_t
alternating(test_random *random, size_t i)
{
    (void) random;
    return i % 2 == 0 ? (int64_t) i : -(int64_t) i;
}

static int64_t
all_equal(test_random *random, size_t i)
{
    (void) random;
    (void) i;
    return 7;
}

static int64_t
sawtooth(test_random *random, size_t i)
{
    (void) random;
    return (int64_t) (i % 1000);
}

static int64_t
last_one_first(test_random *random, size_t i)
{
    (void) random;
    return i == BIG_COUNT - 1 ? -1 : (int64_t) i;
}

static int64_t
any(test_random *random, size_t i)
{
    (void) i;
    return (int64_t) test_random_below(random, BIG_COUNT);
}

/* Sort a big history and compare it with what qsort makes of the same events. */
static void
check_big(test_random *random, big_pattern pattern)
{
    cs_event *expected = malloc(BIG_COUNT * sizeof(cs_event));
    cs_state_reader reader;
    cs_history history;
    cs_event event;
    cs_error err;

    assert_non_null(expected);
    cs_history_init(&history, cs_malloc_env(), CS_DEFAULT_GAP);
    for (size_t i = 0; i < BIG_COUNT; i++)
    {
        event = (cs_event){pattern(random, i), (int64_t) (i % 3), CS_VIEW};
        expected[i] = event;
        assert_ok(cs_history_add(&history, event, &err), &err);
    }
    assert_ok(cs_history_fold(&history, &err), &err);
    assert_int_equal(cs_history_waiting(&history), 0);
    assert_int_equal(count_events(&history), BIG_COUNT);
    sort_events(expected, BIG_COUNT);
    cs_run_open(&history.run, &reader);
    for (size_t i = 0; i < BIG_COUNT; i++)
        if (!next_event(&reader, &event) || cs_event_compare(&event, &expected[i]) != 0)
            fail_msg("event %zu differs", i);
    cs_history_free(&history);
    free(expected);
}

static void
test_sort_big(void **state)
{
    static const big_pattern patterns[] = {in_sequence, reversed,       alternating, all_equal,
                                           sawtooth,    last_one_first, any};
    test_random random;

    (void) state;
    test_random_start(&random, "sort");
    for (size_t i = 0; i < LENGTH(patterns); i++)
        check_big(&random, patterns[i]);
}

/* Every order of up to seven events that differ in all ways. */
static void
check_permutations(cs_event *events, size_t count, size_t fixed, cs_slice expected)
{
    cs_buffer actual;

    if (fixed < count)
    {
        for (size_t i = fixed; i < count; i++)
        {
            cs_event event = events[fixed];

            events[fixed] = events[i];
            events[i] = event;
            check_permutations(events, count, fixed + 1, expected);
            events[i] = events[fixed];
            events[fixed] = event;
        }
        return;
    }
    cs_buffer_init(&actual, cs_malloc_env());
    encode_events(events, count, CS_DEFAULT_GAP, &actual);
    assert_same_bytes(slice_of_buffer(&actual), expected);
    cs_buffer_free(&actual);
}

static void
test_every_order_of_a_few(void **state)
{
    cs_event events[] = {{-1, 0, CS_OTHER}, {-1, 5, CS_VIEW},  {-1, 5, CS_VIEW}, {-1, 6, CS_VIEW},
                         {-1, 5, CS_ISSUE}, {0, -5, CS_ISSUE}, {9, 0, CS_OTHER}};
    cs_buffer expected;

    (void) state;
    cs_buffer_init(&expected, cs_malloc_env());
    encode_events(events, LENGTH(events), CS_DEFAULT_GAP, &expected);
    check_permutations(events, LENGTH(events), 0, slice_of_buffer(&expected));
    cs_buffer_free(&expected);
}

static void
test_gaps_must_be_positive_and_equal(void **state)
{
    cs_history one, other;
    cs_buffer bytes;
    cs_error err;

    (void) state;
    assert_refused(cs_gap_check(0, &err), CS_ERR_ARGUMENT, &err, "longer than zero");
    assert_refused(cs_gap_check(-1, &err), CS_ERR_ARGUMENT, &err, "longer than zero");
    assert_refused(cs_gap_check(INT64_MIN, &err), CS_ERR_ARGUMENT, &err, "longer than zero");
    assert_ok(cs_gap_check(1, &err), &err);
    assert_ok(cs_gap_check(INT64_MAX, &err), &err);

    cs_history_init(&one, cs_malloc_env(), CS_MINUTE);
    cs_history_init(&other, cs_malloc_env(), CS_MINUTE + 1);
    cs_buffer_init(&bytes, cs_malloc_env());
    assert_ok(cs_history_add(&one, (cs_event){1, 0, CS_OTHER}, &err), &err);
    assert_ok(cs_history_add(&other, (cs_event){1, 0, CS_OTHER}, &err), &err);
    assert_refused(cs_history_merge(&one, &other, &err), CS_ERR_ARGUMENT, &err, "different gaps");
    assert_ok(cs_history_encode(&other, &bytes, &err), &err);
    assert_refused(cs_history_add_state(&one, slice_of_buffer(&bytes), &err), CS_ERR_ARGUMENT, &err,
                   "different gaps");
    assert_int_equal(count_events(&one), 1);
    cs_history_free(&one);
    cs_history_free(&other);
    cs_buffer_free(&bytes);
}

static void
test_merge_with_empty(void **state)
{
    cs_history empty, full;
    cs_error err;

    (void) state;
    cs_history_init(&empty, cs_malloc_env(), CS_MINUTE);
    cs_history_init(&full, cs_malloc_env(), CS_MINUTE);
    assert_ok(cs_history_merge(&full, &empty, &err), &err);
    assert_int_equal(count_events(&full), 0);
    assert_ok(cs_history_add(&full, (cs_event){2, 0, CS_OTHER}, &err), &err);
    assert_ok(cs_history_add(&full, (cs_event){1, 0, CS_OTHER}, &err), &err);
    assert_int_equal(cs_history_waiting(&full), 1);
    assert_ok(cs_history_merge(&full, &empty, &err), &err);
    assert_int_equal(count_events(&full), 2);
    assert_ok(cs_history_merge(&empty, &full, &err), &err);
    assert_int_equal(count_events(&empty), 2);
    assert_int_equal(cs_history_waiting(&empty), 1);
    cs_history_free(&empty);
    cs_history_free(&full);
}

/* Check that a history holds these ids once each, in order of time. */
static void
check_ids(const cs_history *history, int64_t count)
{
    cs_event event, before = {CS_TIME_MIN, 0, CS_OTHER};
    cs_state_reader reader;
    int64_t sum = 0, found = 0;

    for (cs_run_open(&history->run, &reader); next_event(&reader, &event); found++)
    {
        assert_true(cs_event_compare(&before, &event) <= 0);
        before = event;
        sum += event.id;
    }
    assert_int_equal(found, count);
    assert_int_equal(sum, count * (count - 1) / 2);
}

/* A history may be used again after a fold that was interrupted, at whatever moment. */
static void
test_interrupted_fold_keeps_the_events(void **state)
{
    const int64_t count = 4 * CS_POLL_ITEMS;
    cs_code code = CS_ERR_STOPPED;

    (void) state;
    for (size_t stop_at = 1; code == CS_ERR_STOPPED; stop_at++)
    {
        test_env env;
        cs_history history;
        cs_error err;

        test_env_start(&env, 0, 0);
        cs_history_init(&history, &env.env, CS_MINUTE);
        for (int64_t i = 0; i < count - 1; i++)
            assert_ok(cs_history_add(&history, (cs_event){-i, i, CS_VIEW}, &err), &err);
        env.stop_at = env.polls + stop_at;
        code = cs_history_fold(&history, &err);
        env.stop_at = 0;
        assert_ok(cs_history_add(&history, (cs_event){-count, count - 1, CS_VIEW}, &err), &err);
        assert_ok(cs_history_fold(&history, &err), &err);
        check_ids(&history, count);
        cs_history_free(&history);
        assert_int_equal(env.live, 0);
        assert_true(stop_at > 1 || code == CS_ERR_STOPPED);
    }
    assert_int_equal(code, CS_OK);
}

/* Packed bytes that are cut or too long are refused, not read. */
static void
test_packed_bytes_of_the_wrong_length(void **state)
{
    cs_history history, view;
    cs_buffer bytes;
    cs_error err;

    (void) state;
    cs_history_init(&history, cs_malloc_env(), CS_DEFAULT_GAP);
    cs_history_init(&view, cs_malloc_env(), CS_DEFAULT_GAP);
    cs_buffer_init(&bytes, cs_malloc_env());
    assert_ok(cs_history_add(&history, (cs_event){CS_SECOND, 7, CS_VIEW}, &err), &err);
    assert_ok(cs_history_pack(&history, &bytes, &err), &err);
    for (size_t len = 0; len < bytes.len; len++)
        assert_code(cs_history_unpack(&view, (cs_slice){(char *) bytes.data, len}, &err),
                    CS_ERR_DATA, &err);
    assert_ok(cs_history_unpack(&view, slice_of_buffer(&bytes), &err), &err);
    assert_ok(cs_buffer_append(&bytes, "", 1, &err), &err);
    assert_code(cs_history_unpack(&view, slice_of_buffer(&bytes), &err), CS_ERR_DATA, &err);
    cs_buffer_free(&bytes);
    cs_history_free(&history);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order_split_and_merge_tree),
        cmocka_unit_test(test_sort_big),
        cmocka_unit_test(test_every_order_of_a_few),
        cmocka_unit_test(test_gaps_must_be_positive_and_equal),
        cmocka_unit_test(test_merge_with_empty),
        cmocka_unit_test(test_interrupted_fold_keeps_the_events),
        cmocka_unit_test(test_packed_bytes_of_the_wrong_length),
    };

    return cmocka_run_group_tests_name("session_history", tests, NULL, NULL);
}
