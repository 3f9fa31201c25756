/*
 * loader/line_reader.c
 *     Reading lines.
 */
#include "line_reader.h"

#include "http_log.h"
#include "log.h"

#include <stdlib.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BYTE_ORDER_MARK_BYTES 3

/* Read more behind the bytes that are left; CS_END if there are none. */
static cs_code
fill(line_reader *reader)
{
    int64_t got;

    if (reader->at_end)
        return CS_END;
    memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    got = file_source_read(reader->source, reader->buffer + reader->end,
                           READ_BUFFER_BYTES - reader->end);
    if (got < 0)
        return CS_ERR_IO;
    reader->end += (size_t) got;
    reader->at_end = got == 0;
    return got == 0 ? CS_END : CS_OK;
}

exit_status
line_reader_open(line_reader *reader, file_source *source)
{
    memset(reader, 0, sizeof(*reader));
    reader->source = source;
    reader->buffer = malloc(READ_BUFFER_BYTES);
    if (reader->buffer == NULL)
        return log_out_of_memory();
    while (reader->end < BYTE_ORDER_MARK_BYTES && !reader->at_end)
        if (fill(reader) == CS_ERR_IO)
            return file_source_fail(source);
    if (reader->end >= BYTE_ORDER_MARK_BYTES &&
        memcmp(reader->buffer, BYTE_ORDER_MARK, BYTE_ORDER_MARK_BYTES) == 0)
        reader->start = BYTE_ORDER_MARK_BYTES;
    return STATUS_OK;
}

/* Pass over the rest of a line of which the beginning was handed out. */
static cs_code
skip_tail(line_reader *reader)
{
    while (reader->in_tail)
    {
        char *from = reader->buffer + reader->start;
        char *feed = memchr(from, '\n', reader->end - reader->start);

        reader->start = feed != NULL ? (size_t) (feed + 1 - reader->buffer) : reader->end;
        if (feed != NULL)
            reader->in_tail = false;
        else
            CS_TRY(fill(reader));
    }
    return CS_OK;
}

/* True if len bytes are more than a log line may have, a final CR not counted. */
static bool
is_too_long(const char *text, size_t len)
{
    return len > CS_LOG_LINE_MAX_BYTES + 1 ||
           (len == CS_LOG_LINE_MAX_BYTES + 1 && text[len - 1] != '\r');
}

/* Hand out len bytes as a line, or their beginning if they are too many. */
static cs_code
hand_out(line_reader *reader, size_t len, text_line *line)
{
    const char *text = reader->buffer + reader->start;

    line->number = ++reader->lines;
    line->cut = is_too_long(text, len);
    line->text = (cs_slice){text, len};
    if (line->cut)
    {
        line->text.len = CS_LOG_LINE_MAX_BYTES;
        /* do not cut inside a character */
        while (line->text.len > CS_LOG_LINE_MAX_BYTES - 3 &&
               ((uint8_t) text[line->text.len] & 0xc0) == 0x80)
            line->text.len--;
    }
    return CS_OK;
}

cs_code
line_reader_next(line_reader *reader, text_line *line)
{
    size_t searched = 0;
    cs_code code;

    CS_TRY(skip_tail(reader));
    for (;;)
    {
        const char *from = reader->buffer + reader->start;
        size_t len = reader->end - reader->start;
        const char *feed = memchr(from + searched, '\n', len - searched);

        if (feed != NULL)
        {
            code = hand_out(reader, (size_t) (feed - from), line);
            reader->start += (size_t) (feed - from) + 1;
            return code;
        }
        if (len > CS_LOG_LINE_MAX_BYTES + 1)
        {
            code = hand_out(reader, len, line);
            reader->start = reader->end;
            reader->in_tail = true;
            return code;
        }
        searched = len;
        code = fill(reader);
        if (code == CS_END && len > 0)
        {
            code = hand_out(reader, len, line);
            reader->start = reader->end;
            return code;
        }
        if (code != CS_OK)
            return code;
    }
}

/* Free the buffer; the source is the caller's to close. */
void
line_reader_close(line_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}
