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

#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>

#define SERIALIZATION_ERROR "1023" /* begins Redshift's message */

/* How an attempt, or a step of one, ended. */
typedef enum attempt_result
{
    ATTEMPT_DONE,
    ATTEMPT_FAILED, /* has been reported */
    ATTEMPT_AGAIN   /* has not been reported: there will be another */
} attempt_result;

typedef struct copy_attempt
{
    const redshift_copy *copy;
    connection *server;
    redshift_batch *batch;
    bool last;
    exit_status status; /* where it failed */
} copy_attempt;

#define ATTEMPT_TRY(call)                   \
    do                                      \
    {                                       \
        attempt_result try_result = (call); \
        if (try_result != ATTEMPT_DONE)     \
            return try_result;              \
    } while (0)

/* True if a message says that S3, asked by the cluster, has a bad moment. */
static bool
blames_s3(const char *message)
{
    static const char *const words[] = {"SlowDown", "InternalError", "ServiceUnavailable",
                                        "RequestTimeout"};

    for (size_t i = 0; message != NULL && i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(message, words[i]) != NULL && strstr(message, "S3") != NULL)
            return true;
    return false;
}

/* True if a failure may not happen again: others, or the network, are to blame. */
static bool
failure_passes(const connection *server, const PGresult *failure)
{
    static const char *const classes[] = {"08", "40", "57P"}; /* connection, rollback, shutdown */
    const char *sqlstate = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);

    if (stop_requested())
        return false;
    if (PQstatus(server->pg) == CONNECTION_BAD)
        return true;
    for (size_t i = 0; sqlstate != NULL && i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strncmp(sqlstate, classes[i], strlen(classes[i])) == 0)
            return true;
    if (message != NULL && strncmp(message, SERIALIZATION_ERROR, strlen(SERIALIZATION_ERROR)) == 0)
        return true;
    return blames_s3(message);
}

/* Note that the attempt failed and that there will be another; false if it is to be reported. */
static bool
may_try_again(const copy_attempt *attempt, const PGresult *failure)
{
    const char *message = PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);

    if (attempt->last || !failure_passes(attempt->server, failure))
        return false;
    if (message == NULL)
        message = PQerrorMessage(attempt->server->pg);
    log_verbose("the transaction is tried again: %.*s", (int) strcspn(message, "\n"), message);
    return true;
}

/* Run a statement; its result is the caller's to clear, where it went well. */
static attempt_result
execute(copy_attempt *attempt, cs_buffer *sql, PGresult **result)
{
    cs_error err;

    if (cs_buffer_append(sql, "", 1, &err) != CS_OK)
    {
        attempt->status = log_out_of_memory();
        return ATTEMPT_FAILED;
    }
    log_verbose("SQL: %s", (const char *) sql->data);
    *result = connection_execute(attempt->server, (const char *) sql->data, 0, NULL);
    if (!connection_failed(*result))
        return ATTEMPT_DONE;
    if (may_try_again(attempt, *result))
    {
        PQclear(*result);
        return ATTEMPT_AGAIN;
    }
    attempt->status = connection_report(attempt->server, *result);
    return ATTEMPT_FAILED;
}

/* Make a statement of a format, as redshift_sql does, and run it. */
static attempt_result
execute_list(copy_attempt *attempt, PGresult **result, const char *format, va_list args)
{
    attempt_result done = ATTEMPT_FAILED;
    cs_buffer sql;
    cs_error err;

    cs_buffer_init(&sql, loader_env());
    if (redshift_sql_list(&sql, attempt->server, &err, format, args) == CS_OK)
        done = execute(attempt, &sql, result);
    else
        attempt->status = log_core_error(&err, attempt->copy->file->name);
    cs_buffer_free(&sql);
    return done;
}

/* Run a statement made of a format; its result is the caller's to clear, where it went well. */
static attempt_result
query(copy_attempt *attempt, PGresult **result, const char *format, ...)
{
    attempt_result done;
    va_list args;

    va_start(args, format);
    done = execute_list(attempt, result, format, args);
    va_end(args);
    return done;
}

/* Run a statement made of a format, whose result is of no interest. */
static attempt_result
run(copy_attempt *attempt, const char *format, ...)
{
    attempt_result done;
    PGresult *result;
    va_list args;

    va_start(args, format);
    done = execute_list(attempt, &result, format, args);
    va_end(args);
    if (done == ATTEMPT_DONE)
        PQclear(result);
    return done;
}

/* The file was loaded before: note it, if its bytes are still the same. */
static attempt_result
note_done(copy_attempt *attempt, const PGresult *found)
{
    const redshift_copy *copy = attempt->copy;

    if (strcmp(PQgetvalue(found, 0, 1), copy->file->checksum) != 0)
    {
        log_error("%s: file was loaded into %s before (load %s, %s), but its bytes have changed",
                  copy->file->name, copy->table->qualified, PQgetvalue(found, 0, 0),
                  PQgetvalue(found, 0, 2));
        log_detail("An Avro file is known by its header and sync marker, which are the same.");
        attempt->status = STATUS_REFUSED;
        return ATTEMPT_FAILED;
    }
    attempt->batch->done = attempt->batch->before = true;
    attempt->batch->load_id = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    attempt->batch->rows = strtoll(PQgetvalue(found, 0, 3), NULL, 10);
    return ATTEMPT_DONE;
}

/* Look for the file in the ledger. */
static attempt_result
find_file(copy_attempt *attempt)
{
    const redshift_copy *copy = attempt->copy;
    attempt_result done = ATTEMPT_DONE;
    PGresult *found;

    ATTEMPT_TRY(query(attempt, &found,
                      "SELECT load_id, checksum,"
                      " to_char(loaded_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+00:00', rows_loaded"
                      " FROM %n.load_batch WHERE table_name = %t AND file_id = %t",
                      copy->table->schema, copy->table->qualified, copy->file->file_id));
    if (PQntuples(found) > 0)
        done = note_done(attempt, found);
    PQclear(found);
    return done;
}

/* Refuse a file made from a log that was loaded by way of another file. */
static attempt_result
find_source(copy_attempt *attempt)
{
    const redshift_copy *copy = attempt->copy;
    attempt_result done = ATTEMPT_DONE;
    PGresult *found;

    if (copy->request->again || copy->file->source_sha256 == NULL)
        return ATTEMPT_DONE;
    ATTEMPT_TRY(query(attempt, &found,
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
        attempt->status = STATUS_REFUSED;
        done = ATTEMPT_FAILED;
    }
    PQclear(found);
    return done;
}

/* Ask the ledger both questions. */
static attempt_result
check_ledger(copy_attempt *attempt)
{
    ATTEMPT_TRY(find_file(attempt));
    return attempt->batch->done ? ATTEMPT_DONE : find_source(attempt);
}

exit_status
redshift_ledger_check(const redshift_copy *copy, connection *server, redshift_batch *batch)
{
    copy_attempt attempt = {.copy = copy, .server = server, .batch = batch, .last = true};

    memset(batch, 0, sizeof(*batch));
    return check_ledger(&attempt) == ATTEMPT_DONE ? STATUS_OK : attempt.status;
}

/* The next number of a batch; nobody else can be asking. */
static attempt_result
number_batch(copy_attempt *attempt)
{
    PGresult *found;

    ATTEMPT_TRY(query(attempt, &found, "SELECT coalesce(max(load_id), 0) + 1 FROM %n.load_batch",
                      attempt->copy->table->schema));
    attempt->batch->load_id = strtoll(PQgetvalue(found, 0, 0), NULL, 10);
    PQclear(found);
    return ATTEMPT_DONE;
}

/* Append the names of the columns that are loaded. */
static cs_code
append_columns(cs_buffer *sql, const copy_attempt *attempt, cs_error *err)
{
    const redshift_mapping *mapping = attempt->copy->mapping;

    for (size_t i = 0; i < mapping->count; i++)
        CS_TRY(redshift_sql(sql, attempt->server, err, i > 0 ? ", %n" : "%n",
                            mapping->columns[i]->name));
    return CS_OK;
}

/* Append the COPY; the role's name is no secret, and keys are never in it. */
static cs_code
append_copy(cs_buffer *sql, const copy_attempt *attempt, cs_error *err)
{
    const redshift_copy *copy = attempt->copy;
    const connection *server = attempt->server;
    const char *role = copy->request->settings->iam_role;

    CS_TRY(redshift_sql(sql, server, err, "COPY " REDSHIFT_STAGE_TABLE " ("));
    CS_TRY(append_columns(sql, attempt, err));
    CS_TRY(redshift_sql(sql, server, err, ") FROM %t IAM_ROLE ", copy->stage->url));
    CS_TRY(redshift_sql(sql, server, err, strcmp(role, "default") == 0 ? "default" : "%t", role));
    CS_TRY(
        redshift_sql(sql, server, err, " FORMAT AS AVRO 'auto' MANIFEST REGION %t", copy->region));
    if (copy->mapping->epochs)
        CS_TRY(redshift_sql(sql, server, err, " TIMEFORMAT 'epochmillisecs'"));
    CS_TRY(redshift_sql(sql, server, err, " COMPUPDATE OFF STATUPDATE OFF"));
    return cs_buffer_append(sql, "", 1, err);
}

/* Append the statement that moves the rows into the table. */
static cs_code
append_insert(cs_buffer *sql, const copy_attempt *attempt, cs_error *err)
{
    const redshift_table *table = attempt->copy->table;
    const connection *server = attempt->server;

    CS_TRY(redshift_sql(sql, server, err, "INSERT INTO %n.%n (", table->schema, table->name));
    CS_TRY(append_columns(sql, attempt, err));
    CS_TRY(redshift_sql(sql, server, err, table->has_load_id ? ", load_id) SELECT " : ") SELECT "));
    CS_TRY(append_columns(sql, attempt, err));
    if (table->has_load_id)
        CS_TRY(redshift_sql(sql, server, err, ", %d", attempt->batch->load_id));
    return redshift_sql(sql, server, err, " FROM " REDSHIFT_STAGE_TABLE);
}

/* Copy what is staged into the temporary table. */
static attempt_result
copy_staged(copy_attempt *attempt)
{
    attempt_result done = ATTEMPT_DONE;
    PGresult *result;
    cs_buffer sql;
    cs_error err;

    cs_buffer_init(&sql, loader_env());
    if (append_copy(&sql, attempt, &err) != CS_OK)
    {
        cs_buffer_free(&sql);
        attempt->status = log_core_error(&err, NULL);
        return ATTEMPT_FAILED;
    }
    log_verbose("SQL: %s", (const char *) sql.data);
    result = connection_execute(attempt->server, (const char *) sql.data, 0, NULL);
    cs_buffer_free(&sql);
    if (connection_failed(result) && !may_try_again(attempt, result))
    {
        attempt->status = redshift_report_copy(attempt->copy, attempt->server, result);
        return ATTEMPT_FAILED;
    }
    done = connection_failed(result) ? ATTEMPT_AGAIN : ATTEMPT_DONE;
    PQclear(result);
    return done;
}

/* Move the rows into the table, and count them. */
static attempt_result
insert_rows(copy_attempt *attempt)
{
    const redshift_file *file = attempt->copy->file;
    attempt_result done = ATTEMPT_FAILED;
    PGresult *result;
    cs_buffer sql;
    cs_error err;

    cs_buffer_init(&sql, loader_env());
    if (append_insert(&sql, attempt, &err) == CS_OK)
        done = execute(attempt, &sql, &result);
    else
        attempt->status = log_core_error(&err, NULL);
    cs_buffer_free(&sql);
    ATTEMPT_TRY(done);
    attempt->batch->rows = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    if (attempt->batch->rows == file->records)
        return ATTEMPT_DONE;
    log_error("%s: has %" PRId64 " records, but Redshift loaded %" PRId64 " rows: nothing is kept",
              file->name, file->records, attempt->batch->rows);
    attempt->status = STATUS_SERVER;
    return ATTEMPT_FAILED;
}

/* Write the ledger, and commit. */
static attempt_result
finish(copy_attempt *attempt)
{
    const redshift_copy *copy = attempt->copy;

    ATTEMPT_TRY(run(attempt, "DROP TABLE " REDSHIFT_STAGE_TABLE));
    ATTEMPT_TRY(run(attempt,
                    "INSERT INTO %n.load_batch (load_id, table_name, file_name, file_id,"
                    " source_sha256, checksum, rows_read, rows_loaded, staged)"
                    " VALUES (%d, %t, %t, %t, %t, %t, %d, %d, %t)",
                    copy->table->schema, attempt->batch->load_id, copy->table->qualified,
                    copy->file->name, copy->file->file_id, copy->file->source_sha256,
                    copy->file->checksum, copy->file->records, attempt->batch->rows,
                    copy->stage->url));
    ATTEMPT_TRY(run(attempt, "COMMIT"));
    attempt->batch->done = true;
    return ATTEMPT_DONE;
}

/* The transaction. */
static attempt_result
run_transaction(copy_attempt *attempt)
{
    const redshift_table *table = attempt->copy->table;

    memset(attempt->batch, 0, sizeof(*attempt->batch));
    ATTEMPT_TRY(run(attempt, "BEGIN"));
    ATTEMPT_TRY(run(attempt, "LOCK %n.load_batch", table->schema));
    ATTEMPT_TRY(check_ledger(attempt));
    if (attempt->batch->done)
        return ATTEMPT_DONE;
    ATTEMPT_TRY(number_batch(attempt));
    ATTEMPT_TRY(run(attempt, "CREATE TEMP TABLE " REDSHIFT_STAGE_TABLE " (LIKE %n.%n)",
                    table->schema, table->name));
    ATTEMPT_TRY(copy_staged(attempt));
    ATTEMPT_TRY(insert_rows(attempt));
    return finish(attempt);
}

exit_status
redshift_copy_run(const redshift_copy *copy, redshift_batch *batch)
{
    connection server;
    copy_attempt attempt = {.copy = copy, .server = &server, .batch = batch};

    for (int i = 0;; i++)
    {
        attempt_result result;

        attempt.last = i >= copy->request->retries;
        STATUS_TRY(connection_open_redshift(&server, copy->request->connection));
        result = run_transaction(&attempt);
        connection_rollback(&server);
        connection_close(&server);
        if (result != ATTEMPT_AGAIN)
            return result == ATTEMPT_DONE ? STATUS_OK : attempt.status;
        if (i == 0)
            log_warning("%s: the transaction failed through no fault of the file: it is tried "
                        "again",
                        copy->file->name);
        s3_wait(i + 2);
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
}
