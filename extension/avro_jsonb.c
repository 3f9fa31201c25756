/*
 * extension/avro_jsonb.c
 *     Avro values as jsonb.
 *
 * Core walks a value and calls back for each of its parts, which are pushed
 * into a jsonb being built. What jsonb itself refuses is raised through core,
 * which holds nothing but memory of its environment.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "avro_jsonb.h"
#include "compat.h"
#include "core_bridge.h"

/* Items of one array, pairs of one object: the most that fit one allocation, which doubles. */
#define MAX_ITEMS (MaxAllocSize / sizeof(JsonbValue) / 2)
#define MAX_PAIRS (MaxAllocSize / sizeof(JsonbPair) / 2)

/* A jsonb being built. */
typedef struct JsonbBuild
{
    const cs_env *env;
    JsonbParseState *state; /* NULL outside of all arrays and objects */
    JsonbValue *result;
} JsonbBuild;

/* Make text a value; it is in UTF-8, and copied where it needs another encoding. */
static cs_code
set_text(JsonbValue *item, const char *text, size_t len, cs_error *err)
{
    if (len > JENTRY_OFFLENMASK)
        return cs_fail(err, CS_ERR_LIMIT, "text of %zu bytes is too long for jsonb", len);
    item->type = jbvString;
    item->val.string.val = pg_any_to_server(text, (int) len, PG_UTF8);
    item->val.string.len =
        item->val.string.val == text ? (int) len : (int) strlen(item->val.string.val);
    return CS_OK;
}

/* Make the text of a number a value. */
static void
set_number(JsonbValue *item, const char *text)
{
    item->type = jbvNumeric;
    item->val.numeric = DatumGetNumeric(DirectFunctionCall3(
        numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* Make a float or a double, whose shortest exact text is given, a value. */
static cs_code
set_float(JsonbValue *item, double value, const char *shortest, cs_error *err)
{
    if (isnan(value))
        return set_text(item, "NaN", 3, err);
    if (isinf(value))
        return value > 0 ? set_text(item, "Infinity", 8, err) : set_text(item, "-Infinity", 9, err);
    set_number(item, shortest);
    return CS_OK;
}

/* Make a value that JSON has no type for a value: the text that core has for it. */
static cs_code
set_value_text(JsonbBuild *build, JsonbValue *item, const cs_value *value, cs_error *err)
{
    cs_buffer text;

    cs_buffer_init(&text, build->env);
    CS_TRY(cs_value_text(value, &text, err));
    return set_text(item, (const char *) text.data, text.len, err);
}

cs_code
avro_decimal_numeric(const cs_env *env, const cs_value *value, Datum *numeric, cs_error *err)
{
    cs_buffer text;

    cs_buffer_init(&text, env);
    CS_TRY(cs_decimal_format(value, &text, err));
    CS_TRY(cs_buffer_append(&text, "", 1, err));
    *numeric = DirectFunctionCall3(numeric_in, CStringGetDatum((char *) text.data),
                                   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
    cs_buffer_free(&text);
    return CS_OK;
}

/* Make a finished scalar a value. */
static cs_code
set_scalar(JsonbBuild *build, JsonbValue *item, const cs_value *value, cs_error *err)
{
    char text[DOUBLE_SHORTEST_DECIMAL_LEN];
    Datum numeric;

    switch (value->kind)
    {
        case CS_VALUE_NULL:
            item->type = jbvNull;
            return CS_OK;
        case CS_VALUE_BOOL:
            item->type = jbvBool;
            item->val.boolean = value->as.boolean;
            return CS_OK;
        case CS_VALUE_INTEGER:
            item->type = jbvNumeric;
            item->val.numeric = int64_to_numeric(value->as.integer);
            return CS_OK;
        case CS_VALUE_FLOAT:
            float_to_shortest_decimal_buf(value->as.real, text);
            return set_float(item, value->as.real, text, err);
        case CS_VALUE_DOUBLE:
            double_to_shortest_decimal_buf(value->as.dbl, text);
            return set_float(item, value->as.dbl, text, err);
        case CS_VALUE_STRING:
            return set_text(item, value->as.bytes.data, value->as.bytes.len, err);
        case CS_VALUE_DECIMAL:
            CS_TRY(avro_decimal_numeric(build->env, value, &numeric, err));
            item->type = jbvNumeric;
            item->val.numeric = DatumGetNumeric(numeric);
            return CS_OK;
        default:
            return set_value_text(build, item, value, err);
    }
}

/* Refuse one more item where the array or object is full. */
static cs_code
check_room(const JsonbBuild *build, cs_error *err)
{
    const JsonbValue *open = &build->state->contVal;

    if (open->type == jbvArray ? open->val.array.nElems >= (int) MAX_ITEMS
                               : open->val.object.nPairs >= (int) MAX_PAIRS)
        return cs_fail(err, CS_ERR_LIMIT, "too many items for jsonb");
    return CS_OK;
}

/* cs_avro_visitor.begin */
static cs_code
begin_container(void *ctx, cs_avro_type type, cs_error *err)
{
    JsonbBuild *build = ctx;

    CHECK_FOR_INTERRUPTS();
    if (build->state != NULL)
        CS_TRY(check_room(build, err));
    pushJsonbValue(&build->state, type == CS_AVRO_ARRAY ? WJB_BEGIN_ARRAY : WJB_BEGIN_OBJECT, NULL);
    return CS_OK;
}

/* cs_avro_visitor.key */
static cs_code
add_key(void *ctx, cs_slice key, cs_error *err)
{
    JsonbBuild *build = ctx;
    JsonbValue item;

    CS_TRY(check_room(build, err));
    CS_TRY(set_text(&item, key.data, key.len, err));
    pushJsonbValue(&build->state, WJB_KEY, &item);
    return CS_OK;
}

/* cs_avro_visitor.scalar */
static cs_code
add_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    JsonbBuild *build = ctx;
    JsonbValue *item;
    JsonbValue inner;

    CHECK_FOR_INTERRUPTS();
    item = build->state != NULL ? &inner : palloc(sizeof(JsonbValue));
    CS_TRY(set_scalar(build, item, value, err));
    if (build->state == NULL)
        build->result = item;
    else if (build->state->contVal.type == jbvArray)
    {
        CS_TRY(check_room(build, err));
        pushJsonbValue(&build->state, WJB_ELEM, item);
    }
    else
        pushJsonbValue(&build->state, WJB_VALUE, item);
    return CS_OK;
}

/* cs_avro_visitor.end */
static cs_code
end_container(void *ctx, cs_avro_type type, cs_error *err)
{
    JsonbBuild *build = ctx;

    build->result =
        pushJsonbValue(&build->state, type == CS_AVRO_ARRAY ? WJB_END_ARRAY : WJB_END_OBJECT, NULL);
    return CS_OK;
}

/* A visitor that builds. */
static cs_avro_visitor
builder(JsonbBuild *build)
{
    return (cs_avro_visitor){
        .ctx = build,
        .begin = begin_container,
        .key = add_key,
        .scalar = add_scalar,
        .end = end_container,
    };
}

cs_code
avro_value_jsonb(const cs_avro_plan *plan, const cs_value *value, Jsonb **jsonb, cs_error *err)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    JsonbBuild build = {.env = &env};
    cs_avro_visitor visitor = builder(&build);

    CS_TRY(cs_avro_walk(plan, value, &visitor, err));
    *jsonb = JsonbValueToJsonb(build.result);
    return CS_OK;
}

cs_code
avro_record_jsonb(const cs_avro_plan *plan, const cs_avro_schema *schema, const cs_value *values,
                  Jsonb **jsonb, cs_error *err)
{
    cs_env env = bridge_env(CurrentMemoryContext);
    JsonbBuild build = {.env = &env};
    cs_avro_visitor visitor = builder(&build);

    CS_TRY(begin_container(&build, CS_AVRO_RECORD, err));
    for (size_t i = 0; i < schema->num_fields; i++)
    {
        CS_TRY(add_key(&build, cs_slice_of(schema->fields[i].name), err));
        CS_TRY(cs_avro_walk(plan, &values[i], &visitor, err));
    }
    CS_TRY(end_container(&build, CS_AVRO_RECORD, err));
    *jsonb = JsonbValueToJsonb(build.result);
    return CS_OK;
}
