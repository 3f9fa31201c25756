/*
 * extension/local_day.h
 *     The local day of an instant in a time zone.
 */
#ifndef CLICKSTREAM_LOCAL_DAY_H
#define CLICKSTREAM_LOCAL_DAY_H

#include "fmgr.h"
#include "pgtime.h"

#include "calendar.h"

/* A zone, and an interval of instants in which its offset from UTC is known. All zero: none. */
typedef struct LocalDay
{
    char zone[TZ_STRLEN_MAX + 1]; /* as the caller wrote it */
    int type;                     /* of DecodeTimezoneName */
    pg_tz *tz;
    int64_t fixed; /* offset east of Greenwich in microseconds, where it is fixed */

    cs_time from;
    cs_time until;
    int64_t offset;
} LocalDay;

/* Set the zone: whatever AT TIME ZONE takes; an error for anything else. */
void local_day_use_zone(LocalDay *day, const text *zone);

/* cs_cuts.local_day: ctx is a LocalDay. */
int64_t local_day_of(void *ctx, cs_time time);

#endif
