/*
 * loader/offline_mapping.c
 *     Reading the mapping.
 */
#include "offline_mapping.h"

#include "column_type.h"
#include "load_input.h"
#include "log.h"
#include "text_value.h"

#include <inttypes.h>
#include <stdlib.h>

#define COLUMNS 2

static const char *const names[COLUMNS] = {"campaign_id", "reward_id"};

/* True if a field of this kind can hold ids. */
static bool
may_hold_ids(cs_value_kind kind)
{
    return kind == CS_VALUE_INTEGER || kind == CS_VALUE_STRING || kind == CS_VALUE_NULL;
}

/* Find the columns in the file. */
static exit_status
find_columns(const row_source *source, size_t columns[COLUMNS])
{
    for (int i = 0; i < COLUMNS; i++)
    {
        size_t at = 0;

        while (at < source->num_fields && strcmp(source->fields[at].name, names[i]) != 0)
            at++;
        columns[i] = at;
        if (at == source->num_fields)
        {
            log_error("%s: file has no column \"%s\"", source->file->name, names[i]);
            log_hint("A mapping is a file with the columns campaign_id and reward_id.");
            return STATUS_REFUSED;
        }
        if (!may_hold_ids(source->fields[at].kind))
        {
            log_error("%s: column \"%s\" is of type %s: it holds no numbers", source->file->name,
                      names[i], value_kind_name(source->fields[at].kind));
            return STATUS_REFUSED;
        }
    }
    return STATUS_OK;
}

/* Take an id; CS_ERR_RANGE if it is none. */
static cs_code
take_id(const cs_value *value, int64_t *id, refusal *why)
{
    if (value->kind == CS_VALUE_STRING)
        return text_to_integer(value->as.bytes, id, why);
    *id = value->as.integer;
    return CS_OK;
}

/* Add a row's pair. */
static cs_code
add_pair(const cs_value *values, const size_t columns[COLUMNS], cs_map *map, refusal *why)
{
    int64_t ids[COLUMNS];

    for (int i = 0; i < COLUMNS; i++)
        if (values[columns[i]].kind == CS_VALUE_NULL)
            return CS_OK;
    for (int i = 0; i < COLUMNS; i++)
        CS_TRY(take_id(&values[columns[i]], &ids[i], why));
    return cs_map_add(map, ids[0], ids[1], &why->err);
}

/* Report a row that is refused. */
static exit_status
report_row(const row_source *source, const refusal *why)
{
    const char *name = source->file->name;

    if (why->err.code != CS_ERR_RANGE)
        return log_core_error(&why->err, name);
    if (source->line > 0)
        log_error("%s: line %" PRId64 ": %s", name, source->line, why->err.message);
    else
        log_error("%s: record %" PRId64 ": %s", name, source->rows, why->err.message);
    return STATUS_REFUSED;
}

/* Read all rows into memory for values. */
static exit_status
read_rows(row_source *source, cs_value *values, cs_map *map)
{
    size_t columns[COLUMNS];
    refusal why;

    STATUS_TRY(find_columns(source, columns));
    for (;;)
    {
        cs_code code = source->ops->next(source, values, &why);

        if (code == CS_END)
            break;
        if (code == CS_OK)
            code = add_pair(values, columns, map, &why);
        if (code != CS_OK)
            return report_row(source, &why);
    }
    cs_map_sort(map);
    return cs_map_index(map, &why.err) == CS_OK ? STATUS_OK : log_core_error(&why.err, NULL);
}

exit_status
mapping_read(const char *name, cs_map *map)
{
    load_input input;
    cs_value *values;
    exit_status status;

    STATUS_TRY(load_input_open(&input, name, &(row_format){.kind = SOURCE_AUTO}));
    values = calloc(input.source->num_fields + 1, sizeof(cs_value));
    status = values != NULL ? read_rows(input.source, values, map) : log_out_of_memory();
    free(values);
    load_input_close(&input);
    return status;
}
