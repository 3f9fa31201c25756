/*
 * core/session_read.h
 *     Sessions, read from a stored state.
 */
#ifndef CS_SESSION_READ_H
#define CS_SESSION_READ_H

#include "session_cut.h"
#include "session_map.h"
#include "session_run.h"

/* A campaign or reward in a session, with when it was first and last seen there. */
typedef struct cs_seen
{
    int64_t id;
    cs_time first;
    cs_time last;
} cs_seen;

/* Distinct ids in order of first occurrence, then id. */
typedef struct cs_seen_list
{
    const cs_env *env;
    cs_seen *items;
    size_t count;
    size_t capacity;
    uint32_t *slots;  /* hash table of positions + 1, made past a few items */
    size_t num_slots; /* a power of two, or 0 */
} cs_seen_list;

/* A reward was issued. */
typedef struct cs_issue
{
    int64_t reward;
    cs_time time;
} cs_issue;

/* A session. The lists are reused by the next one. */
typedef struct cs_session
{
    cs_time start;
    cs_time end; /* the last event: equal to start for a single instant */
    int64_t events;
    cs_seen_list campaigns; /* viewed */
    cs_seen_list rewards;   /* issued */

    /* Its first and last event, and what parts it from its neighbours */
    cs_event entry;
    cs_event exit;
    bool cut_before; /* it was cut off the session before, which is less than the gap away */
    bool cut_after;
    int64_t same_start; /* how many sessions before it have the same start */

    /* Every issue in order of time, where the reader was asked to keep them */
    cs_issue *issues;
    size_t num_issues;
    size_t issues_capacity;
} cs_session;

/* Reads sessions one after the other. */
typedef struct cs_session_reader
{
    cs_state_reader state;
    int64_t gap;         /* the state's, unless changed after open */
    const cs_cuts *cuts; /* NULL for none, unless set after open */
    bool keep_issues;    /* false, unless set after open */
    cs_event events[2];  /* the last one of the session, and the first one of the next */
    int ahead;           /* which of them is the next session's */
    bool has_ahead;
    int64_t last_campaign; /* viewed in the session; kept only where there are cuts */
    cs_session session;    /* the one read last */
} cs_session_reader;

cs_code cs_sessions_open(const cs_env *env, cs_slice state, cs_session_reader *reader,
                         cs_error *err);

/* Read the next session into reader->session; CS_END behind the last one. */
cs_code cs_sessions_next(cs_session_reader *reader, cs_error *err);
void cs_sessions_close(cs_session_reader *reader);

/*
 * A session may also be read from an array. Start with an empty one, and free it;
 * its lists are used again from session to session.
 */
void cs_session_init(cs_session *session, const cs_env *env);
void cs_session_free(cs_session *session);

/*
 * Read the session that begins with events[0]. The events, at least one, are in
 * the order of cs_event_compare; taken is how many of them the session has. No
 * issues are kept, and no rules but the gap cut.
 */
cs_code cs_session_take(cs_session *session, const cs_event *events, size_t count, int64_t gap,
                        size_t *taken, cs_error *err);

/* Find an id in the list, NULL if it is not there. */
const cs_seen *cs_seen_find(const cs_seen_list *list, int64_t id);

/* True if an event at time is less than the gap behind one at before. */
static inline bool
cs_gap_spans(int64_t gap, cs_time before, cs_time time)
{
    return (uint64_t) time - (uint64_t) before < (uint64_t) gap;
}

/* True if a reward was issued strictly later than a view of a campaign that contains it. */
bool cs_session_driven(const cs_session *session, const cs_map *map);

/* The same; adds 1 to the counts, one for each pair of the map, of all pairs that say so. */
bool cs_session_count_driven(const cs_session *session, const cs_map *map, int64_t *counts);

/* Count the sessions of a state. */
cs_code cs_sessions_count(cs_slice state, int64_t *count, cs_error *err);

/* Which sessions cs_sessions_select keeps for the frame [since, until). */
typedef enum cs_frame
{
    CS_FRAME_START,  /* those that start in it */
    CS_FRAME_OVERLAP /* those with any event in it */
} cs_frame;

/* Append the state of the sessions in the frame; CS_END if there are none. */
cs_code cs_sessions_select(const cs_env *env, cs_slice state, cs_frame frame, cs_time since,
                           cs_time until, cs_buffer *out, cs_error *err);

#endif
