/*
 * loader/follow_log.h
 *     The files of a log that is being followed: finding them again by their content.
 *
 * Names and inodes change: a file is renamed, compressed, copied and cut off. What is
 * known of it, the sums of its first bytes and of those before the position reached,
 * tells which file it is now.
 */
#ifndef LOADER_FOLLOW_LOG_H
#define LOADER_FOLLOW_LOG_H

#include "follow_state.h"

/*
 * Look which files there are now, and open those that may hold something new. The
 * first time (the state holds no log's name yet) those beside the log are noted as old.
 */
exit_status follow_log_scan(follow_state *state);

/* Begin: note which files are there, and are not to be read. */
exit_status follow_log_begin(follow_state *state, const char *log);

/* What of a file can be put into a segment. */
typedef struct follow_stretch
{
    int64_t from;
    int64_t to;    /* behind the last whole line; from, if there is none */
    int64_t lines; /* between */
} follow_stretch;

/*
 * Find whole lines behind what is done, up to max bytes if a line ends there; with
 * to_end the last line needs no line feed. A compressed file is always read to its end.
 * CS_ERR_DATA: it is damaged, or not whole yet.
 */
cs_code follow_log_measure(follow_file *file, int64_t max, bool to_end, follow_stretch *stretch,
                           cs_error *err);

/* Note that a file is done up to a position: its sums. */
cs_code follow_log_mark(follow_file *file, const follow_stretch *stretch, cs_error *err);

/* True if the bytes before the position reached are still those that were read. */
bool follow_log_same(const follow_file *file);

#endif
