/*
 * loader/rejects.c
 *     Keeping and counting what is refused.
 */
#include "rejects.h"

#include "json_text.h"
#include "log.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>

exit_status
reject_file_open(reject_file *file, const char *name, bool on_demand, bool replace)
{
    memset(file, 0, sizeof(*file));
    cs_buffer_init(&file->line, loader_env());
    file->on_demand = on_demand;
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

/* Append `"key":number,` unless the number says that there is none. */
static cs_code
append_number(cs_buffer *out, const char *key, int64_t value, int64_t none, cs_error *err)
{
    if (value == none)
        return CS_OK;
    return cs_buffer_printf(out, err, "\"%s\":%" PRId64 ",", key, value);
}

/* Append `"key":"text",` unless text is NULL. */
static cs_code
append_text(cs_buffer *out, const char *key, const char *text, cs_error *err)
{
    if (text == NULL)
        return CS_OK;
    CS_TRY(cs_buffer_printf(out, err, "\"%s\":", key));
    CS_TRY(json_append_string(out, cs_slice_of(text), NULL, err));
    return cs_buffer_append(out, ",", 1, err);
}

/* Append a reject as a JSON line. */
static cs_code
append_json(cs_buffer *out, const reject *item, cs_error *err)
{
    bool exact;

    CS_TRY(cs_buffer_append(out, "{", 1, err));
    CS_TRY(append_text(out, "file", item->file, err));
    CS_TRY(append_number(out, "line", item->line, 0, err));
    CS_TRY(append_number(out, "block", item->block, -1, err));
    CS_TRY(append_number(out, "record", item->record, 0, err));
    CS_TRY(append_text(out, "column", item->column, err));
    CS_TRY(append_text(out, "sqlstate", item->sqlstate, err));
    CS_TRY(append_text(out, "reason", item->reason, err));
    CS_TRY(cs_buffer_printf(out, err, "\"text\":"));
    CS_TRY(json_append_string(out, item->text, &exact, err));
    if (!exact)
    {
        CS_TRY(cs_buffer_printf(out, err, ",\"bytes_base64\":"));
        CS_TRY(json_append_base64(out, item->text, err));
    }
    if (item->cut)
        CS_TRY(cs_buffer_printf(out, err, ",\"cut\":true"));
    return cs_buffer_append(out, "}\n", 2, err);
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
    if (append_json(&file->line, item, &err) != CS_OK)
        return log_core_error(&err, file->name);
    file->count++;
    return file_sink_append(&file->sink, file->line.data, file->line.len) ? STATUS_OK
                                                                          : STATUS_SERVER;
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

exit_status
reject_budget_spend(reject_budget *budget, const reject *item)
{
    char place[96] = "";
    size_t len = 0;

    budget->count++;
    if (budget->count <= budget->limit)
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
    log_hint(
        "\"--max-rejects N\" goes on past N rejects; \"--rejects FILE\" keeps them in a file.");
    return STATUS_REFUSED;
}
