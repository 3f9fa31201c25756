/*
 * loader/argument.h
 *     What arguments on the command line mean.
 */
#ifndef LOADER_ARGUMENT_H
#define LOADER_ARGUMENT_H

#include "defaults.h"
#include "time_zone.h"

/*
 * Each reports text that it does not take, as the argument of the option named, and
 * returns STATUS_USAGE.
 */

/*
 * A date, or date and time ("T" or a space between; seconds and fraction may be
 * missing), with an offset or in the zone; infinity and -infinity.
 */
exit_status parse_time_argument(const char *option, const char *text, const cs_zone *zone,
                                cs_time *time);

/* An interval longer than zero, without months or years: 5 min, 1.5 hours, 00:05:00, 300. */
exit_status parse_gap_argument(const char *option, const char *text, int64_t *gap);

/* The same complaints about what a server could not read. */
exit_status refuse_time_argument(const char *option, const char *text);
exit_status refuse_gap_argument(const char *option, const char *text);

/* A number of jobs: from 1 to MAX_JOBS. */
exit_status check_jobs_argument(int64_t jobs);

/* A prefix of paths: begins with one slash, ends with none. */
exit_status check_prefix_argument(const char *option, const char *text);

/* A size: 256MB, 1GB, 64 MB; without a unit bytes. Units count by 1024. */
exit_status parse_size_argument(const char *option, const char *text, size_t *size);

#endif
