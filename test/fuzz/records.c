/*
 * test/fuzz/records.c
 *     Records read in every way.
 *
 * Skipping sees less damage than reading does: it goes by the sizes of items and does
 * not look at booleans. But what is read without an error is skipped without one, and
 * both see as many records.
 */
#include "records.h"

#include "record_json.h"

#include <jansson.h>

#define MAX_RECORDS 1000 /* looked at in one block; those behind are decoded only */

const cs_avro_limits records_limits = {.max_header_bytes = 1 << 16,
                                       .max_block_bytes = 1 << 18,
                                       .max_empty_items = 5000,
                                       .max_depth = 40};

void
records_plan(records_plans *plans, const cs_avro_schema *writer, const cs_avro_schema *reader)
{
    cs_error err;

    *plans = (records_plans){.writer = writer};
    for (int way = 0; way < NUM_WAYS; way++)
    {
        const cs_avro_schema *by = way == READ_RESOLVED ? reader : NULL;
        size_t count = (by != NULL ? by : writer)->num_fields;
        int wanted[RECORDS_MAX_COLUMNS];
        size_t columns = 0;
        cs_code code;

        if (way == READ_RESOLVED && by == NULL)
            continue;
        for (size_t i = 0; way != READ_NONE && i < count && columns < RECORDS_MAX_COLUMNS;
             i += way == READ_SOME ? 2 : 1)
            wanted[columns++] = (int) i;
        code = cs_avro_plan_make(fuzz_env(), writer, by, wanted, columns, &records_limits,
                                 &plans->plans[way], &err);
        fuzz_check((code == CS_OK) == (plans->plans[way] != NULL));
        if (code != CS_OK)
            fuzz_check_error(code, &err);
        plans->columns[way] = columns;
    }
}

void
records_free(records_plans *plans)
{
    for (int way = 0; way < NUM_WAYS; way++)
        cs_avro_plan_free(plans->plans[way]);
}

static cs_code
on_bound(void *ctx, cs_avro_type type, cs_error *err)
{
    (void) ctx;
    (void) err;
    fuzz_check(type == CS_AVRO_ARRAY || type == CS_AVRO_MAP || type == CS_AVRO_RECORD);
    return CS_OK;
}

static cs_code
on_key(void *ctx, cs_slice key, cs_error *err)
{
    (void) ctx;
    (void) err;
    fuzz_check(cs_utf8_valid(key.data, key.len));
    return CS_OK;
}

/* Check that a finished scalar keeps what its kind promises, and write it as text. */
static cs_code
on_scalar(void *ctx, const cs_value *value, cs_error *err)
{
    cs_buffer text;
    cs_error own;

    (void) ctx;
    (void) err;
    if (value->kind == CS_VALUE_STRING)
        fuzz_check(cs_utf8_valid(value->as.bytes.data, value->as.bytes.len) &&
                   (value->as.bytes.len == 0 ||
                    memchr(value->as.bytes.data, '\0', value->as.bytes.len) == NULL));
    else if (value->kind == CS_VALUE_TIME || value->kind == CS_VALUE_LOCAL_TIME)
        fuzz_check(cs_time_valid(value->as.time) && value->nanos >= 0 && value->nanos <= 999);
    else if (value->kind == CS_VALUE_TIME_OF_DAY)
        fuzz_check(value->as.time_of_day >= 0 && value->as.time_of_day < CS_DAY);
    fuzz_check(value->kind < CS_VALUE_NESTED);
    if (value->kind == CS_VALUE_NULL || value->kind == CS_VALUE_FLOAT ||
        value->kind == CS_VALUE_DOUBLE)
        return CS_OK;
    cs_buffer_init(&text, cs_malloc_env());
    if (cs_value_text(value, &text, &own) == CS_OK)
        fuzz_check(cs_utf8_valid((const char *) text.data, text.len));
    cs_buffer_free(&text);
    return CS_OK;
}

/* What JSON says must be good enough to be encoded by the type again, and read. */
static void
check_json(const cs_avro_node *type, const json_t *json)
{
    cs_buffer bytes;
    cs_error err;
    cs_code code;

    cs_buffer_init(&bytes, cs_malloc_env());
    code = cs_avro_encode_json(type, json, CS_JSON_PLAIN, &bytes, &err);
    if (code != CS_OK)
        fuzz_check_error(code, &err);
    cs_buffer_free(&bytes);
}

/* True if both are the same; a float may have been written with its own digits or a double's. */
static bool
is_same_json(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_real(a) && json_is_real(b))
        return (float) json_real_value(a) == (float) json_real_value(b);
    if (json_typeof(a) != json_typeof(b) ||
        (json_is_array(a) && json_array_size(a) != json_array_size(b)) ||
        (json_is_object(a) && json_object_size(a) != json_object_size(b)))
        return false;
    if (json_is_array(a))
    {
        json_array_foreach(a, i, item) if (!is_same_json(item, json_array_get(b, i))) return false;
        return true;
    }
    if (!json_is_object(a))
        return json_equal(a, b) != 0;
    json_object_foreach((json_t *) a, key, item)
    {
        const json_t *other = json_object_get(b, key);

        if (other == NULL || !is_same_json(item, other))
            return false;
    }
    return true;
}

/* The loader writes JSON on its own: it is the same as core's. */
static void
check_line(const cs_avro_plan *plan, const cs_value *value, const json_t *json)
{
    cs_buffer text;
    json_lines lines;
    json_t *read;
    cs_error err;

    cs_buffer_init(&text, cs_malloc_env());
    fuzz_check(json_lines_init(&lines, &text));
    fuzz_check_ok(json_lines_value(&lines, plan, value, &err), &err, "a line's value");
    fuzz_check_ok(json_lines_finish(&lines, &err), &err, "a line's end");
    read = json_loadb((const char *) text.data, text.len, JSON_DECODE_ANY, NULL);
    fuzz_check(read != NULL && is_same_json(read, json), "(%.*s)", (int) text.len, text.data);
    json_decref(read);
    json_lines_free(&lines);
    cs_buffer_free(&text);
}

/* Look at all of a value. */
static void
look_at(const cs_avro_plan *plan, const cs_value *value, const cs_avro_node *type)
{
    const cs_avro_visitor visitor = {NULL, on_bound, on_key, on_scalar, on_bound};
    cs_error err, json_err;
    cs_code code = cs_avro_walk(plan, value, &visitor, &err);
    cs_buffer text;
    json_t *json;

    if (code != CS_OK)
        fuzz_check_error(code, &err);
    fuzz_check(cs_avro_value_json(plan, value, &json, &json_err) == code, "(%s)", err.message);
    if (code != CS_OK)
        return;
    cs_buffer_init(&text, cs_malloc_env());
    fuzz_check_ok(cs_json_text(json, &text, &err), &err, "JSON text");
    fuzz_check(cs_utf8_valid((const char *) text.data, text.len));
    cs_buffer_free(&text);
    check_line(plan, value, json);
    if (type != NULL)
        check_json(type, json);
    json_decref(json);
}

/* Check an error of a cursor: in which block and record. */
static void
check_record_error(const cs_avro_block *block, int64_t record, cs_code code, const cs_error *err)
{
    fuzz_check_error(code, err);
    fuzz_check(err->offset == (int64_t) block->offset);
    fuzz_check(err->record == block->first_record + record, "(%lld: %s)", (long long) err->record,
               err->message);
}

/* Read the records of a block by one plan; how many there were. */
static cs_code
read_one_way(const records_plans *plans, records_way way, const cs_avro_block *block,
             int64_t *records, cs_error *err)
{
    const cs_avro_plan *plan = plans->plans[way];
    cs_value values[RECORDS_MAX_COLUMNS];
    cs_avro_cursor cursor;
    cs_code code;

    cs_avro_cursor_init(&cursor, plan, block);
    for (*records = 0;; ++*records)
    {
        code = cs_avro_cursor_next(&cursor, values, err);
        if (code != CS_OK && code != CS_ERR_RANGE)
            break;
        fuzz_check(*records < block->records);
        if (code == CS_ERR_RANGE)
        {
            check_record_error(block, *records, code, err);
            fuzz_check(err->field >= 0 && (size_t) err->field < plans->columns[way]);
            continue;
        }
        for (size_t i = 0; i < plans->columns[way] && *records < MAX_RECORDS; i++)
            look_at(plan, &values[i], way == READ_ALL ? plans->writer->fields[i].type : NULL);
    }
    if (code != CS_END)
        check_record_error(block, *records, code, err);
    else
        fuzz_check(*records == block->records);
    return code;
}

cs_code
records_read(const records_plans *plans, const cs_avro_block *block, int64_t *records,
             cs_error *err)
{
    cs_code codes[NUM_WAYS];
    int64_t counts[NUM_WAYS];
    cs_error last;

    for (int way = 0; way < NUM_WAYS; way++)
    {
        codes[way] = CS_END;
        counts[way] = block->records;
        if (plans->plans[way] != NULL)
            codes[way] = read_one_way(plans, way, block, &counts[way], &last);
        if (way == READ_ALL)
            *err = last;
    }
    for (int way = 0; way < NUM_WAYS; way++)
        fuzz_check(codes[READ_ALL] != CS_END || codes[way] == CS_END, "(way %d of reading: %s)",
                   way, last.message);
    *records = counts[READ_ALL];
    return codes[READ_ALL] == CS_END ? CS_OK : codes[READ_ALL];
}
