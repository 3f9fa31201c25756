/*
 * core/avro_encode.h
 *     From values to record bytes.
 */
#ifndef CS_AVRO_ENCODE_H
#define CS_AVRO_ENCODE_H

#include "avro_value.h"

/*
 * Append one record, values in the order of the schema's columns, none of them
 * NESTED. CS_ERR_RANGE: a value does not fit its field (a time finer than
 * milliseconds, NULL in a field that is not nullable); err->field is the column,
 * and the buffer is left as it was.
 */
cs_code cs_avro_encode_record(const cs_avro_schema *schema, const cs_value *values,
                              cs_buffer *buffer, cs_error *err);

/*
 * Append one scalar by a type: into a union goes the first branch that holds
 * values of its kind. CS_ERR_RANGE as above, without a field.
 */
cs_code cs_avro_encode_value(const cs_avro_node *type, const cs_value *value, cs_buffer *buffer,
                             cs_error *err);

/* Append a long in its variable-length form: counts of arrays and maps, branches of unions. */
cs_code cs_avro_encode_long(int64_t value, cs_buffer *buffer, cs_error *err);

/* Append a length and that many bytes. */
cs_code cs_avro_encode_bytes(cs_slice bytes, cs_buffer *buffer, cs_error *err);

#endif
