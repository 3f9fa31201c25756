/*
 * loader/row_chunk.h
 *     Rows kept, encoded and as they were read, until the server has taken or refused
 *     them, which it does in their order.
 */
#ifndef LOADER_ROW_CHUNK_H
#define LOADER_ROW_CHUNK_H

#include "load_failure.h"
#include "row_sender.h"

typedef struct chunk_row
{
    row_place place;
    size_t end;           /* in bytes */
    size_t raw_end;       /* in raw */
    row_failure *failure; /* why the server refuses it; NULL: as far as we know it does not */
} chunk_row;

typedef struct row_chunk
{
    cs_buffer bytes; /* the rows as COPY takes them */
    cs_buffer raw;   /* the rows as they were read */
    chunk_row *rows;
    size_t capacity;
    size_t first;    /* the first row that is not settled */
    size_t count;    /* up to the last one */
    size_t screened; /* the first row that was not looked at before, see row_screen.c */
} row_chunk;

void row_chunk_init(row_chunk *chunk);
void row_chunk_free(row_chunk *chunk);

/* Note a row, whose encoded bytes end, or will end, at end. */
cs_code row_chunk_add(row_chunk *chunk, const row_place *place, size_t end, cs_slice raw,
                      cs_error *err);

/* The rows before this one are settled. */
void row_chunk_settle(row_chunk *chunk, size_t row);

/* How many of the unsettled rows before row end are not refused; the number'th of them. */
size_t row_chunk_live(const row_chunk *chunk, size_t end);
size_t row_chunk_nth(const row_chunk *chunk, size_t number);

/* The first row from this one on that is not refused; it must be there. */
size_t row_chunk_next(const row_chunk *chunk, size_t row);

/* Forget rows that are settled. */
void row_chunk_compact(row_chunk *chunk);

/* Where the last row's encoded bytes end, or will end. */
size_t row_chunk_end(const row_chunk *chunk);

/* Memory that the rows take, with those that are encoded and not among the bytes yet. */
size_t row_chunk_size(const row_chunk *chunk);

/* Encoded rows [begin, end), and a row as it was read. */
cs_slice row_chunk_bytes(const row_chunk *chunk, size_t begin, size_t end);
cs_slice row_chunk_raw(const row_chunk *chunk, size_t row);

#endif
