/*
 * core/avro_decode.c
 *     Decoding records by a plan.
 */
#include "avro_plan.h"

void
cs_avro_cursor_init(cs_avro_cursor *cursor, const cs_avro_plan *plan, const cs_avro_block *block)
{
    *cursor = (cs_avro_cursor){plan, block, block->data, 0};
}

/* Read a branch's number. */
static bool
read_branch(cs_avro_bytes *in, const cs_avro_node *type, int64_t *branch)
{
    return cs_bytes_long(in, branch) && *branch >= 0 && (uint64_t) *branch < type->num_branches;
}

/* Read a scalar that lies in a branch of a union; the value notes which. */
static cs_code
read_union(const cs_avro_reading *reading, cs_avro_bytes *in, cs_value *value)
{
    int64_t branch;

    if (!read_branch(in, reading->writer, &branch))
        return CS_ERR_DATA;
    value->nanos = (int16_t) branch;
    return cs_reading_parse(reading->branches[branch], in, value);
}

/* Note where a value lies; a union's null is NULL. */
static cs_code
read_nested(const cs_avro_reading *reading, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    const cs_avro_node *type = reading->writer;
    const uint8_t *start = in->at;
    int64_t branch;

    if (type->type == CS_AVRO_UNION)
    {
        if (!read_branch(in, type, &branch))
            return CS_ERR_DATA;
        if (type->branches[branch]->type == CS_AVRO_NULL)
        {
            value->kind = CS_VALUE_NULL;
            return CS_OK;
        }
        type = type->branches[branch];
    }
    else if (type->type == CS_AVRO_NULL)
    {
        value->kind = CS_VALUE_NULL;
        return CS_OK;
    }
    CS_TRY(cs_bytes_skip(in, type, true, 0, err));
    value->kind = CS_VALUE_NESTED;
    value->as.nested.data = start;
    value->as.nested.len = (size_t) (in->at - start);
    value->as.nested.reading = reading;
    return CS_OK;
}

cs_code
cs_plan_read(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    switch (step->op)
    {
        case CS_STEP_SCALAR:
            return cs_reading_parse(step->reading, in, value);
        case CS_STEP_UNION:
            return read_union(step->reading, in, value);
        case CS_STEP_NESTED:
            return read_nested(step->reading, in, value, err);
        default:
            return CS_ERR_DATA;
    }
}

cs_code
cs_plan_finish(const cs_plan_column *column, cs_value *value, cs_error *err)
{
    const cs_avro_reading *reading = column->reading;

    if (column->constant || value->kind == CS_VALUE_NESTED)
        return CS_OK;
    if (reading->writer->type == CS_AVRO_UNION)
    {
        if (column->shape.kind == CS_VALUE_NESTED)
            return CS_OK; /* its null */
        reading = reading->branches[value->nanos];
    }
    value->nanos = 0;
    return cs_reading_finish(reading, value, err);
}

/* Take the bytes of a run and read what is wanted of them. */
static cs_code
read_run(const cs_plan_step *step, cs_avro_bytes *in, cs_value *values, cs_error *err,
         const cs_avro_field **field)
{
    const uint8_t *data;

    if (!cs_bytes_take(in, step->run_bytes, &data))
        return CS_ERR_DATA;
    for (size_t i = 0; i < step->num_items; i++)
    {
        const cs_run_item *item = &step->items[i];
        cs_avro_bytes part = *in;
        cs_value *value = &values[item->target];
        cs_code code;

        part.at = data + item->offset;
        if (item->reading->writer->type <= CS_AVRO_ENUM)
            code = cs_reading_parse(item->reading, &part, value);
        else
            code = read_nested(item->reading, &part, value, err);
        if (code != CS_OK)
        {
            *field = item->field;
            return code;
        }
    }
    return CS_OK;
}

/* Say at which record err happened. */
static cs_code
locate(const cs_avro_cursor *cursor, int64_t record, cs_code code, cs_error *err)
{
    err->offset = (int64_t) cursor->block->offset;
    err->record = cursor->block->first_record + record;
    return code;
}

/* Report a field that is damaged, or that passes a limit. */
static cs_code
fail_field(const cs_avro_cursor *cursor, const cs_avro_field *field, cs_code code, cs_error *err)
{
    char reason[CS_ERROR_MESSAGE_SIZE];

    if (code == CS_ERR_DATA)
        cs_fail(err, code, "field \"%.100s\" is damaged: not a valid %s", field->name,
                cs_avro_type_name(field->type->type));
    else if (code == CS_ERR_LIMIT)
    {
        memcpy(reason, err->message, sizeof(reason));
        cs_fail(err, code, "field \"%.60s\": %.240s", field->name, reason);
    }
    return locate(cursor, cursor->done, code, err);
}

/* The end of a block must be the end of its last record. */
static cs_code
end_block(const cs_avro_cursor *cursor, cs_error *err)
{
    size_t left = (size_t) (cursor->block->data + cursor->block->len - cursor->at);

    if (left == 0)
        return CS_END;
    cs_fail(err, CS_ERR_DATA, "block holds %zu bytes behind its %lld declared records", left,
            (long long) cursor->block->records);
    return locate(cursor, cursor->done, CS_ERR_DATA, err);
}

cs_code
cs_avro_cursor_parse(cs_avro_cursor *cursor, cs_value *values, cs_error *err)
{
    const cs_avro_plan *plan = cursor->plan;
    const uint8_t *end = cursor->block->data + cursor->block->len;
    cs_avro_bytes in = cs_plan_bytes(plan, cursor->at, (size_t) (end - cursor->at));

    if (cursor->done == cursor->block->records)
        return end_block(cursor, err);
    for (size_t i = 0; i < plan->num_steps; i++)
    {
        const cs_plan_step *step = &plan->steps[i];
        const cs_avro_field *field = step->field;
        cs_code code;

        if (step->op == CS_STEP_SKIP)
            code = cs_bytes_skip(&in, step->type, false, 0, err);
        else if (step->op == CS_STEP_RUN)
            code = read_run(step, &in, values, err, &field);
        else
            code = cs_plan_read(step, &in, &values[step->target], err);
        if (code != CS_OK)
            return fail_field(cursor, field, code, err);
    }
    for (size_t i = 0; plan->has_constants && i < plan->num_columns; i++)
        if (plan->columns[i].constant)
            values[i] = plan->columns[i].value;
    cursor->at = in.at;
    cursor->done++;
    return CS_OK;
}

cs_code
cs_avro_cursor_finish(const cs_avro_cursor *cursor, size_t column, cs_value *value, cs_error *err)
{
    const cs_plan_column *info = &cursor->plan->columns[column];
    char reason[CS_ERROR_MESSAGE_SIZE];
    cs_code code = cs_plan_finish(info, value, err);

    if (code == CS_OK)
        return CS_OK;
    memcpy(reason, err->message, sizeof(reason));
    cs_fail(err, code, "field \"%.60s\": %.240s", info->field->name, reason);
    err->field = (int) column;
    return locate(cursor, cursor->done - 1, code, err);
}

cs_code
cs_avro_cursor_next(cs_avro_cursor *cursor, cs_value *values, cs_error *err)
{
    cs_code refused = CS_OK;

    CS_TRY(cs_avro_cursor_parse(cursor, values, err));
    for (size_t i = 0; i < cursor->plan->num_columns; i++)
    {
        cs_error later; /* of a second refusal; the first one is reported */
        cs_code code =
            cs_avro_cursor_finish(cursor, i, &values[i], refused == CS_OK ? err : &later);

        if (refused == CS_OK)
            refused = code;
    }
    return refused;
}
