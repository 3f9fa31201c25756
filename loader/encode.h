/*
 * loader/encode.h
 *     What the parts of encode share.
 */
#ifndef LOADER_ENCODE_H
#define LOADER_ENCODE_H

#include "log_schema.h"
#include "rejects.h"

/* One Avro file to be written, and the logs that go into it. */
typedef struct encode_job
{
    char *output;
    char **logs; /* borrowed */
    int num_logs;
    struct job_state *state; /* of the writing; NULL before */
} encode_job;

/* What all jobs of a run share. */
typedef struct encode_context
{
    const log_format *format;
    const log_schema *schema;
    cs_avro_codec codec;
    bool replace; /* existing outputs may be replaced */
    reject_budget *budget;
    reject_file *rejects; /* the file named by --rejects; NULL: one per output */
} encode_context;

/* Write one Avro file, and its rejects, under temporary names. */
exit_status encode_write_job(const encode_context *context, encode_job *job);

/* Give them their names, and say what was done. */
exit_status encode_publish_job(encode_job *job);

/* Free a job; what was not published is removed. */
void encode_free_job(encode_job *job);

#endif
