/*
 * loader/status.c
 *     The command status: what was loaded, what was refused, and what is being loaded.
 */
#include "commands.h"
#include "file_source.h"
#include "ledger_scope.h"
#include "listing.h"
#include "log.h"
#include "resources.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBER_SIZE 24
#define STATE_SIZE 32

typedef struct status_settings
{
    connection_settings connection;
    const char *table;
    const char *schema;
    int format;
    bool rejects;
    bool running;
} status_settings;

/* By listing_format. */
static const char *const format_names[] = {"table", "csv", "json", NULL};

static const option_spec options[] = {
    {"table", 't', OPTION_TEXT, offsetof(status_settings, table), "TABLE",
     "only what goes into this table", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(status_settings, schema), "SCHEMA",
     "schema of the table and of the ledger (default:\nby the search path)", NULL},
    {"format", 0, OPTION_CHOICE, offsetof(status_settings, format), "FORMAT",
     "table (default), csv, or json: one object a line", format_names},
    {"rejects", 0, OPTION_FLAG, offsetof(status_settings, rejects), NULL,
     "list refused records; as json like a file of\n\"load --rejects\"", NULL},
    {"running", 0, OPTION_FLAG, offsetof(status_settings, running), NULL,
     "list loads that are under way", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* The columns of the list of files: those of status_files.sql, with two of ours. */
enum file_column
{
    FILE_NAME,
    FILE_TABLE,
    FILE_BATCHES,
    FILE_LOADS,
    FILE_ROWS_READ,
    FILE_ROWS_LOADED,
    FILE_ROWS_REJECTED,
    FILE_ROWS_FORGOTTEN,
    FILE_BYTES,
    FILE_SIZE,
    FILE_STATE,
    FILE_FIRST_AT,
    FILE_LAST_AT,
    FILE_TRUNCATED,
    FILE_RUNNING,
    NUM_FILE_COLUMNS
};

/* Further columns of status_files.sql. */
enum file_field
{
    FIELD_BYTES = FILE_BYTES,
    FIELD_FIRST_AT = FILE_BYTES + 1,
    FIELD_FILE_ID = 13,
    FIELD_LAST_EPOCH
};

static const listing_column file_columns[NUM_FILE_COLUMNS] = {
    {"file", LISTING_TEXT},       {"table", LISTING_TEXT},       {"batches", LISTING_NUMBER},
    {"loads", LISTING_TEXT},      {"read", LISTING_NUMBER},      {"loaded", LISTING_NUMBER},
    {"rejected", LISTING_NUMBER}, {"forgotten", LISTING_NUMBER}, {"bytes", LISTING_NUMBER},
    {"size", LISTING_NUMBER},     {"state", LISTING_TEXT},       {"first_load", LISTING_TEXT},
    {"last_load", LISTING_TEXT},  {"truncated", LISTING_BOOL},   {"loading", LISTING_NUMBER},
};

/* The columns of status_rejects.sql; all but the first as in a file of rejects. */
static const listing_column reject_columns[] = {
    {"load", LISTING_NUMBER},       {"file", LISTING_TEXT},     {"line", LISTING_NUMBER},
    {"block", LISTING_NUMBER},      {"record", LISTING_NUMBER}, {"column", LISTING_TEXT},
    {"sqlstate", LISTING_TEXT},     {"reason", LISTING_TEXT},   {"text", LISTING_TEXT},
    {"bytes_base64", LISTING_TEXT},
};

/* The columns of status_running.sql. */
static const listing_column running_columns[] = {
    {"process", LISTING_NUMBER}, {"table", LISTING_TEXT},   {"file", LISTING_TEXT},
    {"rows", LISTING_NUMBER},    {"bytes", LISTING_NUMBER}, {"since", LISTING_TEXT},
    {"does", LISTING_TEXT},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A cell of a result; without data where it is NULL. */
static cs_slice
cell(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return (cs_slice){NULL, 0};
    return (cs_slice){PQgetvalue(result, row, column), (size_t) PQgetlength(result, row, column)};
}

/* What a file that is loaded as a whole, or not at all, is now; of a compressed one we cannot say.
 */
static const char *
text_state(file_compression compression, int64_t bytes, int64_t size)
{
    bool is_plain = compression == COMPRESSION_NONE || compression == COMPRESSION_FOREIGN;

    return bytes == size || !is_plain ? "complete" : "changed";
}

/* What an Avro file is now, by what is loaded of it. */
static void
avro_state(const struct stat *info, int64_t bytes, int64_t last_load, char state[STATE_SIZE])
{
    if (bytes == info->st_size)
        snprintf(state, STATE_SIZE, "complete");
    else if (bytes > info->st_size)
        snprintf(state, STATE_SIZE, "cut short");
    else
        snprintf(state, STATE_SIZE, "%s (%d %%)", info->st_mtime > last_load ? "grown" : "partial",
                 (int) (100.0 * (double) bytes / (double) info->st_size));
}

/* Look at a file: its size, and how that goes with what is loaded. False if it is not there. */
static bool
look_at_file(const PGresult *files, int row, char size[NUMBER_SIZE], char state[STATE_SIZE])
{
    const char *name = PQgetvalue(files, row, FILE_NAME);
    int64_t bytes = strtoll(PQgetvalue(files, row, FIELD_BYTES), NULL, 10);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t magic[INFLATE_MAGIC_BYTES];
    ledger_operand operand;
    struct stat info;
    ssize_t got = -1;
    bool is_avro;

    if (fd < 0)
        return false;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode))
        got = pread(fd, magic, sizeof(magic), 0);
    is_avro = got > 0 && file_is_avro(fd);
    close(fd);
    if (got < 0)
        return false;
    snprintf(size, NUMBER_SIZE, "%" PRId64, (int64_t) info.st_size);
    if (!is_avro)
        snprintf(state, STATE_SIZE, "%s",
                 text_state(inflate_detect(magic, (size_t) got), bytes, info.st_size));
    else if (ledger_file_read(&operand, name) != STATUS_OK)
        snprintf(state, STATE_SIZE, "damaged");
    else if (strcmp(operand.file_id, PQgetvalue(files, row, FIELD_FILE_ID)) != 0)
        snprintf(state, STATE_SIZE, "another file");
    else
        avro_state(&info, bytes, strtoll(PQgetvalue(files, row, FIELD_LAST_EPOCH), NULL, 10),
                   state);
    return true;
}

/* List a file. */
static exit_status
list_file(listing *list, const PGresult *files, int row)
{
    cs_slice cells[NUM_FILE_COLUMNS] = {{NULL, 0}};
    char size[NUMBER_SIZE], state[STATE_SIZE];

    for (int i = FILE_NAME; i <= FILE_BYTES; i++)
        cells[i] = cell(files, row, i);
    for (int i = FILE_FIRST_AT; i < NUM_FILE_COLUMNS; i++)
        cells[i] = cell(files, row, i - FILE_FIRST_AT + FIELD_FIRST_AT);
    if (look_at_file(files, row, size, state))
    {
        cells[FILE_SIZE] = cs_slice_of(size);
        cells[FILE_STATE] = cs_slice_of(state);
    }
    return listing_row(list, cells);
}

/* List the last columns of a row as they come. */
static exit_status
list_row(listing *list, const PGresult *rows, int row)
{
    cs_slice cells[TEXT_TABLE_MAX_COLUMNS];
    int first = PQnfields(rows) - (int) list->count;

    for (size_t i = 0; i < list->count; i++)
        cells[i] = cell(rows, row, first + (int) i);
    return listing_row(list, cells);
}

/* A list that can be asked for. */
typedef struct status_list
{
    const char *sql;
    int num_params; /* the table; and what an operand means, where there may be some */
    const listing_column *columns;
    size_t count;
    bool leaves_nulls_out;
    exit_status (*list)(listing *list, const PGresult *rows, int row);
} status_list;

/* List what a query finds; *found is how much that is. */
static exit_status
list_found(connection *server, const status_list *kind, listing *list, const char *const *params,
           int *found)
{
    exit_status status = STATUS_OK;
    PGresult *rows;

    STATUS_TRY(connection_query(server, kind->sql, kind->num_params, params, &rows));
    *found = PQntuples(rows);
    for (int i = 0; i < *found && status == STATUS_OK; i++)
        status = kind->list(list, rows, i);
    PQclear(rows);
    return status;
}

/* Say that the ledger has nothing of an operand. */
static void
report_nothing(const ledger_operand *operand, const ledger_scope *scope)
{
    const char *where = scope->table != NULL ? scope->table : "any table";

    if (operand->is_load)
        log_warning("load %s is not in the ledger of %s", operand->text, where);
    else
        log_warning("%s: nothing of this file was loaded into %s", operand->text, where);
}

/* List what is asked for: of each operand, or of all that there is. */
static exit_status
list_all(connection *server, const status_list *kind, listing *list, const ledger_scope *scope,
         const operand_list *names)
{
    const char *params[4] = {scope->table};
    int found;

    if (names->count == 0)
        return list_found(server, kind, list, params, &found);
    for (int i = 0; i < names->count; i++)
    {
        ledger_operand operand;

        STATUS_TRY(ledger_operand_read(&operand, names->items[i]));
        ledger_operand_params(&operand, params + 1);
        STATUS_TRY(list_found(server, kind, list, params, &found));
        if (found == 0 && kind->list == list_file) /* of what is loaded nothing may be refused */
            report_nothing(&operand, scope);
    }
    return STATUS_OK;
}

/* Everything with an open connection. */
static exit_status
print_list(connection *server, const status_settings *settings, const status_list *kind,
           const operand_list *names)
{
    ledger_scope scope = {0};
    listing list;
    exit_status status =
        listing_begin(&list, (listing_format) settings->format, kind->columns, kind->count);

    list.leaves_nulls_out = kind->leaves_nulls_out;
    if (status == STATUS_OK)
        status = ledger_scope_find(&scope, server, settings->table, settings->schema);
    if (status == STATUS_OK)
        status = list_all(server, kind, &list, &scope, names);
    if (status == STATUS_OK)
        status = listing_end(&list);
    ledger_scope_free(&scope);
    listing_free(&list);
    return status;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *names)
{
    const status_settings *settings = given;
    status_list kind = {resource_status_files_sql, 4,     file_columns,
                        COUNT(file_columns),       false, list_file};
    connection server;
    exit_status status;

    if (settings->rejects && settings->running)
    {
        log_error("options \"--rejects\" and \"--running\" exclude each other");
        return STATUS_USAGE;
    }
    if (settings->running && names->count > 0)
    {
        log_error("unexpected argument \"%s\": \"--running\" lists all loads under way",
                  names->items[0]);
        return STATUS_USAGE;
    }
    if (settings->rejects)
        kind = (status_list){resource_status_rejects_sql, 4,    reject_columns,
                             COUNT(reject_columns),       true, list_row};
    if (settings->rejects && settings->format == LISTING_JSON)
    {
        kind.columns++; /* a file of rejects has no load */
        kind.count--;
    }
    if (settings->running)
        kind = (status_list){resource_status_running_sql, 1,     running_columns,
                             COUNT(running_columns),      false, list_row};
    STATUS_TRY(connection_open(&server, &settings->connection));
    status = print_list(&server, settings, &kind, names);
    connection_close(&server);
    return status;
}

const command_spec status_command = {
    .name = "status",
    .arguments = "[FILE|LOAD_ID]...",
    .summary = "list what was loaded, and what was refused",
    .description =
        "Lists the ledger by file and table: batches, the numbers of their loads, records\n"
        "read, loaded and rejected, rows that forget_before has dropped since, bytes. Of\n"
        "a file that can be read also its size, and its state: complete; partial, or\n"
        "grown since, with the part that is loaded; cut short; changed; damaged; or\n"
        "another file of that name. loading is the server process that loads it now.\n"
        "Files and loads that are named are listed alone. Times are in UTC.",
    .examples = "clickstream status -d shop\n"
                "clickstream status -d shop --rejects --format json http_log.avro",
    .options = options,
    .connects = true,
    .may_have_operands = true,
    .settings_size = sizeof(status_settings),
    .run = run,
};
