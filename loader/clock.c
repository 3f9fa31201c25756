/*
 * loader/clock.c
 *     Reading clocks.
 */
#include "clock.h"

int64_t
clock_of(const struct timespec *time)
{
    return (int64_t) time->tv_sec * CLOCK_SECOND + time->tv_nsec;
}

int64_t
clock_now(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return clock_of(&now);
}

double
clock_seconds_since(int64_t start)
{
    return (double) (clock_now(CLOCK_MONOTONIC) - start) / (double) CLOCK_SECOND;
}
