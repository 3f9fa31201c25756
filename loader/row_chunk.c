/*
 * loader/row_chunk.c
 *     Rows in memory.
 */
#include "row_chunk.h"

#include "stop.h"

#include <stdlib.h>

/* A buffer that one huge row made larger than this is not kept. */
#define KEPT_BUFFER_BYTES (8 * 1024 * 1024)

/* Start without rows. */
void
row_chunk_init(row_chunk *chunk)
{
    *chunk = (row_chunk){.count = 0};
    cs_buffer_init(&chunk->bytes, loader_env());
    cs_buffer_init(&chunk->raw, loader_env());
}

/* Free the memory. */
void
row_chunk_free(row_chunk *chunk)
{
    for (size_t i = chunk->first; i < chunk->count; i++)
        free(chunk->rows[i].failure);
    cs_buffer_free(&chunk->bytes);
    cs_buffer_free(&chunk->raw);
    cs_release(loader_env(), chunk->rows);
}

cs_code
row_chunk_add(row_chunk *chunk, const row_place *place, size_t end, cs_slice raw, cs_error *err)
{
    CS_TRY(cs_grow_array(loader_env(), (void **) &chunk->rows, &chunk->capacity, chunk->count + 1,
                         sizeof(chunk_row), err));
    CS_TRY(cs_buffer_append(&chunk->raw, raw.data, raw.len, err));
    chunk->rows[chunk->count++] = (chunk_row){*place, end, chunk->raw.len, NULL};
    return CS_OK;
}

/* Where a row begins in bytes. */
static size_t
start_of(const row_chunk *chunk, size_t row)
{
    return row == 0 ? 0 : chunk->rows[row - 1].end;
}

/* Where a row begins in raw. */
static size_t
raw_start_of(const row_chunk *chunk, size_t row)
{
    return row == 0 ? 0 : chunk->rows[row - 1].raw_end;
}

void
row_chunk_settle(row_chunk *chunk, size_t row)
{
    for (size_t i = chunk->first; i < row; i++)
        free(chunk->rows[i].failure);
    chunk->first = row;
}

size_t
row_chunk_live(const row_chunk *chunk, size_t end)
{
    size_t count = 0;

    for (size_t i = chunk->first; i < end; i++)
        count += chunk->rows[i].failure == NULL;
    return count;
}

size_t
row_chunk_nth(const row_chunk *chunk, size_t number)
{
    size_t row = row_chunk_next(chunk, chunk->first);

    while (--number > 0)
        row = row_chunk_next(chunk, row + 1);
    return row;
}

size_t
row_chunk_next(const row_chunk *chunk, size_t row)
{
    while (chunk->rows[row].failure != NULL)
        row++;
    return row;
}

/* Forget the first bytes of a buffer. */
static void
forget_bytes(cs_buffer *buffer, size_t count)
{
    buffer->len -= count;
    if (buffer->len > 0)
        memmove(buffer->data, buffer->data + count, buffer->len);
    else if (buffer->capacity > KEPT_BUFFER_BYTES)
    {
        cs_buffer_free(buffer);
        cs_buffer_init(buffer, loader_env());
    }
}

void
row_chunk_compact(row_chunk *chunk)
{
    size_t start = start_of(chunk, chunk->first);
    size_t raw_start = raw_start_of(chunk, chunk->first);

    forget_bytes(&chunk->bytes, start);
    forget_bytes(&chunk->raw, raw_start);
    for (size_t i = chunk->first; i < chunk->count; i++)
    {
        chunk->rows[i - chunk->first] = chunk->rows[i];
        chunk->rows[i - chunk->first].end -= start;
        chunk->rows[i - chunk->first].raw_end -= raw_start;
    }
    chunk->count -= chunk->first;
    chunk->screened -= chunk->screened < chunk->first ? chunk->screened : chunk->first;
    chunk->first = 0;
}

size_t
row_chunk_end(const row_chunk *chunk)
{
    return start_of(chunk, chunk->count);
}

size_t
row_chunk_size(const row_chunk *chunk)
{
    return row_chunk_end(chunk) + chunk->raw.len + chunk->count * sizeof(chunk_row);
}

/* A part of a buffer. */
static cs_slice
part(const cs_buffer *buffer, size_t from, size_t to)
{
    return (cs_slice){(const char *) buffer->data + from, to - from};
}

cs_slice
row_chunk_bytes(const row_chunk *chunk, size_t begin, size_t end)
{
    return part(&chunk->bytes, start_of(chunk, begin), start_of(chunk, end));
}

cs_slice
row_chunk_raw(const row_chunk *chunk, size_t row)
{
    return part(&chunk->raw, raw_start_of(chunk, row), chunk->rows[row].raw_end);
}
