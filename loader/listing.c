/*
 * loader/listing.c
 *     Rows of text in one of three formats.
 */
#include "listing.h"

#include "json_text.h"
#include "output.h"
#include "report_format.h"
#include "stop.h"

#include <stdlib.h>

/* A cell as JSON. */
static json_t *
cell_value(listing_type type, cs_slice cell)
{
    if (cell.data == NULL)
        return json_null();
    if (type == LISTING_NUMBER)
        return json_integer(strtoll(cell.data, NULL, 10));
    if (type == LISTING_BOOL)
        return json_boolean(cell.data[0] == 't');
    return json_text(cell, NULL);
}

/* Append an object. */
static cs_code
append_json(listing *list, const cs_slice *cells, cs_error *err)
{
    json_t *object = json_object();
    int failed = 0;

    for (size_t i = 0; i < list->count; i++)
        if (cells[i].data != NULL || !list->leaves_nulls_out)
            failed |= json_object_set_new(object, list->columns[i].name,
                                          cell_value(list->columns[i].type, cells[i]));
    if (failed != 0)
    {
        json_decref(object);
        object = NULL;
    }
    CS_TRY(json_append(&list->out, object, err));
    return cs_buffer_append(&list->out, "\n", 1, err);
}

/* Append a line of CSV. */
static cs_code
append_csv(listing *list, const cs_slice *cells, cs_error *err)
{
    return report_append_csv_line(&list->out, cells, list->count, err);
}

exit_status
listing_begin(listing *list, listing_format format, const listing_column *columns, size_t count)
{
    cs_slice names[TEXT_TABLE_MAX_COLUMNS];
    cs_error err;

    *list = (listing){.format = format, .columns = columns, .count = count};
    text_table_init(&list->table);
    cs_buffer_init(&list->out, loader_env());
    for (size_t i = 0; i < count; i++)
    {
        names[i] = cs_slice_of(columns[i].name);
        text_table_column(&list->table, columns[i].name, columns[i].type == LISTING_NUMBER);
    }
    return format == LISTING_CSV ? output_pass_on(&list->out, append_csv(list, names, &err), &err)
                                 : STATUS_OK;
}

exit_status
listing_row(listing *list, const cs_slice *cells)
{
    cs_error err;

    if (list->format == LISTING_TABLE)
        return output_pass_on(&list->out, text_table_row(&list->table, cells, &err), &err);
    return output_pass_on(&list->out,
                          list->format == LISTING_CSV ? append_csv(list, cells, &err)
                                                      : append_json(list, cells, &err),
                          &err);
}

exit_status
listing_end(listing *list)
{
    return list->format == LISTING_TABLE ? text_table_write(&list->table, &list->out)
                                         : output_write(&list->out);
}

/* Free the rows. */
void
listing_free(listing *list)
{
    text_table_free(&list->table);
    cs_buffer_free(&list->out);
}
