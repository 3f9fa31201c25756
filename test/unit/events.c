/*
 * test/unit/events.c
 *     Random events, and states made from events.
 */
#include "events.h"

#include <stdlib.h>

static const int64_t units[] = {1, 1000, CS_SECOND};

/* How the times and ids of a set are chosen. */
typedef struct event_profile
{
    int64_t base;   /* where the times lie */
    uint64_t steps; /* how many different times, in units */
    int64_t unit;   /* microseconds; 0 for all mixed */
    uint64_t ids;   /* how many different ids; 0 for any 64 bits */
} event_profile;

/* Choose a profile. */
static event_profile
random_profile(test_random *random)
{
    static const uint64_t steps[] = {1, 3, 40, 1000, 100000};
    static const uint64_t ids[] = {1, 4, 50, 0};
    uint64_t unit = test_random_below(random, LENGTH(units) + 1);
    int64_t base = (int64_t) test_random_below(random, 800000000) - 400000000;

    return (event_profile){base * CS_SECOND, steps[test_random_below(random, LENGTH(steps))],
                           unit < LENGTH(units) ? units[unit] : 0,
                           ids[test_random_below(random, LENGTH(ids))]};
}

/* Choose an id; one in eight is extreme where any is allowed. */
static int64_t
random_id(test_random *random, const event_profile *how)
{
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, 0, -1};

    if (how->ids > 0)
        return (int64_t) test_random_below(random, how->ids);
    if (test_random_below(random, 8) == 0)
        return extremes[test_random_below(random, LENGTH(extremes))];
    return (int64_t) (test_random_next(random) >> test_random_below(random, 64));
}

/* Choose an event. */
static cs_event
random_event(test_random *random, const event_profile *how)
{
    int64_t unit = how->unit > 0 ? how->unit : units[test_random_below(random, LENGTH(units))];
    cs_event event = {.kind = (cs_kind) test_random_below(random, 3)};

    event.time = how->base + (int64_t) test_random_below(random, how->steps) * unit;
    if (event.kind != CS_OTHER)
        event.id = random_id(random, how);
    return event;
}

size_t
random_events(test_random *random, cs_event events[MAX_RANDOM_EVENTS])
{
    event_profile how = random_profile(random);
    uint64_t limit = test_random_below(random, 2) == 0 ? 12 : MAX_RANDOM_EVENTS;
    size_t count = 1 + (size_t) test_random_below(random, limit);

    for (size_t i = 0; i < count; i++)
        if (i > 0 && test_random_below(random, 10) == 0)
            events[i] = events[test_random_below(random, i)];
        else
            events[i] = random_event(random, &how);
    if (test_random_below(random, 8) == 0)
        events[0].time = CS_TIME_MIN;
    if (test_random_below(random, 8) == 0)
        events[count - 1].time = CS_TIME_END - 1;
    return count;
}

int64_t
random_gap(test_random *random)
{
    int64_t unit = units[test_random_below(random, LENGTH(units))];

    return (1 + (int64_t) (test_random_below(random, 1000000) >> test_random_below(random, 20))) *
           unit;
}

size_t
random_walk(test_random *random, cs_event *events, size_t max_events, int64_t gap)
{
    size_t count = 1 + (size_t) test_random_below(random, max_events);
    cs_time time = (cs_time) test_random_below(random, 1000) - 500;

    for (size_t i = 0; i < count; i++)
    {
        const int64_t steps[] = {0, 0, 0, 1, 2, gap / 2, gap - 1, gap, gap + 1, 3 * gap};
        cs_kind kind = (cs_kind) test_random_below(random, 3);

        time += steps[test_random_below(random, LENGTH(steps))];
        events[i] =
            (cs_event){time, kind == CS_OTHER ? 0 : (int64_t) test_random_below(random, 4), kind};
    }
    sort_events(events, count);
    return count;
}

void
shuffle_events(test_random *random, cs_event *events, size_t count)
{
    for (size_t i = count; i > 1; i--)
    {
        size_t other = (size_t) test_random_below(random, i);
        cs_event event = events[i - 1];

        events[i - 1] = events[other];
        events[other] = event;
    }
}

/* For qsort. */
static int
compare(const void *a, const void *b)
{
    return cs_event_compare(a, b);
}

void
sort_events(cs_event *events, size_t count)
{
    qsort(events, count, sizeof(cs_event), compare);
}

void
encode_sorted(const cs_event *events, size_t count, int64_t gap, cs_buffer *out)
{
    cs_run run = {0};
    cs_error err;

    for (size_t i = 0; i < count; i++)
        assert_ok(cs_run_append(cs_malloc_env(), &run, &events[i], &err), &err);
    assert_ok(cs_run_store(&run, gap, out, &err), &err);
    cs_run_free(cs_malloc_env(), &run);
}

bool
next_event(cs_state_reader *reader, cs_event *event)
{
    cs_error err;
    cs_code code = cs_state_next(reader, event, &err);

    if (code != CS_END)
        assert_ok(code, &err);
    return code == CS_OK;
}

void
encode_events(const cs_event *events, size_t count, int64_t gap, cs_buffer *out)
{
    cs_history history;
    cs_error err;

    cs_history_init(&history, cs_malloc_env(), gap);
    for (size_t i = 0; i < count; i++)
        assert_ok(cs_history_add(&history, events[i], &err), &err);
    out->len = 0;
    assert_ok(cs_history_encode(&history, out, &err), &err);
    cs_history_free(&history);
}
