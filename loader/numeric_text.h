/*
 * loader/numeric_text.h
 *     Decimal numbers between text and the server's binary numeric.
 */
#ifndef LOADER_NUMERIC_TEXT_H
#define LOADER_NUMERIC_TEXT_H

#include "row_source.h"

/*
 * Append the binary form of a number: digits with at most one point, then perhaps an
 * exponent; or NaN, Infinity, -Infinity. All digits are kept: the server rounds to the
 * column's scale.
 */
cs_code numeric_from_text(cs_slice text, cs_buffer *out, refusal *why);

/* Append the text of what numeric_from_text made. */
cs_code numeric_to_text(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err);

#endif
