/*
 * loader/report_table.c
 *     The report as an aligned table, like psql's.
 *
 * The widths are known only behind the last row, so all rows are kept. Where
 * standard output is a terminal too narrow for the table, each row becomes a
 * record of lines, as psql's expanded form does.
 */
#include "report_format.h"

#include "log.h"
#include "output.h"
#include "screen.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WRITE_BYTES (64 * 1024)

/* Start with the widths of the names. */
static exit_status
table_begin(report_writer *writer)
{
    for (int i = 0; i < REPORT_COLUMNS; i++)
        writer->widths[i] = strlen(report_columns[i].name);
    return STATUS_OK;
}

/* Keep a row. */
static cs_code
keep_row(report_writer *writer, const report_row *row, cs_error *err)
{
    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        size_t start = writer->cells.len;
        size_t width;

        CS_TRY(screen_append(&writer->cells, row->cells[i], err));
        width = screen_width(
            (cs_slice){(char *) writer->cells.data + start, writer->cells.len - start});
        if (width > writer->widths[i])
            writer->widths[i] = width;
        if (width > writer->value_width)
            writer->value_width = width;
        CS_TRY(cs_buffer_append(&writer->cells, "", 1, err));
    }
    writer->rows++;
    return CS_OK;
}

/* Keep a row, or report why not. */
static exit_status
table_row(report_writer *writer, const report_row *row)
{
    cs_error err;

    return keep_row(writer, row, &err) == CS_OK ? STATUS_OK : log_core_error(&err, NULL);
}

/* Append the header and the rule below it. */
static cs_code
append_header(report_writer *writer, cs_error *err)
{
    cs_buffer *out = &writer->out;

    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        const char *name = report_columns[i].name;
        size_t space = writer->widths[i] - strlen(name);

        CS_TRY(cs_buffer_append(out, i == 0 ? " " : "| ", i == 0 ? 1 : 2, err));
        CS_TRY(screen_repeat(out, ' ', space / 2, err));
        CS_TRY(cs_buffer_append(out, name, strlen(name), err));
        CS_TRY(screen_repeat(out, ' ', space - space / 2 + 1, err));
    }
    out->data[out->len - 1] = '\n';
    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(out, "+", 1, err));
        CS_TRY(screen_repeat(out, '-', writer->widths[i] + 2, err));
    }
    return cs_buffer_append(out, "\n", 1, err);
}

/* Append a row; *cell goes on to the next. The last column is not padded. */
static cs_code
append_row(report_writer *writer, const char **cell, cs_error *err)
{
    cs_buffer *out = &writer->out;

    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        cs_slice text = cs_slice_of(*cell);

        CS_TRY(cs_buffer_append(out, i == 0 ? " " : " | ", i == 0 ? 1 : 3, err));
        CS_TRY(cs_buffer_append(out, text.data, text.len, err));
        if (i < REPORT_COLUMNS - 1)
            CS_TRY(screen_repeat(out, ' ', writer->widths[i] - screen_width(text), err));
        *cell += text.len + 1;
    }
    return cs_buffer_append(out, "\n", 1, err);
}

/* The width of the widest name. */
static size_t
name_width(void)
{
    size_t widest = 0;

    for (int i = 0; i < REPORT_COLUMNS; i++)
        if (strlen(report_columns[i].name) > widest)
            widest = strlen(report_columns[i].name);
    return widest;
}

/* Append a row as a record of lines; *cell goes on to the next. */
static cs_code
append_record(report_writer *writer, int64_t number, const char **cell, cs_error *err)
{
    cs_buffer *out = &writer->out;
    size_t start = out->len;
    size_t left = name_width() + 1; /* of the bar */
    size_t len;

    CS_TRY(cs_buffer_printf(out, err, "-[ RECORD %" PRId64 " ]", number));
    len = out->len - start;
    if (len < left)
    {
        CS_TRY(screen_repeat(out, '-', left - len, err));
        CS_TRY(cs_buffer_append(out, "+", 1, err));
        CS_TRY(screen_repeat(out, '-', writer->value_width + 1, err));
    }
    CS_TRY(cs_buffer_append(out, "\n", 1, err));
    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        CS_TRY(cs_buffer_append(out, report_columns[i].name, strlen(report_columns[i].name), err));
        CS_TRY(screen_repeat(out, ' ', left - strlen(report_columns[i].name), err));
        CS_TRY(cs_buffer_append(out, "| ", 2, err));
        CS_TRY(cs_buffer_append(out, *cell, strlen(*cell), err));
        CS_TRY(cs_buffer_append(out, "\n", 1, err));
        *cell += strlen(*cell) + 1;
    }
    return CS_OK;
}

/* The width of the terminal; 0 if standard output is none, or it does not say. */
static size_t
terminal_width(void)
{
    const char *columns = getenv(ENV_COLUMNS);
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return 0;
    if (columns != NULL && atoi(columns) > 0)
        return (size_t) atoi(columns);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* True if the table is wider than the terminal. */
static bool
is_too_wide(const report_writer *writer)
{
    size_t width = terminal_width();
    size_t needed = 3 * REPORT_COLUMNS - 1; /* spaces and bars */

    for (int i = 0; i < REPORT_COLUMNS; i++)
        needed += writer->widths[i];
    return width > 0 && needed > width;
}

/* Write all rows but the last ones, which are left in writer->out. */
static exit_status
table_end(report_writer *writer)
{
    bool expanded = writer->rows > 0 && is_too_wide(writer);
    const char *cell = (const char *) writer->cells.data;
    cs_error err;
    cs_code code = expanded ? CS_OK : append_header(writer, &err);

    for (int64_t i = 0; i < writer->rows && code == CS_OK; i++)
    {
        code =
            expanded ? append_record(writer, i + 1, &cell, &err) : append_row(writer, &cell, &err);
        if (code == CS_OK && writer->out.len >= WRITE_BYTES)
            STATUS_TRY(output_write(&writer->out));
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
    if (code == CS_OK && !expanded)
        code = cs_buffer_printf(&writer->out, &err, "(%" PRId64 " %s)\n", writer->rows,
                                writer->rows == 1 ? "row" : "rows");
    return code == CS_OK ? STATUS_OK : log_core_error(&err, NULL);
}

const report_ops report_table_ops = {table_begin, table_row, NULL, table_end, NULL};
