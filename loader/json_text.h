/*
 * loader/json_text.h
 *     JSON, appended to a buffer.
 */
#ifndef LOADER_JSON_TEXT_H
#define LOADER_JSON_TEXT_H

#include "base.h"

/*
 * Append text as a quoted string. Bytes that are not UTF-8 become U+FFFD, one
 * for each; *exact is then false (it may be NULL).
 */
cs_code json_append_string(cs_buffer *out, cs_slice text, bool *exact, cs_error *err);

/* The same, but bytes that are not UTF-8 are kept as they are. */
cs_code json_append_raw_string(cs_buffer *out, cs_slice text, cs_error *err);

/* Append bytes in base64, as a quoted string. */
cs_code json_append_base64(cs_buffer *out, cs_slice bytes, cs_error *err);

/* The length of the valid UTF-8 sequence that text begins with, 0 if there is none. */
size_t utf8_length(cs_slice text);

#endif
