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

#define CS_STATE_VERSION 1

/* Events in order, encoded as in a stored state, growing at the end. */
typedef struct cs_run
{
    uint8_t *bytes;
    size_t len;
    size_t capacity;
    size_t count;  /* events */
    cs_time first; /* of the first event */
    cs_event last; /* the last event */
    int fineness;  /* of the coarsest unit that divides all times: index into units */
} cs_run;

/* Free a run's memory and make it empty. An empty run is all zero. */
void cs_run_free(const cs_env *env, cs_run *run);

/* Append an event that is not before the last one. */
cs_code cs_run_append(const cs_env *env, cs_run *run, const cs_event *event, cs_error *err);

/* Append the stored form of a run that is not empty to out. */
cs_code cs_run_store(const cs_run *run, int64_t gap, cs_buffer *out, cs_error *err);

/* A position in a stored state, or in a run. */
typedef struct cs_state_reader
{
    const uint8_t *at;
    const uint8_t *end;
    int64_t gap;   /* of a stored state */
    int64_t count; /* events in all */
    int64_t left;  /* events not yet read */
    int64_t unit;  /* microseconds */
    cs_time time;  /* of the event read last; before that, of the first */
} cs_state_reader;

/* Read the head of a state. CS_ERR_DATA if it is damaged. */
cs_code cs_state_open(cs_slice state, cs_state_reader *reader, cs_error *err);

/* Start at the beginning of a run. */
void cs_run_open(const cs_run *run, cs_state_reader *reader);

/* Read the next event; CS_END behind the last one. CS_ERR_DATA if it is damaged. */
cs_code cs_state_next(cs_state_reader *reader, cs_event *event, cs_error *err);

/* Append what is left to read; nothing of it is before the run's end. */
cs_code cs_run_read(const cs_env *env, cs_run *run, cs_state_reader *reader, cs_error *err);

/* Append what is left to read in two places, in order, to an empty run. */
cs_code cs_run_merge(const cs_env *env, cs_run *run, cs_state_reader *a, cs_state_reader *b,
                     cs_error *err);

/* CS_ERR_DATA unless the bytes are a state in its canonical form. */
cs_code cs_state_check(const cs_env *env, cs_slice state, cs_error *err);

#endif
