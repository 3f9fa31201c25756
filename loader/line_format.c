/*
 * loader/line_format.c
 *     Choosing a log's format, and reading lines by it.
 */
#include "line_format.h"

#include "log.h"
#include "line_json.h"

#include <stdlib.h>

const char *const line_format_names[] = {"plain", "combined", "json", NULL};
const char *const line_user_names[] = {"user", "host", NULL};
const char *const line_json_names[] = {"timestamp", "http_method", "http_path",
                                       "user_id",   "request",     NULL};

/* Report an option that the format has no use for. */
static exit_status
refuse_option(const char *option, const char *name, line_format_kind kind)
{
    log_error("option \"--%s\" is for logs of the format %s", name, line_format_names[kind]);
    log_hint("Give \"--%s %s\" as well.", option, line_format_names[kind]);
    return STATUS_USAGE;
}

/* Report an argument of --field. */
static exit_status
refuse_field(const char *argument, const char *problem)
{
    log_error("invalid argument \"%s\" of option \"--field\": %s", argument, problem);
    log_hint("Give name=key, the name being timestamp, http_method, http_path, user_id or "
             "request.");
    return STATUS_USAGE;
}

/* Take one argument of --field. */
static exit_status
take_field(line_format *format, const char *argument, bool given[LINE_JSON_FIELDS])
{
    const char *equals = strchr(argument, '=');
    int field = 0;

    if (equals == NULL || equals[1] == '\0')
        return refuse_field(argument, "not of the form name=key");
    while (field < LINE_JSON_FIELDS &&
           !cs_slice_is((cs_slice){argument, (size_t) (equals - argument)}, line_json_names[field]))
        field++;
    if (field == LINE_JSON_FIELDS)
        return refuse_field(argument, "a log has no such field");
    if (given[field])
        return refuse_field(argument, "the field has a key already");
    format->keys[field] = cs_slice_of(equals + 1);
    given[field] = true;
    return STATUS_OK;
}

/* Check that no key stands for two fields. */
static exit_status
check_keys(const line_format *format)
{
    for (int i = 0; i < LINE_JSON_FIELDS; i++)
        for (int j = 0; j < i; j++)
        {
            const cs_slice *a = &format->keys[i], *b = &format->keys[j];

            if (a->data == NULL || b->data == NULL || !cs_slice_is(*a, b->data))
                continue;
            log_error("the fields %s and %s have the same key \"%s\"", line_json_names[j],
                      line_json_names[i], a->data);
            return STATUS_USAGE;
        }
    return STATUS_OK;
}

/* Choose the keys of JSON. */
static exit_status
choose_keys(line_format *format, const option_list *fields)
{
    bool given[LINE_JSON_FIELDS] = {false};

    for (int i = 0; i < LINE_JSON_REQUEST; i++)
        format->keys[i] = cs_slice_of(line_json_names[i]);
    for (int i = 0; i < fields->count; i++)
        STATUS_TRY(take_field(format, fields->items[i], given));
    if (given[LINE_JSON_REQUEST])
    {
        if (given[LINE_JSON_METHOD] || given[LINE_JSON_PATH])
        {
            log_error("the field request stands for http_method and http_path: they have no key "
                      "beside it");
            return STATUS_USAGE;
        }
        format->keys[LINE_JSON_METHOD] = format->keys[LINE_JSON_PATH] = (cs_slice){NULL, 0};
    }
    return check_keys(format);
}

exit_status
line_format_choose(line_format *format, const line_format_settings *settings, const char *option)
{
    *format = (line_format){.kind = (line_format_kind) settings->kind,
                            .user = (cs_combined_user) settings->user};
    if (format->kind != LINE_COMBINED && format->user != CS_COMBINED_USER)
        return refuse_option(option, "user-field", LINE_COMBINED);
    if (format->kind != LINE_JSON && settings->fields.count > 0)
        return refuse_option(option, "field", LINE_JSON);
    return format->kind == LINE_JSON ? choose_keys(format, &settings->fields) : STATUS_OK;
}

const char *
line_format_guess(cs_slice line)
{
    cs_log_line fields;
    cs_error err;
    bool is_combined;
    char *room;

    if (line.len > 0 && line.data[0] == '{')
        return line_format_names[LINE_JSON];
    if (line.len > CS_LOG_LINE_MAX_BYTES || (room = malloc(CS_LOG_LINE_MAX_BYTES)) == NULL)
        return NULL;
    is_combined = cs_combined_parse(line, CS_COMBINED_USER, room, &fields, &err) == CS_OK;
    free(room);
    return is_combined ? line_format_names[LINE_COMBINED] : NULL;
}

exit_status
line_parser_open(line_parser *parser, const line_format *format)
{
    *parser = (line_parser){.format = format};
    if (format->kind == LINE_PLAIN)
        return STATUS_OK;
    parser->room = malloc(CS_LOG_LINE_MAX_BYTES);
    if (format->kind == LINE_JSON)
        parser->json = line_json_new(format->keys, parser->room);
    if (parser->room != NULL && (format->kind != LINE_JSON || parser->json != NULL))
        return STATUS_OK;
    line_parser_close(parser);
    return log_out_of_memory();
}

/* Free a parser's memory; closing twice is fine. */
void
line_parser_close(line_parser *parser)
{
    line_json_free(parser->json);
    free(parser->room);
    *parser = (line_parser){.format = NULL};
}

cs_code
line_parser_read(line_parser *parser, cs_slice line, cs_log_line *fields, cs_error *err)
{
    switch (parser->format->kind)
    {
        case LINE_COMBINED:
            return cs_combined_parse(line, parser->format->user, parser->room, fields, err);
        case LINE_JSON:
            return line_json_read(parser->json, line, fields, err);
        default:
            return cs_log_line_parse(line, fields, err);
    }
}
