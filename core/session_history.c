/*
 * core/session_history.c
 *     Collecting events.
 *
 * The waiting events are sorted by a bottom-up merge sort on natural runs: what
 * comes late in a log is mostly in order by itself.
 */
#include "session_history.h"

#define MIN_WAITING 32 /* fewer are not worth a pass over the run */

void
cs_history_init(cs_history *history, const cs_env *env, int64_t gap)
{
    *history = (cs_history){.env = env, .gap = gap};
}

void
cs_history_free(cs_history *history)
{
    cs_run_free(history->env, &history->run);
    cs_release(history->env, history->waiting);
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

/* True if first may stand directly before second. */
static bool
in_order(const cs_event *first, const cs_event *second)
{
    return cs_event_compare(first, second) <= 0;
}

cs_code
cs_history_add(cs_history *history, cs_event event, cs_error *err)
{
    if (history->run.count == 0 || in_order(&history->run.last, &event))
        return cs_run_append(history->env, &history->run, &event, err);
    CS_TRY(cs_grow_array(history->env, (void **) &history->waiting, &history->waiting_capacity,
                         history->num_waiting + 1, sizeof(cs_event), err));
    history->waiting[history->num_waiting++] = event;
    if (history->num_waiting >= MIN_WAITING && history->num_waiting > history->run.count / 2)
        return cs_history_fold(history, err);
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

/* Bring the waiting events into order. */
static cs_code
sort_waiting(cs_history *history, cs_error *err)
{
    size_t count = history->num_waiting;
    cs_event *spare = cs_allocate(history->env, count * sizeof(cs_event));
    cs_code code;
    size_t runs;

    if (spare == NULL)
        return cs_fail_memory(err, count * sizeof(cs_event));
    do
    {
        cs_event *sorted = spare;

        code = merge_pass(history->env, history->waiting, sorted, count, &runs, err);
        if (code != CS_OK)
            break;
        spare = history->waiting;
        history->waiting = sorted;
        history->waiting_capacity = count;
    } while (runs > 2);
    cs_release(history->env, spare);
    return code;
}

/* True if what a reader, at its start, gives can be appended to the run. */
static bool
follows_run(const cs_history *history, const cs_state_reader *reader)
{
    return history->run.count == 0 || reader->time > history->run.last.time;
}

/* Add the events that a reader, at its start, gives in order. */
static cs_code
add_read(cs_history *history, cs_state_reader *reader, cs_error *err)
{
    cs_run merged = {0};
    cs_state_reader own;
    cs_code code;

    if (follows_run(history, reader))
        return cs_run_read(history->env, &history->run, reader, err);
    cs_run_open(&history->run, &own);
    code = cs_run_merge(history->env, &merged, &own, reader, err);
    if (code != CS_OK)
    {
        cs_run_free(history->env, &merged);
        return code;
    }
    cs_run_free(history->env, &history->run);
    history->run = merged;
    return CS_OK;
}

/* Encode the waiting events, which are in order, and merge them into the run. */
static cs_code
merge_waiting(cs_history *history, cs_run *encoded, cs_error *err)
{
    cs_state_reader reader;

    for (size_t i = 0; i < history->num_waiting; i++)
        CS_TRY(cs_run_append(history->env, encoded, &history->waiting[i], err));
    cs_run_open(encoded, &reader);
    return add_read(history, &reader, err);
}

cs_code
cs_history_fold(cs_history *history, cs_error *err)
{
    cs_run encoded = {0};
    cs_code code;

    if (history->num_waiting == 0)
        return CS_OK;
    CS_TRY(sort_waiting(history, err));
    code = merge_waiting(history, &encoded, err);
    cs_run_free(history->env, &encoded);
    if (code == CS_OK)
        history->num_waiting = 0;
    return code;
}

/*
 * Add a state's events. Few of them wait: a pass over the run for each of many
 * small states would take time by the square of their number.
 */
static cs_code
add_state(cs_history *history, cs_state_reader *reader, cs_error *err)
{
    cs_event event;
    cs_code code;

    if (follows_run(history, reader) || (uint64_t) reader->left > history->run.count / 2)
        return add_read(history, reader, err);
    while ((code = cs_state_next(reader, &event, err)) == CS_OK)
    {
        if (reader->left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(history->env, err));
        CS_TRY(cs_history_add(history, event, err));
    }
    return code == CS_END ? CS_OK : code;
}

cs_code
cs_history_merge(cs_history *history, const cs_history *from, cs_error *err)
{
    cs_state_reader reader;

    CS_TRY(cs_gap_check_same(history->gap, from->gap, err));
    cs_run_open(&from->run, &reader);
    CS_TRY(add_state(history, &reader, err));
    for (size_t i = 0; i < from->num_waiting; i++)
        CS_TRY(cs_history_add(history, from->waiting[i], err));
    return CS_OK;
}

cs_code
cs_history_add_state(cs_history *history, cs_slice state, cs_error *err)
{
    cs_state_reader reader;

    CS_TRY(cs_state_open(state, &reader, err));
    CS_TRY(cs_gap_check_same(history->gap, reader.gap, err));
    return add_state(history, &reader, err);
}

size_t
cs_history_count(const cs_history *history)
{
    return history->run.count + history->num_waiting;
}

cs_code
cs_history_encode(cs_history *history, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_history_fold(history, err));
    return cs_run_store(&history->run, history->gap, out, err);
}
