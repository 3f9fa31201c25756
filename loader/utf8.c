/*
 * loader/utf8.c
 *     Text that may not be UTF-8.
 */
#include "utf8.h"

#define MAX_UTF8_BYTES 4

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
