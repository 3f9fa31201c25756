/*
 * core/session_history.h
 *     The events of one user while they are being collected.
 *
 * Events may arrive in any order and histories may be merged in any tree; what
 * cs_history_encode (session_codec.h) writes depends on the multiset of events
 * and the gap alone. A history takes 24 bytes an event, at most twice that
 * while it grows and once more while it is sorted.
 */
#ifndef CS_SESSION_HISTORY_H
#define CS_SESSION_HISTORY_H

#include "session_event.h"

#define CS_DEFAULT_GAP (5 * CS_MINUTE)

typedef struct cs_history
{
    const cs_env *env;
    int64_t gap; /* microseconds, > 0 */
    cs_event *events;
    size_t count;
    size_t capacity;
    bool sorted; /* events are in the order of cs_event_compare */
} cs_history;

/* Start empty. The gap is valid: see cs_gap_check. */
void cs_history_init(cs_history *history, const cs_env *env, int64_t gap);
void cs_history_free(cs_history *history);

/* CS_ERR_ARGUMENT unless the gap is positive. */
cs_code cs_gap_check(int64_t gap, cs_error *err);

/* CS_ERR_ARGUMENT unless both gaps are the same. */
cs_code cs_gap_check_same(int64_t a, int64_t b, cs_error *err);

/* Add one event. Its time is valid (cs_time_valid); the id of CS_OTHER is 0. */
cs_code cs_history_add(cs_history *history, cs_event event, cs_error *err);

/* Add all events of from. */
cs_code cs_history_merge(cs_history *history, const cs_history *from, cs_error *err);

/* Bring the events into order. */
cs_code cs_history_sort(cs_history *history, cs_error *err);

#endif
