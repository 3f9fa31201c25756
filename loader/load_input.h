/*
 * loader/load_input.h
 *     A file, or a run of its blocks, open for loading.
 */
#ifndef LOADER_LOAD_INPUT_H
#define LOADER_LOAD_INPUT_H

#include "row_source.h"

/* Blocks that one transaction loads; of a text, all of it is one block. */
typedef struct block_range
{
    int64_t first_block;
    int64_t end_block;
    uint64_t start_offset;
    uint64_t end_offset;
    int64_t records;           /* that the blocks declare; 0 for a text */
    cs_avro_position position; /* of the first block */
} block_range;

typedef struct load_input
{
    file_source file;
    hash_stream hash; /* over all bytes that are read */
    row_source *source;
} load_input;

/* Open a whole file. The input must not move in memory while it is open. */
exit_status load_input_open(load_input *input, const char *name, const row_format *format);

/* Open some blocks of an Avro file. */
exit_status load_input_open_range(load_input *input, const char *name, const block_range *range);

/* Close; a zeroed input is fine. */
void load_input_close(load_input *input);

/* Refuse a file of which other bytes were loaded before, into a table, by a load at a time. */
exit_status load_input_refuse_changed(const char *name, const char *table, const char *load_id,
                                      const char *loaded_at);

#endif
