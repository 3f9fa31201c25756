/*
 * core/avro_to_json.c
 *     Avro to JSON, as people read it.
 */
#include "avro_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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

/* A number; JSON has none for infinities and NaN. */
static json_t *
real_json(double value)
{
    if (isfinite(value))
        return json_real(value);
    return json_string(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

/* An instant: in UTC with a Z, or without a zone. */
static json_t *
time_json(const cs_value *value)
{
    char text[CS_TIME_TEXT_SIZE + 8];
    size_t len = cs_time_format(value->as.time, text) - 1; /* without the Z */

    if (value->nanos != 0)
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%03d",
                                 strchr(text, '.') != NULL ? "" : ".000000", value->nanos);
    if (value->kind == CS_VALUE_TIME)
        text[len++] = 'Z';
    return json_stringn(text, len);
}

/* A day: what stands before the T of its midnight. */
static json_t *
date_json(int32_t days)
{
    int64_t year;
    int month, day;
    char text[CS_TIME_TEXT_SIZE];

    cs_date_from_days(days, &year, &month, &day);
    snprintf(text, sizeof(text), year > 9999 || year < 0 ? "%+05" PRId64 "-%02d-%02d"
                                                         : "%04" PRId64 "-%02d-%02d",
             year, month, day);
    return json_string(text);
}

/* A time of day: what stands behind the T of that time on some day. */
static json_t *
time_of_day_json(int64_t micros)
{
    char text[CS_TIME_TEXT_SIZE];
    size_t len = cs_time_format(micros, text);
    const char *time = strchr(text, 'T') + 1;

    return json_stringn(time, len - (size_t) (time - text) - 1);
}

/* A duration. */
static json_t *
duration_json(const cs_value *value)
{
    uint32_t millis = value->as.duration.millis;

    return json_sprintf(millis % 1000 != 0 ? "P%uM%uDT%u.%03uS" : "P%uM%uDT%uS",
                        (unsigned) value->as.duration.months, (unsigned) value->as.duration.days,
                        (unsigned) (millis / 1000), (unsigned) (millis % 1000));
}

/* Bytes as \x and hexadecimal digits. */
static json_t *
bytes_json(const cs_env *env, cs_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 2 * bytes.len + 2;
    char *text = bytes.len < SIZE_MAX / 4 ? cs_allocate(env, len) : NULL;
    json_t *json;

    if (text == NULL)
        return NULL;
    memcpy(text, "\\x", 2);
    for (size_t i = 0; i < bytes.len; i++)
    {
        uint8_t byte = (uint8_t) bytes.data[i];

        text[2 * i + 2] = digits[byte >> 4];
        text[2 * i + 3] = digits[byte & 15];
    }
    json = json_stringn_nocheck(text, len);
    cs_release(env, text);
    return json;
}

/* A decimal as text: a JSON reader would round a number. */
static cs_code
decimal_json(const cs_env *env, const cs_value *value, json_t **json, cs_error *err)
{
    cs_buffer text;
    cs_code code;

    cs_buffer_init(&text, env);
    code = cs_decimal_format(value, &text, err);
    if (code == CS_OK)
        *json = json_stringn_nocheck((const char *) text.data, text.len);
    cs_buffer_free(&text);
    return code;
}

/* A UUID. */
static json_t *
uuid_json(const cs_value *value)
{
    char text[CS_UUID_TEXT_SIZE];

    cs_uuid_format(value->as.uuid, text);
    return json_string(text);
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
            *json = real_json(value->as.real);
            break;
        case CS_VALUE_DOUBLE:
            *json = real_json(value->as.dbl);
            break;
        case CS_VALUE_BYTES:
            *json = bytes_json(env, value->as.bytes);
            break;
        case CS_VALUE_STRING:
            *json = json_stringn_nocheck(value->as.bytes.data, value->as.bytes.len);
            break;
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            *json = time_json(value);
            break;
        case CS_VALUE_DATE:
            *json = date_json(value->as.days);
            break;
        case CS_VALUE_TIME_OF_DAY:
            *json = time_of_day_json(value->as.time_of_day);
            break;
        case CS_VALUE_DECIMAL:
            return decimal_json(env, value, json, err);
        case CS_VALUE_UUID:
            *json = uuid_json(value);
            break;
        case CS_VALUE_DURATION:
            *json = duration_json(value);
            break;
        case CS_VALUE_NESTED:
            break;
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
        return cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON value");
    if (top == NULL)
        b->result = json;
    else if (json_is_array(top->container))
        failed = json_array_append_new(top->container, json);
    else
        failed = json_object_setn_new_nocheck(top->container, top->key.data, top->key.len, json);
    return failed == 0 ? CS_OK : cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON value");
}

/* cs_avro_visitor.begin */
static cs_code
begin(void *ctx, cs_avro_type type, cs_error *err)
{
    building *b = ctx;
    json_t *container = type == CS_AVRO_ARRAY ? json_array() : json_object();

    if (container == NULL)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory: no JSON value");
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

cs_code
cs_avro_value_json(const cs_avro_plan *plan, const cs_value *value, json_t **json, cs_error *err)
{
    building b = {.env = cs_avro_plan_env(plan)};
    const cs_avro_visitor visitor = {&b, begin, key, scalar, end};
    cs_code code = cs_avro_walk(plan, value, &visitor, err);

    while (b.depth > 0) /* after an error */
        json_decref(b.levels[--b.depth].container);
    cs_release(b.env, b.levels);
    if (code != CS_OK)
        json_decref(b.result);
    *json = code == CS_OK ? b.result : NULL;
    return code;
}
