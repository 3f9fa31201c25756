/*
 * loader/nested_value.h
 *     Nested values as what a column takes: JSON text, an array's literal, or the
 *     scalar that a union holds.
 */
#ifndef LOADER_NESTED_VALUE_H
#define LOADER_NESTED_VALUE_H

#include "column_type.h"
#include "record_json.h"

typedef struct nested_writer
{
    json_lines json;
    cs_buffer json_text; /* what json writes */
    cs_buffer literal;   /* of an array */
    cs_buffer item;      /* one item of it */
} nested_writer;

/* Set up; memory is taken when the first value is written. */
void nested_writer_init(nested_writer *writer);
void nested_writer_free(nested_writer *writer);

/*
 * Make a value that is not NULL one that the column's type can append, valid until
 * the next call; NULL where a union holds null. CS_ERR_RANGE: the row is refused.
 */
cs_code nested_flatten(nested_writer *writer, const load_column *column, const cs_value *value,
                       cs_value *flat, refusal *why);

#endif
