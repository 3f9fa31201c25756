/*
 * test/fuzz/records.h
 *     Records read in every way, for the targets of files and of record bytes.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include "avro_json.h"
#include "fuzz.h"

#define RECORDS_MAX_COLUMNS 32

/* The limits that hostile input is read with: small ones, which are passed soon. */
extern const cs_avro_limits records_limits;

/* What is read by: the columns of one plan. */
typedef enum records_way
{
    READ_NONE, /* no column: everything is skipped */
    READ_SOME, /* every other column */
    READ_ALL,
    READ_RESOLVED, /* all columns of another schema */
    NUM_WAYS
} records_way;

typedef struct records_plans
{
    const cs_avro_schema *writer;
    cs_avro_plan *plans[NUM_WAYS]; /* NULL where there is none */
    size_t columns[NUM_WAYS];
} records_plans;

/* Make a plan for each way of reading; reader may be NULL. */
void records_plan(records_plans *plans, const cs_avro_schema *writer, const cs_avro_schema *reader);
void records_free(records_plans *plans);

/*
 * Read a block in every way; the number of records that could be read with all columns,
 * and CS_OK where nothing was wrong with them. Else err says what was.
 */
cs_code records_read(const records_plans *plans, const cs_avro_block *block, int64_t *records,
                     cs_error *err);

#endif
