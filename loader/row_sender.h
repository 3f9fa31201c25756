/*
 * loader/row_sender.h
 *     Rows on their way to the server.
 */
#ifndef LOADER_ROW_SENDER_H
#define LOADER_ROW_SENDER_H

#include "load_table.h"

typedef struct row_place
{
    int64_t record;
    int64_t line;
    int64_t block;
} row_place;

typedef enum conflict_action
{
    CONFLICT_FAIL,
    CONFLICT_NOTHING,
    CONFLICT_UPDATE
} conflict_action;

typedef struct sender_settings
{
    bool tolerant;
    bool freeze;
    conflict_action on_conflict;
} sender_settings;

typedef struct row_sender row_sender;

typedef exit_status (*refused_row)(void *ctx, const row_place *place, cs_slice raw,
                                   const refusal *why);
exit_status row_sender_open(row_sender **sender, connection *server, const load_table *table,
                            const load_mapping *mapping, const sender_settings *settings,
                            refused_row on_refused, void *ctx);
cs_code row_sender_add(row_sender *sender, const cs_value *values, const row_place *place,
                       cs_slice raw, refusal *why);
exit_status row_sender_finish(row_sender *sender, bool failed, int64_t *loaded);
void row_sender_free(row_sender *sender);

#endif
