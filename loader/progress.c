/*
 * loader/progress.c
 *     How far a command has come: counters, and the thread that shows them.
 *
 * Whoever works adds to two atomic counters. The thread wakes up a few times a
 * second, reads them, and prints; it takes no signals, so that they interrupt
 * those who wait for something. progress_begin and progress_end are for one
 * thread at a time, and do not nest.
 */
#include "progress.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DRAW_MILLISECONDS 250
#define JSON_MILLISECONDS 1000
#define LINE_COLUMNS 79 /* leaves the last column free, where some terminals wrap */
#define SHORT_TEXT 32
#define MAX_SECONDS_LEFT 3.6e8 /* beyond 100,000 hours it is anybody's guess */

/* The one job that is shown. */
static struct
{
    const char *verb;
    atomic_int_fast64_t total_bytes; /* -1: unknown */
    struct timespec started;
    atomic_int_fast64_t rows;
    atomic_int_fast64_t bytes;

    /* The thread that shows it */
    bool json;
    bool running;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
} job = {.lock = PTHREAD_MUTEX_INITIALIZER};

static progress_mode mode_in_use;

/* How far the job is at one moment. */
typedef struct progress_state
{
    int64_t rows;
    int64_t bytes;
    int64_t total_bytes; /* -1: unknown */
    double seconds;
    double rate;    /* rows a second, on average */
    double percent; /* -1: unknown, as the next one */
    double seconds_left;
} progress_state;

void
progress_set_mode(progress_mode mode)
{
    mode_in_use = mode;
}

void
progress_add(int64_t rows, int64_t bytes)
{
    atomic_fetch_add_explicit(&job.rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&job.bytes, bytes, memory_order_relaxed);
}

void
progress_skip(int64_t bytes)
{
    if (atomic_load_explicit(&job.total_bytes, memory_order_relaxed) >= 0)
        atomic_fetch_sub_explicit(&job.total_bytes, bytes, memory_order_relaxed);
}

/* Look at the counters. */
static progress_state
read_state(bool done)
{
    progress_state state = {.percent = -1, .seconds_left = -1};

    state.rows = atomic_load_explicit(&job.rows, memory_order_relaxed);
    state.bytes = atomic_load_explicit(&job.bytes, memory_order_relaxed);
    state.total_bytes = atomic_load_explicit(&job.total_bytes, memory_order_relaxed);
    state.seconds = clock_seconds_since(clock_of(&job.started));
    if (state.seconds > 0)
        state.rate = (double) state.rows / state.seconds;
    if (state.total_bytes < 0)
        return state;
    state.percent =
        state.total_bytes > 0 ? 100.0 * (double) state.bytes / (double) state.total_bytes : 100;
    if (state.percent > 100) /* a file that grows */
        state.percent = 100;
    if (done)
        state.seconds_left = 0;
    else if (state.bytes > 0)
        state.seconds_left = state.seconds * (100 - state.percent) / state.percent;
    if (state.seconds_left > MAX_SECONDS_LEFT)
        state.seconds_left = -1;
    return state;
}

/* Write a number in three digits or so, and what it counts in. */
static void
format_scaled(double number, const char *const *units, double step, char text[SHORT_TEXT])
{
    int unit = 0;

    while (number >= 999.5 && units[unit + 1] != NULL)
    {
        number /= step;
        unit++;
    }
    snprintf(text, SHORT_TEXT, unit > 0 && number < 9.95 ? "%.1f%s" : "%.0f%s", number,
             units[unit]);
}

/* Write a number of bytes. */
static void
format_bytes(int64_t bytes, char text[SHORT_TEXT])
{
    static const char *const units[] = {" B", " kB", " MB", " GB", " TB", " PB", NULL};

    format_scaled((double) bytes, units, 1024, text);
}

/* Write a number of rows a second. */
static void
format_rate(double rate, char text[SHORT_TEXT])
{
    static const char *const units[] = {"", " k", " M", " G", NULL};

    format_scaled(rate, units, 1000, text);
}

/* Write a time as 1:05 or 2:00:05. */
static void
format_duration(double seconds, char text[SHORT_TEXT])
{
    int64_t whole = (int64_t) (seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, SHORT_TEXT, "%" PRId64 ":%02d:%02d", whole / 3600, (int) (whole / 60 % 60),
                 (int) (whole % 60));
    else
        snprintf(text, SHORT_TEXT, "%d:%02d", (int) (whole / 60), (int) (whole % 60));
}

/* The columns that the line may take. */
static int
line_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 &&
        size.ws_col - 1 < LINE_COLUMNS)
        return size.ws_col - 1;
    return LINE_COLUMNS;
}

/* Draw the line. */
static void
draw_line(void)
{
    progress_state state = read_state(false);
    char bytes[SHORT_TEXT], total[SHORT_TEXT] = "", rate[SHORT_TEXT], left[SHORT_TEXT];
    char line[256];
    int len;

    format_bytes(state.bytes, bytes);
    format_rate(state.rate, rate);
    if (state.total_bytes >= 0)
        format_bytes(state.total_bytes, total);
    len = snprintf(line, sizeof(line), "%s: %" PRId64 " rows, %s%s%s", job.verb, state.rows, bytes,
                   total[0] != '\0' ? " of " : "", total);
    if (state.percent >= 0)
        len += snprintf(line + len, sizeof(line) - (size_t) len, " (%d %%)", (int) state.percent);
    len += snprintf(line + len, sizeof(line) - (size_t) len, ", %s rows/s", rate);
    format_duration(state.seconds_left >= 0 ? state.seconds_left : state.seconds, left);
    snprintf(line + len, sizeof(line) - (size_t) len, ", %s%s", left,
             state.seconds_left >= 0 ? " left" : "");
    line[line_columns()] = '\0';
    log_show_status(line);
}

/* Write a number with a digit behind the point, null where it is unknown. */
static void
format_number(double number, char text[SHORT_TEXT])
{
    if (number >= 0)
        snprintf(text, SHORT_TEXT, "%.1f", number);
    else
        snprintf(text, SHORT_TEXT, "null");
}

/* Print a line of JSON. */
static void
print_line(bool done)
{
    progress_state state = read_state(done);
    char total[SHORT_TEXT] = "null", percent[SHORT_TEXT], left[SHORT_TEXT];
    char line[512];
    int len;

    if (state.total_bytes >= 0)
        snprintf(total, sizeof(total), "%" PRId64, state.total_bytes);
    format_number(state.percent, percent);
    format_number(state.seconds_left, left);
    len = snprintf(line, sizeof(line),
                   "{\"progress\":\"%s\",\"rows\":%" PRId64 ",\"bytes\":%" PRId64
                   ",\"total_bytes\":%s,\"percent\":%s,\"rows_per_second\":%.0f,\"seconds\":%.1f,"
                   "\"seconds_left\":%s,\"done\":%s}\n",
                   job.verb, state.rows, state.bytes, total, percent, state.rate, state.seconds,
                   left, done ? "true" : "false");
    log_raw(line, (size_t) len);
}

/* The moment some milliseconds after another. */
static struct timespec
later(struct timespec moment, long milliseconds)
{
    moment.tv_nsec += milliseconds % 1000 * 1000000;
    moment.tv_sec += milliseconds / 1000 + moment.tv_nsec / 1000000000;
    moment.tv_nsec %= 1000000000;
    return moment;
}

/* The thread: show how far the job is, until it ends. */
static void *
show(void *unused)
{
    struct timespec next = job.started;

    (void) unused;
    pthread_mutex_lock(&job.lock);
    while (!job.end)
    {
        next = later(next, job.json ? JSON_MILLISECONDS : DRAW_MILLISECONDS);
        while (!job.end && pthread_cond_timedwait(&job.ended, &job.lock, &next) != ETIMEDOUT)
            ;
        if (job.end)
            break;
        if (job.json)
            print_line(false);
        else
            draw_line();
        clock_gettime(CLOCK_MONOTONIC, &next); /* a slow terminal is not caught up with */
    }
    pthread_mutex_unlock(&job.lock);
    return NULL;
}

/* Start the thread, with all signals blocked; without it nothing is shown. */
static void
start_thread(void)
{
    pthread_condattr_t attributes;
    sigset_t all, before;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&job.ended, &attributes);
    pthread_condattr_destroy(&attributes);
    job.end = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    job.running = pthread_create(&job.thread, NULL, show, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!job.running)
        pthread_cond_destroy(&job.ended);
}

void
progress_begin(const char *verb, int64_t total_bytes)
{
    progress_end();
    job.verb = verb;
    atomic_store(&job.total_bytes, total_bytes);
    atomic_store(&job.rows, 0);
    atomic_store(&job.bytes, 0);
    clock_gettime(CLOCK_MONOTONIC, &job.started);
    job.json = mode_in_use == PROGRESS_JSON;
    if (job.json ||
        (mode_in_use == PROGRESS_AUTO && log_get_format() == LOG_TEXT && isatty(STDERR_FILENO)))
        start_thread();
}

void
progress_end(void)
{
    if (!job.running)
        return;
    pthread_mutex_lock(&job.lock);
    job.end = true;
    pthread_cond_signal(&job.ended);
    pthread_mutex_unlock(&job.lock);
    pthread_join(job.thread, NULL);
    pthread_cond_destroy(&job.ended);
    job.running = false;
    if (job.json)
        print_line(true);
    else
        log_show_status(NULL);
}
