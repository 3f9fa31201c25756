/*
 * core/session_conversions.h
 *     Which views led to which issues: the mapped pairs of a session whose
 *     campaign was viewed before the reward was issued.
 */
#ifndef CS_SESSION_CONVERSIONS_H
#define CS_SESSION_CONVERSIONS_H

#include "session_read.h"

/* A pair, the campaign's first view, and the reward's first issue after that. */
typedef struct cs_conversion
{
    int64_t campaign;
    cs_time viewed;
    int64_t reward;
    cs_time issued;
} cs_conversion;

/* Reads the conversions of one session after the other. */
typedef struct cs_conversion_reader
{
    const cs_env *env;
    const cs_session *session;
    const cs_map *map;
    size_t campaign; /* position of the next one to look at */
    size_t looked_at;

    /* The rewards that the last campaign led to */
    cs_issue *found;
    size_t num_found;
    size_t found_capacity;
    size_t next;

    /* The session's issues by reward, made when first needed */
    bool has_index;
    cs_time *times; /* those of a reward together, in order */
    size_t times_capacity;
    size_t *ends; /* behind the last time of each reward, by its position in the list */
    size_t ends_capacity;
} cs_conversion_reader;

/* Start without a session. */
void cs_conversions_init(cs_conversion_reader *reader, const cs_env *env);
void cs_conversions_free(cs_conversion_reader *reader);

/*
 * Go on to a session whose issues were kept; it and the map stay as they are
 * until its last conversion was read.
 */
void cs_conversions_start(cs_conversion_reader *reader, const cs_session *session,
                          const cs_map *map);

/*
 * Read the next conversion, in order of the campaign's first view, campaign,
 * time of issue and reward; CS_END behind the last one, and without a session.
 */
cs_code cs_conversions_next(cs_conversion_reader *reader, cs_conversion *conversion, cs_error *err);

#endif
