/*
 * loader/log_json.h
 *     One line of a log that is a JSON object.
 */
#ifndef LOADER_LOG_JSON_H
#define LOADER_LOG_JSON_H

#include "http_log.h"

typedef struct log_json log_json;

/*
 * A reader of lines with these keys, LOG_JSON_FIELDS of them; keys and room, of at least
 * CS_LOG_LINE_MAX_BYTES, stay the caller's. NULL without memory.
 */
log_json *log_json_new(const cs_slice *keys, char *room);

/* Free a reader; NULL is fine. */
void log_json_free(log_json *json);

/* As log_parser_read. */
cs_code log_json_read(log_json *json, cs_slice line, cs_log_line *fields, cs_error *err);

#endif
