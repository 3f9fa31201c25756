/*
 * loader/utf8.h
 *     Text that may not be UTF-8.
 */
#ifndef LOADER_UTF8_H
#define LOADER_UTF8_H

#include "base.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* What a text may begin with, and what is then passed over. */
#define UTF8_MARK "\xef\xbb\xbf"
#define UTF8_MARK_BYTES 3

/* The length of the valid UTF-8 sequence that text begins with, 0 if there is none. */
size_t utf8_length(cs_slice text);

/* Append text with U+FFFD for each byte that is not UTF-8, and for NUL unless it is allowed. */
cs_code utf8_append_repaired(cs_buffer *out, cs_slice text, bool nul_allowed, cs_error *err);

/*
 * Append text as ASCII: \uXXXX for every other character, two of them above U+FFFF, and for
 * U+FFFD that stands for NUL and what is not UTF-8.
 */
cs_code utf8_append_ascii(cs_buffer *out, cs_slice text, cs_error *err);

#endif
