/*
 * core/http_combined.h
 *     One line of a web server's log, in the format that Apache and nginx call
 *     combined, or in its older form, common:
 *
 *     host ident user [time] "METHOD path PROTOCOL" status bytes "referer" "agent"
 */
#ifndef CS_HTTP_COMBINED_H
#define CS_HTTP_COMBINED_H

#include "http_log.h"

/* Which part of a line says who made the request. */
typedef enum cs_combined_user
{
    CS_COMBINED_USER,
    CS_COMBINED_HOST
} cs_combined_user;

/*
 * Read one line, given without its line feed; a final CR is allowed, and so are more
 * fields behind the agent. Anything but CS_OK is a reject, with the reason as the
 * message. "-" means that nobody is named. The slices lie inside the line, or, where the
 * server wrote escapes, inside room, which has at least CS_LOG_LINE_MAX_BYTES.
 */
cs_code cs_combined_parse(cs_slice line, cs_combined_user who, char *room, cs_log_line *fields,
                          cs_error *err);

/* Split "METHOD path PROTOCOL". Escapes stay as they are. */
cs_code cs_http_request_split(cs_slice request, cs_slice *method, cs_slice *path, cs_error *err);

#endif
