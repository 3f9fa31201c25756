/*
 * core/time_zone.h
 *     Time zones of tzdata: the offset from UTC at an instant, and the instant
 *     of a local time.
 *
 * A zone is read from a compiled file (TZif, RFC 8536). Instants behind its last
 * change follow the rule in the file's footer, those before its first one the
 * first offset that the file names.
 */
#ifndef CS_TIME_ZONE_H
#define CS_TIME_ZONE_H

#include "calendar.h"

/* Between two changes: instants [from, until) have this offset. */
typedef struct cs_zone_span
{
    cs_time from;
    cs_time until;
    int32_t offset; /* seconds east of UTC */
} cs_zone_span;

/* A change of clocks by rule, in every year. */
typedef struct cs_zone_change
{
    char form; /* 'M': month, week, day; 'J': day from 1, never 29 February; 'N': day from 0 */
    int month;
    int week; /* 5: the last one of the month */
    int day;
    int32_t time; /* seconds from local midnight; may be negative, or beyond the day */
} cs_zone_change;

/* What holds behind the last change in the file. */
typedef struct cs_zone_rule
{
    bool exists;
    bool has_summer;
    int32_t offset;
    int32_t summer_offset;
    cs_zone_change start; /* of summer time; its time is by the standard clock */
    cs_zone_change end;   /* its time is by the summer clock */
} cs_zone_rule;

typedef struct cs_zone
{
    const cs_env *env;
    cs_zone_span *spans; /* one behind the other; from the beginning of time to its end */
    size_t count;
    cs_zone_rule rule;
} cs_zone;

/* Read a compiled file. CS_ERR_DATA if it is none; then there is nothing to free. */
cs_code cs_zone_parse(const cs_env *env, cs_slice file, cs_zone *zone, cs_error *err);

/* A zone that is always this many seconds east of UTC. */
cs_code cs_zone_fixed(const cs_env *env, int32_t offset, cs_zone *zone, cs_error *err);
void cs_zone_free(cs_zone *zone);

/* The span that holds an instant. Where a rule goes on for ever it may be shorter than it could. */
cs_zone_span cs_zone_at(const cs_zone *zone, cs_time time);

/*
 * The instant of a local time, which is given as if it were UTC. A local time that
 * clocks skip is counted by the offset before the change, one that they show
 * twice is the later of both: as PostgreSQL does.
 */
cs_time cs_zone_to_utc(const cs_zone *zone, cs_time local);

#endif
