/*
 * loader/line_json.h
 *     One line of a log that is a JSON object.
 */
#ifndef LOADER_LINE_JSON_H
#define LOADER_LINE_JSON_H

#include "http_log.h"

typedef struct line_json line_json;

/*
 * A reader of lines with these keys, LINE_JSON_FIELDS of them; keys and room, of at least
 * CS_LOG_LINE_MAX_BYTES, stay the caller's. NULL without memory.
 */
line_json *line_json_new(const cs_slice *keys, char *room);

/* Free a reader; NULL is fine. */
void line_json_free(line_json *json);

/* As line_parser_read. */
cs_code line_json_read(line_json *json, cs_slice line, cs_log_line *fields, cs_error *err);

#endif
