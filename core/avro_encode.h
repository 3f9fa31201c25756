/*
 * core/avro_encode.h
 *     From values to record bytes.
 */
#ifndef CS_AVRO_ENCODE_H
#define CS_AVRO_ENCODE_H

#include "avro_value.h"

/*
 * Append one record, values in the schema's field order. CS_ERR_RANGE: a value
 * does not fit its field (a time finer than milliseconds, NULL in a field that
 * is not nullable); the buffer is left as it was.
 */
cs_code cs_avro_encode_record(const cs_avro_schema *schema, const cs_value *values,
                              cs_buffer *buffer, cs_error *err);

#endif
