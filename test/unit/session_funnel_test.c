/*
 * test/unit/session_funnel_test.c
 *     Funnels, against every way there is to take the steps.
 */
#include "events.h"
#include "session_funnel.h"

#include <stdlib.h>

#define MAX_EVENTS 24
#define MAX_STEPS 4

/* True if the event matches the step. */
static bool
matches(const cs_event *event, const cs_step *step)
{
    return event->kind == step->kind &&
           (step->kind == CS_OTHER || step->any_id || event->id == step->id);
}

/* The most steps that can be taken with events after time, whichever are used for them. */
static size_t
most_steps(const cs_event *events, size_t count, const cs_step *steps, size_t num_steps,
           cs_time time)
{
    size_t best = 0;

    if (num_steps == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (events[i].time > time && matches(&events[i], steps))
        {
            size_t rest = most_steps(events, count, steps + 1, num_steps - 1, events[i].time);

            if (rest + 1 > best)
                best = rest + 1;
        }
    return best;
}

/* Compare the session that was read with what its events allow; return its number of steps. */
static size_t
check_session(const cs_funnel_reader *reader, const cs_event *events, size_t count)
{
    cs_time before = INT64_MIN;

    assert_int_equal(reader->start, events[0].time);
    assert_int_equal(reader->num_reached,
                     most_steps(events, count, reader->steps, reader->num_steps, INT64_MIN));
    for (size_t step = 0; step < reader->num_reached; step++)
    {
        size_t i = 0; /* the first event that can take the step */

        while (events[i].time <= before || !matches(&events[i], &reader->steps[step]))
            assert_true(++i < count);
        assert_int_equal(reader->reached[step], events[i].time);
        before = events[i].time;
    }
    return reader->num_reached;
}

/* Walk the sessions of these events through the steps. */
static size_t
check_funnel(const cs_event *events, size_t count, int64_t gap, const cs_step *steps,
             size_t num_steps)
{
    cs_funnel_reader reader;
    cs_buffer state;
    size_t taken = 0;
    cs_error err;

    cs_buffer_init(&state, cs_malloc_env());
    encode_events(events, count, gap, &state);
    assert_ok(
        cs_funnel_open(cs_malloc_env(), slice_of_buffer(&state), steps, num_steps, &reader, &err),
        &err);
    for (size_t start = 0, end; start < count; start = end)
    {
        end = start + 1;
        while (end < count && events[end].time - events[end - 1].time < gap)
            end++;
        assert_ok(cs_funnel_next(&reader, &err), &err);
        taken += check_session(&reader, events + start, end - start);
    }
    assert_code(cs_funnel_next(&reader, &err), CS_END, &err);
    cs_funnel_close(&reader);
    cs_buffer_free(&state);
    return taken;
}

static void
test_random_funnels(void **state)
{
    size_t taken = 0, rounds = test_rounds(3000);
    test_random random;

    (void) state;
    test_random_start(&random, "funnels");
    for (size_t i = 0; i < rounds; i++)
    {
        int64_t gap = 2 + (int64_t) test_random_below(&random, 10);
        size_t num_steps = 1 + (size_t) test_random_below(&random, MAX_STEPS);
        cs_step steps[MAX_STEPS];
        cs_event events[MAX_EVENTS];
        size_t count = random_walk(&random, events, MAX_EVENTS, gap);

        for (size_t step = 0; step < num_steps; step++)
        {
            cs_kind kind = (cs_kind) test_random_below(&random, 3);

            steps[step] =
                (cs_step){.kind = kind,
                          .any_id = kind == CS_OTHER || test_random_below(&random, 2) == 0,
                          .id = (int64_t) test_random_below(&random, 4)};
        }
        taken += check_funnel(events, count, gap, steps, num_steps);
    }
    print_message("%zu sets, %zu steps taken\n", rounds, taken);
    assert_true(taken > rounds);
}

/* A step needs a later event; the same instant is not later, whatever the order of kinds. */
static void
test_ties(void **state)
{
    const cs_event tie[] = {{0, 1, CS_VIEW}, {0, 2, CS_VIEW}, {0, 9, CS_ISSUE}};
    const cs_event later[] = {{0, 1, CS_VIEW}, {0, 9, CS_ISSUE}, {1, 9, CS_ISSUE}};
    const cs_step view_issue[] = {{CS_VIEW, true, 0}, {CS_ISSUE, false, 9}};
    const cs_step views[] = {{CS_VIEW, true, 0}, {CS_VIEW, true, 0}};

    (void) state;
    assert_int_equal(check_funnel(tie, LENGTH(tie), 10, view_issue, 2), 1);
    assert_int_equal(check_funnel(tie, LENGTH(tie), 10, views, 2), 1);
    assert_int_equal(check_funnel(later, LENGTH(later), 10, view_issue, 2), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_funnels),
        cmocka_unit_test(test_ties),
    };

    return cmocka_run_group_tests_name("session_funnel", tests, NULL, NULL);
}
