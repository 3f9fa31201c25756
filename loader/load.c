/*
 * loader/load.c
 *     The command load: Avro and CSV files into a table.
 */
#include "load.h"

#include "commands.h"
#include "file_source.h"
#include "log.h"
#include "redshift.h"

#include <stdio.h>
#include <string.h>

typedef struct load_settings
{
    connection_settings connection;
    const char *table;
    const char *schema;
    const char *rejects;
    int64_t max_rejects;
    int format;
    bool again;
    int target; /* index into target_names */
    redshift_settings redshift;
} load_settings;

static const char *const target_names[] = {"postgres", "redshift", NULL};

/* By source_format. */
static const char *const format_names[] = {"auto", "movielens", NULL};

static const option_spec options[] = {
    {"table", 't', OPTION_TEXT, offsetof(load_settings, table), "TABLE",
     "table to load into (default: " DEFAULT_TABLE ")", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(load_settings, schema), "SCHEMA",
     "schema of the table and of the ledger (default:\nby the search path)", NULL},
    {"format", 0, OPTION_CHOICE, offsetof(load_settings, format), "FORMAT",
     "auto: Avro or CSV, as the file says (default);\n"
     "movielens: ratings and movies of MovieLens, into\nthe tables interaction and item",
     format_names},
    {"rejects", 0, OPTION_TEXT, offsetof(load_settings, rejects), "FILE",
     "write refused records to this file too, as\nJSON lines; an existing file is replaced", NULL},
    {"max-rejects", 0, OPTION_COUNT, offsetof(load_settings, max_rejects), "N",
     "stop when more than N records are refused\n(default: 0)", NULL},
    {"again", 0, OPTION_FLAG, offsetof(load_settings, again), NULL,
     "load a file although another one, made from the\nsame log, was loaded before", NULL},
    {"target", 0, OPTION_CHOICE, offsetof(load_settings, target), "TARGET",
     "postgres (default), or redshift: by way of S3", target_names},
    REDSHIFT_OPTIONS(load_settings, redshift),
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Say how far the run came. */
static void
report_progress(const operand_list *files, int done)
{
    if (files->count == 1)
        return;
    if (done == 0)
        log_detail("None of the %d files was loaded.", files->count);
    else
        log_detail("%d of %d files are loaded: up to and including %s.", done, files->count,
                   files->items[done - 1]);
    log_hint("Run the same command again when the cause is removed: a file that is loaded is not "
             "loaded twice.");
}

/* Load the files one after the other. */
static exit_status
load_files(load_context *context, const operand_list *files)
{
    for (int i = 0; i < files->count; i++)
    {
        exit_status status = load_file(context, files->items[i]);

        if (status != STATUS_OK)
        {
            report_progress(files, i);
            return status;
        }
    }
    return STATUS_OK;
}

/* Check what the command line asks for. */
static exit_status
check_files(const load_settings *settings, const operand_list *files)
{
    const char *rejects = settings->rejects != NULL ? settings->rejects : "";
    file_identity output = file_identify(rejects);

    for (int i = 0; i < files->count; i++)
    {
        file_identity input = file_identify(files->items[i]);

        if (strcmp(files->items[i], "-") == 0)
        {
            log_error("standard input cannot be loaded by this version");
            log_hint("Put the data into a file first.");
            return STATUS_USAGE;
        }
        if (file_identity_same(&input, &output))
        {
            log_error("\"%s\" is to be read and written", settings->rejects);
            return STATUS_USAGE;
        }
    }
    return STATUS_OK;
}

/* Load into Redshift. */
static exit_status
load_to_redshift(const load_settings *settings, const operand_list *files)
{
    const redshift_request request = {.connection = &settings->connection,
                                      .settings = &settings->redshift,
                                      .table = settings->table,
                                      .schema = settings->schema,
                                      .again = settings->again};

    if (settings->rejects == NULL && settings->max_rejects == 0)
        return redshift_load(&request, files);
    log_error("\"--rejects\" and \"--max-rejects\" do not go with \"--target redshift\"");
    log_detail("A file with a record that does not fit is refused as a whole.");
    return STATUS_USAGE;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *files)
{
    const load_settings *settings = given;
    reject_budget budget = {.limit = settings->max_rejects};
    exit_status status;
    reject_file rejects;
    connection server;
    load_context context = {
        .server = &server,
        .table = settings->table,
        .schema = settings->schema,
        .again = settings->again,
        .format = (source_format) settings->format,
        .budget = &budget,
        .rejects = &rejects,
    };

    STATUS_TRY(check_files(settings, files));
    if (strcmp(target_names[settings->target], "redshift") == 0)
        return load_to_redshift(settings, files);
    STATUS_TRY(connection_open(&server, &settings->connection));
    status = reject_file_open(&rejects, settings->rejects, false, true);
    if (status == STATUS_OK)
        status = load_files(&context, files);
    status = reject_file_close(&rejects, status == STATUS_OK || status == STATUS_REFUSED, status);
    connection_close(&server);
    return status;
}

const command_spec load_command = {
    .name = "load",
    .arguments = "FILE...",
    .summary = "load Avro or CSV files into a table",
    .description =
        "A file's content tells what it is: Avro, or CSV in UTF-8 whose first line names\n"
        "the columns. Fields go to the columns of the same name, whatever the case; each\n"
        "field needs one, and columns without a field get their default. Each file is\n"
        "one transaction, and is recorded in the table load_batch: loading it again does\n"
        "nothing. A record that does not fit is refused and kept in load_reject. In CSV\n"
        "an empty field without quotes is NULL, and a time without an offset is UTC.",
    .options = options,
    .connects = true,
    .takes_operands = true,
    .settings_size = sizeof(load_settings),
    .run = run,
};
