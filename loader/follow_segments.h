/*
 * loader/follow_segments.h
 *     The directory that segments lie in: their names, the last one's state, the lock.
 */
#ifndef LOADER_FOLLOW_SEGMENTS_H
#define LOADER_FOLLOW_SEGMENTS_H

#include "follow_state.h"

typedef struct follow_directory
{
    const char *name; /* borrowed */
    const char *base; /* the log's name without its directory; borrowed from the state */
    int fd;           /* locked; -1: not open */
    int64_t *numbers; /* of the segments, in order */
    size_t count;
    size_t capacity;
} follow_directory;

/* Open the directory, create it if need be, lock it, and read the state of log from it. */
exit_status follow_directory_open(follow_directory *directory, const char *name, const char *log,
                                  follow_state *state);
void follow_directory_close(follow_directory *directory);

/* Note that there is another segment. */
exit_status follow_directory_add(follow_directory *directory, int64_t number);

/* The name of a segment, to be freed; NULL without memory, which is reported. */
char *follow_segment_name(const follow_directory *directory, int64_t number);

#endif
