/*
 * loader/defaults.h
 *     Exit codes, defaults, limits and environment names of the command line.
 */
#ifndef LOADER_DEFAULTS_H
#define LOADER_DEFAULTS_H

#define PROGRAM_NAME "clickstream"

/*
 * How a function, and at last the program, ended. Whoever returns anything but
 * STATUS_OK has said why; callers only pass it on. The values are exit codes.
 */
typedef enum exit_status
{
    STATUS_OK = 0,
    STATUS_USAGE = 1,       /* the command line asks for something impossible */
    STATUS_REFUSED = 2,     /* the input is not acceptable */
    STATUS_SERVER = 3,      /* server, network, disk or memory failed */
    STATUS_INTERRUPTED = 4, /* by a signal */
} exit_status;

#define STATUS_TRY(call)                 \
    do                                   \
    {                                    \
        exit_status try_status = (call); \
        if (try_status != STATUS_OK)     \
            return try_status;           \
    } while (0)

/* Environment, beside what libpq reads */
#define ENV_TIMEZONE "PGTZ"
#define ENV_COLUMNS "COLUMNS"
#define ENV_TEMPORARY "TMPDIR"

#define MAX_JOBS 64 /* threads or connections of one command */
#define DEFAULT_TABLE "http_log"
#define DEFAULT_TIMEZONE "UTC"
#define DEFAULT_TEMPORARY "/var/tmp"
#define DEFAULT_REPORT_MEMORY "1GB"
#define AVRO_SUFFIX ".avro"
#define REJECTS_SUFFIX ".rejects.jsonl"

/* Reads and writes go in pieces of this size. */
#define READ_BUFFER_BYTES (256 * 1024)
#define COPY_CHUNK_BYTES (64 * 1024)

/* A CSV record longer than this is taken for a quote that was left open. */
#define CSV_MAX_RECORD_BYTES (16 * 1024 * 1024)

/* How often a wait looks whether it should stop. */
#define STOP_POLL_MILLISECONDS 200

/* How long a server may take to answer a cancel request. */
#define CANCEL_WAIT_MILLISECONDS 5000

/* Set with SET LOCAL in a transaction that keeps the ledger right by itself. */
#define LOAD_SETTING "clickstream.load"

/* What all runs of init wait for each other on; the value is arbitrary. */
#define INIT_LOCK_KEY "7236831442"

#endif
