/*
 * loader/log_format.h
 *     The formats that a log may have: the project's own, a web server's, JSON lines.
 */
#ifndef LOADER_LOG_FORMAT_H
#define LOADER_LOG_FORMAT_H

#include "defaults.h"
#include "http_combined.h"
#include "options.h"

typedef enum log_format_kind
{
    LOG_PLAIN,    /* timestamp http_method http_path user_id */
    LOG_COMBINED, /* as Apache and nginx write it */
    LOG_JSON      /* one object a line */
} log_format_kind;

/* The names of the kinds, and of what may be a combined line's user: for OPTION_CHOICE. */
extern const char *const log_format_names[];
extern const char *const log_user_names[];

/* What JSON lines hold. */
typedef enum log_json_field
{
    LOG_JSON_TIMESTAMP,
    LOG_JSON_METHOD,
    LOG_JSON_PATH,
    LOG_JSON_USER_ID,
    LOG_JSON_REQUEST, /* method, path and protocol, instead of method and path */
    LOG_JSON_FIELDS
} log_json_field;

extern const char *const log_json_names[];

/* What the options say. */
typedef struct log_format_settings
{
    int kind;           /* log_format_kind */
    int user;           /* cs_combined_user */
    option_list fields; /* name=key */
} log_format_settings;

/* Texts of the help, the same for all commands. */
#define LOG_USER_HELP                                                                  \
    "format combined: who made a request: user\n(default), the name that the server\n" \
    "authenticated, or host, the client's address"
#define LOG_FIELD_HELP                                                                 \
    "format json: the key of timestamp, http_method,\nhttp_path or user_id (default: " \
    "these), or of\nrequest: method and path in one; may be given\nseveral times"

/* A format; it may be shared by threads. */
typedef struct log_format
{
    log_format_kind kind;
    cs_combined_user user;
    cs_slice keys[LOG_JSON_FIELDS]; /* data is NULL where there is none */
} log_format;

/* Choose by the options; the text of keys stays theirs. option is the kind's, for messages. */
exit_status log_format_choose(log_format *format, const log_format_settings *settings,
                              const char *option);

/* What one thread reads lines with. */
typedef struct log_parser
{
    const log_format *format; /* borrowed */
    char *room;               /* for what was written with escapes */
    struct log_json *json;
} log_parser;

/* Open; a zeroed parser may be closed. Without memory it says so. */
exit_status log_parser_open(log_parser *parser, const log_format *format);
void log_parser_close(log_parser *parser);

/*
 * Read one line, given without its line feed. CS_ERR_DATA is a reject, with the reason as
 * the message. The fields are valid as long as the line, and until the next call.
 */
cs_code log_parser_read(log_parser *parser, cs_slice line, cs_log_line *fields, cs_error *err);

#endif
