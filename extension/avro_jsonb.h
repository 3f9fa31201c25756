/*
 * extension/avro_jsonb.h
 *     Avro values as jsonb.
 */
#ifndef CLICKSTREAM_AVRO_JSONB_H
#define CLICKSTREAM_AVRO_JSONB_H

#include "utils/jsonb.h"

#include "compat.h"

#include "avro_walk.h"

/*
 * A finished value of any kind as jsonb, in the current memory context: numbers
 * and decimals as numbers, NaN and infinities as text, bytes as text \x and
 * hexadecimal digits, times as ISO 8601 text in UTC, unions as the bare value.
 * A map's key that is repeated has its last value. Returns what core refuses;
 * what jsonb cannot hold is raised.
 */
cs_code avro_value_jsonb(const cs_avro_plan *plan, const cs_value *value, Jsonb **jsonb,
                         cs_error *err);

/* All columns of a record, finished, as one object. */
cs_code avro_record_jsonb(const cs_avro_plan *plan, const cs_avro_schema *schema,
                          const cs_value *values, Jsonb **jsonb, cs_error *err);

/* A DECIMAL as numeric. */
cs_code avro_decimal_numeric(const cs_env *env, const cs_value *value, Datum *numeric,
                             cs_error *err);

#endif
