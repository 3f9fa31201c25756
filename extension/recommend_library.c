/*
 * extension/recommend_library.c
 *     Loading the library that holds OpenBLAS.
 *
 * OpenBLAS starts threads when it is loaded and when their number grows. A thread that
 * took one of the server's signals would run its handlers, so all signals are blocked
 * meanwhile: threads inherit that. One thread only needs none beside our own.
 */
#include "postgres.h"

#include <signal.h>

#include "fmgr.h"

#include "compat.h"
#include "recommend.h"

#define THREADS_VARIABLE "OPENBLAS_NUM_THREADS"

/* Load the library with every signal blocked and no threads asked for. */
static cs_invert
load_library(void)
{
    const char *given = getenv(THREADS_VARIABLE);
    sigset_t all, before;
    cs_invert found = NULL;

    if (given == NULL)
        setenv(THREADS_VARIABLE, "1", 1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    PG_TRY();
    {
        found = (cs_invert) load_external_function("$libdir/clickstream_algebra",
                                                   "clickstream_invert", true, NULL);
    }
    PG_FINALLY();
    {
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (given == NULL)
            unsetenv(THREADS_VARIABLE);
    }
    PG_END_TRY();
    return found;
}

cs_invert
recommend_invert(void)
{
    static cs_invert invert = NULL;

    if (invert == NULL)
        invert = load_library();
    return invert;
}
