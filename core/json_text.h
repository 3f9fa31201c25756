/*
 * core/json_text.h
 *     JSON as text and as jansson's trees.
 */
#ifndef CS_JSON_TEXT_H
#define CS_JSON_TEXT_H

#include "base.h"

/* jansson's; its header does not go together with some of the server's. */
typedef struct json_t json_t;

/*
 * Parse text with jansson's flags; a new reference. CS_ERR_DATA with jansson's reason
 * and the place as the message.
 */
cs_code cs_json_parse(cs_slice text, size_t flags, json_t **json, cs_error *err);

/* Append JSON as text, without blanks. */
cs_code cs_json_text(const json_t *json, cs_buffer *text, cs_error *err);

/* A number, or its name where JSON has none: infinities and NaN. NULL where memory runs out. */
json_t *cs_json_real(double value);

/* Report that jansson could not make a value. */
cs_code cs_fail_json_memory(cs_error *err);

#endif
