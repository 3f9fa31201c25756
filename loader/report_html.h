/*
 * loader/report_html.h
 *     The report's page as HTML: one file that needs nothing else.
 *
 * Its skeleton and style are loader/web/report.html and report.css, embedded. A name in
 * double braces in the skeleton stands for what a function here writes.
 */
#ifndef LOADER_REPORT_HTML_H
#define LOADER_REPORT_HTML_H

#include "report_page.h"
#include "report_rows.h"

cs_code report_html_append(cs_buffer *out, const report_page *page, const report_question *question,
                           cs_error *err);

/* A chart of columns: sessions, and those of them that were driven. */
typedef struct column_chart
{
    const char *id;   /* of its elements */
    const char *unit; /* of a column; the program's own text */
    const timeline_bin *bins;
    size_t count;
    int label_step; /* every so many columns have a label below */
    void (*label)(const void *ctx, size_t bin, char label[TIMELINE_LABEL_SIZE]);
    void (*axis_label)(const void *ctx, size_t bin, char label[TIMELINE_LABEL_SIZE]);
    const void *ctx;
} column_chart;

cs_code column_chart_append(cs_buffer *out, const column_chart *chart, cs_error *err);
cs_code column_chart_append_rows(cs_buffer *out, const column_chart *chart, cs_error *err);

#endif
