/*
 * loader/html_text.c
 *     Escaping and formatting for HTML.
 */
#include "html_text.h"

#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>

/* The code point of a valid sequence of UTF-8. */
static uint32_t
decode(const char *text, size_t len)
{
    const uint8_t *bytes = (const uint8_t *) text;
    uint32_t code = len == 1 ? bytes[0] : bytes[0] & (0x7fU >> len);

    for (size_t i = 1; i < len; i++)
        code = code << 6 | (bytes[i] & 0x3fU);
    return code;
}

/* True for what a page cannot hold, or what would turn the text around it. */
static bool
is_refused(uint32_t code)
{
    bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool is_noncharacter = (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
    bool turns = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);

    return is_control || is_noncharacter || turns;
}

/* What stands for a character that means something in HTML; NULL for others. */
static const char *
find_reference(uint32_t code)
{
    switch (code)
    {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        default:
            return NULL;
    }
}

cs_code
html_append(cs_buffer *out, cs_slice text, cs_error *err)
{
    while (text.len > 0)
    {
        size_t step = utf8_length(text);
        uint32_t code = step > 0 ? decode(text.data, step) : 0; /* 0 is refused */
        const char *reference = is_refused(code) ? UTF8_REPLACEMENT : find_reference(code);

        CS_TRY(reference != NULL ? cs_buffer_append(out, reference, strlen(reference), err)
                                 : cs_buffer_append(out, text.data, step, err));
        step += step == 0;
        text.data += step;
        text.len -= step;
    }
    return CS_OK;
}

cs_code
html_append_number(cs_buffer *out, int64_t number, cs_error *err)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, number);

    for (int i = 0; i < len; i++)
    {
        if (i > 0 && (len - i) % 3 == 0)
            CS_TRY(cs_buffer_append(out, ",", 1, err));
        CS_TRY(cs_buffer_append(out, digits + i, 1, err));
    }
    return CS_OK;
}

cs_code
html_append_share(cs_buffer *out, int64_t part, int64_t whole, cs_error *err)
{
    if (whole == 0)
        return cs_buffer_printf(out, err, "\u2013");
    return cs_buffer_printf(out, err, "%.1f\u00a0%%", 100.0 * (double) part / (double) whole);
}
