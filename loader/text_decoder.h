/*
 * loader/text_decoder.h
 *     Text of another encoding to UTF-8, piece by piece, by the C library's iconv.
 */
#ifndef LOADER_TEXT_DECODER_H
#define LOADER_TEXT_DECODER_H

#include "base.h"
#include "defaults.h"

#include <iconv.h>

/* So many bytes are enough to see a byte order mark. */
#define ENCODING_MARK_BYTES 4

typedef struct text_decoder
{
    const char *encoding; /* borrowed; NULL: the text is UTF-8 already */
    iconv_t handle;
    size_t unit; /* the fewest bytes that a character takes */
} text_decoder;

/* The encoding that a byte order mark at a text's start tells; NULL: none but UTF-8. */
const char *text_encoding_of_mark(const uint8_t *text, size_t len);

/* Set up for an encoding by its name; NULL is UTF-8, whose text needs no decoder. */
exit_status text_decoder_open(text_decoder *decoder, const char *encoding);
void text_decoder_close(text_decoder *decoder);

/* True if there is something to decode. */
bool text_decoder_is_active(const text_decoder *decoder);

/*
 * Decode what is in a buffer to the end of another one, and take it out; a part of a
 * character stays in, unless it is the text's last. A byte that is not of the encoding
 * becomes one that is not UTF-8.
 */
cs_code text_decoder_run(text_decoder *decoder, cs_buffer *in, bool last, cs_buffer *out,
                         cs_error *err);

#endif
