/*
 * loader/html_text.h
 *     What an HTML page is made of: text, numbers, shares.
 */
#ifndef LOADER_HTML_TEXT_H
#define LOADER_HTML_TEXT_H

#include "base.h"

/*
 * Append text of any bytes so that it stands for itself in an element and in a quoted
 * attribute. What HTML does not hold (control characters, bytes that are not UTF-8,
 * noncharacters) and marks that turn the direction of text become U+FFFD. Every text
 * that is not of the program's own goes through here.
 */
cs_code html_append(cs_buffer *out, cs_slice text, cs_error *err);

/* Append a number that is not negative, with commas between thousands. */
cs_code html_append_number(cs_buffer *out, int64_t number, cs_error *err);

/* Append part of whole in per cent with one decimal; a dash where whole is 0. */
cs_code html_append_share(cs_buffer *out, int64_t part, int64_t whole, cs_error *err);

#endif
