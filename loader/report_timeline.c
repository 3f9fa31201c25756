/*
 * loader/report_timeline.c
 *     Counting sessions by hours, days, weeks, months or years.
 */
#include "report_timeline.h"

#include <inttypes.h>
#include <stdio.h>

/* The most bins that are kept of a unit. Years are as many as there are. */
static const int64_t max_kept[] = {72, 4096, 4096, 4096, INT64_MAX};

/* The most bars of a chart. */
static const int64_t max_shown[] = {72, 92, 104, 120, 120};

static const char *const unit_names[] = {"hour", "day", "week", "month", "year"};
static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void
timeline_init(report_timeline *timeline, const cs_env *env)
{
    *timeline = (report_timeline){.env = env, .unit = TIMELINE_HOUR, .years = 1};
}

/* Free the bins. */
void
timeline_free(report_timeline *timeline)
{
    cs_release(timeline->env, timeline->bins);
}

/* Divide, rounding down. */
static int64_t
divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The number of the bin that holds a time. 2000-01-03, day 2, was a Monday. */
static int64_t
bin_of(timeline_unit unit, int64_t years, cs_time local)
{
    int64_t days = divide(local, CS_DAY);
    int64_t year;
    int month, day;

    if (unit == TIMELINE_HOUR)
        return divide(local, CS_HOUR);
    if (unit == TIMELINE_DAY)
        return days;
    if (unit == TIMELINE_WEEK)
        return divide(days - 2, 7);
    cs_date_from_days(days, &year, &month, &day);
    return unit == TIMELINE_MONTH ? 12 * (year - 2000) + month - 1 : divide(year, years);
}

/* The day that a bin starts on; of an hour, the day that it is in. */
static int64_t
first_day(timeline_unit unit, int64_t years, int64_t bin)
{
    switch (unit)
    {
        case TIMELINE_HOUR:
            return divide(bin, 24);
        case TIMELINE_DAY:
            return bin;
        case TIMELINE_WEEK:
            return 7 * bin + 2;
        case TIMELINE_MONTH:
            return cs_days_from_date(2000 + divide(bin, 12), (int) (bin - 12 * divide(bin, 12)) + 1,
                                     1);
        default:
            return cs_days_from_date(bin * years, 1, 1);
    }
}

/* Make room for a bin: the range grows to hold it. */
static cs_code
reach(report_timeline *timeline, int64_t bin, cs_error *err)
{
    size_t before = 0, count = timeline->count;

    if (count == 0)
        timeline->first = bin;
    if (bin < timeline->first)
        before = (size_t) (timeline->first - bin);
    count += before;
    if (bin >= timeline->first && (size_t) (bin - timeline->first) >= count)
        count = (size_t) (bin - timeline->first) + 1;
    CS_TRY(cs_grow_array(timeline->env, (void **) &timeline->bins, &timeline->capacity, count,
                         sizeof(timeline_bin), err));
    memmove(timeline->bins + before, timeline->bins, timeline->count * sizeof(timeline_bin));
    memset(timeline->bins, 0, before * sizeof(timeline_bin));
    memset(timeline->bins + before + timeline->count, 0,
           (count - before - timeline->count) * sizeof(timeline_bin));
    timeline->first -= (int64_t) before;
    timeline->count = count;
    return CS_OK;
}

/* Put the bins together to a coarser unit, in place: a bin never moves up. */
static void
coarsen(report_timeline *timeline, timeline_unit unit, int64_t years)
{
    int64_t first = timeline->first;
    size_t count = timeline->count;

    timeline->count = 0;
    for (size_t i = 0; i < count; i++)
    {
        timeline_bin from = timeline->bins[i];
        int64_t day = first_day(timeline->unit, timeline->years, first + (int64_t) i);
        int64_t bin = bin_of(unit, years, day * CS_DAY);
        size_t to;

        if (i == 0)
            timeline->first = bin;
        to = (size_t) (bin - timeline->first);
        if (to == timeline->count)
            timeline->bins[timeline->count++] = (timeline_bin){0, 0};
        timeline->bins[to].sessions += from.sessions;
        timeline->bins[to].driven += from.driven;
    }
    timeline->unit = unit;
    timeline->years = years;
}

/* True if so many bins, from first, hold the range and the bin. */
static bool
fits(const report_timeline *timeline, int64_t bin, int64_t most)
{
    int64_t last = timeline->first + (int64_t) timeline->count - 1;

    return timeline->count == 0 || (last - bin < most && bin - timeline->first < most);
}

cs_code
timeline_add(report_timeline *timeline, cs_time local, bool driven, cs_error *err)
{
    int64_t bin = bin_of(timeline->unit, timeline->years, local);

    while (!fits(timeline, bin, max_kept[timeline->unit]))
    {
        timeline_unit next = timeline->unit + 1;

        if (next == TIMELINE_WEEK)
            next = TIMELINE_MONTH; /* which weeks do not make */
        coarsen(timeline, next, 1);
        bin = bin_of(timeline->unit, timeline->years, local);
    }
    CS_TRY(reach(timeline, bin, err));
    timeline->bins[bin - timeline->first].sessions++;
    timeline->bins[bin - timeline->first].driven += driven;
    return CS_OK;
}

void
timeline_finish(report_timeline *timeline)
{
    int64_t count = (int64_t) timeline->count;

    if (timeline->unit == TIMELINE_DAY && count > max_shown[TIMELINE_DAY])
        coarsen(timeline, count <= 7 * max_shown[TIMELINE_WEEK] ? TIMELINE_WEEK : TIMELINE_MONTH,
                1);
    if (timeline->unit == TIMELINE_MONTH && (int64_t) timeline->count > max_shown[TIMELINE_MONTH])
        coarsen(timeline, TIMELINE_YEAR, 1);
    while (timeline->unit == TIMELINE_YEAR && (int64_t) timeline->count > max_shown[TIMELINE_YEAR])
        coarsen(timeline, TIMELINE_YEAR, 10 * timeline->years);
}

/* The parts of a bin's name. */
typedef struct bin_date
{
    char year[24]; /* as calendars have it: 1 BC is the year before 1 */
    int month;
    int day;
    int hour;
} bin_date;

/* The date that a bin starts on. */
static bin_date
date_of(const report_timeline *timeline, size_t bin)
{
    int64_t number = timeline->first + (int64_t) bin;
    bin_date date = {.hour = 0};
    int64_t year;

    cs_date_from_days(first_day(timeline->unit, timeline->years, number), &year, &date.month,
                      &date.day);
    if (timeline->unit == TIMELINE_HOUR)
        date.hour = (int) (number - 24 * divide(number, 24));
    if (year > 0)
        snprintf(date.year, sizeof(date.year), "%04" PRId64, year);
    else
        snprintf(date.year, sizeof(date.year), "%" PRId64 " BC", 1 - year);
    return date;
}

void
timeline_label(const report_timeline *timeline, size_t bin, char label[TIMELINE_LABEL_SIZE])
{
    bin_date date = date_of(timeline, bin);

    switch (timeline->unit)
    {
        case TIMELINE_HOUR:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s-%02d-%02d %02d:00", date.year, date.month,
                     date.day, date.hour);
            break;
        case TIMELINE_DAY:
        case TIMELINE_WEEK:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s-%02d-%02d", date.year, date.month, date.day);
            break;
        case TIMELINE_MONTH:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s-%02d", date.year, date.month);
            break;
        default:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s", date.year);
    }
}

void
timeline_axis_label(const report_timeline *timeline, size_t bin, char label[TIMELINE_LABEL_SIZE])
{
    bin_date date = date_of(timeline, bin);
    const char *month = month_names[date.month - 1];

    switch (timeline->unit)
    {
        case TIMELINE_HOUR:
            if (timeline->count > 24)
                snprintf(label, TIMELINE_LABEL_SIZE, "%d %s %02d:00", date.day, month, date.hour);
            else
                snprintf(label, TIMELINE_LABEL_SIZE, "%02d:00", date.hour);
            break;
        case TIMELINE_DAY:
        case TIMELINE_WEEK:
            snprintf(label, TIMELINE_LABEL_SIZE, "%d %s", date.day, month);
            break;
        case TIMELINE_MONTH:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s %s", month, date.year);
            break;
        default:
            snprintf(label, TIMELINE_LABEL_SIZE, "%s", date.year);
    }
}

void
timeline_unit_name(const report_timeline *timeline, char name[TIMELINE_LABEL_SIZE])
{
    if (timeline->years > 1)
        snprintf(name, TIMELINE_LABEL_SIZE, "%" PRId64 " years", timeline->years);
    else
        snprintf(name, TIMELINE_LABEL_SIZE, "%s", unit_names[timeline->unit]);
}
