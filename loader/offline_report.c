/*
 * loader/offline_report.c
 *     The report without a server.
 *
 * 1. Threads share the files chunk by chunk. Each puts the events it reads on piles of
 *    its own, by the hash of their user (offline_events.c, offline_piles.c).
 * 2. Threads share the piles: one takes a pile's events from all threads, tells the users
 *    apart, makes their sessions and renders the rows (offline_sessions.c).
 * 3. The rows, sorted by user in each thread, are merged (offline_lines.c).
 *
 * Memory: what is allowed, less what the program and each thread's buffers take, is shared
 * out: half of it to events on piles, a quarter to rows, an eighth to the pile that is
 * being worked on; the rest is kept back for what is rounded up. What does not fit goes to
 * temporary files.
 */
#include "offline_report.h"

#include "log.h"
#include "argument.h"
#include "offline_events.h"
#include "offline_mapping.h"
#include "offline_sessions.h"
#include "progress.h"
#include "session_history.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#define MEGABYTE ((size_t) 1024 * 1024)
#define MIN_MEMORY_PER_JOB (16 * MEGABYTE)
#define OWN_MEMORY (6 * MEGABYTE)         /* of the program */
#define OWN_MEMORY_PER_JOB (5 * MEGABYTE) /* blocks and buffers */

typedef struct offline_job offline_job;

/* The report; as report_rows it hands out what was made. */
typedef struct offline_report
{
    report_rows base;
    session_question question;
    event_reading reading;
    offline_input input;
    bool has_input;
    offline_job *jobs;
    int num_jobs;
    pile_set **sets; /* of all jobs */
    atomic_size_t next_pile;
    atomic_bool failed; /* a job did; the others may stop */
    size_t memory;
    uint64_t seed;

    /* Handing out */
    lines_merge merge;
    user_lines lines; /* of which rows are left, where they were not rendered */
    report_clock clock;
    cs_buffer scratch;
    int64_t *ids;
    size_t ids_capacity;
    size_t next_pair; /* of the map */
} offline_report;

/* What one thread works with. */
struct offline_job
{
    offline_report *report;
    input_reader *reader;
    pile_set piles;
    session_maker maker;
    exit_status (*work)(offline_job *job);
    exit_status status;
    pthread_t thread;
};

/* First phase: read. */
static exit_status
read_events(offline_job *job)
{
    return events_read(job->reader, &job->report->reading, &job->piles);
}

/* Second phase: make sessions of pile after pile. */
static exit_status
make_sessions(offline_job *job)
{
    offline_report *report = job->report;
    size_t number;

    while ((number = atomic_fetch_add(&report->next_pile, 1)) < NUM_PILES)
    {
        if (atomic_load(&report->failed))
            return STATUS_OK;
        STATUS_TRY(sessions_make(&job->maker, report->sets, report->num_jobs, number, 0));
    }
    return lines_store_finish(&job->maker.store);
}

/* A thread's main function. */
static void *
run_job(void *ctx)
{
    offline_job *job = ctx;

    job->status = job->work(job);
    if (job->status != STATUS_OK)
        atomic_store(&job->report->failed, true);
    return NULL;
}

/* Run a phase in all threads, this one included. */
static exit_status
run_phase(offline_report *report, exit_status (*work)(offline_job *job))
{
    exit_status status = STATUS_OK;
    int started = 1;

    for (int i = 0; i < report->num_jobs; i++)
    {
        report->jobs[i].work = work;
        report->jobs[i].status = STATUS_OK;
    }
    for (; started < report->num_jobs; started++)
        if (pthread_create(&report->jobs[started].thread, NULL, run_job, &report->jobs[started]) !=
            0)
            break; /* fewer do the same work */
    run_job(&report->jobs[0]);
    for (int i = 1; i < started; i++)
        pthread_join(report->jobs[i].thread, NULL);
    for (int i = 0; i < report->num_jobs; i++)
        if (status == STATUS_OK)
            status = report->jobs[i].status;
    return status == STATUS_OK && stop_requested() ? STATUS_INTERRUPTED : status;
}

/* The number of threads: as many as asked for, else one for each processor we may use. */
static exit_status
choose_jobs(const offline_settings *settings, int *jobs)
{
    cpu_set_t set;

    if (settings->jobs != OFFLINE_JOBS_CHOSEN)
    {
        STATUS_TRY(check_jobs_argument(settings->jobs));
        *jobs = (int) settings->jobs;
        return STATUS_OK;
    }
    *jobs = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    if (*jobs > MAX_JOBS)
        *jobs = MAX_JOBS;
    return STATUS_OK;
}

/* The memory allowed; with few, there are fewer threads unless they were asked for. */
static exit_status
choose_memory(const offline_settings *settings, offline_report *report)
{
    const char *text = settings->memory != NULL ? settings->memory : DEFAULT_REPORT_MEMORY;
    size_t least;

    STATUS_TRY(parse_size_argument("memory", text, &report->memory));
    while (settings->jobs == OFFLINE_JOBS_CHOSEN && report->num_jobs > 1 &&
           report->memory < MIN_MEMORY_PER_JOB * (size_t) report->num_jobs)
        report->num_jobs--;
    least = MIN_MEMORY_PER_JOB * (size_t) report->num_jobs;
    if (report->memory >= least)
        return STATUS_OK;
    log_error("invalid argument \"%s\" of option \"--memory\": less than %zuMB", text,
              least / MEGABYTE);
    log_hint("Each of the %d jobs needs %zuMB.", report->num_jobs, MIN_MEMORY_PER_JOB / MEGABYTE);
    return STATUS_USAGE;
}

/* Read what the options say. */
static exit_status
read_question(const offline_settings *settings, const report_question *question,
              offline_report *report)
{
    session_question *to = &report->question;

    to->overlap = question->overlap;
    to->pairs = question->pairs;
    to->since = INT64_MIN;
    to->until = INT64_MAX;
    to->gap = CS_DEFAULT_GAP;
    STATUS_TRY(report_zone_find(question->timezone, &to->zone));
    if (question->since != NULL)
        STATUS_TRY(parse_time_argument("from", question->since, &to->zone, &to->since));
    if (question->until != NULL)
        STATUS_TRY(parse_time_argument("to", question->until, &to->zone, &to->until));
    if (question->gap != NULL)
        STATUS_TRY(parse_gap_argument("gap", question->gap, &to->gap));
    STATUS_TRY(line_format_choose(&report->reading.format, settings->format, "input-format"));
    if (settings->prefix != NULL)
        STATUS_TRY(check_prefix_argument("path-prefix", settings->prefix));
    report->reading.prefix = cs_slice_of(settings->prefix != NULL ? settings->prefix : "");
    STATUS_TRY(choose_jobs(settings, &report->num_jobs));
    STATUS_TRY(choose_memory(settings, report));
    if (settings->mapping != NULL)
        return mapping_read(settings->mapping, &to->map);
    log_warning("no mapping was given: no reward counts as driven by a view");
    log_hint("\"--mapping FILE\" names the campaigns' rewards.");
    return STATUS_OK;
}

/* Check the files: those that are missing are told before any is read. */
static exit_status
check_files(const offline_settings *settings)
{
    const operand_list *files = settings->files;
    file_identity rejects = file_identify(settings->rejects != NULL ? settings->rejects : "");
    int inputs = 0;

    for (int i = 0; i < files->count; i++)
    {
        const char *name = files->items[i];
        file_identity file = file_identify(name);
        struct stat info;

        if (strcmp(name, "-") == 0)
        {
            inputs++;
            continue;
        }
        if (stat(name, &info) != 0)
        {
            log_error("could not open \"%s\": %s", name, strerror(errno));
            return STATUS_REFUSED;
        }
        if (settings->rejects != NULL && file_identity_same(&file, &rejects))
        {
            log_error("\"%s\" is to be read and written", settings->rejects);
            return STATUS_USAGE;
        }
    }
    if (inputs <= 1)
        return STATUS_OK;
    log_error("standard input can be read only once");
    return STATUS_USAGE;
}

/* Set up the threads' things. */
static exit_status
make_jobs(offline_report *report)
{
    int count = report->num_jobs;
    size_t share = (report->memory - OWN_MEMORY) / (size_t) count - OWN_MEMORY_PER_JOB;

    report->num_jobs = 0;
    report->jobs = calloc((size_t) count, sizeof(offline_job));
    report->sets = calloc((size_t) count, sizeof(pile_set *));
    if (report->jobs == NULL || report->sets == NULL)
        return log_out_of_memory();
    if (getrandom(&report->seed, sizeof(report->seed), 0) != sizeof(report->seed))
        report->seed = 0; /* it keeps off who would choose users of one hash, no more */
    for (; report->num_jobs < count; report->num_jobs++)
    {
        offline_job *job = &report->jobs[report->num_jobs];

        job->report = report;
        job->reader = &report->input.readers[report->num_jobs];
        pile_set_init(&job->piles, report->seed, 0, share / 2);
        session_maker_init(&job->maker, &report->question, report->seed, share / 8, share / 4);
        report->sets[report->num_jobs] = &job->piles;
    }
    return STATUS_OK;
}

/* Make each thread count driven pairs. */
static exit_status
make_counts(offline_report *report)
{
    for (int i = 0; i < report->num_jobs; i++)
    {
        session_maker *maker = &report->jobs[i].maker;

        maker->pairs = calloc(report->question.map.count + 1, sizeof(int64_t));
        if (maker->pairs == NULL)
            return log_out_of_memory();
    }
    return STATUS_OK;
}

/* Say what was read of each file. */
static void
print_summary(const offline_input *input)
{
    for (int i = 0; i < input->num_files; i++)
    {
        const input_counts *counts = &input->counts[i];

        log_summary("%s: read %" PRId64 " %s = %" PRId64 " used + %" PRId64
                    " without a user + %" PRId64 " without a time + %" PRId64 " rejected",
                    input->names[i], counts->read, counts->read == 1 ? "request" : "requests",
                    counts->events, counts->without_user, counts->without_time, counts->rejected);
    }
    if (input->rejects.count > 0)
        log_summary("rejects are in %s", input->rejects.name);
}

/* Read the files and make all rows. */
static exit_status
make_rows(offline_report *report, const offline_settings *settings)
{
    lines_store **stores;
    exit_status status;

    report->has_input = true;
    STATUS_TRY(offline_input_open(&report->input, settings->files->items, settings->files->count,
                                  report->num_jobs, settings->max_rejects, settings->rejects));
    if (report->reading.format.kind == LINE_PLAIN)
        report->input.budget.format_option = "input-format";
    STATUS_TRY(make_jobs(report));
    if (report->question.pairs)
        STATUS_TRY(make_counts(report));
    progress_begin("reading", file_total_bytes(settings->files->items, settings->files->count));
    STATUS_TRY(run_phase(report, read_events));
    progress_end();
    print_summary(&report->input);
    report->has_input = false;
    STATUS_TRY(offline_input_close(&report->input, STATUS_OK));
    STATUS_TRY(run_phase(report, make_sessions));
    for (int i = 0; i < report->num_jobs; i++)
        pile_set_free(&report->jobs[i].piles);
    stores = calloc((size_t) report->num_jobs, sizeof(lines_store *));
    if (stores == NULL)
        return log_out_of_memory();
    for (int i = 0; i < report->num_jobs; i++)
    {
        pile_set_init(&report->jobs[i].piles, 0, 0, 0);
        stores[i] = &report->jobs[i].maker.store;
    }
    status =
        lines_merge_open(&report->merge, stores, (size_t) report->num_jobs, report->memory / 4);
    free(stores);
    return status;
}

/* report_rows_ops.next */
static exit_status
next(report_rows *base, report_row *row, bool *end)
{
    offline_report *report = (offline_report *) base;
    report_session session;
    cs_error err;

    *end = false;
    if (report->lines.rows.len == 0)
        STATUS_TRY(lines_merge_next(&report->merge, &report->lines, end));
    if (*end)
        return STATUS_OK;
    session.user = report->lines.user;
    if (session_unpack(&report->lines.rows, &session, &report->ids, &report->ids_capacity, &err) !=
            CS_OK ||
        report_row_render(&report->clock, &session, &report->scratch, row, &err) != CS_OK)
        return log_core_error(&err, NULL);
    return STATUS_OK;
}

/* report_rows_ops.next_lines */
static exit_status
next_lines(report_rows *base, cs_slice *lines, bool *end)
{
    offline_report *report = (offline_report *) base;

    if (stop_requested())
        return STATUS_INTERRUPTED;
    STATUS_TRY(lines_merge_next(&report->merge, &report->lines, end));
    *lines = report->lines.rows;
    return STATUS_OK;
}

/* report_rows_ops.next_pair */
static exit_status
next_pair(report_rows *base, report_pair *pair, bool *end)
{
    offline_report *report = (offline_report *) base;
    const cs_map *map = &report->question.map;

    while (report->next_pair < map->count)
    {
        size_t position = report->next_pair++;

        *pair = (report_pair){.campaign = map->pairs[position].campaign,
                              .reward = map->pairs[position].reward};
        for (int i = 0; i < report->num_jobs; i++)
            pair->sessions += report->jobs[i].maker.pairs[position];
        if (pair->sessions > 0)
            return STATUS_OK;
    }
    *end = true;
    return STATUS_OK;
}

/* report_rows_ops.close */
static void
close_rows(report_rows *base)
{
    offline_report *report = (offline_report *) base;

    if (report->has_input)
        offline_input_close(&report->input, report->input.status);
    for (int i = 0; i < report->num_jobs && report->jobs != NULL; i++)
    {
        pile_set_free(&report->jobs[i].piles);
        session_maker_free(&report->jobs[i].maker);
    }
    free(report->jobs);
    free(report->sets);
    lines_merge_close(&report->merge);
    cs_buffer_free(&report->scratch);
    cs_map_free(&report->question.map);
    cs_zone_free(&report->question.zone);
    free(report->ids);
    free(report);
}

static const report_rows_ops ops = {next, next_lines, next_pair, close_rows};

exit_status
offline_report_open(const offline_settings *settings, const report_question *question,
                    const report_ops *format, report_rows **out)
{
    offline_report *report = calloc(1, sizeof(offline_report));
    exit_status status;

    if (report == NULL)
        return log_out_of_memory();
    report->base.ops = &ops;
    report->base.renders = format->render != NULL;
    report->question.render = format->render;
    cs_buffer_init(&report->scratch, loader_env());
    cs_map_init(&report->question.map, loader_env());
    status = check_files(settings);
    if (status == STATUS_OK)
        status = read_question(settings, question, report);
    if (status == STATUS_OK)
    {
        report_clock_init(&report->clock, &report->question.zone);
        status = make_rows(report, settings);
    }
    if (status == STATUS_OK)
        *out = &report->base;
    else
        close_rows(&report->base);
    return status;
}
