/*
 * loader/json_text.c
 *     Writing JSON.
 */
#include "json_text.h"

#define MAX_UTF8_BYTES 4
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

size_t
utf8_length(cs_slice text)
{
    for (size_t len = 1; len <= MAX_UTF8_BYTES && len <= text.len; len++)
        if (cs_utf8_valid(text.data, len))
            return len;
    return 0;
}

/* The length of the leading run of bytes that stand for themselves in a string. */
static size_t
plain_run(cs_slice text)
{
    size_t len = 0;

    while (len < text.len)
    {
        uint8_t byte = (uint8_t) text.data[len];

        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            break;
        len++;
    }
    return len;
}

/* Append one character that is escaped, or a sequence beyond ASCII; step is its length. */
static cs_code
append_special(cs_buffer *out, cs_slice text, bool raw, size_t *step, bool *exact, cs_error *err)
{
    uint8_t byte = (uint8_t) text.data[0];
    static const char special[] = "\"\\\n\r\t";
    static const char letters[] = "\"\\nrt";
    const char *found = memchr(special, byte, sizeof(special) - 1);

    *step = 1;
    if (found != NULL)
        return cs_buffer_printf(out, err, "\\%c", letters[found - special]);
    if (byte < 0x80)
        return cs_buffer_printf(out, err, "\\u%04x", byte);
    *step = utf8_length(text);
    if (*step > 0)
        return cs_buffer_append(out, text.data, *step, err);
    *step = 1;
    *exact = false;
    return raw ? cs_buffer_append(out, text.data, 1, err)
               : cs_buffer_append(out, REPLACEMENT, strlen(REPLACEMENT), err);
}

/* Append a string; raw: with bytes that are not UTF-8 as they are. */
static cs_code
append_string(cs_buffer *out, cs_slice text, bool raw, bool *exact, cs_error *err)
{
    *exact = true;
    CS_TRY(cs_buffer_append(out, "\"", 1, err));
    while (text.len > 0)
    {
        size_t step = plain_run(text);

        if (step > 0)
            CS_TRY(cs_buffer_append(out, text.data, step, err));
        else
            CS_TRY(append_special(out, text, raw, &step, exact, err));
        text.data += step;
        text.len -= step;
    }
    return cs_buffer_append(out, "\"", 1, err);
}

cs_code
json_append_string(cs_buffer *out, cs_slice text, bool *exact, cs_error *err)
{
    bool ignored;

    return append_string(out, text, false, exact != NULL ? exact : &ignored, err);
}

cs_code
json_append_raw_string(cs_buffer *out, cs_slice text, cs_error *err)
{
    bool ignored;

    return append_string(out, text, true, &ignored, err);
}

cs_code
json_append_base64(cs_buffer *out, cs_slice bytes, cs_error *err)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at;

    CS_TRY(cs_buffer_reserve(out, (bytes.len + 2) / 3 * 4 + 2, err));
    at = (char *) out->data + out->len;
    *at++ = '"';
    for (size_t i = 0; i < bytes.len; i += 3)
    {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t) (uint8_t) bytes.data[i] << 16;

        if (left > 1)
            group |= (uint32_t) (uint8_t) bytes.data[i + 1] << 8;
        if (left > 2)
            group |= (uint8_t) bytes.data[i + 2];
        *at++ = digits[group >> 18];
        *at++ = digits[group >> 12 & 63];
        *at++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[group & 63] : '=';
    }
    *at++ = '"';
    out->len = (size_t) (at - (char *) out->data);
    return CS_OK;
}
