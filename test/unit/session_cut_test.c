/*
 * test/unit/session_cut_test.c
 *     Sessions cut by length, by day and by campaign, their names and whether
 *     they may go on, against a plain reading of the rules.
 */
#include "events.h"
#include "session_details.h"

#include <stdlib.h>

#define MAX_EVENTS 60
#define DAY 7 /* in the time of these tests */

/* cs_cuts.local_day for days of seven microseconds. */
static int64_t
test_day(void *ctx, cs_time time)
{
    (void) ctx;
    return time >= 0 ? time / DAY : -((-time + DAY - 1) / DAY);
}

/* True if, by the rules, the event at i is cut off the session [start, i). */
static bool
expect_cut(const cs_event *events, size_t start, size_t i, const cs_cuts *cuts)
{
    if (cuts->max_length > 0 && events[i].time - events[start].time > cuts->max_length)
        return true;
    if (cuts->local_day != NULL &&
        test_day(NULL, events[i].time) != test_day(NULL, events[i - 1].time))
        return true;
    if (!cuts->on_campaign || events[i].kind != CS_VIEW)
        return false;
    for (size_t j = i; j > start; j--)
        if (events[j - 1].kind == CS_VIEW)
            return events[j - 1].id != events[i].id;
    return false;
}

/* What the tests look at of a list: its ids. */
static void
check_ids(const cs_seen_list *list, const cs_event *events, size_t count, cs_kind kind)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
    {
        bool known = events[i].kind != kind;

        for (size_t j = 0; j < found && !known; j++)
            known = list->items[j].id == events[i].id;
        if (known)
            continue;
        assert_true(found < list->count);
        assert_int_equal(list->items[found].id, events[i].id);
        assert_int_equal(list->items[found].first, events[i].time);
        found++;
    }
    assert_int_equal(list->count, found);
}

/* May the session go on before or after these edges? By looking at unseen events one by one. */
static void
check_edges(const cs_session_reader *reader, const cs_event *events, size_t count, bool cut_before,
            bool cut_after)
{
    static const cs_cuts none = {.max_length = 0};
    const cs_cuts *cuts = reader->cuts != NULL ? reader->cuts : &none;
    cs_time start = events[0].time, end = events[count - 1].time;

    for (cs_time edge = start - 3 * reader->gap; edge <= end + 3 * reader->gap; edge++)
    {
        cs_time from = edge < start ? edge : start, until = edge > end ? edge : end;
        bool before = !cut_before && start - from < reader->gap;
        bool after = !cut_after && until - end < reader->gap;

        if (cuts->local_day != NULL)
        {
            before = before && test_day(NULL, from - 1) == test_day(NULL, start);
            after = after && test_day(NULL, until) == test_day(NULL, end);
        }
        if (cuts->max_length > 0)
            after = after && until - start <= cuts->max_length;
        assert_int_equal(cs_session_may_continue_before(reader, edge), before);
        assert_int_equal(cs_session_may_continue_after(reader, edge), after);
    }
    assert_false(cs_session_may_continue_before(reader, CS_LOADED_SINCE_EVER));
    assert_false(cs_session_may_continue_after(reader, CS_LOADED_FOR_EVER));
    assert_int_equal(cs_session_may_continue_before(reader, INT64_MAX),
                     !cut_before && (cuts->local_day == NULL ||
                                     test_day(NULL, start - 1) == test_day(NULL, start)));
    assert_int_equal(cs_session_may_continue_after(reader, INT64_MIN), !cut_after);
}

/* Compare the session that was read with these events. */
static void
check_session(const cs_session *session, const cs_event *events, size_t count)
{
    assert_int_equal(session->start, events[0].time);
    assert_int_equal(session->end, events[count - 1].time);
    assert_int_equal(session->events, count);
    assert_int_equal(cs_event_compare(&session->entry, &events[0]), 0);
    assert_int_equal(cs_event_compare(&session->exit, &events[count - 1]), 0);
    check_ids(&session->campaigns, events, count, CS_VIEW);
    check_ids(&session->rewards, events, count, CS_ISSUE);
}

/* Read all sessions under the cuts and compare; return how many were cut off. */
static size_t
check_cuts(const cs_event *events, size_t count, int64_t gap, const cs_cuts *cuts)
{
    cs_session_reader reader;
    cs_buffer state;
    cs_error err;
    bool cut_before = false;
    cs_time previous_start = 0;
    int64_t same_start = 0;
    size_t cut = 0;

    cs_buffer_init(&state, cs_malloc_env());
    encode_events(events, count, gap, &state);
    assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&state), &reader, &err), &err);
    reader.cuts = cuts;
    for (size_t start = 0, end; start < count; start = end)
    {
        bool cut_after = false;

        for (end = start + 1; end < count && events[end].time - events[end - 1].time < gap; end++)
            if ((cut_after = expect_cut(events, start, end, cuts)))
                break;
        assert_ok(cs_sessions_next(&reader, &err), &err);
        check_session(&reader.session, events + start, end - start);
        same_start = cut_before && events[start].time == previous_start ? same_start + 1 : 0;
        previous_start = events[start].time;
        assert_int_equal(reader.session.same_start, same_start);
        check_edges(&reader, events + start, end - start, cut_before, cut_after);
        cut_before = cut_after;
        cut += cut_after;
    }
    assert_code(cs_sessions_next(&reader, &err), CS_END, &err);
    cs_sessions_close(&reader);
    cs_buffer_free(&state);
    return cut;
}

/* Each combination of rules on random sets. */
static void
test_random_cuts(void **state)
{
    size_t cut[8] = {0}, rounds = test_rounds(1000);
    test_random random;

    (void) state;
    test_random_start(&random, "cuts");
    for (size_t i = 0; i < rounds; i++)
    {
        int64_t gap = 2 + (int64_t) test_random_below(&random, 10);
        cs_event events[MAX_EVENTS];
        size_t count = random_walk(&random, events, MAX_EVENTS, gap);

        for (size_t rules = 0; rules < LENGTH(cut); rules++)
        {
            cs_cuts cuts = {
                .max_length = rules & 1 ? 1 + (int64_t) test_random_below(&random, 20) : 0,
                .local_day = rules & 2 ? test_day : NULL,
                .on_campaign = (rules & 4) != 0,
            };

            cut[rules] += check_cuts(events, count, gap, &cuts);
        }
    }
    assert_int_equal(cut[0], 0);
    for (size_t rules = 1; rules < LENGTH(cut); rules++)
        assert_true(cut[rules] > rounds);
}

/* Fail unless both readers have read the same session. */
static void
check_same_session(const cs_session *a, const cs_session *b)
{
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->events, b->events);
    assert_int_equal(a->campaigns.count, b->campaigns.count);
    assert_int_equal(a->rewards.count, b->rewards.count);
    assert_int_equal(a->same_start, b->same_start);
    assert_false(a->cut_before || a->cut_after || b->cut_before || b->cut_after);
}

/* Rules that are all off change nothing. */
static void
test_no_rule_is_no_cut(void **state)
{
    static const cs_cuts none = {.max_length = 0};
    static cs_event events[MAX_RANDOM_EVENTS];
    size_t rounds = test_rounds(300);
    test_random random;

    (void) state;
    test_random_start(&random, "no cuts");
    for (size_t i = 0; i < rounds; i++)
    {
        size_t count = random_events(&random, events);
        cs_session_reader plain, ruled;
        cs_buffer bytes;
        cs_code code;
        cs_error err;

        cs_buffer_init(&bytes, cs_malloc_env());
        encode_events(events, count, random_gap(&random), &bytes);
        assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&bytes), &plain, &err), &err);
        assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&bytes), &ruled, &err), &err);
        ruled.cuts = &none;
        while ((code = cs_sessions_next(&plain, &err)) == CS_OK)
        {
            assert_ok(cs_sessions_next(&ruled, &err), &err);
            check_same_session(&plain.session, &ruled.session);
        }
        assert_code(code, CS_END, &err);
        assert_code(cs_sessions_next(&ruled, &err), CS_END, &err);
        cs_sessions_close(&plain);
        cs_sessions_close(&ruled);
        cs_buffer_free(&bytes);
    }
}

/* The sessions of a state under a rule as text: "start+events ...". */
static void
check_starts(const cs_event *events, size_t count, const cs_cuts *cuts, const char *expected)
{
    cs_session_reader reader;
    cs_buffer state, text;
    cs_error err;

    cs_buffer_init(&state, cs_malloc_env());
    cs_buffer_init(&text, cs_malloc_env());
    encode_events(events, count, 100, &state);
    assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&state), &reader, &err), &err);
    reader.cuts = cuts;
    while (cs_sessions_next(&reader, &err) == CS_OK)
        assert_ok(cs_buffer_printf(&text, &err, "%d+%d ", (int) reader.session.start,
                                   (int) reader.session.events),
                  &err);
    assert_ok(cs_buffer_append(&text, "", 1, &err), &err);
    assert_string_equal((char *) text.data, expected);
    cs_sessions_close(&reader);
    cs_buffer_free(&state);
    cs_buffer_free(&text);
}

/* A session of exactly the length stays whole; one microsecond more starts another. */
static void
test_exact_length(void **state)
{
    const cs_event events[] = {{0, 0, CS_OTHER},  {5, 0, CS_OTHER},  {10, 0, CS_OTHER},
                               {11, 0, CS_OTHER}, {21, 0, CS_OTHER}, {22, 0, CS_OTHER}};
    const cs_cuts ten = {.max_length = 10}, one = {.max_length = 1};
    const cs_cuts longest = {.max_length = INT64_MAX};

    (void) state;
    check_starts(events, LENGTH(events), &ten, "0+3 11+2 22+1 ");
    check_starts(events, LENGTH(events), &one, "0+1 5+1 10+2 21+2 ");
    check_starts(events, LENGTH(events), &longest, "0+6 ");
}

/* Only a view of another campaign than the one viewed last cuts. */
static void
test_campaigns(void **state)
{
    const cs_event events[] = {
        {0, 0, CS_OTHER}, {1, 1, CS_VIEW},  {2, 9, CS_ISSUE}, {3, 1, CS_VIEW}, {3, 2, CS_VIEW},
        {3, 3, CS_VIEW},  {3, 8, CS_ISSUE}, {4, 0, CS_OTHER}, {5, 3, CS_VIEW}, {6, 1, CS_VIEW}};
    const cs_cuts cuts = {.on_campaign = true};

    (void) state;
    check_starts(events, LENGTH(events), &cuts, "0+4 3+1 3+4 6+1 ");
}

/* Differences beyond 63 bits. */
static void
test_ends_of_time(void **state)
{
    const cs_event events[] = {
        {CS_TIME_MIN, 0, CS_OTHER}, {0, 0, CS_OTHER}, {CS_TIME_END - 1, 0, CS_OTHER}};
    const cs_cuts cuts = {.max_length = INT64_MAX};
    cs_session_reader reader;
    cs_buffer bytes;
    cs_error err;

    (void) state;
    cs_buffer_init(&bytes, cs_malloc_env());
    encode_events(events, LENGTH(events), INT64_MAX, &bytes);
    assert_ok(cs_sessions_open(cs_malloc_env(), slice_of_buffer(&bytes), &reader, &err), &err);
    reader.cuts = &cuts;
    assert_ok(cs_sessions_next(&reader, &err), &err);
    assert_int_equal(reader.session.events, 2);
    assert_true(cs_session_may_continue_before(&reader, CS_TIME_MIN));
    assert_false(cs_session_may_continue_after(&reader, CS_TIME_END - 1));
    assert_ok(cs_sessions_next(&reader, &err), &err);
    assert_false(cs_session_may_continue_before(&reader, CS_TIME_MIN));
    assert_true(cs_session_may_continue_after(&reader, CS_TIME_END - 1));
    cs_sessions_close(&reader);
    cs_buffer_free(&bytes);
}

/* Name a session that starts at time, as the n-th at that instant. */
static void
check_name(cs_time time, int64_t same_start, const char *user, const char *expected)
{
    const cs_session session = {.start = time, .same_start = same_start};
    cs_buffer name;
    cs_error err;

    cs_buffer_init(&name, cs_malloc_env());
    assert_ok(cs_session_id(&session, cs_slice_of(user), &name, &err), &err);
    assert_same_bytes(slice_of_buffer(&name), cs_slice_of(expected));
    cs_buffer_free(&name);
}

static void
test_names(void **state)
{
    (void) state;
    check_name(0, 0, "ann", "ann@2000-01-01T00:00:00Z");
    check_name(1, 1, "", "@2000-01-01T00:00:00.000001Z#2");
    check_name(-CS_SECOND, 9, "a@b#2", "a@b#2@1999-12-31T23:59:59Z#10");
    check_name(CS_TIME_MIN, 0, "x", "x@-4713-11-24T00:00:00Z");
}

static void
test_kinds(void **state)
{
    cs_kind kind;

    (void) state;
    for (int i = CS_OTHER; i <= CS_ISSUE; i++)
    {
        assert_true(cs_kind_parse(cs_slice_of(cs_kind_name((cs_kind) i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(cs_kind_parse(cs_slice_of("View"), &kind));
    assert_false(cs_kind_parse(cs_slice_of(""), &kind));
    assert_false(cs_kind_parse(cs_slice_of("viewed"), &kind));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_cuts),  cmocka_unit_test(test_no_rule_is_no_cut),
        cmocka_unit_test(test_exact_length), cmocka_unit_test(test_campaigns),
        cmocka_unit_test(test_ends_of_time), cmocka_unit_test(test_names),
        cmocka_unit_test(test_kinds),
    };

    return cmocka_run_group_tests_name("session_cut", tests, NULL, NULL);
}
