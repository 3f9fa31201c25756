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

#include "session_history.h"

#define CS_STATE_VERSION 1

/* A position in a stored state. */
typedef struct cs_state_reader
{
    const uint8_t *at;
    const uint8_t *end;
    int64_t gap;
    int64_t count; /* events in the state */
    int64_t left;  /* events not yet read */
    int64_t unit;  /* microseconds */
    cs_time time;  /* of the event read last; before that, of the first */
} cs_state_reader;

/* Read the head of a state. CS_ERR_DATA if it is damaged. */
cs_code cs_state_open(cs_slice state, cs_state_reader *reader, cs_error *err);

/* Read the next event; CS_END behind the last one. CS_ERR_DATA if it is damaged. */
cs_code cs_state_next(cs_state_reader *reader, cs_event *event, cs_error *err);

/* CS_ERR_DATA unless the bytes are a state in its canonical form. */
cs_code cs_state_check(const cs_env *env, cs_slice state, cs_error *err);

/* Add a stored state's events to a history of the same gap. */
cs_code cs_history_add_state(cs_history *history, cs_slice state, cs_error *err);

/* Sort the history and append its stored form to out. The history is not empty. */
cs_code cs_history_encode(cs_history *history, cs_buffer *out, cs_error *err);

/* Append the stored form of count events in order. */
cs_code cs_state_encode(const cs_env *env, const cs_event *events, size_t count, int64_t gap,
                        cs_buffer *out, cs_error *err);

#endif
