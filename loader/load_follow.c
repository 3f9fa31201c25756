/*
 * loader/load_follow.c
 *     Loading a log while it grows.
 *
 * The segments are ordinary Avro files, and each is loaded by the ordinary loader, whose
 * ledger knows which ones it has. So the two halves need no word to each other: after a
 * kill all segments that are there are handed to the loader again.
 */
#include "load_follow.h"

#include "log.h"

/* follow_request.deliver: load segments. */
static exit_status
load_segments(void *ctx, const operand_list *segments)
{
    return load_files(ctx, segments);
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
    reject_budget budget = {.limit = request->max_rejects};
    encode_context context = {.budget = &budget, .threads = 1};
    follow_request follow = {.settings = &settings->follow,
                             .directory = settings->directory,
                             .context = &context,
                             .deliver = load_segments,
                             .ctx = &each,
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
