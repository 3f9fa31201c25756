/*
 * loader/unload.c
 *     The command unload: the rows of loads out of their tables again.
 *
 * One transaction. Before it asks for the last time which batches are meant, it has
 * the locks that a load of the same files takes, so none is added meanwhile.
 */
#include "commands.h"
#include "ledger_scope.h"
#include "log.h"
#include "resources.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

typedef struct unload_settings
{
    connection_settings connection;
    const char *table;
    const char *schema;
    bool dry_run;
    bool force;
} unload_settings;

static const option_spec options[] = {
    {"table", 't', OPTION_TEXT, offsetof(unload_settings, table), "TABLE",
     "only what was loaded into this table", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(unload_settings, schema), "SCHEMA",
     "schema of the table and of the ledger (default:\nby the search path)", NULL},
    {"dry-run", 0, OPTION_FLAG, offsetof(unload_settings, dry_run), NULL,
     "do everything, say what was done, and undo it", NULL},
    {"force", 0, OPTION_FLAG, offsetof(unload_settings, force), NULL,
     "go on where rows were deleted or changed since,\nwith those that are there; where the table "
     "has\nno column load_id, only with the ledger",
     NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* The fields of a row of unload_find.sql. */
enum found_field
{
    FOUND_LOAD_ID,
    FOUND_TABLE,
    FOUND_FILE_NAME,
    FOUND_FILE_ID,
    FOUND_SOURCE,
    FOUND_IS_MEANT
};

/* The fields of a row of unload_batches.sql. */
enum done_field
{
    DONE_LOAD_ID,
    DONE_TABLE,
    DONE_FILE_NAME,
    DONE_ROWS_LOADED,
    DONE_ROWS_DELETED
};

typedef struct unload_run
{
    const unload_settings *settings;
    const operand_list *names;
    ledger_operand *operands;
    connection *server;
    ledger_scope scope;
    json_t *load_ids;
} unload_run;

/* True if a batch that was found is one of those that are meant. */
static bool
is_meant(const PGresult *found, int row)
{
    return row < PQntuples(found) && strcmp(PQgetvalue(found, row, FOUND_IS_MEANT), "t") == 0;
}

/* Report that an operand means no batch. */
static exit_status
report_nothing(const unload_run *run, const ledger_operand *operand, const PGresult *found)
{
    const char *where = run->scope.table != NULL ? run->scope.table : "any table";

    if (operand->is_load)
        log_error("load %s is not in the ledger of %s", operand->text, where);
    else if (PQntuples(found) == 0)
        log_error("%s: not loaded into %s", operand->text, where);
    else
    {
        log_error("%s: not loaded, but another file of this name was, into %s (load %s)",
                  operand->text, PQgetvalue(found, 0, FOUND_TABLE),
                  PQgetvalue(found, 0, FOUND_LOAD_ID));
        log_hint("\"%s status\" lists what was loaded; name that by the number of its load.",
                 PROGRAM_NAME);
    }
    return STATUS_REFUSED;
}

/* Refuse an operand whose batches differ in a field: say in what. */
static exit_status
check_same(const ledger_operand *operand, const PGresult *found, enum found_field field,
           const char *what, const char *hint)
{
    for (int i = 1; is_meant(found, i); i++)
        if (strcmp(PQgetvalue(found, i, field), PQgetvalue(found, 0, field)) != 0)
        {
            log_error("%s: loaded %s: loads %s and %s, and perhaps more", operand->text, what,
                      PQgetvalue(found, 0, FOUND_LOAD_ID), PQgetvalue(found, i, FOUND_LOAD_ID));
            log_hint("%s", hint);
            return STATUS_REFUSED;
        }
    return STATUS_OK;
}

/* Find the batches that an operand means; *found is the caller's to clear. */
static exit_status
find_batches(const unload_run *run, const ledger_operand *operand, PGresult **found)
{
    const char *params[4] = {run->scope.table};
    exit_status status;

    ledger_operand_params(operand, params + 1);
    STATUS_TRY(connection_query(run->server, resource_unload_find_sql, 4, params, found));
    status = is_meant(*found, 0) ? STATUS_OK : report_nothing(run, operand, *found);
    if (status == STATUS_OK)
        status = check_same(operand, *found, FOUND_TABLE, "into several tables",
                            "\"--table\" says which one is meant.");
    if (status == STATUS_OK && operand->file_id[0] == '\0')
        status = check_same(operand, *found, FOUND_FILE_ID, "more than once, as different files",
                            "The file cannot be read: name the loads by their numbers.");
    if (status != STATUS_OK)
        PQclear(*found);
    return status;
}

/* Keep loads away from a file. */
static exit_status
lock_file(const unload_run *run, const PGresult *found, int row)
{
    const char *params[] = {
        PQgetvalue(found, row, FOUND_TABLE), PQgetvalue(found, row, FOUND_FILE_ID),
        PQgetisnull(found, row, FOUND_SOURCE) ? NULL : PQgetvalue(found, row, FOUND_SOURCE)};
    PGresult *taken;
    bool ours;

    STATUS_TRY(connection_query(run->server, resource_unload_lock_sql, 3, params, &taken));
    ours = strcmp(PQgetvalue(taken, 0, 0), "t") == 0;
    PQclear(taken);
    if (ours)
        return STATUS_OK;
    log_error("%s: is being loaded into %s", PQgetvalue(found, row, FOUND_FILE_NAME),
              PQgetvalue(found, row, FOUND_TABLE));
    log_hint("Run the same command again when that load has ended; \"%s status --running\" shows "
             "it.",
             PROGRAM_NAME);
    return STATUS_SERVER;
}

/* Lock what an operand means, then collect its batches. */
static exit_status
collect_batches(unload_run *run, const ledger_operand *operand)
{
    exit_status status;
    PGresult *found;

    STATUS_TRY(find_batches(run, operand, &found));
    status = lock_file(run, found, 0);
    PQclear(found);
    STATUS_TRY(status);
    STATUS_TRY(find_batches(run, operand, &found));
    for (int i = 0; is_meant(found, i); i++)
        if (json_array_append_new(run->load_ids,
                                  json_string(PQgetvalue(found, i, FOUND_LOAD_ID))) != 0)
            status = log_out_of_memory();
    PQclear(found);
    return status;
}

/* The row behind the batches of the same file and table as a row's. */
static int
end_of_file(const PGresult *done, int row)
{
    int end = row + 1;

    while (end < PQntuples(done) &&
           strcmp(PQgetvalue(done, end, DONE_FILE_NAME), PQgetvalue(done, row, DONE_FILE_NAME)) ==
               0 &&
           strcmp(PQgetvalue(done, end, DONE_TABLE), PQgetvalue(done, row, DONE_TABLE)) == 0)
        end++;
    return end;
}

/* The sum of a field of some rows. */
static int64_t
sum(const PGresult *done, int first, int end, enum done_field field)
{
    int64_t total = 0;

    for (int i = first; i < end; i++)
        total += strtoll(PQgetvalue(done, i, field), NULL, 10);
    return total;
}

/* Say what became of each file. */
static void
print_summary(const unload_run *run, const PGresult *done)
{
    for (int first = 0, end; first < PQntuples(done); first = end)
    {
        char missing[64] = "", loads[64];
        int64_t loaded, deleted;

        end = end_of_file(done, first);
        loaded = sum(done, first, end, DONE_ROWS_LOADED);
        deleted = sum(done, first, end, DONE_ROWS_DELETED);
        if (deleted != loaded)
            snprintf(missing, sizeof(missing), " of %" PRId64, loaded);
        if (end - first == 1)
            snprintf(loads, sizeof(loads), "load %s", PQgetvalue(done, first, DONE_LOAD_ID));
        else
            snprintf(loads, sizeof(loads), "%d loads up to %s", end - first,
                     PQgetvalue(done, end - 1, DONE_LOAD_ID));
        log_summary("%s: %s %" PRId64 "%s %s out of %s (%s)",
                    PQgetvalue(done, first, DONE_FILE_NAME),
                    run->settings->dry_run ? "would take" : "took", deleted, missing,
                    loaded == 1 ? "row" : "rows", PQgetvalue(done, first, DONE_TABLE), loads);
    }
}

/* Take the batches out. */
static exit_status
unload_batches(const unload_run *run)
{
    char *load_ids = json_dumps(run->load_ids, 0);
    const char *params[] = {load_ids, run->settings->force ? "t" : "f", run->server->search_path};
    PGresult *done;

    if (load_ids == NULL)
        return log_out_of_memory();
    log_verbose("taking out loads %s", load_ids);
    done = connection_execute(run->server, resource_unload_batches_sql, 3, params);
    free(load_ids);
    if (connection_failed(done))
    {
        bool refused = connection_failed_with(done, "55000") || /* not in prerequisite state */
                       connection_failed_with(done, SQLSTATE_UNDEFINED_COLUMN);
        bool older = connection_failed_with(done, SQLSTATE_UNDEFINED_FUNCTION);
        exit_status status = connection_report(run->server, done);

        if (older)
            log_hint("\"%s init\" brings what an older version has made up to date.", PROGRAM_NAME);
        return refused && status == STATUS_SERVER ? STATUS_REFUSED : status;
    }
    print_summary(run, done);
    PQclear(done);
    return STATUS_OK;
}

/* Everything within the transaction. */
static exit_status
run_transaction(unload_run *run)
{
    STATUS_TRY(
        connection_run(run->server, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", 0, NULL));
    for (int i = 0; i < run->names->count; i++)
        STATUS_TRY(collect_batches(run, &run->operands[i]));
    STATUS_TRY(unload_batches(run));
    return connection_run(run->server, run->settings->dry_run ? "ROLLBACK" : "COMMIT", 0, NULL);
}

/* Read the operands, find the ledger, and unload. */
static exit_status
unload(unload_run *run)
{
    exit_status status;

    for (int i = 0; i < run->names->count; i++)
        STATUS_TRY(ledger_operand_read(&run->operands[i], run->names->items[i]));
    STATUS_TRY(connection_open(run->server, &run->settings->connection));
    status =
        ledger_scope_find(&run->scope, run->server, run->settings->table, run->settings->schema);
    if (status == STATUS_OK)
        status = run_transaction(run);
    if (status != STATUS_OK)
        connection_rollback(run->server);
    connection_close(run->server);
    return status;
}

/* The command. */
static exit_status
run_unload(const void *given, const operand_list *names)
{
    connection server = {0};
    unload_run run = {.settings = given, .names = names, .server = &server};
    exit_status status;

    run.operands = calloc((size_t) names->count, sizeof(ledger_operand));
    run.load_ids = json_array();
    if (run.operands == NULL || run.load_ids == NULL)
        status = log_out_of_memory();
    else
        status = unload(&run);
    ledger_scope_free(&run.scope);
    json_decref(run.load_ids);
    free(run.operands);
    return status;
}

const command_spec unload_command = {
    .name = "unload",
    .arguments = "FILE|LOAD_ID...",
    .summary = "take the rows of loads out of a table again",
    .description =
        "Takes out what was loaded from a file, or by one load, whose number status\n"
        "shows: its rows, known by the table's column load_id, what is recorded of it,\n"
        "and its refused records, in one transaction for all that is named. Afterwards\n"
        "the file can be loaded again. Users in the stored sessions are made anew by the\n"
        "next refresh. A file that can be read is known by its content, else by its name.\n"
        "Without an index on load_id the whole table is read. A load of which\n"
        "forget_before has dropped rows cannot be taken out.",
    .examples = "clickstream unload -d shop --dry-run http_log.avro\n"
                "clickstream unload -d shop 12",
    .options = options,
    .connects = true,
    .takes_operands = true,
    .settings_size = sizeof(unload_settings),
    .run = run_unload,
};
