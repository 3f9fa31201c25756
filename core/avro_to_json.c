/*
 * core/avro_to_json.c
 *     Avro to JSON, as people read it.
 */
#include "avro_json.h"

#include <jansson.h>

/* An array or object that is not complete yet. */
typedef struct level
{
    json_t *container;
    cs_slice key; /* of the value to come; objects only */
} level;

typedef struct building
{
    const cs_env *env;
    level *levels; /* from the outside in */
    size_t depth;
    size_t capacity;
    json_t *result;
} building;

/* A value that JSON has no form for, as text: a JSON reader would round a decimal, too. */
static cs_code
text_json(const cs_env *env, const cs_value *value, json_t **json, cs_error *err)
{
    cs_buffer text;
    cs_code code;

    cs_buffer_init(&text, env);
    code = cs_value_text(value, &text, err);
    if (code == CS_OK)
        *json = json_stringn_nocheck((const char *) text.data, text.len);
    cs_buffer_free(&text);
    return code;
}

/* A finished scalar; *json is NULL where memory runs out. */
static cs_code
scalar_json(const cs_env *env, const cs_value *value, json_t **json, cs_error *err)
{
    *json = NULL;
    switch (value->kind)
    {
        case CS_VALUE_NULL:
            *json = json_null();
            break;
        case CS_VALUE_BOOL:
            *json = json_boolean(value->as.boolean);
            break;
        case CS_VALUE_INTEGER:
            *json = json_integer(value->as.integer);
            break;
        case CS_VALUE_FLOAT:
            *json = cs_json_real(value->as.real);
            break;
        case CS_VALUE_DOUBLE:
            *json = cs_json_real(value->as.dbl);
            break;
        case CS_VALUE_STRING:
            *json = json_stringn_nocheck(value->as.bytes.data, value->as.bytes.len);
            break;
        default:
            return text_json(env, value, json, err);
    }
    return CS_OK;
}

/* Put a value, whose reference is taken, where it belongs. */
static cs_code
put(building *b, json_t *json, cs_error *err)
{
    level *top = b->depth > 0 ? &b->levels[b->depth - 1] : NULL;
    int failed = 0;

    if (json == NULL)
        return cs_fail_json_memory(err);
    if (top == NULL)
        b->result = json;
    else if (json_is_array(top->container))
        failed = json_array_append_new(top->container, json);
    else
        failed = json_object_setn_new_nocheck(top->container, top->key.data, top->key.len, json);
    return failed == 0 ? CS_OK : cs_fail_json_memory(err);
}

/* cs_avro_visitor.begin */
static cs_code
begin(void *ctx, cs_avro_type type, cs_error *err)
{
    building *b = ctx;
    json_t *container = type == CS_AVRO_ARRAY ? json_array() : json_pack("{}");

    if (container == NULL)
        return cs_fail_json_memory(err);
    if (cs_grow_array(b->env, (void **) &b->levels, &b->capacity, b->depth + 1, sizeof(level),
                      err) != CS_OK)
    {
        json_decref(container);
        return CS_ERR_MEMORY;
    }
    b->levels[b->depth++] = (level){container, {NULL, 0}};
    return CS_OK;
}

/* cs_avro_visitor.key */
static cs_code
key(void *ctx, cs_slice text, cs_error *err)
{
    building *b = ctx;

    (void) err;
    b->levels[b->depth - 1].key = text;
    return CS_OK;
}

/* cs_avro_visitor.scalar */
static cs_code
scalar(void *ctx, const cs_value *value, cs_error *err)
{
    building *b = ctx;
    json_t *json;

    CS_TRY(scalar_json(b->env, value, &json, err));
    return put(b, json, err);
}

/* cs_avro_visitor.end */
static cs_code
end(void *ctx, cs_avro_type type, cs_error *err)
{
    building *b = ctx;

    (void) type;
    return put(b, b->levels[--b->depth].container, err);
}

/* cs_avro_text_judge: NUL characters are fine. */
static cs_code
judge_nul(void *ctx, cs_slice text, cs_error *err)
{
    (void) ctx;
    if (!cs_utf8_valid(text.data, text.len))
        return CS_ERR_RANGE;
    cs_error_clear(err);
    return CS_OK;
}

/* A value as JSON, with a judge of its strings. */
static cs_code
value_json(const cs_avro_plan *plan, const cs_value *value, cs_avro_text_judge judge, json_t **json,
           cs_error *err)
{
    building b = {.env = cs_avro_plan_env(plan)};
    const cs_avro_visitor visitor = {&b, begin, key, scalar, end};
    cs_code code = cs_avro_walk_judged(plan, value, &visitor, judge, err);

    while (b.depth > 0) /* after an error */
        json_decref(b.levels[--b.depth].container);
    cs_release(b.env, b.levels);
    if (code != CS_OK)
        json_decref(b.result);
    *json = code == CS_OK ? b.result : NULL;
    return code;
}

cs_code
cs_avro_value_json(const cs_avro_plan *plan, const cs_value *value, json_t **json, cs_error *err)
{
    return value_json(plan, value, NULL, json, err);
}

cs_code
cs_avro_value_json_nul(const cs_avro_plan *plan, const cs_value *value, json_t **json,
                       cs_error *err)
{
    return value_json(plan, value, judge_nul, json, err);
}
