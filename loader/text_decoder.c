/*
 * loader/text_decoder.c
 *     Decoding text.
 */
#include "text_decoder.h"

#include "log.h"

#include <errno.h>
#include <strings.h>

#define NOT_UTF8 "\xff"
#define OUTPUT_ROOM 4096 /* for one call of iconv at least */

const char *
text_encoding_of_mark(const uint8_t *text, size_t len)
{
    if (len >= 4 && memcmp(text, "\xff\xfe\0\0", 4) == 0)
        return "UTF-32LE";
    if (len >= 4 && memcmp(text, "\0\0\xfe\xff", 4) == 0)
        return "UTF-32BE";
    if (len >= 2 && memcmp(text, "\xff\xfe", 2) == 0)
        return "UTF-16LE";
    if (len >= 2 && memcmp(text, "\xfe\xff", 2) == 0)
        return "UTF-16BE";
    return NULL;
}

/* The fewest bytes that a character takes. */
static size_t
unit_of(const char *encoding)
{
    if (strncasecmp(encoding, "UTF-16", 6) == 0 || strncasecmp(encoding, "UTF16", 5) == 0 ||
        strncasecmp(encoding, "UCS-2", 5) == 0)
        return 2;
    if (strncasecmp(encoding, "UTF-32", 6) == 0 || strncasecmp(encoding, "UTF32", 5) == 0 ||
        strncasecmp(encoding, "UCS-4", 5) == 0)
        return 4;
    return 1;
}

exit_status
text_decoder_open(text_decoder *decoder, const char *encoding)
{
    *decoder = (text_decoder){.encoding = NULL};
    if (encoding == NULL || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0)
        return STATUS_OK;
    decoder->handle = iconv_open("UTF-8", encoding);
    if (decoder->handle == (iconv_t) -1)
    {
        log_error("unknown encoding \"%s\"", encoding);
        log_hint("\"iconv --list\" prints the names of encodings.");
        return STATUS_USAGE;
    }
    decoder->encoding = encoding;
    decoder->unit = unit_of(encoding);
    return STATUS_OK;
}

/* Free; a decoder that is not active is fine. */
void
text_decoder_close(text_decoder *decoder)
{
    if (decoder->encoding != NULL)
        iconv_close(decoder->handle);
    decoder->encoding = NULL;
}

/* True if there is something to decode. */
bool
text_decoder_is_active(const text_decoder *decoder)
{
    return decoder->encoding != NULL;
}

/* Decode until iconv stops: 0 where all is done, else its errno. */
static int
decode_part(text_decoder *decoder, char **from, size_t *left, cs_buffer *out)
{
    char *to = (char *) out->data + out->len;
    size_t room = out->capacity - out->len;
    size_t result = iconv(decoder->handle, from, left, &to, &room);
    int reason = result == (size_t) -1 ? errno : 0;

    out->len = out->capacity - room;
    return reason;
}

cs_code
text_decoder_run(text_decoder *decoder, cs_buffer *in, bool last, cs_buffer *out, cs_error *err)
{
    char *from = (char *) in->data;
    size_t left = in->len;

    while (left > 0)
    {
        int reason;

        CS_TRY(cs_buffer_reserve(out, left > OUTPUT_ROOM ? left : OUTPUT_ROOM, err));
        reason = decode_part(decoder, &from, &left, out);
        if (reason == EINVAL && !last)
            break; /* the rest of the character is still to come */
        if (reason == EILSEQ || reason == EINVAL)
        {
            size_t skipped = left < decoder->unit ? left : decoder->unit;

            CS_TRY(cs_buffer_append(out, NOT_UTF8, 1, err));
            from += skipped;
            left -= skipped;
        }
    }
    memmove(in->data, from, left);
    in->len = left;
    return CS_OK;
}
