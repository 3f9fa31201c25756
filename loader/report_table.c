/*
 * loader/report_table.c
 *     The report as an aligned table.
 */
#include "report_format.h"

#include "log.h"

/* Name the columns. */
static exit_status
table_begin(report_writer *writer)
{
    for (int i = 0; i < REPORT_COLUMNS; i++)
        text_table_column(&writer->table, report_columns[i].name, false);
    return STATUS_OK;
}

/* Keep a row, or report why not. */
static exit_status
table_row(report_writer *writer, const report_row *row)
{
    cs_error err;

    return text_table_row(&writer->table, row->cells, &err) == CS_OK ? STATUS_OK
                                                                     : log_core_error(&err, NULL);
}

/* Write all rows but the last ones, which are left in writer->out. */
static exit_status
table_end(report_writer *writer)
{
    return text_table_write(&writer->table, &writer->out);
}

const report_ops report_table_ops = {table_begin, table_row, NULL, table_end, NULL};
