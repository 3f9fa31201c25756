/*
 * loader/row_sender.h
 *     Rows on their way to the server, and what becomes of those it refuses.
 *
 * A sender lives within one transaction of its caller's, on a connection that
 * nothing else uses meanwhile: not even on_refused. One that is not tolerant
 * streams all rows in a single COPY, which the first refused row ends. A
 * tolerant one cuts refused rows out. With a conflict action rows go through a
 * temporary table.
 */
#ifndef LOADER_ROW_SENDER_H
#define LOADER_ROW_SENDER_H

#include "load_table.h"

/* Where a row comes from. */
typedef struct row_place
{
    int64_t record; /* its number in the file, from 1 */
    int64_t line;   /* from 1; 0 if it has none */
    int64_t block;  /* from 0; -1 if it has none */
} row_place;

/* What is done with a row whose key is there already. */
typedef enum conflict_action
{
    CONFLICT_FAIL,    /* the server refuses it */
    CONFLICT_NOTHING, /* the one that is there stays */
    CONFLICT_UPDATE   /* the last one in the order of the file stays */
} conflict_action;

typedef struct sender_settings
{
    const char *file; /* borrowed, for messages; NULL: not named */
    bool tolerant;    /* cut refused rows out; false: the first one ends the load */
    bool freeze;      /* COPY with FREEZE: never tolerant, no conflict action */
    conflict_action on_conflict;
} sender_settings;

/*
 * Take a row that the server refuses: its place and bytes as they were added, and why; all
 * valid during the call. Anything but STATUS_OK, which has been reported, ends the sending.
 */
typedef exit_status (*refused_row)(void *ctx, const row_place *place, cs_slice raw,
                                   const refusal *why);

typedef struct row_sender row_sender;

/*
 * Start sending rows of a mapping to a table. Both, and settings->file, must outlive the
 * sender. The search path is what triggers shall see.
 */
exit_status row_sender_open(row_sender **sender, connection *server, const load_table *table,
                            const load_mapping *mapping, const sender_settings *settings,
                            refused_row on_refused, void *ctx);

/*
 * Send a row; raw is its bytes in the file. CS_ERR_RANGE: it cannot be encoded, and the caller
 * may go on. CS_ERR_IO: nothing more can be sent, and row_sender_finish says why. Other errors
 * are in why->err.
 */
cs_code row_sender_add(row_sender *sender, const cs_value *values, const row_place *place,
                       cs_slice raw, refusal *why);

/*
 * End the sending; *loaded is set to the number of rows that were inserted or updated. With
 * failed the caller has reported a failure: rows that are on their way are given up, and
 * nothing is said. After a failure the caller rolls its transaction back.
 */
exit_status row_sender_finish(row_sender *sender, bool failed, int64_t *loaded);

/* Free a sender; NULL is fine. */
void row_sender_free(row_sender *sender);

#endif
