/*
 * core/avro_schema.c
 *     Parse and validate a record schema.
 */
#include "avro_schema.h"

#include <jansson.h>

static const struct
{
    const char *name;
    cs_avro_type type;
    size_t min_bytes; /* the shortest encoding of a value */
} primitives[] = {
    {"null", CS_AVRO_NULL, 0},   {"boolean", CS_AVRO_BOOLEAN, 1}, {"int", CS_AVRO_INT, 1},
    {"long", CS_AVRO_LONG, 1},   {"float", CS_AVRO_FLOAT, 4},     {"double", CS_AVRO_DOUBLE, 8},
    {"bytes", CS_AVRO_BYTES, 1}, {"string", CS_AVRO_STRING, 1},
};

#define NUM_PRIMITIVES (sizeof(primitives) / sizeof(primitives[0]))

static const char *const complex_types[] = {"record", "error", "enum", "array", "map", "fixed"};

#define NUM_COMPLEX_TYPES (sizeof(complex_types) / sizeof(complex_types[0]))

/* {"type": {"type": ...}} may nest; nobody needs more. */
#define MAX_TYPE_NESTING 16

const char *
cs_avro_type_name(cs_avro_type type)
{
    return primitives[type].name;
}

/* True if text is [A-Za-z_][A-Za-z0-9_]*. */
static bool
is_simple_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
    {
        char c = text[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';

        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return len > 0;
}

/* True if text is simple names separated by dots. */
static bool
is_full_name(const char *text)
{
    for (;;)
    {
        size_t len = strcspn(text, ".");

        if (!is_simple_name(text, len))
            return false;
        if (text[len] == '\0')
            return true;
        text += len + 1;
    }
}

/* Read a type by its name. */
static cs_code
named_type(const char *name, const char *field, cs_avro_type *type, cs_error *err)
{
    for (size_t i = 0; i < NUM_PRIMITIVES; i++)
        if (strcmp(primitives[i].name, name) == 0)
        {
            *type = primitives[i].type;
            return CS_OK;
        }
    for (size_t i = 0; i < NUM_COMPLEX_TYPES; i++)
        if (strcmp(complex_types[i], name) == 0)
            return cs_fail(err, CS_ERR_UNSUPPORTED,
                           "schema: field \"%s\" is of type %s, which this version does not read",
                           field, name);
    return cs_fail(err, CS_ERR_DATA, "schema: field \"%s\" is of unknown type \"%.100s\"", field,
                   name);
}

/* The logical type of a primitive's JSON object; what does not fit falls back to none. */
static cs_avro_logical
logical_type(const json_t *object, cs_avro_type type)
{
    const char *name = json_string_value(json_object_get(object, "logicalType"));

    if (name == NULL || type != CS_AVRO_LONG)
        return CS_LOGICAL_NONE;
    if (strcmp(name, "timestamp-millis") == 0)
        return CS_LOGICAL_TIMESTAMP_MILLIS;
    if (strcmp(name, "timestamp-micros") == 0)
        return CS_LOGICAL_TIMESTAMP_MICROS;
    return CS_LOGICAL_NONE;
}

/* Read a type that is not a union: a name, or an object around a type. */
static cs_code
read_plain_type(const json_t *json, cs_avro_field *field, cs_error *err)
{
    for (int depth = 0; json_is_object(json) && depth < MAX_TYPE_NESTING; depth++)
    {
        const json_t *inner = json_object_get(json, "type");

        if (json_is_string(inner))
        {
            CS_TRY(named_type(json_string_value(inner), field->name, &field->type, err));
            field->logical = logical_type(json, field->type);
            return CS_OK;
        }
        json = inner;
    }
    if (!json_is_string(json))
        return cs_fail(err, CS_ERR_DATA, "schema: field \"%s\" has no valid type", field->name);
    return named_type(json_string_value(json), field->name, &field->type, err);
}

/* Read a union: exactly null and one other type. */
static cs_code
read_union(const json_t *json, cs_avro_field *field, cs_error *err)
{
    cs_avro_field branches[2] = {{.name = field->name}, {.name = field->name}};

    if (json_array_size(json) != 2)
        return cs_fail(err, CS_ERR_UNSUPPORTED,
                       "schema: field \"%s\" is a union of %zu types; "
                       "this version reads unions of null and one type",
                       field->name, json_array_size(json));
    for (size_t i = 0; i < 2; i++)
    {
        const json_t *branch = json_array_get(json, i);

        if (json_is_array(branch))
            return cs_fail(err, CS_ERR_DATA, "schema: field \"%s\" has a union inside a union",
                           field->name);
        CS_TRY(read_plain_type(branch, &branches[i], err));
    }
    if (branches[0].type == branches[1].type)
        return cs_fail(err, CS_ERR_DATA, "schema: the union of field \"%s\" holds %s twice",
                       field->name, cs_avro_type_name(branches[0].type));
    if (branches[0].type != CS_AVRO_NULL && branches[1].type != CS_AVRO_NULL)
        return cs_fail(err, CS_ERR_UNSUPPORTED,
                       "schema: field \"%s\" is a union without null, "
                       "which this version does not read",
                       field->name);
    field->null_branch = branches[0].type == CS_AVRO_NULL ? 0 : 1;
    field->nullable = true;
    field->type = branches[1 - field->null_branch].type;
    field->logical = branches[1 - field->null_branch].logical;
    return CS_OK;
}

/* Copy a string into the schema's memory. */
static cs_code
copy_text(const cs_env *env, const char *text, size_t len, char **copy, cs_error *err)
{
    *copy = cs_allocate(env, len + 1);
    if (*copy == NULL)
        return cs_fail_memory(err, len + 1);
    memcpy(*copy, text, len);
    (*copy)[len] = '\0';
    return CS_OK;
}

/* Read one entry of the record's "fields". */
static cs_code
read_field(cs_avro_schema *schema, const json_t *json, cs_error *err)
{
    cs_avro_field *field = &schema->fields[schema->num_fields];
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *type = json_object_get(json, "type");

    if (name == NULL || !is_simple_name(name, strlen(name)))
        return cs_fail(err, CS_ERR_DATA, "schema: field %zu has no valid name",
                       schema->num_fields + 1);
    if (cs_avro_schema_find(schema, name) >= 0)
        return cs_fail(err, CS_ERR_DATA, "schema: field \"%.100s\" is defined twice", name);
    CS_TRY(copy_text(schema->env, name, strlen(name), (char **) &field->name, err));
    schema->num_fields++;
    if (json_is_array(type))
        CS_TRY(read_union(type, field, err));
    else
        CS_TRY(read_plain_type(type, field, err));
    schema->min_record_bytes += field->nullable ? 1 : primitives[field->type].min_bytes;
    return CS_OK;
}

/* Read the top-level record. */
static cs_code
read_record(cs_avro_schema *schema, const json_t *json, cs_error *err)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *name = json_string_value(json_object_get(json, "name"));
    const json_t *fields = json_object_get(json, "fields");
    size_t count = json_array_size(fields);

    if (type == NULL || strcmp(type, "record") != 0)
        return cs_fail(err, CS_ERR_UNSUPPORTED, "schema: the top-level type is not a record");
    if (name == NULL || !is_full_name(name))
        return cs_fail(err, CS_ERR_DATA, "schema: the record has no valid name");
    if (!json_is_array(fields))
        return cs_fail(err, CS_ERR_DATA, "schema: the record has no list of fields");
    CS_TRY(copy_text(schema->env, name, strlen(name), &schema->name, err));
    schema->fields = cs_allocate(schema->env, count * sizeof(cs_avro_field));
    if (schema->fields == NULL)
        return cs_fail_memory(err, count * sizeof(cs_avro_field));
    memset(schema->fields, 0, count * sizeof(cs_avro_field));
    for (size_t i = 0; i < count; i++)
    {
        CS_TRY(cs_poll(schema->env, err)); /* each field is compared with all before it */
        CS_TRY(read_field(schema, json_array_get(fields, i), err));
    }
    return CS_OK;
}

/* Fill in an empty schema from its JSON text. */
static cs_code
read_schema(cs_avro_schema *schema, const char *json, size_t len, cs_error *err)
{
    json_error_t json_error;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
    cs_code code;

    if (root == NULL)
        return cs_fail(err, CS_ERR_DATA, "schema is not valid JSON: %s at line %d, column %d",
                       json_error.text, json_error.line, json_error.column);
    code = read_record(schema, root, err);
    json_decref(root);
    if (code == CS_OK)
        code = copy_text(schema->env, json, len, &schema->json, err);
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
    code = read_schema(*schema, json, len, err);
    if (code != CS_OK)
    {
        cs_avro_schema_free(*schema);
        *schema = NULL;
    }
    return code;
}

/* Free the schema; NULL is fine. */
void
cs_avro_schema_free(cs_avro_schema *schema)
{
    if (schema == NULL)
        return;
    for (size_t i = 0; i < schema->num_fields; i++)
        cs_release(schema->env, (char *) schema->fields[i].name);
    cs_release(schema->env, schema->fields);
    cs_release(schema->env, schema->name);
    cs_release(schema->env, schema->json);
    schema->env->release(schema->env->ctx, schema);
}

int
cs_avro_schema_find(const cs_avro_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->num_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return (int) i;
    return -1;
}
