/*
 * core/avro_merge.c
 *     One reader's schema for files of several generations.
 *
 * The first schema is copied into a tree that can grow, the others are merged
 * into it one after the other, and the result is written as JSON and parsed
 * again, which checks it. A named type is merged once under each of its names;
 * a pair that is being merged already is not walked again, so that recursive
 * types end.
 */
#include "avro_merge.h"

#include <jansson.h>
#include <stdlib.h>

#define MAX_MERGE_DEPTH 200

typedef struct merged_type merged_type;

/* A list of names that can grow. */
typedef struct name_list
{
    const char **items;
    size_t count;
    size_t capacity;
} name_list;

/* A column, or a field inside one. */
typedef struct merged_field
{
    const char *name;
    name_list aliases;
    merged_type *type;
    const char *default_json; /* NULL if none */
    bool missing;             /* some schema lacks it */
} merged_field;

/* A type that can grow. */
struct merged_type
{
    cs_avro_node type; /* kind, logical type, name, size; not its lists */
    name_list aliases;
    name_list symbols;
    merged_field *fields;
    size_t num_fields;
    size_t field_capacity;
    const char *default_symbol; /* NULL if none */
    merged_type *items;
    merged_type **branches;
    size_t num_branches;
    size_t branch_capacity;
    bool written; /* its definition stands in the JSON already */
};

/* A named type of some schema and what it became. */
typedef struct known_type
{
    const cs_avro_node *node;
    merged_type *merged;
} known_type;

typedef struct merger
{
    const cs_env *env;
    cs_arena arena;
    known_type *known;
    size_t num_known;
    size_t known_capacity;
    int depth;
} merger;

static cs_code copy_type(merger *m, const cs_avro_node *node, merged_type **type, cs_error *err);
static cs_code merge_type(merger *m, merged_type **type, const cs_avro_node *node, cs_error *err);
static cs_code merge_fitting(merger *m, merged_type *type, const cs_avro_node *node, cs_error *err);

/* Make an array of the arena hold one item more. */
static cs_code
grow(merger *m, void *array, size_t *capacity, size_t count, size_t item_size, cs_error *err)
{
    size_t wanted = count < 4 ? 4 : count * 2;
    void *larger;

    if (count < *capacity)
        return CS_OK;
    CS_TRY(cs_arena_take_array(&m->arena, wanted, item_size, &larger, err));
    if (count > 0)
        memcpy(larger, *(void **) array, count * item_size);
    *(void **) array = larger;
    *capacity = wanted;
    return CS_OK;
}

/* True if the list holds the name. */
static bool
has_name(const name_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

/* Add a name unless it is there. */
static cs_code
add_name(merger *m, name_list *list, const char *name, cs_error *err)
{
    if (has_name(list, name))
        return CS_OK;
    CS_TRY(grow(m, &list->items, &list->capacity, list->count, sizeof(char *), err));
    list->items[list->count++] = name;
    return CS_OK;
}

/* Add all names that are not there. */
static cs_code
add_names(merger *m, name_list *list, const cs_avro_names *names, cs_error *err)
{
    for (size_t i = 0; i < names->count; i++)
        CS_TRY(add_name(m, list, names->items[i], err));
    return CS_OK;
}

/* Say which types do not go together. */
static cs_code
fail_conflict(merger *m, const merged_type *type, const cs_avro_node *node, cs_error *err)
{
    cs_buffer text;

    cs_buffer_init(&text, m->env);
    if (cs_avro_type_describe(node, &text, err) == CS_OK)
        cs_fail(err, CS_ERR_ARGUMENT, "type %s in one file and %.*s in another",
                type->type.logical != CS_LOGICAL_NONE ? cs_avro_logical_name(type->type.logical)
                                                      : cs_avro_type_name(type->type.type),
                (int) (text.len < 100 ? text.len : 100), (const char *) text.data);
    cs_buffer_free(&text);
    return CS_ERR_ARGUMENT;
}

/* Note what a named type became. */
static cs_code
remember(merger *m, const cs_avro_node *node, merged_type *type, cs_error *err)
{
    CS_TRY(grow(m, &m->known, &m->known_capacity, m->num_known, sizeof(known_type), err));
    m->known[m->num_known++] = (known_type){node, type};
    return CS_OK;
}

/* What a named type of some schema became; NULL if it was not met. */
static merged_type *
recall(const merger *m, const cs_avro_node *node)
{
    for (size_t i = 0; i < m->num_known; i++)
        if (m->known[i].node == node)
            return m->known[i].merged;
    return NULL;
}

/* What another schema's type of this name became; NULL if there is none. */
static merged_type *
recall_name(const merger *m, const char *name)
{
    for (size_t i = 0; i < m->num_known; i++)
        if (strcmp(m->known[i].node->name, name) == 0)
            return m->known[i].merged;
    return NULL;
}

/* Add a field that no schema before had. */
static cs_code
add_field(merger *m, merged_type *record, const cs_avro_field *field, bool missing, cs_error *err)
{
    merged_field added = {.name = field->name,
                          .default_json = field->has_default ? field->default_json : NULL,
                          .missing = missing};
    size_t place = record->num_fields;

    CS_TRY(add_names(m, &added.aliases, &field->aliases, err));
    CS_TRY(grow(m, &record->fields, &record->field_capacity, place, sizeof(merged_field), err));
    record->fields[record->num_fields++] = added;
    CS_TRY(copy_type(m, field->type, &added.type, err));
    record->fields[place].type = added.type; /* the list may have grown meanwhile */
    return CS_OK;
}

/* Add a branch to a union. */
static cs_code
add_branch(merger *m, merged_type *type, merged_type *branch, cs_error *err)
{
    CS_TRY(grow(m, &type->branches, &type->branch_capacity, type->num_branches,
                sizeof(merged_type *), err));
    type->branches[type->num_branches++] = branch;
    return CS_OK;
}

/* Copy what stands inside a type. */
static cs_code
copy_inside(merger *m, const cs_avro_node *node, merged_type *type, cs_error *err)
{
    if (node->items != NULL)
        CS_TRY(copy_type(m, node->items, &type->items, err));
    for (size_t i = 0; i < node->num_branches; i++)
    {
        merged_type *branch;

        CS_TRY(copy_type(m, node->branches[i], &branch, err));
        CS_TRY(add_branch(m, type, branch, err));
    }
    for (size_t i = 0; i < node->num_fields; i++)
        CS_TRY(add_field(m, type, &node->fields[i], false, err));
    return CS_OK;
}

/* Start a named type. */
static cs_code
start_named(merger *m, const cs_avro_node *node, merged_type *type, cs_error *err)
{
    CS_TRY(remember(m, node, type, err));
    CS_TRY(add_names(m, &type->aliases, &node->aliases, err));
    CS_TRY(add_names(m, &type->symbols, &node->symbols, err));
    if (node->default_symbol >= 0)
        type->default_symbol = node->symbols.items[node->default_symbol];
    return CS_OK;
}

/* Copy a type; a named one is merged with what has its name already. */
static cs_code
copy_type(merger *m, const cs_avro_node *node, merged_type **out, cs_error *err)
{
    merged_type *type = node->name != NULL ? recall(m, node) : NULL;
    cs_code code;

    *out = type;
    if (type != NULL)
        return CS_OK;
    *out = node->name != NULL ? recall_name(m, node->name) : NULL;
    if (*out != NULL)
        return merge_type(m, out, node, err);
    if (m->depth == MAX_MERGE_DEPTH)
        return cs_fail(err, CS_ERR_LIMIT, "types are nested more than the limit of %d levels",
                       MAX_MERGE_DEPTH);
    CS_TRY(cs_arena_take(&m->arena, sizeof(merged_type), &type, err));
    *out = type;
    type->type = *node;
    if (node->name != NULL)
        CS_TRY(start_named(m, node, type, err));
    m->depth++;
    code = copy_inside(m, node, type, err);
    m->depth--;
    return code;
}

/* Find the field that a newer or older one is: by name, or by an alias of either; else the count.
 */
static size_t
find_field(const merged_type *record, const cs_avro_field *field)
{
    const name_list theirs = {field->aliases.items, field->aliases.count, 0};

    for (size_t i = 0; i < record->num_fields; i++)
        if (strcmp(record->fields[i].name, field->name) == 0)
            return i;
    for (size_t i = 0; i < record->num_fields; i++)
        if (has_name(&theirs, record->fields[i].name) ||
            has_name(&record->fields[i].aliases, field->name))
            return i;
    return record->num_fields;
}

/* Say in which field two schemas differ. */
static cs_code
blame_field(const char *name, cs_code code, cs_error *err)
{
    char reason[CS_ERROR_MESSAGE_SIZE];

    if (code != CS_ERR_ARGUMENT)
        return code;
    memcpy(reason, err->message, sizeof(reason));
    return cs_fail(err, code, "field \"%.60s\": %.240s", name, reason);
}

/* Merge a field into one that is there. */
static cs_code
merge_field(merger *m, merged_type *record, size_t place, const cs_avro_field *field, cs_error *err)
{
    const name_list theirs = {field->aliases.items, field->aliases.count, 0};
    merged_field *known = &record->fields[place];
    merged_type *type = known->type;
    const char *older = known->name;

    if (strcmp(older, field->name) != 0 && has_name(&theirs, older)) /* the newer name */
    {
        known->name = field->name;
        CS_TRY(add_name(m, &known->aliases, older, err));
    }
    CS_TRY(add_names(m, &known->aliases, &field->aliases, err));
    if (known->default_json == NULL && field->has_default)
        known->default_json = field->default_json;
    CS_TRY(blame_field(field->name, merge_type(m, &type, field->type, err), err));
    record->fields[place].type = type; /* the list may have grown meanwhile */
    return CS_OK;
}

/* Merge a record's fields. */
static cs_code
merge_fields(merger *m, merged_type *record, const cs_avro_node *node, cs_error *err)
{
    size_t before = record->num_fields;
    bool *seen;

    CS_TRY(cs_arena_take_array(&m->arena, before, sizeof(bool), &seen, err));
    for (size_t i = 0; i < node->num_fields; i++)
    {
        size_t place = find_field(record, &node->fields[i]);

        CS_TRY(cs_poll(m->env, err));
        if (place < before)
            seen[place] = true;
        if (place < record->num_fields)
            CS_TRY(merge_field(m, record, place, &node->fields[i], err));
        else
            CS_TRY(add_field(m, record, &node->fields[i], true, err));
    }
    for (size_t i = 0; i < before; i++)
        record->fields[i].missing |= !seen[i];
    return CS_OK;
}

/* True if the logical type counts seconds in some unit. */
static bool
is_timestamp(cs_avro_logical logical)
{
    return logical >= CS_LOGICAL_TIMESTAMP_MILLIS && logical <= CS_LOGICAL_TIMESTAMP_NANOS;
}

/* The same for local timestamps. */
static bool
is_local_timestamp(cs_avro_logical logical)
{
    return logical >= CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS &&
           logical <= CS_LOGICAL_LOCAL_TIMESTAMP_NANOS;
}

/* True if the logical types can be one; the finer of two units is the later in their list. */
static bool
logicals_fit(const cs_avro_node *a, const cs_avro_node *b)
{
    if (a->logical == CS_LOGICAL_DECIMAL && b->logical == CS_LOGICAL_DECIMAL)
        return a->scale == b->scale;
    return a->logical == b->logical || (is_timestamp(a->logical) && is_timestamp(b->logical)) ||
           (is_local_timestamp(a->logical) && is_local_timestamp(b->logical));
}

/* True if the type is a number without a logical type. */
static bool
is_number(const cs_avro_node *type)
{
    return type->logical == CS_LOGICAL_NONE && type->type >= CS_AVRO_INT &&
           type->type <= CS_AVRO_DOUBLE;
}

/* True if the type is text or bytes without a logical type. */
static bool
is_bytes(const cs_avro_node *type)
{
    return type->logical == CS_LOGICAL_NONE &&
           (type->type == CS_AVRO_STRING || type->type == CS_AVRO_BYTES);
}

/* True if two types, neither a union, can be one. */
static bool
types_fit(const merged_type *type, const cs_avro_node *node)
{
    const cs_avro_node *known = &type->type;

    if ((is_number(known) && is_number(node)) || (is_bytes(known) && is_bytes(node)))
        return true;
    if (known->type == CS_AVRO_FIXED && known->size != node->size)
        return false;
    return known->type == node->type && logicals_fit(known, node);
}

/* The number type that holds all values of two. */
static cs_avro_type
wider_number(cs_avro_type a, cs_avro_type b)
{
    cs_avro_type wide = a > b ? a : b, narrow = a > b ? b : a;

    return wide == CS_AVRO_FLOAT && narrow != CS_AVRO_FLOAT ? CS_AVRO_DOUBLE : wide;
}

/* Merge a type that fits. */
static cs_code
merge_fitting(merger *m, merged_type *type, const cs_avro_node *node, cs_error *err)
{
    cs_avro_node *known = &type->type;

    if (is_number(known) && is_number(node))
        known->type = wider_number(known->type, node->type);
    else if (is_bytes(known) && known->type != node->type)
        known->type = CS_AVRO_BYTES;
    if (node->logical > known->logical)
        known->logical = node->logical;
    if (node->precision > known->precision)
        known->precision = node->precision;
    if (node->name != NULL)
    {
        if (recall(m, node) == type)
            return CS_OK;
        if (strcmp(known->name, node->name) != 0)
            CS_TRY(add_name(m, &type->aliases, node->name, err));
        CS_TRY(start_named(m, node, type, err));
    }
    if (node->items != NULL)
        CS_TRY(merge_type(m, &type->items, node->items, err));
    if (node->type == CS_AVRO_RECORD)
        return merge_fields(m, type, node, err);
    return CS_OK;
}

/* Turn a type into a union of it. */
static cs_code
make_union(merger *m, merged_type **type, cs_error *err)
{
    merged_type *outer;

    CS_TRY(cs_arena_take(&m->arena, sizeof(merged_type), &outer, err));
    outer->type.type = CS_AVRO_UNION;
    CS_TRY(add_branch(m, outer, *type, err));
    *type = outer;
    return CS_OK;
}

/* The only branch of a union that is not null; NULL if there are others. */
static merged_type **
only_branch(merged_type *type)
{
    merged_type **only = NULL;

    for (size_t i = 0; i < type->num_branches; i++)
        if (type->branches[i]->type.type != CS_AVRO_NULL)
        {
            if (only != NULL)
                return NULL;
            only = &type->branches[i];
        }
    return only;
}

/* The only type of a schema's type that is not null; NULL if there are others. */
static const cs_avro_node *
only_type(const cs_avro_node *node)
{
    const cs_avro_node *only = node->num_branches == 0 ? node : NULL;

    for (size_t i = 0; i < node->num_branches; i++)
        if (node->branches[i]->type != CS_AVRO_NULL)
        {
            if (only != NULL)
                return NULL;
            only = node->branches[i];
        }
    return only;
}

/* True if a branch of a union is this type: the same kind, and the same name where it has one. */
static bool
is_branch(const merged_type *branch, const cs_avro_node *node)
{
    if (branch->type.type != node->type || !types_fit(branch, node))
        return false;
    return node->name == NULL || strcmp(branch->type.name, node->name) == 0 ||
           has_name(&branch->aliases, node->name);
}

/* Merge one branch into a union: with the branch that it is, or as a new one. */
static cs_code
merge_branch(merger *m, merged_type *type, const cs_avro_node *node, cs_error *err)
{
    merged_type *branch;

    for (size_t i = 0; i < type->num_branches; i++)
        if (is_branch(type->branches[i], node))
        {
            branch = type->branches[i];
            CS_TRY(merge_type(m, &branch, node, err));
            type->branches[i] = branch;
            return CS_OK;
        }
    CS_TRY(copy_type(m, node, &branch, err));
    return add_branch(m, type, branch, err);
}

/* Merge where at least one side is a union, or null. One type beside null on each side must
   become one, as it must where neither side has null. */
static cs_code
merge_union(merger *m, merged_type **type, const cs_avro_node *node, cs_error *err)
{
    const cs_avro_node *theirs = only_type(node);
    merged_type **ours, *branch;

    if ((*type)->type.type != CS_AVRO_UNION)
        CS_TRY(make_union(m, type, err));
    ours = only_branch(*type);
    if (ours != NULL && theirs != NULL && theirs->type != CS_AVRO_NULL)
    {
        branch = *ours;
        if (!types_fit(branch, theirs))
            return fail_conflict(m, branch, theirs, err);
        CS_TRY(merge_type(m, &branch, theirs, err));
        *only_branch(*type) = branch;
    }
    if (node->type != CS_AVRO_UNION)
        return theirs == node && ours != NULL && node->type != CS_AVRO_NULL
                   ? CS_OK
                   : merge_branch(m, *type, node, err);
    for (size_t i = 0; i < node->num_branches; i++)
        if (ours == NULL || node->branches[i] != theirs)
            CS_TRY(merge_branch(m, *type, node->branches[i], err));
    return CS_OK;
}

/* Merge a type into one that is there. */
static cs_code
merge_type(merger *m, merged_type **type, const cs_avro_node *node, cs_error *err)
{
    cs_avro_type known = (*type)->type.type;
    cs_code code;

    if (m->depth == MAX_MERGE_DEPTH)
        return cs_fail(err, CS_ERR_LIMIT, "types are nested more than the limit of %d levels",
                       MAX_MERGE_DEPTH);
    m->depth++;
    if (known == CS_AVRO_UNION || node->type == CS_AVRO_UNION ||
        (known == CS_AVRO_NULL) != (node->type == CS_AVRO_NULL))
        code = merge_union(m, type, node, err);
    else if (types_fit(*type, node))
        code = merge_fitting(m, *type, node, err);
    else
        code = fail_conflict(m, *type, node, err);
    m->depth--;
    return code;
}

static json_t *write_type(merged_type *type);

/* Names as JSON, without the one that the type or field has. */
static json_t *
write_names(const name_list *names, const char *own)
{
    json_t *list = json_array();

    for (size_t i = 0; i < names->count; i++)
        if (own == NULL || strcmp(names->items[i], own) != 0)
            json_array_append_new(list, json_string(names->items[i]));
    return list;
}

/* Put the aliases into an object, where there are any. */
static void
write_aliases(json_t *object, const name_list *aliases, const char *own)
{
    json_t *list = write_names(aliases, own);

    if (json_array_size(list) > 0)
        json_object_set(object, "aliases", list);
    json_decref(list);
}

/* True if the type takes null. */
static bool
takes_null(const merged_type *type)
{
    for (size_t i = 0; i < type->num_branches; i++)
        if (type->branches[i]->type.type == CS_AVRO_NULL)
            return true;
    return type->type.type == CS_AVRO_NULL;
}

/* A type that also takes null. */
static json_t *
write_nullable(merged_type *type)
{
    json_t *list;

    if (takes_null(type))
        return write_type(type);
    list = json_pack("[s]", "null");
    if (type->type.type != CS_AVRO_UNION)
        json_array_append_new(list, write_type(type));
    for (size_t i = 0; i < type->num_branches; i++)
        json_array_append_new(list, write_type(type->branches[i]));
    return list;
}

/* A field; one that some schema lacks has a default. */
static json_t *
write_field(const merged_field *field)
{
    bool nullable = field->missing && field->default_json == NULL;
    json_t *object = json_pack("{ss}", "name", field->name);

    write_aliases(object, &field->aliases, field->name);
    json_object_set_new(object, "type",
                        nullable ? write_nullable(field->type) : write_type(field->type));
    if (nullable)
        json_object_set_new(object, "default", json_null());
    else if (field->default_json != NULL)
        json_object_set_new(
            object, "default",
            json_loads(field->default_json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
    return object;
}

/* Put what a named type has into its object. */
static void
write_named(json_t *object, const merged_type *type)
{
    json_object_set_new(object, "name", json_string(type->type.name));
    if (strchr(type->type.name, '.') == NULL)
        json_object_set_new(object, "namespace", json_string(""));
    write_aliases(object, &type->aliases, type->type.name);
    if (type->type.type == CS_AVRO_FIXED)
        json_object_set_new(object, "size", json_integer((json_int_t) type->type.size));
    if (type->type.type == CS_AVRO_ENUM)
        json_object_set_new(object, "symbols", write_names(&type->symbols, NULL));
    if (type->default_symbol != NULL)
        json_object_set_new(object, "default", json_string(type->default_symbol));
    if (type->type.type == CS_AVRO_RECORD)
    {
        json_t *fields = json_array();

        for (size_t i = 0; i < type->num_fields; i++)
            json_array_append_new(fields, write_field(&type->fields[i]));
        json_object_set_new(object, "fields", fields);
    }
}

/* A type; a named one by its name from the second time on. NULL where memory runs out. */
static json_t *
write_type(merged_type *type)
{
    const cs_avro_node *node = &type->type;
    json_t *json;

    if (node->type == CS_AVRO_UNION)
    {
        json = json_array();
        for (size_t i = 0; i < type->num_branches; i++)
            json_array_append_new(json, write_type(type->branches[i]));
        return json;
    }
    if (type->written)
        return json_string(node->name);
    if (node->type <= CS_AVRO_STRING && node->logical == CS_LOGICAL_NONE)
        return json_string(cs_avro_type_name(node->type));
    json = json_pack("{ss}", "type", cs_avro_type_name(node->type));
    type->written = node->name != NULL;
    if (node->logical != CS_LOGICAL_NONE)
        json_object_set_new(json, "logicalType", json_string(cs_avro_logical_name(node->logical)));
    if (node->logical == CS_LOGICAL_DECIMAL)
    {
        json_object_set_new(json, "precision", json_integer(node->precision));
        json_object_set_new(json, "scale", json_integer(node->scale));
    }
    if (type->items != NULL)
        json_object_set_new(json, node->type == CS_AVRO_ARRAY ? "items" : "values",
                            write_type(type->items));
    if (node->name != NULL)
        write_named(json, type);
    return json;
}

/* Write the result and parse it. */
static cs_code
finish(const merger *m, merged_type *type, cs_avro_schema **merged, cs_error *err)
{
    json_t *json = write_type(type);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    cs_code code;

    json_decref(json);
    if (text == NULL)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory");
    code = cs_avro_schema_parse(m->env, text, strlen(text), merged, err);
    free(text);
    return code;
}

cs_code
cs_avro_schema_merge(const cs_env *env, const cs_avro_schema *const *schemas, size_t count,
                     cs_avro_schema **merged, cs_error *err)
{
    merger m = {.env = env};
    merged_type *type;
    cs_code code;

    *merged = NULL;
    cs_arena_init(&m.arena, env);
    code = copy_type(&m, schemas[0]->root, &type, err);
    for (size_t i = 1; i < count && code == CS_OK; i++)
        code = merge_type(&m, &type, schemas[i]->root, err);
    if (code == CS_OK)
        code = finish(&m, type, merged, err);
    cs_arena_free(&m.arena);
    return code;
}
