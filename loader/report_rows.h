/*
 * loader/report_rows.h
 *     Where the rows of the session report come from: the database, or files.
 *
 * A source hands out rows in the order of the report, by the user's bytes and
 * session_start. What a format does with them is in report_format.h.
 */
#ifndef LOADER_REPORT_ROWS_H
#define LOADER_REPORT_ROWS_H

#include "report_format.h"

typedef struct report_rows report_rows;

typedef struct report_rows_ops
{
    /* Read the next row, valid until the next call; *end is set behind the last one instead. */
    exit_status (*next)(report_rows *rows, report_row *row, bool *end);

    /*
     * The same for a source that writes rows as the format's lines itself (renders):
     * the lines of some rows.
     */
    exit_status (*next_lines)(report_rows *rows, cs_slice *lines, bool *end);

    /*
     * Behind the last row, where the question asks for pairs: the next mapped pair that
     * sessions of the report have driven, in order of campaign and reward.
     */
    exit_status (*next_pair)(report_rows *rows, report_pair *pair, bool *end);

    void (*close)(report_rows *rows);
} report_rows_ops;

/* The base of every source. */
struct report_rows
{
    const report_rows_ops *ops;
    bool renders; /* next_lines is to be called, not next */
};

/* What the options of report ask for. */
typedef struct report_question
{
    const char *since; /* NULL: open */
    const char *until;
    const char *gap;      /* NULL: the default */
    bool overlap;         /* any activity in the frame counts, not the start alone */
    const char *timezone; /* never NULL */
    bool pairs;           /* next_pair will be called */
} report_question;

/* Read all rows, and pairs where the format wants them, and write them. */
exit_status report_write(report_rows *rows, const report_ops *format,
                         const report_question *question);

/*
 * The same as a page in memory. The page is the caller's to free, also after a failure.
 * Its size does not follow the number of rows.
 */
exit_status report_make_page(report_rows *rows, const report_question *question, cs_buffer *page);

#endif
