/*
 * core/avro_merge_write.c
 *     A merged type as a schema.
 *
 * A default is written anew from its encoding: the type that its field got may
 * count in another unit, or hold bytes where there was text. Types of one name
 * that could not become one get names of their own, with the old one as alias.
 */
#include "avro_bytes.h"
#include "avro_json.h"
#include "avro_merge_parts.h"

#include <jansson.h>

typedef struct writing
{
    const cs_env *env;
    cs_arena *arena;
    json_t *names; /* of the types written so far */
    cs_code code;  /* the first failure; what follows it does not matter */
    cs_error *err;
} writing;

static json_t *write_type(writing *w, cs_merged_type *type);
static json_t *write_default(writing *w, const cs_avro_node *from, const cs_merged_type *to,
                             cs_avro_bytes *in);

/* Note a failure to get memory. */
static void
fail_memory(writing *w)
{
    if (w->code == CS_OK)
        w->code = cs_fail_json_memory(w->err);
}

/* Put a value, whose reference is taken, into an object. */
static void
put(writing *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        fail_memory(w);
}

/* Append a value, whose reference is taken, to a list. */
static void
append(writing *w, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0)
        fail_memory(w);
}

/* The branch of a union that holds values of a type; a type that is no union is its own. */
static const cs_merged_type *
branch_of(const cs_merged_type *to, const cs_avro_node *from)
{
    const cs_merged_type *similar = to;

    if (to->type.type != CS_AVRO_UNION)
        return to;
    for (size_t i = 0; i < to->num_branches; i++)
    {
        const cs_merged_type *branch = to->branches[i];

        if (branch->type.type == from->type &&
            (from->name == NULL || strcmp(branch->type.name, from->name) == 0 ||
             cs_merged_names_have(&branch->aliases, from->name)))
            return branch;
        if (branch->type.type > from->type && branch->type.type <= CS_AVRO_DOUBLE &&
            from->type >= CS_AVRO_INT)
            similar = branch;
        if (branch->type.type == CS_AVRO_BYTES && from->type == CS_AVRO_STRING)
            similar = branch;
    }
    return similar;
}

/* The units in a second of a logical type, 1 if it does not count time. */
static int64_t
unit_of(cs_avro_logical logical)
{
    switch (logical)
    {
        case CS_LOGICAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
            return 1000;
        case CS_LOGICAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MICROS:
            return 1000000;
        case CS_LOGICAL_TIMESTAMP_NANOS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_NANOS:
            return 1000000000;
        default:
            return 1;
    }
}

/* A number, in the unit of the type that it gets. */
static json_t *
write_number(writing *w, const cs_avro_node *from, const cs_merged_type *to, cs_avro_bytes *in)
{
    int64_t factor = unit_of(to->type.logical) / unit_of(from->logical);
    int64_t number = 0;

    (void) cs_bytes_long(in, &number); /* it was encoded here */
    if (factor > 1 && __builtin_mul_overflow(number, factor, &number) && w->code == CS_OK)
        w->code =
            cs_fail(w->err, CS_ERR_ARGUMENT, "default of type %s is out of range for %s",
                    cs_avro_logical_name(from->logical), cs_avro_logical_name(to->type.logical));
    return json_integer(number);
}

/* A number with a fraction. */
static json_t *
write_real(const cs_avro_node *from, cs_avro_bytes *in)
{
    const uint8_t *data = in->at;
    double number;
    float real;

    (void) cs_bytes_take(in, (uint64_t) from->fixed_bytes, &data);
    if (from->type == CS_AVRO_FLOAT)
    {
        memcpy(&real, data, sizeof(real));
        number = real;
    }
    else
        memcpy(&number, data, sizeof(number));
    return cs_json_real(number);
}

/* Bytes as a string of code points. */
static json_t *
write_code_points(writing *w, cs_slice bytes)
{
    cs_buffer text;
    json_t *json = NULL;

    cs_buffer_init(&text, w->env);
    if (bytes.len < SIZE_MAX / 2 && cs_buffer_reserve(&text, 2 * bytes.len + 1, w->err) == CS_OK)
    {
        for (size_t i = 0; i < bytes.len; i++)
        {
            uint8_t byte = (uint8_t) bytes.data[i];

            if (byte >= 0x80)
                text.data[text.len++] = (uint8_t) (0xc0 | byte >> 6);
            text.data[text.len++] = byte >= 0x80 ? (uint8_t) (0x80 | (byte & 0x3f)) : byte;
        }
        json = json_stringn((const char *) text.data, text.len);
    }
    cs_buffer_free(&text);
    return json;
}

/* Text, or bytes, or a symbol. */
static json_t *
write_text(writing *w, const cs_avro_node *from, const cs_merged_type *to, cs_avro_bytes *in)
{
    const uint8_t *data = in->at;
    cs_slice bytes = {NULL, 0};
    int64_t number = 0;

    if (from->type == CS_AVRO_ENUM)
    {
        (void) cs_bytes_long(in, &number);
        return json_string(from->symbols.items[number]);
    }
    if (from->type == CS_AVRO_FIXED)
    {
        (void) cs_bytes_take(in, from->size, &data);
        return write_code_points(w, (cs_slice){(const char *) data, from->size});
    }
    (void) cs_bytes_slice(in, &bytes);
    return to->type.type == CS_AVRO_STRING ? json_stringn(bytes.data, bytes.len)
                                           : write_code_points(w, bytes);
}

/* The items of an array or a map. */
static json_t *
write_items(writing *w, const cs_avro_node *from, const cs_merged_type *to, cs_avro_bytes *in)
{
    json_t *items = from->type == CS_AVRO_ARRAY ? json_array() : json_pack("{}");
    int64_t count = 0;

    while (cs_bytes_long(in, &count) && count != 0)
        for (; count > 0; count--)
        {
            cs_slice key = {NULL, 0};

            if (from->type == CS_AVRO_ARRAY)
                append(w, items, write_default(w, from->items, to->items, in));
            else if (!cs_bytes_slice(in, &key) ||
                     json_object_setn_new(items, key.data, key.len,
                                          write_default(w, from->items, to->items, in)) != 0)
                fail_memory(w);
        }
    return items;
}

/* The field that another one became: of its name, else with that alias. */
static const cs_merged_field *
field_of(const cs_merged_type *to, const char *name)
{
    for (size_t i = 0; i < to->num_fields; i++)
        if (strcmp(to->fields[i].name, name) == 0)
            return &to->fields[i];
    for (size_t i = 0; i < to->num_fields; i++)
        if (cs_merged_names_have(&to->fields[i].aliases, name))
            return &to->fields[i];
    return NULL;
}

/* The fields of a record. */
static json_t *
write_members(writing *w, const cs_avro_node *from, const cs_merged_type *to, cs_avro_bytes *in)
{
    json_t *members = json_pack("{}");

    for (size_t i = 0; i < from->num_fields; i++)
    {
        const cs_merged_field *field = field_of(to, from->fields[i].name);

        if (field != NULL) /* it always is there */
            put(w, members, field->name, write_default(w, from->fields[i].type, field->type, in));
    }
    return members;
}

/* An encoded value of some schema's type as a default of the type that this became. */
static json_t *
write_default(writing *w, const cs_avro_node *from, const cs_merged_type *to, cs_avro_bytes *in)
{
    const uint8_t *data;
    int64_t branch = 0;

    if (from->type == CS_AVRO_UNION)
    {
        (void) cs_bytes_long(in, &branch);
        from = from->branches[branch];
    }
    to = branch_of(to, from);
    switch (from->type)
    {
        case CS_AVRO_NULL:
        case CS_AVRO_UNION: /* there is none inside a union */
            return json_null();
        case CS_AVRO_BOOLEAN:
            return cs_bytes_take(in, 1, &data) && *data != 0 ? json_true() : json_false();
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
            return write_number(w, from, to, in);
        case CS_AVRO_FLOAT:
        case CS_AVRO_DOUBLE:
            return write_real(from, in);
        case CS_AVRO_BYTES:
        case CS_AVRO_STRING:
        case CS_AVRO_FIXED:
        case CS_AVRO_ENUM:
            return write_text(w, from, to, in);
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            return write_items(w, from, to, in);
        case CS_AVRO_RECORD:
            return write_members(w, from, to, in);
    }
    return NULL;
}

/* The default of a field that has one. */
static json_t *
write_field_default(writing *w, const cs_merged_field *field)
{
    const cs_slice bytes = field->fallback->default_bytes;
    const uint8_t *data = (const uint8_t *) bytes.data;
    cs_avro_bytes in = {.at = data, .end = data + bytes.len, .env = w->env};

    return write_default(w, field->fallback->type, field->type, &in);
}

/* Names as JSON, without the one that the type or field has. */
static json_t *
write_names(writing *w, const cs_merged_names *names, const char *own)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->count; i++)
        if (own == NULL || strcmp(names->items[i], own) != 0)
            append(w, list, json_string(names->items[i]));
    return list;
}

/* Put the aliases into an object, where there are any. */
static void
write_aliases(writing *w, json_t *object, const cs_merged_names *aliases, const char *own)
{
    json_t *list = write_names(w, aliases, own);

    if (json_array_size(list) > 0)
        put(w, object, "aliases", list);
    else
        json_decref(list);
}

/* True if the type takes null. */
static bool
takes_null(const cs_merged_type *type)
{
    for (size_t i = 0; i < type->num_branches; i++)
        if (type->branches[i]->type.type == CS_AVRO_NULL)
            return true;
    return type->type.type == CS_AVRO_NULL;
}

/* A type that also takes null. */
static json_t *
write_nullable(writing *w, cs_merged_type *type)
{
    json_t *list;

    if (takes_null(type))
        return write_type(w, type);
    list = json_array();
    append(w, list, json_string("null"));
    if (type->type.type != CS_AVRO_UNION)
        append(w, list, write_type(w, type));
    for (size_t i = 0; i < type->num_branches; i++)
        append(w, list, write_type(w, type->branches[i]));
    return list;
}

/* A field; one that some schema lacks has a default. */
static json_t *
write_field(writing *w, const cs_merged_field *field)
{
    bool nullable = field->missing && field->fallback == NULL;
    json_t *object = json_pack("{ss}", "name", field->name);

    write_aliases(w, object, &field->aliases, field->name);
    put(w, object, "type", nullable ? write_nullable(w, field->type) : write_type(w, field->type));
    if (nullable)
        put(w, object, "default", json_null());
    else if (field->fallback != NULL)
        put(w, object, "default", write_field_default(w, field));
    return object;
}

/* Choose the name under which a type is written: its own, or one that is free. */
static void
choose_name(writing *w, cs_merged_type *type)
{
    const char *name = type->type.name;
    char *longer;

    while (json_object_get(w->names, name) != NULL && w->code == CS_OK)
    {
        w->code = cs_arena_take(w->arena, strlen(name) + 2, &longer, w->err);
        if (w->code != CS_OK)
            return;
        strcat(strcpy(longer, name), "_");
        name = longer;
    }
    put(w, w->names, name, json_true());
    type->written = name;
}

/* Put what a named type has into its object. */
static void
write_named(writing *w, json_t *object, cs_merged_type *type)
{
    json_t *aliases, *fields;

    choose_name(w, type);
    put(w, object, "name", json_string(type->written));
    if (type->written != NULL && strchr(type->written, '.') == NULL)
        put(w, object, "namespace", json_string(""));
    aliases = write_names(w, &type->aliases, type->type.name);
    if (type->written != type->type.name)
        append(w, aliases, json_string(type->type.name));
    if (json_array_size(aliases) > 0)
        put(w, object, "aliases", json_incref(aliases));
    json_decref(aliases);
    if (type->type.type == CS_AVRO_FIXED)
        put(w, object, "size", json_integer((json_int_t) type->type.size));
    if (type->type.type == CS_AVRO_ENUM)
        put(w, object, "symbols", write_names(w, &type->symbols, NULL));
    if (type->default_symbol != NULL)
        put(w, object, "default", json_string(type->default_symbol));
    if (type->type.type != CS_AVRO_RECORD)
        return;
    fields = json_array();
    for (size_t i = 0; i < type->num_fields && w->code == CS_OK; i++)
        append(w, fields, write_field(w, &type->fields[i]));
    put(w, object, "fields", fields);
}

/* A type; a named one by its name from the second time on. */
static json_t *
write_type(writing *w, cs_merged_type *type)
{
    const cs_avro_node *node = &type->type;
    json_t *json;

    if (node->type == CS_AVRO_UNION)
    {
        json = json_array();
        for (size_t i = 0; i < type->num_branches; i++)
            append(w, json, write_type(w, type->branches[i]));
        return json;
    }
    if (type->written != NULL)
        return json_string(type->written);
    if (node->type <= CS_AVRO_STRING && node->logical == CS_LOGICAL_NONE)
        return json_string(cs_avro_type_name(node->type));
    json = json_pack("{ss}", "type", cs_avro_type_name(node->type));
    if (node->logical != CS_LOGICAL_NONE)
        put(w, json, "logicalType", json_string(cs_avro_logical_name(node->logical)));
    if (node->logical == CS_LOGICAL_DECIMAL)
    {
        put(w, json, "precision", json_integer(node->precision));
        put(w, json, "scale", json_integer(node->scale));
    }
    if (type->items != NULL)
        put(w, json, node->type == CS_AVRO_ARRAY ? "items" : "values", write_type(w, type->items));
    if (node->name != NULL)
        write_named(w, json, type);
    return json;
}

cs_code
cs_merge_write(const cs_env *env, cs_arena *arena, cs_merged_type *type, cs_avro_schema **schema,
               cs_error *err)
{
    writing w = {.env = env, .arena = arena, .names = json_pack("{}"), .err = err};
    json_t *json = write_type(&w, type);
    cs_buffer text;

    cs_buffer_init(&text, env);
    if (w.code == CS_OK)
        w.code = cs_json_text(json, &text, err);
    if (w.code == CS_OK)
        w.code = cs_avro_schema_parse(env, (const char *) text.data, text.len, schema, err);
    cs_buffer_free(&text);
    json_decref(json);
    json_decref(w.names);
    return w.code;
}
