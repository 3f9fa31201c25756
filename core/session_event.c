/*
 * core/session_event.c
 *     The names of the kinds of events; sorting events.
 */
#include "session_event.h"

static const char *const kind_names[] = {
    [CS_OTHER] = "other", [CS_VIEW] = "view", [CS_ISSUE] = "issue"};

const char *
cs_kind_name(cs_kind kind)
{
    return kind_names[kind];
}

bool
cs_kind_parse(cs_slice name, cs_kind *kind)
{
    for (int i = CS_OTHER; i <= CS_ISSUE; i++)
        if (cs_slice_is(name, kind_names[i]))
        {
            *kind = (cs_kind) i;
            return true;
        }
    return false;
}

/* The end of the run of events in order that starts at start. */
static size_t
run_end(const cs_event *events, size_t start, size_t count)
{
    size_t end = start + 1;

    while (end < count && cs_event_compare(&events[end - 1], &events[end]) <= 0)
        end++;
    return end;
}

/* Merge the neighbouring runs [start, middle) and [middle, end) of from into to. */
static void
merge_runs(const cs_event *from, cs_event *to, size_t start, size_t middle, size_t end)
{
    const cs_event *left = from + start, *left_end = from + middle;
    const cs_event *right = left_end, *right_end = from + end;

    to += start;
    while (left < left_end && right < right_end)
        *to++ = cs_event_compare(left, right) <= 0 ? *left++ : *right++;
    if (left < left_end)
        memcpy(to, left, (size_t) (left_end - left) * sizeof(cs_event));
    else
        memcpy(to, right, (size_t) (right_end - right) * sizeof(cs_event));
}

/* Merge neighbouring runs of from into to, pair by pair; *runs says how many there were. */
static cs_code
merge_pass(const cs_env *env, const cs_event *from, cs_event *to, size_t count, size_t *runs,
           cs_error *err)
{
    size_t since_poll = 0;

    *runs = 0;
    for (size_t start = 0; start < count;)
    {
        size_t middle = run_end(from, start, count);
        size_t end = middle < count ? run_end(from, middle, count) : middle;

        merge_runs(from, to, start, middle, end);
        *runs += end > middle ? 2 : 1;
        since_poll += end - start;
        if (since_poll >= CS_POLL_ITEMS)
        {
            CS_TRY(cs_poll(env, err));
            since_poll = 0;
        }
        start = end;
    }
    return CS_OK;
}

cs_code
cs_events_sort(const cs_env *env, cs_event *events, cs_event *spare, size_t count,
               cs_event **sorted, cs_error *err)
{
    cs_event *from = events, *to = spare;
    size_t runs;

    *sorted = events;
    if (count < 2 || run_end(events, 0, count) == count)
        return CS_OK;
    do
    {
        CS_TRY(merge_pass(env, from, to, count, &runs, err));
        *sorted = to;
        to = from;
        from = *sorted;
    } while (runs > 2);
    return CS_OK;
}
