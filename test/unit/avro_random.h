/*
 * test/unit/avro_random.h
 *     Random schemas and random values for them.
 */
#ifndef TEST_AVRO_RANDOM_H
#define TEST_AVRO_RANDOM_H

#include "avro_case.h"

/*
 * A random schema whose top is a record of 1 to 8 fields: every type and logical
 * type, names that are used again, records that contain themselves. No field
 * name appears twice, also in different records. A new reference.
 */
json_t *random_schema(test_random *random);

/* The schema parsed; its text is valid until it is freed. */
cs_avro_schema *random_parsed_schema(test_random *random);

/*
 * A random value of a type in the style of people, and just as core would print
 * it. Values of unions are not taken for one of another branch that prints
 * otherwise. A new reference.
 */
json_t *random_value(test_random *random, const cs_avro_node *type);

/* Append a random value's encoding. */
void random_encoded(test_random *random, const cs_avro_node *type, cs_buffer *out);

#endif
