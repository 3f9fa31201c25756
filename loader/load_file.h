/*
 * loader/load_file.h
 *     One file of a run: what of it is to be loaded, and what became of that.
 *
 * Of a file that was loaded in part only the rest is planned. The session that plans
 * a file holds its lock, so that no other loader works on it.
 */
#ifndef LOADER_LOAD_FILE_H
#define LOADER_LOAD_FILE_H

#include "load.h"
#include "load_input.h"
#include "load_ledger.h"

/* What happened to rows. */
typedef struct row_counts
{
    int64_t read;
    int64_t loaded;
    int64_t rejected;
    int64_t without_user;
} row_counts;

typedef enum file_state
{
    FILE_WAITING, /* not looked at, or to be looked at again */
    FILE_OPEN,    /* planned, and locked */
    FILE_DONE     /* nothing is left to be done, and that has been said */
} file_state;

typedef struct load_file
{
    const char *name;
    file_state state;
    const char *table_name; /* as the user would call it: the request's, or the format's */
    load_table table;
    char file_id[HASH_TEXT_SIZE];
    char *source_sha256;           /* NULL: not known */
    const struct load_file *first; /* of the run: the one that the table is emptied for */
    bool was_elsewhere;            /* loaded whole, into another table that had the name */
    bool truncate;                 /* empty the table before its first batch */

    block_range *ranges; /* to be loaded */
    size_t num_ranges;
    size_t ranges_taken;
    size_t ranges_left; /* taken or not, but not committed */
    load_input input;   /* open while it is planned; a text until its one batch has read it */

    /* Of batches that are committed */
    size_t ranges_ended;     /* by this run */
    row_counts counts;       /* by this run */
    int64_t known_load;      /* of any run, the first that was seen in the ledger; 0: none */
    int64_t first_load;      /* of this run; 0: none */
    int64_t last_load;       /* of this run */
    int64_t rows_before;     /* read by earlier runs */
    int64_t rejected_before; /* by earlier runs */
    int64_t bytes_ended;     /* read by this run */
    int64_t bytes_skipped;   /* taken from what progress is to come to: read by earlier runs */
    size_t loads_before;     /* what the ledger had when the file was planned last */
    ledger_batch last_before;
} load_file;

/*
 * Find out what of a file is to be loaded, on the run's coordinating connection. If
 * another session loads it: with wait false *busy is set and nothing else happens.
 * names are the run's files, all of them.
 */
exit_status load_file_plan(load_file *file, const load_request *request, connection *server,
                           const operand_list *names, bool wait, bool *busy);

/*
 * In a new session: take the lock again of a table that rows of this file are in, by what was
 * seen in the ledger. If they are gone the file is as if nothing had been done with it.
 */
exit_status load_file_recall(load_file *file, const load_request *request, connection *server);

/* Say what was done with a file, and give its lock back. */
exit_status load_file_end(load_file *file, const load_request *request, connection *server);

/* Write what was refused of it, by this run and earlier ones, to a rejects file. */
exit_status load_file_rejects(const load_file *file, const load_request *request,
                              connection *server, reject_file *rejects);

/* Forget the plan, but not what was committed; frees all that the file holds. */
void load_file_forget(load_file *file);

/* Make a file as if nothing had been done with it. */
void load_file_reset(load_file *file);

/* What the ledger knows a file by. */
ledger_key load_file_key(const load_file *file);

#endif
