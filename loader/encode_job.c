/*
 * loader/encode_job.c
 *     From the lines of logs to one Avro file.
 *
 * line reader -> log line -> Avro record -> file. The file gets its name when
 * all logs are in it; before that nothing of it can be seen.
 */
#include "encode.h"

#include "line_reader.h"
#include "log.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What became of the lines of a log. */
typedef struct log_counts
{
    int64_t read;
    int64_t written;
    int64_t rejected;
} log_counts;

typedef struct job_state
{
    const encode_context *context;
    const encode_job *job;
    char *own_name; /* of own_rejects */
    file_sink sink;
    cs_avro_writer *writer;
    reject_file own_rejects; /* where no --rejects names a file */
    reject_file *rejects;    /* that or the run's */
    log_parser parser;
    hash_stream hash; /* over all bytes of the logs */
    cs_time min_time; /* meaningful once a record was written */
    cs_time max_time;
    log_counts *counts; /* one for each log */
    int64_t records;
} job_state;

/* Keep a line that was refused. */
static exit_status
reject_line(job_state *state, const char *log, const text_line *line, const char *reason)
{
    reject item = {.file = log,
                   .line = line->number,
                   .block = -1,
                   .reason = reason,
                   .text = line->text,
                   .cut = line->cut};

    if (!line->cut && line->text.len > 0 && line->text.data[line->text.len - 1] == '\r')
        item.text.len--;
    STATUS_TRY(reject_file_add(state->rejects, &item));
    return reject_budget_spend(state->context->budget, &item);
}

/* Add a line to the Avro file. CS_ERR_DATA and CS_ERR_RANGE mean that the line is refused. */
static cs_code
write_line(job_state *state, const text_line *line, cs_error *err)
{
    const log_schema *schema = state->context->schema;
    cs_log_line fields;

    if (line->cut)
        return cs_fail(err, CS_ERR_DATA, "line is longer than %d bytes", CS_LOG_LINE_MAX_BYTES);
    CS_TRY(log_parser_read(&state->parser, line->text, &fields, err));
    CS_TRY(log_schema_encode(schema, &fields, cs_avro_writer_buffer(state->writer), err));
    if (state->records == 0 || fields.time < state->min_time)
        state->min_time = fields.time;
    if (state->records == 0 || fields.time > state->max_time)
        state->max_time = fields.time;
    state->records++;
    return cs_avro_writer_add(state->writer, err);
}

/* Encode all lines of an open log. */
static exit_status
encode_lines(job_state *state, line_reader *reader, const char *log, log_counts *counts)
{
    text_line line;
    cs_error err;
    cs_code code;

    while ((code = line_reader_next(reader, &line)) == CS_OK)
    {
        counts->read++;
        code = write_line(state, &line, &err);
        if (code == CS_OK)
            counts->written++;
        else if (code == CS_ERR_DATA || code == CS_ERR_RANGE)
        {
            counts->rejected++;
            STATUS_TRY(reject_line(state, log, &line, err.message));
        }
        else
            return log_core_error(&err, state->job->output);
    }
    return code == CS_END ? STATUS_OK : file_source_fail(reader->source);
}

/* Encode one log. */
static exit_status
encode_log(job_state *state, const char *log, log_counts *counts)
{
    file_source source;
    line_reader reader;
    exit_status status;

    STATUS_TRY(file_source_open(&source, log));
    source.hash = &state->hash;
    memset(&reader, 0, sizeof(reader));
    status = file_source_decompress(&source);
    if (status == STATUS_OK)
        status = line_reader_open(&reader, &source);
    if (status == STATUS_OK)
        status = encode_lines(state, &reader, log, counts);
    line_reader_close(&reader);
    file_source_close(&source);
    return status;
}

/* Write what stands in the header at last. */
static exit_status
finish_file(job_state *state)
{
    const log_schema *schema = state->context->schema;
    char min_text[24], max_text[24], sum[HASH_TEXT_SIZE];
    cs_avro_text_meta meta[] = {{"clickstream.source_sha256", sum},
                                {"clickstream.min_timestamp", min_text},
                                {"clickstream.max_timestamp", max_text}};
    cs_error err;

    if (!hash_finish(&state->hash, sum))
        return log_out_of_memory();
    snprintf(min_text, sizeof(min_text), "%" PRId64, log_schema_time(schema, state->min_time));
    snprintf(max_text, sizeof(max_text), "%" PRId64, log_schema_time(schema, state->max_time));
    if (cs_avro_writer_finish(state->writer, meta, state->records > 0 ? 3 : 1, &err) != CS_OK)
        return log_core_error(&err, state->job->output);
    return STATUS_OK;
}

/* Write the whole file under its temporary name. */
static exit_status
write_file(job_state *state)
{
    const encode_context *context = state->context;
    cs_avro_writer_options options = {.codec = context->codec};
    cs_sink sink;
    cs_error err;

    STATUS_TRY(log_parser_open(&state->parser, context->format));
    STATUS_TRY(file_sink_open(&state->sink, state->job->output, context->replace));
    sink = file_sink_as_core(&state->sink);
    if (cs_avro_writer_open(loader_env(), &sink, context->schema->avro, &options, &state->writer,
                            &err) != CS_OK)
        return log_core_error(&err, state->job->output);
    hash_start(&state->hash);
    for (int i = 0; i < state->job->num_logs; i++)
        STATUS_TRY(encode_log(state, state->job->logs[i], &state->counts[i]));
    return finish_file(state);
}

/* Say what was done. */
static void
print_summary(const job_state *state)
{
    int64_t rejected = 0;

    for (int i = 0; i < state->job->num_logs; i++)
    {
        const log_counts *counts = &state->counts[i];

        log_summary("%s: read %" PRId64 " %s = %" PRId64 " written + %" PRId64 " rejected -> %s",
                    state->job->logs[i], counts->read, counts->read == 1 ? "line" : "lines",
                    counts->written, counts->rejected, state->job->output);
        rejected += counts->rejected;
    }
    if (rejected > 0)
        log_summary("%s: rejected lines are in %s", state->job->output, state->rejects->name);
}

/* Open the rejects and write the file. */
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
    if (!file_sink_may_create(job->output, context->replace))
        return STATUS_USAGE;
    STATUS_TRY(reject_file_open(&state->own_rejects, own ? state->own_name : NULL, true,
                                context->replace));
    STATUS_TRY(write_file(state));
    return file_sink_finish(&state->sink);
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
    status = run(state);
    cs_avro_writer_free(state->writer);
    state->writer = NULL;
    hash_free(&state->hash);
    log_parser_close(&state->parser);
    return status;
}

exit_status
encode_publish_job(encode_job *job)
{
    job_state *state = job->state;

    STATUS_TRY(file_sink_publish(&state->sink));
    STATUS_TRY(reject_file_close(&state->own_rejects, true, STATUS_OK));
    print_summary(state);
    return STATUS_OK;
}

void
encode_free_job(encode_job *job)
{
    job_state *state = job->state;

    free(job->output);
    if (state == NULL)
        return;
    reject_file_close(&state->own_rejects, false, STATUS_OK);
    file_sink_discard(&state->sink);
    free(state->counts);
    free(state->own_name);
    free(state);
}
