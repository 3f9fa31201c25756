/*
 * loader/offline_input.h
 *     The files of a report without a server, handed out to threads in chunks: blocks
 *     of an Avro file, or runs of lines of a text log.
 *
 * Chunks have an order, that of the files. Each is read by one thread. What goes
 * wrong in a chunk is reported when its turn has come, that is when all chunks
 * before it are done: so the messages do not depend on the number of threads.
 */
#ifndef LOADER_OFFLINE_INPUT_H
#define LOADER_OFFLINE_INPUT_H

#include "avro_decode.h"
#include "file_source.h"
#include "rejects.h"

#include <pthread.h>

/* What was found in a file. */
typedef struct input_counts
{
    int64_t read; /* records or lines: the sum of the others */
    int64_t events;
    int64_t without_user;
    int64_t without_time;
    int64_t rejected;
} input_counts;

/* The columns of the log, in the order of their values. */
typedef enum log_column
{
    COLUMN_TIME,
    COLUMN_METHOD,
    COLUMN_PATH,
    COLUMN_USER
} log_column;

#define LOG_COLUMNS 4

extern const char *const log_column_names[LOG_COLUMNS];

/* An Avro file that is open. */
typedef struct avro_file
{
    file_source *file;
    cs_source source;
    cs_avro_reader *reader;
    cs_avro_plan *plan;
    cs_slice ahead; /* bytes taken off a pipe to look at */
} avro_file;

/* Open and look whether the columns are there. Reports its own failures. */
exit_status avro_file_open(avro_file *avro, file_source *file, cs_slice ahead);
void avro_file_close(avro_file *avro);

/* What one thread works on. */
typedef struct input_chunk
{
    int64_t number;
    int file; /* index of its file */
    bool is_text;
    cs_avro_head head;   /* Avro, in a file of known size: the block to load */
    bool is_loaded;      /* Avro, from a pipe: */
    cs_avro_block block; /* its data is a copy, in the reader's buffer */
    cs_slice text;       /* lines, in the reader's buffer */
    int64_t first_line;
} input_chunk;

/* What a thread needs to read chunks. */
typedef struct input_reader
{
    struct offline_input *input;
    input_chunk chunk;
    cs_buffer buffer;
    input_counts counts; /* of the chunk */
    bool has_turn;

    /* The Avro file of the chunk, opened by this thread for itself */
    int open_file; /* its index, -1 for none */
    file_source file;
    avro_file avro;
    cs_avro_plan *full_plan; /* of all columns, for rejects; made when first needed */
} input_reader;

/* The files, shared by all threads. */
typedef struct offline_input
{
    char **names;
    int num_files;
    input_counts *counts; /* of each file */
    reject_budget budget;
    reject_file rejects;

    pthread_mutex_t lock;
    pthread_cond_t moved; /* a chunk is done */
    exit_status status;   /* of the first chunk that failed; no more chunks then */
    int64_t next_number;
    input_reader *readers; /* of all threads: a chunk's turn depends on the others' */
    int num_readers;

    /* The file that is being handed out */
    int current;
    bool is_open;
    bool is_text;
    file_source file;
    avro_file avro;
    bool in_tail; /* of a text: in a line whose beginning was refused */
    int64_t lines;
    cs_buffer carry; /* read, but not yet handed out */
} offline_input;

/* Start before the first file; the names stay the caller's. */
exit_status offline_input_open(offline_input *input, char **names, int num_files, int num_readers,
                               int64_t max_rejects, const char *rejects);

/* Let go of everything; the rejects' file is kept. Returns status, or a failure of its own. */
exit_status offline_input_close(offline_input *input, exit_status status);

/*
 * Go on to the next chunk; the one before is done. *end is set behind the last one,
 * and where another thread has failed.
 */
exit_status input_next(input_reader *reader, bool *end);

/* Note that a thread has failed: there are no more chunks for any. The first status counts. */
void input_fail(input_reader *reader, exit_status status);

/* Report what went wrong in the chunk, in its turn; return what it means. */
exit_status input_report(input_reader *reader, const cs_error *err);

/* Keep and count a line that is refused, in its chunk's turn. The file's name is filled in. */
exit_status input_reject(input_reader *reader, reject *item);

/* The same of the record, of size bytes, that the cursor stood before. */
exit_status input_reject_record(input_reader *reader, const cs_avro_cursor *before, size_t size,
                                const char *reason, const char *column);

/* Have the chunk's Avro block ready, and the plan of LOG_COLUMNS that decodes it. */
exit_status input_load_block(input_reader *reader, cs_avro_block *block, const cs_avro_plan **plan);

/* The name of the chunk's file. */
static inline const char *
input_name(const input_reader *reader)
{
    return reader->input->names[reader->chunk.file];
}

/* offline_text.c: fill the chunk with lines of the open text; *end at the text's end. */
exit_status text_take(offline_input *input, input_reader *reader, bool *end);

#endif
