/*
 * core/http_log.h
 *     One line of the HTTP log: `timestamp http_method http_path user_id`.
 */
#ifndef CS_HTTP_LOG_H
#define CS_HTTP_LOG_H

#include "base.h"
#include "calendar.h"

#define CS_LOG_LINE_MAX_BYTES 65536 /* without the line's end */

/* The fields of a line. */
typedef struct cs_log_line
{
    cs_time time;
    cs_slice method;
    cs_slice path;
    cs_slice user_id; /* data is NULL where nobody is named; never so in this grammar */
} cs_log_line;

/*
 * Read one line, given without its line feed; a final CR is allowed. Anything
 * but CS_OK is a reject, with the reason as the message. The slices lie inside it.
 */
cs_code cs_log_line_parse(cs_slice line, cs_log_line *fields, cs_error *err);

/* What the grammars of lines share: cut off a final CR; refuse what is empty or too long. */
cs_code cs_log_line_trim(cs_slice *line, cs_error *err);

/* Refuse control characters and what is not UTF-8; the message calls the text what. */
cs_code cs_log_text_check(cs_slice text, const char *what, cs_error *err);

#endif
