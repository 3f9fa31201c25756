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

/* Begin with a log: note which files beside it are there, and are not to be read. */
exit_status follow_log_begin(follow_state *state, const char *log);

/* Look which files there are now, and open those that may hold something new. */
exit_status follow_log_scan(follow_state *state);

#endif
