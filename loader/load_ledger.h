/*
 * loader/load_ledger.h
 *     The ledger of loads: load_batch and load_reject.
 *
 * All functions run in the load's transaction, with the search path at the
 * ledger's schema.
 */
#ifndef LOADER_LOAD_LEDGER_H
#define LOADER_LOAD_LEDGER_H

#include "copy_encoder.h"
#include "load_table.h"
#include "rejects.h"

/* What a claim found. */
typedef enum claim_result
{
    CLAIM_OURS, /* the file is ours to load */
    CLAIM_DONE  /* the file was loaded before; has been said */
} claim_result;

typedef struct load_batch
{
    int64_t load_id;
    int64_t rows_read;
    int64_t rows_loaded;
    int64_t rows_rejected;
    int64_t end_block;
    int64_t end_offset;
    char checksum[HASH_TEXT_SIZE];
} load_batch;

/* Claim a file for a table. With again, another file made from the same log does not matter. */
exit_status ledger_claim(connection *server, const load_table *table, row_source *source,
                         bool again, load_batch *batch, claim_result *result);

/* Fill in what became of the batch. */
exit_status ledger_finish(connection *server, const load_batch *batch);

/* Rejects on their way to load_reject: a COPY runs, so they wait in a temporary file. */
typedef struct reject_spool
{
    file_spool spool; /* without a file until there are rejects */
    copy_encoder encoder;
    cs_buffer text; /* scratch */
} reject_spool;

void reject_spool_init(reject_spool *rejects);
void reject_spool_free(reject_spool *rejects);

/* Keep a reject. */
exit_status reject_spool_add(reject_spool *rejects, int64_t load_id, const reject *item);

/* Copy what was kept into load_reject. */
exit_status reject_spool_send(reject_spool *rejects, connection *server);

#endif
