/*
 * core/session_run.c
 *     Growing, merging and storing runs.
 */
#include "session_run.h"

#define FIRST_CAPACITY 16
#define INSERT_TAIL_MAX 64 /* bytes; a longer tail is not searched for one event */

void
cs_run_free(const cs_env *env, cs_run *run)
{
    cs_release(env, run->bytes);
    memset(run, 0, sizeof(*run));
}

/* Make room for more bytes, in powers of two, as allocators like them. */
static cs_code
reserve(const cs_env *env, cs_run *run, uint64_t more, cs_error *err)
{
    uint64_t needed = run->len + more;
    uint64_t capacity = run->capacity > 0 ? run->capacity : FIRST_CAPACITY;
    uint8_t *grown;

    if (needed <= run->capacity)
        return CS_OK;
    if (needed > UINT32_MAX)
        return cs_fail(err, CS_ERR_LIMIT, "the events of one user take more than %u bytes",
                       UINT32_MAX);
    while (capacity < needed)
        capacity *= 2;
    if (capacity > UINT32_MAX)
        capacity = UINT32_MAX;
    grown = env->resize(env->ctx, run->bytes, run->capacity, capacity);
    if (grown == NULL)
        return cs_fail_memory(err, capacity);
    run->bytes = grown;
    run->capacity = (uint32_t) capacity;
    return CS_OK;
}

/* Append encoded bytes. */
static cs_code
append_bytes(const cs_env *env, cs_run *run, const uint8_t *bytes, size_t len, cs_error *err)
{
    CS_TRY(reserve(env, run, len, err));
    memcpy(run->bytes + run->len, bytes, len);
    run->len += (uint32_t) len;
    return CS_OK;
}

/* Note the last event, and how many bytes of it and of those of its instant are the tail. */
static void
note_last(cs_run *run, const cs_event *event, size_t tail)
{
    run->last_time = event->time;
    run->last_id = event->id;
    run->last_kind = (uint8_t) event->kind;
    run->tail = (uint16_t) (tail <= UINT16_MAX ? tail : 0);
}

/* Encode the run again in a finer unit. */
static cs_code
refine(const cs_env *env, cs_run *run, cs_fineness fineness, cs_error *err)
{
    cs_run finer = {.fineness = (uint8_t) fineness};
    cs_state_reader reader;
    cs_code code;

    cs_run_open(run, &reader);
    code = cs_run_read(env, &finer, &reader, err);
    if (code != CS_OK)
    {
        cs_run_free(env, &finer);
        return code;
    }
    cs_release(env, run->bytes);
    *run = finer;
    return CS_OK;
}

cs_code
cs_run_append(const cs_env *env, cs_run *run, const cs_event *event, cs_error *err)
{
    cs_fineness fineness = cs_fineness_of(event->time, (cs_fineness) run->fineness);
    uint8_t scratch[CS_VARINT_MAX_BYTES + CS_EVENT_BYTES];
    bool in_place = run->capacity - run->len >= sizeof(scratch);
    uint64_t step = 0;
    uint8_t *start, *at, *end;
    size_t size;

    if (fineness != run->fineness)
    {
        if (run->count > 0)
            CS_TRY(refine(env, run, fineness, err));
        run->fineness = (uint8_t) fineness;
        in_place = false;
    }
    start = at = in_place ? run->bytes + run->len : scratch;
    if (run->count == 0)
        at = cs_state_put_first(at, event->time, fineness);
    else
        step = (uint64_t) event->time - (uint64_t) run->last_time;
    end = cs_state_put_event(at, step, fineness, event);
    size = (size_t) (end - at);
    if (in_place)
        run->len += (uint32_t) (end - start);
    else
        CS_TRY(append_bytes(env, run, start, (size_t) (end - start), err));
    if (step == 0 && run->count > 0)
        size = run->tail > 0 ? run->tail + size : 0;
    note_last(run, event, size);
    run->count++;
    return CS_OK;
}

/* Put bytes in the place of replaced ones at an offset of the run. */
static cs_code
replace_bytes(const cs_env *env, cs_run *run, size_t offset, size_t replaced, const uint8_t *bytes,
              size_t len, cs_error *err)
{
    CS_TRY(reserve(env, run, len - replaced, err));
    memmove(run->bytes + offset + len, run->bytes + offset + replaced,
            run->len - offset - replaced);
    memcpy(run->bytes + offset, bytes, len);
    run->len += (uint32_t) (len - replaced);
    return CS_OK;
}

cs_code
cs_run_insert(const cs_env *env, cs_run *run, const cs_event *event, bool *done, cs_error *err)
{
    cs_fineness fineness = (cs_fineness) run->fineness;
    uint8_t bytes[2 * CS_EVENT_BYTES];
    uint8_t *end;
    const uint8_t *start, *before;
    cs_state_reader reader;
    cs_event other;

    *done = false;
    if (event->time != run->last_time || run->tail == 0 || run->tail > INSERT_TAIL_MAX)
        return CS_OK;
    cs_run_open(run, &reader);
    reader.at = start = reader.end - run->tail;
    reader.time = CS_TIME_MIN; /* the instant's first event tells its step from here */
    do
    {
        before = reader.at;
        CS_TRY(cs_state_next(&reader, &other, err));
        other.time = event->time;
    } while (cs_event_compare(&other, event) <= 0);
    if (before == start)
    {
        end = cs_state_put_event(bytes, (uint64_t) reader.time - (uint64_t) CS_TIME_MIN, fineness,
                                 event);
        end = cs_state_put_event(end, 0, fineness, &other);
    }
    else
    {
        end = cs_state_put_event(bytes, 0, fineness, event);
        reader.at = before;
    }
    run->tail += (uint16_t) ((end - bytes) - (reader.at - before));
    CS_TRY(replace_bytes(env, run, (size_t) (before - run->bytes), (size_t) (reader.at - before),
                         bytes, (size_t) (end - bytes), err));
    run->count++;
    *done = true;
    return CS_OK;
}

void
cs_run_open(const cs_run *run, cs_state_reader *reader)
{
    cs_error err;

    *reader = (cs_state_reader){
        .at = run->bytes, .end = run->bytes + run->len, .fineness = (cs_fineness) run->fineness};
    if (run->count > 0) /* a run is never damaged */
        (void) cs_state_open_events(reader, run->count, &err);
}

/* One of the places that events are read from. */
typedef struct cursor
{
    cs_state_reader *reader;
    cs_event next;
    cs_code code; /* CS_OK while there is a next event */
} cursor;

/* Start reading. */
static cursor
open_cursor(cs_state_reader *reader, cs_error *err)
{
    cursor from = {.reader = reader};

    from.code = cs_state_next(reader, &from.next, err);
    return from;
}

/* Let an empty run begin with the fineness that the reader's events have as a whole. */
static void
adopt_fineness(cs_run *run, const cs_state_reader *reader)
{
    if (run->count == 0 && reader->left == reader->count &&
        reader->fineness > (cs_fineness) run->fineness)
        run->fineness = (uint8_t) reader->fineness;
}

/* Read on; false behind the last event that is not after limit. */
static inline bool
advance(cursor *from, const cs_event *limit, cs_error *err)
{
    from->code = cs_state_next(from->reader, &from->next, err);
    return from->code == CS_OK && (limit == NULL || cs_event_compare(&from->next, limit) <= 0);
}

/*
 * Append the cursor's next event and those behind it that are not after limit,
 * all of them if limit is NULL. The bytes of an event tell the time since the
 * one before: where the units are the same, all but the first are copied.
 */
static cs_code
append_stretch(const cs_env *env, cs_run *run, cursor *from, const cs_event *limit, cs_error *err)
{
    const cs_state_reader *reader = from->reader;
    const uint8_t *start = reader->at;
    const uint8_t *end = start;
    cs_event last = from->next;
    uint32_t count = 0;
    bool copied;

    CS_TRY(cs_run_append(env, run, &from->next, err));
    copied = reader->fineness == (cs_fineness) run->fineness;
    while (advance(from, limit, err))
    {
        if (reader->left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        if (!copied)
        {
            CS_TRY(cs_run_append(env, run, &from->next, err));
            continue;
        }
        last = from->next;
        end = reader->at;
        count++;
    }
    if (count > 0)
    {
        CS_TRY(append_bytes(env, run, start, (size_t) (end - start), err));
        note_last(run, &last, 0);
        run->count += count;
    }
    return CS_OK;
}

cs_code
cs_run_read(const cs_env *env, cs_run *run, cs_state_reader *reader, cs_error *err)
{
    cursor from;

    adopt_fineness(run, reader);
    from = open_cursor(reader, err);
    if (from.code == CS_OK)
        CS_TRY(append_stretch(env, run, &from, NULL, err));
    return from.code == CS_END ? CS_OK : from.code;
}

cs_code
cs_run_merge(const cs_env *env, cs_run *run, cs_state_reader *a, cs_state_reader *b, cs_error *err)
{
    uint64_t size = (uint64_t) (a->end - a->at) + (uint64_t) (b->end - b->at);
    cursor left, right;

    adopt_fineness(run, a);
    adopt_fineness(run, b);
    left = open_cursor(a, err);
    if (left.code != CS_OK && left.code != CS_END)
        return left.code;
    right = open_cursor(b, err);
    CS_TRY(reserve(env, run, size + CS_VARINT_MAX_BYTES, err));
    while (left.code == CS_OK && right.code == CS_OK)
        if (cs_event_compare(&left.next, &right.next) <= 0)
            CS_TRY(append_stretch(env, run, &left, &right.next, err));
        else
            CS_TRY(append_stretch(env, run, &right, &left.next, err));
    if (left.code == CS_OK && right.code == CS_END)
        CS_TRY(append_stretch(env, run, &left, NULL, err));
    if (right.code == CS_OK && left.code == CS_END)
        CS_TRY(append_stretch(env, run, &right, NULL, err));
    if (left.code != CS_END)
        return left.code;
    return right.code == CS_END ? CS_OK : right.code;
}

cs_code
cs_run_copy(const cs_env *env, cs_run *run, const cs_run *from, cs_error *err)
{
    cs_run copy = *from;

    copy.bytes = NULL;
    copy.len = copy.capacity = 0;
    CS_TRY(append_bytes(env, &copy, from->bytes, from->len, err));
    *run = copy;
    return CS_OK;
}

cs_code
cs_run_store(const cs_run *run, int64_t gap, cs_buffer *out, cs_error *err)
{
    uint8_t *at;

    CS_TRY(cs_buffer_reserve(out, CS_STATE_HEAD_BYTES + run->len, err));
    at = cs_state_put_head(out->data + out->len, gap, (cs_fineness) run->fineness, run->count);
    memcpy(at, run->bytes, run->len);
    out->len = (size_t) (at - out->data) + run->len;
    return CS_OK;
}

/* Compare a state with the encoding of its events. */
static cs_code
check_canonical(const cs_env *env, cs_slice state, cs_run *run, cs_buffer *again, cs_error *err)
{
    cs_state_reader reader;
    cs_event event, last;
    cs_code code;

    CS_TRY(cs_state_open(state, &reader, err));
    while ((code = cs_state_next(&reader, &event, err)) == CS_OK)
    {
        if (reader.left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        last = cs_run_last(run);
        if (run->count > 0 && cs_event_compare(&last, &event) > 0)
            return cs_fail(err, CS_ERR_DATA, "damaged sessionset: its events are not in order");
        CS_TRY(cs_run_append(env, run, &event, err));
    }
    if (code != CS_END)
        return code;
    CS_TRY(cs_run_store(run, reader.gap, again, err));
    if (again->len != state.len || memcmp(again->data, state.data, state.len) != 0)
        return cs_fail(err, CS_ERR_DATA, "damaged sessionset: it is not in canonical form");
    return CS_OK;
}

cs_code
cs_state_check(const cs_env *env, cs_slice state, cs_error *err)
{
    cs_run run = {0};
    cs_buffer again;
    cs_code code;

    cs_buffer_init(&again, env);
    code = check_canonical(env, state, &run, &again, err);
    cs_buffer_free(&again);
    cs_run_free(env, &run);
    return code;
}
