/*
 * loader/report_format.h
 *     The rows of the session report, as a table, as CSV or as JSON lines.
 */
#ifndef LOADER_REPORT_FORMAT_H
#define LOADER_REPORT_FORMAT_H

#include "base.h"
#include "defaults.h"

#include <libpq-fe.h>

#define REPORT_COLUMNS 6

/* How a column's values are shown in each format. */
typedef enum report_type
{
    REPORT_TEXT,
    REPORT_TIME,
    REPORT_LIST,
    REPORT_BOOL
} report_type;

typedef struct report_column
{
    const char *name;
    report_type type;
} report_column;

extern const report_column report_columns[REPORT_COLUMNS];

#define REPORT_TIME_SIZE 64

/* One row; a cell that is NULL has no data. The cells are borrowed from the result. */
typedef struct report_row
{
    cs_slice cells[REPORT_COLUMNS];
    char times[REPORT_COLUMNS][REPORT_TIME_SIZE]; /* what the cells of times point to */
} report_row;

typedef struct report_writer report_writer;

/* What a format does; a writer starts with one of these. */
typedef struct report_ops
{
    exit_status (*begin)(report_writer *writer);
    exit_status (*row)(report_writer *writer, const report_row *row);
    exit_status (*end)(report_writer *writer);
} report_ops;

struct report_writer
{
    const report_ops *ops;
    cs_buffer out;                 /* what is written next */
    cs_buffer cells;               /* table only: all rows, every cell terminated */
    size_t widths[REPORT_COLUMNS]; /* table only: of the columns, their names included */
    size_t value_width;            /* table only: of the widest value */
    int64_t rows;
};

extern const report_ops report_table_ops;
extern const report_ops report_csv_ops;
extern const report_ops report_json_ops;

void report_writer_init(report_writer *writer, const report_ops *ops);
void report_writer_free(report_writer *writer);

/* Take a row of a query's result, its times in the form that the report shows. */
void report_row_read(report_row *row, const PGresult *result);

/*
 * Turn the server's ISO form of a time, "2024-03-10 08:00:00.5+08", into ours,
 * "2024-03-10T08:00:00.500000+08:00"; return the length. Text that is not of
 * that form ("infinity") is copied.
 */
size_t report_format_time(const char *text, char out[REPORT_TIME_SIZE]);

#endif
