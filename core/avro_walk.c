/*
 * core/avro_walk.c
 *     The inside of a nested value, as a sequence of events.
 */
#include "avro_walk.h"

#include "avro_plan.h"

typedef struct walk
{
    const cs_avro_visitor *visitor;
    cs_avro_text_judge judge; /* NULL: what is no text is refused */
    cs_avro_bytes in;
} walk;

static cs_code walk_reading(walk *w, const cs_avro_reading *reading, int depth, cs_error *err);

/* Report bytes that are not a value of the type. */
static cs_code
fail_type(const cs_avro_node *type, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "value is damaged: not a valid %s",
                   cs_avro_type_name(type->type));
}

/* Pass over a field that the reader does not want. */
static cs_code
skip_field(walk *w, const cs_avro_node *type, int depth, cs_error *err)
{
    cs_code code = cs_bytes_skip(&w->in, type, false, depth, err);

    return code == CS_ERR_DATA ? fail_type(type, err) : code;
}

/* Refuse a value that does not resolve, having passed over it. */
static cs_code
refuse_value(walk *w, const cs_avro_reading *reading, int depth, cs_error *err)
{
    CS_TRY(skip_field(w, reading->writer, depth, err));
    return cs_reading_finish(reading, NULL, err);
}

/* What becomes of a string, or a scalar of another kind, that was checked with this outcome. */
static cs_code
judge_text(const walk *w, const cs_value *value, cs_code code, cs_error *err)
{
    if (code != CS_ERR_RANGE || w->judge == NULL || value->kind != CS_VALUE_STRING)
        return code;
    return w->judge(w->visitor->ctx, value->as.bytes, err);
}

/* Walk a scalar. */
static cs_code
walk_scalar(walk *w, const cs_avro_reading *reading, cs_error *err)
{
    const uint8_t *start = w->in.at;
    cs_value value;

    if (cs_reading_parse(reading, &w->in, &value) != CS_OK)
        return fail_type(reading->writer, err);
    if (w->in.at == start)
        CS_TRY(cs_bytes_empty(&w->in, 1, err));
    value.nanos = 0;
    CS_TRY(judge_text(w, &value, cs_reading_finish(reading, &value, err), err));
    return w->visitor->scalar(w->visitor->ctx, &value, err);
}

/* Walk a group of items. */
static cs_code
walk_group(walk *w, const cs_avro_reading *reading, int64_t count, int depth, cs_error *err)
{
    for (int64_t i = 0; i < count; i++)
    {
        cs_slice key;

        CS_TRY(cs_bytes_poll(&w->in, err));
        if (reading->writer->type == CS_AVRO_MAP)
        {
            cs_value text = {.kind = CS_VALUE_STRING};

            if (!cs_bytes_slice(&w->in, &key))
                return fail_type(reading->writer, err);
            text.as.bytes = key;
            CS_TRY(judge_text(w, &text, cs_reading_check_text(&text, err), err));
            CS_TRY(w->visitor->key(w->visitor->ctx, key, err));
        }
        CS_TRY(walk_reading(w, reading->items, depth + 1, err));
    }
    return CS_OK;
}

/* Walk an array or a map. */
static cs_code
walk_groups(walk *w, const cs_avro_reading *reading, int depth, cs_error *err)
{
    const cs_avro_node *type = reading->writer;
    cs_avro_group group;

    CS_TRY(w->visitor->begin(w->visitor->ctx, type->type, err));
    do
    {
        int64_t counted = w->in.empty_items;
        cs_code code = cs_bytes_group(&w->in, type->items, type->type == CS_AVRO_MAP, &group, err);

        if (code == CS_ERR_DATA)
            return fail_type(type, err);
        if (code != CS_OK)
            return code;
        w->in.empty_items = counted; /* the items count themselves */
        CS_TRY(walk_group(w, reading, group.count, depth, err));
        if (group.end != NULL && group.end != w->in.at)
            return fail_type(type, err);
    } while (group.count > 0);
    return w->visitor->end(w->visitor->ctx, type->type, err);
}

/* Walk a field's default. */
static cs_code
walk_default(walk *w, const cs_default_reading *filled, int depth, cs_error *err)
{
    const cs_slice bytes = filled->target->default_bytes;
    walk inner = *w;
    cs_code code;

    inner.in.at = (const uint8_t *) bytes.data;
    inner.in.end = inner.in.at + bytes.len;
    code = walk_reading(&inner, filled->reading, depth, err);
    w->in.empty_items = inner.in.empty_items;
    w->in.work = inner.in.work;
    return code;
}

/* Walk a record: the fields that the reader has. */
static cs_code
walk_record(walk *w, const cs_avro_reading *reading, int depth, cs_error *err)
{
    const cs_avro_node *type = reading->writer;
    const cs_avro_visitor *visitor = w->visitor;

    CS_TRY(visitor->begin(visitor->ctx, CS_AVRO_RECORD, err));
    for (size_t i = 0; i < type->num_fields; i++)
    {
        const cs_field_reading *field = &reading->fields[i];

        CS_TRY(cs_bytes_poll(&w->in, err));
        if (field->target == NULL)
        {
            CS_TRY(skip_field(w, type->fields[i].type, depth + 1, err));
            continue;
        }
        CS_TRY(visitor->key(visitor->ctx, cs_slice_of(field->target->name), err));
        CS_TRY(walk_reading(w, field->reading, depth + 1, err));
    }
    for (size_t i = 0; i < reading->num_defaults; i++)
    {
        const cs_default_reading *filled = &reading->defaults[i];

        CS_TRY(visitor->key(visitor->ctx, cs_slice_of(filled->target->name), err));
        CS_TRY(walk_default(w, filled, depth + 1, err));
    }
    if (type->num_fields == 0)
        CS_TRY(cs_bytes_empty(&w->in, 1, err));
    return visitor->end(visitor->ctx, CS_AVRO_RECORD, err);
}

/* Walk a value. */
static cs_code
walk_reading(walk *w, const cs_avro_reading *reading, int depth, cs_error *err)
{
    int64_t branch;

    if (depth > w->in.limits->max_depth)
        return cs_bytes_too_deep(&w->in, err);
    if (reading->finish == CS_FINISH_MISMATCH)
        return refuse_value(w, reading, depth, err);
    switch (reading->writer->type)
    {
        case CS_AVRO_UNION:
            if (!cs_bytes_long(&w->in, &branch) || branch < 0 ||
                (uint64_t) branch >= reading->writer->num_branches)
                return fail_type(reading->writer, err);
            return walk_reading(w, reading->branches[branch], depth + 1, err);
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            return walk_groups(w, reading, depth, err);
        case CS_AVRO_RECORD:
            return walk_record(w, reading, depth, err);
        default:
            return walk_scalar(w, reading, err);
    }
}

/* Say in which column a value is refused. */
static cs_code
blame_column(const cs_avro_plan *plan, const cs_value *value, cs_code code, cs_error *err)
{
    if (code != CS_ERR_RANGE && code != CS_ERR_DATA && code != CS_ERR_LIMIT)
        return code;
    cs_fail_within(err, code, "field \"%.60s\"", plan->columns[value->column].field->name);
    err->field = value->column;
    return code;
}

cs_code
cs_avro_walk(const cs_avro_plan *plan, const cs_value *value, const cs_avro_visitor *visitor,
             cs_error *err)
{
    return cs_avro_walk_judged(plan, value, visitor, NULL, err);
}

cs_code
cs_avro_walk_judged(const cs_avro_plan *plan, const cs_value *value, const cs_avro_visitor *visitor,
                    cs_avro_text_judge judge, cs_error *err)
{
    walk w = {visitor, judge, {NULL}};
    cs_code code;

    if (value->kind != CS_VALUE_NESTED)
        return visitor->scalar(visitor->ctx, value, err);
    w.in = cs_plan_bytes(plan, value->as.nested.data, value->as.nested.len);
    code = walk_reading(&w, value->as.nested.reading, 0, err);
    return code == CS_OK ? CS_OK : blame_column(plan, value, code, err);
}
