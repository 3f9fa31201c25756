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
#include "avro_merge_parts.h"
#include "json_text.h"

#include <jansson.h>

#define MAX_MERGE_DEPTH 200

/* What a named type of some schema became. */
typedef struct known_type
{
    cs_merged_type *merged;
    struct known_type *same_node; /* the one before it; NULL if none */
    struct known_type *same_name;
} known_type;

typedef struct merger
{
    const cs_env *env;
    cs_arena arena;
    known_type **nodes; /* what the types of the schema being merged became, by number */
    json_t *names;      /* name to its place in by_name */
    known_type **by_name;
    size_t num_names;
    size_t name_capacity;
    int depth;
} merger;

static cs_code copy_type(merger *m, const cs_avro_node *node, cs_merged_type **type, cs_error *err);
static cs_code merge_type(merger *m, cs_merged_type **type, const cs_avro_node *node,
                          cs_error *err);
static cs_code merge_fitting(merger *m, cs_merged_type *type, const cs_avro_node *node,
                             cs_error *err);

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

bool
cs_merged_names_have(const cs_merged_names *list, const char *name)
{
    return cs_avro_names_have(&(cs_avro_names){list->items, list->count}, name);
}

/* Note a name's place in some list, unless it has one already. */
static cs_code
note_place(json_t *places, const char *name, size_t place, cs_error *err)
{
    if (json_object_get(places, name) != NULL ||
        json_object_set_new(places, name, json_integer((json_int_t) place)) == 0)
        return CS_OK;
    return cs_fail_json_memory(err);
}

/* The place that was noted for a name; limit if there is none. */
static size_t
find_place(const json_t *places, const char *name, size_t limit)
{
    const json_t *place = json_object_get(places, name);

    return place != NULL ? (size_t) json_integer_value(place) : limit;
}

/* Add a name unless it is there. */
static cs_code
add_name(merger *m, cs_merged_names *list, const char *name, cs_error *err)
{
    if (cs_merged_names_have(list, name))
        return CS_OK;
    CS_TRY(grow(m, &list->items, &list->capacity, list->count, sizeof(char *), err));
    list->items[list->count++] = name;
    return CS_OK;
}

/* Add all names that are not there. There may be very many. */
static cs_code
add_names(merger *m, cs_merged_names *list, const cs_avro_names *names, cs_error *err)
{
    json_t *known = json_pack("{}");
    cs_code code = CS_OK;

    for (size_t i = 0; i < list->count && code == CS_OK; i++)
        code = note_place(known, list->items[i], i, err);
    for (size_t i = 0; i < names->count && code == CS_OK; i++)
    {
        if (i % CS_POLL_ITEMS == 0)
            code = cs_poll(m->env, err);
        if (code != CS_OK || json_object_get(known, names->items[i]) != NULL)
            continue;
        code = grow(m, &list->items, &list->capacity, list->count, sizeof(char *), err);
        if (code == CS_OK)
            list->items[list->count++] = names->items[i];
    }
    json_decref(known);
    return code;
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

/* True if the type is text or bytes without a logical type. */
static bool
is_bytes(const cs_avro_node *type)
{
    return type->logical == CS_LOGICAL_NONE &&
           (type->type == CS_AVRO_STRING || type->type == CS_AVRO_BYTES);
}

/* True if two types, neither a union, can be one. */
static bool
types_fit(const cs_merged_type *type, const cs_avro_node *node)
{
    const cs_avro_node *known = &type->type;

    if ((cs_avro_is_number(known) && cs_avro_is_number(node)) ||
        (is_bytes(known) && is_bytes(node)))
        return true;
    if (known->type == CS_AVRO_FIXED && known->size != node->size)
        return false;
    return known->type == node->type && logicals_fit(known, node);
}

/* Say which types do not go together. */
static cs_code
fail_conflict(merger *m, const cs_merged_type *type, const cs_avro_node *node, cs_error *err)
{
    cs_buffer text[2];
    cs_code code;

    cs_buffer_init(&text[0], m->env);
    cs_buffer_init(&text[1], m->env);
    code = cs_avro_type_describe(&type->type, &text[0], err);
    if (code == CS_OK)
        code = cs_avro_type_describe(node, &text[1], err);
    if (code == CS_OK)
        code = cs_fail(err, CS_ERR_ARGUMENT, "type %.*s in one file and %.*s in another",
                       (int) (text[0].len < 100 ? text[0].len : 100), (const char *) text[0].data,
                       (int) (text[1].len < 100 ? text[1].len : 100), (const char *) text[1].data);
    cs_buffer_free(&text[0]);
    cs_buffer_free(&text[1]);
    return code;
}

/* Say in which field two schemas differ. */
static cs_code
blame_field(const char *name, cs_code code, cs_error *err)
{
    return code == CS_ERR_ARGUMENT ? cs_fail_within(err, code, "field \"%.60s\"", name) : code;
}

/* Note what a named type became. */
static cs_code
remember(merger *m, const cs_avro_node *node, cs_merged_type *type, cs_error *err)
{
    size_t place = find_place(m->names, node->name, m->num_names);
    known_type *known;

    CS_TRY(cs_arena_take(&m->arena, sizeof(known_type), &known, err));
    CS_TRY(note_place(m->names, node->name, place, err));
    if (place == m->num_names)
    {
        CS_TRY(grow(m, &m->by_name, &m->name_capacity, place, sizeof(known_type *), err));
        m->by_name[m->num_names++] = NULL;
    }
    *known = (known_type){type, m->nodes[node->index], m->by_name[place]};
    m->nodes[node->index] = known;
    m->by_name[place] = known;
    return CS_OK;
}

/* True if the named type became this one. */
static bool
became(const merger *m, const cs_avro_node *node, const cs_merged_type *type)
{
    const known_type *known = m->nodes[node->index];

    while (known != NULL && known->merged != type)
        known = known->same_node;
    return known != NULL;
}

/* What another schema's type of this name and kind became; NULL if there is none. */
static cs_merged_type *
recall_name(const merger *m, const cs_avro_node *node)
{
    size_t place = find_place(m->names, node->name, m->num_names);
    const known_type *known = place < m->num_names ? m->by_name[place] : NULL;

    while (known != NULL && !types_fit(known->merged, node))
        known = known->same_name;
    return known != NULL ? known->merged : NULL;
}

/* Add a field that no schema before had. */
static cs_code
add_field(merger *m, cs_merged_type *record, const cs_avro_field *field, bool missing,
          cs_error *err)
{
    cs_merged_field added = {
        .name = field->name, .fallback = field->has_default ? field : NULL, .missing = missing};
    size_t place = record->num_fields;

    CS_TRY(add_names(m, &added.aliases, &field->aliases, err));
    CS_TRY(grow(m, &record->fields, &record->field_capacity, place, sizeof(cs_merged_field), err));
    record->fields[record->num_fields++] = added;
    CS_TRY(blame_field(field->name, copy_type(m, field->type, &added.type, err), err));
    record->fields[place].type = added.type; /* the list may have grown meanwhile */
    return CS_OK;
}

/* Add a branch to a union. */
static cs_code
add_branch(merger *m, cs_merged_type *type, cs_merged_type *branch, cs_error *err)
{
    CS_TRY(grow(m, &type->branches, &type->branch_capacity, type->num_branches,
                sizeof(cs_merged_type *), err));
    type->branches[type->num_branches++] = branch;
    return CS_OK;
}

/* Copy what stands inside a type. */
static cs_code
copy_inside(merger *m, const cs_avro_node *node, cs_merged_type *type, cs_error *err)
{
    if (node->items != NULL)
        CS_TRY(copy_type(m, node->items, &type->items, err));
    for (size_t i = 0; i < node->num_branches; i++)
    {
        cs_merged_type *branch;

        CS_TRY(copy_type(m, node->branches[i], &branch, err));
        CS_TRY(add_branch(m, type, branch, err));
    }
    for (size_t i = 0; i < node->num_fields; i++)
        CS_TRY(add_field(m, type, &node->fields[i], false, err));
    return CS_OK;
}

/* Start a named type. */
static cs_code
start_named(merger *m, const cs_avro_node *node, cs_merged_type *type, cs_error *err)
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
copy_type(merger *m, const cs_avro_node *node, cs_merged_type **out, cs_error *err)
{
    const known_type *known = node->name != NULL ? m->nodes[node->index] : NULL;
    cs_merged_type *type;
    cs_code code;

    *out = known != NULL ? known->merged : NULL;
    if (known != NULL)
        return CS_OK;
    *out = node->name != NULL ? recall_name(m, node) : NULL;
    if (*out != NULL)
        return merge_type(m, out, node, err);
    if (m->depth == MAX_MERGE_DEPTH)
        return cs_fail(err, CS_ERR_LIMIT, "types are nested more than the limit of %d levels",
                       MAX_MERGE_DEPTH);
    CS_TRY(cs_arena_take(&m->arena, sizeof(cs_merged_type), &type, err));
    *out = type;
    type->type = *node;
    if (node->name != NULL)
        CS_TRY(start_named(m, node, type, err));
    m->depth++;
    code = copy_inside(m, node, type, err);
    m->depth--;
    return code;
}

/* Merge a field into one that is there. */
static cs_code
merge_field(merger *m, cs_merged_type *record, size_t place, const cs_avro_field *field,
            cs_error *err)
{
    cs_merged_field *known = &record->fields[place];
    cs_merged_type *type = known->type;
    const char *older = known->name;

    if (strcmp(older, field->name) != 0 &&
        cs_avro_names_have(&field->aliases, older)) /* the newer name */
    {
        known->name = field->name;
        CS_TRY(add_name(m, &known->aliases, older, err));
    }
    CS_TRY(add_names(m, &known->aliases, &field->aliases, err));
    if (known->fallback == NULL && field->has_default)
        known->fallback = field;
    CS_TRY(blame_field(field->name, merge_type(m, &type, field->type, err), err));
    record->fields[place].type = type; /* the list may have grown meanwhile */
    return CS_OK;
}

/* Note where the names and the aliases of a record's fields are. */
static cs_code
note_fields(const cs_merged_type *record, json_t *names, json_t *aliases, cs_error *err)
{
    for (size_t i = 0; i < record->num_fields; i++)
    {
        const cs_merged_field *field = &record->fields[i];

        CS_TRY(note_place(names, field->name, i, err));
        for (size_t j = 0; j < field->aliases.count; j++)
            CS_TRY(note_place(aliases, field->aliases.items[j], i, err));
    }
    return CS_OK;
}

/* The field that another schema's is by an alias of either; num_fields if there is none. */
static size_t
find_alias(const cs_merged_type *record, const cs_avro_field *field, const json_t *names,
           const json_t *aliases, const bool *seen)
{
    size_t none = record->num_fields, place;

    for (size_t i = 0; i < field->aliases.count; i++)
    {
        place = find_place(names, field->aliases.items[i], none);
        if (place < none && !seen[place])
            return place;
    }
    place = find_place(aliases, field->name, none);
    return place < none && !seen[place] ? place : none;
}

/* Find the fields that another schema's are: by name, then the others by alias. */
static cs_code
match_fields(const cs_merged_type *record, const cs_avro_node *node, bool *seen, size_t *places,
             cs_error *err)
{
    json_t *names = json_pack("{}"), *aliases = json_pack("{}");
    cs_code code = note_fields(record, names, aliases, err);

    for (size_t i = 0; i < node->num_fields && code == CS_OK; i++)
    {
        places[i] = find_place(names, node->fields[i].name, record->num_fields);
        if (places[i] < record->num_fields)
            seen[places[i]] = true;
    }
    for (size_t i = 0; i < node->num_fields && code == CS_OK; i++)
    {
        if (places[i] < record->num_fields)
            continue;
        places[i] = find_alias(record, &node->fields[i], names, aliases, seen);
        if (places[i] < record->num_fields)
            seen[places[i]] = true;
    }
    json_decref(names);
    json_decref(aliases);
    return code;
}

/* Merge a record's fields. */
static cs_code
merge_fields(merger *m, cs_merged_type *record, const cs_avro_node *node, cs_error *err)
{
    size_t before = record->num_fields;
    size_t *places;
    bool *seen;

    CS_TRY(cs_arena_take_array(&m->arena, before, sizeof(bool), &seen, err));
    CS_TRY(cs_arena_take_array(&m->arena, node->num_fields, sizeof(size_t), &places, err));
    CS_TRY(match_fields(record, node, seen, places, err));
    for (size_t i = 0; i < node->num_fields; i++)
    {
        CS_TRY(cs_poll(m->env, err));
        if (places[i] < before)
            CS_TRY(merge_field(m, record, places[i], &node->fields[i], err));
        else
            CS_TRY(add_field(m, record, &node->fields[i], true, err));
    }
    for (size_t i = 0; i < before; i++)
        record->fields[i].missing |= !seen[i];
    return CS_OK;
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
merge_fitting(merger *m, cs_merged_type *type, const cs_avro_node *node, cs_error *err)
{
    cs_avro_node *known = &type->type;

    if (cs_avro_is_number(known) && cs_avro_is_number(node))
        known->type = wider_number(known->type, node->type);
    else if (is_bytes(known) && known->type != node->type)
        known->type = CS_AVRO_BYTES;
    if (node->logical > known->logical)
        known->logical = node->logical;
    if (node->precision > known->precision)
        known->precision = node->precision;
    if (node->name != NULL)
    {
        if (became(m, node, type))
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
make_union(merger *m, cs_merged_type **type, cs_error *err)
{
    cs_merged_type *outer;

    CS_TRY(cs_arena_take(&m->arena, sizeof(cs_merged_type), &outer, err));
    outer->type.type = CS_AVRO_UNION;
    CS_TRY(add_branch(m, outer, *type, err));
    *type = outer;
    return CS_OK;
}

/* The only branch of a union that is not null; NULL if there are others. */
static cs_merged_type **
only_branch(cs_merged_type *type)
{
    cs_merged_type **only = NULL;

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
is_branch(const cs_merged_type *branch, const cs_avro_node *node)
{
    if (branch->type.type != node->type || !types_fit(branch, node))
        return false;
    return node->name == NULL || strcmp(branch->type.name, node->name) == 0 ||
           cs_avro_names_have(&node->aliases, branch->type.name) ||
           cs_merged_names_have(&branch->aliases, node->name);
}

/* Merge one branch into a union: with the branch that it is, or as a new one. */
static cs_code
merge_branch(merger *m, cs_merged_type *type, const cs_avro_node *node, cs_error *err)
{
    cs_merged_type *branch;

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
merge_union(merger *m, cs_merged_type **type, const cs_avro_node *node, cs_error *err)
{
    const cs_avro_node *theirs = only_type(node);
    cs_merged_type **ours, *branch;

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
merge_type(merger *m, cs_merged_type **type, const cs_avro_node *node, cs_error *err)
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

/* Merge one schema more; the first one is copied. */
static cs_code
merge_schema(merger *m, cs_merged_type **type, const cs_avro_schema *schema, cs_error *err)
{
    CS_TRY(cs_arena_take_array(&m->arena, schema->num_nodes, sizeof(known_type *), &m->nodes, err));
    if (*type == NULL)
        return copy_type(m, schema->root, type, err);
    return merge_type(m, type, schema->root, err);
}

cs_code
cs_avro_schema_merge(const cs_env *env, const cs_avro_schema *const *schemas, size_t count,
                     cs_avro_schema **merged, cs_error *err)
{
    merger m = {.env = env, .names = json_pack("{}")};
    cs_merged_type *type = NULL;
    cs_code code = CS_OK;

    *merged = NULL;
    cs_arena_init(&m.arena, env);
    for (size_t i = 0; i < count && code == CS_OK; i++)
        code = merge_schema(&m, &type, schemas[i], err);
    if (code == CS_OK)
        code = cs_merge_write(env, &m.arena, type, merged, err);
    json_decref(m.names);
    cs_arena_free(&m.arena);
    return code;
}
