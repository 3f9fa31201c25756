/*
 * core/avro_decode.c
 *     Decoding records by a plan.
 *
 * A plan has one step for each field of the writer's schema, in file order:
 * how to read it and where its value goes. Nothing is looked up by name and
 * nothing is allocated per record.
 */
#include "avro_decode.h"
#include "varint.h"

#define SKIP (-1)

/* How one field is read. */
typedef struct plan_step
{
    const cs_avro_field *field;
    int target; /* index into values, or SKIP */
} plan_step;

struct cs_avro_plan
{
    const cs_env *env;
    size_t num_steps;
    plan_step steps[];
};

cs_code
cs_avro_plan_make(const cs_env *env, const cs_avro_schema *schema, const int *wanted, size_t count,
                  cs_avro_plan **out, cs_error *err)
{
    size_t size = sizeof(cs_avro_plan) + schema->num_fields * sizeof(plan_step);
    cs_avro_plan *plan = cs_allocate(env, size);

    *out = plan;
    if (plan == NULL)
        return cs_fail_memory(err, size);
    plan->env = env;
    plan->num_steps = schema->num_fields;
    for (size_t i = 0; i < schema->num_fields; i++)
        plan->steps[i] = (plan_step){&schema->fields[i], SKIP};
    for (size_t i = 0; i < count; i++)
        plan->steps[wanted[i]].target = (int) i;
    return CS_OK;
}

/* Free the plan; NULL is fine. */
void
cs_avro_plan_free(cs_avro_plan *plan)
{
    if (plan != NULL)
        plan->env->release(plan->env->ctx, plan);
}

void
cs_avro_cursor_init(cs_avro_cursor *cursor, const cs_avro_plan *plan, const cs_avro_block *block)
{
    *cursor = (cs_avro_cursor){plan, block, block->data, 0};
}

/* The bytes left in the block. */
static size_t
bytes_left(const cs_avro_cursor *cursor)
{
    return (size_t) (cursor->block->data + cursor->block->len - cursor->at);
}

/* Read a long; false if the bytes run out or do not fit. */
static bool
read_long(cs_avro_cursor *cursor, int64_t *value)
{
    uint64_t raw;
    const uint8_t *next = cs_varint_get(cursor->at, cursor->block->data + cursor->block->len, &raw);

    if (next == NULL)
        return false;
    cursor->at = next;
    *value = cs_unzigzag(raw);
    return true;
}

/* Read len bytes of little-endian number into out. */
static bool
read_fixed(cs_avro_cursor *cursor, void *out, size_t len)
{
    if (bytes_left(cursor) < len)
        return false;
    memcpy(out, cursor->at, len);
    cursor->at += len;
    return true;
}

/* Read a length and that many bytes. */
static bool
read_slice(cs_avro_cursor *cursor, cs_slice *slice)
{
    int64_t len;

    if (!read_long(cursor, &len) || len < 0 || (uint64_t) len > bytes_left(cursor))
        return false;
    *slice = (cs_slice){(const char *) cursor->at, (size_t) len};
    cursor->at += len;
    return true;
}

/* Read a boolean: one byte, 0 or 1. */
static bool
read_boolean(cs_avro_cursor *cursor, bool *value)
{
    if (bytes_left(cursor) < 1 || *cursor->at > 1)
        return false;
    *value = *cursor->at++;
    return true;
}

/* Take a union's branch; false if it is out of range. */
static bool
read_branch(cs_avro_cursor *cursor, const cs_avro_field *field, bool *is_null)
{
    int64_t branch;

    if (!read_long(cursor, &branch) || branch < 0 || branch > 1)
        return false;
    *is_null = branch == field->null_branch;
    return true;
}

/* Read the field's bytes into value, unchecked beyond their form. */
static bool
read_value(cs_avro_cursor *cursor, const cs_avro_field *field, cs_value *value)
{
    bool is_null = field->type == CS_AVRO_NULL;

    if (field->nullable && !read_branch(cursor, field, &is_null))
        return false;
    if (is_null)
    {
        value->kind = CS_VALUE_NULL;
        return true;
    }
    switch (field->type)
    {
        case CS_AVRO_NULL:
            return true;
        case CS_AVRO_BOOLEAN:
            value->kind = CS_VALUE_BOOL;
            return read_boolean(cursor, &value->as.boolean);
        case CS_AVRO_INT:
            value->kind = CS_VALUE_INTEGER;
            return read_long(cursor, &value->as.integer) && value->as.integer >= INT32_MIN &&
                   value->as.integer <= INT32_MAX;
        case CS_AVRO_LONG:
            value->kind = CS_VALUE_INTEGER;
            return read_long(cursor, &value->as.integer);
        case CS_AVRO_FLOAT:
            value->kind = CS_VALUE_FLOAT;
            return read_fixed(cursor, &value->as.real, sizeof(float));
        case CS_AVRO_DOUBLE:
            value->kind = CS_VALUE_DOUBLE;
            return read_fixed(cursor, &value->as.dbl, sizeof(double));
        case CS_AVRO_BYTES:
            value->kind = CS_VALUE_BYTES;
            return read_slice(cursor, &value->as.bytes);
        case CS_AVRO_STRING:
            value->kind = CS_VALUE_STRING;
            return read_slice(cursor, &value->as.bytes);
    }
    return false;
}

/* Turn a long into an instant. */
static cs_code
check_time(const cs_avro_field *field, cs_value *value, cs_error *err)
{
    int64_t unit = field->logical == CS_LOGICAL_TIMESTAMP_MILLIS ? 1000 : 1;
    int64_t time;

    if (__builtin_sub_overflow(value->as.integer, CS_UNIX_OFFSET / unit, &time) ||
        __builtin_mul_overflow(time, unit, &time) || !cs_time_valid(time))
        return cs_fail(err, CS_ERR_RANGE, "field \"%s\": timestamp %lld is out of range",
                       field->name, (long long) value->as.integer);
    value->kind = CS_VALUE_TIME;
    value->as.time = time;
    return CS_OK;
}

/* Check a well-formed value that is wanted, and convert it to its logical type. */
static cs_code
check_value(const cs_avro_field *field, cs_value *value, cs_error *err)
{
    if (value->kind == CS_VALUE_STRING)
    {
        if (memchr(value->as.bytes.data, '\0', value->as.bytes.len) != NULL)
            return cs_fail(err, CS_ERR_RANGE, "field \"%s\": string holds a NUL character",
                           field->name);
        if (!cs_utf8_valid(value->as.bytes.data, value->as.bytes.len))
            return cs_fail(err, CS_ERR_RANGE, "field \"%s\": string is not valid UTF-8",
                           field->name);
    }
    if (value->kind == CS_VALUE_INTEGER && field->logical != CS_LOGICAL_NONE)
        return check_time(field, value, err);
    return CS_OK;
}

/* Say at which record err happened. */
static cs_code
locate(const cs_avro_cursor *cursor, cs_code code, cs_error *err)
{
    err->offset = (int64_t) cursor->block->offset;
    err->record = cursor->block->first_record + cursor->done;
    return code;
}

cs_code
cs_avro_cursor_next(cs_avro_cursor *cursor, cs_value *values, cs_error *err)
{
    const cs_avro_plan *plan = cursor->plan;
    cs_code refused = CS_OK;

    if (cursor->done == cursor->block->records)
    {
        if (bytes_left(cursor) == 0)
            return CS_END;
        cs_fail(err, CS_ERR_DATA, "block holds %zu bytes behind its %lld declared records",
                bytes_left(cursor), (long long) cursor->block->records);
        return locate(cursor, CS_ERR_DATA, err);
    }
    for (size_t i = 0; i < plan->num_steps; i++)
    {
        const plan_step *step = &plan->steps[i];
        cs_value skipped;
        cs_value *value = step->target == SKIP ? &skipped : &values[step->target];

        if (!read_value(cursor, step->field, value))
        {
            cs_fail(err, CS_ERR_DATA, "field \"%s\" is damaged: not a valid %s", step->field->name,
                    cs_avro_type_name(step->field->type));
            return locate(cursor, CS_ERR_DATA, err);
        }
        if (step->target != SKIP)
        {
            cs_error later; /* of a second refusal; the first one is reported */
            cs_code code = check_value(step->field, value, refused == CS_OK ? err : &later);

            if (code != CS_OK && refused == CS_OK)
            {
                refused = code;
                err->field = (int) i;
            }
        }
    }
    if (refused != CS_OK)
        locate(cursor, refused, err);
    cursor->done++;
    return refused;
}
