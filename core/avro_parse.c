/*
 * core/avro_parse.c
 *     From a schema's JSON text to its tree of types.
 *
 * The text is read top down into nodes; a name that was defined before gives
 * the same node again. Then, over all nodes: the least size of each type is
 * computed, which also finds records that contain themselves without end, and
 * the defaults are encoded, which checks them.
 */
#include "avro_json.h"
#include "avro_logical.h"
#include "avro_measure.h"

#include <jansson.h>
#include <stdio.h>

/* A default that waits until its type is complete. */
typedef struct pending_default
{
    cs_avro_field *field;
    const char *record;
    const json_t *json; /* borrowed from the schema's text */
} pending_default;

typedef struct parser
{
    cs_avro_schema *schema;
    cs_arena *arena;
    json_t *names; /* full name to the number of its node */
    int depth;
    const char *record; /* where we are, for messages; NULL outside of records */
    const char *field;

    /* All nodes, by number; freed after parsing */
    cs_avro_node **nodes;
    size_t capacity;
    pending_default *defaults;
    size_t num_defaults;
    size_t default_capacity;
} parser;

static cs_code parse_type(parser *p, const json_t *json, const char *space,
                          const cs_avro_node **type, cs_error *err);

/* Say where in the schema a message belongs. */
static cs_code
fail_here(const parser *p, cs_error *err, const char *format, const char *text)
{
    char where[160] = "";
    char what[160];

    if (p->field != NULL)
        snprintf(where, sizeof(where), "field \"%.60s\" of record \"%.60s\": ", p->field,
                 p->record);
    snprintf(what, sizeof(what), format, text);
    return cs_fail(err, CS_ERR_DATA, "schema: %s%s", where, what);
}

/* A string without NUL, terminated; NULL for everything else. */
static const char *
plain_text(const json_t *json)
{
    const char *text = json_string_value(json);

    return text != NULL && strlen(text) == json_string_length(json) ? text : NULL;
}

/* True if text is simple names separated by dots. */
static bool
is_full_name(const char *text)
{
    for (;;)
    {
        size_t len = strcspn(text, ".");

        if (!cs_avro_is_name((cs_slice){text, len}))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* Add a node of a type. */
static cs_code
add_node(parser *p, cs_avro_type type, cs_avro_node **node, cs_error *err)
{
    size_t count = p->schema->num_nodes;

    if (count == CS_AVRO_MAX_SCHEMA_NODES)
        return cs_fail(err, CS_ERR_LIMIT, "schema has more than the limit of %d types",
                       CS_AVRO_MAX_SCHEMA_NODES);
    if (count % CS_POLL_ITEMS == 0)
        CS_TRY(cs_poll(p->schema->env, err));
    CS_TRY(cs_grow_array(p->schema->env, (void **) &p->nodes, &p->capacity, count + 1,
                         sizeof(cs_avro_node *), err));
    CS_TRY(cs_arena_take(p->arena, sizeof(cs_avro_node), node, err));
    (*node)->type = type;
    (*node)->index = (int) count;
    (*node)->default_symbol = -1;
    p->nodes[count] = *node;
    p->schema->num_nodes++;
    return CS_OK;
}

/* Join a namespace (may be empty) and a name. */
static cs_code
full_name(parser *p, const char *space, const char *name, const char **full, cs_error *err)
{
    size_t space_len = strlen(space), len = strlen(name);
    char *joined;

    if (space_len == 0 || strchr(name, '.') != NULL)
        return cs_arena_copy(p->arena, name, len, full, err);
    CS_TRY(cs_arena_take(p->arena, space_len + len + 2, &joined, err));
    memcpy(joined, space, space_len);
    joined[space_len] = '.';
    memcpy(joined + space_len + 1, name, len);
    *full = joined;
    return CS_OK;
}

/* The namespace of a full name. */
static cs_code
name_space(parser *p, const char *full, const char **space, cs_error *err)
{
    const char *dot = strrchr(full, '.');

    return cs_arena_copy(p->arena, full, dot != NULL ? (size_t) (dot - full) : 0, space, err);
}

/* A list of names, if there is one; each must be valid, and none may appear twice. */
static cs_code
parse_names(parser *p, const json_t *json, const char *what, const char *space,
            cs_avro_names *names, cs_error *err)
{
    size_t count = json_array_size(json);
    json_t *seen;
    cs_code code;

    if (json == NULL)
        return CS_OK;
    if (!json_is_array(json))
        return fail_here(p, err, "%s are not a list", what);
    CS_TRY(cs_arena_take_array(p->arena, count, sizeof(char *), &names->items, err));
    seen = json_pack("{}");
    code = seen != NULL ? CS_OK : cs_fail_json_memory(err);
    for (size_t i = 0; i < count && code == CS_OK; i++)
    {
        const char *name = plain_text(json_array_get(json, i));
        bool valid = name != NULL &&
                     (space != NULL ? is_full_name(name) : cs_avro_is_name(cs_slice_of(name)));

        if (!valid)
            code = fail_here(p, err, "%s hold what is not a name", what);
        else if (json_object_get(seen, name) != NULL)
            code = fail_here(p, err, "%.100s is named twice", name);
        else if (json_object_set_new(seen, name, json_true()) != 0)
            code = cs_fail_json_memory(err);
        else
            code = full_name(p, space != NULL ? space : "", name, &names->items[i], err);
        names->count = i + 1;
    }
    json_decref(seen);
    return code;
}

/* Find a primitive or complex type by its word; false if it is neither. */
static bool
find_word(const char *word, cs_avro_type *type)
{
    if (strcmp(word, "error") == 0)
        word = "record";
    for (int i = CS_AVRO_NULL; i < CS_AVRO_UNION; i++)
        if (strcmp(word, cs_avro_type_name((cs_avro_type) i)) == 0)
        {
            *type = (cs_avro_type) i;
            return true;
        }
    return false;
}

/* Read a named type's name, namespace and aliases, and make the name known. */
static cs_code
define_name(parser *p, const json_t *json, const char *space, cs_avro_node *node, cs_error *err)
{
    const char *name = plain_text(json_object_get(json, "name"));
    const char *own = plain_text(json_object_get(json, "namespace"));
    const char *kind = cs_avro_type_name(node->type);
    cs_avro_type word;

    if (name == NULL || !is_full_name(name))
        return fail_here(p, err, "the %s has no valid name", kind);
    if (json_is_string(json_object_get(json, "namespace")) && own == NULL)
        return fail_here(p, err, "the %s has no valid namespace", kind);
    if (own != NULL && own[0] != '\0' && !is_full_name(own))
        return fail_here(p, err, "namespace \"%.100s\" is not valid", own);
    if (find_word(cs_avro_short_name(name), &word) && word <= CS_AVRO_STRING)
        return fail_here(p, err, "\"%.100s\" is the name of a primitive type",
                         cs_avro_short_name(name));
    CS_TRY(full_name(p, own != NULL ? own : space, name, &node->name, err));
    if (json_object_get(p->names, node->name) != NULL)
        return fail_here(p, err, "type \"%.100s\" is defined twice", node->name);
    if (json_object_set_new(p->names, node->name, json_integer(node->index)) != 0)
        return cs_fail_json_memory(err);
    CS_TRY(name_space(p, node->name, &space, err));
    return parse_names(p, json_object_get(json, "aliases"), "the aliases", space, &node->aliases,
                       err);
}

/* Keep a field's default until all types are complete. */
static cs_code
keep_default(parser *p, cs_avro_field *field, const json_t *json, cs_error *err)
{
    if (json == NULL)
        return CS_OK;
    CS_TRY(cs_grow_array(p->schema->env, (void **) &p->defaults, &p->default_capacity,
                         p->num_defaults + 1, sizeof(pending_default), err));
    p->defaults[p->num_defaults++] = (pending_default){field, p->record, json};
    field->has_default = true;
    return CS_OK;
}

/* Read one entry of a record's fields; seen holds the names before it. */
static cs_code
parse_field(parser *p, const json_t *json, const char *space, json_t *seen, cs_avro_field *field,
            cs_error *err)
{
    const char *name = plain_text(json_object_get(json, "name"));

    p->field = NULL;
    if (name == NULL || !cs_avro_is_name(cs_slice_of(name)))
        return cs_fail(err, CS_ERR_DATA, "schema: field %zu of record \"%.100s\" has no valid name",
                       json_object_size(seen) + 1, p->record);
    if (json_object_get(seen, name) != NULL)
        return cs_fail(err, CS_ERR_DATA,
                       "schema: field \"%.60s\" of record \"%.100s\" is defined twice", name,
                       p->record);
    if (json_object_set_new(seen, name, json_true()) != 0)
        return cs_fail_json_memory(err);
    CS_TRY(cs_arena_copy(p->arena, name, strlen(name), &field->name, err));
    p->field = field->name;
    CS_TRY(parse_names(p, json_object_get(json, "aliases"), "the aliases", NULL, &field->aliases,
                       err));
    if (json_object_get(json, "type") == NULL)
        return fail_here(p, err, "it has no %s", "type");
    CS_TRY(parse_type(p, json_object_get(json, "type"), space, &field->type, err));
    return keep_default(p, field, json_object_get(json, "default"), err);
}

/* Read a record. */
static cs_code
parse_record(parser *p, const json_t *json, cs_avro_node *node, cs_error *err)
{
    const json_t *fields = json_object_get(json, "fields");
    const char *outer_record = p->record, *outer_field = p->field;
    const char *space = NULL;
    json_t *seen = json_pack("{}");
    cs_code code = CS_OK;

    if (!json_is_array(fields))
        code = fail_here(p, err, "record \"%.100s\" has no list of fields", node->name);
    if (code == CS_OK)
        code = name_space(p, node->name, &space, err);
    if (code == CS_OK)
        code = cs_arena_take_array(p->arena, json_array_size(fields), sizeof(cs_avro_field),
                                   &node->fields, err);
    if (code == CS_OK)
        node->num_fields = json_array_size(fields);
    for (size_t i = 0; i < node->num_fields && code == CS_OK; i++)
    {
        p->record = node->name;
        code = parse_field(p, json_array_get(fields, i), space, seen, &node->fields[i], err);
    }
    p->record = outer_record;
    p->field = outer_field;
    json_decref(seen);
    return code;
}

/* Read an enum. */
static cs_code
parse_enum(parser *p, const json_t *json, cs_avro_node *node, cs_error *err)
{
    const json_t *fallback = json_object_get(json, "default");
    const char *symbol = plain_text(fallback);

    CS_TRY(
        parse_names(p, json_object_get(json, "symbols"), "the symbols", NULL, &node->symbols, err));
    if (json_object_get(json, "symbols") == NULL)
        return fail_here(p, err, "enum \"%.100s\" has no symbols", node->name);
    if (fallback == NULL)
        return CS_OK;
    for (size_t i = 0; symbol != NULL && i < node->symbols.count; i++)
        if (strcmp(node->symbols.items[i], symbol) == 0)
            node->default_symbol = (int) i;
    if (node->default_symbol < 0)
        return fail_here(p, err, "the default of enum \"%.100s\" is not one of its symbols",
                         node->name);
    return CS_OK;
}

/* Read a fixed. */
static cs_code
parse_fixed(parser *p, const json_t *json, cs_avro_node *node, cs_error *err)
{
    const json_t *size = json_object_get(json, "size");

    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return fail_here(p, err, "fixed \"%.100s\" has no valid size", node->name);
    node->size = (size_t) json_integer_value(size);
    return CS_OK;
}

/* Read what stands inside an array or a map. */
static cs_code
parse_items(parser *p, const json_t *json, const char *space, cs_avro_node *node, cs_error *err)
{
    const char *key = node->type == CS_AVRO_ARRAY ? "items" : "values";
    const json_t *items = json_object_get(json, key);

    if (items == NULL)
        return fail_here(
            p, err, node->type == CS_AVRO_ARRAY ? "an array has no %s" : "a map has no %s", key);
    return parse_type(p, items, space, &node->items, err);
}

/* Read a union: no union inside, no type twice. */
static cs_code
parse_union(parser *p, const json_t *json, const char *space, cs_avro_node *node, cs_error *err)
{
    size_t count = json_array_size(json);
    json_t *seen = json_pack("{}");
    cs_code code = CS_OK;

    if (count == 0)
        code = fail_here(p, err, "a union has no %s", "types");
    if (code == CS_OK)
        code = cs_arena_take_array(p->arena, count, sizeof(cs_avro_node *), &node->branches, err);
    for (size_t i = 0; i < count && code == CS_OK; i++)
    {
        const cs_avro_node *branch;
        const char *name;

        code = parse_type(p, json_array_get(json, i), space, &branch, err);
        if (code != CS_OK)
            break;
        node->branches[i] = branch;
        node->num_branches = i + 1;
        name = branch->name != NULL ? branch->name : cs_avro_type_name(branch->type);
        if (branch->type == CS_AVRO_UNION)
            code = fail_here(p, err, "it has a union inside a %s", "union");
        else if (json_object_get(seen, name) != NULL)
            code = fail_here(p, err, "its union holds %.100s twice", name);
        else if (json_object_set_new(seen, name, json_true()) != 0)
            code = cs_fail_json_memory(err);
    }
    json_decref(seen);
    return code;
}

/* A type by its name: a primitive, or one defined before. */
static cs_code
parse_reference(parser *p, const char *name, const char *space, const cs_avro_node **type,
                cs_error *err)
{
    const json_t *known = NULL;
    const char *full;
    cs_avro_type word;

    if (find_word(name, &word) && word <= CS_AVRO_STRING)
    {
        cs_avro_node *node;

        CS_TRY(add_node(p, word, &node, err));
        *type = node;
        return CS_OK;
    }
    CS_TRY(full_name(p, space, name, &full, err));
    known = json_object_get(p->names, full);
    if (known == NULL)
        known = json_object_get(p->names, name);
    if (known == NULL)
        return fail_here(p, err, "unknown type \"%.100s\"", name);
    *type = p->nodes[json_integer_value(known)];
    return CS_OK;
}

/* Read a type given as an object whose "type" is the word of a primitive or complex type. */
static cs_code
parse_object(parser *p, const json_t *json, cs_avro_type word, const char *space,
             const cs_avro_node **type, cs_error *err)
{
    cs_avro_node *node;

    CS_TRY(add_node(p, word, &node, err));
    *type = node;
    if (word == CS_AVRO_RECORD || word == CS_AVRO_ENUM || word == CS_AVRO_FIXED)
        CS_TRY(define_name(p, json, space, node, err));
    switch (word)
    {
        case CS_AVRO_RECORD:
            return parse_record(p, json, node, err);
        case CS_AVRO_ENUM:
            return parse_enum(p, json, node, err);
        case CS_AVRO_FIXED:
            CS_TRY(parse_fixed(p, json, node, err));
            break;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            return parse_items(p, json, space, node, err);
        default:
            break;
    }
    cs_avro_logical_read(json, node);
    return CS_OK;
}

/* Read a type that is no union: a name, or an object around a type. */
static cs_code
parse_plain(parser *p, const json_t *json, const char *space, const cs_avro_node **type,
            cs_error *err)
{
    const json_t *inner = json_object_get(json, "type");
    const char *name = plain_text(json_is_object(json) ? inner : json);
    cs_avro_type word;

    if (json_is_object(json) && name != NULL && find_word(name, &word))
        return parse_object(p, json, word, space, type, err);
    if (name != NULL)
        return parse_reference(p, name, space, type, err);
    if (json_is_object(json) && (json_is_object(inner) || json_is_array(inner)))
        return parse_type(p, inner, space, type, err);
    return fail_here(p, err, "it has no valid %s", "type");
}

/* Read any type. space is the namespace around it. */
static cs_code
parse_type(parser *p, const json_t *json, const char *space, const cs_avro_node **type,
           cs_error *err)
{
    cs_avro_node *node;
    cs_code code;

    if (p->depth == CS_AVRO_MAX_SCHEMA_DEPTH)
        return cs_fail(err, CS_ERR_LIMIT, "schema is nested more than the limit of %d levels",
                       CS_AVRO_MAX_SCHEMA_DEPTH);
    p->depth++;
    if (json_is_array(json))
    {
        code = add_node(p, CS_AVRO_UNION, &node, err);
        if (code == CS_OK)
        {
            *type = node;
            code = parse_union(p, json, space, node, err);
        }
    }
    else
        code = parse_plain(p, json, space, type, err);
    p->depth--;
    return code;
}

/* Keep a default's JSON text. */
static cs_code
keep_json(parser *p, const pending_default *pending, cs_error *err)
{
    cs_buffer text;
    cs_code code;

    cs_buffer_init(&text, p->schema->env);
    code = cs_json_text(pending->json, &text, err);
    if (code == CS_OK)
        code = cs_arena_copy(p->arena, text.data, text.len, &pending->field->default_json, err);
    cs_buffer_free(&text);
    return code;
}

/* Encode a default by its type, which checks it. */
static cs_code
encode_default(parser *p, const pending_default *pending, cs_buffer *bytes, cs_error *err)
{
    cs_avro_field *field = pending->field;
    const char *copy;
    cs_code code = cs_avro_encode_json(field->type, pending->json, CS_JSON_DEFAULT, bytes, err);

    if (code == CS_ERR_RANGE)
        return cs_fail_within(err, CS_ERR_DATA,
                              "schema: field \"%.60s\" of record \"%.60s\" has a wrong default",
                              field->name, pending->record);
    if (code != CS_OK)
        return code;
    CS_TRY(cs_arena_copy(p->arena, bytes->data, bytes->len, &copy, err));
    field->default_bytes = (cs_slice){copy, bytes->len};
    return keep_json(p, pending, err);
}

/* Encode all defaults. Those of inner records come first, since outer ones may need them. */
static cs_code
encode_defaults(parser *p, cs_error *err)
{
    cs_buffer bytes;
    cs_code code = CS_OK;

    cs_buffer_init(&bytes, p->schema->env);
    for (size_t i = 0; i < p->num_defaults && code == CS_OK; i++)
    {
        bytes.len = 0;
        code = encode_default(p, &p->defaults[i], &bytes, err);
    }
    cs_buffer_free(&bytes);
    return code;
}

/* Set the columns of a schema by its top type. */
static cs_code
set_columns(cs_avro_schema *schema, cs_error *err)
{
    cs_avro_field *value;

    if (schema->root->type == CS_AVRO_RECORD)
    {
        schema->fields = schema->root->fields;
        schema->num_fields = schema->root->num_fields;
        return CS_OK;
    }
    CS_TRY(cs_arena_take(&schema->arena, sizeof(cs_avro_field), &value, err));
    *value = (cs_avro_field){.name = "value", .type = schema->root};
    schema->fields = value;
    schema->num_fields = 1;
    return CS_OK;
}

/* Build the tree from parsed JSON. */
static cs_code
build_tree(cs_avro_schema *schema, const json_t *root, cs_error *err)
{
    parser p = {.schema = schema, .arena = &schema->arena, .names = json_pack("{}")};
    cs_code code = parse_type(&p, root, "", &schema->root, err);

    if (code == CS_OK)
        code = cs_avro_measure(schema->env, p.nodes, schema->num_nodes, err);
    if (code == CS_OK)
        code = encode_defaults(&p, err);
    if (code == CS_OK)
        code = set_columns(schema, err);
    json_decref(p.names);
    cs_release(schema->env, p.nodes);
    cs_release(schema->env, p.defaults);
    return code;
}

/* Fill in an empty schema from its JSON text. */
static cs_code
parse_text(cs_avro_schema *schema, const char *json, size_t len, cs_error *err)
{
    json_t *root;
    cs_code code =
        cs_json_parse((cs_slice){json, len},
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &root, err);

    if (code == CS_ERR_DATA)
        return cs_fail_within(err, code, "schema is not valid JSON");
    if (code != CS_OK)
        return code;
    code = build_tree(schema, root, err);
    json_decref(root);
    if (code == CS_OK)
        code = cs_arena_copy(&schema->arena, json, len, &schema->json, err);
    schema->json_len = len;
    return code;
}

cs_code
cs_avro_schema_parse(const cs_env *env, const char *json, size_t len, cs_avro_schema **schema,
                     cs_error *err)
{
    cs_code code;

    *schema = cs_allocate(env, sizeof(cs_avro_schema));
    if (*schema == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_schema));
    memset(*schema, 0, sizeof(cs_avro_schema));
    (*schema)->env = env;
    cs_arena_init(&(*schema)->arena, env);
    code = parse_text(*schema, json, len, err);
    if (code != CS_OK)
    {
        cs_avro_schema_free(*schema);
        *schema = NULL;
    }
    return code;
}
