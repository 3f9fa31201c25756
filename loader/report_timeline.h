/*
 * loader/report_timeline.h
 *     Sessions over time: as few bars as a chart takes, whatever the range.
 *
 * Hours are counted at first. Where the range outgrows them, they are put together
 * to days, months, years; so memory does not follow the number of sessions. Times
 * are local ones, as if they were UTC.
 */
#ifndef LOADER_REPORT_TIMELINE_H
#define LOADER_REPORT_TIMELINE_H

#include "calendar.h"

typedef enum timeline_unit
{
    TIMELINE_HOUR,
    TIMELINE_DAY,
    TIMELINE_WEEK, /* from Monday */
    TIMELINE_MONTH,
    TIMELINE_YEAR
} timeline_unit;

typedef struct timeline_bin
{
    int64_t sessions;
    int64_t driven;
} timeline_bin;

typedef struct report_timeline
{
    const cs_env *env;
    timeline_unit unit;
    int64_t years; /* a bin of the unit year has so many */
    int64_t first; /* number of the first bin, counted from 2000; years from 0 */
    timeline_bin *bins;
    size_t count;
    size_t capacity;
} report_timeline;

#define TIMELINE_LABEL_SIZE 48

void timeline_init(report_timeline *timeline, const cs_env *env);
void timeline_free(report_timeline *timeline);

/* Count a session. */
cs_code timeline_add(report_timeline *timeline, cs_time local, bool driven, cs_error *err);

/* Put together what is too fine for a chart. */
void timeline_finish(report_timeline *timeline);

/* What a bin is called: 2024-03-10, in a table; 10 Mar, on an axis, where a day's hours have no
 * date. */
void timeline_label(const report_timeline *timeline, size_t bin, char label[TIMELINE_LABEL_SIZE]);
void timeline_axis_label(const report_timeline *timeline, size_t bin,
                         char label[TIMELINE_LABEL_SIZE]);

/* What a bin is: hour, day, week, month, year, 10 years. */
void timeline_unit_name(const report_timeline *timeline, char name[TIMELINE_LABEL_SIZE]);

#endif
