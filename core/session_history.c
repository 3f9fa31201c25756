/*
 * core/session_history.c
 *     Collecting events.
 */
#include "session_history.h"

#define FIRST_WAITING 8  /* room for events at first */
#define MIN_WAITING 32   /* fewer are not worth a pass over the run */
#define MERGE_ALWAYS 128 /* a pass over a run of so few events costs little */
#define INSERTION_SORT_MAX 16
#define PACKED_HEAD (sizeof(int64_t) + sizeof(cs_run)) /* the gap and the run, then its bytes */

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

/* CS_ERR_ARGUMENT unless both gaps are the same. */
static cs_code
check_same_gap(int64_t a, int64_t b, cs_error *err)
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

/* Let an event wait. */
static cs_code
wait_for_fold(cs_history *history, const cs_event *event, cs_error *err)
{
    cs_waiting *waiting = history->waiting;
    size_t count = cs_history_waiting(history);

    if (waiting == NULL || count == waiting->capacity)
    {
        size_t capacity = waiting == NULL ? FIRST_WAITING : count * 2;
        size_t old_size = waiting == NULL ? 0 : sizeof(*waiting) + count * sizeof(cs_event);
        size_t size = sizeof(*waiting) + capacity * sizeof(cs_event);

        waiting = history->env->resize(history->env->ctx, waiting, old_size, size);
        if (waiting == NULL)
            return cs_fail_memory(err, size);
        waiting->count = count;
        waiting->capacity = capacity;
        history->waiting = waiting;
    }
    waiting->events[waiting->count++] = *event;
    return CS_OK;
}

/* Add an event that is before the last one. */
static cs_code
add_late(cs_history *history, const cs_event *event, cs_error *err)
{
    bool done;

    CS_TRY(cs_run_insert(history->env, &history->run, event, &done, err));
    if (done)
        return CS_OK;
    CS_TRY(wait_for_fold(history, event, err));
    if (history->waiting->count >= MIN_WAITING && history->waiting->count > history->run.count / 2)
        return cs_history_fold(history, err);
    return CS_OK;
}

cs_code
cs_history_add(cs_history *history, cs_event event, cs_error *err)
{
    cs_event last = cs_run_last(&history->run);

    if (history->run.count == 0 || in_order(&last, &event))
        return cs_run_append(history->env, &history->run, &event, err);
    return add_late(history, &event, err);
}

/* Sort a few events in place. */
static void
insertion_sort(cs_event *events, size_t count)
{
    for (size_t i = 1; i < count; i++)
    {
        cs_event event = events[i];
        size_t at = i;

        for (; at > 0 && !in_order(&events[at - 1], &event); at--)
            events[at] = events[at - 1];
        events[at] = event;
    }
}

/* Encode events as an empty run, once they are in order. */
static cs_code
encode_sorted(const cs_env *env, const cs_event *events, size_t count, cs_run *run, cs_error *err)
{
    for (size_t i = 0; i < count; i++)
    {
        if (i % CS_POLL_ITEMS == CS_POLL_ITEMS - 1)
            CS_TRY(cs_poll(env, err));
        CS_TRY(cs_run_append(env, run, &events[i], err));
    }
    return CS_OK;
}

/* Encode the waiting events, in order. */
static cs_code
encode_waiting(cs_history *history, cs_run *run, cs_error *err)
{
    cs_event *events = history->waiting->events;
    size_t count = history->waiting->count;
    cs_event *spare, *sorted;
    cs_code code;

    if (count <= INSERTION_SORT_MAX)
    {
        insertion_sort(events, count);
        return encode_sorted(history->env, events, count, run, err);
    }
    spare = cs_allocate(history->env, count * sizeof(cs_event));
    if (spare == NULL)
        return cs_fail_memory(err, count * sizeof(cs_event));
    code = cs_events_sort(history->env, events, spare, count, &sorted, err);
    if (code == CS_OK)
        code = encode_sorted(history->env, sorted, count, run, err);
    cs_release(history->env, spare);
    return code;
}

/* Add the events that a reader, at its start, gives in order. */
static cs_code
add_read(cs_history *history, cs_state_reader *reader, cs_error *err)
{
    cs_run merged = {0};
    cs_state_reader own;
    cs_code code;

    if (history->run.count == 0 || reader->time > history->run.last_time)
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

cs_code
cs_history_fold(cs_history *history, cs_error *err)
{
    cs_run encoded = {0};
    cs_state_reader reader;
    cs_code code;

    if (cs_history_waiting(history) == 0)
        return CS_OK;
    code = encode_waiting(history, &encoded, err);
    if (code == CS_OK)
    {
        cs_run_open(&encoded, &reader);
        code = add_read(history, &reader, err);
    }
    cs_run_free(history->env, &encoded);
    if (code == CS_OK)
        history->waiting->count = 0;
    return code;
}

/*
 * Add a state's events. Few of them wait: a pass over a long run for each of many
 * small states would take time by the square of their number.
 */
static cs_code
add_state(cs_history *history, cs_state_reader *reader, cs_error *err)
{
    size_t own = history->run.count;
    cs_event event;
    cs_code code;

    if (own <= MERGE_ALWAYS || reader->time > history->run.last_time ||
        (uint64_t) reader->left > own / 2)
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

    CS_TRY(check_same_gap(history->gap, from->gap, err));
    if (from->run.count > 0 && history->run.count == 0)
        CS_TRY(cs_run_copy(history->env, &history->run, &from->run, err));
    else if (from->run.count > 0)
    {
        cs_run_open(&from->run, &reader);
        CS_TRY(add_state(history, &reader, err));
    }
    for (size_t i = 0; i < cs_history_waiting(from); i++)
        CS_TRY(cs_history_add(history, from->waiting->events[i], err));
    return CS_OK;
}

cs_code
cs_history_add_state(cs_history *history, cs_slice state, cs_error *err)
{
    cs_state_reader reader;

    CS_TRY(cs_state_open(state, &reader, err));
    CS_TRY(check_same_gap(history->gap, reader.gap, err));
    return add_state(history, &reader, err);
}

cs_code
cs_history_pack(cs_history *history, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_history_fold(history, err));
    CS_TRY(cs_buffer_reserve(out, PACKED_HEAD + history->run.len, err));
    CS_TRY(cs_buffer_append(out, &history->gap, sizeof(history->gap), err));
    CS_TRY(cs_buffer_append(out, &history->run, sizeof(history->run), err));
    return cs_buffer_append(out, history->run.bytes, history->run.len, err);
}

cs_code
cs_history_unpack(cs_history *history, cs_slice packed, cs_error *err)
{
    if (packed.len < PACKED_HEAD)
        return cs_fail(err, CS_ERR_DATA, "damaged partial state: it is too short");
    memcpy(&history->gap, packed.data, sizeof(history->gap));
    memcpy(&history->run, packed.data + sizeof(history->gap), sizeof(history->run));
    if (history->run.len != packed.len - PACKED_HEAD || history->run.count == 0)
        return cs_fail(err, CS_ERR_DATA, "damaged partial state: its length is wrong");
    history->run.bytes = (uint8_t *) packed.data + PACKED_HEAD;
    history->run.capacity = 0;
    history->waiting = NULL;
    return CS_OK;
}

cs_code
cs_history_encode(cs_history *history, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_history_fold(history, err));
    return cs_run_store(&history->run, history->gap, out, err);
}
