/*
 * core/session_codec.h
 *     The stored form of a state, version 1: canonical, so that equal states
 *     are equal bytes.
 *
 *     byte      version: 1
 *     byte      bits 0-1: unit of times, bits 2-3: unit of the gap
 *               (0 = 1 microsecond, 1 = 1 millisecond, 2 = 1 second); others 0
 *     varint    gap in its unit, at least 1
 *     varint    number of events, at least 1
 *     varint    zigzag: time of the first event since 2000-01-01 UTC, in units
 *     events    in order of time, kind, id; each:
 *       varint  (units since the event before << 2) | kind, of up to 66 bits:
 *               the first byte holds two bits of kind and five of time
 *       varint  zigzag: id, for a view or an issue only
 *
 * The units are the coarsest that divide every time, and the gap. Varints are
 * those of varint.h, in their shortest form. Nothing but the gap depends on how
 * sessions are cut, so a state can be read under any other rule.
 */
#ifndef CS_SESSION_CODEC_H
#define CS_SESSION_CODEC_H

#include "session_event.h"
#include "varint.h"

#define CS_STATE_VERSION 1

/* The most bytes of a stored state before the time of its first event. */
#define CS_STATE_HEAD_BYTES (2 + 2 * CS_VARINT_MAX_BYTES)

/* The most bytes of an event. */
#define CS_EVENT_BYTES (1 + 2 * CS_VARINT_MAX_BYTES)

/* How finely times are told: seconds, milliseconds or microseconds. */
typedef enum cs_fineness
{
    CS_FINE_SECOND,
    CS_FINE_MILLI,
    CS_FINE_MICRO
} cs_fineness;

/* A position in a stored state, or in a run. */
typedef struct cs_state_reader
{
    const uint8_t *at;
    const uint8_t *end;
    int64_t gap;   /* of a stored state */
    int64_t count; /* events in all */
    int64_t left;  /* events not yet read */
    int64_t unit;  /* microseconds */
    cs_fineness fineness;
    cs_time time; /* of the event read last; before that, of the first */
} cs_state_reader;

/* Read the head of a state. CS_ERR_DATA if it is damaged. */
cs_code cs_state_open(cs_slice state, cs_state_reader *reader, cs_error *err);

/* Append the state with another gap, which is valid; its events are copied unread. */
cs_code cs_state_with_gap(cs_slice state, int64_t gap, cs_buffer *out, cs_error *err);

/*
 * Start at the time of the first event. The reader knows where the bytes begin
 * and end, and the fineness. CS_ERR_DATA if they are damaged.
 */
cs_code cs_state_open_events(cs_state_reader *reader, uint64_t count, cs_error *err);

/* Read the next event; CS_END behind the last one. CS_ERR_DATA if it is damaged. */
cs_code cs_state_next(cs_state_reader *reader, cs_event *event, cs_error *err);

/* The fineness of the coarsest unit that divides value, at least the given one. */
static inline cs_fineness
cs_fineness_of(int64_t value, cs_fineness fineness)
{
    if (fineness == CS_FINE_SECOND && value % CS_SECOND != 0)
        fineness = CS_FINE_MILLI;
    if (fineness == CS_FINE_MILLI && value % CS_MILLISECOND != 0)
        fineness = CS_FINE_MICRO;
    return fineness;
}

/* Write a stored state up to the time of its first event; return the end. */
uint8_t *cs_state_put_head(uint8_t *out, int64_t gap, cs_fineness fineness, uint64_t count);

/* Write the time of the first event; return the end. */
uint8_t *cs_state_put_first(uint8_t *out, cs_time first, cs_fineness fineness);

/* Write an event that is step microseconds later than the one before; return the end. */
uint8_t *cs_state_put_event(uint8_t *out, uint64_t step, cs_fineness fineness,
                            const cs_event *event);

#endif
