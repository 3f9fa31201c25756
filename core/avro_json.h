/*
 * core/avro_json.h
 *     JSON to Avro, and back.
 *
 * Two styles. That of field defaults is the specification's: bytes and fixed
 * as a string of the code points 0 to 255, logical types as their base type.
 * That of people is what we print: text for times (2024-03-10T08:00:00Z),
 * dates, UUIDs and durations (P1M2DT3.004S), decimals as text ("12.30"), bytes
 * as \x and hexadecimal digits, NaN and infinities as text, unions as the bare
 * value.
 */
#ifndef CS_AVRO_JSON_H
#define CS_AVRO_JSON_H

#include "avro_walk.h"
#include "json_text.h"

typedef enum cs_avro_json_style
{
    CS_JSON_DEFAULT,
    CS_JSON_PLAIN
} cs_avro_json_style;

/*
 * Append a JSON value encoded by a type; into a union goes the first branch
 * that takes it; a record's missing fields get their defaults. CS_ERR_RANGE,
 * naming the path inside the value, if it does not fit.
 */
cs_code cs_avro_encode_json(const cs_avro_node *type, const json_t *json, cs_avro_json_style style,
                            cs_buffer *buffer, cs_error *err);

/* A value of any kind as JSON, in the style of people; a new reference. */
cs_code cs_avro_value_json(const cs_avro_plan *plan, const cs_value *value, json_t **json,
                           cs_error *err);

/* The same, also where strings hold NUL characters, which JSON writes as \u0000. */
cs_code cs_avro_value_json_nul(const cs_avro_plan *plan, const cs_value *value, json_t **json,
                               cs_error *err);

#endif
