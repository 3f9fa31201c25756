/*
 * test/unit/session_read_test.c
 *     Sessions read from a state, against a plain and slow reading of the rules.
 */
#include "session_read.h"
#include "events.h"

#include <stdlib.h>

#define MAX_EVENTS 60
#define MAX_IDS 2500

/* What the rules say about one session, worked out without any of core's code. */
typedef struct expected_session
{
    const cs_event *events; /* of the sorted set */
    size_t count;
} expected_session;

/* An id and when it was first seen. */
typedef struct first_seen
{
    cs_time time;
    int64_t id;
} first_seen;

/* The first session of the sorted events [0, count): up to a gap that is not less. */
static expected_session
expect_session(const cs_event *events, size_t count, int64_t gap)
{
    size_t end = 1;

    while (end < count && events[end].time - events[end - 1].time < gap)
        end++;
    return (expected_session){events, end};
}

/* The time of the first event of this kind and id. */
static cs_time
first_time(const expected_session *session, cs_kind kind, int64_t id)
{
    for (size_t i = 0; i < session->count; i++)
        if (session->events[i].kind == kind && session->events[i].id == id)
            return session->events[i].time;
    return CS_TIME_END;
}

/* For qsort: by time, then id. */
static int
compare_first_seen(const void *left, const void *right)
{
    const first_seen *a = left;
    const first_seen *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/* List the distinct ids of a kind in order of first occurrence, then id. */
static size_t
expect_list(const expected_session *session, cs_kind kind, first_seen *list)
{
    size_t count = 0;

    for (size_t i = 0; i < session->count; i++)
    {
        int64_t id = session->events[i].id;
        bool known = session->events[i].kind != kind;

        for (size_t j = 0; j < count && !known; j++)
            known = list[j].id == id;
        if (!known)
            list[count++] = (first_seen){first_time(session, kind, id), id};
    }
    qsort(list, count, sizeof(first_seen), compare_first_seen);
    return count;
}

/* True if some view comes strictly before an issue of a reward that its campaign holds. */
static bool
expect_driven(const expected_session *session, const cs_pair *pairs, size_t num_pairs)
{
    for (size_t v = 0; v < session->count; v++)
        for (size_t i = 0; i < session->count; i++)
        {
            const cs_event *view = &session->events[v];
            const cs_event *issue = &session->events[i];

            if (view->kind != CS_VIEW || issue->kind != CS_ISSUE || view->time >= issue->time)
                continue;
            for (size_t p = 0; p < num_pairs; p++)
                if (pairs[p].campaign == view->id && pairs[p].reward == issue->id)
                    return true;
        }
    return false;
}

/* Compare a list of the session with the expected one. */
static void
check_list(const cs_seen_list *list, const expected_session *expected, cs_kind kind)
{
    first_seen *ids = malloc((expected->count + 1) * sizeof(first_seen));
    size_t count;

    assert_non_null(ids);
    count = expect_list(expected, kind, ids);
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++)
    {
        assert_int_equal(list->items[i].id, ids[i].id);
        assert_int_equal(list->items[i].first, ids[i].time);
    }
    free(ids);
}

/* Compare the session read last with the expected one. */
static void
check_session(const cs_session *session, const expected_session *expected)
{
    assert_int_equal(session->start, expected->events[0].time);
    assert_int_equal(session->end, expected->events[expected->count - 1].time);
    assert_int_equal(session->events, expected->count);
    check_list(&session->campaigns, expected, CS_VIEW);
    check_list(&session->rewards, expected, CS_ISSUE);
}

/* A set of pairs and the map made from it. */
typedef struct test_mapping
{
    cs_pair pairs[8];
    size_t count;
    cs_map map;
} test_mapping;

/* Make a random mapping of small ids, duplicates included. */
static void
make_mapping(test_random *random, test_mapping *mapping)
{
    cs_error err;

    mapping->count = (size_t) test_random_below(random, LENGTH(mapping->pairs) + 1);
    cs_map_init(&mapping->map, cs_malloc_env());
    for (size_t i = 0; i < mapping->count; i++)
    {
        cs_pair pair = {(int64_t) test_random_below(random, 4),
                        (int64_t) test_random_below(random, 4)};

        mapping->pairs[i] = pair;
        assert_ok(cs_map_add(&mapping->map, pair.campaign, pair.reward, &err), &err);
    }
    cs_map_sort(&mapping->map);
}

/* Read all sessions from the array of events and compare them. */
static void
check_taken(const cs_event *events, size_t count, int64_t gap)
{
    cs_session session;
    cs_error err;
    size_t taken;

    cs_session_init(&session, cs_malloc_env());
    for (size_t at = 0; at < count; at += taken)
    {
        expected_session expected = expect_session(events + at, count - at, gap);

        assert_ok(cs_session_take(&session, events + at, count - at, gap, &taken, &err), &err);
        assert_int_equal(taken, expected.count);
        check_session(&session, &expected);
    }
    cs_session_free(&session);
}

/* Read all sessions under gap, from state and array; return how many there were. */
static int64_t
check_sessions(cs_slice state, const cs_event *events, size_t count, int64_t gap,
               const test_mapping *mapping, size_t *driven)
{
    cs_session_reader reader;
    int64_t sessions = 0;
    cs_error err;

    assert_ok(cs_sessions_open(cs_malloc_env(), state, &reader, &err), &err);
    reader.gap = gap;
    for (size_t at = 0; at < count; sessions++)
    {
        expected_session expected = expect_session(events + at, count - at, gap);
        bool is_driven;

        assert_ok(cs_sessions_next(&reader, &err), &err);
        check_session(&reader.session, &expected);
        is_driven = cs_session_driven(&reader.session, &mapping->map);
        assert_int_equal(is_driven, expect_driven(&expected, mapping->pairs, mapping->count));
        *driven += is_driven;
        at += expected.count;
    }
    assert_code(cs_sessions_next(&reader, &err), CS_END, &err);
    assert_code(cs_sessions_next(&reader, &err), CS_END, &err);
    cs_sessions_close(&reader);
    check_taken(events, count, gap);
    return sessions;
}

/* True if the session is in the frame. */
static bool
expect_in_frame(const expected_session *session, cs_frame frame, cs_time since, cs_time until)
{
    size_t looked_at = frame == CS_FRAME_START ? 1 : session->count;

    for (size_t i = 0; i < looked_at; i++)
        if (since <= session->events[i].time && session->events[i].time < until)
            return true;
    return false;
}

/* Compare cs_sessions_select with a plain filter; return whether anything was left. */
static bool
check_select(cs_slice state, const cs_event *events, size_t count, int64_t gap, cs_frame frame,
             cs_time since, cs_time until)
{
    cs_event kept[MAX_EVENTS];
    size_t num_kept = 0;
    cs_buffer actual, expected;
    cs_error err;
    cs_code code;

    for (size_t at = 0; at < count;)
    {
        expected_session session = expect_session(events + at, count - at, gap);

        if (expect_in_frame(&session, frame, since, until))
        {
            memcpy(kept + num_kept, session.events, session.count * sizeof(cs_event));
            num_kept += session.count;
        }
        at += session.count;
    }
    cs_buffer_init(&actual, cs_malloc_env());
    cs_buffer_init(&expected, cs_malloc_env());
    if (num_kept > 0)
        encode_events(kept, num_kept, gap, &expected);
    code = cs_sessions_select(cs_malloc_env(), state, frame, since, until, &actual, &err);
    assert_code(code, num_kept > 0 ? CS_OK : CS_END, &err);
    assert_same_bytes(slice_of_buffer(&actual), slice_of_buffer(&expected));
    cs_buffer_free(&actual);
    cs_buffer_free(&expected);
    return num_kept > 0;
}

/* Check one random set under its gap, another gap, and random frames. */
static void
check_set(test_random *random, size_t *driven, size_t *selected)
{
    int64_t gap = 2 + (int64_t) test_random_below(random, 10);
    int64_t other_gap = 1 + (int64_t) test_random_below(random, 12);
    cs_event events[MAX_EVENTS];
    size_t count = random_walk(random, events, MAX_EVENTS, gap);
    test_mapping mapping;
    cs_buffer state;
    int64_t sessions;
    cs_error err;

    cs_buffer_init(&state, cs_malloc_env());
    make_mapping(random, &mapping);
    encode_events(events, count, gap, &state);
    assert_ok(cs_sessions_count(slice_of_buffer(&state), &sessions, &err), &err);
    assert_int_equal(check_sessions(slice_of_buffer(&state), events, count, gap, &mapping, driven),
                     sessions);
    check_sessions(slice_of_buffer(&state), events, count, other_gap, &mapping, driven);
    for (int i = 0; i < 4; i++)
    {
        cs_time since = events[test_random_below(random, count)].time +
                        (cs_time) test_random_below(random, 3) - 1;
        cs_time until = since + (cs_time) test_random_below(random, 40) - 2;

        *selected += check_select(slice_of_buffer(&state), events, count, gap,
                                  i % 2 == 0 ? CS_FRAME_START : CS_FRAME_OVERLAP, since, until);
    }
    cs_map_free(&mapping.map);
    cs_buffer_free(&state);
}

static void
test_random_sets(void **state)
{
    size_t driven = 0, selected = 0, rounds = test_rounds(4000);
    test_random random;

    (void) state;
    test_random_start(&random, "sessions");
    for (size_t i = 0; i < rounds; i++)
        check_set(&random, &driven, &selected);
    print_message("%zu sets, %zu driven sessions, %zu frames with sessions\n", rounds, driven,
                  selected);
    assert_true(driven > rounds / 4 && selected > rounds / 4 && selected < 4 * rounds);
}

/* Count the sessions of two events this far apart. */
static int64_t
sessions_of_two(cs_time first, cs_time second, int64_t gap)
{
    const cs_event events[] = {{first, 0, CS_OTHER}, {second, 0, CS_OTHER}};
    cs_buffer state;
    int64_t count;
    cs_error err;

    cs_buffer_init(&state, cs_malloc_env());
    encode_events(events, LENGTH(events), gap, &state);
    assert_ok(cs_sessions_count(slice_of_buffer(&state), &count, &err), &err);
    cs_buffer_free(&state);
    return count;
}

static void
test_exact_gap_starts_a_session(void **state)
{
    const int64_t gap = CS_DEFAULT_GAP;

    (void) state;
    assert_int_equal(sessions_of_two(0, gap - 1, gap), 1);
    assert_int_equal(sessions_of_two(0, gap, gap), 2);
    assert_int_equal(sessions_of_two(0, gap + 1, gap), 2);
    assert_int_equal(sessions_of_two(0, 0, gap), 1);
    assert_int_equal(sessions_of_two(0, 0, 1), 1);
    assert_int_equal(sessions_of_two(0, 1, 1), 2);
    /* Differences beyond 63 bits, and the longest gap */
    assert_int_equal(sessions_of_two(CS_TIME_MIN, CS_TIME_END - 1, INT64_MAX), 2);
    assert_int_equal(sessions_of_two(0, CS_TIME_END - 1, INT64_MAX), 1);
    assert_int_equal(sessions_of_two(CS_TIME_MIN, CS_TIME_END - 1, gap), 2);
}

/* One event, its map and what becomes of the session. */
typedef struct driven_case
{
    const char *what;
    bool driven;
    size_t count;
    cs_event events[4];
    cs_pair pair;
} driven_case;

static void
test_driven_rules(void **state)
{
    static const driven_case cases[] = {
        {"view before issue", true, 2, {{1, 1, CS_VIEW}, {2, 7, CS_ISSUE}}, {1, 7}},
        {"at one instant", false, 2, {{2, 1, CS_VIEW}, {2, 7, CS_ISSUE}}, {1, 7}},
        {"issue before view", false, 2, {{3, 1, CS_VIEW}, {2, 7, CS_ISSUE}}, {1, 7}},
        {"another reward", false, 2, {{1, 1, CS_VIEW}, {2, 8, CS_ISSUE}}, {1, 7}},
        {"another campaign", false, 2, {{1, 2, CS_VIEW}, {2, 7, CS_ISSUE}}, {1, 7}},
        {"view only", false, 1, {{1, 1, CS_VIEW}}, {1, 7}},
        {"issue only", false, 1, {{1, 7, CS_ISSUE}}, {1, 7}},
        {"a later issue counts",
         true,
         3,
         {{1, 7, CS_ISSUE}, {2, 1, CS_VIEW}, {3, 7, CS_ISSUE}},
         {1, 7}},
        {"an earlier view counts",
         true,
         3,
         {{1, 1, CS_VIEW}, {2, 7, CS_ISSUE}, {3, 1, CS_VIEW}},
         {1, 7}},
        {"the other session's issue", false, 2, {{1, 1, CS_VIEW}, {11, 7, CS_ISSUE}}, {1, 7}},
        {"same id as campaign and reward", true, 2, {{1, 7, CS_VIEW}, {2, 7, CS_ISSUE}}, {7, 7}},
        {"extreme ids",
         true,
         2,
         {{1, INT64_MAX, CS_VIEW}, {2, INT64_MIN, CS_ISSUE}},
         {INT64_MAX, INT64_MIN}},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_session_reader reader;
        bool driven = false;
        cs_buffer bytes;
        cs_map map;
        cs_error err;

        cs_buffer_init(&bytes, cs_malloc_env());
        cs_map_init(&map, cs_malloc_env());
        assert_ok(cs_map_add(&map, cases[i].pair.campaign, cases[i].pair.reward, &err), &err);
        encode_events(cases[i].events, cases[i].count, 10, &bytes);
        assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&bytes), &reader, &err), &err);
        while (cs_sessions_next(&reader, &err) == CS_OK)
            driven = driven || cs_session_driven(&reader.session, &map);
        if (driven != cases[i].driven)
            fail_msg("%s", cases[i].what);
        cs_sessions_close(&reader);
        cs_map_free(&map);
        cs_buffer_free(&bytes);
    }
}

/* Fill events with count views of distinct scattered ids at one second steps, each seen twice. */
static size_t
make_many_ids(cs_event *events, size_t count, cs_time start)
{
    for (size_t i = 0; i < count; i++)
    {
        int64_t id = (int64_t) ((uint64_t) (i + 1) * UINT64_C(0x9e3779b97f4a7c15));

        events[2 * i] = (cs_event){start + (cs_time) i * CS_SECOND, id, CS_VIEW};
        events[2 * i + 1] =
            (cs_event){start + (cs_time) (count + i) * CS_SECOND, id, i % 2 ? CS_VIEW : CS_ISSUE};
    }
    sort_events(events, 2 * count);
    return 2 * count;
}

/* Sessions with lists of many lengths after one another: long, short, long again. */
static void
test_many_distinct_ids(void **state)
{
    static const size_t lengths[] = {1, 15, 16, 17, 18, 32, 33, 1200, 16, 17, 1001, 2, 64, 65};
    cs_event *events = malloc(2 * MAX_IDS * sizeof(cs_event));
    test_mapping mapping = {.count = 0};
    size_t count = 0, driven = 0;
    cs_time start = 0;
    cs_buffer bytes;

    (void) state;
    assert_non_null(events);
    cs_map_init(&mapping.map, cs_malloc_env());
    cs_buffer_init(&bytes, cs_malloc_env());
    for (size_t i = 0; i < LENGTH(lengths); i++)
    {
        count += make_many_ids(events + count, lengths[i], start);
        start = events[count - 1].time + CS_DEFAULT_GAP;
    }
    assert_true(count <= 2 * MAX_IDS);
    encode_events(events, count, CS_DEFAULT_GAP, &bytes);
    assert_int_equal(
        check_sessions(slice_of_buffer(&bytes), events, count, CS_DEFAULT_GAP, &mapping, &driven),
        LENGTH(lengths));
    cs_map_free(&mapping.map);
    cs_buffer_free(&bytes);
    free(events);
}

/* Driven is found however long the lists and the campaign's rewards are. */
static void
check_driven_among_many(size_t num_campaigns, size_t num_rewards, size_t mapped)
{
    cs_event *events = calloc(num_campaigns + num_rewards, sizeof(cs_event));
    cs_session_reader reader;
    cs_buffer bytes;
    cs_map map;
    cs_error err;

    assert_non_null(events);
    for (size_t i = 0; i < num_campaigns; i++)
        events[i] = (cs_event){(cs_time) i, (int64_t) i, CS_VIEW};
    for (size_t i = 0; i < num_rewards; i++)
        events[num_campaigns + i] =
            (cs_event){(cs_time) (num_campaigns + i), (int64_t) i + 1000000, CS_ISSUE};
    cs_map_init(&map, cs_malloc_env());
    cs_buffer_init(&bytes, cs_malloc_env());
    for (size_t i = 1; i < mapped; i++) /* rewards that nobody got */
        assert_ok(cs_map_add(&map, (int64_t) num_campaigns - 1, (int64_t) i + 2000000, &err), &err);
    cs_map_sort(&map);
    encode_events(events, num_campaigns + num_rewards, CS_DEFAULT_GAP, &bytes);
    assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&bytes), &reader, &err), &err);
    assert_ok(cs_sessions_next(&reader, &err), &err);
    assert_false(cs_session_driven(&reader.session, &map));
    assert_ok(
        cs_map_add(&map, (int64_t) num_campaigns - 1, 1000000 + (int64_t) num_rewards - 1, &err),
        &err);
    cs_map_sort(&map);
    assert_true(cs_session_driven(&reader.session, &map));
    cs_sessions_close(&reader);
    cs_map_free(&map);
    cs_buffer_free(&bytes);
    free(events);
}

static void
test_driven_among_many(void **state)
{
    static const size_t counts[] = {1, 2, 16, 17, 300};

    (void) state;
    for (size_t i = 0; i < LENGTH(counts); i++)
        for (size_t j = 0; j < LENGTH(counts); j++)
            for (size_t k = 0; k < LENGTH(counts); k++)
                check_driven_among_many(counts[i], counts[j], counts[k]);
}

static void
test_frame_edges(void **state)
{
    /* Under a gap of 10: sessions [0, 9], [19, 19], [30, 38] */
    const cs_event events[] = {
        {0, 0, CS_OTHER}, {9, 0, CS_OTHER}, {19, 1, CS_VIEW}, {30, 0, CS_OTHER}, {38, 0, CS_OTHER}};
    const size_t count = LENGTH(events);
    cs_buffer bytes;
    cs_slice all;

    (void) state;
    cs_buffer_init(&bytes, cs_malloc_env());
    encode_events(events, count, 10, &bytes);
    all = slice_of_buffer(&bytes);
    assert_true(check_select(all, events, count, 10, CS_FRAME_START, 0, 1));
    assert_false(check_select(all, events, count, 10, CS_FRAME_START, 1, 19));
    assert_true(check_select(all, events, count, 10, CS_FRAME_START, 1, 20));
    assert_true(check_select(all, events, count, 10, CS_FRAME_START, 30, 31));
    assert_false(check_select(all, events, count, 10, CS_FRAME_START, 31, 100));
    assert_false(check_select(all, events, count, 10, CS_FRAME_START, 30, 30));
    assert_false(check_select(all, events, count, 10, CS_FRAME_START, 31, 30));
    assert_true(check_select(all, events, count, 10, CS_FRAME_OVERLAP, 9, 10));
    assert_false(check_select(all, events, count, 10, CS_FRAME_OVERLAP, 10, 19));
    assert_true(check_select(all, events, count, 10, CS_FRAME_OVERLAP, 38, 39));
    assert_false(check_select(all, events, count, 10, CS_FRAME_OVERLAP, 39, CS_TIME_END));
    assert_false(check_select(all, events, count, 10, CS_FRAME_OVERLAP, 1, 9));
    assert_true(check_select(all, events, count, 10, CS_FRAME_START, INT64_MIN, INT64_MAX));
    assert_true(check_select(all, events, count, 10, CS_FRAME_OVERLAP, INT64_MIN, INT64_MAX));
    assert_false(check_select(all, events, count, 10, CS_FRAME_START, INT64_MIN, 0));
    cs_buffer_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sets),       cmocka_unit_test(test_exact_gap_starts_a_session),
        cmocka_unit_test(test_driven_rules),      cmocka_unit_test(test_many_distinct_ids),
        cmocka_unit_test(test_driven_among_many), cmocka_unit_test(test_frame_edges),
    };

    return cmocka_run_group_tests_name("session_read", tests, NULL, NULL);
}
