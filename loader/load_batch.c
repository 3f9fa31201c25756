/*
 * loader/load_batch.c
 *     A batch's transaction.
 *
 * source -> values -> sender -> server.
 */
#include "load_batch.h"

#include "clock.h"
#include "load_failure.h"
#include "log.h"
#include "progress.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>

/* Rows between looks at the clock, so to speak: at the stop flag, and into progress. */
#define ROWS_PER_LOOK 1024

typedef struct batch_state
{
    const load_batch *batch;
    connection *server;
    load_input own_input;
    load_input *input;
    load_table table;
    load_mapping mapping;
    row_sender *sender;
    bool broken; /* the sender takes no more */
    cs_value *values;
    reject_spool rejects;
    cs_buffer text; /* of a refused row */
    batch_result result;
    batch_outcome *outcome;
    int64_t first_record; /* number in the file of the batch's first record */
    int64_t shown_rows;   /* what progress knows */
    uint64_t shown_offset;
} batch_state;

/* Write a reject to where it is looked for when the batch fails. */
static exit_status
keep_line(batch_state *state, const reject *item)
{
    FILE **file = &state->outcome->rejects;
    cs_error err;

    if (state->batch->request->rejects == NULL)
        return STATUS_OK;
    if (*file == NULL)
        *file = tmpfile();
    state->text.len = 0;
    if (reject_append_json(&state->text, item, &err) != CS_OK)
        return log_core_error(&err, item->file);
    if (*file != NULL && fwrite(state->text.data, 1, state->text.len, *file) == state->text.len)
        return STATUS_OK;
    log_error("could not write a temporary file for rejects: %m");
    return STATUS_SERVER;
}

/* Keep a row that is refused: by us, or by the server. */
static exit_status
reject_row(void *ctx, const row_place *place, cs_slice raw, const refusal *why)
{
    batch_state *state = ctx;
    row_source *source = state->input->source;
    cs_buffer text;
    reject item = {.file = state->batch->file->name,
                   .line = place->line,
                   .block = place->block,
                   .record = place->record,
                   .column = why->column,
                   .sqlstate = why->sqlstate,
                   .reason = why->err.message};
    exit_status status;
    cs_error err;

    state->outcome->counts.rejected++;
    cs_buffer_init(&text, loader_env());
    if (source->ops->row_text(source, raw, &text, &item.bytes, &err) != CS_OK)
    {
        cs_buffer_free(&text);
        return log_core_error(&err, item.file);
    }
    item.text = (cs_slice){(const char *) text.data, text.len};
    status = reject_spool_add(&state->rejects, state->result.load_id, &item);
    if (status == STATUS_OK)
        status = keep_line(state, &item);
    if (status == STATUS_OK)
        status = reject_budget_spend(state->batch->budget, &item);
    cs_buffer_free(&text);
    return status;
}

/* Where the row just read stands. */
static row_place
place_of(const batch_state *state)
{
    const row_source *source = state->input->source;

    return (row_place){state->first_record + source->rows - 1, source->line, source->block};
}

/* Read a row and hand it on. */
static cs_code
pass_row(batch_state *state, refusal *why)
{
    row_source *source = state->input->source;
    const load_mapping *mapping = &state->mapping;
    row_place place;
    cs_code code;

    CS_TRY(source->ops->next(source, state->values, why));
    place = place_of(state);
    code = row_sender_add(state->sender, state->values, &place, source->raw, why);
    state->broken = code == CS_ERR_IO;
    CS_TRY(code);
    if (mapping->user_field >= 0 && state->values[mapping->user_field].kind == CS_VALUE_NULL)
        state->outcome->counts.without_user++;
    return CS_OK;
}

/* Tell progress what was done since it was told last. */
static void
show_progress(batch_state *state)
{
    int64_t rows = state->input->source->rows;
    uint64_t offset = state->input->file.offset;

    progress_add(rows - state->shown_rows, (int64_t) (offset - state->shown_offset));
    state->shown_rows = rows;
    state->shown_offset = offset;
}

/* Pass all rows on. Where the sender is broken nothing is reported: it will say why. */
static exit_status
pass_rows(batch_state *state)
{
    refusal why;
    cs_code code = CS_OK;

    for (int64_t n = 1; code == CS_OK; n++)
    {
        code = pass_row(state, &why);
        if (code == CS_ERR_RANGE)
        {
            row_place place = place_of(state);

            STATUS_TRY(reject_row(state, &place, state->input->source->raw, &why));
            code = CS_OK;
        }
        if (n % ROWS_PER_LOOK == 0)
        {
            show_progress(state);
            if (atomic_load(state->batch->stop))
                return STATUS_SERVER;
        }
    }
    show_progress(state);
    if (code == CS_END || state->broken)
        return STATUS_OK;
    return log_core_error(&why.err, state->batch->file->name);
}

/* Copy the rows. */
static exit_status
copy_rows(batch_state *state)
{
    const load_request *request = state->batch->request;
    const char *path = state->server->search_path;
    sender_settings settings = {.file = state->batch->file->name,
                                .tolerant = request->max_rejects > 0 && !request->freeze,
                                .freeze = request->freeze,
                                .on_conflict = request->on_conflict};
    exit_status status, sent;

    /* triggers of the table see the search path that they would see in psql */
    STATUS_TRY(connection_run(state->server,
                              "SELECT pg_catalog.set_config('search_path', $1, true)", 1, &path));
    STATUS_TRY(row_sender_open(&state->sender, state->server, &state->table, &state->mapping,
                               &settings, reject_row, state));
    status = pass_rows(state);
    sent = row_sender_finish(state->sender, status != STATUS_OK, &state->outcome->counts.loaded);
    return status != STATUS_OK ? status : sent;
}

/* Fill in what was read, and check that it is what was planned. */
static exit_status
close_input(batch_state *state)
{
    const block_range *range = state->batch->range;
    const load_input *input = state->input;
    batch_result *result = &state->result;
    bool is_text = row_source_reader(input->source) == NULL;

    result->rows_read = input->source->rows;
    result->end_block = is_text ? input->source->end_block : range->end_block;
    result->end_offset = (int64_t) input->file.offset;
    result->rows_loaded = state->outcome->counts.loaded;
    result->rows_rejected = state->outcome->counts.rejected;
    if (!hash_finish(&state->input->hash, result->checksum))
        return log_out_of_memory();
    if (is_text ? strcmp(result->checksum, input->source->file_id) == 0
                : result->end_offset == (int64_t) range->end_offset &&
                      result->rows_read == range->records)
        return STATUS_OK;
    log_error("%s: file was changed while it was loaded", state->batch->file->name);
    return STATUS_REFUSED;
}

/* End the transaction. */
static exit_status
commit(batch_state *state)
{
    PGresult *result = connection_execute(state->server, "COMMIT", 0, NULL);

    if (connection_failed(result))
        return load_report_failure(state->server, result);
    PQclear(result);
    return STATUS_OK;
}

/* Write the rejects and the counts, and commit. */
static exit_status
finish_batch(batch_state *state)
{
    STATUS_TRY(close_input(state));
    STATUS_TRY(connection_use_schema(state->server, state->table.ledger_schema, true));
    STATUS_TRY(reject_spool_send(&state->rejects, state->server));
    STATUS_TRY(ledger_finish(state->server, &state->result));
    if (state->batch->request->dry_run)
        connection_rollback(state->server);
    else
        STATUS_TRY(commit(state));
    return STATUS_OK;
}

/* Open the blocks. */
static exit_status
open_input(batch_state *state)
{
    const load_batch *batch = state->batch;

    if (batch->file->input.source != NULL)
        state->input = &batch->file->input;
    else
    {
        STATUS_TRY(load_input_open_range(&state->own_input, batch->file->name, batch->range));
        state->input = &state->own_input;
    }
    state->first_record = batch->range->position.record > 0 ? batch->range->position.record : 1;
    state->shown_offset = batch->range->start_offset; /* opening has read ahead */
    return STATUS_OK;
}

/* Make room for a row's values; the last one is the load's id where we fill that in. */
static exit_status
prepare_values(batch_state *state)
{
    state->values = calloc(state->mapping.num_values + 1, sizeof(cs_value));
    if (state->values == NULL)
        return log_out_of_memory();
    if (state->mapping.add_load_id)
        state->values[state->mapping.num_values - 1] =
            (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = state->result.load_id};
    return STATUS_OK;
}

/* Begin the transaction, up to the claim. */
static exit_status
begin_batch(batch_state *state)
{
    const load_batch *batch = state->batch;
    ledger_key key = load_file_key(batch->file);
    mapping_request mapping = batch->request->mapping;

    STATUS_TRY(connection_run(state->server, LEDGER_BEGIN, 0, NULL));
    STATUS_TRY(load_table_find(&state->table, state->server, batch->file->table_name,
                               batch->request->schema));
    if (batch->truncate) /* before the setting below: this is to leave its mark */
        STATUS_TRY(ledger_truncate(state->server, &state->table));
    STATUS_TRY(connection_run(
        state->server, "SELECT pg_catalog.set_config('" LOAD_SETTING "', 'on', true)", 0, NULL));
    mapping.quiet = batch->range->first_block > 0;
    STATUS_TRY(load_mapping_make(&state->mapping, &state->table, state->input->source, &mapping));
    key.table = &state->table;
    return ledger_claim(state->server, &key, batch->range, batch->truncate, batch->owner,
                        &state->result.load_id);
}

/* Say what was done since started, with --verbose. */
static void
describe_batch(const batch_state *state, int64_t started)
{
    const batch_result *result = &state->result;

    log_verbose("%s: load %" PRId64 ": blocks %" PRId64 " to %" PRId64 ", %" PRId64
                " loaded, %" PRId64 " rejected in %.2f seconds",
                state->batch->file->name, result->load_id, state->batch->range->first_block,
                result->end_block - 1, result->rows_loaded, result->rows_rejected,
                clock_seconds_since(started));
}

/* The whole transaction. */
static exit_status
run_transaction(batch_state *state)
{
    int64_t started = clock_now(CLOCK_MONOTONIC);

    STATUS_TRY(open_input(state));
    STATUS_TRY(begin_batch(state));
    STATUS_TRY(prepare_values(state));
    STATUS_TRY(copy_rows(state));
    STATUS_TRY(finish_batch(state));
    describe_batch(state, started);
    return STATUS_OK;
}

exit_status
load_batch_run(connection *server, const load_batch *batch, batch_outcome *outcome)
{
    batch_state state = {.batch = batch, .server = server, .outcome = outcome};
    exit_status status;

    memset(outcome, 0, sizeof(*outcome));
    cs_buffer_init(&state.text, loader_env());
    reject_spool_init(&state.rejects, server);
    status = run_transaction(&state);
    if (status != STATUS_OK)
    {
        connection_rollback(server);
        if (state.input != NULL) /* what was shown is not done */
            progress_add(-state.shown_rows,
                         (int64_t) (batch->range->start_offset - state.shown_offset));
    }
    else if (outcome->rejects != NULL && !batch->request->dry_run)
    {
        fclose(outcome->rejects); /* they are in load_reject */
        outcome->rejects = NULL;
    }
    outcome->counts.read = state.result.rows_read;
    outcome->bytes = state.result.end_offset - (int64_t) batch->range->start_offset;
    outcome->load_id = state.result.load_id;
    row_sender_free(state.sender);
    load_input_close(&state.own_input);
    load_mapping_free(&state.mapping);
    load_table_free(&state.table);
    reject_spool_free(&state.rejects);
    cs_buffer_free(&state.text);
    free(state.values);
    return status;
}
