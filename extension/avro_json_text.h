/*
 * extension/avro_json_text.h
 *     JSON text to Avro, by way of jansson.
 *
 * jansson and the server both have a json_object, so their headers do not go
 * together. The trees of jansson live only inside this function, which
 * raises nothing: none is ever left behind.
 */
#ifndef CLICKSTREAM_AVRO_JSON_TEXT_H
#define CLICKSTREAM_AVRO_JSON_TEXT_H

#include "avro_schema.h"

/* Append JSON text, encoded by a type. CS_ERR_RANGE if it does not fit. */
cs_code avro_encode_json_text(const cs_avro_node *type, cs_slice json, cs_buffer *buffer,
                              cs_error *err);

#endif
