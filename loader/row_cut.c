/*
 * loader/row_cut.c
 *     Rows that the server refuses: they are cut out of the chunk.
 *
 * A COPY is taken whole or not at all, and its failure names at most one row. A row that
 * is named is handed to the caller, and the others are sent again, those that stood before
 * it first. These need not be good: a CHECK is looked at before the unique index that an
 * earlier row violates. Where the naming is not certain the rows before it are sent and
 * then the row alone, and only what then fails is refused. Where no row is named, as by
 * foreign keys and triggers that run at the end of the statement, halving finds one.
 *
 * Rows reach the table in the order of the file, and each one is refused with what came
 * before it in place, or on its way.
 *
 * How many rows a COPY has follows from how often rows are refused: each one that is halves
 * it, each full one that passes doubles it, so about every second one fails.
 */
#include "load_failure.h"
#include "log.h"
#include "row_sender_parts.h"

#include <stdlib.h>

#define SQLSTATE_CARDINALITY "21000"

/* True if parts of what failed may be taken. */
static bool
may_cut(const row_sender *sender, const PGresult *failure)
{
    /* an update meets a row twice where the index holds keys for equal that the type does not */
    return failure_blames_data(failure) || (sender->settings.on_conflict == CONFLICT_UPDATE &&
                                            connection_failed_with(failure, SQLSTATE_CARDINALITY));
}

/* End the COPY. *failure is its failure if the data is to blame; else its rows are settled. */
static bool
end_copy(row_sender *sender, PGresult **failure)
{
    row_chunk *chunk = &sender->chunk;
    PGresult *result;
    cs_error err;
    cs_code code;

    code = copy_encoder_end(&sender->encoder, &err);
    if (code != CS_OK && !sender->encoder.broken)
        return sender_stop(sender, log_core_error(&err, sender->settings.file));
    if (code != CS_OK)
        return sender_lost(sender);
    chunk->bytes.len = row_chunk_end(chunk); /* without what ends a COPY */
    result = connection_copy_end(sender->server, NULL);
    sender->copying = false;
    *failure = connection_failed(result) ? result : NULL;
    if (*failure != NULL && (sender->in_copy == 0 || !may_cut(sender, result)))
        return sender_fail(sender, result);
    sender->failed = *failure != NULL;
    if (sender->failed)
        return true;
    sender->loaded += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    if (sender->in_copy >= sender->limit && sender->limit < CHUNK_MAX_ROWS)
        sender->limit *= 2;
    row_chunk_settle(chunk, chunk->first + sender->in_copy);
    return true;
}

/* Start a COPY with the unsettled rows before row end. */
static bool
start_copy(row_sender *sender, size_t end)
{
    cs_slice bytes = row_chunk_bytes(&sender->chunk, sender->chunk.first, end);

    if (!sender_copy_start(sender))
        return false;
    sender->in_copy = end - sender->chunk.first;
    while (bytes.len > 0)
    {
        size_t step = bytes.len < COPY_CHUNK_BYTES ? bytes.len : COPY_CHUNK_BYTES;

        if (!connection_copy_put(sender->server, bytes.data, step))
            return sender_lost(sender);
        bytes.data += step;
        bytes.len -= step;
    }
    return true;
}

/* Copy the unsettled rows before row end. */
static bool
copy_rows(row_sender *sender, size_t end, PGresult **failure)
{
    return start_copy(sender, end) && end_copy(sender, failure);
}

/* Refuse a row: hand it on and remove it, or end the load. */
static bool
refuse_row(row_sender *sender, size_t row, PGresult *failure)
{
    const row_place *place = &sender->chunk.rows[row].place;
    exit_status status;
    refusal why;

    if (!sender->settings.tolerant)
    {
        sender->has_refused = true;
        sender->refused = *place;
        return sender_fail(sender, failure);
    }
    failure_reason(failure, &why);
    status = sender->on_refused(sender->ctx, place, row_chunk_raw(&sender->chunk, row), &why);
    PQclear(failure);
    if (status != STATUS_OK)
        return sender_stop(sender, status);
    row_chunk_remove(&sender->chunk, row);
    if (sender->limit > CHUNK_MIN_ROWS)
        sender->limit /= 2;
    return true;
}

static bool cut_row(row_sender *sender, size_t end, PGresult *failure);

/* Settle all rows before row end. */
static bool
settle_rows(row_sender *sender, size_t end)
{
    const row_chunk *chunk = &sender->chunk;

    while (chunk->first < end)
    {
        size_t left = end - chunk->first;
        size_t stop = chunk->first + (left < sender->limit ? left : sender->limit);
        PGresult *failure;

        if (!copy_rows(sender, stop, &failure) ||
            (failure != NULL && !cut_row(sender, stop, failure)))
            return false;
    }
    return true;
}

/* Find the refused row among those before row end, which failed: it is in no half that passes. */
static bool
halve_rows(row_sender *sender, size_t end)
{
    const row_chunk *chunk = &sender->chunk;

    while (end - chunk->first > 1)
    {
        size_t middle = chunk->first + (end - chunk->first) / 2;
        PGresult *failure;

        if (!copy_rows(sender, middle, &failure))
            return false;
        if (failure != NULL)
            return cut_row(sender, middle, failure);
    }
    return settle_rows(sender, end);
}

/* Cut one row out of those before row end, which failed together; others may be settled, too. */
static bool
cut_row(row_sender *sender, size_t end, PGresult *failure)
{
    const row_chunk *chunk = &sender->chunk;
    size_t count = end - chunk->first;
    named_row named = failure_row(failure, sender->copied, (int64_t) count);
    size_t row = chunk->first + (size_t) named.number - 1;

    if (count == 1)
        return refuse_row(sender, chunk->first, failure);
    if (sender->limit > count && chunk->count == end)
        sender->limit = count > CHUNK_MIN_ROWS ? count : CHUNK_MIN_ROWS;
    if (named.certain && sender->settings.tolerant)
        return refuse_row(sender, row, failure);
    PQclear(failure);
    if (named.number == 0)
        return halve_rows(sender, end);
    return settle_rows(sender, row) && settle_rows(sender, row + 1);
}

bool
sender_end_copy(row_sender *sender, bool all)
{
    row_chunk *chunk = &sender->chunk;
    size_t stop = chunk->first + sender->in_copy;
    PGresult *failure;

    if (!end_copy(sender, &failure) || (failure != NULL && !cut_row(sender, stop, failure)))
        return false;
    /* as many as make up COPYs of their own; others will follow the rest */
    while (chunk->first < chunk->count && (all || chunk->count - chunk->first >= sender->limit))
    {
        stop = all ? chunk->count : chunk->first + sender->limit;
        if (!settle_rows(sender, stop))
            return false;
    }
    row_chunk_compact(chunk);
    return chunk->count == 0 || start_copy(sender, chunk->count);
}
