/*
 * test/unit/avro_case.c
 *     One value written by one schema and read through another, as JSON.
 */
#include "avro_case.h"

#include <stdlib.h>

cs_avro_schema *
case_schema(const char *json)
{
    cs_avro_schema *schema;
    cs_error err;

    assert_outcome(cs_avro_schema_parse(cs_malloc_env(), json, strlen(json), &schema, &err), CS_OK,
                   &err, NULL, json);
    return schema;
}

json_t *
case_json(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("not JSON: %s: %s", text, error.text);
    return json;
}

/* Print where and how two values differ. */
static void
print_difference(const json_t *actual, const json_t *expected, const char *path)
{
    char *left, *right;

    if (json_is_object(actual) && json_is_object(expected))
    {
        const char *key;
        json_t *item;

        json_object_foreach((json_t *) expected, key,
                            item) if (!json_equal(json_object_get(actual, key), item))
        {
            print_difference(json_object_get(actual, key), item, key);
            return;
        }
    }
    if (json_is_array(actual) && json_array_size(actual) == json_array_size(expected))
        for (size_t i = 0; i < json_array_size(actual); i++)
            if (!json_equal(json_array_get(actual, i), json_array_get(expected, i)))
            {
                print_difference(json_array_get(actual, i), json_array_get(expected, i), path);
                return;
            }
    left = actual != NULL ? json_dumps(actual, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    right = json_dumps(expected, JSON_COMPACT | JSON_ENCODE_ANY);
    print_error("%.300s instead of %.300s at %s\n", left, right, path);
    free(left);
    free(right);
}

void
case_check_json(const json_t *actual, const json_t *expected, const char *what)
{
    if (json_equal(actual, expected))
        return;
    print_error("%.900s\n", what);
    print_difference(actual, expected, "the top");
    fail();
}

cs_code
case_want(avro_case *c, const int *wanted, size_t count, const cs_avro_limits *limits)
{
    cs_avro_plan_free(c->plan);
    c->plan = NULL;
    c->count = count;
    assert_true(count <= CASE_COLUMNS);
    return cs_avro_plan_make(cs_malloc_env(), c->writer, c->reader, wanted, count, limits, &c->plan,
                             &c->err);
}

cs_code
case_open_parsed(avro_case *c, cs_avro_schema *writer, cs_avro_schema *reader,
                 const cs_avro_limits *limits)
{
    int all[CASE_COLUMNS];

    for (int i = 0; i < CASE_COLUMNS; i++)
        all[i] = i;
    memset(c, 0, sizeof(*c));
    c->writer = writer;
    c->reader = reader;
    return case_want(c, all, reader != NULL ? reader->num_fields : writer->num_fields, limits);
}

cs_code
case_open(avro_case *c, const char *writer, const char *reader, const cs_avro_limits *limits)
{
    return case_open_parsed(c, case_schema(writer), reader != NULL ? case_schema(reader) : NULL,
                            limits);
}

void
case_load(avro_case *c, int64_t records, cs_slice data)
{
    char *copy = malloc(data.len + CS_AVRO_BLOCK_SLACK);

    assert_non_null(copy);
    if (data.len > 0)
        memcpy(copy, data.data, data.len);
    memset(copy + data.len, 0x55, CS_AVRO_BLOCK_SLACK); /* what may be read, but not used */
    free(c->memory);
    c->memory = copy;
    c->block = (cs_avro_block){.offset = 100,
                               .records = records,
                               .first_record = 11,
                               .data = (const uint8_t *) copy,
                               .len = data.len};
    cs_avro_cursor_init(&c->cursor, c->plan, &c->block);
}

void
case_close(avro_case *c)
{
    cs_avro_plan_free(c->plan);
    cs_avro_schema_free(c->writer);
    cs_avro_schema_free(c->reader);
    free(c->memory);
}

cs_code
case_next(avro_case *c)
{
    cs_error_clear(&c->err);
    return cs_avro_cursor_next(&c->cursor, c->values, &c->err);
}

cs_code
case_column(avro_case *c, size_t column, json_t **json)
{
    return cs_avro_value_json(c->plan, &c->values[column], json, &c->err);
}

cs_code
case_record(avro_case *c, json_t **json)
{
    const cs_avro_schema *schema = c->reader != NULL ? c->reader : c->writer;
    json_t *record = json_object();
    cs_code code = case_next(c);

    *json = NULL;
    for (size_t i = 0; i < c->count && code == CS_OK; i++)
    {
        json_t *column;

        code = case_column(c, i, &column);
        if (code == CS_OK)
            json_object_set_new(record, schema->fields[i].name, column);
    }
    if (code == CS_OK)
        *json = json_incref(record);
    json_decref(record);
    return code;
}

/* Read the one record that was written; the block must hold nothing else. */
static cs_code
read_back(avro_case *c, const char *value, json_t **json)
{
    json_t *given = case_json(value);
    cs_buffer data;
    cs_code code;

    cs_buffer_init(&data, cs_malloc_env());
    assert_outcome(cs_avro_encode_json(c->writer->root, given, CS_JSON_PLAIN, &data, &c->err),
                   CS_OK, &c->err, NULL, value);
    case_load(c, 1, slice_of_buffer(&data));
    code = case_record(c, json);
    if (code == CS_OK)
    {
        cs_value ignored[CASE_COLUMNS];

        assert_code(cs_avro_cursor_next(&c->cursor, ignored, &c->err), CS_END, &c->err);
    }
    cs_buffer_free(&data);
    json_decref(given);
    return code;
}

cs_code
case_read_through(const char *writer, const char *reader, const char *value, json_t **json,
                  cs_error *err)
{
    avro_case c;
    cs_code code = case_open(&c, writer, reader, NULL);

    *json = NULL;
    if (code == CS_OK)
        code = read_back(&c, value, json);
    *err = c.err;
    err->file = NULL;
    case_close(&c);
    return code;
}
