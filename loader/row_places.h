/*
 * loader/row_places.h
 *     Which rows of a file were sent: from the number of a row in a COPY to its place.
 */
#ifndef LOADER_ROW_PLACES_H
#define LOADER_ROW_PLACES_H

#include "row_sender.h"

/* Rows that follow each other in the file as they do in the COPY. */
typedef struct place_run
{
    int64_t row;     /* number of the first one in the COPY */
    row_place place; /* of the first one */
} place_run;

/* The latest runs: a server complains about what it was sent a moment ago. */
typedef struct row_places
{
    place_run *runs;
    size_t capacity;
    size_t count; /* of all runs there were; number i is at i % PLACE_RUNS */
    int64_t rows;
} row_places;

void row_places_free(row_places *places);

/* Note where the next row comes from. */
cs_code row_places_add(row_places *places, const row_place *place, cs_error *err);

/* Find the place of a row, from 1; false if it is forgotten. */
bool row_places_find(const row_places *places, int64_t row, row_place *place);

#endif
