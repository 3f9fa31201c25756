/*
 * core/avro_logical.h
 *     Which logical type a type's JSON object names.
 */
#ifndef CS_AVRO_LOGICAL_H
#define CS_AVRO_LOGICAL_H

#include "avro_schema.h"

#include <jansson.h>

/* Set logical, precision and scale of a node by its JSON object; what is unknown or does
   not fit the base type is no logical type. */
void cs_avro_logical_read(const json_t *object, cs_avro_node *node);

#endif
