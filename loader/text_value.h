/*
 * loader/text_value.h
 *     Values from text, as CSV has them: strict, no spaces, nothing left over.
 */
#ifndef LOADER_TEXT_VALUE_H
#define LOADER_TEXT_VALUE_H

#include "row_source.h"

/* Each fills in *why and returns CS_ERR_RANGE where text is no such value. */
cs_code text_to_integer(cs_slice text, int64_t *value, refusal *why);
cs_code text_to_double(cs_slice text, double *value, refusal *why);
cs_code text_to_bool(cs_slice text, bool *value, refusal *why);
cs_code text_to_time(cs_slice text, cs_time *value, refusal *why);

/* Days since 2000-01-01. */
cs_code text_to_date(cs_slice text, int32_t *value, refusal *why);

/* Append the bytes that "\x" and hexadecimal digits stand for. */
cs_code text_to_bytes(cs_slice text, cs_buffer *out, refusal *why);

#endif
