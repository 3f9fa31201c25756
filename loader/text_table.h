/*
 * loader/text_table.h
 *     Rows of text as an aligned table, like psql's.
 */
#ifndef LOADER_TEXT_TABLE_H
#define LOADER_TEXT_TABLE_H

#include "base.h"
#include "defaults.h"

#define TEXT_TABLE_MAX_COLUMNS 16

typedef struct text_table
{
    const char *names[TEXT_TABLE_MAX_COLUMNS]; /* borrowed */
    bool right[TEXT_TABLE_MAX_COLUMNS];        /* values stand at the right */
    size_t count;
    cs_buffer cells;                       /* all rows, every cell terminated */
    size_t widths[TEXT_TABLE_MAX_COLUMNS]; /* of the columns, their names included */
    size_t value_width;                    /* of the widest value */
    int64_t rows;
} text_table;

void text_table_init(text_table *table);
void text_table_free(text_table *table);

/* Add a column: before the first row. */
void text_table_column(text_table *table, const char *name, bool right);

/* Add a row: a cell for each column. */
cs_code text_table_row(text_table *table, const cs_slice *cells, cs_error *err);

/* Write all rows to standard output; out is scratch. */
exit_status text_table_write(const text_table *table, cs_buffer *out);

#endif
