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

/* True for infinity and -infinity, which only dates and timestamps of a table have; and its sign.
 */
bool text_to_infinity(cs_slice text, int *sign);

/* With dashes where they belong; braces around it are fine. False if it is none. */
bool text_to_uuid(cs_slice text, uint8_t uuid[CS_UUID_BYTES]);

/* Microseconds from midnight; 24:00:00 is the end of the day. */
cs_code text_to_time_of_day(cs_slice text, int64_t *value, refusal *why);

/* Days since 2000-01-01. */
cs_code text_to_date(cs_slice text, int32_t *value, refusal *why);

/* Append the bytes that "\x" and hexadecimal digits stand for. */
cs_code text_to_bytes(cs_slice text, cs_buffer *out, refusal *why);

/* Check that text is one JSON value. */
cs_code text_check_json(cs_slice text, bool nul_allowed, refusal *why);

/* Refuse text that is not a value of this kind. */
cs_code text_refuse(refusal *why, const char *sqlstate, const char *kind, cs_slice text);

#endif
