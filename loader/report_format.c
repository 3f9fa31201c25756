/*
 * loader/report_format.c
 *     What the formats share, CSV and JSON.
 */
#include "report_format.h"

#include "json_text.h"
#include "output.h"
#include "report_page.h"
#include "report_render.h"
#include "report_rows.h"
#include "stop.h"

#include <stdlib.h>

const report_column report_columns[REPORT_COLUMNS] = {
    [CELL_USER] = {"user_id", REPORT_TEXT},
    [CELL_START] = {"session_start", REPORT_TIME},
    [CELL_END] = {"session_end", REPORT_TIME},
    [CELL_CAMPAIGNS] = {"campaigns", REPORT_LIST},
    [CELL_REWARDS] = {"rewards_issued", REPORT_LIST},
    [CELL_DRIVEN] = {"reward_driven_by_campaign_view", REPORT_BOOL},
};

/* Set a writer up. */
static void
init_writer(report_writer *writer, const report_ops *ops, const report_question *question)
{
    memset(writer, 0, sizeof(*writer));
    writer->question = question;
    writer->ops = ops;
    cs_buffer_init(&writer->out, loader_env());
    text_table_init(&writer->table);
}

/* Free the buffers. */
static void
free_writer(report_writer *writer)
{
    cs_buffer_free(&writer->out);
    text_table_free(&writer->table);
    report_page_free(writer->page);
}

/* Write rows that are lines already. */
static exit_status
write_lines(report_rows *rows, report_writer *writer)
{
    cs_slice lines = {NULL, 0};
    bool end = false;
    cs_error err;

    for (;;)
    {
        STATUS_TRY(rows->ops->next_lines(rows, &lines, &end));
        if (end)
            return STATUS_OK;
        STATUS_TRY(output_pass_on(
            &writer->out, cs_buffer_append(&writer->out, lines.data, lines.len, &err), &err));
    }
}

/* Write rows one by one. */
static exit_status
write_rows(report_rows *rows, report_writer *writer)
{
    bool end = false;
    report_row row;

    for (;;)
    {
        STATUS_TRY(rows->ops->next(rows, &row, &end));
        if (end)
            return STATUS_OK;
        STATUS_TRY(writer->ops->row(writer, &row));
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
}

/* Write the pairs. */
static exit_status
write_pairs(report_rows *rows, report_writer *writer)
{
    bool end = false;
    report_pair pair;

    for (;;)
    {
        STATUS_TRY(rows->ops->next_pair(rows, &pair, &end));
        if (end)
            return STATUS_OK;
        STATUS_TRY(writer->ops->pair(writer, &pair));
    }
}

/* Make the report; what has not been written yet is left in writer->out. */
static exit_status
make_report(report_rows *rows, report_writer *writer)
{
    STATUS_TRY(writer->ops->begin(writer));
    STATUS_TRY(rows->renders ? write_lines(rows, writer) : write_rows(rows, writer));
    if (writer->ops->pair != NULL)
        STATUS_TRY(write_pairs(rows, writer));
    return writer->ops->end != NULL ? writer->ops->end(writer) : STATUS_OK;
}

exit_status
report_write(report_rows *rows, const report_ops *format, const report_question *question)
{
    report_writer writer;
    exit_status status;

    init_writer(&writer, format, question);
    status = make_report(rows, &writer);
    if (status == STATUS_OK)
        status = output_write(&writer.out);
    free_writer(&writer);
    return status;
}

exit_status
report_make_page(report_rows *rows, const report_question *question, cs_buffer *page)
{
    report_writer writer;
    exit_status status;

    init_writer(&writer, &report_html_ops, question);
    status = make_report(rows, &writer);
    *page = writer.out;
    cs_buffer_init(&writer.out, loader_env());
    free_writer(&writer);
    return status;
}

/* True if COPY would quote the text: it holds a special character, or means something else. */
static bool
needs_quotes(cs_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr(",\"\r\n", text.data[i]) != NULL)
            return true;
    return text.len == 0 || cs_slice_is(text, "\\.");
}

cs_code
report_append_csv(cs_buffer *out, cs_slice text, cs_error *err)
{
    if (text.data == NULL)
        return CS_OK;
    if (!needs_quotes(text))
        return cs_buffer_append(out, text.data, text.len, err);
    CS_TRY(cs_buffer_reserve(out, 2 * text.len + 2, err));
    out->data[out->len++] = '"';
    for (size_t i = 0; i < text.len; i++)
    {
        if (text.data[i] == '"')
            out->data[out->len++] = '"';
        out->data[out->len++] = (uint8_t) text.data[i];
    }
    out->data[out->len++] = '"';
    return CS_OK;
}

cs_code
report_append_csv_line(cs_buffer *out, const cs_slice *cells, size_t count, cs_error *err)
{
    for (size_t i = 0; i < count; i++)
    {
        if (i > 0)
            CS_TRY(cs_buffer_append(out, ",", 1, err));
        CS_TRY(report_append_csv(out, cells[i], err));
    }
    return cs_buffer_append(out, "\n", 1, err);
}

/* The header line. */
static exit_status
csv_begin(report_writer *writer)
{
    cs_slice names[REPORT_COLUMNS];
    cs_error err;

    for (int i = 0; i < REPORT_COLUMNS; i++)
        names[i] = cs_slice_of(report_columns[i].name);
    return output_pass_on(&writer->out,
                          report_append_csv_line(&writer->out, names, REPORT_COLUMNS, &err), &err);
}

/* One line of CSV. */
static exit_status
csv_row(report_writer *writer, const report_row *row)
{
    cs_error err;

    return output_pass_on(
        &writer->out, report_append_csv_line(&writer->out, row->cells, REPORT_COLUMNS, &err), &err);
}

const report_ops report_csv_ops = {csv_begin, csv_row, NULL, NULL, &report_render_csv};

/* A cell as JSON: {1,2} becomes [1,2], t true. */
static json_t *
cell_value(report_type type, cs_slice text)
{
    json_t *list;

    if (text.data == NULL)
        return json_null();
    if (type == REPORT_BOOL)
        return json_boolean(text.data[0] == 't');
    if (type != REPORT_LIST)
        return json_text(text, NULL);
    list = json_array();
    for (const char *at = text.data; *at != '}' && at[1] != '}';)
    {
        char *end;
        int64_t id = strtoll(at + 1, &end, 10);

        if (json_array_append_new(list, json_integer(id)) != 0)
        {
            json_decref(list);
            return NULL;
        }
        at = end;
    }
    return list;
}

/* Append a row as a JSON object and a line feed. */
static cs_code
append_json_line(cs_buffer *out, const report_row *row, cs_error *err)
{
    json_t *object = json_object();
    int failed = 0;

    for (int i = 0; i < REPORT_COLUMNS; i++)
        failed |= json_object_set_new(object, report_columns[i].name,
                                      cell_value(report_columns[i].type, row->cells[i]));
    if (failed != 0)
    {
        json_decref(object);
        object = NULL;
    }
    CS_TRY(json_append(out, object, err));
    return cs_buffer_append(out, "\n", 1, err);
}

/* Nothing stands before the first object. */
static exit_status
json_begin(report_writer *writer)
{
    (void) writer;
    return STATUS_OK;
}

/* One line of JSON. */
static exit_status
json_row(report_writer *writer, const report_row *row)
{
    cs_error err;

    return output_pass_on(&writer->out, append_json_line(&writer->out, row, &err), &err);
}

const report_ops report_json_ops = {json_begin, json_row, NULL, NULL, &report_render_json};
