/*
 * loader/load_batch.h
 *     One batch: a run of a file's blocks into the table, in one transaction.
 *
 * The transaction claims the blocks in the ledger, copies their rows, keeps the
 * rejects and the counts. So blocks are in the table, with their rejects, exactly if
 * the ledger says so.
 */
#ifndef LOADER_LOAD_BATCH_H
#define LOADER_LOAD_BATCH_H

#include "load_file.h"

#include <stdatomic.h>

/* A batch to be loaded. */
typedef struct load_batch
{
    const load_request *request;
    load_file *file; /* only its plan is looked at */
    const block_range *range;
    bool truncate;           /* empty the table first */
    int owner;               /* the process of the session that holds the file's lock */
    reject_budget *budget;   /* of the run */
    const atomic_bool *stop; /* another batch failed: give up */
} load_batch;

/* What became of it. */
typedef struct batch_outcome
{
    row_counts counts;
    int64_t load_id;
    int64_t bytes; /* of the file, that it took */
    FILE *rejects; /* of a batch that failed: its rejects as JSON lines; NULL: none */
} batch_outcome;

/* Load a batch. In any other case than STATUS_OK nothing of it is in the table. */
exit_status load_batch_run(connection *server, const load_batch *batch, batch_outcome *outcome);

#endif
