/*
 * loader/rejects.c
 *     Keeping and counting what is refused.
 */
#include "rejects.h"

#include "json_text.h"
#include "line_format.h"
#include "log.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>

exit_status
reject_file_open(reject_file *file, const char *name, bool on_demand, bool replace)
{
    memset(file, 0, sizeof(*file));
    cs_buffer_init(&file->line, loader_env());
    file->replace = replace;
    if (name == NULL)
        return STATUS_OK;
    if (!file_sink_may_create(name, replace))
        return STATUS_USAGE;
    file->name = name;
    if (on_demand)
        return STATUS_OK;
    file->is_open = true;
    return file_sink_open(&file->sink, name, replace);
}

/* Set a number unless it says that there is none. */
static int
set_number(json_t *object, const char *key, int64_t value, int64_t none)
{
    return value == none ? 0 : json_object_set_new(object, key, json_integer(value));
}

/* Set a text unless it is NULL. */
static int
set_text(json_t *object, const char *key, const char *text)
{
    return text == NULL ? 0 : json_object_set_new(object, key, json_text(cs_slice_of(text), NULL));
}

/* A reject as a JSON object; NULL without memory. */
static json_t *
reject_object(const reject *item)
{
    json_t *object = json_object();
    bool exact;
    int failed = set_text(object, "file", item->file);

    failed |= set_number(object, "line", item->line, 0);
    failed |= set_number(object, "block", item->block, -1);
    failed |= set_number(object, "record", item->record, 0);
    failed |= set_text(object, "column", item->column);
    failed |= set_text(object, "sqlstate", item->sqlstate);
    failed |= set_text(object, "reason", item->reason);
    failed |= json_object_set_new(object, "text", json_text(item->text, &exact));
    if (item->bytes.data != NULL || !exact)
        failed |=
            json_object_set_new(object, "bytes_base64",
                                json_base64(item->bytes.data != NULL ? item->bytes : item->text));
    if (item->cut)
        failed |= json_object_set_new(object, "cut", json_true());
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

cs_code
reject_append_json(cs_buffer *out, const reject *item, cs_error *err)
{
    CS_TRY(json_append(out, reject_object(item), err));
    return cs_buffer_append(out, "\n", 1, err);
}

exit_status
reject_file_add(reject_file *file, const reject *item)
{
    cs_error err;

    if (file->name == NULL)
        return STATUS_OK;
    if (!file->is_open)
    {
        file->is_open = true;
        STATUS_TRY(file_sink_open(&file->sink, file->name, file->replace));
    }
    file->line.len = 0;
    if (reject_append_json(&file->line, item, &err) != CS_OK)
        return log_core_error(&err, file->name);
    return reject_file_add_line(file, (const char *) file->line.data, file->line.len);
}

exit_status
reject_file_add_line(reject_file *file, const char *line, size_t len)
{
    file->count++;
    return file_sink_append(&file->sink, line, len) ? STATUS_OK : STATUS_SERVER;
}

exit_status
reject_file_close(reject_file *file, bool keep, exit_status status)
{
    exit_status own = STATUS_OK;

    if (file->is_open && keep)
        own = file_sink_publish(&file->sink);
    if (file->is_open)
        file_sink_discard(&file->sink);
    cs_buffer_free(&file->line);
    return status == STATUS_OK ? own : status;
}

void
reject_hint_limit(void)
{
    log_hint("\"--max-rejects N\" goes on past N rejects; \"--rejects FILE\" keeps them in a "
             "file.");
}

/* Say what can be done about a reject that is one too many. */
static void
hint_reject(const reject_budget *budget, const reject *item)
{
    const char *format = budget->format_option != NULL ? line_format_guess(item->text) : NULL;

    if (format != NULL)
        log_hint("This looks like a line of the format %s: \"--%s %s\" reads such logs.", format,
                 budget->format_option, format);
    else
        reject_hint_limit();
}

exit_status
reject_budget_spend(reject_budget *budget, const reject *item)
{
    char place[96] = "";
    size_t len = 0;

    if (atomic_fetch_add(&budget->count, 1) < budget->limit)
        return STATUS_OK;
    if (item->line > 0)
        len = (size_t) snprintf(place, sizeof(place), "line %" PRId64, item->line);
    else if (item->block >= 0)
        len = (size_t) snprintf(place, sizeof(place), "block %" PRId64 ", record %" PRId64,
                                item->block, item->record);
    if (item->column != NULL)
        snprintf(place + len, sizeof(place) - len, ", column \"%.40s\"", item->column);
    log_error("%s: %s: %s", item->file, place, item->reason);
    if (budget->limit > 0)
        log_detail("This is one reject more than the %" PRId64 " allowed by --max-rejects.",
                   budget->limit);
    hint_reject(budget, item);
    return STATUS_REFUSED;
}
