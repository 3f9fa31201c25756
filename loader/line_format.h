/*
 * loader/line_format.h
 *     The formats that the lines of a log may have: the project's own, a web server's, JSON.
 */
#ifndef LOADER_LINE_FORMAT_H
#define LOADER_LINE_FORMAT_H

#include "defaults.h"
#include "http_combined.h"
#include "options.h"

typedef enum line_format_kind
{
    LINE_PLAIN,    /* timestamp http_method http_path user_id */
    LINE_COMBINED, /* as Apache and nginx write it */
    LINE_JSON      /* one object a line */
} line_format_kind;

/* The names of the kinds, and of what may be a combined line's user: for OPTION_CHOICE. */
extern const char *const line_format_names[];
extern const char *const line_user_names[];

/* What JSON lines hold. */
typedef enum line_json_field
{
    LINE_JSON_TIMESTAMP,
    LINE_JSON_METHOD,
    LINE_JSON_PATH,
    LINE_JSON_USER_ID,
    LINE_JSON_REQUEST, /* method, path and protocol, instead of method and path */
    LINE_JSON_FIELDS
} line_json_field;

extern const char *const line_json_names[];

/* What the options say. */
typedef struct line_format_settings
{
    int kind;           /* line_format_kind */
    int user;           /* cs_combined_user */
    option_list fields; /* name=key */
} line_format_settings;

/* Texts of the help, the same for all commands. */
#define LINE_USER_HELP                                                                 \
    "format combined: who made a request: user\n(default), the name that the server\n" \
    "authenticated, or host, the client's address"
#define LINE_FIELD_HELP                                                                \
    "format json: the key of timestamp, http_method,\nhttp_path or user_id (default: " \
    "these), or of\nrequest: method and path in one; may be given\nseveral times"

/* A format; it may be shared by threads. */
typedef struct line_format
{
    line_format_kind kind;
    cs_combined_user user;
    cs_slice keys[LINE_JSON_FIELDS]; /* data is NULL where there is none */
} line_format;

/* Choose by the options; the text of keys stays theirs. option is the kind's, for messages. */
exit_status line_format_choose(line_format *format, const line_format_settings *settings,
                               const char *option);

/* The name of the format that a line seems to have, which is none of a plain log; else NULL. */
const char *line_format_guess(cs_slice line);

/* What one thread reads lines with. */
typedef struct line_parser
{
    const line_format *format; /* borrowed */
    char *room;                /* for what was written with escapes */
    struct line_json *json;
} line_parser;

/* Open; a zeroed parser may be closed. Without memory it says so. */
exit_status line_parser_open(line_parser *parser, const line_format *format);
void line_parser_close(line_parser *parser);

/*
 * Read one line, given without its line feed. CS_ERR_DATA is a reject, with the reason as
 * the message. The fields are valid as long as the line, and until the next call.
 */
cs_code line_parser_read(line_parser *parser, cs_slice line, cs_log_line *fields, cs_error *err);

#endif
