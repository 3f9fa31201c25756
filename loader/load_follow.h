/*
 * loader/load_follow.h
 *     A log that grows goes into the table: followed, and each segment loaded.
 */
#ifndef LOADER_LOAD_FOLLOW_H
#define LOADER_LOAD_FOLLOW_H

#include "follow.h"
#include "load.h"

/* What the options say of the log. */
typedef struct load_follow_settings
{
    follow_settings follow;
    line_format_settings format;
    const char *directory; /* of the segments; NULL: not given */
    bool remove;           /* segments that are loaded */
} load_follow_settings;

/* Follow the log until a signal ends it. The request is what each segment is loaded by. */
exit_status load_follow(const load_follow_settings *settings, const load_request *request,
                        const operand_list *logs);

#endif
