/*
 * loader/record_json.h
 *     Records as lines of JSON, in the style of people (core/avro_json.h).
 */
#ifndef LOADER_RECORD_JSON_H
#define LOADER_RECORD_JSON_H

#include "avro_decode.h"

/* Append a finished value of any kind. After a failure part of it may have been appended. */
cs_code json_append_value(cs_buffer *out, const cs_avro_plan *plan, const cs_value *value,
                          cs_error *err);

#endif
