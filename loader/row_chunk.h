/*
 * loader/row_chunk.h
 *     Rows kept, encoded and as they were read, until the server has taken them.
 */
#ifndef LOADER_ROW_CHUNK_H
#define LOADER_ROW_CHUNK_H

#include "row_sender.h"

typedef struct chunk_row
{
    row_place place;
    size_t end;     /* in bytes */
    size_t raw_end; /* in raw */
} chunk_row;

typedef struct row_chunk
{
    cs_buffer bytes; /* head, rows and tail, as one COPY takes them */
    cs_buffer raw;   /* the rows as they were read */
    chunk_row *rows;
    size_t count;
    size_t capacity;
    size_t head; /* bytes before the first row */
} row_chunk;

void row_chunk_init(row_chunk *chunk);
void row_chunk_free(row_chunk *chunk);

/* Forget all rows. */
void row_chunk_clear(row_chunk *chunk);

/* Note a row, whose encoded bytes end at end. */
cs_code row_chunk_add(row_chunk *chunk, const row_place *place, size_t end, cs_slice raw,
                      cs_error *err);

/* Memory in use, with extra encoded bytes that are still to come. */
size_t row_chunk_size(const row_chunk *chunk, size_t extra);

/* The parts of bytes: before all rows, of rows [begin, end), behind all rows. */
cs_slice row_chunk_head(const row_chunk *chunk);
cs_slice row_chunk_rows(const row_chunk *chunk, size_t begin, size_t end);
cs_slice row_chunk_tail(const row_chunk *chunk);

/* A row as it was read. */
cs_slice row_chunk_raw(const row_chunk *chunk, size_t row);

#endif
