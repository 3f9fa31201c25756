/*
 * loader/encode.h
 *     What the parts of encode share.
 */
#ifndef LOADER_ENCODE_H
#define LOADER_ENCODE_H

#include "file_source.h"
#include "log_schema.h"
#include "rejects.h"

/* What goes into a file of its own. */
typedef enum encode_partition
{
    PARTITION_NONE,
    PARTITION_DAY,
    PARTITION_HOUR
} encode_partition;

/* The number of the day or hour that an instant is in, by UTC; from 2000 on. */
int64_t encode_partition_of(encode_partition partition, cs_time time);

/* What all jobs of a run share. */
typedef struct encode_context
{
    const line_format *format;
    const log_schema *schema;
    cs_avro_codec codec;
    int threads;             /* 1 to MAX_JOBS */
    uint64_t max_file_bytes; /* 0: no limit */
    encode_partition partition;
    bool replace; /* existing outputs may be replaced */
    reject_budget *budget;
    reject_file *rejects; /* the file named by --rejects; NULL: one per output */
} encode_context;

/* What became of the lines of a log. */
typedef struct log_counts
{
    int64_t read;
    int64_t written;
    int64_t rejected;
} log_counts;

/* A part of a log that is open already. */
typedef struct encode_stretch
{
    file_source *source;      /* borrowed; to be read on from where it stands */
    int64_t bytes;            /* so many, ending behind a line; -1: all that there are */
    int64_t first_line;       /* the number of its first line, from 1 */
    const cs_avro_meta *meta; /* borrowed: further entries for the file's header */
    size_t num_meta;
} encode_stretch;

/* One Avro file to be written, or the parts of one, and the logs that go into it. */
typedef struct encode_job
{
    char *output; /* owned; parts and partitions are named by it */
    char **logs;  /* borrowed */
    int num_logs;
    const encode_stretch *stretch; /* borrowed: what to read of the only log; NULL: all logs */
    struct job_state *state;       /* of the writing; NULL before */
} encode_job;

/* Write the Avro files of a job, and its rejects, under temporary names. */
exit_status encode_write_job(const encode_context *context, encode_job *job);

/* What became of the lines of its logs, by the log's place in the list; once written. */
const log_counts *encode_job_counts(const encode_job *job, int log);

/* Check, once more, that the names can be had: between writing and publishing. */
exit_status encode_check_job(const encode_job *job);

/* Give the files their names. */
exit_status encode_publish_job(encode_job *job);

/* Say what was done. */
void encode_print_job(const encode_job *job);

/* Free a job; what was not published is removed. */
void encode_free_job(encode_job *job);

#endif
