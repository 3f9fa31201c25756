/*
 * test/fuzz/avro_json_fuzz.c
 *     A schema, a NUL, a JSON value: encoded by it in both styles. What that gives is read
 *     without an error, and written as JSON and encoded again it is what it was then.
 */
#include "records.h"

#include <jansson.h>

/* Encode a value in one style; false if it is refused. */
static bool
encode(const cs_avro_node *type, const json_t *json, cs_avro_json_style style, cs_buffer *bytes)
{
    cs_error err;
    cs_code code = cs_avro_encode_json(type, json, style, bytes, &err);

    if (code != CS_OK)
        fuzz_check_error(code, &err);
    return code == CS_OK;
}

/* Decode the columns of one record as JSON, an object; NULL where a value is refused. */
static json_t *
decode(const cs_avro_schema *schema, const cs_avro_plan *plan, size_t columns, cs_slice bytes)
{
    uint8_t *memory = calloc(bytes.len + CS_AVRO_BLOCK_SLACK, 1);
    cs_avro_block block = {.records = 1, .first_record = 1, .data = memory, .len = bytes.len};
    cs_value values[RECORDS_MAX_COLUMNS];
    json_t *object = json_object(), *json = NULL;
    cs_avro_cursor cursor;
    cs_error err;
    cs_code code;

    fuzz_check(memory != NULL && object != NULL);
    if (bytes.len > 0)
        memcpy(memory, bytes.data, bytes.len);
    cs_avro_cursor_init(&cursor, plan, &block);
    code = cs_avro_cursor_next(&cursor, values, &err);
    for (size_t i = 0; code == CS_OK && i < columns; i++)
    {
        code = cs_avro_value_json(plan, &values[i], &json, &err);
        if (code == CS_OK)
            json_object_set_new(object, schema->fields[i].name, json);
    }
    if (code == CS_OK)
        fuzz_check(cs_avro_cursor_next(&cursor, values, &err) == CS_END, "(%s)", err.message);
    else /* the styles let pass what we refuse to read: an instant out of range, deep nesting */
        fuzz_check(code == CS_ERR_RANGE || code == CS_ERR_LIMIT, "(%s)", err.message);
    free(memory);
    if (code == CS_OK)
        return object;
    json_decref(object);
    return NULL;
}

/* Encode columns as read, read them again: the bytes are the same from the second time on. */
static void
check_again(const cs_avro_schema *schema, const cs_avro_plan *plan, size_t columns, json_t *first)
{
    const cs_avro_node *type = schema->root;
    json_t *read = NULL;
    cs_buffer once, twice;

    cs_buffer_init(&once, fuzz_env());
    cs_buffer_init(&twice, fuzz_env());
    if (encode(type, type->type == CS_AVRO_RECORD ? first : json_object_get(first, "value"),
               CS_JSON_PLAIN, &once))
        read = decode(schema, plan, columns, fuzz_slice(&once));
    if (read != NULL &&
        encode(type, type->type == CS_AVRO_RECORD ? read : json_object_get(read, "value"),
               CS_JSON_PLAIN, &twice))
        fuzz_check_same(fuzz_slice(&once), fuzz_slice(&twice), "encoded again");
    json_decref(read);
    cs_buffer_free(&once);
    cs_buffer_free(&twice);
}

/* Encode a value by a schema in both styles, and read it. */
static void
try_value(const cs_avro_schema *schema, const json_t *json)
{
    int wanted[RECORDS_MAX_COLUMNS];
    cs_avro_plan *plan;
    cs_error err;

    for (size_t i = 0; i < schema->num_fields; i++)
        wanted[i] = (int) i;
    if (cs_avro_plan_make(fuzz_env(), schema, NULL, wanted, schema->num_fields, &records_limits,
                          &plan, &err) != CS_OK)
        return;
    for (int style = CS_JSON_DEFAULT; style <= CS_JSON_PLAIN; style++)
    {
        cs_buffer bytes;
        json_t *read = NULL;

        cs_buffer_init(&bytes, fuzz_env());
        if (encode(schema->root, json, style, &bytes))
            read = decode(schema, plan, schema->num_fields, fuzz_slice(&bytes));
        if (read != NULL)
            check_again(schema, plan, schema->num_fields, read);
        json_decref(read);
        cs_buffer_free(&bytes);
    }
    cs_avro_plan_free(plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    cs_slice text = fuzz_take_part(&input), value = fuzz_take_rest(&input);
    json_t *json = json_loadb(value.data, value.len, JSON_DECODE_ANY, NULL);
    cs_avro_schema *schema = NULL;
    cs_error err;

    if (json != NULL &&
        cs_avro_schema_parse(fuzz_env(), text.data, text.len, &schema, &err) == CS_OK &&
        schema->num_fields <= RECORDS_MAX_COLUMNS)
        try_value(schema, json);
    cs_avro_schema_free(schema);
    json_decref(json);
    fuzz_free(text);
    fuzz_free(value);
    return 0;
}
