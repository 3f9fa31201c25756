/*
 * loader/load_follow.c
 *     Loading a log while it grows.
 *
 * The segments are ordinary Avro files, and each is loaded by the ordinary loader, whose
 * ledger knows which ones it has. So the two halves need no word to each other: after a
 * kill all segments that are there are handed to the loader again.
 *
 * A server that is away, and a table that is gone, come back while the log is followed.
 * But what was never there is a slip of whoever started the command, and ends it.
 */
#include "load_follow.h"

#include "log.h"

/* Where segments go. */
typedef struct follow_target
{
    const load_request *request;
    bool found; /* the table was there once */
} follow_target;

/* Look up the table. *again: the failure may pass by itself. */
static exit_status
find_table(follow_target *target, bool *again)
{
    const load_request *request = target->request;
    connection server = {NULL};
    load_table table = {NULL};
    exit_status status = connection_open(&server, request->connection);

    *again = true; /* a server that is away */
    if (status == STATUS_OK)
    {
        status = load_table_find(&table, &server,
                                 request->table != NULL ? request->table : DEFAULT_TABLE,
                                 request->schema);
        *again = server.transient;
    }
    target->found = status == STATUS_OK;
    load_table_free(&table);
    connection_close(&server);
    return status;
}

/* follow_request.deliver: load segments. */
static exit_status
load_segments(void *ctx, const operand_list *segments, bool *again)
{
    follow_target *target = ctx;

    if (!target->found)
        STATUS_TRY(find_table(target, again));
    *again = true;
    return segments->count > 0 ? load_files(target->request, segments) : STATUS_OK;
}

/* Check what does not go with --follow. */
static exit_status
check(const load_follow_settings *settings, const load_request *request, const operand_list *logs)
{
    if (settings->directory == NULL)
        log_error("--follow needs a directory to write segments to: \"-o DIR\"");
    else if (logs->count != 1 || strcmp(logs->items[0], "-") == 0)
        log_error("--follow takes one log, which has a name");
    else if (request->truncate || request->dry_run || request->again || request->rejects != NULL)
        log_error("--follow goes with none of --truncate, --dry-run, --again, --rejects");
    else
        return STATUS_OK;
    return STATUS_USAGE;
}

exit_status
load_follow(const load_follow_settings *settings, const load_request *request,
            const operand_list *logs)
{
    load_request each = *request;
    follow_target target = {&each, false};
    reject_budget budget = {.limit = request->max_rejects};
    encode_context context = {.budget = &budget, .threads = 1};
    follow_request follow = {.settings = &settings->follow,
                             .directory = settings->directory,
                             .context = &context,
                             .deliver = load_segments,
                             .ctx = &target,
                             .remove = settings->remove};
    exit_status status;
    line_format format;
    log_schema schema;

    STATUS_TRY(check(settings, request, logs));
    STATUS_TRY(line_format_choose(&format, &settings->format, "input-format"));
    each.retries = 0; /* the log must not wait */
    follow.log = logs->items[0];
    context.format = &format;
    context.schema = &schema;
    cs_avro_codec_find(cs_slice_of("deflate"), &context.codec);
    status = log_schema_load(&schema, NULL, format.kind);
    if (status == STATUS_OK)
        status = follow_run(&follow);
    log_schema_free(&schema);
    return status;
}
