/*
 * core/session_cut.h
 *     Rules that cut sessions further than the gap does; all off when zero.
 */
#ifndef CS_SESSION_CUT_H
#define CS_SESSION_CUT_H

#include "session_event.h"

/* Events that a rule parts are in different sessions, however near they are. */
typedef struct cs_cuts
{
    int64_t max_length; /* of a session, from its first event to its last; 0 for any */
    bool on_campaign;   /* at a view of another campaign than the one viewed last */

    /* At midnight: a number for the local day that an instant lies in; NULL for no such cut. */
    int64_t (*local_day)(void *ctx, cs_time time);
    void *ctx;
} cs_cuts;

/* True if a session that starts at start may not reach to time. */
static inline bool
cs_cut_by_length(const cs_cuts *cuts, cs_time start, cs_time time)
{
    return cuts->max_length > 0 && (uint64_t) time - (uint64_t) start > (uint64_t) cuts->max_length;
}

/* True if the two instants lie in different local days. */
static inline bool
cs_cut_by_day(const cs_cuts *cuts, cs_time a, cs_time b)
{
    return cuts->local_day != NULL && a != b &&
           cuts->local_day(cuts->ctx, a) != cuts->local_day(cuts->ctx, b);
}

#endif
