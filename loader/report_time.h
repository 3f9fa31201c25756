/*
 * loader/report_time.h
 *     Instants as the report shows them, in a time zone.
 */
#ifndef LOADER_REPORT_TIME_H
#define LOADER_REPORT_TIME_H

#include "defaults.h"
#include "time_zone.h"

#define REPORT_TIME_SIZE 64

/* Writes instants one after the other; remembers day and offset of the last one. */
typedef struct report_clock
{
    const cs_zone *zone;
    cs_zone_span span;
    char offset[16]; /* as text: +08:00 */
    size_t offset_len;
    int64_t day;   /* local, from 2000-01-01 */
    char date[24]; /* of the day, with the T behind it */
    size_t date_len;
    bool is_bc;
} report_clock;

/* The zone stays the caller's. */
void report_clock_init(report_clock *clock, const cs_zone *zone);

/* Write 2024-03-10T08:00:00[.ffffff]+08:00; return the length. */
size_t report_clock_write(report_clock *clock, cs_time time, char out[REPORT_TIME_SIZE]);

/*
 * Read an offset, as hours (+8, -3.5) or as [+-]hh:mm, as seconds east of UTC; false if the name
 * is none. What the server makes of such names is no rule: it counts hours to the east, but
 * hours and minutes, as POSIX does, to the west.
 */
bool report_zone_offset(const char *name, int32_t *offset);

/* Say that a name is neither an offset nor a zone; return STATUS_USAGE. */
exit_status report_zone_refuse(const char *name);

/* Find a zone by its offset, or by its name in tzdata, in any case. */
exit_status report_zone_find(const char *name, cs_zone *zone);

#endif
