/*
 * loader/stop.c
 *     The stop flag, which signals set.
 */
#include "stop.h"

#include "log.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Atomic: a signal may come in any thread. */
static atomic_int stop_flag;
static atomic_int stop_at_once;

/* Set before there are threads: what stop_immediately says does not count. */
static volatile sig_atomic_t stop_in_turn;

/* Note that we should stop. */
static void
handle_signal(int signal_number)
{
    (void) signal_number;
    if (stop_at_once && !stop_in_turn)
    {
        log_interrupted_at_once();
        _exit(STATUS_INTERRUPTED);
    }
    stop_flag = 1;
}

void
stop_install(void)
{
    struct sigaction action = {.sa_handler = handle_signal}; /* no SA_RESTART: reads must return */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* as by nohup */
        sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL);
}

bool
stop_requested(void)
{
    return stop_flag != 0;
}

void
stop_forget(void)
{
    stop_flag = 0;
}

void
stop_immediately(bool immediate)
{
    stop_at_once = immediate;
}

void
stop_in_order(void)
{
    stop_in_turn = 1;
}

wait_result
wait_for(int fd, short events, int milliseconds)
{
    log_flush();
    /* A signal just before poll would go unnoticed: so wait in short steps. */
    for (int waited = 0; milliseconds < 0 || waited < milliseconds;
         waited += STOP_POLL_MILLISECONDS)
    {
        struct pollfd ready = {.fd = fd, .events = events};
        int left = milliseconds < 0 ? STOP_POLL_MILLISECONDS : milliseconds - waited;

        if (stop_requested())
            return WAIT_STOPPED;
        if (poll(&ready, 1, left < STOP_POLL_MILLISECONDS ? left : STOP_POLL_MILLISECONDS) > 0)
            return WAIT_READY;
    }
    return WAIT_TIMEOUT;
}

/* cs_env on the stop flag. */
static bool
should_stop(void *ctx)
{
    (void) ctx;
    return stop_requested();
}

/* cs_env on realloc. */
static void *
resize_memory(void *ctx, void *old, size_t old_size, size_t size)
{
    (void) ctx;
    (void) old_size;
    return realloc(old, size);
}

/* cs_env on free. */
static void
release_memory(void *ctx, void *memory)
{
    (void) ctx;
    free(memory);
}

const cs_env *
loader_env(void)
{
    static const cs_env env = {resize_memory, release_memory, should_stop, NULL};

    return &env;
}
