/*
 * core/avro_schema.c
 *     Names and descriptions of types; the life of a schema. Parsing is in avro_parse.c.
 */
#include "avro_schema.h"

static const char *const type_names[] = {
    "null",   "boolean", "int",  "long",  "float", "double", "bytes",
    "string", "fixed",   "enum", "array", "map",   "record", "union",
};

static const char *const logical_names[] = {
    NULL,
    "date",
    "time-millis",
    "time-micros",
    "timestamp-millis",
    "timestamp-micros",
    "timestamp-nanos",
    "local-timestamp-millis",
    "local-timestamp-micros",
    "local-timestamp-nanos",
    "decimal",
    "uuid",
    "duration",
};

const char *
cs_avro_type_name(cs_avro_type type)
{
    return type_names[type];
}

const char *
cs_avro_logical_name(cs_avro_logical logical)
{
    return logical_names[logical];
}

const char *
cs_avro_short_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL ? dot + 1 : name;
}

bool
cs_avro_is_name(cs_slice text)
{
    for (size_t i = 0; i < text.len; i++)
    {
        char c = text.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.len > 0;
}

bool
cs_avro_names_have(const cs_avro_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

/* Append a terminated text. */
static cs_code
append_text(cs_buffer *text, const char *more, cs_error *err)
{
    return cs_buffer_append(text, more, strlen(more), err);
}

/* Append a union's branches. */
static cs_code
describe_union(const cs_avro_node *type, cs_buffer *text, cs_error *err)
{
    CS_TRY(append_text(text, "union<", err));
    for (size_t i = 0; i < type->num_branches; i++)
    {
        if (i > 0)
            CS_TRY(append_text(text, ", ", err));
        CS_TRY(cs_avro_type_describe(type->branches[i], text, err));
    }
    return append_text(text, ">", err);
}

/* The recursion ends at named types, so it is no deeper than the schema's text. */
cs_code
cs_avro_type_describe(const cs_avro_node *type, cs_buffer *text, cs_error *err)
{
    if (type->logical == CS_LOGICAL_DECIMAL)
        return cs_buffer_printf(text, err, "decimal(%d,%d)", type->precision, type->scale);
    if (type->logical != CS_LOGICAL_NONE)
        return append_text(text, cs_avro_logical_name(type->logical), err);
    if (type->type == CS_AVRO_UNION)
        return describe_union(type, text, err);
    CS_TRY(append_text(text, cs_avro_type_name(type->type), err));
    switch (type->type)
    {
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            CS_TRY(append_text(text, "<", err));
            CS_TRY(cs_avro_type_describe(type->items, text, err));
            return append_text(text, ">", err);
        case CS_AVRO_RECORD:
        case CS_AVRO_ENUM:
        case CS_AVRO_FIXED:
            CS_TRY(append_text(text, " ", err));
            CS_TRY(append_text(text, cs_avro_short_name(type->name), err));
            if (type->type == CS_AVRO_FIXED)
                return cs_buffer_printf(text, err, "(%zu)", type->size);
            return CS_OK;
        default:
            return CS_OK;
    }
}

/* Free the schema; NULL is fine. */
void
cs_avro_schema_free(cs_avro_schema *schema)
{
    if (schema == NULL)
        return;
    cs_arena_free(&schema->arena);
    cs_release(schema->env, schema);
}

int
cs_avro_schema_find(const cs_avro_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->num_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return (int) i;
    return -1;
}
