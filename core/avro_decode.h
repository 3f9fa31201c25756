/*
 * core/avro_decode.h
 *     From record bytes to values, by a plan compiled once per file.
 *
 * A plan is compiled from the writer's schema (the file's), the reader's (what
 * the caller wants to see; NULL: the same) and the columns wanted. Fields are
 * matched by name and alias, types promoted, defaults filled in, as the
 * specification says. Nothing is looked up by name and nothing is allocated
 * per record.
 *
 * Reading a record has two steps. Parse checks the form of all fields, passes
 * over those that are not wanted and notes where the wanted ones lie. Finish
 * checks one value's content (UTF-8, ranges) and converts it to its logical
 * type. A caller that filters finishes what its filter looks at, and the rest
 * only of the records that pass.
 */
#ifndef CS_AVRO_DECODE_H
#define CS_AVRO_DECODE_H

#include "avro_container.h"
#include "avro_value.h"

typedef struct cs_avro_plan cs_avro_plan;

/*
 * Compile a plan: wanted[i] is the index of the reader's column that goes to
 * values[i]. CS_ERR_ARGUMENT, naming the field, where the writer's schema does
 * not resolve to the reader's. Both schemas must outlive the plan. limits may
 * be NULL (the defaults).
 */
cs_code cs_avro_plan_make(const cs_env *env, const cs_avro_schema *writer,
                          const cs_avro_schema *reader, const int *wanted, size_t count,
                          const cs_avro_limits *limits, cs_avro_plan **plan, cs_error *err);
void cs_avro_plan_free(cs_avro_plan *plan);

/* The environment that the plan was made with. */
const cs_env *cs_avro_plan_env(const cs_avro_plan *plan);

/* The shape of the wanted column values[column], by the reader's schema. */
cs_avro_shape cs_avro_plan_shape(const cs_avro_plan *plan, size_t column);

/* A position in one block. */
typedef struct cs_avro_cursor
{
    const cs_avro_plan *plan;
    const cs_avro_block *block;
    const uint8_t *at;
    int64_t done; /* records parsed so far */
} cs_avro_cursor;

/* Start at the block's first record. */
void cs_avro_cursor_init(cs_avro_cursor *cursor, const cs_avro_plan *plan,
                         const cs_avro_block *block);

/*
 * Parse the next record; values are to be finished before they are looked at.
 * CS_END behind the last declared record, where the block must be used up.
 * Other errors end the block: what follows in it cannot be read.
 */
cs_code cs_avro_cursor_parse(cs_avro_cursor *cursor, cs_value *values, cs_error *err);

/*
 * Finish values[column] of the record parsed last. CS_ERR_RANGE: it is well
 * formed but holds what we refuse (invalid UTF-8, NUL in a string, an instant
 * out of range, a branch that does not resolve); the caller may go on. Then
 * err->field is the column. To be called once for each value.
 */
cs_code cs_avro_cursor_finish(const cs_avro_cursor *cursor, size_t column, cs_value *value,
                              cs_error *err);

/*
 * Parse the next record and finish all values. After CS_ERR_RANGE, which names
 * the first column that is refused, the others are finished all the same; the
 * refused one is as it was parsed: text as STRING, a number as INTEGER.
 */
cs_code cs_avro_cursor_next(cs_avro_cursor *cursor, cs_value *values, cs_error *err);

#endif
