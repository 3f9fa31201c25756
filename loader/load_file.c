/*
 * loader/load_file.c
 *     One file into one table, in one transaction.
 *
 * source -> values -> binary COPY -> server. The transaction first claims the
 * file in the ledger, then copies, then keeps the rejects and the counts. So a
 * file is in the table, with its rejects, exactly if the ledger says so.
 */
#include "load.h"

#include "load_ledger.h"
#include "log.h"
#include "row_source.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct load_state
{
    const load_context *context;
    connection *server;
    file_source file;
    hash_stream hash; /* over all bytes of the file */
    row_source *source;
    load_table table;
    load_mapping mapping;
    load_batch batch;
    claim_result claim;

    /* Rows */
    copy_sink sink;
    copy_encoder encoder;
    cs_value *values;
    reject_spool rejects;
    cs_buffer text;   /* of a refused row */
    int64_t *refused; /* numbers of the refused rows, in order */
    size_t refused_capacity;
    int64_t rows_sent;
    int64_t without_user;
} load_state;

/* Say that nothing of the file was loaded. */
static exit_status
nothing_loaded(const load_state *state, exit_status status)
{
    if (status == STATUS_REFUSED)
        log_detail("Nothing of %s was loaded.", state->file.name);
    return status;
}

/* Keep a row that is refused. */
static exit_status
reject_row(load_state *state, const refusal *why)
{
    const row_source *source = state->source;
    reject item = {.file = state->file.name,
                   .line = source->line,
                   .block = source->block,
                   .record = source->rows,
                   .column = why->column,
                   .sqlstate = why->sqlstate,
                   .reason = why->err.message};
    cs_error err;

    state->text.len = 0;
    if (source->ops->row_text(state->source, state->values, &state->text, &item.bytes, &err) !=
            CS_OK ||
        cs_grow_array(loader_env(), (void **) &state->refused, &state->refused_capacity,
                      (size_t) state->batch.rows_rejected + 1, sizeof(int64_t), &err) != CS_OK)
        return log_core_error(&err, state->file.name);
    item.text = (cs_slice){(const char *) state->text.data, state->text.len};
    state->refused[state->batch.rows_rejected++] = source->rows;
    STATUS_TRY(reject_file_add(state->context->rejects, &item));
    STATUS_TRY(reject_spool_add(&state->rejects, state->batch.load_id, &item));
    return reject_budget_spend(state->context->budget, &item);
}

/* Read a row and hand it on: CS_ERR_RANGE if it is refused, CS_ERR_IO if the server is gone. */
static cs_code
pass_row(load_state *state, refusal *why)
{
    const load_mapping *mapping = &state->mapping;

    CS_TRY(state->source->ops->next(state->source, state->values, why));
    CS_TRY(copy_encoder_row(&state->encoder, mapping->columns, mapping->count, state->values, why));
    state->rows_sent++;
    if (mapping->user_field >= 0 && state->values[mapping->user_field].kind == CS_VALUE_NULL)
        state->without_user++;
    return CS_OK;
}

/* Copy all rows. Where the encoder is broken nothing is reported: the server will say why. */
static exit_status
pass_rows(load_state *state)
{
    refusal why;
    cs_code code = copy_encoder_begin(&state->encoder, state->mapping.form, &why.err);

    while (code == CS_OK)
    {
        code = pass_row(state, &why);
        if (code == CS_ERR_RANGE)
        {
            STATUS_TRY(reject_row(state, &why));
            code = CS_OK;
        }
    }
    if (code == CS_END)
        code = copy_encoder_end(&state->encoder, &why.err);
    if (code == CS_OK)
        return STATUS_OK;
    return state->encoder.broken ? STATUS_SERVER : log_core_error(&why.err, state->file.name);
}

/* Number of the file's record that went to the server as the row'th. */
static int64_t
record_of_row(const load_state *state, int64_t row)
{
    for (int64_t i = 0; i < state->batch.rows_rejected; i++)
        if (state->refused[i] <= row)
            row++;
    return row;
}

/* The server refused the COPY, or was lost. */
static exit_status
report_copy(const load_state *state, PGresult *result)
{
    int64_t row;
    exit_status status =
        load_report_failure(state->server, result, state->table.name, state->rows_sent, &row);

    if (row > 0)
        log_detail("It is record %" PRId64 " of %s.", record_of_row(state, row), state->file.name);
    return status;
}

/* Run the COPY. */
static exit_status
copy_rows(load_state *state)
{
    char *sql = load_mapping_copy(&state->mapping, &state->table, state->server);
    const char *path = state->server->search_path;
    exit_status status;
    PGresult *result;

    if (sql == NULL)
        return log_out_of_memory();
    /* triggers of the table see the search path that they would see in psql */
    status = connection_run(state->server, "SELECT set_config('search_path', $1, true)", 1, &path);
    if (status == STATUS_OK)
        status = connection_run(state->server, sql, 0, NULL);
    free(sql);
    STATUS_TRY(status);
    status = pass_rows(state);
    result = connection_copy_end(state->server, status == STATUS_OK ? NULL : "load failed");
    if (connection_failed(result) && (status == STATUS_OK || state->encoder.broken))
        return report_copy(state, result);
    if (status == STATUS_OK)
        state->batch.rows_loaded = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return status;
}

/* Write the rejects and the counts, and commit. */
static exit_status
finish_batch(load_state *state)
{
    load_batch *batch = &state->batch;
    const char *schema = state->table.ledger_schema;
    PGresult *result;
    int64_t row;

    batch->rows_read = state->source->rows;
    batch->end_block = state->source->end_block;
    batch->end_offset = (int64_t) state->file.offset;
    if (!hash_finish(&state->hash, batch->checksum))
        return log_out_of_memory();
    if (state->source->id_is_checksum && strcmp(batch->checksum, state->source->file_id) != 0)
    {
        log_error("%s: file was changed while it was loaded", state->file.name);
        return STATUS_REFUSED;
    }
    STATUS_TRY(connection_run(state->server,
                              "SELECT pg_catalog.set_config('search_path',"
                              " pg_catalog.quote_ident($1) operator(pg_catalog.||) ', pg_temp',"
                              " true)",
                              1, &schema));
    STATUS_TRY(reject_spool_send(&state->rejects, state->server));
    STATUS_TRY(ledger_finish(state->server, batch));
    result = connection_execute(state->server, "COMMIT", 0, NULL);
    if (connection_failed(result))
    {
        exit_status status = load_report_failure(state->server, result, state->table.name, 0, &row);

        if (status != STATUS_REFUSED)
            log_hint("Run the same command again: what was loaded is not loaded twice.");
        return status;
    }
    PQclear(result);
    return STATUS_OK;
}

/* Say what was done. */
static void
print_summary(const load_state *state)
{
    const load_batch *batch = &state->batch;
    int64_t skipped = batch->rows_read - batch->rows_loaded - batch->rows_rejected;
    char skipped_text[64] = "";

    if (skipped != 0)
        snprintf(skipped_text, sizeof(skipped_text), " + %" PRId64 " skipped by triggers", skipped);
    log_summary("%s: read %" PRId64 " %s = %" PRId64 " loaded + %" PRId64 " rejected%s into %s"
                " (load %" PRId64 ")",
                state->file.name, batch->rows_read, batch->rows_read == 1 ? "record" : "records",
                batch->rows_loaded, batch->rows_rejected, skipped_text, state->table.qualified,
                batch->load_id);
    if (batch->rows_rejected > 0)
        log_summary("%s: rejected records are in the table load_reject%s%s", state->file.name,
                    state->context->rejects->name != NULL ? " and in " : "",
                    state->context->rejects->name != NULL ? state->context->rejects->name : "");
    if (state->without_user > 0)
        log_summary("%s: %" PRId64 " %s without a user %s in no session", state->file.name,
                    state->without_user, state->without_user == 1 ? "record" : "records",
                    state->without_user == 1 ? "is" : "are");
}

/* Make room for a row's values; the last one is the load's id where we fill that in. */
static exit_status
prepare_values(load_state *state)
{
    state->values = calloc(state->mapping.num_values + 1, sizeof(cs_value));
    if (state->values == NULL)
        return log_out_of_memory();
    if (state->mapping.add_load_id)
        state->values[state->mapping.num_values - 1] =
            (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = state->batch.load_id};
    return STATUS_OK;
}

/* Everything within the transaction. */
static exit_status
run_transaction(load_state *state)
{
    const load_context *context = state->context;
    const char *table = context->table != NULL         ? context->table
                        : state->source->table != NULL ? state->source->table
                                                       : DEFAULT_TABLE;

    STATUS_TRY(
        connection_run(state->server, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", 0, NULL));
    STATUS_TRY(connection_run(
        state->server, "SELECT pg_catalog.set_config('" LOAD_SETTING "', 'on', true)", 0, NULL));
    STATUS_TRY(load_table_find(&state->table, state->server, table, context->schema));
    STATUS_TRY(load_mapping_make(&state->mapping, &state->table, state->source, context->mapping));
    STATUS_TRY(ledger_claim(state->server, &state->table, state->source, context->again,
                            &state->batch, &state->claim));
    if (state->claim == CLAIM_DONE)
        return STATUS_OK;
    STATUS_TRY(prepare_values(state));
    STATUS_TRY(copy_rows(state));
    return finish_batch(state);
}

/* Load from an open file. */
static exit_status
load_open_file(load_state *state)
{
    exit_status status;

    hash_start(&state->hash);
    state->file.hash = &state->hash;
    STATUS_TRY(row_source_open(&state->source, &state->file, &state->context->format));
    status = run_transaction(state);
    if (status != STATUS_OK || state->claim == CLAIM_DONE)
        connection_rollback(state->server);
    else
        print_summary(state);
    return nothing_loaded(state, status);
}

exit_status
load_file(const load_context *context, const char *name)
{
    load_state state = {.context = context, .server = context->server};
    exit_status status;

    if (!cs_utf8_valid(name, strlen(name)))
    {
        log_error("%s: the file's name is not valid UTF-8", name);
        return STATUS_USAGE;
    }
    STATUS_TRY(file_source_open(&state.file, name));
    cs_buffer_init(&state.text, loader_env());
    copy_sink_init(&state.sink, context->server);
    copy_encoder_init(&state.encoder, &state.sink.base);
    reject_spool_init(&state.rejects);
    status = load_open_file(&state);
    row_source_close(state.source);
    file_source_close(&state.file);
    hash_free(&state.hash);
    load_mapping_free(&state.mapping);
    load_table_free(&state.table);
    copy_encoder_free(&state.encoder);
    reject_spool_free(&state.rejects);
    cs_buffer_free(&state.text);
    free(state.values);
    free(state.refused);
    return status;
}
