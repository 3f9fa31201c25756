/*
 * loader/load.h
 *     What the parts of load share.
 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "connection.h"
#include "load_table.h"
#include "rejects.h"
#include "row_sender.h"
#include "row_source.h"

/* What a run is asked to do. */
typedef struct load_request
{
    const connection_settings *connection;
    const char *table;  /* as the user called it; NULL: by the file */
    const char *schema; /* NULL: not given */
    row_format format;
    mapping_request mapping;
    const char *rejects; /* file for what is refused; NULL: none */
    int64_t max_rejects;
    int64_t jobs;
    int64_t batch_rows; /* rows of a transaction, about; 0: all of a file */
    int64_t retries;
    conflict_action on_conflict;
    bool again;
    bool truncate;
    bool freeze;
    bool dry_run;
} load_request;

/* Load the files, each exactly once. */
exit_status load_files(const load_request *request, const operand_list *files);

/*
 * Wait before the n-th new attempt: twice as long each time, and by chance shorter.
 * False where a signal asks to stop.
 */
bool load_wait_before(int64_t n, int64_t retries);

#endif
