/*
 * loader/redshift_copy.c
 *     One transaction: ledger, COPY, INSERT, ledger.
 *
 * Redshift has no unique keys, so loaders of one ledger take turns by LOCK. COPY goes
 * into a temporary table, inside the transaction: one outside it would outlive a client
 * that is lost. Where the server says that others are to blame (error 1023), or the
 * connection is lost, at whatever moment, all is done again, and the ledger then says
 * whether the lost one was committed.
 */
#include "redshift.h"

#include "load.h"
#include "load_input.h"

#include <inttypes.h>
#include <stdlib.h>

/* Behind the role: a region, and a time format or nothing. */
#define COPY_OPTIONS " FORMAT AS AVRO 'auto' MANIFEST REGION %t%s COMPUPDATE OFF STATUPDATE OFF"

/* The file was loaded before: note it, if its bytes are still the same. */
static exit_status
note_done(const redshift_copy *copy, const PGresult *found, redshift_batch *batch)
{
    if (strcmp(PQgetvalue(found, 0, 1), copy->file->checksum) != 0)
        return load_input_refuse_changed(copy->file->name, copy->table->qualified,
                                         PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 2));
    batch->done = batch->before = true;
    batch->load_id = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    batch->rows = strtoll(PQgetvalue(found, 0, 3), NULL, 10);
    return STATUS_OK;
}

/* Look for the file in the ledger. */
static exit_status
find_file(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    exit_status status = STATUS_OK;
    PGresult *found;

    STATUS_TRY(redshift_query(server, &found,
                              "SELECT load_id, checksum,"
                              " to_char(loaded_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00',"
                              " rows_loaded"
                              " FROM %n.load_batch WHERE table_name = %t AND file_id = %t",
                              copy->table->schema, copy->table->qualified, copy->file->file_id));
    if (PQntuples(found) > 0)
        status = note_done(copy, found, batch);
    PQclear(found);
    return status;
}

/* Refuse a file made from a log that was loaded by way of another file. */
static exit_status
find_source(const redshift_copy *copy, connection *server)
{
    exit_status status = STATUS_OK;
    PGresult *found;

    if (copy->request->again || copy->file->source_sha256 == NULL)
        return STATUS_OK;
    STATUS_TRY(redshift_query(server, &found,
                              "SELECT load_id, file_name FROM %n.load_batch"
                              " WHERE table_name = %t AND file_id <> %t AND source_sha256 = %t",
                              copy->table->schema, copy->table->qualified, copy->file->file_id,
                              copy->file->source_sha256));
    if (PQntuples(found) > 0)
    {
        log_error("%s: the log that this file was made from is already in %s: from \"%s\" "
                  "(load %s)",
                  copy->file->name, copy->table->qualified, PQgetvalue(found, 0, 1),
                  PQgetvalue(found, 0, 0));
        log_hint("\"--again\" loads it a second time.");
        status = STATUS_REFUSED;
    }
    PQclear(found);
    return status;
}

exit_status
redshift_ledger_check(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    memset(batch, 0, sizeof(*batch));
    STATUS_TRY(find_file(copy, server, batch));
    return batch->done ? STATUS_OK : find_source(copy, server);
}

/* The next number of a batch; nobody else can be asking. */
static exit_status
number_batch(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    PGresult *found;

    STATUS_TRY(redshift_query(server, &found,
                              "SELECT coalesce(max(load_id), 0) + 1 FROM %n.load_batch",
                              copy->table->schema));
    batch->load_id = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    PQclear(found);
    return STATUS_OK;
}

/* Copy what is staged into the temporary table. The role's name is no secret; keys are never here.
 */
static exit_status
copy_staged(const redshift_copy *copy, connection *server)
{
    const char *role = copy->request->settings->iam_role;
    const char *format = strcmp(role, "default") == 0 ? "COPY " REDSHIFT_STAGE_TABLE
                                                        " (%l) FROM %t IAM_ROLE %s" COPY_OPTIONS
                                                      : "COPY " REDSHIFT_STAGE_TABLE
                                                        " (%l) FROM %t IAM_ROLE %t" COPY_OPTIONS;
    PGresult *result;

    STATUS_TRY(redshift_send(server, &result, format, copy->mapping, copy->stage->url, role,
                             copy->region,
                             copy->mapping->epochs ? " TIMEFORMAT 'epochmillisecs'" : ""));
    if (connection_failed(result))
        return redshift_report_copy(copy, server, result);
    PQclear(result);
    return STATUS_OK;
}

/* Move the rows into the table, and count them. */
static exit_status
insert_rows(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    const redshift_table *table = copy->table;
    PGresult *result;

    if (copy->mapping->add_load_id)
        STATUS_TRY(redshift_query(server, &result,
                                  "INSERT INTO %n.%n (%l, load_id)"
                                  " SELECT %l, %d FROM " REDSHIFT_STAGE_TABLE,
                                  table->schema, table->name, copy->mapping, copy->mapping,
                                  batch->load_id));
    else
        STATUS_TRY(redshift_query(server, &result,
                                  "INSERT INTO %n.%n (%l) SELECT %l FROM " REDSHIFT_STAGE_TABLE,
                                  table->schema, table->name, copy->mapping, copy->mapping));
    batch->rows = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    if (batch->rows == copy->file->records)
        return STATUS_OK;
    log_error("%s: has %" PRId64 " records, but Redshift loaded %" PRId64 " rows: nothing is kept",
              copy->file->name, copy->file->records, batch->rows);
    return STATUS_SERVER;
}

/* Write the ledger, and commit. */
static exit_status
finish(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    STATUS_TRY(redshift_run(server, "DROP TABLE " REDSHIFT_STAGE_TABLE));
    STATUS_TRY(redshift_run(server,
                            "INSERT INTO %n.load_batch (load_id, table_name, file_name, file_id,"
                            " source_sha256, checksum, rows_read, rows_loaded, staged)"
                            " VALUES (%d, %t, %t, %t, %t, %t, %d, %d, %t)",
                            copy->table->schema, batch->load_id, copy->table->qualified,
                            copy->file->name, copy->file->file_id, copy->file->source_sha256,
                            copy->file->checksum, copy->file->records, batch->rows,
                            copy->stage->url));
    STATUS_TRY(redshift_run(server, "COMMIT"));
    batch->done = true;
    return STATUS_OK;
}

/* The transaction. */
static exit_status
run_transaction(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    const redshift_table *table = copy->table;

    STATUS_TRY(redshift_run(server, "BEGIN"));
    STATUS_TRY(redshift_run(server, "LOCK %n.load_batch", table->schema));
    STATUS_TRY(redshift_ledger_check(copy, server, batch));
    if (batch->done)
        return STATUS_OK;
    STATUS_TRY(number_batch(copy, server, batch));
    STATUS_TRY(redshift_run(server, "CREATE TEMP TABLE " REDSHIFT_STAGE_TABLE " (LIKE %n.%n)",
                            table->schema, table->name));
    STATUS_TRY(copy_staged(copy, server));
    STATUS_TRY(insert_rows(copy, server, batch));
    return finish(copy, server, batch);
}

/* Try once; *transient says whether another try may go better. */
static exit_status
attempt(const redshift_copy *copy, redshift_batch *batch, bool *transient)
{
    connection server;
    exit_status status;

    *transient = true; /* a server that was there comes back */
    STATUS_TRY(connection_open_redshift(&server, copy->request->connection));
    status = run_transaction(copy, &server, batch);
    *transient = server.transient;
    connection_rollback(&server);
    connection_close(&server);
    return status;
}

exit_status
redshift_copy_run(const redshift_copy *copy, redshift_batch *batch)
{
    int64_t retries = copy->request->retries;
    bool transient;
    exit_status status = attempt(copy, batch, &transient);

    for (int64_t n = 1; status == STATUS_SERVER && transient && n <= retries; n++)
    {
        if (!load_wait_before(n, retries))
            return STATUS_INTERRUPTED;
        status = attempt(copy, batch, &transient);
    }
    return status;
}
