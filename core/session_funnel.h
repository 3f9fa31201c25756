/*
 * core/session_funnel.h
 *     How far each session went through a row of steps.
 *
 * A step is matched by an event of its kind and id. The first step is taken at
 * the session's first event that matches it, each further one at the first
 * that comes strictly later than the step before. Taking each step as early as
 * it can be leaves the most for those that follow.
 */
#ifndef CS_SESSION_FUNNEL_H
#define CS_SESSION_FUNNEL_H

#include "session_read.h"

typedef struct cs_step
{
    cs_kind kind;
    bool any_id; /* always for CS_OTHER */
    int64_t id;
} cs_step;

/* Reads sessions one after the other. */
typedef struct cs_funnel_reader
{
    const cs_env *env;
    cs_state_reader state;
    const cs_step *steps;
    size_t num_steps;
    cs_event ahead; /* the first event of the next session */
    bool has_ahead;

    /* The session that was read last */
    cs_time start;
    cs_time *reached; /* when each step was taken */
    size_t num_reached;
    size_t capacity;
} cs_funnel_reader;

/* The steps, at least one, stay the caller's. */
cs_code cs_funnel_open(const cs_env *env, cs_slice state, const cs_step *steps, size_t num_steps,
                       cs_funnel_reader *reader, cs_error *err);

/* Read the next session; CS_END behind the last one. */
cs_code cs_funnel_next(cs_funnel_reader *reader, cs_error *err);
void cs_funnel_close(cs_funnel_reader *reader);

#endif
