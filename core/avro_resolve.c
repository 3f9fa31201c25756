/*
 * core/avro_resolve.c
 *     Schema resolution: from a writer's and a reader's type to a reading.
 *
 * The types are walked together. A pair of types that was met before gives the
 * same reading again, so that recursive types end, and types that share parts
 * take no more than their pairs. Which values a reader's union stands for is
 * the writer's choice where both are unions; elsewhere the first branch of the
 * same type and name is taken, then the first to which the writer's can be
 * promoted.
 */
#include "avro_reading.h"

#include <stdlib.h>

#define MAX_RESOLVE_DEPTH 1000 /* references may make chains that no text shows */
#define FIRST_TABLE_SIZE 64

/* A pair that was met, by the numbers of its types. */
typedef struct known_pair
{
    uint64_t key; /* writer's number and reader's number, plus one; 0: free */
    cs_avro_reading *reading;
} known_pair;

typedef struct resolver
{
    cs_arena *arena;
    known_pair *table; /* hashed, its size a power of two */
    size_t size;
    size_t count;
    int depth;
    bool own; /* both sides are parts of the reader: a default is being resolved */
} resolver;

static cs_code resolve(resolver *r, const cs_avro_node *writer, const cs_avro_node *reader,
                       const cs_avro_reading **reading, cs_error *err);

/* The place of a key in the table: where it is, or where it would go. */
static known_pair *
find_pair(const resolver *r, uint64_t key)
{
    size_t i = (size_t) cs_hash_id((int64_t) key) & (r->size - 1);

    while (r->table[i].key != 0 && r->table[i].key != key)
        i = (i + 1) & (r->size - 1);
    return &r->table[i];
}

/* Make room for one more pair. */
static cs_code
grow_table(resolver *r, cs_error *err)
{
    resolver larger = *r;

    if (r->count * 2 < r->size)
        return CS_OK;
    larger.size = r->size > 0 ? r->size * 2 : FIRST_TABLE_SIZE;
    CS_TRY(cs_arena_take_array(r->arena, larger.size, sizeof(known_pair), &larger.table, err));
    for (size_t i = 0; i < r->size; i++)
        if (r->table[i].key != 0)
            *find_pair(&larger, r->table[i].key) = r->table[i];
    *r = larger;
    return CS_OK;
}

/* Refuse a pair of types. */
static cs_code
fail_pair(const cs_avro_node *writer, const cs_avro_node *reader, cs_arena *arena, cs_error *err)
{
    cs_error ignored;
    cs_buffer text[2];

    cs_buffer_init(&text[0], arena->env);
    cs_buffer_init(&text[1], arena->env);
    (void) cs_avro_type_describe(writer, &text[0], &ignored);
    (void) cs_avro_type_describe(reader, &text[1], &ignored);
    cs_fail(err, CS_ERR_ARGUMENT, "%.*s cannot be read as %.*s",
            (int) (text[0].len < 100 ? text[0].len : 100), (const char *) text[0].data,
            (int) (text[1].len < 100 ? text[1].len : 100), (const char *) text[1].data);
    cs_buffer_free(&text[0]);
    cs_buffer_free(&text[1]);
    return CS_ERR_ARGUMENT;
}

/* The families of logical types that can stand for each other, their units aside. */
typedef enum family
{
    FAMILY_NONE,
    FAMILY_TIME,
    FAMILY_TIME_OF_DAY,
    FAMILY_OTHER
} family;

/* The family of a logical type, and its units in a second where it counts time. */
static family
family_of(cs_avro_logical logical, int32_t *unit)
{
    *unit = 1000;
    switch (logical)
    {
        case CS_LOGICAL_NONE:
            return FAMILY_NONE;
        case CS_LOGICAL_TIMESTAMP_NANOS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_NANOS:
            *unit = 1000000000;
            return FAMILY_TIME;
        case CS_LOGICAL_TIMESTAMP_MICROS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MICROS:
            *unit = 1000000;
            return FAMILY_TIME;
        case CS_LOGICAL_TIMESTAMP_MILLIS:
        case CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS:
            return FAMILY_TIME;
        case CS_LOGICAL_TIME_MICROS:
            *unit = 1000000;
            return FAMILY_TIME_OF_DAY;
        case CS_LOGICAL_TIME_MILLIS:
            return FAMILY_TIME_OF_DAY;
        default:
            return FAMILY_OTHER;
    }
}

/* Choose how a value is finished by the reader's logical type. */
static cs_finish
logical_finish(const cs_avro_node *reader)
{
    switch (cs_avro_shape_of(reader).kind)
    {
        case CS_VALUE_TIME:
            return CS_FINISH_TIME;
        case CS_VALUE_LOCAL_TIME:
            return CS_FINISH_LOCAL_TIME;
        case CS_VALUE_DATE:
            return CS_FINISH_DATE;
        case CS_VALUE_TIME_OF_DAY:
            return CS_FINISH_TIME_OF_DAY;
        case CS_VALUE_DECIMAL:
            return CS_FINISH_DECIMAL;
        case CS_VALUE_UUID:
            return reader->type == CS_AVRO_FIXED ? CS_FINISH_UUID_BYTES : CS_FINISH_UUID_TEXT;
        default:
            return CS_FINISH_DURATION;
    }
}

/*
 * Resolve logical types. What the file holds counts: a time keeps the unit that
 * the writer gave it. False if the two do not go together.
 */
static bool
resolve_logical(cs_avro_reading *reading)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;
    int32_t reader_unit;
    family theirs = family_of(writer->logical, &reading->unit);
    family ours = family_of(reader->logical, &reader_unit);

    if (ours == FAMILY_NONE)
        return true;
    if (theirs == FAMILY_NONE)
        reading->unit = reader_unit;
    else if (theirs != ours || (ours == FAMILY_OTHER && writer->logical != reader->logical))
        return false;
    if (reader->logical == CS_LOGICAL_DECIMAL && writer->logical == CS_LOGICAL_DECIMAL)
        reading->scale = writer->scale;
    else
        reading->scale = reader->scale;
    reading->finish = logical_finish(reader);
    return true;
}

/* Resolve primitive types and fixed: the same type, or a promotion. */
static bool
resolve_primitive(cs_avro_reading *reading)
{
    cs_avro_type from = reading->writer->type, to = reading->reader->type;
    bool text = to == CS_AVRO_STRING && (from == CS_AVRO_STRING || from == CS_AVRO_BYTES);
    bool bytes = to == CS_AVRO_BYTES && (from == CS_AVRO_STRING || from == CS_AVRO_BYTES);
    bool same =
        from == to && (from != CS_AVRO_FIXED || reading->writer->size == reading->reader->size);
    bool promoted = from >= CS_AVRO_INT && from < to && to <= CS_AVRO_DOUBLE;

    if (!same && !promoted && !text && !bytes)
        return false;
    if (text)
        reading->finish = CS_FINISH_TEXT;
    else if (bytes && from == CS_AVRO_STRING)
        reading->finish = CS_FINISH_BYTES;
    else if (promoted && to == CS_AVRO_FLOAT)
        reading->finish = CS_FINISH_FLOAT;
    else if (promoted && to == CS_AVRO_DOUBLE)
        reading->finish = CS_FINISH_DOUBLE;
    return resolve_logical(reading);
}

/* How well a type has to match a branch of a union. */
typedef enum closeness
{
    CLOSE_NAME,  /* the same full name; the same logical type where there are no names */
    CLOSE_ALIAS, /* a full name that the reader's type had before */
    CLOSE_SHORT  /* the same name in another namespace; any logical type */
} closeness;

/* Where a name stands in some list. */
typedef struct name_place
{
    const char *name;
    size_t place;
} name_place;

/* Names in order: there may be very many on both sides. */
typedef struct name_index
{
    name_place *items;
    size_t count;
} name_index;

/* Order by name, then by place. */
static int
compare_names(const void *a, const void *b)
{
    const name_place *left = a, *right = b;
    int order = strcmp(left->name, right->name);

    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

/* Start with room for count names. */
static cs_code
start_index(cs_arena *arena, size_t count, name_index *index, cs_error *err)
{
    index->count = 0;
    return cs_arena_take_array(arena, count, sizeof(name_place), &index->items, err);
}

/* Add a name and its place. */
static void
add_to_index(name_index *index, const char *name, size_t place)
{
    index->items[index->count++] = (name_place){name, place};
}

/* Put the names in order. */
static void
sort_index(name_index *index)
{
    qsort(index->items, index->count, sizeof(name_place), compare_names);
}

/* The first place of a name that is not taken (NULL: none is); SIZE_MAX if there is none. */
static size_t
find_name(const name_index *index, const char *name, const bool *taken)
{
    size_t low = 0, high = index->count;

    while (low < high)
    {
        size_t middle = low + (high - low) / 2;

        if (strcmp(index->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->count && strcmp(index->items[low].name, name) == 0; low++)
        if (taken == NULL || !taken[index->items[low].place])
            return index->items[low].place;
    return SIZE_MAX;
}

/* Match an enum's symbols. */
static cs_code
resolve_enum(resolver *r, cs_avro_reading *reading, cs_error *err)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;
    name_index index;
    cs_slice *symbols;

    CS_TRY(cs_arena_take_array(r->arena, writer->symbols.count, sizeof(cs_slice), &symbols, err));
    CS_TRY(start_index(r->arena, reader->symbols.count, &index, err));
    for (size_t i = 0; i < reader->symbols.count; i++)
        add_to_index(&index, reader->symbols.items[i], i);
    sort_index(&index);
    for (size_t i = 0; i < writer->symbols.count; i++)
    {
        const char *symbol = writer->symbols.items[i];

        if (i % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(r->arena->env, err));
        if (find_name(&index, symbol, NULL) != SIZE_MAX)
            symbols[i] = cs_slice_of(symbol);
        else if (reader->default_symbol >= 0)
            symbols[i] = cs_slice_of(reader->symbols.items[reader->default_symbol]);
    }
    reading->symbols = symbols;
    reading->finish = CS_FINISH_SYMBOL;
    return CS_OK;
}

/* Put the names of a record's fields in order, or their aliases. */
static cs_code
index_fields(cs_arena *arena, const cs_avro_node *record, bool by_alias, name_index *index,
             cs_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < record->num_fields; i++)
        count += by_alias ? record->fields[i].aliases.count : 1;
    CS_TRY(start_index(arena, count, index, err));
    for (size_t i = 0; i < record->num_fields; i++)
    {
        const cs_avro_field *field = &record->fields[i];

        if (!by_alias)
            add_to_index(index, field->name, i);
        for (size_t j = 0; by_alias && j < field->aliases.count; j++)
            add_to_index(index, field->aliases.items[j], i);
    }
    sort_index(index);
    return CS_OK;
}

/* Find the reader's field for each of the writer's that has none yet, by name or by alias. */
static cs_code
match_by(resolver *r, cs_avro_reading *reading, bool by_alias, bool *taken, cs_error *err)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;
    name_index index;

    CS_TRY(index_fields(r->arena, reader, by_alias, &index, err));
    for (size_t i = 0; i < writer->num_fields; i++)
    {
        size_t target;

        CS_TRY(cs_poll(r->arena->env, err));
        if (reading->fields[i].target != NULL)
            continue;
        target = find_name(&index, writer->fields[i].name, taken);
        if (target == SIZE_MAX)
            continue;
        taken[target] = true;
        reading->fields[i].target = &reader->fields[target];
    }
    return CS_OK;
}

/* Find the reader's field for each of the writer's: by name, the others by alias. */
static cs_code
match_fields(resolver *r, cs_avro_reading *reading, bool *taken, cs_error *err)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;

    if (writer != reader)
    {
        CS_TRY(match_by(r, reading, false, taken, err));
        return match_by(r, reading, true, taken, err);
    }
    for (size_t i = 0; i < writer->num_fields; i++)
    {
        taken[i] = true;
        reading->fields[i].target = &reader->fields[i];
    }
    return CS_OK;
}

/* Resolve the field that only the reader has: by its default. */
static cs_code
resolve_default(resolver *r, const cs_avro_field *field, cs_default_reading *filled, cs_error *err)
{
    bool outer = r->own;
    cs_code code;

    if (!field->has_default)
        return cs_fail(err, CS_ERR_ARGUMENT,
                       "field \"%.60s\" is not in the file and has no default", field->name);
    filled->target = field;
    r->own = true;
    code = resolve(r, field->type, field->type, &filled->reading, err);
    r->own = outer;
    return code;
}

/* Resolve the fields of a record. */
static cs_code
resolve_record(resolver *r, cs_avro_reading *reading, cs_error *err)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;
    bool *taken;

    CS_TRY(cs_arena_take_array(r->arena, reader->num_fields, sizeof(bool), &taken, err));
    CS_TRY(cs_arena_take_array(r->arena, writer->num_fields, sizeof(cs_field_reading),
                               &reading->fields, err));
    CS_TRY(cs_arena_take_array(r->arena, reader->num_fields, sizeof(cs_default_reading),
                               &reading->defaults, err));
    CS_TRY(match_fields(r, reading, taken, err));
    for (size_t i = 0; i < writer->num_fields; i++)
    {
        cs_field_reading *field = &reading->fields[i];
        cs_code code;

        if (field->target == NULL)
            continue;
        code = resolve(r, writer->fields[i].type, field->target->type, &field->reading, err);
        if (code == CS_ERR_ARGUMENT)
            return cs_fail_within(err, code, "field \"%.60s\"", writer->fields[i].name);
        if (code != CS_OK)
            return code;
    }
    for (size_t i = 0; i < reader->num_fields; i++)
        if (!taken[i])
            CS_TRY(resolve_default(r, &reader->fields[i],
                                   &reading->defaults[reading->num_defaults++], err));
    return CS_OK;
}

/* Resolve a writer's union: each branch that can be read; the others are refused when met. */
static cs_code
resolve_writer_union(resolver *r, cs_avro_reading *reading, cs_error *err)
{
    const cs_avro_node *writer = reading->writer;
    size_t resolved = 0;
    cs_error first = {.code = CS_OK};

    CS_TRY(cs_arena_take_array(r->arena, writer->num_branches, sizeof(cs_avro_reading *),
                               &reading->branches, err));
    for (size_t i = 0; i < writer->num_branches; i++)
    {
        cs_code code = resolve(r, writer->branches[i], reading->reader, &reading->branches[i], err);
        cs_avro_reading *refused;

        if (code != CS_OK && code != CS_ERR_ARGUMENT)
            return code;
        resolved += code == CS_OK;
        if (code == CS_OK)
            continue;
        if (first.code == CS_OK)
            first = *err;
        CS_TRY(cs_arena_take(r->arena, sizeof(cs_avro_reading), &refused, err));
        refused->writer = writer->branches[i];
        refused->reader = reading->reader;
        refused->finish = CS_FINISH_MISMATCH;
        reading->branches[i] = refused;
    }
    if (resolved > 0)
        return CS_OK;
    *err = first;
    return CS_ERR_ARGUMENT;
}

/* True if a branch of the reader's union is the same type, by name where it has one. */
static bool
is_same_type(const cs_avro_node *writer, const cs_avro_node *branch, closeness close)
{
    if (writer->type != branch->type)
        return false;
    if (close == CLOSE_ALIAS)
        return branch->name != NULL && cs_avro_names_have(&branch->aliases, writer->name);
    if (branch->name == NULL)
        return close == CLOSE_SHORT || writer->logical == branch->logical;
    if (close == CLOSE_NAME)
        return strcmp(writer->name, branch->name) == 0;
    return strcmp(cs_avro_short_name(writer->name), cs_avro_short_name(branch->name)) == 0;
}

/* Resolve to the reader's union: the branch that fits best. */
static cs_code
resolve_reader_union(resolver *r, const cs_avro_node *writer, const cs_avro_node *reader,
                     const cs_avro_reading **reading, cs_error *err)
{
    for (closeness close = CLOSE_NAME; close <= CLOSE_SHORT; close++)
        for (size_t i = 0; i < reader->num_branches; i++)
        {
            cs_code code = CS_ERR_ARGUMENT;

            if (is_same_type(writer, reader->branches[i], close))
                code = resolve(r, writer, reader->branches[i], reading, err);
            if (code != CS_ERR_ARGUMENT)
                return code;
        }
    for (size_t i = 0; i < reader->num_branches; i++)
    {
        cs_code code = resolve(r, writer, reader->branches[i], reading, err);

        if (code != CS_ERR_ARGUMENT)
            return code;
    }
    return fail_pair(writer, reader, r->arena, err);
}

/* Fill in the reading of a pair that is no union of the reader's. */
static cs_code
resolve_pair(resolver *r, cs_avro_reading *reading, cs_error *err)
{
    const cs_avro_node *writer = reading->writer, *reader = reading->reader;
    bool same = writer->type == reader->type;

    switch (writer->type)
    {
        case CS_AVRO_UNION:
            return resolve_writer_union(r, reading, err);
        case CS_AVRO_ENUM:
            if (same)
                return resolve_enum(r, reading, err);
            break;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            if (same)
                return resolve(r, writer->items, reader->items, &reading->items, err);
            break;
        case CS_AVRO_RECORD:
            if (same)
                return resolve_record(r, reading, err);
            break;
        default:
            if (resolve_primitive(reading))
                return CS_OK;
            break;
    }
    return fail_pair(writer, reader, r->arena, err);
}

/* Resolve a pair, once. */
static cs_code
resolve(resolver *r, const cs_avro_node *writer, const cs_avro_node *reader,
        const cs_avro_reading **out, cs_error *err)
{
    uint64_t key = ((uint64_t) writer->index << 32 | (uint64_t) reader->index) + 1 +
                   (r->own ? UINT64_C(1) << 63 : 0);
    known_pair *pair;
    cs_avro_reading *reading;
    cs_code code;

    if (reader->type == CS_AVRO_UNION && writer->type != CS_AVRO_UNION)
        return resolve_reader_union(r, writer, reader, out, err);
    CS_TRY(grow_table(r, err));
    pair = find_pair(r, key);
    if (pair->key == key)
    {
        *out = pair->reading;
        return pair->reading != NULL ? CS_OK : fail_pair(writer, reader, r->arena, err);
    }
    if (r->depth == MAX_RESOLVE_DEPTH)
        return cs_fail(err, CS_ERR_LIMIT, "types are nested more than the limit of %d levels",
                       MAX_RESOLVE_DEPTH);
    CS_TRY(cs_arena_take(r->arena, sizeof(cs_avro_reading), &reading, err));
    reading->writer = writer;
    reading->reader = reader;
    *pair = (known_pair){key, reading};
    r->count++;
    r->depth++;
    code = resolve_pair(r, reading, err);
    r->depth--;
    if (code != CS_OK) /* others may refer to the reading already: whoever meets it is refused */
    {
        reading->finish = CS_FINISH_MISMATCH;
        find_pair(r, key)->reading = NULL;
    }
    *out = reading;
    return code;
}

cs_code
cs_avro_resolve(cs_arena *arena, const cs_avro_node *writer, const cs_avro_node *reader,
                const cs_avro_reading **reading, cs_error *err)
{
    resolver r = {.arena = arena};

    return resolve(&r, writer, reader, reading, err);
}
