/*
 * core/avro_bytes.c
 *     Reading encoded values from memory: groups of items, and passing over values.
 */
#include "avro_bytes.h"

bool
cs_is_text_slowly(cs_slice text)
{
    return (text.len == 0 || memchr(text.data, '\0', text.len) == NULL) &&
           cs_utf8_valid(text.data, text.len);
}

cs_code
cs_bytes_too_deep(const cs_avro_bytes *in, cs_error *err)
{
    return cs_fail(err, CS_ERR_LIMIT, "value is nested more than the limit of %d levels",
                   in->limits->max_depth);
}

cs_code
cs_bytes_empty(cs_avro_bytes *in, int64_t count, cs_error *err)
{
    if (count > in->limits->max_empty_items - in->empty_items)
        return cs_fail(err, CS_ERR_LIMIT,
                       "record holds more than the limit of %lld items of no bytes",
                       (long long) in->limits->max_empty_items);
    in->empty_items += count;
    return CS_OK;
}

cs_code
cs_bytes_group(cs_avro_bytes *in, const cs_avro_node *items, bool keyed, cs_avro_group *group,
               cs_error *err)
{
    uint64_t least = items->min_bytes + keyed;
    int64_t size;

    group->end = NULL;
    if (!cs_bytes_long(in, &group->count))
        return CS_ERR_DATA;
    if (group->count < 0)
    {
        if (group->count == INT64_MIN || !cs_bytes_long(in, &size) || size < 0 ||
            (uint64_t) size > cs_bytes_left(in))
            return CS_ERR_DATA;
        group->count = -group->count;
        group->end = in->at + size;
    }
    if (least == 0)
        return cs_bytes_empty(in, group->count, err);
    if ((uint64_t) group->count > cs_bytes_left(in) / least)
        return CS_ERR_DATA;
    return CS_OK;
}

/* Pass over the items of a group. */
static cs_code
skip_group(cs_avro_bytes *in, const cs_avro_node *type, const cs_avro_group *group, int depth,
           cs_error *err)
{
    const cs_avro_node *items = type->items;
    bool keyed = type->type == CS_AVRO_MAP;
    const uint8_t *data;

    if (!keyed && items->fixed_bytes != CS_AVRO_VARIABLE)
    {
        uint64_t len;

        if (__builtin_mul_overflow((uint64_t) group->count, (uint64_t) items->fixed_bytes, &len) ||
            !cs_bytes_take(in, len, &data))
            return CS_ERR_DATA;
        return CS_OK;
    }
    for (int64_t i = 0; i < group->count; i++)
    {
        cs_slice key;

        CS_TRY(cs_bytes_poll(in, err));
        if (keyed && !cs_bytes_slice(in, &key))
            return CS_ERR_DATA;
        CS_TRY(cs_bytes_skip(in, items, true, depth, err));
    }
    return CS_OK;
}

/* Pass over an array or a map. */
static cs_code
skip_groups(cs_avro_bytes *in, const cs_avro_node *type, bool whole, int depth, cs_error *err)
{
    for (;;)
    {
        cs_avro_group group;

        CS_TRY(cs_bytes_group(in, type->items, type->type == CS_AVRO_MAP, &group, err));
        if (group.count == 0)
            return group.end == NULL || group.end == in->at ? CS_OK : CS_ERR_DATA;
        CS_TRY(cs_bytes_poll(in, err));
        if (group.end != NULL && !whole)
            in->at = group.end;
        else
            CS_TRY(skip_group(in, type, &group, depth, err));
        if (group.end != NULL && group.end != in->at)
            return CS_ERR_DATA;
    }
}

/* Pass over a union. */
static cs_code
skip_union(cs_avro_bytes *in, const cs_avro_node *type, bool whole, int depth, cs_error *err)
{
    int64_t branch;

    if (!cs_bytes_long(in, &branch) || branch < 0 || (uint64_t) branch >= type->num_branches)
        return CS_ERR_DATA;
    return cs_bytes_skip(in, type->branches[branch], whole, depth, err);
}

cs_code
cs_bytes_skip(cs_avro_bytes *in, const cs_avro_node *type, bool whole, int depth, cs_error *err)
{
    const uint8_t *data;
    cs_slice slice;
    int64_t number;

    if (type->fixed_bytes != CS_AVRO_VARIABLE)
        return cs_bytes_take(in, (uint64_t) type->fixed_bytes, &data) ? CS_OK : CS_ERR_DATA;
    if (type->min_bytes > cs_bytes_left(in))
        return CS_ERR_DATA;
    switch (type->type)
    {
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
        case CS_AVRO_ENUM:
            return cs_bytes_long(in, &number) ? CS_OK : CS_ERR_DATA;
        case CS_AVRO_BYTES:
        case CS_AVRO_STRING:
            return cs_bytes_slice(in, &slice) ? CS_OK : CS_ERR_DATA;
        default:
            break;
    }
    if (depth >= in->limits->max_depth)
        return cs_bytes_too_deep(in, err);
    if (type->type == CS_AVRO_UNION)
        return skip_union(in, type, whole, depth + 1, err);
    if (type->type != CS_AVRO_RECORD)
        return skip_groups(in, type, whole, depth + 1, err);
    for (size_t i = 0; i < type->num_fields; i++)
        CS_TRY(cs_bytes_skip(in, type->fields[i].type, whole, depth + 1, err));
    return CS_OK;
}
