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
    cs_buffer_free(&chunk->bytes);
    cs_buffer_free(&chunk->raw);
    cs_release(loader_env(), chunk->rows);
}

/* Empty a buffer. */
static void
clear_buffer(cs_buffer *buffer)
{
    buffer->len = 0;
    if (buffer->capacity <= KEPT_BUFFER_BYTES)
        return;
    cs_buffer_free(buffer);
    cs_buffer_init(buffer, loader_env());
}

void
row_chunk_clear(row_chunk *chunk)
{
    clear_buffer(&chunk->bytes);
    clear_buffer(&chunk->raw);
    chunk->count = 0;
    chunk->head = 0;
}

cs_code
row_chunk_add(row_chunk *chunk, const row_place *place, size_t end, cs_slice raw, cs_error *err)
{
    CS_TRY(cs_grow_array(loader_env(), (void **) &chunk->rows, &chunk->capacity, chunk->count + 1,
                         sizeof(chunk_row), err));
    CS_TRY(cs_buffer_append(&chunk->raw, raw.data, raw.len, err));
    chunk->rows[chunk->count++] = (chunk_row){*place, end, chunk->raw.len};
    return CS_OK;
}

size_t
row_chunk_size(const row_chunk *chunk, size_t extra)
{
    return chunk->bytes.len + chunk->raw.len + chunk->count * sizeof(chunk_row) + extra;
}

/* A part of bytes. */
static cs_slice
part(const cs_buffer *buffer, size_t from, size_t to)
{
    return (cs_slice){(const char *) buffer->data + from, to - from};
}

/* Where a row's bytes begin. */
static size_t
row_start(const row_chunk *chunk, size_t row)
{
    return row == 0 ? chunk->head : chunk->rows[row - 1].end;
}

cs_slice
row_chunk_head(const row_chunk *chunk)
{
    return part(&chunk->bytes, 0, chunk->head);
}

cs_slice
row_chunk_rows(const row_chunk *chunk, size_t begin, size_t end)
{
    return part(&chunk->bytes, row_start(chunk, begin), row_start(chunk, end));
}

cs_slice
row_chunk_tail(const row_chunk *chunk)
{
    return part(&chunk->bytes, row_start(chunk, chunk->count), chunk->bytes.len);
}

cs_slice
row_chunk_raw(const row_chunk *chunk, size_t row)
{
    return part(&chunk->raw, row == 0 ? 0 : chunk->rows[row - 1].raw_end, chunk->rows[row].raw_end);
}
