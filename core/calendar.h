/*
 * core/calendar.h
 *     Instants: microseconds since 2000-01-01 00:00:00 UTC, in the proleptic
 *     Gregorian calendar, as text and back.
 *
 * The epoch is PostgreSQL's, because its last timestamp (the year 294276)
 * does not fit 64 bits when counted from 1970.
 */
#ifndef CS_CALENDAR_H
#define CS_CALENDAR_H

#include "base.h"

typedef int64_t cs_time; /* microseconds since 2000-01-01 00:00:00 UTC */

#define CS_MILLISECOND INT64_C(1000)
#define CS_SECOND INT64_C(1000000)
#define CS_MINUTE (60 * CS_SECOND)
#define CS_HOUR (60 * CS_MINUTE)
#define CS_DAY (24 * CS_HOUR)

/* Microseconds from the Unix epoch to ours. */
#define CS_UNIX_OFFSET (INT64_C(946684800) * CS_SECOND)

/* The instants PostgreSQL can hold: 4714-11-24 BC up to, not including, 294277-01-01. */
#define CS_TIME_MIN INT64_C(-211813488000000000)
#define CS_TIME_END INT64_C(9223371331200000000)

/* The dates PostgreSQL can hold, in days since 2000-01-01: 4714-11-24 BC up to, not including,
   5874898-01-01. */
#define CS_DATE_MIN INT64_C(-2451545)
#define CS_DATE_END INT64_C(2145031949)

/* True if a timestamptz can hold the instant. */
static inline bool
cs_time_valid(cs_time time)
{
    return time >= CS_TIME_MIN && time < CS_TIME_END;
}

/* What cs_time_parse takes beside RFC 3339. */
typedef enum cs_time_style
{
    CS_TIME_RFC3339, /* 'T', offset required: the grammar of a log line */
    CS_TIME_STATE,   /* 'T', 'Z', years beyond four digits signed: what cs_time_format writes */
    CS_TIME_CSV      /* 'T' or a space, 'UTC' or an offset or nothing (UTC) */
} cs_time_style;

#define CS_TIME_TEXT_SIZE 40

/* Write time as 2024-03-10T08:00:00[.ffffff]Z; return the length. */
size_t cs_time_format(cs_time time, char text[CS_TIME_TEXT_SIZE]);

/*
 * Read an instant. CS_ERR_DATA, with the reason as message, for text that is
 * not one; an offset is honoured.
 */
cs_code cs_time_parse(cs_slice text, cs_time_style style, cs_time *time, cs_error *err);

/* The same of the form that web servers write: 10/Mar/2024:08:00:00 +0800, in English. */
cs_code cs_time_parse_web(cs_slice text, cs_time *time, cs_error *err);

/* Days from 2000-01-01 to a date (month 1-12), and back. */
int64_t cs_days_from_date(int64_t year, int month, int day);
void cs_date_from_days(int64_t days, int64_t *year, int *month, int *day);

#endif
