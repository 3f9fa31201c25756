/*
 * loader/screen.c
 *     Text as a terminal shows it.
 */
#include "screen.h"

#include "utf8.h"

#include <wchar.h>

size_t
screen_width(cs_slice text)
{
    size_t width = 0;

    for (size_t i = 0; i < text.len;)
    {
        size_t step = utf8_length((cs_slice){text.data + i, text.len - i});
        wchar_t character = L' ';
        int columns;

        if (step == 0)
            step = 1;
        if (step > 1)
            mbrtowc(&character, text.data + i, step, &(mbstate_t){0});
        columns = wcwidth(character);
        width += columns > 0 ? (size_t) columns : 0;
        i += step;
    }
    return width;
}

cs_code
screen_append(cs_buffer *out, cs_slice text, cs_error *err)
{
    for (size_t i = 0; i < text.len; i++)
    {
        uint8_t byte = (uint8_t) text.data[i];

        if (byte >= 0x20 && byte != 0x7f)
            CS_TRY(cs_buffer_append(out, &byte, 1, err));
        else if (byte == '\n' || byte == '\r' || byte == '\t')
            CS_TRY(cs_buffer_printf(out, err, "\\%c",
                                    byte == '\n'   ? 'n'
                                    : byte == '\r' ? 'r'
                                                   : 't'));
        else
            CS_TRY(cs_buffer_printf(out, err, "\\x%02X", byte));
    }
    return CS_OK;
}

cs_code
screen_repeat(cs_buffer *out, char c, size_t count, cs_error *err)
{
    CS_TRY(cs_buffer_reserve(out, count, err));
    memset(out->data + out->len, c, count);
    out->len += count;
    return CS_OK;
}
