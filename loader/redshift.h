/*
 * loader/redshift.h
 *     Loading into Amazon Redshift: by way of S3, exactly once.
 *
 * table: what the columns are, and which field goes to which. file: what the file
 * holds, held against Redshift's limits, and written anew where it keeps them not.
 * stage: its blocks in a few objects of about equal size in S3, with a manifest. copy:
 * one transaction that checks the ledger, copies, and writes the ledger.
 */
#ifndef LOADER_REDSHIFT_H
#define LOADER_REDSHIFT_H

#include "connection.h"
#include "file_source.h"
#include "log.h"
#include "s3.h"

#include <stdatomic.h>
#include <time.h>

#define REDSHIFT_DEFAULT_SLICES 4

/* The options of load that are only about Redshift. */
typedef struct redshift_settings
{
    const char *stage;
    const char *iam_role;
    const char *region;
    int64_t slices;  /* 0: the default */
    int64_t timeout; /* seconds; 0: the default */
    int addressing;  /* an s3_addressing */
    bool keep_staged;
} redshift_settings;

/* Arguments of the option for addressing. */
extern const char *const redshift_addressing_names[];

/* What load was asked for. */
typedef struct redshift_request
{
    const connection_settings *connection;
    const redshift_settings *settings;
    const char *table;  /* NULL: the default */
    const char *schema; /* NULL: not given */
    int64_t retries;    /* of the transaction */
    int64_t jobs;       /* objects uploaded at a time */
    bool again;
} redshift_request;

/* Load files, one after the other, each in a transaction of its own. */
exit_status redshift_load(const redshift_request *request, const operand_list *files);

/* Apply sql/redshift. */
exit_status redshift_init(const connection_settings *settings, const char *schema);

/* Check that what encode writes by a schema and codec can be loaded. */
exit_status redshift_check_encoding(const char *name, const cs_avro_schema *schema,
                                    cs_avro_codec codec);

/* What a column takes. */
typedef enum redshift_kind
{
    REDSHIFT_TIMESTAMP,
    REDSHIFT_DATE,
    REDSHIFT_TIME,
    REDSHIFT_INTEGER,
    REDSHIFT_NUMERIC, /* and floating point */
    REDSHIFT_BOOLEAN,
    REDSHIFT_TEXT,
    REDSHIFT_OTHER
} redshift_kind;

typedef struct redshift_column
{
    char *name;
    char *type; /* as the server spells it */
    redshift_kind kind;
    int64_t max_bytes; /* of a text; 0: does not matter */
    bool not_null;
    bool has_default;
} redshift_column;

typedef struct redshift_table
{
    char *schema;
    char *name;
    char *qualified; /* quoted where needed: its name in the ledger */
    redshift_column *columns;
    size_t num_columns;
    bool has_load_id;
} redshift_table;

/* Look a table up, and the ledger beside it. */
exit_status redshift_table_find(redshift_table *table, connection *server, const char *name,
                                const char *schema);
void redshift_table_free(redshift_table *table);

/* Which field goes to which column. */
typedef struct redshift_mapping
{
    const redshift_column **columns; /* by field */
    size_t count;
    bool epochs;      /* timestamps come as milliseconds */
    bool renames;     /* some field has capitals in its name */
    bool add_load_id; /* the load's number goes to the column load_id */
} redshift_mapping;

/*
 * Run a statement as a simple query, everything quoted: in the format %n stands for a
 * name, %t for a literal (NULL: the SQL NULL), %s for SQL of our own, each taking a const
 * char *; %d for an int64_t; %l for the columns of a const redshift_mapping *. Like
 * connection_query and connection_run; the result of redshift_send may be a failure.
 */
exit_status redshift_query(connection *server, PGresult **result, const char *format, ...);
exit_status redshift_run(connection *server, const char *format, ...);
exit_status redshift_send(connection *server, PGresult **result, const char *format, ...);

/* Match the fields of a file with the columns; what Redshift would not load is refused. */
exit_status redshift_mapping_make(redshift_mapping *mapping, const redshift_table *table,
                                  const cs_avro_schema *schema, const char *file);
void redshift_mapping_free(redshift_mapping *mapping);

/* A run of bytes that is one block, in the source or in what was written anew. */
typedef struct staged_block
{
    uint64_t offset;
    uint64_t len;
    int64_t records;
} staged_block;

/* A file that is to be loaded. */
typedef struct redshift_file
{
    const char *name;
    file_source source; /* open while the file is in use */
    struct timespec modified;
    cs_avro_reader *reader;
    char file_id[HASH_TEXT_SIZE];
    char checksum[HASH_TEXT_SIZE];
    const char *source_sha256; /* NULL: unknown */
    int64_t records;

    /* What is staged */
    cs_buffer header; /* of every staged file */
    FILE *spool;      /* what was written anew; NULL: the source's blocks are as they must be */
    staged_block *blocks;
    size_t blocks_capacity;
    size_t num_blocks;
} redshift_file;

/* Open a file and learn its identity. Close it also after a failure. */
exit_status redshift_file_open(redshift_file *file, const char *name);
void redshift_file_close(redshift_file *file);

/* Read all records, and prepare what is staged. */
exit_status redshift_file_prepare(redshift_file *file, const redshift_mapping *mapping);

/* True if the file is still as it was when it was opened. */
bool redshift_file_unchanged(const redshift_file *file);

/* One staged object: some of the blocks. */
typedef struct staged_part
{
    size_t first_block;
    size_t num_blocks;
    uint64_t offset;
    uint64_t len;
    int64_t first_record; /* its number in the file, from 1 */
    char *key;
} staged_part;

/* A file's place in S3. */
typedef struct redshift_stage
{
    s3_client *client;
    const redshift_file *file;
    char *folder;   /* key of all that belongs to the file and table, with a slash at its end */
    char *manifest; /* key */
    char *url;      /* of the manifest */
    staged_part *parts;
    size_t num_parts;
    s3_traffic traffic;

    /* While uploaders run */
    _Atomic size_t next_part; /* that nobody has taken */
    atomic_bool failed;       /* one of them: the others stop behind their parts */
} redshift_stage;

/* Find the file's folder. Free it also after a failure. */
exit_status redshift_stage_open(redshift_stage *stage, s3_client *client, const char *prefix,
                                const redshift_file *file, const redshift_table *table);
void redshift_stage_free(redshift_stage *stage);

/* Upload the file as a multiple of slices, so many objects at a time, and the manifest. */
exit_status redshift_stage_upload(redshift_stage *stage, int64_t slices, int64_t jobs);

/* Remove what lies in the folder, except, with keep, what was staged now. Failing is no error. */
void redshift_stage_clean(redshift_stage *stage, bool keep);

/* What the ledger says of a file. */
typedef struct redshift_batch
{
    bool done; /* it was loaded, now or before */
    bool before;
    int64_t load_id;
    int64_t rows;
} redshift_batch;

/* All that the transaction needs. */
typedef struct redshift_copy
{
    const redshift_request *request;
    const redshift_table *table;
    const redshift_mapping *mapping;
    const redshift_file *file;
    const redshift_stage *stage;
    const char *region;
} redshift_copy;

/* Look into the ledger: whether the file was loaded before, or may be loaded at all. */
exit_status redshift_ledger_check(const redshift_copy *copy, connection *server,
                                  redshift_batch *batch);

/*
 * Copy what is staged, on a connection of its own; again where others or the network
 * are to blame.
 */
exit_status redshift_copy_run(const redshift_copy *copy, redshift_batch *batch);

/* The temporary table of the transaction. */
#define REDSHIFT_STAGE_TABLE "clickstream_stage"

/*
 * Report why a COPY failed: the record and column that the server's error tables name.
 * Ends the transaction.
 */
exit_status redshift_report_copy(const redshift_copy *copy, connection *server, PGresult *failure);

#endif
