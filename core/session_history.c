/*
 * core/session_history.c
 *     Collecting and sorting events.
 *
 * Sorting is a bottom-up merge sort on natural runs: a log is nearly in order,
 * so there are few runs, and one that is in order already costs nothing.
 */
#include "session_history.h"

#define FIRST_CAPACITY 4

void
cs_history_init(cs_history *history, const cs_env *env, int64_t gap)
{
    *history = (cs_history){.env = env, .gap = gap, .sorted = true};
}

void
cs_history_free(cs_history *history)
{
    cs_release(history->env, history->events);
    cs_history_init(history, history->env, history->gap);
}

cs_code
cs_gap_check(int64_t gap, cs_error *err)
{
    if (gap > 0)
        return CS_OK;
    return cs_fail(err, CS_ERR_ARGUMENT, "gap must be longer than zero");
}

cs_code
cs_gap_check_same(int64_t a, int64_t b, cs_error *err)
{
    if (a == b)
        return CS_OK;
    return cs_fail(err, CS_ERR_ARGUMENT,
                   "states of different gaps cannot be merged: %lld and %lld microseconds",
                   (long long) a, (long long) b);
}

/* Make room for more events. */
static cs_code
reserve(cs_history *history, size_t more, cs_error *err)
{
    size_t needed = history->count + more;

    if (needed < FIRST_CAPACITY)
        needed = FIRST_CAPACITY;
    return cs_grow_array(history->env, (void **) &history->events, &history->capacity, needed,
                         sizeof(cs_event), err);
}

/* True if first may stand directly before second. */
static bool
in_order(const cs_event *first, const cs_event *second)
{
    return cs_event_compare(first, second) <= 0;
}

cs_code
cs_history_add(cs_history *history, cs_event event, cs_error *err)
{
    if (history->count == history->capacity)
        CS_TRY(reserve(history, 1, err));
    if (history->count > 0 && history->sorted)
        history->sorted = in_order(&history->events[history->count - 1], &event);
    history->events[history->count++] = event;
    return CS_OK;
}

cs_code
cs_history_merge(cs_history *history, const cs_history *from, cs_error *err)
{
    CS_TRY(cs_gap_check_same(history->gap, from->gap, err));
    if (from->count == 0)
        return CS_OK;
    CS_TRY(reserve(history, from->count, err));
    history->sorted =
        history->sorted && from->sorted &&
        (history->count == 0 || in_order(&history->events[history->count - 1], &from->events[0]));
    memcpy(history->events + history->count, from->events, from->count * sizeof(cs_event));
    history->count += from->count;
    return CS_OK;
}

/* The end of the run of events in order that starts at start. */
static size_t
run_end(const cs_event *events, size_t start, size_t count)
{
    size_t end = start + 1;

    while (end < count && in_order(&events[end - 1], &events[end]))
        end++;
    return end;
}

/* Merge the neighbouring runs [start, middle) and [middle, end) of from into to. */
static void
merge_runs(const cs_event *from, cs_event *to, size_t start, size_t middle, size_t end)
{
    size_t left = start;
    size_t right = middle;

    for (size_t out = start; out < end; out++)
        if (left < middle && (right == end || in_order(&from[left], &from[right])))
            to[out] = from[left++];
        else
            to[out] = from[right++];
}

/* Merge neighbouring runs of from into to, pair by pair; *runs says how many there were. */
static cs_code
merge_pass(const cs_history *history, const cs_event *from, cs_event *to, size_t *runs,
           cs_error *err)
{
    size_t since_poll = 0;

    *runs = 0;
    for (size_t start = 0; start < history->count;)
    {
        size_t middle = run_end(from, start, history->count);
        size_t end = middle < history->count ? run_end(from, middle, history->count) : middle;

        merge_runs(from, to, start, middle, end);
        *runs += end > middle ? 2 : 1;
        since_poll += end - start;
        if (since_poll >= CS_POLL_ITEMS)
        {
            CS_TRY(cs_poll(history->env, err));
            since_poll = 0;
        }
        start = end;
    }
    return CS_OK;
}

cs_code
cs_history_sort(cs_history *history, cs_error *err)
{
    cs_event *spare;
    size_t runs;

    if (history->sorted)
        return CS_OK;
    spare = cs_allocate(history->env, history->count * sizeof(cs_event));
    if (spare == NULL)
        return cs_fail_memory(err, history->count * sizeof(cs_event));
    do
    {
        cs_event *sorted = spare;
        cs_code code = merge_pass(history, history->events, sorted, &runs, err);

        if (code != CS_OK)
        {
            cs_release(history->env, spare);
            return code;
        }
        spare = history->events;
        history->events = sorted;
        history->capacity = history->count; /* the spare array's: it may be the smaller one */
    } while (runs > 2);
    cs_release(history->env, spare);
    history->sorted = true;
    return CS_OK;
}
