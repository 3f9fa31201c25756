/*
 * loader/follow.h
 *     A log that grows and is rotated goes to Avro segments, each line once.
 */
#ifndef LOADER_FOLLOW_H
#define LOADER_FOLLOW_H

#include "encode.h"

#define FOLLOW_SEGMENT_SECONDS 10
#define FOLLOW_SEGMENT_SIZE "64MB"

/* What the options say. */
typedef struct follow_settings
{
    bool follow;
    int64_t seconds;  /* how long lines may wait before they are put into a segment */
    const char *size; /* so many bytes of the log do not wait; NULL: FOLLOW_SEGMENT_SIZE */
} follow_settings;

/* Texts of the help, the same for all commands. */
#define FOLLOW_TIME_HELP                                                            \
    "with --follow: put lines into a segment after\nso many seconds (default: 10; " \
    "0: at once)"
#define FOLLOW_SIZE_HELP \
    "with --follow: or when there is so much of them\n(default: " FOLLOW_SEGMENT_SIZE ")"

/* What is asked for. */
typedef struct follow_request
{
    const follow_settings *settings;
    const char *log;
    const char *directory; /* of the segments */
    encode_context *context;

    /*
     * Takes segments, in order, also those that earlier runs left; first of all those, or none.
     * STATUS_SERVER with *again set: they are handed out again later. NULL: nobody does.
     */
    exit_status (*deliver)(void *ctx, const operand_list *segments, bool *again);
    void *ctx;
    bool remove; /* what was taken, all but the last segment, which says how to go on */
} follow_request;

/* Follow until a signal ends it: then what is there is put into segments, and all is well. */
exit_status follow_run(const follow_request *request);

#endif
