/*
 * loader/load_ledger.c
 *     Claiming and closing a batch, and keeping its rejects.
 */
#include "load_ledger.h"

#include "log.h"
#include "resources.h"
#include "stop.h"
#include "utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define NUMBER_SIZE 24
#define REJECT_COLUMNS 8

/* Hash the whole of an open file. */
static exit_status
hash_file(const char *name, char sum[HASH_TEXT_SIZE])
{
    hash_stream hash = {NULL, false};
    uint8_t *buffer = malloc(READ_BUFFER_BYTES);
    exit_status status;
    file_source file;
    int64_t got = 0;

    if (buffer == NULL)
        return log_out_of_memory();
    status = file_source_open(&file, name);
    if (status == STATUS_OK)
    {
        hash_start(&hash);
        file.hash = &hash;
        while ((got = file_source_read(&file, buffer, READ_BUFFER_BYTES)) > 0)
            ;
        if (got < 0)
            status = file_source_fail(&file);
        else if (!hash_finish(&hash, sum))
            status = log_out_of_memory();
        file_source_close(&file);
    }
    hash_free(&hash);
    free(buffer);
    return status;
}

/* The file was loaded before: say so, if its bytes are still the same. */
static exit_status
report_done(const load_table *table, const row_source *source, const PGresult *found)
{
    const char *name = source->file->name;
    char sum[HASH_TEXT_SIZE];

    if (PQntuples(found) == 0)
    {
        log_error("%s: another load of this file was undone meanwhile", name);
        log_hint("Run the same command again.");
        return STATUS_SERVER;
    }
    STATUS_TRY(hash_file(name, sum));
    if (!PQgetisnull(found, 0, 1) && strcmp(sum, PQgetvalue(found, 0, 1)) != 0)
    {
        log_error("%s: file was loaded into %s before (load %s, %s), but its bytes have changed",
                  name, table->qualified, PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 2));
        log_detail("An Avro file is known by its header and sync marker, which are the same.");
        return STATUS_REFUSED;
    }
    log_summary("%s: already loaded into %s (load %s, %s): nothing to do", name, table->qualified,
                PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 2));
    return STATUS_OK;
}

/* Refuse a file made from a log that was loaded by way of another file. */
static exit_status
check_source(connection *server, const load_table *table, const row_source *source)
{
    const char *lock_params[] = {table->qualified, source->source_sha256};
    const char *params[] = {table->qualified, source->file_id, source->source_sha256};
    exit_status status = STATUS_OK;
    PGresult *found;

    STATUS_TRY(connection_run(server, resource_source_lock_sql, 2, lock_params));
    STATUS_TRY(connection_query(server, resource_source_find_sql, 3, params, &found));
    if (PQntuples(found) > 0)
    {
        log_error("%s: the log that this file was made from is already in %s: from \"%s\" "
                  "(load %s, %s)",
                  source->file->name, table->qualified, PQgetvalue(found, 0, 1),
                  PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 2));
        log_hint("\"--again\" loads it a second time.");
        status = STATUS_REFUSED;
    }
    PQclear(found);
    return status;
}

/* Say why the ledger takes no row: it may be an older version's. */
static exit_status
report_claim(const connection *server, PGresult *failure)
{
    bool older = connection_failed_with(failure, "42703"); /* undefined column */
    exit_status status = connection_report(server, failure);

    if (older)
        log_hint("\"%s init\" brings the tables of an older version up to date.", PROGRAM_NAME);
    return status;
}

exit_status
ledger_claim(connection *server, const load_table *table, row_source *source, bool again,
             load_batch *batch, claim_result *result)
{
    const char *params[] = {table->qualified, source->file->name, source->file_id,
                            source->source_sha256, table->oid};
    const char *find_params[] = {table->qualified, source->file_id};
    exit_status status;
    PGresult *rows;

    rows = connection_execute(server, resource_batch_claim_sql, 5, params);
    if (connection_failed(rows))
        return report_claim(server, rows);
    *result = PQntuples(rows) > 0 ? CLAIM_OURS : CLAIM_DONE;
    if (*result == CLAIM_OURS)
        batch->load_id = strtoll(PQgetvalue(rows, 0, 0), NULL, 10);
    PQclear(rows);
    if (*result == CLAIM_OURS)
        return again || source->source_sha256 == NULL ? STATUS_OK
                                                      : check_source(server, table, source);
    STATUS_TRY(connection_query(server, resource_batch_find_sql, 2, find_params, &rows));
    status = report_done(table, source, rows);
    PQclear(rows);
    return status;
}

exit_status
ledger_finish(connection *server, const load_batch *batch)
{
    const int64_t numbers[] = {batch->load_id,   batch->end_block,   batch->end_offset,
                               batch->rows_read, batch->rows_loaded, batch->rows_rejected};
    char texts[6][NUMBER_SIZE];

    for (int i = 0; i < 6; i++)
        snprintf(texts[i], NUMBER_SIZE, "%" PRId64, numbers[i]);
    return connection_run(server, resource_batch_finish_sql, 7,
                          (const char *const[]){texts[0], texts[1], texts[2], batch->checksum,
                                                texts[3], texts[4], texts[5]});
}

/* Start without any rejects. */
void
reject_spool_init(reject_spool *rejects)
{
    file_spool_init(&rejects->spool, NULL);
    copy_encoder_init(&rejects->encoder, &rejects->spool.base);
    cs_buffer_init(&rejects->text, loader_env());
}

/* Free what was kept. */
void
reject_spool_free(reject_spool *rejects)
{
    if (rejects->spool.file != NULL)
        fclose(rejects->spool.file);
    rejects->spool.file = NULL;
    copy_encoder_free(&rejects->encoder);
    cs_buffer_free(&rejects->text);
}

/* A text value, NULL where there is none. */
static cs_value
text_value(const char *text)
{
    if (text == NULL)
        return (cs_value){.kind = CS_VALUE_NULL};
    return (cs_value){.kind = CS_VALUE_STRING, .as.bytes = cs_slice_of(text)};
}

/* A number, NULL where it says that there is none. */
static cs_value
number_value(int64_t number, int64_t none)
{
    if (number == none)
        return (cs_value){.kind = CS_VALUE_NULL};
    return (cs_value){.kind = CS_VALUE_INTEGER, .as.integer = number};
}

/* Encode a reject as a row of load_reject. */
static cs_code
encode_reject(reject_spool *rejects, int64_t load_id, const reject *item, refusal *why)
{
    const column_type *text = column_type_find(TEXTOID), *number = column_type_find(INT8OID);
    const load_column columns[REJECT_COLUMNS] = {
        {.name = "load_id", .type = number, .field = 0},
        {.name = "file_name", .type = text, .field = 1},
        {.name = "block", .type = number, .field = 2},
        {.name = "record", .type = number, .field = 3},
        {.name = "column_name", .type = text, .field = 4},
        {.name = "sqlstate", .type = text, .field = 5},
        {.name = "reason", .type = text, .field = 6},
        {.name = "record_text", .type = text, .field = 7},
    };
    cs_value values[REJECT_COLUMNS] = {number_value(load_id, 0),      text_value(item->file),
                                       number_value(item->block, -1), number_value(item->record, 0),
                                       text_value(item->column),      text_value(item->sqlstate),
                                       text_value(item->reason)};

    rejects->text.len = 0;
    CS_TRY(utf8_append_repaired(&rejects->text, item->text, false, &why->err));
    values[7] = (cs_value){.kind = CS_VALUE_STRING,
                           .as.bytes = {(const char *) rejects->text.data, rejects->text.len}};
    return copy_encoder_row(&rejects->encoder, columns, REJECT_COLUMNS, values, why);
}

/* Create the temporary file. */
static exit_status
open_spool(reject_spool *rejects)
{
    cs_error err;

    rejects->spool.file = tmpfile();
    if (rejects->spool.file == NULL)
    {
        log_error("could not create a temporary file for rejects: %s", strerror(errno));
        return STATUS_SERVER;
    }
    if (copy_encoder_begin(&rejects->encoder, COPY_BINARY, &err) != CS_OK)
        return log_core_error(&err, NULL);
    return STATUS_OK;
}

exit_status
reject_spool_add(reject_spool *rejects, int64_t load_id, const reject *item)
{
    refusal why;

    if (rejects->spool.file == NULL)
        STATUS_TRY(open_spool(rejects));
    switch (encode_reject(rejects, load_id, item, &why))
    {
        case CS_OK:
            return STATUS_OK;
        case CS_ERR_IO:
            log_error("could not write a temporary file for rejects: %s", strerror(errno));
            return STATUS_SERVER;
        default:
            return log_core_error(&why.err, item->file);
    }
}

/* Send the spool's bytes in the COPY that runs; false if that is not possible. */
static bool
send_bytes(reject_spool *rejects, connection *server)
{
    static const size_t size = COPY_CHUNK_BYTES;
    uint8_t *buffer = malloc(size);
    FILE *file = rejects->spool.file;
    bool done = buffer != NULL && fflush(file) == 0 && fseek(file, 0, SEEK_SET) == 0;

    while (done)
    {
        size_t got = fread(buffer, 1, size, file);

        if (got == 0)
            break;
        done = connection_copy_put(server, buffer, got);
    }
    done = done && ferror(file) == 0;
    free(buffer);
    return done;
}

exit_status
reject_spool_send(reject_spool *rejects, connection *server)
{
    PGresult *result;
    cs_error err;
    bool sent;

    if (rejects->spool.file == NULL)
        return STATUS_OK;
    if (copy_encoder_end(&rejects->encoder, &err) != CS_OK)
    {
        log_error("could not write a temporary file for rejects: %s", strerror(errno));
        return STATUS_SERVER;
    }
    STATUS_TRY(connection_run(server,
                              "COPY load_reject (load_id, file_name, block, record, column_name,"
                              " sqlstate, reason, record_text) FROM STDIN (FORMAT binary)",
                              0, NULL));
    sent = send_bytes(rejects, server);
    result = connection_copy_end(server, sent ? NULL : "could not read the rejects");
    if (connection_failed(result))
        return connection_report(server, result);
    PQclear(result);
    return STATUS_OK;
}
