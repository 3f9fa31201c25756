/*
 * loader/progress.h
 *     How far a command has come, shown while it works.
 *
 * On a terminal that is one line below all messages, drawn again a few times a
 * second; with --progress=json a line of JSON each second and a last one at the
 * end; else nothing, and then it costs nothing. A thread of its own does it.
 */
#ifndef LOADER_PROGRESS_H
#define LOADER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum progress_mode
{
    PROGRESS_AUTO, /* the line, where standard error is a terminal and messages are text */
    PROGRESS_JSON,
    PROGRESS_NONE,
} progress_mode;

/* What the options ask for; before the first progress_begin. */
void progress_set_mode(progress_mode mode);

/* Begin: what is done ("loading"; a text that stays), and how many bytes that takes, -1 if unknown.
 */
void progress_begin(const char *verb, int64_t total_bytes);

/* Count what was done since the last call; from any thread, at any time. Less than nothing: that is
 * to be done again. */
void progress_add(int64_t rows, int64_t bytes);

/* Take bytes from the total: it was found that they need not be done. */
void progress_skip(int64_t bytes);

/* End, and take the line away; fine where nothing has begun. Comes before a fork. */
void progress_end(void);

#endif
