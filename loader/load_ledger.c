/*
 * loader/load_ledger.c
 *     What is loaded, what is being loaded, and claiming a batch.
 */
#include "load_ledger.h"

#include "json_text.h"
#include "ledger_scope.h"
#include "log.h"
#include "resources.h"

#include <inttypes.h>
#include <stdlib.h>

#define NUMBER_SIZE 24

/* The fields of a row of batch_find.sql. */
enum batch_field
{
    BATCH_LOAD_ID,
    BATCH_FIRST_BLOCK,
    BATCH_END_BLOCK,
    BATCH_START_OFFSET,
    BATCH_END_OFFSET,
    BATCH_CHECKSUM,
    BATCH_ROWS_READ,
    BATCH_ROWS_REJECTED,
    BATCH_LOADED_AT,
    BATCH_ELSEWHERE
};

/* Run a query of one boolean about a file. */
static exit_status
ask(connection *server, const char *sql, int count, const char *const *params, bool *answer)
{
    PGresult *result;

    STATUS_TRY(connection_query(server, sql, count, params, &result));
    *answer = PQntuples(result) > 0 && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);
    return STATUS_OK;
}

/* Say what the lock of a table is waited for. */
static void
report_wait(const ledger_key *key, bool alone)
{
    if (alone)
        log_summary("%s: waiting for other loads into %s to end, to empty it", key->file_name,
                    key->table->qualified);
    else
        log_summary("%s: waiting for a load that is to empty %s", key->file_name,
                    key->table->qualified);
}

exit_status
ledger_enter(connection *server, const ledger_key *key, bool alone, bool wait, bool *taken)
{
    const char *params[] = {key->table->qualified, alone ? "t" : "f"};

    STATUS_TRY(ask(server, resource_table_lock_sql, 2, params, taken));
    if (!*taken && wait)
    {
        report_wait(key, alone);
        STATUS_TRY(connection_run(server, resource_table_wait_sql, 2, params));
        *taken = true;
    }
    if (*taken && alone)
        return connection_run(server, resource_table_settle_sql, 1, params);
    return STATUS_OK;
}

exit_status
ledger_share(connection *server, const load_table *table)
{
    const char *params[] = {table->qualified};

    return connection_run(server, resource_table_share_sql, 1, params);
}

exit_status
ledger_leave(connection *server, const load_table *table)
{
    const char *params[] = {table->qualified};

    return connection_run(server, resource_table_unlock_sql, 1, params);
}

exit_status
ledger_has(connection *server, int64_t load_id, bool *has)
{
    char number[NUMBER_SIZE];
    const char *params[] = {number};

    snprintf(number, sizeof(number), "%" PRId64, load_id);
    return ask(server, "SELECT EXISTS (SELECT FROM load_batch WHERE load_id = $1::bigint)", 1,
               params, has);
}

exit_status
ledger_lock(connection *server, const ledger_key *key, bool wait, bool *taken)
{
    const char *params[] = {key->table->qualified, key->file_id, key->source_sha256};

    STATUS_TRY(ask(server, resource_file_lock_sql, 3, params, taken));
    if (*taken || !wait)
        return STATUS_OK;
    log_summary("%s: waiting for another load of it into %s", key->file_name,
                key->table->qualified);
    STATUS_TRY(connection_run(server, resource_file_wait_sql, 3, params));
    *taken = true;
    return STATUS_OK;
}

exit_status
ledger_unlock(connection *server, const ledger_key *key)
{
    const char *params[] = {key->table->qualified, key->file_id, key->source_sha256};

    return connection_run(server, resource_file_unlock_sql, 3, params);
}

/* A number of a row; -1 for NULL. */
static int64_t
number(const PGresult *rows, int row, int field)
{
    return PQgetisnull(rows, row, field) ? -1 : strtoll(PQgetvalue(rows, row, field), NULL, 10);
}

/* Copy a row of batch_find.sql. */
static void
keep_batch(ledger_batch *batch, const PGresult *rows, int row)
{
    snprintf(batch->load_id, sizeof(batch->load_id), "%s", PQgetvalue(rows, row, BATCH_LOAD_ID));
    batch->first_block = number(rows, row, BATCH_FIRST_BLOCK);
    batch->end_block = number(rows, row, BATCH_END_BLOCK);
    batch->start_offset = (uint64_t) number(rows, row, BATCH_START_OFFSET);
    batch->end_offset = (uint64_t) number(rows, row, BATCH_END_OFFSET);
    snprintf(batch->checksum, HASH_TEXT_SIZE, "%s", PQgetvalue(rows, row, BATCH_CHECKSUM));
    batch->rows_read = number(rows, row, BATCH_ROWS_READ);
    batch->rows_rejected = number(rows, row, BATCH_ROWS_REJECTED);
    snprintf(batch->loaded_at, sizeof(batch->loaded_at), "%s",
             PQgetvalue(rows, row, BATCH_LOADED_AT));
    batch->elsewhere = strcmp(PQgetvalue(rows, row, BATCH_ELSEWHERE), "t") == 0;
}

/* List the batches of a file, in a transaction. */
static exit_status
list_batches(connection *server, const ledger_key *key, ledger_batch **batches, size_t *count)
{
    /* of a partitioned table they name the partitions, which come and go */
    const char *params[] = {key->table->qualified, key->file_id,
                            key->table->is_partitioned ? NULL : key->table->oid};
    PGresult *rows;

    STATUS_TRY(connection_run(server, resource_file_settle_sql, 2, params));
    STATUS_TRY(connection_query(server, resource_batch_find_sql, 3, params, &rows));
    *count = (size_t) PQntuples(rows);
    *batches = calloc(*count + 1, sizeof(ledger_batch));
    for (size_t i = 0; *batches != NULL && i < *count; i++)
        keep_batch(&(*batches)[i], rows, (int) i);
    PQclear(rows);
    return *batches != NULL ? STATUS_OK : log_out_of_memory();
}

exit_status
ledger_batches(connection *server, const ledger_key *key, ledger_batch **batches, size_t *count)
{
    exit_status status;

    STATUS_TRY(connection_run(server, LEDGER_BEGIN, 0, NULL));
    status = list_batches(server, key, batches, count);
    if (status == STATUS_OK)
        return connection_run(server, "COMMIT", 0, NULL);
    connection_rollback(server);
    return status;
}

exit_status
ledger_check_source(connection *server, const ledger_key *key)
{
    const char *params[] = {key->table->qualified, key->file_id, key->source_sha256};
    exit_status status = STATUS_OK;
    PGresult *found;

    if (key->source_sha256 == NULL)
        return STATUS_OK;
    STATUS_TRY(connection_query(server, resource_source_find_sql, 3, params, &found));
    if (PQntuples(found) > 0)
    {
        log_error("%s: the log that this file was made from is already in %s: from \"%s\" "
                  "(load %s, %s)",
                  key->file_name, key->table->qualified, PQgetvalue(found, 0, 1),
                  PQgetvalue(found, 0, 0), PQgetvalue(found, 0, 2));
        log_hint("\"--again\" loads it a second time.");
        status = STATUS_REFUSED;
    }
    PQclear(found);
    return status;
}

/* What files are known by, but for that of the key, as a JSON array, to be freed. */
static exit_status
list_others(const ledger_key *key, const operand_list *names, char **text)
{
    json_t *array = json_array();
    exit_status status = STATUS_OK;

    for (int i = 0; status == STATUS_OK && i < names->count; i++)
    {
        ledger_operand file;

        if (strcmp(names->items[i], key->file_name) == 0)
            continue;
        status = ledger_file_read(&file, names->items[i]);
        if (status == STATUS_OK)
            json_array_append_new(array, json_string(file.file_id));
    }
    *text = status == STATUS_OK ? json_dumps(array, 0) : NULL;
    json_decref(array);
    return status == STATUS_OK && *text == NULL ? log_out_of_memory() : status;
}

exit_status
ledger_truncated(connection *server, const ledger_key *key, const operand_list *names, bool *done)
{
    const char *params[] = {key->table->qualified, key->file_id, NULL};
    exit_status status;
    char *others;

    STATUS_TRY(list_others(key, names, &others));
    params[2] = others;
    status = ask(server, resource_truncate_done_sql, 3, params, done);
    free(others);
    return status;
}

exit_status
ledger_truncate(connection *server, const load_table *table)
{
    const char *params[] = {table->qualified};
    exit_status status;
    char *sql;

    /* once the table is ours, no batch is under way that the DELETE would not see */
    if (asprintf(&sql,
                 "LOCK TABLE load_batch IN ROW EXCLUSIVE MODE;"
                 " LOCK TABLE %1$s IN ACCESS EXCLUSIVE MODE; TRUNCATE TABLE %1$s",
                 table->qualified) < 0)
        return log_out_of_memory();
    status = connection_run(server, sql, 0, NULL);
    free(sql);
    STATUS_TRY(status);
    return connection_run(server, "DELETE FROM load_batch WHERE table_name = $1", 1, params);
}

/* Say why the ledger takes no row: it may be an older version's. */
static exit_status
report_claim(connection *server, PGresult *failure)
{
    bool older = connection_failed_with(failure, SQLSTATE_UNDEFINED_COLUMN);
    exit_status status = connection_report(server, failure);

    if (older)
        log_hint("\"%s init\" brings the tables of an older version up to date.", PROGRAM_NAME);
    return status;
}

/* Check that our lock of the file is still held: a batch under way keeps others out. */
static exit_status
check_owner(connection *server, const ledger_key *key, int owner)
{
    char owner_text[NUMBER_SIZE];
    const char *params[] = {key->table->qualified, key->file_id, owner_text};
    bool held;

    snprintf(owner_text, sizeof(owner_text), "%d", owner);
    STATUS_TRY(connection_run(server, resource_batch_guard_sql, 2, params));
    STATUS_TRY(ask(server, resource_batch_owner_sql, 3, params, &held));
    if (held)
        return STATUS_OK;
    server->transient = true;
    if (server->said == NULL || !atomic_exchange(server->said, true))
        log_error("%s: the session that holds the file's lock was lost", key->file_name);
    return STATUS_SERVER;
}

exit_status
ledger_claim(connection *server, const ledger_key *key, const block_range *range, bool truncated,
             int owner, int64_t *load_id)
{
    char first[NUMBER_SIZE], start[NUMBER_SIZE];
    const char *params[] = {
        key->table->qualified, key->file_name, key->file_id, key->source_sha256,
        key->table->oid,       first,          start,        truncated ? "t" : "f"};
    PGresult *rows;

    STATUS_TRY(check_owner(server, key, owner));
    snprintf(first, sizeof(first), "%" PRId64, range->first_block);
    snprintf(start, sizeof(start), "%" PRIu64, range->start_offset);
    rows = connection_execute(server, resource_batch_claim_sql, 8, params);
    if (connection_failed(rows))
        return report_claim(server, rows);
    *load_id = PQntuples(rows) > 0 ? number(rows, 0, 0) : 0;
    PQclear(rows);
    if (*load_id > 0)
        return STATUS_OK;
    log_error("%s: block %s is in table %s already, but was not there a moment ago", key->file_name,
              first, key->table->qualified);
    log_hint("Was load_batch changed by hand? Run the same command again.");
    return STATUS_SERVER;
}

exit_status
ledger_finish(connection *server, const batch_result *batch)
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
