/*
 * core/session_event.h
 *     What a user did and when: the unit that sessions are made of.
 */
#ifndef CS_SESSION_EVENT_H
#define CS_SESSION_EVENT_H

#include "calendar.h"

typedef enum cs_kind
{
    CS_OTHER = 0, /* any activity: lengthens a session, has no id */
    CS_VIEW = 1,  /* a campaign was viewed */
    CS_ISSUE = 2  /* a reward was issued */
} cs_kind;

/* The name of a kind, and the kind of a name; false if there is none of this name. */
const char *cs_kind_name(cs_kind kind);
bool cs_kind_parse(cs_slice name, cs_kind *kind);

/* One event. An event of kind CS_OTHER has id 0. */
typedef struct cs_event
{
    cs_time time;
    int64_t id;
    cs_kind kind;
} cs_event;

/* The order of events in a state: time, then kind, then id. */
static inline int
cs_event_compare(const cs_event *a, const cs_event *b)
{
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

/*
 * Sort events in this order, with room for as many in spare: *sorted is one of the two. Runs
 * that are in order already are merged two by two, as what comes in is mostly in order.
 */
cs_code cs_events_sort(const cs_env *env, cs_event *events, cs_event *spare, size_t count,
                       cs_event **sorted, cs_error *err);

#endif
