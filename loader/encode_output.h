/*
 * loader/encode_output.h
 *     The Avro files that a job writes: one, or parts of a limited size, of each day
 *     or hour.
 */
#ifndef LOADER_ENCODE_OUTPUT_H
#define LOADER_ENCODE_OUTPUT_H

#include "encode_piece.h"

/* One Avro file. */
typedef struct output_file
{
    char *name;
    file_sink sink;
    cs_avro_writer *writer; /* NULL: finished */
    hash_stream hash;       /* over the lines that are in it */
    int64_t records;        /* those not yet in a block counted */
    cs_time min_time;       /* meaningful if there is a record */
    cs_time max_time;
} output_file;

/* The files of a partition; without partitions there is one, of number 0. */
typedef struct output_group
{
    int64_t partition;
    int num_parts;     /* begun so far */
    output_file *file; /* the last of them; NULL: finished */
    cs_buffer pending; /* records that are in no block yet */
    int64_t num_pending;
    uint64_t last_used; /* when its file was written to */
} output_group;

/* Things that are allocated one by one. */
typedef struct pointer_list
{
    void **items;
    size_t count;
    size_t room;
} pointer_list;

typedef struct encode_output
{
    const encode_context *context;
    const encode_job *job;  /* borrowed */
    cs_avro_packer *packer; /* of what is pending */
    cs_buffer block;
    pointer_list groups;      /* output_group, by partition */
    pointer_list files;       /* output_file, in the order in which they were begun */
    pointer_list directories; /* char: those made, outer ones first */
    size_t pending_bytes;     /* of all groups */
    int num_awake;            /* files whose sink is */
    uint64_t clock;           /* for last_used */
} encode_output;

/* Start; a file that is not a partition is begun at once. */
exit_status encode_output_open(encode_output *output, const encode_context *context,
                               const encode_job *job);

/* Write the records of a piece; its blocks may move in memory. */
exit_status encode_output_add(encode_output *output, encode_piece *piece);

/* Finish all files, which keep their temporary names. */
exit_status encode_output_finish(encode_output *output);

/* Check that their names can be had. */
exit_status encode_output_check(const encode_output *output);

/* Give the files their names. */
exit_status encode_output_publish(encode_output *output);

/* Free; what was not published is removed. A zeroed output is fine. */
void encode_output_free(encode_output *output);

/* What the files are called together, for a message; NULL without memory. */
char *encode_output_title(const encode_output *output);

#endif
