/*
 * loader/json_text.h
 *     JSON made with jansson: text of any bytes in, lines of JSON out.
 */
#ifndef LOADER_JSON_TEXT_H
#define LOADER_JSON_TEXT_H

#include "base.h"

#include <jansson.h>

/*
 * A string; bytes that are not UTF-8 become U+FFFD, one for each, and *exact is
 * then false (it may be NULL). NULL without memory, as all that jansson makes.
 */
json_t *json_text(cs_slice text, bool *exact);

/* A string that holds bytes in base64. */
json_t *json_base64(cs_slice bytes);

/* Append a value in its compact form, keys in the order they were set, and let go of it. */
cs_code json_append(cs_buffer *out, json_t *value, cs_error *err);

#endif
