/*
 * loader/clock.h
 *     What time it is, as one number.
 */
#ifndef LOADER_CLOCK_H
#define LOADER_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_SECOND INT64_C(1000000000) /* in its unit */

/* A clock's time in nanoseconds. */
int64_t clock_now(clockid_t clock);

/* A time as nanoseconds. */
int64_t clock_of(const struct timespec *time);

/* The seconds that have passed since an earlier clock_now(CLOCK_MONOTONIC). */
double clock_seconds_since(int64_t start);

#endif
