/*
 * core/avro_measure.h
 *     How many bytes the values of a schema's types take.
 */
#ifndef CS_AVRO_MEASURE_H
#define CS_AVRO_MEASURE_H

#include "avro_schema.h"

/*
 * Set min_bytes and fixed_bytes of all nodes, given by number. CS_ERR_DATA if a
 * record contains itself without end.
 */
cs_code cs_avro_measure(const cs_env *env, cs_avro_node *const *nodes, size_t count, cs_error *err);

#endif
