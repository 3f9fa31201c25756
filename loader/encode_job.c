/*
 * loader/encode_job.c
 *     From logs to Avro files: the steps of a job, and its rejects.
 *
 * A log is read in pieces of whole lines, one after the other; the threads turn
 * pieces into blocks side by side; blocks, rejects and sums are written in the order
 * of the log. So what is written, and what fails first, is the same for any number
 * of threads. Files get their names when all logs are in them; before that nothing
 * of them can be seen.
 */
#include "encode.h"

#include "encode_output.h"
#include "encode_pipe.h"
#include "log.h"
#include "progress.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct job_state
{
    const encode_context *context;
    const encode_job *job;
    char *own_name;          /* of own_rejects */
    reject_file own_rejects; /* where no --rejects names a file */
    reject_file *rejects;    /* that or the run's */

    /* Reading: one thread at a time */
    file_source source;  /* of the log that is open */
    piece_reader reader; /* open while a log is */
    bool is_open;        /* reader is */
    int next_log;        /* to be opened */
    uint64_t shown;      /* up to this offset it was counted as progress */
    cs_error read_err;   /* not CS_OK: why reading ended; reported behind all before it */

    /* Work: each thread its own */
    encode_worker *workers;
    size_t num_workers;
    encode_piece *pieces;
    size_t num_pieces;

    /* Writing: one thread at a time, in order */
    encode_output output;
    encode_worker again; /* finds the reasons of rejects */
    cs_buffer no_records;
    log_counts *counts; /* one for each log */
} job_state;

/* Open the next log, or what there is to read of the only one. */
static cs_code
open_log(job_state *state)
{
    const encode_job *job = state->job;
    const encode_stretch *stretch = job->stretch;
    file_source *source = stretch != NULL ? stretch->source : &state->source;
    cs_code code = CS_OK;

    if (state->next_log == job->num_logs)
        return CS_END;
    if (stretch == NULL)
        CS_TRY(file_source_try_open(source, job->logs[state->next_log], &state->read_err));
    state->shown = source->offset;
    if (stretch == NULL)
        code = file_source_try_decompress(source, &state->read_err);
    if (code == CS_OK)
        code = piece_reader_open(&state->reader, source, stretch != NULL ? stretch->bytes : -1,
                                 &state->read_err);
    if (code != CS_OK && stretch == NULL)
        file_source_close(source);
    if (stretch != NULL && stretch->first_line > 1)
        state->reader.first = false;
    state->is_open = code == CS_OK;
    state->next_log++;
    return code;
}

/* Close the log that is open. */
static void
close_log(job_state *state)
{
    if (!state->is_open)
        return;
    piece_reader_close(&state->reader);
    if (state->job->stretch == NULL)
        file_source_close(&state->source);
    state->is_open = false;
}

/* pipe_steps.read */
static cs_code
read_piece(void *ctx, size_t number)
{
    job_state *state = ctx;
    encode_piece *piece = &state->pieces[number];
    cs_code code = CS_END;

    while (code == CS_END)
    {
        if (!state->is_open)
            CS_TRY(open_log(state));
        code = piece_reader_next(&state->reader, &piece->text);
        piece->log = state->next_log - 1;
        if (code == CS_ERR_IO)
            code = file_source_error(state->reader.source, &state->read_err);
        progress_add(0, (int64_t) (state->reader.source->offset - state->shown));
        state->shown = state->reader.source->offset;
        if (code != CS_OK)
            close_log(state);
    }
    return code;
}

/* pipe_steps.work */
static void
work_on_piece(void *ctx, size_t worker, size_t number)
{
    job_state *state = ctx;

    encode_piece_work(&state->workers[worker], &state->pieces[number]);
}

/* Keep a line that was refused. */
static exit_status
reject_line(job_state *state, const encode_piece *piece, const piece_reject *where)
{
    piece_walk walk = {.piece = &piece->text, .at = where->start};
    reject item = {.file = state->job->logs[piece->log], .block = -1};
    text_line line;
    cs_error err;
    cs_time time;

    text_piece_next(&walk, &line);
    encode_line(&state->again, &line, &state->no_records, &time, &err);
    item.line = state->counts[piece->log].read + where->line;
    if (state->job->stretch != NULL)
        item.line += state->job->stretch->first_line - 1;
    item.reason = err.message;
    item.text = line.text;
    item.cut = line.cut;
    if (!line.cut && line.text.len > 0 && line.text.data[line.text.len - 1] == '\r')
        item.text.len--;
    STATUS_TRY(reject_file_add(state->rejects, &item));
    return reject_budget_spend(state->context->budget, &item);
}

/* pipe_steps.write */
static exit_status
write_piece(void *ctx, size_t number)
{
    job_state *state = ctx;
    encode_piece *piece = &state->pieces[number];
    log_counts *counts = &state->counts[piece->log];

    if (piece->err.code != CS_OK)
        return log_core_error(&piece->err, state->job->output);
    for (size_t i = 0; i < piece->num_rejects; i++)
        STATUS_TRY(reject_line(state, piece, &piece->rejects[i]));
    counts->read += piece->lines;
    counts->rejected += (int64_t) piece->num_rejects;
    counts->written += piece->lines - (int64_t) piece->num_rejects;
    progress_add(piece->lines, 0);
    return encode_output_add(&state->output, piece);
}

/* Make the workers and the pieces. */
static exit_status
prepare(job_state *state)
{
    const encode_context *context = state->context;
    size_t workers = (size_t) context->threads;
    size_t pieces = pipe_pieces(workers);

    state->workers = calloc(workers, sizeof(encode_worker));
    state->pieces = calloc(pieces, sizeof(encode_piece));
    if (state->workers == NULL || state->pieces == NULL)
        return log_out_of_memory();
    while (state->num_workers < workers)
        STATUS_TRY(encode_worker_init(&state->workers[state->num_workers++], context));
    for (; state->num_pieces < pieces; state->num_pieces++)
        if (!encode_piece_init(&state->pieces[state->num_pieces]))
            return log_out_of_memory();
    return encode_worker_init(&state->again, context);
}

/* Write the files under their temporary names. */
static exit_status
write_files(job_state *state)
{
    pipe_steps steps = {pipe_pieces((size_t) state->context->threads), read_piece, work_on_piece,
                        write_piece};

    STATUS_TRY(encode_output_open(&state->output, state->context, state->job));
    STATUS_TRY(prepare(state));
    STATUS_TRY(pipe_run(&steps, state, (size_t) state->context->threads));
    if (state->read_err.code != CS_OK)
        return file_source_report(&state->read_err);
    return encode_output_finish(&state->output);
}

/* Free what only the writing needs. */
static void
free_tools(job_state *state)
{
    close_log(state);
    for (size_t i = 0; i < state->num_workers; i++)
        encode_worker_free(&state->workers[i]);
    for (size_t i = 0; i < state->num_pieces; i++)
        encode_piece_free(&state->pieces[i]);
    encode_worker_free(&state->again);
    cs_buffer_free(&state->no_records);
    free(state->workers);
    free(state->pieces);
    state->workers = NULL;
    state->pieces = NULL;
    state->num_workers = state->num_pieces = 0;
}

/* Open the rejects and write the files. */
static exit_status
run(job_state *state)
{
    const encode_context *context = state->context;
    const encode_job *job = state->job;
    bool own = context->rejects == NULL && context->budget->limit > 0;

    state->rejects = context->rejects != NULL ? context->rejects : &state->own_rejects;
    state->counts = calloc((size_t) job->num_logs, sizeof(log_counts));
    if (state->counts == NULL ||
        asprintf(&state->own_name, "%s%s", job->output, REJECTS_SUFFIX) < 0)
        return log_out_of_memory();
    STATUS_TRY(reject_file_open(&state->own_rejects, own ? state->own_name : NULL, true,
                                context->replace || job->stretch != NULL));
    return write_files(state);
}

exit_status
encode_write_job(const encode_context *context, encode_job *job)
{
    job_state *state = calloc(1, sizeof(job_state));
    exit_status status;

    if (state == NULL)
        return log_out_of_memory();
    job->state = state;
    state->context = context;
    state->job = job;
    cs_buffer_init(&state->no_records, loader_env());
    status = run(state);
    free_tools(state);
    return status;
}

const log_counts *
encode_job_counts(const encode_job *job, int log)
{
    return &job->state->counts[log];
}

exit_status
encode_check_job(const encode_job *job)
{
    return encode_output_check(&job->state->output);
}

exit_status
encode_publish_job(encode_job *job)
{
    reject_file *rejects = &job->state->own_rejects;

    /* of a log that is followed nothing is told twice: its Avro file is the last to appear */
    if (job->stretch == NULL)
        STATUS_TRY(encode_output_publish(&job->state->output));
    STATUS_TRY(reject_file_close(rejects, true, STATUS_OK));
    return job->stretch != NULL ? encode_output_publish(&job->state->output) : STATUS_OK;
}

void
encode_print_job(const encode_job *job)
{
    const job_state *state = job->state;
    char *title = encode_output_title(&state->output);
    int64_t rejected = 0;

    for (int i = 0; i < job->num_logs; i++)
    {
        const log_counts *counts = &state->counts[i];

        log_summary("%s: read %" PRId64 " %s = %" PRId64 " written + %" PRId64 " rejected -> %s",
                    job->logs[i], counts->read, counts->read == 1 ? "line" : "lines",
                    counts->written, counts->rejected, title != NULL ? title : job->output);
        rejected += counts->rejected;
    }
    if (rejected > 0)
        log_summary("%s: rejected lines are in %s", job->output, state->rejects->name);
    free(title);
}

void
encode_free_job(encode_job *job)
{
    job_state *state = job->state;

    if (state != NULL)
    {
        reject_file_close(&state->own_rejects, false, STATUS_OK);
        encode_output_free(&state->output);
        free(state->counts);
        free(state->own_name);
        free(state);
    }
    free(job->output);
}
