/*
 * loader/listing.h
 *     Rows of text on standard output: as a table, as CSV, or as JSON lines.
 */
#ifndef LOADER_LISTING_H
#define LOADER_LISTING_H

#include "text_table.h"

typedef enum listing_format
{
    LISTING_TABLE,
    LISTING_CSV,
    LISTING_JSON
} listing_format;

/* What a column's values are in JSON; numbers stand at the right of a table's columns. */
typedef enum listing_type
{
    LISTING_TEXT,
    LISTING_NUMBER,
    LISTING_BOOL /* given as t or f */
} listing_type;

typedef struct listing_column
{
    const char *name;
    listing_type type;
} listing_column;

typedef struct listing
{
    listing_format format;
    const listing_column *columns; /* borrowed */
    size_t count;
    bool leaves_nulls_out; /* of JSON objects */
    text_table table;
    cs_buffer out;
} listing;

exit_status listing_begin(listing *list, listing_format format, const listing_column *columns,
                          size_t count);

/* Add a row; a cell without data is NULL. */
exit_status listing_row(listing *list, const cs_slice *cells);

/* Write what is left. */
exit_status listing_end(listing *list);
void listing_free(listing *list);

#endif
