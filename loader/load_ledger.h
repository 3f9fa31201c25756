/*
 * loader/load_ledger.h
 *     The ledger of loads: load_batch and load_reject, and the locks that guard it.
 *
 * A file is known by its table's name and its file_id. Whoever loads it holds its lock
 * for the session; each batch says in its transaction that it is under way, and checks
 * that the lock is still held: so who gets the lock next, and waits for the batches
 * under way, sees all of them in the ledger. All functions run with the search path at
 * the ledger's schema.
 *
 * A table has a lock of the same kind, which loads into it share to the end of their run.
 * Who is to empty it has it alone, from before he asks whether that was done already until it
 * is: so no other load is under way that would lose what it has said is loaded.
 */
#ifndef LOADER_LOAD_LEDGER_H
#define LOADER_LOAD_LEDGER_H

#include "copy_encoder.h"
#include "load_input.h"
#include "load_table.h"
#include "rejects.h"

/* How transactions begin: what one has waited for, it must then see. */
#define LEDGER_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

/* What the ledger knows a file by. */
typedef struct ledger_key
{
    const load_table *table;
    const char *file_name;
    const char *file_id;
    const char *source_sha256; /* of the log that it was made from; NULL: not known */
} ledger_key;

/* A batch that is committed. */
typedef struct ledger_batch
{
    char load_id[24];
    int64_t first_block;
    int64_t end_block;
    uint64_t start_offset;
    uint64_t end_offset;
    char checksum[HASH_TEXT_SIZE];
    int64_t rows_read;
    int64_t rows_rejected;
    char loaded_at[40];
    bool elsewhere; /* into another table that had the name */
} ledger_batch;

/*
 * Take a table's lock, beside others or alone; *taken is false, and nothing happened, where
 * it cannot be had and wait is false. Then batches that a lost session has left are waited for.
 */
exit_status ledger_enter(connection *server, const ledger_key *key, bool alone, bool wait,
                         bool *taken);

/* Share the lock that we have alone; give back one that is shared. */
exit_status ledger_share(connection *server, const load_table *table);
exit_status ledger_leave(connection *server, const load_table *table);

/* Whether a batch is in the ledger. */
exit_status ledger_has(connection *server, int64_t load_id, bool *has);

/* Take a file's lock; *taken is false, and nothing happened, where another session has it. */
exit_status ledger_lock(connection *server, const ledger_key *key, bool wait, bool *taken);
exit_status ledger_unlock(connection *server, const ledger_key *key);

/* Wait for batches under way, then list what is committed; *batches is the caller's to free. */
exit_status ledger_batches(connection *server, const ledger_key *key, ledger_batch **batches,
                           size_t *count);

/* Refuse a file made from a log that was loaded by way of another file. */
exit_status ledger_check_source(connection *server, const ledger_key *key);

/* Whether the table was emptied for this file, and holds only what these files are since. */
exit_status ledger_truncated(connection *server, const ledger_key *key, const operand_list *names,
                             bool *done);

/* In a batch's transaction: empty the table, and the ledger of it. */
exit_status ledger_truncate(connection *server, const load_table *table);

/*
 * In a batch's transaction: claim blocks for it. owner is the process of the session
 * that holds the file's lock.
 */
exit_status ledger_claim(connection *server, const ledger_key *key, const block_range *range,
                         bool truncated, int owner, int64_t *load_id);

/* What became of a batch. */
typedef struct batch_result
{
    int64_t load_id;
    int64_t end_block;
    int64_t end_offset;
    char checksum[HASH_TEXT_SIZE];
    int64_t rows_read;
    int64_t rows_loaded;
    int64_t rows_rejected;
} batch_result;

/* Fill it in. */
exit_status ledger_finish(connection *server, const batch_result *batch);

/* Rejects on their way to load_reject: a COPY runs, so they wait in a temporary file. */
typedef struct reject_spool
{
    file_spool spool; /* without a file until there are rejects */
    copy_encoder encoder;
    bool as_ascii;    /* the database may lack characters: they are written as escapes */
    cs_buffer text;   /* scratch */
    cs_buffer reason; /* scratch */
} reject_spool;

void reject_spool_init(reject_spool *rejects, const connection *server);
void reject_spool_free(reject_spool *rejects);

/* Keep a reject. */
exit_status reject_spool_add(reject_spool *rejects, int64_t load_id, const reject *item);

/* Copy what was kept into load_reject. */
exit_status reject_spool_send(reject_spool *rejects, connection *server);

/* Write what was refused of a file, by this run and earlier ones, to a rejects file. */
exit_status ledger_write_rejects(connection *server, const ledger_key *key, reject_file *file);

#endif
