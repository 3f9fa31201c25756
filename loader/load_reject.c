/*
 * loader/load_reject.c
 *     Refused rows into load_reject, and from there into a file.
 */
#include "load_ledger.h"

#include "log.h"
#include "resources.h"
#include "stop.h"
#include "utf8.h"

#include <errno.h>
#include <stdlib.h>

#define REJECT_COLUMNS 10

/* Start without any rejects. */
void
reject_spool_init(reject_spool *rejects, const connection *server)
{
    rejects->as_ascii = !connection_holds_unicode(server);
    file_spool_init(&rejects->spool, NULL);
    copy_encoder_init(&rejects->encoder, &rejects->spool.base);
    cs_buffer_init(&rejects->text, loader_env());
    cs_buffer_init(&rejects->reason, loader_env());
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
    cs_buffer_free(&rejects->reason);
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

/* A text that the database can hold, in a scratch buffer. */
static cs_code
storable_text(const reject_spool *rejects, cs_slice text, cs_buffer *scratch, cs_value *value,
              cs_error *err)
{
    scratch->len = 0;
    CS_TRY(rejects->as_ascii ? utf8_append_ascii(scratch, text, err)
                             : utf8_append_repaired(scratch, text, false, err));
    *value = (cs_value){.kind = CS_VALUE_STRING,
                        .as.bytes = {(const char *) scratch->data, scratch->len}};
    return CS_OK;
}

/*
 * The record's bytes, where its text does not show them as they are; else NULL. An Avro
 * record is shown as JSON, in which an escape is the character itself.
 */
static cs_value
exact_bytes(const reject_spool *rejects, const reject *item)
{
    cs_slice bytes = item->bytes.data != NULL ? item->bytes : item->text;

    if (item->bytes.data == NULL && item->block >= 0)
        return (cs_value){.kind = CS_VALUE_NULL};
    if (item->bytes.data == NULL && bytes.len == rejects->text.len &&
        (bytes.len == 0 || memcmp(bytes.data, rejects->text.data, bytes.len) == 0))
        return (cs_value){.kind = CS_VALUE_NULL};
    return (cs_value){.kind = CS_VALUE_BYTES, .as.bytes = bytes};
}

/* Encode a reject as a row of load_reject. */
static cs_code
encode_reject(reject_spool *rejects, int64_t load_id, const reject *item, refusal *why)
{
    const column_type *text = column_type_find(TEXTOID), *number = column_type_find(INT8OID),
                      *bytes = column_type_find(BYTEAOID);
    const load_column columns[REJECT_COLUMNS] = {
        {.name = "load_id", .type = number, .field = 0},
        {.name = "file_name", .type = text, .field = 1},
        {.name = "block", .type = number, .field = 2},
        {.name = "record", .type = number, .field = 3},
        {.name = "column_name", .type = text, .field = 4},
        {.name = "sqlstate", .type = text, .field = 5},
        {.name = "reason", .type = text, .field = 6},
        {.name = "record_text", .type = text, .field = 7},
        {.name = "line", .type = number, .field = 8},
        {.name = "record_bytes", .type = bytes, .field = 9},
    };
    cs_value values[REJECT_COLUMNS] = {number_value(load_id, 0),      text_value(item->file),
                                       number_value(item->block, -1), number_value(item->record, 0),
                                       text_value(item->column),      text_value(item->sqlstate)};

    CS_TRY(
        storable_text(rejects, cs_slice_of(item->reason), &rejects->reason, &values[6], &why->err));
    CS_TRY(storable_text(rejects, item->text, &rejects->text, &values[7], &why->err));
    values[8] = number_value(item->line, 0);
    values[9] = exact_bytes(rejects, item);
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
    STATUS_TRY(connection_run(
        server,
        "COPY load_reject (load_id, file_name, block, record, column_name,"
        " sqlstate, reason, record_text, line, record_bytes) FROM STDIN (FORMAT binary)",
        0, NULL));
    sent = send_bytes(rejects, server);
    result = connection_copy_end(server, sent ? NULL : "could not read the rejects");
    if (connection_failed(result))
        return connection_report(server, result);
    PQclear(result);
    return STATUS_OK;
}

/* The fields of a row of batch_rejects.sql. */
enum reject_field
{
    REJECT_FILE,
    REJECT_LINE,
    REJECT_BLOCK,
    REJECT_RECORD,
    REJECT_COLUMN,
    REJECT_SQLSTATE,
    REJECT_REASON,
    REJECT_TEXT,
    REJECT_BYTES
};

/* A text of a row; NULL for NULL. */
static const char *
row_text(const PGresult *row, int field)
{
    return PQgetisnull(row, 0, field) ? NULL : PQgetvalue(row, 0, field);
}

/* A number of a row, or none for NULL. */
static int64_t
row_number(const PGresult *row, int field, int64_t none)
{
    return PQgetisnull(row, 0, field) ? none : strtoll(PQgetvalue(row, 0, field), NULL, 10);
}

/* Write one row of batch_rejects.sql. */
static exit_status
write_reject(const PGresult *row, reject_file *file)
{
    size_t len = 0;
    unsigned char *bytes =
        PQgetisnull(row, 0, REJECT_BYTES)
            ? NULL
            : PQunescapeBytea((unsigned char *) PQgetvalue(row, 0, REJECT_BYTES), &len);
    reject item = {.file = row_text(row, REJECT_FILE),
                   .line = row_number(row, REJECT_LINE, 0),
                   .block = row_number(row, REJECT_BLOCK, -1),
                   .record = row_number(row, REJECT_RECORD, 0),
                   .column = row_text(row, REJECT_COLUMN),
                   .sqlstate = row_text(row, REJECT_SQLSTATE),
                   .reason = row_text(row, REJECT_REASON),
                   .text = cs_slice_of(PQgetvalue(row, 0, REJECT_TEXT)),
                   .bytes = {(const char *) bytes, len}};
    exit_status status = reject_file_add(file, &item);

    PQfreemem(bytes);
    return status;
}

exit_status
ledger_write_rejects(connection *server, const ledger_key *key, reject_file *file)
{
    const char *params[] = {key->table->qualified, key->file_id};
    PGresult *row = connection_start(server, resource_batch_rejects_sql, 2, params);
    exit_status status = STATUS_OK;

    for (; status == STATUS_OK; row = NULL)
    {
        if (row == NULL)
            row = connection_next(server);
        if (row == NULL)
            return STATUS_OK;
        if (connection_failed(row))
            return connection_report(server, row);
        if (PQresultStatus(row) == PGRES_SINGLE_TUPLE)
            status = write_reject(row, file);
        PQclear(row);
    }
    return status;
}
