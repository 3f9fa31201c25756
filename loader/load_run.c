/*
 * loader/load_run.c
 *     All files of a run: threads that take one batch after the other.
 *
 * One session coordinates: it plans files and holds their locks. Each job is a thread
 * with a session of its own. A thread that finds no batch left of the file in hand
 * plans the next file. When a failure may pass by itself, all threads end, and after a
 * while all that is not finished is planned anew by what the ledger says then; so it
 * does not matter whether a COMMIT whose answer was lost had happened.
 */
#include "load_batch.h"

#include "log.h"
#include "progress.h"
#include "stop.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_WAIT_MILLISECONDS 500
#define LONGEST_WAIT_MILLISECONDS 30000

typedef struct load_run
{
    const load_request *request;
    const operand_list *names;
    load_file *files;
    reject_budget budget;
    connection coordinator;
    int owner; /* the server's number of the coordinator's session */

    /* The threads share what follows. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a batch ended */
    int current;            /* the file in hand */
    int under_way;          /* batches */
    bool alone;             /* a batch that empties the table is under way */
    bool progressed;        /* a batch was committed in this attempt */
    bool transient;         /* the failure may pass by itself */
    exit_status status;     /* of the first failure */
    atomic_bool stop;
    atomic_bool said;
    FILE *rejects;           /* of batches that failed: JSON lines; NULL: none */
    int64_t rejects_written; /* to the file that is asked for */
} load_run;

/* A thread, and its session. */
typedef struct load_job
{
    load_run *run;
    connection server;
    pthread_t thread;
    bool started;
} load_job;

/* Note the first failure. */
static void
fail(load_run *run, exit_status status, bool transient)
{
    if (run->status == STATUS_OK)
    {
        run->status = status;
        run->transient = transient;
    }
    atomic_store(&run->stop, true);
    atomic_store(&run->said, true);
}

/* Wait until another thread's batch ends. */
static void
wait_for_batch(load_run *run)
{
    pthread_cond_wait(&run->changed, &run->lock);
}

/* Plan the file in hand, or where another loader has it wait for our own batches first. */
static void
plan_current(load_run *run)
{
    load_file *file = &run->files[run->current];
    bool alone = run->under_way == 0;
    bool busy = false;
    exit_status status =
        load_file_plan(file, run->request, &run->coordinator, run->names, alone, &busy);

    if (status != STATUS_OK)
        fail(run, status, run->coordinator.transient);
    else if (busy) /* who waits while he holds locks of his own may wait for ever */
        wait_for_batch(run);
    else
        run->budget.count += file->rejected_before + file->counts.rejected;
}

/* True if all files but this one are done. */
static bool
is_last(const load_run *run, const load_file *file)
{
    for (int i = 0; i < run->names->count; i++)
        if (&run->files[i] != file && run->files[i].state != FILE_DONE)
            return false;
    return true;
}

/* End a file of which nothing is left to be loaded. */
static void
end_file(load_run *run, load_file *file)
{
    exit_status status;

    if (is_last(run, file)) /* what is said now stands below all progress */
        progress_end();
    status = load_file_end(file, run->request, &run->coordinator);
    if (status != STATUS_OK)
        fail(run, status, run->coordinator.transient);
}

/* Take the next batch; false if there is none, or the run has failed. */
static bool
take_batch(load_run *run, load_batch *batch)
{
    while (!atomic_load(&run->stop) && run->current < run->names->count)
    {
        load_file *file = &run->files[run->current];

        if (file->state == FILE_DONE)
            run->current++;
        else if (run->alone)
            wait_for_batch(run);
        else if (file->state == FILE_WAITING)
            plan_current(run);
        else if (file->num_ranges == 0)
            end_file(run, file);
        else if (file->ranges_taken == file->num_ranges)
            run->current++;
        else
        {
            *batch = (load_batch){.request = run->request,
                                  .file = file,
                                  .range = &file->ranges[file->ranges_taken],
                                  .truncate = file->truncate &&
                                              (file->ranges_taken == 0 || run->request->dry_run),
                                  .owner = run->owner,
                                  .budget = &run->budget,
                                  .stop = &run->stop};
            if (batch->truncate && run->under_way > 0)
            {
                wait_for_batch(run);
                continue;
            }
            run->alone = batch->truncate;
            file->ranges_taken++;
            run->under_way++;
            return true;
        }
    }
    return false;
}

/* Keep the rejects of a batch that failed. */
static void
keep_rejects(load_run *run, FILE *rejects)
{
    char buffer[4096];
    size_t got;

    if (rejects == NULL)
        return;
    if (run->rejects == NULL)
        run->rejects = tmpfile();
    rewind(rejects);
    while (run->rejects != NULL && (got = fread(buffer, 1, sizeof(buffer), rejects)) > 0)
        fwrite(buffer, 1, got, run->rejects);
    if (run->rejects == NULL || fflush(run->rejects) != 0 || ferror(run->rejects) != 0)
        log_warning("could not keep the rejects of a batch that failed: %m");
    fclose(rejects);
}

/* Count a batch that was committed. */
static void
count_batch(load_file *file, const batch_outcome *outcome)
{
    row_counts *counts = &file->counts;

    counts->read += outcome->counts.read;
    counts->loaded += outcome->counts.loaded;
    counts->rejected += outcome->counts.rejected;
    counts->without_user += outcome->counts.without_user;
    file->bytes_ended += outcome->bytes;
    file->ranges_ended++;
    file->ranges_left--;
    if (file->known_load == 0)
        file->known_load = outcome->load_id;
    if (file->first_load == 0)
        file->first_load = outcome->load_id;
    if (outcome->load_id > file->last_load)
        file->last_load = outcome->load_id;
}

/* Let others load into a table that is emptied. */
static void
share_table(load_run *run, const load_file *file)
{
    exit_status status = connection_use_schema(&run->coordinator, file->table.ledger_schema, false);

    if (status == STATUS_OK)
        status = ledger_share(&run->coordinator, &file->table);
    if (status != STATUS_OK)
        fail(run, status, run->coordinator.transient);
}

/* Note what became of a batch. */
static void
end_batch(load_run *run, const load_batch *batch, exit_status status, bool transient,
          const batch_outcome *outcome)
{
    run->under_way--;
    run->alone = false;
    keep_rejects(run, outcome->rejects);
    if (status != STATUS_OK)
        fail(run, status, transient);
    else
    {
        run->progressed = true;
        count_batch(batch->file, outcome);
        if (batch->truncate && !run->request->dry_run)
            share_table(run, batch->file);
        if (batch->file->ranges_left == 0)
            end_file(run, batch->file);
    }
    pthread_cond_broadcast(&run->changed);
}

/* A thread: one batch after the other. */
static void *
work(void *ctx)
{
    load_job *job = ctx;
    load_run *run = job->run;
    load_batch batch;

    pthread_mutex_lock(&run->lock);
    while (take_batch(run, &batch))
    {
        batch_outcome outcome;
        exit_status status;

        pthread_mutex_unlock(&run->lock);
        job->server.transient = false;
        status = load_batch_run(&job->server, &batch, &outcome);
        pthread_mutex_lock(&run->lock);
        end_batch(run, &batch, status, job->server.transient, &outcome);
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

/* Ask for the number of the coordinator's session: the one that libpq knows may be a pooler's. */
static exit_status
ask_owner(load_run *run)
{
    PGresult *answer;

    STATUS_TRY(connection_query(&run->coordinator, "SELECT pg_catalog.pg_backend_pid()", 0, NULL,
                                &answer));
    run->owner = atoi(PQgetvalue(answer, 0, 0));
    PQclear(answer);
    return STATUS_OK;
}

/* Open the session that the others belong to. */
static exit_status
open_coordinator(load_run *run)
{
    STATUS_TRY(connection_open(&run->coordinator, run->request->connection));
    STATUS_TRY(connection_run(&run->coordinator, "SET idle_session_timeout = 0", 0, NULL));
    return ask_owner(run);
}

/* Open all sessions. */
static exit_status
open_sessions(load_run *run, load_job *jobs)
{
    exit_status status = open_coordinator(run);

    run->transient = run->coordinator.transient;
    for (int64_t i = 0; i < run->request->jobs && status == STATUS_OK; i++)
    {
        jobs[i].run = run;
        status = connection_open(&jobs[i].server, run->request->connection);
        jobs[i].server.said = &run->said;
        run->transient = jobs[i].server.transient;
    }
    run->coordinator.said = &run->said;
    return status;
}

/* Let the jobs work, the first one in this thread. */
static void
run_jobs(load_run *run, load_job *jobs)
{
    for (int64_t i = 1; i < run->request->jobs; i++)
        jobs[i].started = pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) == 0;
    work(&jobs[0]);
    for (int64_t i = 1; i < run->request->jobs; i++)
        if (jobs[i].started)
            pthread_join(jobs[i].thread, NULL);
}

/* Forget the plans of files that are not done, and what was done if it is not there any more. */
static exit_status
recall_files(load_run *run)
{
    run->budget.count = 0;
    for (int i = 0; i < run->names->count; i++)
    {
        load_file *file = &run->files[i];
        exit_status status = load_file_recall(file, run->request, &run->coordinator);

        run->transient = run->coordinator.transient;
        STATUS_TRY(status);
        if (file->state == FILE_DONE)
            run->budget.count += file->counts.rejected;
        else
            load_file_forget(file);
    }
    return STATUS_OK;
}

/* Try to load all that is left. */
static exit_status
attempt(load_run *run, bool is_first)
{
    load_job *jobs = calloc((size_t) run->request->jobs, sizeof(load_job));
    exit_status status;

    if (jobs == NULL)
        return log_out_of_memory();
    connection_close(&run->coordinator);
    run->current = 0;
    run->progressed = run->transient = false;
    run->status = STATUS_OK;
    atomic_store(&run->stop, false);
    atomic_store(&run->said, false);
    status = open_sessions(run, jobs);
    if (status == STATUS_OK)
        status = recall_files(run);
    if (status == STATUS_OK)
        run_jobs(run, jobs);
    else
    {
        run->status = status;
        run->transient = run->transient || !is_first; /* a server that was there comes back */
    }
    for (int64_t i = 0; i < run->request->jobs; i++)
        connection_close(&jobs[i].server);
    free(jobs);
    return run->status;
}

bool
load_wait_before(int64_t n, int64_t retries)
{
    int64_t longest = FIRST_WAIT_MILLISECONDS;
    int64_t chosen;
    struct timespec now;

    for (int64_t i = 1; i < n && longest < LONGEST_WAIT_MILLISECONDS; i++)
        longest *= 2;
    if (longest > LONGEST_WAIT_MILLISECONDS)
        longest = LONGEST_WAIT_MILLISECONDS;
    clock_gettime(CLOCK_MONOTONIC, &now);
    chosen = longest / 2 + now.tv_nsec % (longest / 2);
    log_warning("trying again in %.1f s (%" PRId64 " of %" PRId64 ")", (double) chosen / 1000, n,
                retries);
    return wait_for(-1, 0, (int) chosen) != WAIT_STOPPED;
}

/* Forget what an attempt that failed has left: all that it did not commit is done again. */
static void
forget_attempt(load_run *run)
{
    if (run->rejects != NULL)
        fclose(run->rejects);
    run->rejects = NULL;
    for (int i = 0; run->request->dry_run && i < run->names->count; i++)
        load_file_reset(&run->files[i]);
}

/* Try until it is done, or there is no hope. */
static exit_status
load_all(load_run *run)
{
    exit_status status = attempt(run, true);

    for (int64_t n = 1; status == STATUS_SERVER && run->transient && n <= run->request->retries;
         n++)
    {
        if (run->progressed)
            n = 1;
        if (!load_wait_before(n, run->request->retries))
            return STATUS_INTERRUPTED;
        forget_attempt(run);
        status = attempt(run, false);
    }
    return status;
}

/* Copy the rejects of batches that failed behind those of the ledger. */
static exit_status
append_rejects(FILE *lines, reject_file *file)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    exit_status status = STATUS_OK;

    rewind(lines);
    while (status == STATUS_OK && (len = getline(&line, &size, lines)) > 0)
        status = reject_file_add_line(file, line, (size_t) len);
    free(line);
    return status;
}

/* Write the file of rejects. */
static exit_status
write_rejects(load_run *run, exit_status status)
{
    bool keep = status == STATUS_OK || status == STATUS_REFUSED;
    exit_status own = STATUS_OK;
    reject_file file;

    if (run->request->rejects == NULL || !keep)
        return status;
    atomic_store(&run->said, false);
    own = reject_file_open(&file, run->request->rejects, false, true);
    for (int i = 0; own == STATUS_OK && i < run->names->count; i++)
        own = load_file_rejects(&run->files[i], run->request, &run->coordinator, &file);
    if (own == STATUS_OK && run->rejects != NULL)
        own = append_rejects(run->rejects, &file);
    own = reject_file_close(&file, own == STATUS_OK, own);
    if (own == STATUS_OK)
        run->rejects_written = file.count;
    return status == STATUS_OK ? own : status;
}

/* Say how far a run came that failed. */
static void
report_progress(const load_run *run, exit_status status)
{
    int done = 0, in_order = 0, partly = 0;

    if (status == STATUS_INTERRUPTED)
        log_interrupted();
    for (int i = 0; i < run->names->count; i++)
    {
        const load_file *file = &run->files[i];

        done += file->state == FILE_DONE;
        in_order += file->state == FILE_DONE && in_order == i;
        if (file->state == FILE_DONE || file->ranges_ended == 0)
            continue;
        partly++;
        log_detail("%s: %" PRId64 " %s loaded, %" PRId64 " rejected; these are committed"
                   " (%zu %s up to %" PRId64 ").",
                   file->name, file->counts.loaded,
                   file->counts.loaded == 1 ? "record is" : "records are", file->counts.rejected,
                   file->ranges_ended, file->ranges_ended == 1 ? "load" : "loads", file->last_load);
    }
    if (run->names->count == 1 && partly == 0 && run->files[0].rows_before == 0 &&
        status == STATUS_REFUSED)
        log_detail("Nothing of %s was loaded.", run->files[0].name);
    if (run->names->count > 1 && done == 0)
        log_detail("None of the %d files was loaded%s.", run->names->count,
                   partly > 0 ? " whole" : "");
    else if (run->names->count > 1 && done == in_order)
        log_detail("%d of %d files are loaded: up to and including %s.", done, run->names->count,
                   run->files[done - 1].name);
    else if (run->names->count > 1)
        log_detail("%d of %d files are loaded.", done, run->names->count);
    if (run->names->count > 1 || partly > 0 || status != STATUS_REFUSED)
        log_hint("Run the same command again%s: what is loaded is not loaded twice.",
                 status == STATUS_INTERRUPTED ? " to go on" : " when the cause is removed");
}

/* Say once that files were loaded into a table that is not there any more. */
static void
hint_elsewhere(const load_run *run)
{
    for (int i = 0; i < run->names->count; i++)
        if (run->files[i].was_elsewhere)
        {
            log_hint("%s is not the table that was loaded: it was dropped and made anew since, or "
                     "restored from a dump.",
                     run->files[i].table.qualified);
            return;
        }
}

exit_status
load_files(const load_request *request, const operand_list *names)
{
    load_run run = {.request = request,
                    .names = names,
                    .budget = {.limit = request->max_rejects},
                    .lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER};
    exit_status status;

    run.files = calloc((size_t) names->count, sizeof(load_file));
    if (run.files == NULL)
        return log_out_of_memory();
    for (int i = 0; i < names->count; i++)
        run.files[i] = (load_file){.name = names->items[i], .first = run.files};
    progress_begin("loading", file_total_bytes(names->items, names->count));
    status = load_all(&run);
    progress_end();
    status = write_rejects(&run, status);
    if (status == STATUS_OK) /* else the locks end with the session */
        PQclear(connection_execute(&run.coordinator, "SELECT pg_catalog.pg_advisory_unlock_all()",
                                   0, NULL));
    if (status == STATUS_OK)
        hint_elsewhere(&run);
    else if (status != STATUS_USAGE)
        report_progress(&run, status);
    if (run.rejects_written > 0)
        log_summary("%s: %" PRId64 " rejected %s written", request->rejects, run.rejects_written,
                    run.rejects_written == 1 ? "record" : "records");
    connection_close(&run.coordinator);
    for (int i = 0; i < names->count; i++)
        load_file_forget(&run.files[i]);
    if (run.rejects != NULL)
        fclose(run.rejects);
    free(run.files);
    return status;
}
