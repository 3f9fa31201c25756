/*
 * extension/avro_text.h
 *     Avro values to and from JSON text, by way of jansson.
 *
 * jansson and the server both have a json_object, so their headers do not go
 * together. The trees of jansson live only inside these functions, which
 * raise nothing: none is ever left behind.
 */
#ifndef CLICKSTREAM_AVRO_TEXT_H
#define CLICKSTREAM_AVRO_TEXT_H

#include "avro_walk.h"

/* No time, date, duration, UUID has longer text. */
#define AVRO_TEXT_SIZE 100

/* Write a scalar that JSON has no type for as text, terminated, as core writes it. */
cs_code avro_scalar_text(const cs_avro_plan *plan, const cs_value *value, char text[AVRO_TEXT_SIZE],
                         cs_error *err);

/* Append JSON text, encoded by a type. CS_ERR_RANGE if it does not fit. */
cs_code avro_encode_json_text(const cs_avro_node *type, cs_slice json, cs_buffer *buffer,
                              cs_error *err);

#endif
