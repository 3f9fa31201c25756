/*
 * loader/verify.h
 *     What the parts of verify share.
 */
#ifndef LOADER_VERIFY_H
#define LOADER_VERIFY_H

#include "record_file.h"

/* What Amazon Redshift would make of a file. */
typedef struct redshift_lint
{
    const char *name; /* of the file */
    int64_t errors;   /* Redshift would refuse it */
    int64_t blocks;   /* seen so far */
    int64_t records;

    /* What passes a limit: how often, and where first */
    int64_t large_blocks;
    uint64_t large_block_offset;
    int64_t large_rows;
    int64_t large_row_record;
    int64_t long_texts;
    int64_t long_text_record;
    const char *long_text_column;
} redshift_lint;

/* Look at header and schema; at a record just parsed and finished; at the end. */
void redshift_check_header(redshift_lint *lint, const record_file *input);
void redshift_check_record(redshift_lint *lint, const record_file *input, const cs_value *values);
void redshift_finish(redshift_lint *lint);

/*
 * Read a sound file a second time with avro-c, and compare all values. What
 * avro-c is known not to read is passed over with a warning.
 */
exit_status verify_reference(const record_file *input);

#endif
