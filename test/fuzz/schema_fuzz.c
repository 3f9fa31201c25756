/*
 * test/fuzz/schema_fuzz.c
 *     Two schemas, a NUL between: parsed, described, measured, resolved, merged.
 */
#include "fuzz.h"

#include "avro_decode.h"
#include "avro_merge.h"

#define MAX_COLUMNS 64

/* Check what is promised of every node that can be reached. */
static void
check_node(const cs_avro_node *node, bool *seen, size_t num_nodes)
{
    fuzz_check(node->index >= 0 && (size_t) node->index < num_nodes);
    if (seen[node->index])
        return;
    seen[node->index] = true;
    fuzz_check(node->fixed_bytes == CS_AVRO_VARIABLE ||
               (uint64_t) node->fixed_bytes >= node->min_bytes);
    switch (node->type)
    {
        case CS_AVRO_RECORD:
            fuzz_check(node->name != NULL);
            for (size_t i = 0; i < node->num_fields; i++)
            {
                fuzz_check(node->fields[i].name != NULL);
                fuzz_check(node->fields[i].has_default == (node->fields[i].default_json != NULL));
                check_node(node->fields[i].type, seen, num_nodes);
            }
            break;
        case CS_AVRO_ARRAY:
        case CS_AVRO_MAP:
            check_node(node->items, seen, num_nodes);
            break;
        case CS_AVRO_UNION:
            for (size_t i = 0; i < node->num_branches; i++)
            {
                fuzz_check(node->branches[i]->type != CS_AVRO_UNION);
                check_node(node->branches[i], seen, num_nodes);
            }
            break;
        case CS_AVRO_ENUM:
            fuzz_check(node->symbols.count > 0 || node->default_symbol < 0);
            fuzz_check(node->default_symbol < (int) node->symbols.count);
            break;
        default:
            break;
    }
}

/* Look at all of a schema. */
static void
look_at(const cs_avro_schema *schema)
{
    bool *seen = calloc(schema->num_nodes + 1, sizeof(bool));
    cs_buffer text;
    cs_error err;

    fuzz_check(seen != NULL);
    check_node(schema->root, seen, schema->num_nodes);
    free(seen);
    cs_buffer_init(&text, fuzz_env());
    fuzz_check_ok(cs_avro_type_describe(schema->root, &text, &err), &err, "describing");
    cs_buffer_free(&text);
    for (size_t i = 0; i < schema->num_fields && i < MAX_COLUMNS; i++)
    {
        cs_avro_shape shape = cs_avro_shape_of(schema->fields[i].type);

        fuzz_check(cs_avro_schema_find(schema, schema->fields[i].name) == (int) i);
        fuzz_check(shape.kind <= CS_VALUE_NESTED);
    }
}

/* Parse a schema, NULL if it is none. The text it keeps parses to the same. */
static cs_avro_schema *
parse(cs_slice json)
{
    cs_avro_schema *schema, *again;
    cs_error err;
    cs_code code = cs_avro_schema_parse(fuzz_env(), json.data, json.len, &schema, &err);

    fuzz_check((code == CS_OK) == (schema != NULL));
    if (code != CS_OK)
    {
        fuzz_check_error(code, &err);
        return NULL;
    }
    look_at(schema);
    fuzz_check_same((cs_slice){schema->json, schema->json_len}, json, "the original text");
    fuzz_check_ok(cs_avro_schema_parse(fuzz_env(), schema->json, schema->json_len, &again, &err),
                  &err, "parsing again");
    fuzz_check(again->num_nodes == schema->num_nodes);
    cs_avro_schema_free(again);
    return schema;
}

/* Plan to read a file of one schema by another; false where that is refused. */
static bool
resolves(const cs_avro_schema *writer, const cs_avro_schema *reader)
{
    const cs_avro_schema *columns = reader != NULL ? reader : writer;
    int wanted[MAX_COLUMNS];
    size_t count = 0;
    cs_avro_plan *plan;
    cs_error err;
    cs_code code;

    while (count < columns->num_fields && count < MAX_COLUMNS)
    {
        wanted[count] = (int) count;
        count++;
    }
    code = cs_avro_plan_make(fuzz_env(), writer, reader, wanted, count, NULL, &plan, &err);
    fuzz_check((code == CS_OK) == (plan != NULL));
    if (code != CS_OK)
        fuzz_check_error(code, &err);
    for (size_t i = 0; code == CS_OK && i < count; i++)
        fuzz_check(cs_avro_plan_shape(plan, i).kind <= CS_VALUE_NESTED);
    cs_avro_plan_free(plan);
    /* of depth: that is the reader's, as is a default with a NUL character */
    return code == CS_OK || code == CS_ERR_LIMIT ||
           strstr(err.message, "its default cannot be read") != NULL;
}

/* Merge schemas; each must resolve to the result, which parses to what it says. */
static void
merge(const cs_avro_schema *const *schemas, size_t count)
{
    cs_avro_schema *merged, *again;
    cs_error err;
    cs_code code = cs_avro_schema_merge(fuzz_env(), schemas, count, &merged, &err);

    fuzz_check((code == CS_OK) == (merged != NULL));
    if (code != CS_OK)
    {
        fuzz_check_error(code, &err);
        return;
    }
    look_at(merged);
    again = parse((cs_slice){merged->json, merged->json_len});
    fuzz_check(again != NULL);
    cs_avro_schema_free(again);
    for (size_t i = 0; i < count; i++)
        fuzz_check(resolves(schemas[i], merged), "(to %s)", merged->json);
    cs_avro_schema_free(merged);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    cs_slice texts[2] = {fuzz_take_part(&input), fuzz_take_rest(&input)};
    cs_avro_schema *schemas[2] = {parse(texts[0]), parse(texts[1])};

    for (int i = 0; i < 2; i++)
        if (schemas[i] != NULL)
            fuzz_check(resolves(schemas[i], NULL));
    if (schemas[0] != NULL && schemas[1] != NULL)
    {
        resolves(schemas[0], schemas[1]);
        resolves(schemas[1], schemas[0]);
        merge((const cs_avro_schema *const *) schemas, 2);
    }
    else if (schemas[0] != NULL)
        merge((const cs_avro_schema *const *) schemas, 1);
    for (int i = 0; i < 2; i++)
    {
        cs_avro_schema_free(schemas[i]);
        fuzz_free(texts[i]);
    }
    return 0;
}
