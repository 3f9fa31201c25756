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
read_union(const cs_avro_reading *reading, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    int64_t branch;

    if (!read_branch(in, reading->writer, &branch))
        return CS_ERR_DATA;
    value->nanos = (int16_t) branch;
    reading = reading->branches[branch];
    if (reading->finish != CS_FINISH_MISMATCH)
        return cs_reading_parse(reading, in, value);
    value->kind = CS_VALUE_NULL; /* of any type: to be refused */
    return cs_bytes_skip(in, reading->writer, true, 1, err);
}

/* Note where a value lies; a union's null is NULL. */
static cs_code
read_nested(const cs_avro_reading *reading, int target, cs_avro_bytes *in, cs_value *value,
            cs_error *err)
{
    const cs_avro_node *type = reading->writer;
    const uint8_t *start = in->at;
    int64_t branch = 0;
    int depth = 0;

    if (type->type == CS_AVRO_UNION)
    {
        if (!read_branch(in, type, &branch))
            return CS_ERR_DATA;
        type = type->branches[branch];
        depth++;
    }
    if (type->type == CS_AVRO_NULL)
    {
        value->kind = CS_VALUE_NULL;
        value->nanos = (int16_t) branch;
        return CS_OK;
    }
    CS_TRY(cs_bytes_skip(in, type, true, depth, err));
    value->kind = CS_VALUE_NESTED;
    value->column = (uint16_t) target;
    value->as.nested.data = start;
    value->as.nested.len = (size_t) (in->at - start);
    value->as.nested.reading = reading;
    return CS_OK;
}

/* Read the branch of a nullable field; *is_null if it is null. */
static bool
read_nullable(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, bool *is_null)
{
    int64_t branch;

    if (!cs_bytes_long(in, &branch) || branch < 0 || branch > 1)
        return false;
    *is_null = branch == step->null_branch;
    value->nanos = (int16_t) branch;
    if (*is_null)
        value->kind = CS_VALUE_NULL;
    return true;
}

/* Read a value of a field that is not one of the common ones. */
static cs_code
read_uncommon(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    switch (step->op)
    {
        case CS_STEP_SCALAR:
            return cs_reading_parse(step->reading, in, value);
        case CS_STEP_UNION:
            return read_union(step->reading, in, value, err);
        case CS_STEP_NESTED:
            return read_nested(step->reading, step->target, in, value, err);
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
        reading = reading->branches[value->nanos];
    value->nanos = 0;
    return cs_reading_finish(reading, value, err);
}

/* Take the bytes of a run and read what is wanted of them. */
static cs_code
read_run(const cs_plan_step *step, cs_avro_bytes *in, cs_value *values, const cs_avro_field **field,
         cs_error *err)
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
        if (item->nested)
            code = read_nested(item->reading, item->target, &part, value, err);
        else
            code = cs_reading_parse(item->reading, &part, value);
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
    if (code == CS_ERR_DATA)
        cs_fail(err, code, "field \"%.100s\" is damaged: not a valid %s", field->name,
                cs_avro_type_name(field->type->type));
    else if (code == CS_ERR_LIMIT)
        cs_fail_within(err, code, "field \"%.60s\"", field->name);
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

/* Finish a value, and say where it is refused. */
static cs_code
finish_column(const cs_avro_cursor *cursor, int64_t record, size_t column, cs_value *value,
              cs_error *err)
{
    const cs_plan_column *info = &cursor->plan->columns[column];
    cs_code code = cs_plan_finish(info, value, err);

    if (code == CS_OK)
        return CS_OK;
    cs_fail_within(err, code, "field \"%.60s\"", info->field->name);
    err->field = (int) column;
    return locate(cursor, record, code, err);
}

/* Finish an instant in milliseconds or microseconds; false if there is more to it. */
static inline bool
finish_instant(const cs_avro_reading *reading, cs_value *value)
{
    int64_t time = value->as.integer;

    if ((reading->unit == 1000 && __builtin_mul_overflow(time, INT64_C(1000), &time)) ||
        reading->unit > 1000000 || __builtin_sub_overflow(time, CS_UNIX_OFFSET, &time) ||
        !cs_time_valid(time))
        return false;
    value->kind = CS_VALUE_TIME;
    value->nanos = 0;
    value->as.time = time;
    return true;
}

/* Finish the value of a common step at once; false if there is more to it. */
static inline bool
finish_quickly(cs_step_op op, const cs_avro_reading *reading, const uint8_t *end, cs_value *value)
{
    switch (op)
    {
        case CS_STEP_TEXT:
            return cs_is_text(value->as.bytes,
                              (size_t) (end - (const uint8_t *) value->as.bytes.data));
        case CS_STEP_LONG:
            return true;
        case CS_STEP_TIME:
            return finish_instant(reading, value);
        default:
            return false;
    }
}

/* Read the value of a field; common ones here, without a call. */
static inline cs_code
read_field(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    bool is_null = false;

    if (step->null_branch != CS_NOT_NULLABLE && !read_nullable(step, in, value, &is_null))
        return CS_ERR_DATA;
    if (is_null)
        return CS_OK;
    switch (step->op)
    {
        case CS_STEP_TEXT:
            value->kind = CS_VALUE_STRING;
            return cs_bytes_slice(in, &value->as.bytes) ? CS_OK : CS_ERR_DATA;
        case CS_STEP_LONG:
        case CS_STEP_TIME:
            value->kind = CS_VALUE_INTEGER;
            return cs_bytes_long(in, &value->as.integer) ? CS_OK : CS_ERR_DATA;
        default:
            return read_uncommon(step, in, value, err);
    }
}

cs_code
cs_plan_read(const cs_plan_step *step, cs_avro_bytes *in, cs_value *value, cs_error *err)
{
    return read_field(step, in, value, err);
}

/* Finish what a step has read; the first refusal is kept in err. */
static cs_code
finish_step(const cs_avro_cursor *cursor, const cs_plan_step *step, cs_value *values,
            cs_code refused, cs_error *err)
{
    size_t count = step->op == CS_STEP_RUN ? step->num_items : step->target >= 0;

    for (size_t i = 0; i < count; i++)
    {
        int target = step->op == CS_STEP_RUN ? step->items[i].target : step->target;
        cs_error later; /* of a second refusal */
        cs_code code = finish_column(cursor, cursor->done, (size_t) target, &values[target],
                                     refused == CS_OK ? err : &later);

        if (refused == CS_OK)
            refused = code;
    }
    return refused;
}

/* Put the columns that are not in the file into a record's values. */
static void
set_constants(const cs_avro_plan *plan, cs_value *values)
{
    for (size_t i = 0; i < plan->num_columns; i++)
        if (plan->columns[i].constant)
            values[i] = plan->columns[i].value;
}

/* Parse a record; with finish, finish its values, too. */
static inline __attribute__((always_inline)) cs_code
decode_record(cs_avro_cursor *cursor, cs_value *values, bool finish, cs_error *err)
{
    const cs_avro_plan *plan = cursor->plan;
    const uint8_t *end = cursor->block->data + cursor->block->len;
    cs_avro_bytes in = cs_plan_bytes(plan, cursor->at, (size_t) (end - cursor->at));
    cs_code refused = CS_OK;

    if (cursor->done == cursor->block->records)
        return end_block(cursor, err);
    for (size_t i = 0; i < plan->num_steps; i++)
    {
        const cs_plan_step *step = &plan->steps[i];
        const cs_avro_field *field = step->field;
        cs_value *value = step->target >= 0 ? &values[step->target] : NULL;
        cs_code code;

        if (step->op == CS_STEP_SKIP)
            code = cs_bytes_skip(&in, step->type, false, 0, err);
        else if (step->op == CS_STEP_RUN)
            code = read_run(step, &in, values, &field, err);
        else
            code = read_field(step, &in, value, err);
        if (code != CS_OK)
            return fail_field(cursor, field, code, err);
        if (finish && value != NULL && value->kind != CS_VALUE_NULL &&
            finish_quickly(step->op, step->reading, end, value))
            continue;
        if (finish)
            refused = finish_step(cursor, step, values, refused, err);
    }
    if (plan->has_constants)
        set_constants(plan, values);
    cursor->at = in.at;
    cursor->done++;
    return refused;
}

cs_code
cs_avro_cursor_parse(cs_avro_cursor *cursor, cs_value *values, cs_error *err)
{
    return decode_record(cursor, values, false, err);
}

cs_code
cs_avro_cursor_next(cs_avro_cursor *cursor, cs_value *values, cs_error *err)
{
    return decode_record(cursor, values, true, err);
}

cs_code
cs_avro_cursor_finish(const cs_avro_cursor *cursor, size_t column, cs_value *value, cs_error *err)
{
    const cs_plan_column *info = &cursor->plan->columns[column];

    if (value->kind != CS_VALUE_NULL && !info->constant &&
        finish_quickly(info->op, info->quick, cursor->block->data + cursor->block->len, value))
        return CS_OK;
    return finish_column(cursor, cursor->done - 1, column, value, err);
}
