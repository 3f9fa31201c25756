/*
 * loader/text_table.c
 *     An aligned table.
 *
 * The widths are known only behind the last row, so all rows are kept. Where
 * standard output is a terminal too narrow for the table, each row becomes a
 * record of lines, as psql's expanded form does.
 */
#include "text_table.h"

#include "log.h"
#include "output.h"
#include "screen.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

void
text_table_init(text_table *table)
{
    memset(table, 0, sizeof(*table));
    cs_buffer_init(&table->cells, loader_env());
}

/* Free the rows. */
void
text_table_free(text_table *table)
{
    cs_buffer_free(&table->cells);
}

void
text_table_column(text_table *table, const char *name, bool right)
{
    table->names[table->count] = name;
    table->right[table->count] = right;
    table->widths[table->count++] = strlen(name);
}

cs_code
text_table_row(text_table *table, const cs_slice *cells, cs_error *err)
{
    for (size_t i = 0; i < table->count; i++)
    {
        size_t start = table->cells.len;
        size_t width;

        CS_TRY(screen_append(&table->cells, cells[i], err));
        width =
            screen_width((cs_slice){(char *) table->cells.data + start, table->cells.len - start});
        if (width > table->widths[i])
            table->widths[i] = width;
        if (width > table->value_width)
            table->value_width = width;
        CS_TRY(cs_buffer_append(&table->cells, "", 1, err));
    }
    table->rows++;
    return CS_OK;
}

/* Append the header and the rule below it. */
static cs_code
append_header(const text_table *table, cs_buffer *out, cs_error *err)
{
    for (size_t i = 0; i < table->count; i++)
    {
        const char *name = table->names[i];
        size_t space = table->widths[i] - strlen(name);

        CS_TRY(cs_buffer_append(out, i == 0 ? " " : "| ", i == 0 ? 1 : 2, err));
        CS_TRY(screen_repeat(out, ' ', space / 2, err));
        CS_TRY(cs_buffer_append(out, name, strlen(name), err));
        CS_TRY(screen_repeat(out, ' ', space - space / 2 + 1, err));
    }
    out->data[out->len - 1] = '\n';
    for (size_t i = 0; i < table->count; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(out, "+", 1, err));
        CS_TRY(screen_repeat(out, '-', table->widths[i] + 2, err));
    }
    return cs_buffer_append(out, "\n", 1, err);
}

/* Append a row; *cell goes on to the next. The last column is not padded. */
static cs_code
append_row(const text_table *table, cs_buffer *out, const char **cell, cs_error *err)
{
    for (size_t i = 0; i < table->count; i++)
    {
        cs_slice text = cs_slice_of(*cell);

        CS_TRY(cs_buffer_append(out, i == 0 ? " " : " | ", i == 0 ? 1 : 3, err));
        if (table->right[i])
            CS_TRY(screen_repeat(out, ' ', table->widths[i] - screen_width(text), err));
        CS_TRY(cs_buffer_append(out, text.data, text.len, err));
        if (!table->right[i] && i < table->count - 1)
            CS_TRY(screen_repeat(out, ' ', table->widths[i] - screen_width(text), err));
        *cell += text.len + 1;
    }
    return cs_buffer_append(out, "\n", 1, err);
}

/* The width of the widest name. */
static size_t
name_width(const text_table *table)
{
    size_t widest = 0;

    for (size_t i = 0; i < table->count; i++)
        if (strlen(table->names[i]) > widest)
            widest = strlen(table->names[i]);
    return widest;
}

/* Append a row as a record of lines; *cell goes on to the next. */
static cs_code
append_record(const text_table *table, cs_buffer *out, int64_t number, const char **cell,
              cs_error *err)
{
    size_t start = out->len;
    size_t left = name_width(table) + 1; /* of the bar */
    size_t len;

    CS_TRY(cs_buffer_printf(out, err, "-[ RECORD %" PRId64 " ]", number));
    len = out->len - start;
    if (len < left)
    {
        CS_TRY(screen_repeat(out, '-', left - len, err));
        CS_TRY(cs_buffer_append(out, "+", 1, err));
        CS_TRY(screen_repeat(out, '-', table->value_width + 1, err));
    }
    CS_TRY(cs_buffer_append(out, "\n", 1, err));
    for (size_t i = 0; i < table->count; i++)
    {
        CS_TRY(cs_buffer_append(out, table->names[i], strlen(table->names[i]), err));
        CS_TRY(screen_repeat(out, ' ', left - strlen(table->names[i]), err));
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
is_too_wide(const text_table *table)
{
    size_t width = terminal_width();
    size_t needed = 3 * table->count - 1; /* spaces and bars */

    for (size_t i = 0; i < table->count; i++)
        needed += table->widths[i];
    return width > 0 && needed > width;
}

exit_status
text_table_write(const text_table *table, cs_buffer *out)
{
    bool expanded = table->rows > 0 && is_too_wide(table);
    const char *cell = (const char *) table->cells.data;
    cs_error err;
    cs_code code = expanded ? CS_OK : append_header(table, out, &err);

    for (int64_t i = 0; i < table->rows && code == CS_OK; i++)
    {
        code = expanded ? append_record(table, out, i + 1, &cell, &err)
                        : append_row(table, out, &cell, &err);
        if (code == CS_OK)
            STATUS_TRY(output_pass(out));
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
    if (code == CS_OK && !expanded)
        code = cs_buffer_printf(out, &err, "(%" PRId64 " %s)\n", table->rows,
                                table->rows == 1 ? "row" : "rows");
    return code == CS_OK ? output_write(out) : log_core_error(&err, NULL);
}
