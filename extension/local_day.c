/*
 * extension/local_day.c
 *     The local day of an instant in a time zone.
 *
 * The zone is resolved once, and its offset from UTC is kept until the zone's
 * next change of it, about half a year on, so that nearly all instants cost an
 * addition and a division.
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "compat.h"
#include "local_day.h"

void
local_day_use_zone(LocalDay *day, const text *zone)
{
    char name[TZ_STRLEN_MAX + 1];
    LocalDay fresh = {.tz = NULL};
    int seconds = 0;

    text_to_cstring_buffer(zone, name, sizeof(name));
    if (day->zone[0] != '\0' && strcmp(day->zone, name) == 0)
        return;
    fresh.type = DecodeTimezoneName(name, &seconds, &fresh.tz);
    if (fresh.tz != NULL && !pg_tz_acceptable(fresh.tz))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("time zone \"%s\" appears to use leap seconds", name),
                        errdetail("PostgreSQL does not support leap seconds.")));
    fresh.fixed = seconds * CS_SECOND;
    strlcpy(fresh.zone, name, sizeof(fresh.zone));
    *day = fresh;
}

/* Divide rounding towards minus infinity. */
static int64_t
floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The zone's offset at an instant. */
static int64_t
find_offset(const LocalDay *day, cs_time time, pg_time_t unix_time)
{
    const struct pg_tm *tm;
    int isdst;

    if (day->type == TZNAME_DYNTZ)
        return -DetermineTimeZoneAbbrevOffsetTS(time, day->zone, day->tz, &isdst) * CS_SECOND;
    tm = pg_localtime(&unix_time, day->tz);
    return tm != NULL ? tm->tm_gmtoff * CS_SECOND : 0;
}

/* Find the zone's offset at time, and how long it lasts. */
static void
look_up(LocalDay *day, cs_time time)
{
    pg_time_t unix_time = floor_div(time, CS_SECOND) + CS_UNIX_OFFSET / CS_SECOND;
    pg_time_t boundary;
    long int before, after;
    int before_isdst, after_isdst;

    day->offset = find_offset(day, time, unix_time);
    day->from = time;
    day->until = INT64_MAX;
    switch (pg_next_dst_boundary(&unix_time, &before, &before_isdst, &boundary, &after,
                                 &after_isdst, day->tz))
    {
        case 0: /* it never changes again */
            break;
        case 1:
            if (__builtin_mul_overflow(boundary - CS_UNIX_OFFSET / CS_SECOND, CS_SECOND,
                                       &day->until))
                day->until = INT64_MAX;
            break;
        default:
            day->until = time + 1;
            break;
    }
}

int64_t
local_day_of(void *ctx, cs_time time)
{
    LocalDay *day = ctx;

    if (day->type == TZNAME_FIXED_OFFSET)
        return floor_div(time + day->fixed, CS_DAY);
    if (time < day->from || time >= day->until)
        look_up(day, time);
    return floor_div(time + day->offset, CS_DAY);
}
