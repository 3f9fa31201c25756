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

static const int64_t units[] = {1, 1000, CS_SECOND};

#define NUM_UNITS 3

/* The code of the coarsest unit that divides value, no coarser than code. */
static int
coarsest_unit(int64_t value, int code)
{
    while (value % units[code] != 0)
        code--;
    return code;
}

/* The code of the coarsest unit that divides every time. */
static int
time_unit(const cs_event *events, size_t count)
{
    int code = NUM_UNITS - 1;

    for (size_t i = 0; i < count && code > 0; i++)
        code = coarsest_unit(events[i].time, code);
    return code;
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

cs_code
cs_state_encode(const cs_env *env, const cs_event *events, size_t count, int64_t gap,
                cs_buffer *out, cs_error *err)
{
    int unit_code = time_unit(events, count);
    int gap_code = coarsest_unit(gap, NUM_UNITS - 1);
    uint64_t unit = (uint64_t) units[unit_code];
    cs_time before = events[0].time;
    uint8_t *at;

    CS_TRY(cs_buffer_reserve(out, HEAD_BYTES, err));
    at = out->data + out->len;
    *at++ = CS_STATE_VERSION;
    *at++ = (uint8_t) (unit_code | gap_code << 2);
    at = cs_varint_put(at, (uint64_t) (gap / units[gap_code]));
    at = cs_varint_put(at, count);
    at = cs_varint_put(at, cs_zigzag(before / (int64_t) unit));
    out->len = (size_t) (at - out->data);
    for (size_t i = 0; i < count; i++)
    {
        if (i % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(env, err));
        CS_TRY(cs_buffer_reserve(out, EVENT_BYTES, err));
        at = put_event(out->data + out->len, ((uint64_t) events[i].time - (uint64_t) before) / unit,
                       &events[i]);
        out->len = (size_t) (at - out->data);
        before = events[i].time;
    }
    return CS_OK;
}

cs_code
cs_history_encode(cs_history *history, cs_buffer *out, cs_error *err)
{
    CS_TRY(cs_history_sort(history, err));
    return cs_state_encode(history->env, history->events, history->count, history->gap, out, err);
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
    if (unit_code >= NUM_UNITS || gap_code >= NUM_UNITS)
        return fail_damaged("unknown unit of time", err);
    reader->at += 2;
    if (!take_varint(reader, &gap) || gap < 1 || gap > INT64_MAX ||
        __builtin_mul_overflow((int64_t) gap, units[gap_code], &reader->gap))
        return fail_damaged("gap is out of range", err);
    if (!take_varint(reader, &count) || count < 1)
        return fail_damaged("number of events is out of range", err);
    reader->unit = units[unit_code];
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

cs_code
cs_history_add_state(cs_history *history, cs_slice state, cs_error *err)
{
    cs_state_reader reader;
    cs_event event;
    cs_code code;

    CS_TRY(cs_state_open(state, &reader, err));
    CS_TRY(cs_gap_check_same(history->gap, reader.gap, err));
    while ((code = cs_state_next(&reader, &event, err)) == CS_OK)
    {
        if (reader.left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(history->env, err));
        CS_TRY(cs_history_add(history, event, err));
    }
    return code == CS_END ? CS_OK : code;
}

/* Compare a state with the encoding of the events read from it. */
static cs_code
check_canonical(cs_history *history, cs_slice state, cs_buffer *again, cs_error *err)
{
    cs_state_reader reader;

    CS_TRY(cs_state_open(state, &reader, err));
    history->gap = reader.gap;
    CS_TRY(cs_history_add_state(history, state, err));
    CS_TRY(cs_history_encode(history, again, err));
    if (again->len != state.len || memcmp(again->data, state.data, state.len) != 0)
        return fail_damaged("it is not in canonical form", err);
    return CS_OK;
}

cs_code
cs_state_check(const cs_env *env, cs_slice state, cs_error *err)
{
    cs_history history;
    cs_buffer again;
    cs_code code;

    cs_history_init(&history, env, CS_DEFAULT_GAP);
    cs_buffer_init(&again, env);
    code = check_canonical(&history, state, &again, err);
    cs_buffer_free(&again);
    cs_history_free(&history);
    return code;
}
