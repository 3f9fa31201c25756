/*
 * loader/row_cut.c
 *     Chunks that the server refuses: the refused rows are cut out.
 *
 * A COPY is taken whole or not at all, and its failure names at most one row. Where it
 * names one, the rows before it are sent again, it is handed to the caller, and sending
 * goes on behind it. The rows before it need not be good: a CHECK is looked at before
 * the unique index that an earlier row violates. Where the naming is not certain the
 * row is sent alone, and only what then fails is refused. Where no row is named, as by
 * foreign keys and triggers that run at the end of the statement, halving finds it.
 *
 * Rows reach the table in the order of the file, and each refused row is refused with
 * what came before it in place.
 *
 * How many rows a chunk has follows from how often rows are refused: each one that is halves
 * it, each full chunk without one doubles it, so about every second chunk fails.
 */
#include "load_failure.h"
#include "log.h"
#include "row_sender_parts.h"

#include <stdlib.h>

#define SQLSTATE_CARDINALITY "21000"

/* True if parts of a failed chunk may be taken. */
static bool
may_cut(const row_sender *sender, const PGresult *failure)
{
    /* an update meets a row twice where the index holds keys for equal that the type does not */
    return failure_blames_data(failure) || (sender->settings.on_conflict == CONFLICT_UPDATE &&
                                            connection_failed_with(failure, SQLSTATE_CARDINALITY));
}

/* Count the rows of a COPY that ended; *failure is its failure if the data is to blame. */
static bool
end_copy(row_sender *sender, PGresult **failure)
{
    PGresult *result = connection_copy_end(sender->server, NULL);

    sender->copying = false;
    *failure = NULL;
    if (!connection_failed(result))
    {
        sender->loaded += strtoll(PQcmdTuples(result), NULL, 10);
        PQclear(result);
        return true;
    }
    if (!may_cut(sender, result))
        return sender_fail(sender, result);
    sender->failed = true;
    *failure = result;
    return true;
}

/* Send bytes in pieces. */
static bool
send_bytes(row_sender *sender, cs_slice bytes)
{
    while (bytes.len > 0)
    {
        size_t step = bytes.len < COPY_CHUNK_BYTES ? bytes.len : COPY_CHUNK_BYTES;

        if (!connection_copy_put(sender->server, bytes.data, step))
        {
            sender->broken = true;
            return false;
        }
        bytes.data += step;
        bytes.len -= step;
    }
    return true;
}

/* Copy rows [begin, end) of the chunk. */
static bool
copy_rows(row_sender *sender, size_t begin, size_t end, PGresult **failure)
{
    const row_chunk *chunk = &sender->chunk;

    return sender_copy_start(sender) && send_bytes(sender, row_chunk_head(chunk)) &&
           send_bytes(sender, row_chunk_rows(chunk, begin, end)) &&
           send_bytes(sender, row_chunk_tail(chunk)) && end_copy(sender, failure);
}

/* A row is refused: hand it on, or end the load. */
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
    if (sender->limit > CHUNK_MIN_ROWS)
        sender->limit /= 2;
    failure_reason(failure, &why);
    status = sender->on_refused(sender->ctx, place, row_chunk_raw(&sender->chunk, row), &why);
    PQclear(failure);
    return status == STATUS_OK || sender_stop(sender, status);
}

static bool cut_rows(row_sender *sender, size_t begin, size_t end, PGresult *failure);

/* Send rows; what is refused of them is cut out. */
static bool
send_rows(row_sender *sender, size_t begin, size_t end)
{
    while (begin < end)
    {
        size_t stop = end - begin > sender->limit ? begin + sender->limit : end;
        PGresult *failure;

        if (!copy_rows(sender, begin, stop, &failure) ||
            (failure != NULL && !cut_rows(sender, begin, stop, failure)))
            return false;
        begin = stop;
    }
    return true;
}

/* Find the refused row among rows that failed without naming one: it is not in a half that passes.
 */
static bool
halve_rows(row_sender *sender, size_t begin, size_t end)
{
    while (end - begin > 1)
    {
        size_t middle = begin + (end - begin) / 2;
        PGresult *failure;

        if (!copy_rows(sender, begin, middle, &failure))
            return false;
        if (failure != NULL)
            return cut_rows(sender, begin, middle, failure) && send_rows(sender, middle, end);
        begin = middle;
    }
    return send_rows(sender, begin, end);
}

/* Settle rows [begin, end), which failed together. */
static bool
cut_rows(row_sender *sender, size_t begin, size_t end, PGresult *failure)
{
    named_row named = failure_row(failure, sender->copied, (int64_t) (end - begin));
    size_t row = named.number > 0 ? begin + (size_t) named.number - 1 : begin;

    if (end - begin == 1)
        return refuse_row(sender, begin, failure);
    if (named.number == 0 || !named.certain)
    {
        PQclear(failure);
        failure = NULL;
    }
    if (named.number == 0)
        return halve_rows(sender, begin, end);
    if (!send_rows(sender, begin, row))
    {
        PQclear(failure);
        return false;
    }
    return (failure != NULL ? refuse_row(sender, row, failure) : send_rows(sender, row, row + 1)) &&
           send_rows(sender, row + 1, end);
}

bool
sender_end_chunk(row_sender *sender)
{
    size_t count = sender->chunk.count;
    PGresult *failure;
    cs_error err;
    cs_code code = copy_encoder_end(&sender->encoder, &err);

    if (code != CS_OK && !sender->encoder.broken)
        return sender_stop(sender, log_core_error(&err, sender->settings.file));
    if (code != CS_OK)
    {
        sender->broken = true;
        return false;
    }
    if (!end_copy(sender, &failure))
        return false;
    if (failure != NULL)
    {
        if (sender->limit > count)
            sender->limit = count > CHUNK_MIN_ROWS ? count : CHUNK_MIN_ROWS;
        return cut_rows(sender, 0, count, failure);
    }
    if (count >= sender->limit && sender->limit < CHUNK_MAX_ROWS)
        sender->limit *= 2;
    return true;
}
