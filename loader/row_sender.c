/*
 * loader/row_sender.c
 *     Sending rows.
 *
 * Rows are encoded and go out in pieces as they come. Where the first refused row ends
 * the load that is all, and their places are kept in short. While a COPY runs libpq does
 * not tell that it failed: where the server says something the COPY is ended, to hear
 * whether it is a failure, and if not another one goes on.
 *
 * Otherwise rows are kept in a chunk, too, and each COPY is under a savepoint; row_cut.c
 * has what happens when the server refuses it.
 */
#include "row_sender_parts.h"

#include "load_failure.h"
#include "log.h"
#include "rejects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool
sender_fail(row_sender *sender, PGresult *failure)
{
    PQclear(sender->failure);
    sender->failure = failure;
    sender->broken = true;
    return false;
}

bool
sender_stop(row_sender *sender, exit_status status)
{
    sender->status = status;
    sender->broken = true;
    return false;
}

bool
sender_lost(row_sender *sender)
{
    sender->broken = true;
    return false;
}

/* Send what a COPY begins with; it is no part of the chunk. */
static bool
send_head(row_sender *sender)
{
    cs_buffer *head = &sender->encoder.out;
    cs_error err;

    if (copy_encoder_begin(&sender->encoder, sender->mapping->form, &err) != CS_OK)
        return sender_stop(sender, log_core_error(&err, NULL));
    if (head->len > 0 && !connection_copy_put(sender->server, head->data, head->len))
        return sender_lost(sender);
    head->len = 0;
    return true;
}

bool
sender_run(row_sender *sender, const char *sql)
{
    PGresult *result = connection_execute(sender->server, sql, 0, NULL);

    if (connection_failed(result))
        return sender_fail(sender, result);
    PQclear(result);
    return true;
}

bool
sender_end_savepoint(row_sender *sender)
{
    if (!sender_run(sender, SAVEPOINT_UNDO))
        return false;
    sender->failed = false;
    return true;
}

/* The statements of the next COPY. */
static const char *
statements(const row_sender *sender, bool screening)
{
    if (screening)
        return sender->failed ? sender->screen.start_again : sender->screen.start;
    return sender->failed ? sender->start_again : sender->start;
}

bool
sender_copy_start(row_sender *sender, bool screening)
{
    PGresult *result;

    if (screening && !sender_screen_ready(sender))
        return false;
    screening = screening && sender->screen.on;
    result = connection_execute(sender->server, statements(sender, screening), 0, NULL);

    if (PQresultStatus(result) != PGRES_COPY_IN)
        return sender_fail(sender, result);
    PQclear(result);
    sender->failed = false;
    sender->copying = true;
    sender->in_copy = 0;
    sender->screen.running = screening;
    return send_head(sender);
}

bool
sender_take_encoded(row_sender *sender)
{
    cs_buffer *encoded = &sender->encoder.out;
    cs_error err;

    if (cs_buffer_append(&sender->chunk.bytes, encoded->data, encoded->len, &err) != CS_OK)
        return sender_stop(sender, log_core_error(&err, NULL));
    encoded->len = 0;
    return true;
}

/* byte_sink_ops.put: send while there is a COPY, and keep where rows are kept. */
static bool
put(byte_sink *sink, const void *data, size_t len)
{
    row_sender *sender = (row_sender *) sink;
    cs_error err;

    if (sender->gathering && cs_buffer_append(&sender->chunk.bytes, data, len, &err) != CS_OK)
        return sender_stop(sender, log_core_error(&err, NULL));
    if (sender->copying && !connection_copy_put(sender->server, data, len))
        return false;
    sender->answered = !sender->gathering && connection_copy_answered(sender->server);
    return true;
}

/* Put the statements together that copy straight into the table. */
static exit_status
make_statements(row_sender *sender)
{
    const load_table *table = sender->table;
    char *copy = load_mapping_copy(sender->mapping, table, sender->server);
    size_t options = copy != NULL ? strlen(copy) - 1 : 0; /* up to the closing parenthesis */
    int made = -1;

    sender->copied = table->name;
    if (copy != NULL && !sender->gathering)
        made = asprintf(&sender->start, "%.*s%s)", (int) options, copy,
                        sender->settings.freeze ? ", FREEZE" : "");
    else if (copy != NULL &&
             asprintf(&sender->start, SAVEPOINT_START "%s" SAVEPOINT_END, copy) >= 0)
        made = asprintf(&sender->start_again, SAVEPOINT_AGAIN "%s" SAVEPOINT_END, copy);
    free(copy);
    return made >= 0 ? STATUS_OK : log_out_of_memory();
}

exit_status
row_sender_open(row_sender **out, connection *server, const load_table *table,
                const load_mapping *mapping, const sender_settings *settings,
                refused_row on_refused, void *ctx)
{
    static const byte_sink_ops ops = {put};
    row_sender *sender = calloc(1, sizeof(row_sender));
    bool staged = settings->on_conflict != CONFLICT_FAIL;
    exit_status status;

    *out = NULL;
    if (sender == NULL)
        return log_out_of_memory();
    sender->base.ops = &ops;
    sender->server = server;
    sender->table = table;
    sender->mapping = mapping;
    sender->settings = *settings;
    sender->on_refused = on_refused;
    sender->ctx = ctx;
    sender->gathering = settings->tolerant || staged;
    sender->limit = CHUNK_MAX_ROWS;
    sender->spread = INT64_MAX;
    copy_encoder_init(&sender->encoder, &sender->base);
    row_chunk_init(&sender->chunk);
    status = staged ? sender_stage(sender) : make_statements(sender);
    if (status == STATUS_OK)
        *out = sender;
    else
        row_sender_free(sender);
    return status;
}

/* True if enough has gathered behind a closed COPY. */
static bool
has_next(const row_sender *sender)
{
    const row_chunk *chunk = &sender->chunk;
    size_t count = chunk->count - chunk->first - sender->in_copy;

    return count >= sender->limit || count >= CHUNK_NEXT_ROWS ||
           row_chunk_size(chunk) >= CHUNK_MAX_BYTES + CHUNK_NEXT_BYTES;
}

/* End a COPY of rows that are not kept. */
static bool
end_stream(row_sender *sender)
{
    cs_error err;
    cs_code code = copy_encoder_end(&sender->encoder, &err);
    bool lost = code == CS_ERR_IO;
    PGresult *result = connection_copy_end(sender->server, code == CS_OK ? NULL : "load failed");
    const failed_copy copy = {sender->copied, sender->mapping,
                              sender->places.rows - sender->streamed};
    named_row row;

    sender->copying = false;
    if (code != CS_OK && !lost)
    {
        PQclear(result);
        return sender_stop(sender, log_core_error(&err, sender->settings.file));
    }
    if (connection_failed(result))
    {
        row = failure_row(result, &copy);
        sender->has_refused =
            failure_blames_data(result) && row.number > 0 &&
            row_places_find(&sender->places, sender->streamed + row.number, &sender->refused);
        return sender_fail(sender, result);
    }
    sender->loaded += strtoll(PQcmdTuples(result), NULL, 10);
    sender->streamed = sender->places.rows;
    sender->answered = false;
    PQclear(result);
    return true;
}

/* Note a row that was encoded; the COPY ends where it has enough. */
static cs_code
keep_row(row_sender *sender, const row_place *place, cs_slice raw, cs_error *err)
{
    row_chunk *chunk = &sender->chunk;

    if (!sender->gathering)
    {
        CS_TRY(row_places_add(&sender->places, place, err));
        return sender->answered && !end_stream(sender) ? CS_ERR_IO : CS_OK;
    }
    CS_TRY(row_chunk_add(chunk, place, chunk->bytes.len + sender->encoder.out.len, raw, err));
    if (sender->closed)
        return has_next(sender) && !sender_settle(sender, false) ? CS_ERR_IO : CS_OK;
    sender->in_copy++;
    if ((sender->screen.running || sender->in_copy < sender->limit) &&
        row_chunk_size(chunk) < CHUNK_MAX_BYTES)
        return CS_OK;
    return sender_close_copy(sender) ? CS_OK : CS_ERR_IO;
}

cs_code
row_sender_add(row_sender *sender, const cs_value *values, const row_place *place, cs_slice raw,
               refusal *why)
{
    const load_mapping *mapping = sender->mapping;
    cs_code code = sender->broken ? CS_ERR_IO : CS_OK;

    if (code == CS_OK && !sender->copying && !sender->closed && !sender_copy_start(sender, true))
        code = CS_ERR_IO;
    if (code == CS_OK)
        code = copy_encoder_row(&sender->encoder, mapping->columns, mapping->count, values, why);
    if (code == CS_OK)
        code = keep_row(sender, place, raw, &why->err);
    sender->broken = sender->broken || sender->encoder.broken;
    return code;
}

/* Settle all rows. */
static bool
settle_all(row_sender *sender)
{
    return (sender->closed || sender_close_copy(sender)) && sender_settle(sender, true);
}

/* Give up the COPY that runs. */
static void
give_up(row_sender *sender)
{
    PGresult *result = sender->copying ? connection_copy_end(sender->server, "load failed")
                                       : connection_copy_result(sender->server);

    sender->copying = false;
    sender->closed = false;
    if (sender->failure == NULL && sender->status == STATUS_OK)
        sender_fail(sender, result);
    else
        PQclear(result);
}

/* Say which row of the file the failure is about. */
static void
report_place(const row_sender *sender)
{
    const row_place *place = &sender->refused;
    const char *file = sender->settings.file;
    char where[48] = "";

    if (place->line > 0)
        snprintf(where, sizeof(where), ", line %" PRId64, place->line);
    else if (place->block >= 0)
        snprintf(where, sizeof(where), ", block %" PRId64, place->block);
    log_detail("It is record %" PRId64 "%s%s%s.", place->record, file != NULL ? " of " : "",
               file != NULL ? file : "", where);
}

/* Report what ended the sending. */
static exit_status
report_end(row_sender *sender)
{
    PGresult *failure = sender->failure;
    exit_status status;

    if (sender->status != STATUS_OK || failure == NULL)
        return sender->status;
    sender->failure = NULL;
    status = load_report_failure(sender->server, failure);
    if (sender->has_refused && status == STATUS_REFUSED)
        report_place(sender);
    if (status == STATUS_REFUSED && !sender->settings.tolerant && !sender->settings.freeze)
        reject_hint_limit();
    return status;
}

exit_status
row_sender_finish(row_sender *sender, bool failed, int64_t *loaded)
{
    bool good = !failed && !sender->broken;

    if (good && (sender->copying || sender->closed))
        good = sender->gathering ? settle_all(sender) : end_stream(sender);
    if (good && sender->failed)
        good = sender_end_savepoint(sender);
    if (good && sender->staged)
        sender_unstage(sender);
    if (good && sender->screen.drop != NULL)
        sender_run(sender, sender->screen.drop);
    if (sender->copying || sender->closed)
        give_up(sender);
    *loaded = sender->loaded;
    return failed ? STATUS_OK : report_end(sender);
}

void
row_sender_free(row_sender *sender)
{
    if (sender == NULL)
        return;
    copy_encoder_free(&sender->encoder);
    row_chunk_free(&sender->chunk);
    row_places_free(&sender->places);
    row_screen_free(&sender->screen);
    PQclear(sender->failure);
    free(sender->start);
    free(sender->start_again);
    free(sender);
}
