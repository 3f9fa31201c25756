/*
 * loader/follow_state.h
 *     What is known of a log that is being followed: its files, and what of them is
 *     in Avro segments already.
 *
 * A log is one file after another: it is renamed, and begins anew. The header of each
 * segment holds the whole state behind it, as JSON under FOLLOW_STATE_KEY. So the last
 * segment of a directory says how to go on, and a segment's name is the one commit
 * point. Before there is a segment a file beside them holds the state.
 */
#ifndef LOADER_FOLLOW_STATE_H
#define LOADER_FOLLOW_STATE_H

#include "base.h"
#include "defaults.h"

#include <sys/types.h>

#define FOLLOW_STATE_KEY "clickstream.follow"
#define FOLLOW_SUM_SIZE 33     /* half of a SHA-256, in hexadecimal, terminated */
#define FOLLOW_MARK_BYTES 4096 /* what a sum is about, at most */

/* How far a file is done, and what tells the file by these bytes. */
typedef struct follow_mark
{
    int64_t done;               /* bytes, decompressed */
    char head[FOLLOW_SUM_SIZE]; /* of the first of them */
    char tail[FOLLOW_SUM_SIZE]; /* of the last of them */
} follow_mark;

/* One file of the log. */
typedef struct follow_file
{
    int64_t number; /* from 1 on, in the order they were found */
    dev_t device;
    ino_t inode;
    int64_t mtime; /* nanoseconds; with size as last seen */
    int64_t size;  /* on disk */
    int64_t lines; /* that are done */
    bool ended;    /* there is no more to come, unless it changes */
    follow_mark mark;

    /* Of this process */
    int fd;     /* -1: not open */
    char *name; /* where it is now; NULL: nowhere, as far as is known */
    bool is_compressed;
    bool missed;       /* that it is nowhere has been said */
    int64_t unread_at; /* since when there are bytes to be read, by the clock; 0: none */
    int64_t looked_at; /* size that was found to hold no whole line behind done */
} follow_file;

typedef struct follow_state
{
    char *log;          /* absolute name */
    int64_t since;      /* files beside the log that were last written before are not ours */
    dev_t first_device; /* of the log when it was first followed; 0: it was not there */
    ino_t first_inode;
    int64_t segments;   /* number of the last one */
    follow_file *files; /* by number */
    size_t num_files;
    size_t capacity;
} follow_state;

void follow_state_init(follow_state *state);
void follow_state_free(follow_state *state);

/* Add a file, with the next number; NULL without memory, which is reported. */
follow_file *follow_state_add(follow_state *state);

/* Remove a file. */
void follow_state_remove(follow_state *state, size_t index);

/* The state as JSON text, to be freed; NULL without memory, which is reported. */
char *follow_state_text(const follow_state *state);

/* Read the text, found in the file named. */
exit_status follow_state_parse(follow_state *state, const char *text, const char *name);

#endif
