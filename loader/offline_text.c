/*
 * loader/offline_text.c
 *     Cutting a text log into chunks of whole lines.
 */
#include "offline_input.h"

#include "http_log.h"
#include "log.h"

/* A line that does not fit in a chunk is longer than a log line may be. */
#define CHUNK_BYTES ((size_t) READ_BUFFER_BYTES)

_Static_assert(READ_BUFFER_BYTES > CS_LOG_LINE_MAX_BYTES + 2, "a chunk holds every legal line");

/* Read behind what is in the buffer until it holds a chunk, or the text ends. */
static exit_status
fill(offline_input *input, cs_buffer *buffer, bool *end)
{
    *end = false;
    while (buffer->len < CHUNK_BYTES && !*end)
    {
        int64_t got =
            file_source_read(&input->file, buffer->data + buffer->len, CHUNK_BYTES - buffer->len);

        if (got < 0)
            return file_source_fail(&input->file);
        buffer->len += (size_t) got;
        *end = got == 0;
    }
    return STATUS_OK;
}

/* Move the bytes behind a position to where the next chunk begins. */
static exit_status
carry_over(offline_input *input, cs_buffer *buffer, size_t from)
{
    cs_error err;

    input->carry.len = 0;
    if (cs_buffer_append(&input->carry, buffer->data + from, buffer->len - from, &err) != CS_OK)
        return log_core_error(&err, NULL);
    buffer->len = from;
    return STATUS_OK;
}

/* Start a buffer with what was carried over, and fill it. */
static exit_status
take_bytes(offline_input *input, cs_buffer *buffer, bool *end)
{
    cs_error err;

    buffer->len = 0;
    if (cs_buffer_reserve(buffer, CHUNK_BYTES, &err) != CS_OK ||
        cs_buffer_append(buffer, input->carry.data, input->carry.len, &err) != CS_OK)
        return log_core_error(&err, NULL);
    input->carry.len = 0;
    return fill(input, buffer, end);
}

/* Pass over the rest of a line whose beginning was handed out; *end at the text's end. */
static exit_status
skip_tail(offline_input *input, cs_buffer *buffer, bool *end)
{
    *end = false;
    while (input->in_tail && !*end)
    {
        const uint8_t *feed;

        STATUS_TRY(take_bytes(input, buffer, end));
        feed = memchr(buffer->data, '\n', buffer->len);
        if (feed == NULL)
            continue;
        input->in_tail = false;
        *end = false;
        STATUS_TRY(carry_over(input, buffer, (size_t) (feed + 1 - buffer->data)));
    }
    return STATUS_OK;
}

/* The number of lines in text, a last one without its line feed included. */
static int64_t
count_lines(cs_slice text)
{
    int64_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count + (text.len > 0 && text.data[text.len - 1] != '\n');
}

exit_status
text_take(offline_input *input, input_reader *reader, bool *end)
{
    cs_buffer *buffer = &reader->buffer;
    input_chunk *chunk = &reader->chunk;
    const uint8_t *feed;
    bool at_end;

    STATUS_TRY(skip_tail(input, buffer, end));
    if (*end)
        return STATUS_OK;
    STATUS_TRY(take_bytes(input, buffer, &at_end));
    feed = memrchr(buffer->data, '\n', buffer->len);
    input->in_tail = !at_end && feed == NULL; /* one line, of which this is the beginning */
    if (!at_end && feed != NULL)
        STATUS_TRY(carry_over(input, buffer, (size_t) (feed + 1 - buffer->data)));
    chunk->is_text = true;
    chunk->text = (cs_slice){(const char *) buffer->data, buffer->len};
    chunk->first_line = input->lines + 1;
    input->lines += count_lines(chunk->text);
    *end = buffer->len == 0;
    return STATUS_OK;
}
