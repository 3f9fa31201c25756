/*
 * test/fuzz/decoder_fuzz.c
 *     The writer's schema, the reader's (may be empty), a NUL behind each; a byte, the
 *     number of records; their bytes. Read in every way, as values and as JSON.
 */
#include "records.h"

/* Parse a schema, NULL if it is none. */
static cs_avro_schema *
parse(cs_slice json)
{
    cs_avro_schema *schema;
    cs_error err;

    return cs_avro_schema_parse(fuzz_env(), json.data, json.len, &schema, &err) == CS_OK ? schema
                                                                                         : NULL;
}

/* Put the bytes into a block, with the slack that decoders may read. */
static cs_avro_block
make_block(cs_slice bytes, int64_t records, char **memory)
{
    *memory = calloc(bytes.len + CS_AVRO_BLOCK_SLACK, 1);
    fuzz_check(*memory != NULL);
    memcpy(*memory, bytes.data, bytes.len);
    return (cs_avro_block){.offset = 100,
                           .end_offset = 100 + bytes.len,
                           .records = records,
                           .first_record = 11,
                           .data = (const uint8_t *) *memory,
                           .len = bytes.len};
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    cs_slice texts[2] = {fuzz_take_part(&input), fuzz_take_part(&input)};
    int64_t records = 1 + fuzz_take_byte(&input);
    cs_slice bytes = fuzz_take_rest(&input);
    cs_avro_schema *writer = parse(texts[0]), *reader = parse(texts[1]);
    records_plans plans;
    cs_avro_block block;
    cs_error err;
    char *memory;

    if (writer != NULL)
    {
        block = make_block(bytes, records, &memory);
        records_plan(&plans, writer, reader);
        if (plans.plans[READ_ALL] != NULL)
            records_read(&plans, &block, &records, &err);
        records_free(&plans);
        free(memory);
    }
    cs_avro_schema_free(writer);
    cs_avro_schema_free(reader);
    fuzz_free(texts[0]);
    fuzz_free(texts[1]);
    fuzz_free(bytes);
    return 0;
}
