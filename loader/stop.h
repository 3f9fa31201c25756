/*
 * loader/stop.h
 *     SIGINT and SIGTERM set a flag, which every loop polls.
 */
#ifndef LOADER_STOP_H
#define LOADER_STOP_H

#include "base.h"

#include <poll.h>
#include <stdbool.h>

/* Catch the signals. SIGPIPE and SIGXFSZ are ignored: the write fails instead. */
void stop_install(void);

/* True once a signal has asked the program to stop. */
bool stop_requested(void);

/* Forget a signal: who was asked to stop ends its work in order, until another one comes. */
void stop_forget(void);

/*
 * While immediate is set a signal ends the program at once, with the exit code
 * of an interrupt: for calls that cannot be polled and leave nothing behind.
 */
void stop_immediately(bool immediate);

/*
 * From now on no signal ends the program at once, whatever stop_immediately says: for a
 * program whose threads make such calls, each of a few seconds at most.
 */
void stop_in_order(void);

/* What wait_for found. */
typedef enum wait_result
{
    WAIT_READY,
    WAIT_STOPPED,
    WAIT_TIMEOUT
} wait_result;

/*
 * Wait until fd is ready for any of the poll(2) events, a signal asks to stop,
 * or milliseconds have passed (-1: no limit).
 */
wait_result wait_for(int fd, short events, int milliseconds);

/* An environment for core: malloc, and the stop flag. */
const cs_env *loader_env(void);

#endif
