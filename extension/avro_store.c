/*
 * extension/avro_store.c
 *     SQL values as values of an Avro field, for INSERT.
 *
 * The table of functions says which types go into which shapes of fields. Beside
 * them, a field of text takes any type, as the text that its output function
 * writes; nested fields take json and jsonb, and arrays of scalars one-dimensional
 * SQL arrays. Nothing is rounded or cut: what does not fit is an error.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "avro_encode.h"
#include "avro_file.h"
#include "avro_json_text.h"
#include "avro_store.h"
#include "compat.h"
#include "core_bridge.h"

/*
 * Categories of types whose text no setting changes: boolean, enums, addresses, strings, bits.
 * Of the types without a category of their own it is so for the server's (jsonb), not for those of
 * extensions, which may hold floating point numbers.
 */
#define PLAIN_CATEGORIES "BEISV"
#define OTHER_CATEGORY 'U'

/* What that text is written under. */
static const struct
{
    const char *name;
    const char *value;
} plain_settings[] = {
    {"datestyle", "ISO"},
    {"intervalstyle", "postgres"},
    {"extra_float_digits", "3"},
};

/* Raise what core said of a value. */
pg_noreturn static void
refuse_value(const AvroStore *store, const cs_error *err)
{
    if (err->code == CS_ERR_STOPPED || err->code == CS_ERR_MEMORY)
        bridge_raise(err, ERRCODE_DATA_EXCEPTION);
    ereport(ERROR, (errcode(avro_sqlstate(err)),
                    errmsg("value of column \"%s\" does not fit its Avro field: %s", store->column,
                           avro_message(err))));
}

/* Raise that Avro has no infinite values of a type. */
pg_noreturn static void
refuse_infinite(const AvroStore *store, int sqlstate)
{
    ereport(ERROR, (errcode(sqlstate),
                    errmsg("value of column \"%s\" does not fit its Avro field: it is not finite",
                           store->column)));
}

static void
store_bool(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.boolean = DatumGetBool(datum);
}

static void
store_int2(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.integer = DatumGetInt16(datum);
}

static void
store_int4(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.integer = DatumGetInt32(datum);
}

static void
store_int8(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.integer = DatumGetInt64(datum);
}

static void
store_float4(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.real = DatumGetFloat4(datum);
}

static void
store_float4_wider(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.dbl = DatumGetFloat4(datum);
}

static void
store_float8(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.dbl = DatumGetFloat8(datum);
}

static void
store_bytea(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.bytes =
        bridge_slice(pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum)));
}

/* Text of the server's encoding, as a value. */
static void
set_text(const char *text, size_t len, cs_value *value)
{
    char *utf8 = pg_server_to_any(text, (int) len, PG_UTF8);

    value->as.bytes = (cs_slice){utf8, utf8 == text ? len : strlen(utf8)};
}

static void
store_text(AvroStore *store, Datum datum, cs_value *value)
{
    cs_slice text =
        bridge_slice(pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum)));

    set_text(text.data, text.len, value);
}

/* Any type, by its output function. */
static void
store_as_text(AvroStore *store, Datum datum, cs_value *value)
{
    char *text = OutputFunctionCall(&store->output, datum);

    set_text(text, strlen(text), value);
}

/* The same, where settings of the session have a say: always as any session reads it. */
static void
store_as_plain_text(AvroStore *store, Datum datum, cs_value *value)
{
    int level = NewGUCNestLevel();

    for (int i = 0; i < lengthof(plain_settings); i++)
        (void) set_config_option(plain_settings[i].name, plain_settings[i].value, PGC_USERSET,
                                 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    store_as_text(store, datum, value);
    AtEOXact_GUC(true, level);
}

static void
store_timestamptz(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.time = DatumGetTimestampTz(datum);
    if (TIMESTAMP_NOT_FINITE(value->as.time))
        refuse_infinite(store, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE);
}

static void
store_date(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.days = DatumGetDateADT(datum);
    if (DATE_NOT_FINITE(value->as.days))
        refuse_infinite(store, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE);
}

static void
store_time(AvroStore *store, Datum datum, cs_value *value)
{
    value->as.time_of_day = DatumGetTimeADT(datum);
}

static void
store_uuid(AvroStore *store, Datum datum, cs_value *value)
{
    memcpy(value->as.uuid, DatumGetUUIDP(datum)->data, CS_UUID_BYTES);
}

static void
store_numeric(AvroStore *store, Datum datum, cs_value *value)
{
    cs_buffer bytes;
    cs_error err;
    char *text;

    if (numeric_is_nan(DatumGetNumeric(datum)) || numeric_is_inf(DatumGetNumeric(datum)))
        refuse_infinite(store, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE);
    text = OutputFunctionCall(&store->output, datum);
    cs_buffer_init(&bytes, store->env);
    cs_error_clear(&err);
    if (cs_decimal_parse(cs_slice_of(text), store->shape.type->scale, &bytes, &err) != CS_OK)
        refuse_value(store, &err);
    value->as.decimal.data = bytes.data;
    value->as.decimal.len = (uint32_t) bytes.len;
    value->as.decimal.scale = store->shape.type->scale;
}

/* An interval without parts that a duration lacks: a sign, and what is finer than milliseconds. */
static void
store_interval(AvroStore *store, Datum datum, cs_value *value)
{
    const Interval *interval = DatumGetIntervalP(datum);
    int64 millis = interval->time / CS_MILLISECOND;

    if (interval->month < 0 || interval->day < 0 || interval->time < 0 || millis > PG_UINT32_MAX ||
        interval->time % CS_MILLISECOND != 0)
        ereport(ERROR,
                (errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW),
                 errmsg("value of column \"%s\" does not fit an Avro duration", store->column),
                 errdetail("A duration has months, days and milliseconds, none of them negative, "
                           "fractional or over 4294967295.")));
    value->as.duration.months = (uint32_t) interval->month;
    value->as.duration.days = (uint32_t) interval->day;
    value->as.duration.millis = (uint32_t) millis;
}

/* Which types go into which shapes. */
static const struct
{
    Oid type;
    cs_value_kind kind;
    AvroStoreFunction function;
} store_functions[] = {
    {BOOLOID, CS_VALUE_BOOL, store_bool},
    {INT2OID, CS_VALUE_INTEGER, store_int2},
    {INT4OID, CS_VALUE_INTEGER, store_int4},
    {INT8OID, CS_VALUE_INTEGER, store_int8},
    {FLOAT4OID, CS_VALUE_FLOAT, store_float4},
    {FLOAT4OID, CS_VALUE_DOUBLE, store_float4_wider},
    {FLOAT8OID, CS_VALUE_DOUBLE, store_float8},
    {BYTEAOID, CS_VALUE_BYTES, store_bytea},
    {TEXTOID, CS_VALUE_STRING, store_text},
    {VARCHAROID, CS_VALUE_STRING, store_text},
    {BPCHAROID, CS_VALUE_STRING, store_text},
    {TIMESTAMPTZOID, CS_VALUE_TIME, store_timestamptz},
    {TIMESTAMPOID, CS_VALUE_LOCAL_TIME, store_timestamptz}, /* the same representation */
    {DATEOID, CS_VALUE_DATE, store_date},
    {TIMEOID, CS_VALUE_TIME_OF_DAY, store_time},
    {NUMERICOID, CS_VALUE_DECIMAL, store_numeric},
    {UUIDOID, CS_VALUE_UUID, store_uuid},
    {INTERVALOID, CS_VALUE_DURATION, store_interval},
};

/* The function for a type and a shape, NULL if there is none. */
static AvroStoreFunction
find_function(Oid type, cs_value_kind kind)
{
    char category;
    bool is_preferred;

    for (int i = 0; i < lengthof(store_functions); i++)
        if (store_functions[i].type == type && store_functions[i].kind == kind)
            return store_functions[i].function;
    if (kind != CS_VALUE_STRING)
        return NULL;
    get_type_category_preferred(type, &category, &is_preferred);
    if (category == OTHER_CATEGORY ? type < FirstNormalObjectId
                                   : strchr(PLAIN_CATEGORIES, category) != NULL)
        return store_as_text;
    return store_as_plain_text;
}

/* The index of a branch in its union; -1 where the field is no union. */
static int
branch_index(const cs_avro_node *node, const cs_avro_node *branch)
{
    if (node->type == CS_AVRO_UNION)
        for (size_t i = 0; i < node->num_branches; i++)
            if (node->branches[i] == branch)
                return (int) i;
    return -1;
}

/* Prepare to store an array; false if the type or the field is none. */
static bool
prepare_array(AvroStore *store)
{
    Oid item = get_element_type(store->type);

    if (item == InvalidOid || store->shape.kind != CS_VALUE_NESTED ||
        store->shape.type->type != CS_AVRO_ARRAY)
        return false;
    get_typlenbyvalalign(item, &store->item_length, &store->item_by_value, &store->item_align);
    store->branch = branch_index(store->node, store->shape.type);
    store->item = avro_store_make(store->column, item, store->shape.type->items, store->env);
    return true;
}

/* Raise that a field cannot hold a type's values. */
pg_noreturn static void
refuse_type(const AvroStore *store)
{
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, store->env);
    bridge_check(cs_avro_type_describe(store->node, &text, &err), &err);
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("column \"%s\" of type %s cannot be written to an Avro field of type %s",
                           store->column, format_type_be(store->type),
                           avro_server_text((const char *) text.data, text.len))));
}

AvroStore *
avro_store_make(const char *column, Oid type, const cs_avro_node *node, const cs_env *env)
{
    AvroStore *store = palloc0_object(AvroStore);
    Oid output;
    bool is_varlena;

    store->column = column;
    store->type = getBaseType(type);
    store->node = node;
    store->shape = cs_avro_shape_of(node);
    store->env = env;
    store->function = find_function(store->type, store->shape.kind);
    if (store->function == NULL && !prepare_array(store) &&
        !(store->shape.kind == CS_VALUE_NESTED &&
          (store->type == JSONOID || store->type == JSONBOID)))
        refuse_type(store);
    getTypeOutputInfo(store->type, &output, &is_varlena);
    fmgr_info(output, &store->output);
    return store;
}

/* Append a scalar, or NULL. */
static void
append_scalar(AvroStore *store, Datum datum, bool is_null, cs_buffer *buffer)
{
    cs_value value = {.kind = is_null ? CS_VALUE_NULL : store->shape.kind};
    cs_error err;

    if (!is_null)
        store->function(store, datum, &value);
    cs_error_clear(&err);
    if (cs_avro_encode_value(store->node, &value, buffer, &err) != CS_OK)
        refuse_value(store, &err);
}

/* Append JSON. */
static void
append_json(AvroStore *store, Datum datum, cs_buffer *buffer)
{
    cs_value text;
    cs_error err;

    store_as_text(store, datum, &text);
    cs_error_clear(&err);
    if (avro_encode_json_text(store->node, text.as.bytes, buffer, &err) != CS_OK)
        refuse_value(store, &err);
}

/* Append a number of the array's form. */
static void
append_long(const AvroStore *store, int64 number, cs_buffer *buffer)
{
    cs_error err;

    cs_error_clear(&err);
    if (cs_avro_encode_long(number, buffer, &err) != CS_OK)
        refuse_value(store, &err);
}

/* Append an array: its items as one block, then the end. */
static void
append_array(AvroStore *store, Datum datum, cs_buffer *buffer)
{
    ArrayType *array = DatumGetArrayTypeP(datum);
    Datum *items;
    bool *nulls;
    int count;

    if (ARR_NDIM(array) > 1)
        ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
                        errmsg("value of column \"%s\" does not fit its Avro field: it is an array "
                               "of %d dimensions",
                               store->column, ARR_NDIM(array))));
    deconstruct_array(array, ARR_ELEMTYPE(array), store->item_length, store->item_by_value,
                      store->item_align, &items, &nulls, &count);
    if (store->branch >= 0)
        append_long(store, store->branch, buffer);
    if (count > 0)
        append_long(store, count, buffer);
    for (int i = 0; i < count; i++)
    {
        CHECK_FOR_INTERRUPTS();
        avro_store_append(store->item, items[i], nulls[i], buffer);
    }
    append_long(store, 0, buffer);
}

void
avro_store_append(AvroStore *store, Datum datum, bool is_null, cs_buffer *buffer)
{
    if (is_null && !store->shape.nullable)
        ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
                        errmsg("null value in column \"%s\" does not fit its Avro field, which is "
                               "not nullable",
                               store->column)));
    if (is_null || store->function != NULL)
        append_scalar(store, datum, is_null, buffer);
    else if (store->item != NULL)
        append_array(store, datum, buffer);
    else
        append_json(store, datum, buffer);
}

bool
avro_store_is_time(const AvroStore *store)
{
    return store->function == store_timestamptz && store->shape.kind == CS_VALUE_TIME;
}
