/*
 * loader/record_file.h
 *     An Avro file as inspect, cat and verify read it: forward, record by
 *     record, on request past damage, with an account of what that cost.
 */
#ifndef LOADER_RECORD_FILE_H
#define LOADER_RECORD_FILE_H

#include "avro_decode.h"
#include "file_source.h"

/* Text of the help, the same for all commands. */
#define RECORD_BLOCK_HELP                               \
    "refuse blocks that take more than N bytes, also\n" \
    "decompressed (default: 67108864)"

/* What damage cost. */
typedef struct record_loss
{
    int64_t records;    /* declared in damaged blocks and not read */
    bool records_known; /* no other record can have been lost */
    int64_t blocks;     /* damaged */
    uint64_t bytes;     /* passed over */
} record_loss;

typedef struct record_file
{
    file_source file;
    cs_source source;
    cs_avro_reader *reader; /* NULL: the header could not be read */

    /* Reading records */
    const cs_avro_plan *plan; /* borrowed */
    cs_avro_block block;
    cs_avro_cursor cursor;
    const uint8_t *record; /* where the record just parsed begins; it ends at cursor.at */
    bool in_block;
    int64_t blocks;        /* begun so far */
    int64_t records;       /* parsed so far */
    uint64_t shown_offset; /* as far as progress has been told */
    record_loss loss;
} record_file;

/*
 * Open a file, "-" being standard input, and read its header. Close it also after a
 * failure. A block may take max_block_bytes; 0: core's default.
 */
exit_status record_file_open(record_file *input, const char *name, int64_t max_block_bytes);
void record_file_close(record_file *input);

/* True if the file can be read at any place. */
bool record_file_seekable(const record_file *input);

/*
 * Parse the next record; CS_END behind the last one. After CS_ERR_DATA and
 * CS_ERR_LIMIT the caller may salvage and go on.
 */
cs_code record_file_next(record_file *input, cs_value *values, cs_error *err);

/* Pass over the damage that record_file_next reported, and add up what is lost. */
cs_code record_file_salvage(record_file *input, cs_error *err);

/* True if a file may be salvaged after this failure. */
bool record_file_can_salvage(cs_code code);

/* Report a failure with file, byte, block and record. */
exit_status record_file_fail(const record_file *input, cs_error *err);

/* A plan for columns of a schema (NULL: the file's own), wanted[i] going to values[i]. */
exit_status record_file_plan(const record_file *input, const cs_avro_schema *schema,
                             const int *wanted, size_t count, cs_avro_plan **plan);

/* Read a schema from a file of JSON. */
exit_status schema_load(const char *name, cs_avro_schema **schema);

/* The numbers 0 to count - 1: all columns are wanted. NULL without memory. */
int *record_all_columns(size_t count);

#endif
