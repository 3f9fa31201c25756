/*
 * test/unit/avro_random.c
 *     Random schemas and random values for them.
 */
#include "avro_random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_NAMES 40
#define MAX_DEPTH 4       /* of types inside types */
#define MAX_VALUE_DEPTH 7 /* of values, where there is a choice */

/* A schema that is being made. */
typedef struct making
{
    test_random *random;
    char names[MAX_NAMES][8]; /* of the types defined so far */
    bool complete[MAX_NAMES];
    size_t num_names;
    unsigned num_fields;
    unsigned depth;
} making;

static json_t *make_type(making *m);

/* A number below limit. */
static unsigned
pick(test_random *random, unsigned limit)
{
    return (unsigned) test_random_below(random, limit);
}

/* Start a named type. */
static json_t *
start_named(making *m, const char *type, size_t *index)
{
    *index = m->num_names++;
    snprintf(m->names[*index], sizeof(m->names[0]), "%sT%zu", *index % 3 == 2 ? "m." : "n.",
             *index);
    m->complete[*index] = false;
    return json_pack("{ss, ss}", "type", type, "name", m->names[*index]);
}

/* Make a record. */
static json_t *
make_record(making *m)
{
    size_t index;
    json_t *record = start_named(m, "record", &index);
    json_t *fields = json_array();
    unsigned count = 1 + pick(m->random, m->depth == 0 ? 8 : 4);

    m->depth++;
    for (unsigned i = 0; i < count; i++)
    {
        char name[16];

        snprintf(name, sizeof(name), "f%u", m->num_fields++);
        json_array_append_new(fields, json_pack("{ss, so}", "name", name, "type", make_type(m)));
    }
    m->depth--;
    json_object_set_new(record, "fields", fields);
    m->complete[index] = true;
    return record;
}

/* Make an enum. */
static json_t *
make_enum(making *m)
{
    size_t index;
    json_t *type = start_named(m, "enum", &index);
    json_t *symbols = json_array();
    unsigned count = 1 + pick(m->random, 5);

    for (unsigned i = 0; i < count; i++)
        json_array_append_new(symbols, json_sprintf("S%u", i));
    json_object_set_new(type, "symbols", symbols);
    m->complete[index] = true;
    return type;
}

/* Make a fixed, perhaps with a logical type; in a union two decimals look alike. */
static json_t *
make_fixed(making *m, bool in_union)
{
    size_t index;
    json_t *type = start_named(m, "fixed", &index);
    int size = (int) pick(m->random, 20);

    switch (pick(m->random, in_union ? 2 : 4))
    {
        case 0:
            size = 12;
            json_object_set_new(type, "logicalType", json_string("duration"));
            break;
        case 1:
            size = 16;
            json_object_set_new(type, "logicalType", json_string("uuid"));
            break;
        case 2:
            size = 9;
            json_object_set_new(type, "logicalType", json_string("decimal"));
            json_object_set_new(type, "precision", json_integer(20));
            json_object_set_new(type, "scale", json_integer(pick(m->random, 20)));
            break;
        default:
            break;
    }
    json_object_set_new(type, "size", json_integer(size));
    m->complete[index] = true;
    return type;
}

/* Make a primitive type with a logical type. */
static json_t *
make_logical(making *m)
{
    static const char *const types[][2] = {
        {"int", "date"},
        {"int", "time-millis"},
        {"long", "time-micros"},
        {"long", "timestamp-millis"},
        {"long", "timestamp-micros"},
        {"long", "timestamp-nanos"},
        {"long", "local-timestamp-millis"},
        {"long", "local-timestamp-micros"},
        {"long", "local-timestamp-nanos"},
        {"string", "uuid"},
    };
    unsigned which = pick(m->random, LENGTH(types) + 1);
    int precision = 1 + (int) pick(m->random, 40);

    if (which < LENGTH(types))
        return json_pack("{ss, ss}", "type", types[which][0], "logicalType", types[which][1]);
    return json_pack("{ss, ss, si, si}", "type", "bytes", "logicalType", "decimal", "precision",
                     precision, "scale", (int) pick(m->random, (unsigned) precision + 1));
}

/* A type that was defined before: a complete one, or with a way out of the recursion. */
static json_t *
make_reference(making *m)
{
    size_t index = pick(m->random, (unsigned) m->num_names);

    if (m->complete[index])
        return json_string(m->names[index]);
    switch (pick(m->random, 3))
    {
        case 0:
            return json_pack("[s, s]", "null", m->names[index]);
        case 1:
            return json_pack("{ss, ss}", "type", "array", "items", m->names[index]);
        default:
            return json_pack("{ss, ss}", "type", "map", "values", m->names[index]);
    }
}

/* Make a branch of a union, if there is none of its kind; NULL if there is. */
static json_t *
make_branch(making *m, unsigned kind, unsigned *seen)
{
    static const char *const primitives[] = {"boolean", "int",   "long",  "float",
                                             "double",  "bytes", "string"};

    if (kind < 9 && (*seen & 1u << kind) != 0)
        return NULL;
    if ((kind == 8 || kind == 9) && (*seen & 3u << 8) != 0) /* a map looks like a record */
        return NULL;
    *seen |= 1u << kind;
    if (kind < LENGTH(primitives))
    {
        if (kind == 1 && pick(m->random, 2) == 0)
            return json_pack("{ss, ss}", "type", "int", "logicalType", "date");
        if (kind == 2 && pick(m->random, 2) == 0)
            return json_pack("{ss, ss}", "type", "long", "logicalType", "timestamp-nanos");
        return json_string(primitives[kind]);
    }
    switch (kind)
    {
        case 7:
            return json_pack("{ss, so}", "type", "array", "items", make_type(m));
        case 8:
            return json_pack("{ss, so}", "type", "map", "values", make_type(m));
        case 9:
            return make_record(m);
        case 10:
            return make_enum(m);
        default:
            return make_fixed(m, true);
    }
}

/* Make a union. */
static json_t *
make_union(making *m)
{
    json_t *branches = json_array();
    unsigned count = 1 + pick(m->random, 4);
    unsigned null_at = pick(m->random, 8), seen = 0;

    for (unsigned i = 0; i < count; i++)
    {
        json_t *branch =
            make_branch(m, pick(m->random, m->num_names < MAX_NAMES / 2 ? 12 : 9), &seen);

        if (i == null_at)
            json_array_append_new(branches, json_string("null"));
        if (branch != NULL)
            json_array_append_new(branches, branch);
    }
    return branches;
}

/* Make any type. */
static json_t *
make_type(making *m)
{
    static const char *const primitives[] = {"null",  "boolean", "int",   "long",
                                             "float", "double",  "bytes", "string"};
    unsigned deepest = m->depth < MAX_DEPTH && m->num_names < MAX_NAMES / 2 ? 20 : 12;
    unsigned which = pick(m->random, deepest);
    json_t *type;

    if (which < LENGTH(primitives))
        return json_string(primitives[which]);
    if (which < 12)
        return make_logical(m);
    m->depth++;
    switch (which)
    {
        case 12:
            type = make_enum(m);
            break;
        case 13:
            type = make_fixed(m, false);
            break;
        case 14:
            type = make_record(m);
            break;
        case 15:
            type = json_pack("{ss, so}", "type", "array", "items", make_type(m));
            break;
        case 16:
            type = json_pack("{ss, so}", "type", "map", "values", make_type(m));
            break;
        case 17:
            type = make_reference(m);
            break;
        default:
            type = make_union(m);
            break;
    }
    m->depth--;
    return type;
}

json_t *
random_schema(test_random *random)
{
    making m = {.random = random};

    return make_record(&m);
}

cs_avro_schema *
random_parsed_schema(test_random *random)
{
    json_t *json = random_schema(random);
    char *text = json_dumps(json, JSON_COMPACT);
    cs_avro_schema *schema = case_schema(text);

    free(text);
    json_decref(json);
    return schema;
}

/* Any 64 bits, often of a small number or an extreme one. */
static int64_t
random_bits(test_random *random)
{
    uint64_t bits = test_random_next(random) >> pick(random, 64);

    return pick(random, 2) == 0 ? (int64_t) bits : (int64_t) ~bits;
}

/* A value of a kind, as text. */
static json_t *
print_value(const cs_value *value)
{
    cs_buffer text;
    cs_error err;
    json_t *json;

    cs_buffer_init(&text, cs_malloc_env());
    assert_ok(cs_value_text(value, &text, &err), &err);
    json = json_stringn((const char *) text.data, text.len);
    cs_buffer_free(&text);
    return json;
}

/* Some bytes. */
static json_t *
random_bytes(test_random *random, size_t len)
{
    char bytes[64];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char) test_random_next(random);
    return print_value(&(cs_value){.kind = CS_VALUE_BYTES, .as.bytes = {bytes, len}});
}

/* Some text, which looks like nothing else. */
static json_t *
random_text(test_random *random)
{
    static const char *const letters[] = {
        "a", "b", "z", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\"", "/", "\n"};
    char text[80] = "";
    unsigned len = pick(random, 16);

    for (unsigned i = 0; i < len; i++)
        strcat(text, letters[pick(random, LENGTH(letters))]);
    return json_string(text);
}

/* A number of a type. */
static json_t *
random_number(test_random *random, cs_avro_type type)
{
    int64_t bits = random_bits(random);
    double number;

    if (type == CS_AVRO_LONG)
        return json_integer(bits);
    if (type == CS_AVRO_INT)
        return json_integer((int32_t) bits);
    if (pick(random, 10) == 0)
        return json_string(bits % 3 == 0 ? "NaN" : bits % 3 > 0 ? "Infinity" : "-Infinity");
    number = (double) bits / (double) (UINT64_C(1) << pick(random, 40));
    return json_real(type == CS_AVRO_FLOAT ? (double) (float) number : number);
}

/* A random instant that a type of this unit holds. */
static cs_value
random_time(test_random *random, const cs_avro_node *type)
{
    const uint64_t range = (uint64_t) CS_TIME_END - (uint64_t) CS_TIME_MIN;
    cs_value value = {.kind = cs_avro_shape_of(type).kind};

    value.as.time = (cs_time) ((uint64_t) CS_TIME_MIN + test_random_below(random, range));
    if (pick(random, 2) == 0)
        value.as.time = (int64_t) test_random_below(random, 40 * 366 * (uint64_t) CS_DAY);
    if (type->logical == CS_LOGICAL_TIMESTAMP_MILLIS ||
        type->logical == CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS)
        value.as.time -= value.as.time % 1000;
    else if (value.as.time > INT64_MAX - CS_UNIX_OFFSET)
        value.as.time = INT64_MAX - CS_UNIX_OFFSET;
    if (type->logical == CS_LOGICAL_TIMESTAMP_NANOS ||
        type->logical == CS_LOGICAL_LOCAL_TIMESTAMP_NANOS)
    {
        value.as.time = random_bits(random) / 1000 - CS_UNIX_OFFSET;
        value.nanos = (int16_t) pick(random, 1000);
        if (value.as.time == INT64_MAX / 1000 - CS_UNIX_OFFSET)
            value.nanos %= 808;
    }
    return value;
}

/* A value of a logical type. */
static json_t *
random_logical(test_random *random, const cs_avro_node *type)
{
    cs_value value = {.kind = cs_avro_shape_of(type).kind};
    uint8_t bytes[CS_UUID_BYTES];
    unsigned digits;
    char text[64] = "";

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) test_random_next(random);
    switch (value.kind)
    {
        case CS_VALUE_TIME:
        case CS_VALUE_LOCAL_TIME:
            value = random_time(random, type);
            break;
        case CS_VALUE_DATE:
            value.as.days =
                (int32_t) (CS_DATE_MIN + (int64_t) test_random_below(
                                             random, (uint64_t) (CS_DATE_END - CS_DATE_MIN)));
            break;
        case CS_VALUE_TIME_OF_DAY:
            value.as.time_of_day = (int64_t) test_random_below(random, CS_DAY);
            if (type->logical == CS_LOGICAL_TIME_MILLIS)
                value.as.time_of_day -= value.as.time_of_day % 1000;
            break;
        case CS_VALUE_UUID:
            memcpy(value.as.uuid, bytes, sizeof(bytes));
            break;
        case CS_VALUE_DURATION:
            value.as.duration.months = (uint32_t) random_bits(random);
            value.as.duration.days = (uint32_t) random_bits(random);
            value.as.duration.millis = (uint32_t) random_bits(random);
            break;
        default: /* a decimal: a whole part without leading zeros, and scale digits */
            digits = pick(random, (unsigned) (type->precision - type->scale) + 1);
            if (digits > 0 && pick(random, 2) == 0)
                strcat(text, "-");
            for (unsigned i = 0; i < digits; i++)
                sprintf(text + strlen(text), "%u", 1 + pick(random, 9));
            if (digits == 0)
                strcat(text, "0");
            if (type->scale > 0)
                strcat(text, ".");
            for (int i = 0; i < type->scale; i++)
                sprintf(text + strlen(text), "%u", pick(random, 10));
            return json_string(text);
    }
    return print_value(&value);
}

static json_t *random_inner(test_random *random, const cs_avro_node *type, int depth);

/* A value of an array or a map. */
static json_t *
random_items(test_random *random, const cs_avro_node *type, int depth)
{
    json_t *items = type->type == CS_AVRO_ARRAY ? json_array() : json_object();
    unsigned count = depth < MAX_VALUE_DEPTH ? pick(random, 4) : 0;

    for (unsigned i = 0; i < count; i++)
    {
        json_t *item = random_inner(random, type->items, depth + 1);
        char key[16];

        snprintf(key, sizeof(key), "k%u", i);
        if (type->type == CS_AVRO_ARRAY)
            json_array_append_new(items, item);
        else
            json_object_set_new(items, key, item);
    }
    return items;
}

/* A value of a union: where it becomes deep, of its smallest branch. */
static json_t *
random_branch(test_random *random, const cs_avro_node *type, int depth)
{
    const cs_avro_node *branch = type->branches[pick(random, (unsigned) type->num_branches)];

    for (size_t i = 0; i < type->num_branches && depth >= MAX_VALUE_DEPTH; i++)
        if (type->branches[i]->min_bytes < branch->min_bytes)
            branch = type->branches[i];
    return random_inner(random, branch, depth + 1);
}

/* A value of a record. */
static json_t *
random_record(test_random *random, const cs_avro_node *type, int depth)
{
    json_t *record = json_object();

    for (size_t i = 0; i < type->num_fields; i++)
        json_object_set_new(record, type->fields[i].name,
                            random_inner(random, type->fields[i].type, depth + 1));
    return record;
}

/* A value of any type. */
static json_t *
random_inner(test_random *random, const cs_avro_node *type, int depth)
{
    if (type->logical != CS_LOGICAL_NONE)
        return random_logical(random, type);
    switch (type->type)
    {
        case CS_AVRO_NULL:
            return json_null();
        case CS_AVRO_BOOLEAN:
            return json_boolean(pick(random, 2));
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
        case CS_AVRO_FLOAT:
        case CS_AVRO_DOUBLE:
            return random_number(random, type->type);
        case CS_AVRO_BYTES:
            return random_bytes(random, pick(random, 20));
        case CS_AVRO_STRING:
            return random_text(random);
        case CS_AVRO_FIXED:
            return random_bytes(random, type->size);
        case CS_AVRO_ENUM:
            return json_string(type->symbols.items[pick(random, (unsigned) type->symbols.count)]);
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            return random_items(random, type, depth);
        case CS_AVRO_RECORD:
            return random_record(random, type, depth);
        case CS_AVRO_UNION:
            return random_branch(random, type, depth);
    }
    return NULL;
}

json_t *
random_value(test_random *random, const cs_avro_node *type)
{
    return random_inner(random, type, 0);
}

void
random_encoded(test_random *random, const cs_avro_node *type, cs_buffer *out)
{
    json_t *json = random_value(random, type);
    cs_error err;

    assert_ok(cs_avro_encode_json(type, json, CS_JSON_PLAIN, out, &err), &err);
    json_decref(json);
}
