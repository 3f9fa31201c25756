/*
 * core/http_log.h
 *     One line of the HTTP log: `timestamp http_method http_path user_id`.
 */
#ifndef CS_HTTP_LOG_H
#define CS_HTTP_LOG_H

#include "base.h"
#include "calendar.h"

#define CS_LOG_LINE_MAX_BYTES 65536 /* without the line's end */

/* The fields of a line; the slices lie inside it. */
typedef struct cs_log_line
{
    cs_time time;
    cs_slice method;
    cs_slice path;
    cs_slice user_id;
} cs_log_line;

/*
 * Read one line, given without its line feed; a final CR is allowed. Anything
 * but CS_OK is a reject, with the reason as the message.
 */
cs_code cs_log_line_parse(cs_slice line, cs_log_line *fields, cs_error *err);

#endif
