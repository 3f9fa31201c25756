/*
 * extension/avro_array.c
 *     Avro arrays of scalars as SQL arrays.
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"

#include "avro_array.h"
#include "avro_walk.h"

#define FIRST_ITEMS 16

/* The items of one array. */
typedef struct Items
{
    AvroConvert *convert; /* of an item */
    Datum *values;
    bool *nulls;
    int count;
    int room;
    bool refused; /* by a conversion; else by core */
} Items;

bool
avro_array_compile(AvroConvert *convert, const AvroColumn *column)
{
    Oid item_type = get_element_type(convert->type);
    AvroColumn item = *column;
    cs_avro_shape shape;

    if (!OidIsValid(item_type) || convert->shape.kind != CS_VALUE_NESTED ||
        convert->shape.type->type != CS_AVRO_ARRAY)
        return false;
    shape = cs_avro_shape_of(convert->shape.type->items);
    if (shape.kind == CS_VALUE_NESTED || !avro_convert_fits(shape.kind, getBaseType(item_type)))
        return false;
    item.type = item_type;
    item.typmod = convert->typmod;
    convert->item = palloc_object(AvroConvert);
    avro_convert_compile(convert->item, convert->row, &item, &shape, convert->plan);
    get_typlenbyvalalign(item_type, &convert->item_length, &convert->item_by_value,
                         &convert->item_align);
    return true;
}

/* Make room for one more item. */
static void
reserve(Items *items)
{
    if (items->count < items->room)
        return;
    if (items->room >= (int) MaxArraySize)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("array size exceeds the maximum allowed (%d)", (int) MaxArraySize)));
    items->room = Min(items->room * 2, (int) MaxArraySize);
    items->values = repalloc_huge(items->values, sizeof(Datum) * (Size) items->room);
    items->nulls = repalloc_huge(items->nulls, sizeof(bool) * (Size) items->room);
}

/* Visit an item. */
static cs_code
add_item(void *ctx, const cs_value *value, cs_error *err)
{
    Items *items = ctx;
    AvroConvert *convert = items->convert;
    bool done;

    reserve(items);
    items->nulls[items->count] = value->kind == CS_VALUE_NULL;
    items->values[items->count] = (Datum) 0;
    if (value->kind == CS_VALUE_NULL)
        done = avro_convert_null(convert);
    else
        done = convert->function(convert, value, &items->values[items->count]);
    items->count++;
    items->refused = !done;
    return done ? CS_OK : cs_fail(err, CS_ERR_RANGE, "an item is refused");
}

/* Visit the start or the end of an array of scalars. */
static cs_code
pass(void *ctx, cs_avro_type type, cs_error *err)
{
    return CS_OK;
}

bool
avro_array_convert(AvroConvert *convert, const cs_value *value, Datum *result)
{
    Items items = {.convert = convert->item, .room = FIRST_ITEMS};
    cs_avro_visitor visitor = {&items, pass, NULL, add_item, pass};
    int lower = 1;
    cs_error err;

    items.values = palloc_array(Datum, FIRST_ITEMS);
    items.nulls = palloc_array(bool, FIRST_ITEMS);
    if (cs_avro_walk(convert->plan, value, &visitor, &err) != CS_OK)
        return items.refused ? false : avro_refuse_core(convert, &err);
    *result = PointerGetDatum(
        items.count == 0
            ? construct_empty_array(convert->item->domain != InvalidOid ? convert->item->domain
                                                                        : convert->item->type)
            : construct_md_array(
                  items.values, items.nulls, 1, &items.count, &lower,
                  convert->item->domain != InvalidOid ? convert->item->domain : convert->item->type,
                  convert->item_length, convert->item_by_value, convert->item_align));
    return true;
}
