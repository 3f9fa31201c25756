/*
 * core/session_history.h
 *     The events of one user while they are being collected.
 *
 * Events may arrive in any order and histories may be merged in any tree; what
 * cs_history_encode writes depends on the multiset of events and the gap alone.
 *
 * Events that arrive in order go straight to the run (session_run.h), as do those
 * of the last instant in any order. The others wait in an array of 24 bytes an
 * event and are merged into the run when there are half as many as in the run, so
 * that unsorted input costs a constant number of passes over each event.
 *
 * Source of the scheme: the amortised merging of sorted runs, as in a
 * logarithmic-method or log-structured merge tree of two levels.
 */
#ifndef CS_SESSION_HISTORY_H
#define CS_SESSION_HISTORY_H

#include "session_run.h"

#define CS_DEFAULT_GAP (5 * CS_MINUTE)

/* Events not yet in the run, in order of arrival. */
typedef struct cs_waiting
{
    size_t count;
    size_t capacity;
    cs_event events[];
} cs_waiting;

/* 64 bytes: a query holds one for every user. */
typedef struct cs_history
{
    const cs_env *env;
    int64_t gap; /* microseconds, > 0 */
    cs_run run;
    cs_waiting *waiting; /* NULL before the first one */
} cs_history;

/* Start empty. The gap is valid: see cs_gap_check. */
void cs_history_init(cs_history *history, const cs_env *env, int64_t gap);
void cs_history_free(cs_history *history);

/* CS_ERR_ARGUMENT unless the gap is positive. */
cs_code cs_gap_check(int64_t gap, cs_error *err);

/* Add one event. Its time is valid (cs_time_valid); the id of CS_OTHER is 0. */
cs_code cs_history_add(cs_history *history, cs_event event, cs_error *err);

/* Add all events of from. */
cs_code cs_history_merge(cs_history *history, const cs_history *from, cs_error *err);

/* Add a stored state's events. The gaps must be the same. */
cs_code cs_history_add_state(cs_history *history, cs_slice state, cs_error *err);

/* Bring all events into the run. */
cs_code cs_history_fold(cs_history *history, cs_error *err);

/* The number of events that wait. */
static inline size_t
cs_history_waiting(const cs_history *history)
{
    return history->waiting != NULL ? history->waiting->count : 0;
}

/*
 * Append all events in the form in which they travel between the processes of one
 * query: what cs_history_unpack reads, without a pass over the events. The
 * history is not empty.
 */
cs_code cs_history_pack(cs_history *history, cs_buffer *out, cs_error *err);

/*
 * Make an empty history a view of packed bytes. It may be merged from, and is
 * neither added to nor freed.
 */
cs_code cs_history_unpack(cs_history *history, cs_slice packed, cs_error *err);

/* Append the stored form to out. The history is not empty. */
cs_code cs_history_encode(cs_history *history, cs_buffer *out, cs_error *err);

#endif
