/*
 * loader/offline_lines.h
 *     The rows of a report without a server, user by user: made in any order by
 *     several threads, handed out in order of the users.
 *
 * A thread keeps what it made in memory; past its limit, all of it is sorted and
 * goes to a file as a run. In the end the runs of all threads are merged.
 */
#ifndef LOADER_OFFLINE_LINES_H
#define LOADER_OFFLINE_LINES_H

#include "base.h"
#include "offline_slab.h"
#include "offline_spill.h"

/* Rows of one user. What they consist of is the caller's business. */
typedef struct user_lines
{
    cs_slice user;
    cs_slice rows;
} user_lines;

/* Rows in memory: what stands before the user's bytes and the rows'. */
typedef struct lines_head
{
    uint64_t user_len;
    uint64_t rows_len;
} lines_head;

/* For sorting: eight bytes of the user, the first one highest, and where the rest is. */
typedef struct lines_entry
{
    uint64_t word;
    const lines_head *head;
} lines_entry;

/* A sorted run in the file. */
typedef struct lines_run
{
    uint64_t offset;
    uint64_t end;
} lines_run;

/* What one thread made. */
typedef struct lines_store
{
    size_t limit;
    size_t used; /* by rows and entries in memory */
    size_t held; /* by all slabs */
    slab *slabs;
    lines_entry *entries;
    size_t num_entries;
    size_t entries_capacity;
    spill_file file;
    lines_run *runs;
    size_t num_runs;
    size_t runs_capacity;
} lines_store;

void lines_store_init(lines_store *store, size_t limit);
void lines_store_free(lines_store *store);

/* Keep rows of a user; more of the same user may follow. */
exit_status lines_store_add(lines_store *store, cs_slice user, cs_slice rows);

/* Sort what is still in memory: the store is complete. */
exit_status lines_store_finish(lines_store *store);

/* Hands out what several stores hold. */
typedef struct lines_merge
{
    struct lines_cursor **heap; /* the one with the first user on top */
    size_t count;
    struct lines_cursor *cursors;
    size_t num_cursors;
    size_t buffer_bytes; /* of each run in a file */
    bool started;
} lines_merge;

/*
 * Start at the first user. The stores stay the caller's, and are complete. Runs in files
 * are read through buffers that take so much memory together, if that does.
 */
exit_status lines_merge_open(lines_merge *merge, lines_store **stores, size_t count, size_t memory);
void lines_merge_close(lines_merge *merge);

/* Go on to the next rows, valid until the next call; *end is set behind the last ones. */
exit_status lines_merge_next(lines_merge *merge, user_lines *lines, bool *end);

#endif
