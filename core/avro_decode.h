/*
 * core/avro_decode.h
 *     From record bytes to values, by a plan compiled once per file.
 */
#ifndef CS_AVRO_DECODE_H
#define CS_AVRO_DECODE_H

#include "avro_container.h"
#include "avro_value.h"

typedef struct cs_avro_plan cs_avro_plan;

/*
 * Compile a plan: wanted[i] is the schema's field index that goes to values[i].
 * Fields that are not wanted are checked and skipped.
 */
cs_code cs_avro_plan_make(const cs_env *env, const cs_avro_schema *schema, const int *wanted,
                          size_t count, cs_avro_plan **plan, cs_error *err);
void cs_avro_plan_free(cs_avro_plan *plan);

/* A position in one block. */
typedef struct cs_avro_cursor
{
    const cs_avro_plan *plan;
    const cs_avro_block *block;
    const uint8_t *at;
    int64_t done; /* records decoded so far */
} cs_avro_cursor;

/* Start at the block's first record. */
void cs_avro_cursor_init(cs_avro_cursor *cursor, const cs_avro_plan *plan,
                         const cs_avro_block *block);

/*
 * Decode the next record into values. CS_END behind the last declared record,
 * where the block must be used up. CS_ERR_RANGE: the record is well formed but
 * holds a value we refuse (a NUL in a string, an instant out of range): the
 * cursor stands behind it and the caller may go on. Other errors end the block.
 */
cs_code cs_avro_cursor_next(cs_avro_cursor *cursor, cs_value *values, cs_error *err);

#endif
