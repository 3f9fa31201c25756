/*
 * loader/row_cut.c
 *     Rows that the server refuses: they are cut out of the chunk.
 *
 * A COPY is taken whole or not at all, and its failure names at most one row. A row that
 * is named is set aside, and the others are sent again. Where the naming is not certain
 * the rows before it are sent and then the row alone, and only what then fails is set
 * aside. Where no row is named, as by foreign keys and triggers that run at the end of
 * the statement, halving finds one.
 *
 * A row that was set aside is refused, and handed to the caller, when the rows before it
 * are in place: its reason may be one of them, which may be refused itself later, as a
 * foreign key is looked at after a unique index. Where one of them is set aside it is
 * tried again, unless its reason lies in the row alone. So the outcome is that of
 * inserting one row after the other, and rows are refused in the order of the file.
 *
 * How many rows a COPY has follows from how often rows are refused. One that fails has about
 * half of its rows sent for nothing, with a unique index more; each COPY has a price of its
 * own. With each d'th row refused the sum is least at a multiple of the root of d, which was
 * measured to be about 12, with and without an index, and about 8 where halving finds
 * the rows. Where many are refused for what they are row_screen.c finds them beforehand.
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

bool
sender_close_copy(row_sender *sender)
{
    cs_error err;
    cs_code code = copy_encoder_end(&sender->encoder, &err);

    if (code != CS_OK && !sender->encoder.broken)
        return sender_stop(sender, log_core_error(&err, sender->settings.file));
    sender->chunk.bytes.len = row_chunk_end(&sender->chunk); /* without what ends a COPY */
    if (code != CS_OK || !connection_copy_close(sender->server, NULL))
        return sender_lost(sender);
    sender->copying = false;
    sender->closed = true;
    return true;
}

/* Set the number of rows of a COPY. */
static void
adapt_limit(row_sender *sender)
{
    int64_t clean = sender->settled - sender->refused_at;
    int64_t spread = sender->spread > clean ? sender->spread : clean;
    int64_t factor = sender->halved ? CHUNK_HALVED_FACTOR : CHUNK_SPREAD_FACTOR;
    size_t limit = CHUNK_MIN_ROWS;

    if (sender->spread == INT64_MAX)
        return; /* none was refused yet */
    while (limit < CHUNK_MAX_ROWS && (int64_t) (limit * limit) / (factor * factor) < spread)
        limit += limit / 16;
    sender->limit = limit;
}

/* Note that a row is refused. */
static void
note_refused(row_sender *sender, size_t row)
{
    int64_t at = sender->settled + (int64_t) (row - sender->chunk.first);
    int64_t distance = at > sender->refused_at ? at - sender->refused_at : 1;

    if (sender->spread == INT64_MAX)
        sender->spread = distance;
    else
        sender->spread += (distance - sender->spread) / SPREAD_WEIGHT;
    sender->refused_at = at;
    adapt_limit(sender);
}

/* The unsettled rows before row end are in the table, but for those that are refused. */
static bool
settle(row_sender *sender, size_t end)
{
    row_chunk *chunk = &sender->chunk;

    for (size_t i = chunk->first; i < end; i++)
    {
        const row_failure *failure = chunk->rows[i].failure;
        exit_status status;
        refusal why;

        if (failure == NULL)
            continue;
        why.sqlstate = failure->sqlstate;
        why.column = failure->column;
        cs_fail(&why.err, CS_ERR_RANGE, "%s", failure->reason);
        status =
            sender->on_refused(sender->ctx, &chunk->rows[i].place, row_chunk_raw(chunk, i), &why);
        if (status != STATUS_OK)
            return sender_stop(sender, status);
    }
    sender->settled += (int64_t) (end - chunk->first);
    row_chunk_settle(chunk, end);
    adapt_limit(sender);
    return true;
}

/* Hear how the COPY went: *failure is NULL, and its rows are settled, if it went well. */
static bool
hear_copy(row_sender *sender, PGresult **failure)
{
    size_t end = sender->chunk.first + sender->in_copy;
    PGresult *result = connection_copy_result(sender->server);

    sender->closed = false;
    *failure = connection_failed(result) ? result : NULL;
    if (*failure != NULL &&
        (row_chunk_live(&sender->chunk, end) == 0 || !may_cut(sender, *failure)))
        return sender_fail(sender, *failure);
    sender->failed = *failure != NULL;
    if (sender->failed)
        return true;
    sender->loaded += strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return settle(sender, end);
}

/* Send bytes in pieces. */
static bool
send_bytes(row_sender *sender, cs_slice bytes)
{
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

/* Start a COPY with the unsettled rows before row end; screening: with those to be looked at. */
static bool
start_copy(row_sender *sender, size_t end, bool screening)
{
    const row_chunk *chunk = &sender->chunk;
    size_t begin = chunk->first;

    if (!sender_copy_start(sender, screening))
        return false;
    sender->in_copy = end - begin;
    for (size_t i = begin; i < end; i++)
        if (chunk->rows[i].failure != NULL)
        {
            if (!send_bytes(sender, row_chunk_bytes(chunk, begin, i)))
                return false;
            begin = i + 1;
        }
    return send_bytes(sender, row_chunk_bytes(chunk, begin, end));
}

/* Copy the unsettled rows before row end. */
static bool
copy_rows(row_sender *sender, size_t end, PGresult **failure)
{
    *failure = NULL;
    if (row_chunk_live(&sender->chunk, end) == 0)
        return settle(sender, end);
    return start_copy(sender, end, false) && sender_close_copy(sender) &&
           hear_copy(sender, failure);
}

/* Set a row aside; those behind it that may have been refused because of it are tried again. */
static bool
set_aside(row_sender *sender, size_t row, const char *column, PGresult *failure)
{
    row_chunk *chunk = &sender->chunk;

    if (!sender->settings.tolerant)
    {
        sender->has_refused = true;
        sender->refused = chunk->rows[row].place;
        return sender_fail(sender, failure);
    }
    chunk->rows[row].failure = row_failure_of(failure, column);
    PQclear(failure);
    if (chunk->rows[row].failure == NULL)
        return sender_stop(sender, log_out_of_memory());
    for (size_t i = row + 1; i < chunk->count; i++)
        if (chunk->rows[i].failure != NULL && !row_failure_lies_in_row(chunk->rows[i].failure))
        {
            free(chunk->rows[i].failure);
            chunk->rows[i].failure = NULL;
        }
    note_refused(sender, row);
    sender_screen_note(sender, chunk->rows[row].failure);
    return true;
}

/* Look at the rows before row end, where that is on and enough of them were not looked at. */
static bool
screen_rows(row_sender *sender, size_t end)
{
    const row_chunk *chunk = &sender->chunk;
    size_t begin = chunk->screened > chunk->first ? chunk->screened : chunk->first;

    if (!sender->screen.on || end < begin + SCREEN_MIN_ROWS)
        return true;
    if (!sender_screen_ready(sender))
        return false;
    return !sender->screen.on || (start_copy(sender, end, true) && sender_close_copy(sender) &&
                                  sender_screen_hear(sender, end));
}

static bool cut_row(row_sender *sender, size_t end, PGresult *failure);

/* Settle all rows before row end. */
static bool
settle_rows(row_sender *sender, size_t end)
{
    row_chunk *chunk = &sender->chunk;

    while (chunk->first < end)
    {
        size_t left = end - chunk->first;
        size_t stop = chunk->first + (left < sender->limit ? left : sender->limit);
        PGresult *failure;

        if (!screen_rows(sender, end) || !copy_rows(sender, stop, &failure) ||
            (failure != NULL && !cut_row(sender, stop, failure)))
            return false;
    }
    return true;
}

/* Find a refused row among those before row end, which failed: it is in no half that passes. */
static bool
halve_rows(row_sender *sender, size_t end)
{
    const row_chunk *chunk = &sender->chunk;
    size_t live;

    while ((live = row_chunk_live(chunk, end)) > 1)
    {
        size_t middle = row_chunk_nth(chunk, live / 2) + 1;
        PGresult *failure;

        if (!copy_rows(sender, middle, &failure))
            return false;
        if (failure != NULL)
            return cut_row(sender, middle, failure);
    }
    return settle_rows(sender, end);
}

/* Set one row aside of those before row end, which failed together; others may be settled. */
static bool
cut_row(row_sender *sender, size_t end, PGresult *failure)
{
    const row_chunk *chunk = &sender->chunk;
    size_t live = row_chunk_live(chunk, end);
    const failed_copy copy = {sender->copied, sender->mapping, (int64_t) live};
    named_row named = failure_row(failure, &copy);
    size_t row;

    sender->halved = named.number == 0;
    if (live == 1)
        return set_aside(sender, row_chunk_nth(chunk, 1), named.column, failure);
    row = named.number > 0 ? row_chunk_nth(chunk, (size_t) named.number) : 0;
    if (named.certain)
        return set_aside(sender, row, named.column, failure);
    PQclear(failure);
    if (named.number == 0)
        return halve_rows(sender, end);
    return settle_rows(sender, row) && settle_rows(sender, row + 1);
}

bool
sender_settle(row_sender *sender, bool all)
{
    row_chunk *chunk = &sender->chunk;
    size_t stop = chunk->first + sender->in_copy;
    PGresult *failure;

    if (!sender_take_encoded(sender))
        return false;
    if (sender->screen.running)
    {
        if (!sender_screen_hear(sender, stop) || !settle_rows(sender, stop))
            return false;
    }
    else if (!hear_copy(sender, &failure) || (failure != NULL && !cut_row(sender, stop, failure)))
        return false;
    /* as many as make up COPYs of their own; others will follow the rest */
    while (chunk->first < chunk->count && (all || chunk->count - chunk->first >= sender->limit))
    {
        stop = all ? chunk->count : chunk->first + sender->limit;
        if (!settle_rows(sender, stop))
            return false;
    }
    row_chunk_compact(chunk);
    return chunk->count == 0 || start_copy(sender, chunk->count, true);
}
