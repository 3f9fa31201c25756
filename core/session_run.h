/*
 * core/session_run.h
 *     Events in order, encoded as in a stored state, growing at the end.
 *
 * While events come in order a run costs what the stored form costs: two to six
 * bytes an event where times are whole seconds. Merging copies what lies between
 * two events of the other side as it is, so most events are read once and never
 * encoded again.
 */
#ifndef CS_SESSION_RUN_H
#define CS_SESSION_RUN_H

#include "session_codec.h"

/* An empty run is all zero. Kept small: a query holds one for every user. */
typedef struct cs_run
{
    uint8_t *bytes; /* the time of the first event, then the events */
    uint32_t len;
    uint32_t capacity;
    uint32_t count;    /* events */
    uint16_t tail;     /* bytes of the events of the last instant; 0 if not known */
    uint8_t fineness;  /* cs_fineness of all times */
    uint8_t last_kind; /* the last event: */
    cs_time last_time;
    int64_t last_id;
} cs_run;

/* Free a run's memory and make it empty. */
void cs_run_free(const cs_env *env, cs_run *run);

/* The last event of a run that is not empty. */
static inline cs_event
cs_run_last(const cs_run *run)
{
    return (cs_event){run->last_time, run->last_id, (cs_kind) run->last_kind};
}

/* Append an event that is not before the last one. CS_ERR_LIMIT past 4 GB. */
cs_code cs_run_append(const cs_env *env, cs_run *run, const cs_event *event, cs_error *err);

/*
 * Add an event of the last instant that belongs before others of it. False if
 * that is not cheap: then nothing was done.
 */
cs_code cs_run_insert(const cs_env *env, cs_run *run, const cs_event *event, bool *done,
                      cs_error *err);

/* Start at the beginning of a run that is not empty. */
void cs_run_open(const cs_run *run, cs_state_reader *reader);

/* Append what is left to read; nothing of it is before the run's end. */
cs_code cs_run_read(const cs_env *env, cs_run *run, cs_state_reader *reader, cs_error *err);

/* Append what is left to read in two places, in order, to an empty run. */
cs_code cs_run_merge(const cs_env *env, cs_run *run, cs_state_reader *a, cs_state_reader *b,
                     cs_error *err);

/* Make an empty run a copy of another one. */
cs_code cs_run_copy(const cs_env *env, cs_run *run, const cs_run *from, cs_error *err);

/* Append the stored form of a run that is not empty to out. */
cs_code cs_run_store(const cs_run *run, int64_t gap, cs_buffer *out, cs_error *err);

/* CS_ERR_DATA unless the bytes are a state in its canonical form. */
cs_code cs_state_check(const cs_env *env, cs_slice state, cs_error *err);

#endif
