/*
 * loader/argument.c
 *     What arguments on the command line mean.
 */
#include "argument.h"

#include "log.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* A name and what it stands for. */
typedef struct unit
{
    const char *name;
    int64_t size;
} unit;

#define UNIT_NAME_SIZE 16

/* Report what an argument is not. */
static void
report_argument(const char *option, const char *text, const char *what)
{
    log_error("invalid argument \"%s\" of option \"--%s\": not %s", text, option, what);
}

/* Report text that is not what an option takes. */
static exit_status
refuse_argument(const char *option, const char *text, const char *what, const char *hint)
{
    report_argument(option, text, what);
    log_hint("%s", hint);
    return STATUS_USAGE;
}

/* Read a number of one to max digits; the position goes behind it. */
static bool
take_number(const char **at, int min, int max, int64_t *value)
{
    int count = 0;

    *value = 0;
    for (; count < max && **at >= '0' && **at <= '9'; count++)
        *value = *value * 10 + (*(*at)++ - '0');
    return count >= min && !(**at >= '0' && **at <= '9');
}

/* Take a character. */
static bool
take(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

/* Read digits behind a point as microseconds; more than six are rounded. */
static bool
take_fraction(const char **at, int64_t *micros)
{
    int64_t scale = CS_SECOND;

    *micros = 0;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++)
    {
        if (scale == 1 && **at >= '5')
            ++*micros;
        if (scale <= 1)
            scale = 0;
        else
            *micros += (**at - '0') * (scale /= 10);
    }
    return true;
}

/* Read YYYY-MM-DD as days from 2000-01-01. */
static bool
take_date(const char **at, int64_t *days)
{
    int64_t year, month, day, back_year;
    int back_month, back_day;

    if (!take_number(at, 4, 6, &year) || !take(at, '-') || !take_number(at, 1, 2, &month) ||
        !take(at, '-') || !take_number(at, 1, 2, &day) || month < 1 || month > 12 || year < 1)
        return false;
    *days = cs_days_from_date(year, (int) month, (int) day);
    cs_date_from_days(*days, &back_year, &back_month, &back_day);
    return back_year == year && back_month == month && back_day == day; /* such a day exists */
}

/* Read hh:mm[:ss[.ffffff]] as microseconds; the hours have up to so many digits. */
static bool
take_clock(const char **at, int hour_digits, int64_t *micros)
{
    int64_t hours, minutes, seconds = 0, fraction = 0;

    if (!take_number(at, 1, hour_digits, &hours) || !take(at, ':') ||
        !take_number(at, 2, 2, &minutes))
        return false;
    if (take(at, ':') &&
        (!take_number(at, 2, 2, &seconds) || (take(at, '.') && !take_fraction(at, &fraction))))
        return false;
    *micros = ((hours * 60 + minutes) * 60 + seconds) * CS_SECOND + fraction;
    return minutes < 60 && seconds < 60;
}

/* Read an offset: Z, UTC, +hh, +hhmm, +hh:mm or +hh:mm:ss. False if there is something else. */
static bool
take_offset(const char **at, int64_t *seconds)
{
    int64_t sign, hours, minutes = 0, rest = 0;

    *seconds = 0;
    if (strcasecmp(*at, "z") == 0 || strcasecmp(*at, "utc") == 0)
    {
        *at += strlen(*at);
        return true;
    }
    if (**at != '+' && **at != '-')
        return false;
    sign = *(*at)++ == '-' ? -1 : 1;
    if (!take_number(at, 1, 4, &hours))
        return false;
    if (hours > 99)
    {
        minutes = hours % 100;
        hours /= 100;
    }
    else if (take(at, ':') &&
             (!take_number(at, 2, 2, &minutes) || (take(at, ':') && !take_number(at, 2, 2, &rest))))
        return false;
    *seconds = sign * ((hours * 60 + minutes) * 60 + rest);
    return hours <= 15 && minutes < 60 && rest < 60;
}

/* Read an instant. */
static bool
parse_instant(const char *at, const cs_zone *zone, cs_time *time)
{
    int64_t days, of_day = 0, offset;
    bool is_first_space;

    if (!take_date(&at, &days))
        return false;
    if ((*at == 'T' || *at == 't' || *at == ' ') && at[1] >= '0' && at[1] <= '9')
    {
        at++;
        if (!take_clock(&at, 2, &of_day) || of_day > CS_DAY) /* 24:00 is the end of a day */
            return false;
    }
    if (days > CS_TIME_END / CS_DAY)
        return false;
    is_first_space = *at == ' ';
    at += is_first_space;
    *time = days * CS_DAY + of_day;
    if (*at == '\0')
    {
        *time = cs_zone_to_utc(zone, *time);
        return !is_first_space && cs_time_valid(*time);
    }
    if (!take_offset(&at, &offset) || *at != '\0')
        return false;
    *time -= offset * CS_SECOND;
    return cs_time_valid(*time);
}

exit_status
refuse_time_argument(const char *option, const char *text)
{
    return refuse_argument(option, text, "a time",
                           "Give a date, or date and time: 2024-03-10, 2024-03-10T08:00, "
                           "2024-03-10T08:00:00+08:00.");
}

exit_status
parse_time_argument(const char *option, const char *text, const cs_zone *zone, cs_time *time)
{
    if (strcasecmp(text, "infinity") == 0)
        *time = INT64_MAX;
    else if (strcasecmp(text, "-infinity") == 0)
        *time = INT64_MIN;
    else if (!parse_instant(text, zone, time))
        return refuse_time_argument(option, text);
    return STATUS_OK;
}

/* The size of a unit by its name in any case, 0 if there is none of this name. */
static int64_t
find_unit(const unit *units, const char *name)
{
    for (; units->name != NULL; units++)
        if (strcasecmp(units->name, name) == 0)
            return units->size;
    return 0;
}

/* Read the name of a unit; the position goes behind it. False if it is too long. */
static bool
take_name(const char **at, char name[UNIT_NAME_SIZE])
{
    size_t len;

    while (**at == ' ')
        (*at)++;
    len = strspn(*at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (len >= UNIT_NAME_SIZE)
        return false;
    memcpy(name, *at, len);
    name[len] = '\0';
    *at += len;
    return true;
}

/* The units of an interval; months and years have no length of their own. */
static const unit interval_units[] = {
    {"us", 1},
    {"usec", 1},
    {"usecs", 1},
    {"microsecond", 1},
    {"microseconds", 1},
    {"ms", CS_MILLISECOND},
    {"msec", CS_MILLISECOND},
    {"msecs", CS_MILLISECOND},
    {"millisecond", CS_MILLISECOND},
    {"milliseconds", CS_MILLISECOND},
    {"", CS_SECOND},
    {"s", CS_SECOND},
    {"sec", CS_SECOND},
    {"secs", CS_SECOND},
    {"second", CS_SECOND},
    {"seconds", CS_SECOND},
    {"m", CS_MINUTE},
    {"min", CS_MINUTE},
    {"mins", CS_MINUTE},
    {"minute", CS_MINUTE},
    {"minutes", CS_MINUTE},
    {"h", CS_HOUR},
    {"hr", CS_HOUR},
    {"hrs", CS_HOUR},
    {"hour", CS_HOUR},
    {"hours", CS_HOUR},
    {"d", CS_DAY},
    {"day", CS_DAY},
    {"days", CS_DAY},
    {"w", 7 * CS_DAY},
    {"week", 7 * CS_DAY},
    {"weeks", 7 * CS_DAY},
    {NULL, 0},
};

/* So many millionths of a unit. */
static int64_t
fraction_of(int64_t size, int64_t millionths)
{
    return size >= CS_SECOND ? size / CS_SECOND * millionths
                             : (size * millionths + CS_SECOND / 2) / CS_SECOND;
}

/* Read a number and its unit. */
static bool
take_amount(const char **at, int64_t *micros)
{
    int64_t whole, fraction = 0, size;
    char name[UNIT_NAME_SIZE];

    if (!take_number(at, 1, 15, &whole) || (take(at, '.') && !take_fraction(at, &fraction)) ||
        !take_name(at, name))
        return false;
    size = find_unit(interval_units, name);
    return size > 0 && !__builtin_mul_overflow(whole, size, micros) &&
           !__builtin_add_overflow(*micros, fraction_of(size, fraction), micros);
}

exit_status
refuse_gap_argument(const char *option, const char *text)
{
    return refuse_argument(option, text, "an interval longer than zero",
                           "Give it in days or smaller units, as 5 min, 1 hour 30 min or "
                           "00:05:00; a day is 24 hours.");
}

exit_status
parse_gap_argument(const char *option, const char *text, int64_t *gap)
{
    const char *at = text;
    int64_t sum = 0;
    bool good = true;

    while (*at == ' ')
        at++;
    do
    {
        const char *digits = at + strspn(at, "0123456789");
        int64_t part;

        good = (*digits == ':' ? take_clock(&at, 9, &part) : take_amount(&at, &part)) &&
               !__builtin_add_overflow(sum, part, &sum);
        while (*at == ' ')
            at++;
    } while (good && *at != '\0');
    if (!good || sum <= 0)
        return refuse_gap_argument(option, text);
    *gap = sum;
    return STATUS_OK;
}

exit_status
check_jobs_argument(int64_t jobs)
{
    if (jobs >= 1 && jobs <= MAX_JOBS)
        return STATUS_OK;
    log_error("invalid argument \"%" PRId64 "\" of option \"--jobs\": not from 1 to %d", jobs,
              MAX_JOBS);
    if (jobs > MAX_JOBS)
        log_hint("One job for each processor is the most that makes it faster.");
    return STATUS_USAGE;
}

exit_status
check_prefix_argument(const char *option, const char *text)
{
    const char *rest = text + strspn(text, "/");
    size_t len = strlen(rest);

    if (rest == text + 1 && rest[len - 1] != '/')
        return STATUS_OK;
    report_argument(option, text, "a path that begins with one slash and ends with none");
    while (len > 0 && rest[len - 1] == '/')
        len--;
    if (len > 0)
        log_hint("Write \"/%.*s\".", (int) len, rest);
    else
        log_hint("Where paths have no prefix the option is left out.");
    return STATUS_USAGE;
}

exit_status
parse_size_argument(const char *option, const char *text, size_t *size)
{
    static const unit units[] = {{"", 1},         {"B", 1},
                                 {"kB", 1 << 10}, {"MB", 1 << 20},
                                 {"GB", 1 << 30}, {"TB", INT64_C(1) << 40},
                                 {"k", 1 << 10},  {"M", 1 << 20},
                                 {"G", 1 << 30},  {"T", INT64_C(1) << 40},
                                 {NULL, 0}};
    const char *at = text;
    char name[UNIT_NAME_SIZE];
    int64_t number, unit_size = 0;

    if (take_number(&at, 1, 15, &number) && take_name(&at, name) && *at == '\0')
        unit_size = find_unit(units, name);
    if (unit_size == 0 || __builtin_mul_overflow(number, unit_size, &number))
        return refuse_argument(option, text, "a size", "Give it as 256MB or 2GB.");
    *size = (size_t) number;
    return STATUS_OK;
}
