/*
 * loader/screen.h
 *     Text as a terminal shows it.
 */
#ifndef LOADER_SCREEN_H
#define LOADER_SCREEN_H

#include "base.h"

/* The columns that text takes on a screen. */
size_t screen_width(cs_slice text);

/* Append text with its control characters escaped. */
cs_code screen_append(cs_buffer *out, cs_slice text, cs_error *err);

/* Append a character count times. */
cs_code screen_repeat(cs_buffer *out, char c, size_t count, cs_error *err);

#endif
