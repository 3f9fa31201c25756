/*
 * core/session_codec.c
 *     Writing and reading the stored form of a state.
 */
#include "session_codec.h"

#define KIND_BITS 2
#define FIRST_BITS 5 /* of the time step in an event's first byte */

/* Units by fineness; the code that is stored counts the other way round. */
static const int64_t units[] = {CS_SECOND, CS_MILLISECOND, 1};

/* Divide by a unit; by constants, which is several times faster than by a variable. */
static uint64_t
in_units(uint64_t micros, cs_fineness fineness)
{
    switch (fineness)
    {
        case CS_FINE_SECOND:
            return micros / CS_SECOND;
        case CS_FINE_MILLI:
            return micros / CS_MILLISECOND;
        default:
            return micros;
    }
}

uint8_t *
cs_state_put_head(uint8_t *out, int64_t gap, cs_fineness fineness, uint64_t count)
{
    cs_fineness gap_fineness = cs_fineness_of(gap, CS_FINE_SECOND);

    *out++ = CS_STATE_VERSION;
    *out++ = (uint8_t) ((CS_FINE_MICRO - fineness) | (CS_FINE_MICRO - gap_fineness) << 2);
    out = cs_varint_put(out, in_units((uint64_t) gap, gap_fineness));
    return cs_varint_put(out, count);
}

uint8_t *
cs_state_put_first(uint8_t *out, cs_time first, cs_fineness fineness)
{
    return cs_varint_put(out, cs_zigzag(first / units[fineness]));
}

uint8_t *
cs_state_put_event(uint8_t *out, uint64_t step, cs_fineness fineness, const cs_event *event)
{
    uint8_t first;

    step = in_units(step, fineness);
    first = (uint8_t) (event->kind | (step & ((1 << FIRST_BITS) - 1)) << KIND_BITS);
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

/* Report damage. */
static cs_code
fail_damaged(const char *what, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "damaged sessionset: %s", what);
}

/* Read a varint of the state; false if it is damaged. */
static inline bool
take_varint(cs_state_reader *reader, uint64_t *value)
{
    const uint8_t *next = cs_varint_get(reader->at, reader->end, value);

    if (next == NULL)
        return false;
    reader->at = next;
    return true;
}

cs_code
cs_state_open_events(cs_state_reader *reader, uint64_t count, cs_error *err)
{
    uint64_t first;

    reader->unit = units[reader->fineness];
    if (!take_varint(reader, &first) ||
        __builtin_mul_overflow(cs_unzigzag(first), reader->unit, &reader->time) ||
        !cs_time_valid(reader->time))
        return fail_damaged("time is out of range", err);
    if (count > (uint64_t) (reader->end - reader->at)) /* an event takes at least a byte */
        return fail_damaged("it ends before its last event", err);
    reader->count = reader->left = (int64_t) count;
    return CS_OK;
}

/* Read a state up to the time of its first event. */
static cs_code
open_head(cs_slice state, cs_state_reader *reader, uint64_t *count, cs_error *err)
{
    uint64_t gap;
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
    if (unit_code > CS_FINE_MICRO || gap_code > CS_FINE_MICRO)
        return fail_damaged("unknown unit of time", err);
    reader->at += 2;
    if (!take_varint(reader, &gap) || gap < 1 || gap > INT64_MAX ||
        __builtin_mul_overflow((int64_t) gap, units[CS_FINE_MICRO - gap_code], &reader->gap))
        return fail_damaged("gap is out of range", err);
    if (!take_varint(reader, count) || *count < 1)
        return fail_damaged("number of events is out of range", err);
    reader->fineness = (cs_fineness) (CS_FINE_MICRO - unit_code);
    return CS_OK;
}

cs_code
cs_state_open(cs_slice state, cs_state_reader *reader, cs_error *err)
{
    uint64_t count;

    CS_TRY(open_head(state, reader, &count, err));
    return cs_state_open_events(reader, count, err);
}

cs_code
cs_state_with_gap(cs_slice state, int64_t gap, cs_buffer *out, cs_error *err)
{
    cs_state_reader reader;
    uint64_t count;
    uint8_t *at;
    size_t rest;

    CS_TRY(open_head(state, &reader, &count, err));
    rest = (size_t) (reader.end - reader.at);
    CS_TRY(cs_buffer_reserve(out, CS_STATE_HEAD_BYTES + rest, err));
    at = cs_state_put_head(out->data + out->len, gap, reader.fineness, count);
    memcpy(at, reader.at, rest);
    out->len = (size_t) (at - out->data) + rest;
    return CS_OK;
}

/* Read an event's head: its kind and the units since the event before. */
static inline bool
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
    if (__builtin_mul_overflow(step, (uint64_t) reader->unit, &step) ||
        step >= (uint64_t) CS_TIME_END - (uint64_t) reader->time)
        return fail_damaged("time is out of range", err);
    if (event->kind != CS_OTHER && !take_varint(reader, &id))
        return fail_damaged("it ends inside an event", err);
    reader->time = (cs_time) ((uint64_t) reader->time + step);
    reader->left--;
    event->time = reader->time;
    event->id = cs_unzigzag(id);
    return CS_OK;
}
