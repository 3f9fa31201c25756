/*
 * core/session_codec.c
 *     Writing and reading the stored form of a state.
 */
#include "session_codec.h"
#include "varint.h"

#define KIND_BITS 2
#define FIRST_BITS 5 /* of the time step in an event's first byte */
#define HEAD_BYTES (2 + 3 * CS_VARINT_MAX_BYTES)
#define EVENT_BYTES (1 + 2 * CS_VARINT_MAX_BYTES)
#define FIRST_RUN_BYTES 32

/* Units by fineness; the code that is stored counts the other way round. */
static const int64_t units[] = {CS_SECOND, 1000, 1};

#define FINEST 2

/* The fineness of the coarsest unit that divides value, at least the given one. */
static int
fineness_of(int64_t value, int fineness)
{
    if (fineness == 0 && value % CS_SECOND != 0)
        fineness = 1;
    if (fineness == 1 && value % 1000 != 0)
        fineness = 2;
    return fineness;
}

/* Divide by a unit; by constants, which is several times faster than by a variable. */
static uint64_t
in_units(uint64_t micros, int fineness)
{
    switch (fineness)
    {
        case 0:
            return micros / CS_SECOND;
        case 1:
            return micros / 1000;
        default:
            return micros;
    }
}

/* Write an event's head and id. */
static uint8_t *
put_event(uint8_t *out, uint64_t step, const cs_event *event)
{
    uint8_t first = (uint8_t) (event->kind | (step & ((1 << FIRST_BITS) - 1)) << KIND_BITS);

    step >>= FIRST_BITS;
    if (step > 0)
    {
        *out++ = first | 0x80;
        out = cs_varint_put(out, step);
    }
    else
        *out++ = first;
    if (event->kind != CS_OTHER)
        out = cs_varint_put(out, cs_zigzag(event->id));
    return out;
}

void
cs_run_free(const cs_env *env, cs_run *run)
{
    cs_release(env, run->bytes);
    memset(run, 0, sizeof(*run));
}

/* Encode the run again in a finer unit. */
static cs_code
refine(const cs_env *env, cs_run *run, int fineness, cs_error *err)
{
    cs_run finer = {.fineness = fineness};
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

/* Make room for one more event. */
static cs_code
reserve_event(const cs_env *env, cs_run *run, cs_error *err)
{
    size_t needed = run->len + EVENT_BYTES;

    if (needed < FIRST_RUN_BYTES)
        needed = FIRST_RUN_BYTES;
    return cs_grow_array(env, (void **) &run->bytes, &run->capacity, needed, 1, err);
}

cs_code
cs_run_append(const cs_env *env, cs_run *run, const cs_event *event, cs_error *err)
{
    int fineness = fineness_of(event->time, run->fineness);
    uint64_t step = 0;

    if (run->count == 0)
    {
        run->fineness = fineness;
        run->first = event->time;
    }
    else
    {
        if (fineness != run->fineness)
            CS_TRY(refine(env, run, fineness, err));
        step = in_units((uint64_t) event->time - (uint64_t) run->last.time, fineness);
    }
    if (run->capacity - run->len < EVENT_BYTES)
        CS_TRY(reserve_event(env, run, err));
    run->len = (size_t) (put_event(run->bytes + run->len, step, event) - run->bytes);
    run->last = *event;
    run->count++;
    return CS_OK;
}

cs_code
cs_run_store(const cs_run *run, int64_t gap, cs_buffer *out, cs_error *err)
{
    int gap_fineness = fineness_of(gap, 0);
    uint8_t *at;

    CS_TRY(cs_buffer_reserve(out, HEAD_BYTES + run->len, err));
    at = out->data + out->len;
    *at++ = CS_STATE_VERSION;
    *at++ = (uint8_t) ((FINEST - run->fineness) | (FINEST - gap_fineness) << 2);
    at = cs_varint_put(at, in_units((uint64_t) gap, gap_fineness));
    at = cs_varint_put(at, run->count);
    at = cs_varint_put(at, cs_zigzag(run->first / units[run->fineness]));
    memcpy(at, run->bytes, run->len);
    out->len = (size_t) (at - out->data) + run->len;
    return CS_OK;
}

void
cs_run_open(const cs_run *run, cs_state_reader *reader)
{
    *reader = (cs_state_reader){.at = run->bytes,
                                .end = run->bytes + run->len,
                                .count = (int64_t) run->count,
                                .left = (int64_t) run->count,
                                .unit = units[run->fineness],
                                .time = run->first};
}

cs_code
cs_run_read(const cs_env *env, cs_run *run, cs_state_reader *reader, cs_error *err)
{
    cs_event event;
    cs_code code;

    while ((code = cs_state_next(reader, &event, err)) == CS_OK)
    {
        if (reader->left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        CS_TRY(cs_run_append(env, run, &event, err));
    }
    return code == CS_END ? CS_OK : code;
}

cs_code
cs_run_merge(const cs_env *env, cs_run *run, cs_state_reader *a, cs_state_reader *b, cs_error *err)
{
    cs_event from_a, from_b;
    cs_code code_a = cs_state_next(a, &from_a, err);
    cs_code code_b = code_a == CS_OK || code_a == CS_END ? cs_state_next(b, &from_b, err) : code_a;

    while (code_a == CS_OK && code_b == CS_OK)
    {
        bool take_a = cs_event_compare(&from_a, &from_b) <= 0;

        if (run->count % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        CS_TRY(cs_run_append(env, run, take_a ? &from_a : &from_b, err));
        if (take_a)
            code_a = cs_state_next(a, &from_a, err);
        else
            code_b = cs_state_next(b, &from_b, err);
    }
    if (code_a == CS_OK && code_b == CS_END)
    {
        CS_TRY(cs_run_append(env, run, &from_a, err));
        return cs_run_read(env, run, a, err);
    }
    if (code_b == CS_OK && code_a == CS_END)
    {
        CS_TRY(cs_run_append(env, run, &from_b, err));
        return cs_run_read(env, run, b, err);
    }
    return code_a != CS_END ? code_a : code_b == CS_END ? CS_OK : code_b;
}

/* Report damage. */
static cs_code
fail_damaged(const char *what, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "damaged sessionset: %s", what);
}

/* Read a varint of the state; false if it is damaged. */
static bool
take_varint(cs_state_reader *reader, uint64_t *value)
{
    const uint8_t *next = cs_varint_get(reader->at, reader->end, value);

    if (next == NULL)
        return false;
    reader->at = next;
    return true;
}

cs_code
cs_state_open(cs_slice state, cs_state_reader *reader, cs_error *err)
{
    uint64_t gap, count, first;
    int unit_code, gap_code;

    reader->at = (const uint8_t *) state.data;
    reader->end = reader->at + state.len;
    if (state.len < 2)
        return fail_damaged("it is too short", err);
    if (reader->at[0] != CS_STATE_VERSION)
        return cs_fail(err, CS_ERR_DATA, "sessionset of version %d, this build reads version %d",
                       reader->at[0], CS_STATE_VERSION);
    unit_code = reader->at[1] & 3;
    gap_code = reader->at[1] >> 2;
    if (unit_code > FINEST || gap_code > FINEST)
        return fail_damaged("unknown unit of time", err);
    reader->at += 2;
    if (!take_varint(reader, &gap) || gap < 1 || gap > INT64_MAX ||
        __builtin_mul_overflow((int64_t) gap, units[FINEST - gap_code], &reader->gap))
        return fail_damaged("gap is out of range", err);
    if (!take_varint(reader, &count) || count < 1)
        return fail_damaged("number of events is out of range", err);
    reader->unit = units[FINEST - unit_code];
    if (!take_varint(reader, &first) ||
        __builtin_mul_overflow(cs_unzigzag(first), reader->unit, &reader->time) ||
        !cs_time_valid(reader->time))
        return fail_damaged("time is out of range", err);
    if (count > (uint64_t) (reader->end - reader->at)) /* an event takes at least a byte */
        return fail_damaged("it ends before its last event", err);
    reader->count = reader->left = (int64_t) count;
    return CS_OK;
}

/* Read an event's head: its kind and the units since the event before. */
static bool
take_head(cs_state_reader *reader, cs_kind *kind, uint64_t *step)
{
    uint8_t first;
    uint64_t rest = 0;

    if (reader->at == reader->end)
        return false;
    first = *reader->at++;
    if ((first & 0x80) && (!take_varint(reader, &rest) || rest >> (64 - FIRST_BITS) != 0))
        return false;
    *kind = first & ((1 << KIND_BITS) - 1);
    *step = rest << FIRST_BITS | ((first & 0x7f) >> KIND_BITS);
    return true;
}

cs_code
cs_state_next(cs_state_reader *reader, cs_event *event, cs_error *err)
{
    uint64_t step, id = 0;

    if (reader->left == 0)
        return reader->at == reader->end ? CS_END : fail_damaged("bytes follow its end", err);
    if (!take_head(reader, &event->kind, &step))
        return fail_damaged("it ends before its last event", err);
    if (event->kind > CS_ISSUE)
        return fail_damaged("unknown kind of event", err);
    if (step >= ((uint64_t) CS_TIME_END - (uint64_t) reader->time + (uint64_t) reader->unit - 1) /
                    (uint64_t) reader->unit)
        return fail_damaged("time is out of range", err);
    if (event->kind != CS_OTHER && !take_varint(reader, &id))
        return fail_damaged("it ends inside an event", err);
    reader->time = (cs_time) ((uint64_t) reader->time + step * (uint64_t) reader->unit);
    reader->left--;
    event->time = reader->time;
    event->id = cs_unzigzag(id);
    return CS_OK;
}

/* Compare a state with the encoding of its events. */
static cs_code
check_canonical(const cs_env *env, cs_slice state, cs_run *run, cs_buffer *again, cs_error *err)
{
    cs_state_reader reader;
    cs_event event;
    cs_code code;

    CS_TRY(cs_state_open(state, &reader, err));
    while ((code = cs_state_next(&reader, &event, err)) == CS_OK)
    {
        if (reader.left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        if (run->count > 0 && cs_event_compare(&run->last, &event) > 0)
            return fail_damaged("its events are not in order", err);
        CS_TRY(cs_run_append(env, run, &event, err));
    }
    if (code != CS_END)
        return code;
    CS_TRY(cs_run_store(run, reader.gap, again, err));
    if (again->len != state.len || memcmp(again->data, state.data, state.len) != 0)
        return fail_damaged("it is not in canonical form", err);
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
