/*
 * loader/utf8.c
 *     Text that may not be UTF-8.
 */
#include "utf8.h"

#define MAX_UTF8_BYTES 4
#define REPLACEMENT 0xfffd     /* UTF8_REPLACEMENT */
#define FIRST_OF_PAIRS 0x10000 /* from here on UTF-16 takes two units */

size_t
utf8_length(cs_slice text)
{
    for (size_t len = 1; len <= MAX_UTF8_BYTES && len <= text.len; len++)
        if (cs_utf8_valid(text.data, len))
            return len;
    return 0;
}

cs_code
utf8_append_repaired(cs_buffer *out, cs_slice text, bool nul_allowed, cs_error *err)
{
    while (text.len > 0)
    {
        size_t step = text.data[0] != '\0' || nul_allowed ? utf8_length(text) : 0;

        CS_TRY(step > 0 ? cs_buffer_append(out, text.data, step, err)
                        : cs_buffer_append(out, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT), err));
        step += step == 0;
        text.data += step;
        text.len -= step;
    }
    return CS_OK;
}

/* The character that a valid sequence of more than one byte stands for. */
static uint32_t
decode(const char *sequence, size_t len)
{
    uint32_t character = (uint8_t) sequence[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        character = character << 6 | ((uint8_t) sequence[i] & 0x3f);
    return character;
}

/* Append a character as an escape, or as the escapes of two units. */
static cs_code
append_escape(cs_buffer *out, uint32_t character, cs_error *err)
{
    uint32_t above = character - FIRST_OF_PAIRS;

    if (character < FIRST_OF_PAIRS)
        return cs_buffer_printf(out, err, "\\u%04x", character);
    return cs_buffer_printf(out, err, "\\u%04x\\u%04x", 0xd800 | above >> 10,
                            0xdc00 | (above & 0x3ff));
}

cs_code
utf8_append_ascii(cs_buffer *out, cs_slice text, cs_error *err)
{
    while (text.len > 0)
    {
        size_t step = text.data[0] != '\0' ? utf8_length(text) : 0;

        if (step == 1)
            CS_TRY(cs_buffer_append(out, text.data, 1, err));
        else
            CS_TRY(append_escape(out, step > 0 ? decode(text.data, step) : REPLACEMENT, err));
        step += step == 0;
        text.data += step;
        text.len -= step;
    }
    return CS_OK;
}
