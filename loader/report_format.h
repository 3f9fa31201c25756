/*
 * loader/report_format.h
 *     The rows of the session report, as a table, as CSV or JSON lines, or as a page.
 */
#ifndef LOADER_REPORT_FORMAT_H
#define LOADER_REPORT_FORMAT_H

#include "report_time.h"
#include "text_table.h"

/* The columns of the report. */
typedef enum report_cell
{
    CELL_USER,
    CELL_START,
    CELL_END,
    CELL_CAMPAIGNS,
    CELL_REWARDS,
    CELL_DRIVEN,
    REPORT_COLUMNS
} report_cell;

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

/* One row; a cell that is NULL has no data. The cells are borrowed from the source. */
typedef struct report_row
{
    cs_slice cells[REPORT_COLUMNS];
    char times[REPORT_COLUMNS][REPORT_TIME_SIZE]; /* what the cells of times point to */
} report_row;

/* What the report can say beside its rows: in how many sessions a campaign drove a reward. */
typedef struct report_pair
{
    int64_t campaign;
    cs_slice name; /* of the campaign; data NULL where it is not known. Borrowed */
    int64_t reward;
    int64_t sessions;
} report_pair;

typedef struct report_writer report_writer;
typedef struct report_page report_page;

/* What a format does; a writer starts with one of these. */
typedef struct report_ops
{
    exit_status (*begin)(report_writer *writer);
    exit_status (*row)(report_writer *writer, const report_row *row);
    exit_status (*pair)(report_writer *writer, const report_pair *pair); /* NULL: not wanted */
    exit_status (*end)(report_writer *writer); /* NULL: nothing follows the rows */
    const struct report_render_ops *render; /* how a row becomes lines; NULL: it does not alone */
} report_ops;

struct report_writer
{
    const report_ops *ops;
    const struct report_question *question;
    cs_buffer out;     /* what is written next */
    text_table table;  /* table only */
    report_page *page; /* html only */
};

extern const report_ops report_table_ops;
extern const report_ops report_csv_ops;
extern const report_ops report_json_ops;
extern const report_ops report_html_ops;

/* Append a cell as CSV; NULL is empty. */
cs_code report_append_csv(cs_buffer *out, cs_slice text, cs_error *err);

/* Append cells as a line of CSV. */
cs_code report_append_csv_line(cs_buffer *out, const cs_slice *cells, size_t count, cs_error *err);

#endif
