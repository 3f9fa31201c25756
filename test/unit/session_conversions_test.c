/*
 * test/unit/session_conversions_test.c
 *     Conversions, against a search through every view and every issue.
 */
#include "events.h"
#include "session_conversions.h"

#include <stdlib.h>

#define MAX_EVENTS 60
#define MAX_PAIRS 8

/* The first event of this kind and id after time; CS_TIME_END if there is none. */
static cs_time
first_after(const cs_event *events, size_t count, cs_kind kind, int64_t id, cs_time time)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == kind && events[i].id == id && events[i].time > time)
            return events[i].time;
    return CS_TIME_END;
}

/* For qsort: the order in which conversions are read. */
static int
compare_conversions(const void *left, const void *right)
{
    const cs_conversion *a = left;
    const cs_conversion *b = right;

    if (a->viewed != b->viewed)
        return a->viewed < b->viewed ? -1 : 1;
    if (a->campaign != b->campaign)
        return a->campaign < b->campaign ? -1 : 1;
    if (a->issued != b->issued)
        return a->issued < b->issued ? -1 : 1;
    return (a->reward > b->reward) - (a->reward < b->reward);
}

/* The conversions of one session by the rules. */
static size_t
expect_conversions(const cs_event *events, size_t count, const cs_map *map, cs_conversion *expected)
{
    size_t found = 0;

    for (size_t i = 0; i < map->count; i++)
    {
        cs_conversion one = {.campaign = map->pairs[i].campaign, .reward = map->pairs[i].reward};

        one.viewed = first_after(events, count, CS_VIEW, one.campaign, INT64_MIN);
        if (one.viewed == CS_TIME_END)
            continue;
        one.issued = first_after(events, count, CS_ISSUE, one.reward, one.viewed);
        if (one.issued < CS_TIME_END)
            expected[found++] = one;
    }
    qsort(expected, found, sizeof(cs_conversion), compare_conversions);
    return found;
}

/* Check that each expected conversion, and no other pair of the map, is counted once more. */
static void
check_counts(const cs_session *session, const cs_map *map, const cs_conversion *expected,
             size_t count)
{
    int64_t *counts = calloc(map->count + 1, sizeof(int64_t));

    assert_non_null(counts);
    for (size_t i = 0; i < map->count; i++)
        counts[i] = (int64_t) i;
    assert_int_equal(cs_session_count_driven(session, map, counts), count > 0);
    for (size_t i = 0; i < map->count; i++)
    {
        int64_t times = 0;

        for (size_t j = 0; j < count; j++)
            times += expected[j].campaign == map->pairs[i].campaign &&
                     expected[j].reward == map->pairs[i].reward;
        assert_int_equal(counts[i], (int64_t) i + times);
    }
    assert_int_equal(counts[map->count], 0);
    free(counts);
}

/* Compare the conversions of a session with the expected ones; return how many there are. */
static size_t
check_session(cs_conversion_reader *reader, const cs_session *session, const cs_event *events,
              const cs_map *map)
{
    cs_conversion *expected = malloc((map->count + 1) * sizeof(cs_conversion));
    cs_conversion actual;
    cs_error err;
    size_t count;

    assert_non_null(expected);
    count = expect_conversions(events, (size_t) session->events, map, expected);
    assert_int_equal(cs_session_driven(session, map), count > 0);
    check_counts(session, map, expected, count);
    cs_conversions_start(reader, session, map);
    for (size_t i = 0; i < count; i++)
    {
        assert_ok(cs_conversions_next(reader, &actual, &err), &err);
        assert_int_equal(compare_conversions(&actual, &expected[i]), 0);
    }
    assert_code(cs_conversions_next(reader, &actual, &err), CS_END, &err);
    assert_code(cs_conversions_next(reader, &actual, &err), CS_END, &err);
    free(expected);
    return count;
}

/* Check every session of these events. */
static size_t
check_events(const cs_event *events, size_t count, int64_t gap, const cs_map *map)
{
    cs_session_reader sessions;
    cs_conversion_reader conversions;
    cs_conversion none;
    cs_buffer state;
    size_t found = 0;
    cs_error err;
    cs_code code;

    cs_buffer_init(&state, cs_malloc_env());
    encode_events(events, count, gap, &state);
    assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&state), &sessions, &err), &err);
    sessions.keep_issues = true;
    cs_conversions_init(&conversions, cs_malloc_env());
    assert_code(cs_conversions_next(&conversions, &none, &err), CS_END, &err);
    while ((code = cs_sessions_next(&sessions, &err)) == CS_OK)
    {
        found += check_session(&conversions, &sessions.session, events, map);
        events += sessions.session.events;
    }
    assert_code(code, CS_END, &err);
    cs_conversions_free(&conversions);
    cs_sessions_close(&sessions);
    cs_buffer_free(&state);
    return found;
}

static void
test_random_sets(void **state)
{
    size_t found = 0, rounds = test_rounds(4000);
    test_random random;

    (void) state;
    test_random_start(&random, "conversions");
    for (size_t i = 0; i < rounds; i++)
    {
        int64_t gap = 2 + (int64_t) test_random_below(&random, 10);
        size_t num_pairs = (size_t) test_random_below(&random, MAX_PAIRS + 1);
        cs_event events[MAX_EVENTS];
        size_t count = random_walk(&random, events, MAX_EVENTS, gap);
        cs_map map;
        cs_error err;

        cs_map_init(&map, cs_malloc_env());
        for (size_t pair = 0; pair < num_pairs; pair++)
            assert_ok(cs_map_add(&map, (int64_t) test_random_below(&random, 4),
                                 (int64_t) test_random_below(&random, 4), &err),
                      &err);
        cs_map_sort(&map);
        found += check_events(events, count, gap, &map);
        cs_map_free(&map);
    }
    print_message("%zu sets, %zu conversions\n", rounds, found);
    assert_true(found > rounds / 2);
}

/* One long session: rewards issued before, at and after the views, again and again. */
static void
check_long_session(size_t num_campaigns, size_t num_rewards, size_t every)
{
    const size_t rounds = 3;
    size_t num_events = num_campaigns + rounds * num_rewards, count = 0;
    cs_event *events = malloc(num_events * sizeof(cs_event));
    cs_map map;
    cs_error err;

    assert_non_null(events);
    for (size_t i = 0; i < num_campaigns; i++)
        events[count++] = (cs_event){(cs_time) (i * 7 % 101), (int64_t) i, CS_VIEW};
    for (size_t i = 0; i < rounds * num_rewards; i++)
        events[count++] =
            (cs_event){(cs_time) (i * 31 % 103), (int64_t) (i % num_rewards), CS_ISSUE};
    sort_events(events, count);
    cs_map_init(&map, cs_malloc_env());
    for (size_t i = 0; i < num_campaigns * num_rewards; i += every)
        assert_ok(cs_map_add(&map, (int64_t) (i / num_rewards), (int64_t) (i % num_rewards), &err),
                  &err);
    cs_map_sort(&map);
    assert_true(check_events(events, count, CS_MINUTE, &map) > 0);
    cs_map_free(&map);
    free(events);
}

static void
test_long_sessions(void **state)
{
    (void) state;
    check_long_session(1, 1, 1);
    check_long_session(3, 200, 1);
    check_long_session(200, 3, 1);
    check_long_session(150, 150, 7);
    check_long_session(150, 150, 149);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_long_sessions),
    };

    return cmocka_run_group_tests_name("session_conversions", tests, NULL, NULL);
}
