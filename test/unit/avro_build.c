/*
 * test/unit/avro_build.c
 *     Avro files built by hand.
 */
#include "avro_build.h"
#include "avro_codec.h"
#include "varint.h"

#include <libdeflate.h>
#include <stdlib.h>

#define MAX_COLUMNS 32

const uint8_t build_sync[CS_AVRO_SYNC_BYTES] = "0123456789abcdef";

cs_avro_schema *
build_schema(const char *json)
{
    cs_avro_schema *schema;
    cs_error err;

    assert_ok(cs_avro_schema_parse(cs_malloc_env(), json, strlen(json), &schema, &err), &err);
    return schema;
}

void
build_raw(cs_buffer *out, const void *data, size_t len)
{
    cs_error err;

    assert_ok(cs_buffer_append(out, data, len, &err), &err);
}

/* Written out here, so that a mistake in core's varint.h does not cancel itself. */
void
build_long(cs_buffer *out, int64_t value)
{
    uint64_t rest = value < 0 ? ~((uint64_t) value << 1) : (uint64_t) value << 1;

    do
    {
        uint8_t byte = (uint8_t) (rest & 0x7f);

        rest >>= 7;
        if (rest != 0)
            byte |= 0x80;
        build_raw(out, &byte, 1);
    } while (rest != 0);
}

void
build_bytes(cs_buffer *out, const void *data, size_t len)
{
    build_long(out, (int64_t) len);
    build_raw(out, data, len);
}

void
build_text(cs_buffer *out, const char *text)
{
    build_bytes(out, text, strlen(text));
}

void
build_header(cs_buffer *out, const char *schema, const char *codec)
{
    build_raw(out, "Obj\x01", 4);
    build_long(out, codec != NULL ? 2 : 1);
    build_text(out, "avro.schema");
    build_text(out, schema);
    if (codec != NULL)
    {
        build_text(out, "avro.codec");
        build_text(out, codec);
    }
    build_long(out, 0);
    build_raw(out, build_sync, sizeof(build_sync));
}

void
build_block(cs_buffer *out, int64_t records, const void *data, size_t len)
{
    build_long(out, records);
    build_bytes(out, data, len);
    build_raw(out, build_sync, sizeof(build_sync));
}

void
build_deflate_block(cs_buffer *out, int64_t records, const void *data, size_t len)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size_t room, stored;
    void *bytes;

    assert_non_null(compressor);
    room = libdeflate_deflate_compress_bound(compressor, len);
    bytes = malloc(room);
    assert_non_null(bytes);
    stored = libdeflate_deflate_compress(compressor, data, len, bytes, room);
    assert_true(stored > 0);
    build_block(out, records, bytes, stored);
    free(bytes);
    libdeflate_free_compressor(compressor);
}

void
build_packed_block(cs_buffer *out, cs_avro_codec codec, int64_t records, const void *data,
                   size_t len)
{
    cs_codec_state state;
    cs_buffer packed;
    cs_error err;

    cs_codec_init(&state, cs_malloc_env(), codec, 0);
    cs_buffer_init(&packed, cs_malloc_env());
    assert_ok(cs_codec_compress(&state, (cs_slice){data, len}, &packed, &err), &err);
    build_block(out, records, packed.data, packed.len);
    cs_buffer_free(&packed);
    cs_codec_free(&state);
}

void
build_longs(cs_buffer *out, int64_t first, int64_t count)
{
    cs_buffer data;

    cs_buffer_init(&data, cs_malloc_env());
    for (int64_t i = 0; i < count; i++)
        build_long(&data, first + i);
    build_block(out, count, data.data, data.len);
    cs_buffer_free(&data);
}

void
known_start(known_file *file, cs_avro_codec codec)
{
    *file = (known_file){.codec = codec};
    cs_buffer_init(&file->bytes, cs_malloc_env());
    build_header(&file->bytes, SCHEMA_LONG, cs_avro_codec_name(codec));
    file->header_len = file->bytes.len;
}

void
known_free(known_file *file)
{
    cs_buffer_free(&file->bytes);
}

size_t
known_begin(const known_file *file, size_t block)
{
    return block > 0 ? file->blocks[block - 1].end : file->header_len;
}

int64_t
known_rows_before(const known_file *file, size_t block)
{
    return block > 0 ? file->blocks[block - 1].rows : 0;
}

void
known_add(known_file *file, int64_t count)
{
    int64_t before = known_rows_before(file, file->num_blocks);
    cs_buffer data;

    assert_true(file->num_blocks < KNOWN_MAX_BLOCKS);
    cs_buffer_init(&data, cs_malloc_env());
    for (int64_t i = 0; i < count; i++)
        build_long(&data, before + i + 1);
    build_packed_block(&file->bytes, file->codec, count, data.data, data.len);
    file->blocks[file->num_blocks].end = file->bytes.len;
    file->blocks[file->num_blocks].rows = before + count;
    file->num_blocks++;
    cs_buffer_free(&data);
}

cs_avro_reader *
known_open(const cs_env *env, const known_file *file, test_file *memory)
{
    cs_avro_reader *reader;
    cs_source source;
    cs_error err;

    *memory = (test_file){.bytes = file->bytes};
    source = test_file_source(memory);
    assert_ok(cs_avro_reader_open(env, &source, NULL, &reader, &err), &err);
    return reader;
}

void
known_check_block(const known_file *file, size_t block, const cs_avro_block *actual)
{
    int64_t before = known_rows_before(file, block);
    const uint8_t *at = actual->data;
    unsigned slack = 0;

    assert_int_equal(actual->index, block);
    assert_int_equal(actual->offset, known_begin(file, block));
    assert_int_equal(actual->end_offset, file->blocks[block].end);
    assert_int_equal(actual->records, file->blocks[block].rows - before);
    assert_int_equal(actual->first_record, before + 1);
    for (int64_t i = 0; i < actual->records; i++)
    {
        uint64_t raw = 0;

        at = cs_varint_get(at, actual->data + actual->len, &raw);
        assert_non_null(at);
        assert_int_equal(cs_unzigzag(raw), before + i + 1);
    }
    assert_ptr_equal(at, actual->data + actual->len);
    for (size_t i = 0; i < CS_AVRO_BLOCK_SLACK; i++)
        slack += at[i]; /* for the sanitizers to see */
    assert_true(slack < 256 * CS_AVRO_BLOCK_SLACK);
}

/* Read one block's records; CS_OK at its regular end. */
static cs_code
read_records(const cs_avro_plan *plan, const cs_avro_block *block, read_result *result)
{
    cs_value values[MAX_COLUMNS] = {{.kind = CS_VALUE_NULL}};
    cs_avro_cursor cursor;
    cs_code code;

    cs_avro_cursor_init(&cursor, plan, block);
    while ((code = cs_avro_cursor_next(&cursor, values, &result->err)) == CS_OK ||
           code == CS_ERR_RANGE)
        if (code == CS_ERR_RANGE)
            result->ranges++;
        else
        {
            result->rows++;
            if (values[0].kind == CS_VALUE_INTEGER)
                result->sum = (int64_t) ((uint64_t) result->sum + (uint64_t) values[0].as.integer);
        }
    return code == CS_END ? CS_OK : code;
}

/* Read all blocks of an opened file. */
static cs_code
read_blocks(const cs_env *env, cs_avro_reader *reader, read_result *result)
{
    const cs_avro_schema *schema = cs_avro_reader_schema(reader);
    int wanted[MAX_COLUMNS];
    cs_avro_plan *plan;
    cs_avro_block block;
    cs_code code;

    assert_true(schema->num_fields <= MAX_COLUMNS);
    for (size_t i = 0; i < schema->num_fields; i++)
        wanted[i] = (int) i;
    CS_TRY(cs_avro_plan_make(env, schema, NULL, wanted, schema->num_fields, NULL, &plan,
                             &result->err));
    while ((code = cs_avro_reader_next(reader, &block, &result->err)) == CS_OK)
    {
        code = read_records(plan, &block, result);
        if (code != CS_OK)
            break;
    }
    cs_avro_plan_free(plan);
    return code;
}

read_result
read_all(const cs_env *env, const cs_source *source)
{
    read_result result = {.code = CS_OK};
    cs_avro_reader *reader;

    result.code = cs_avro_reader_open(env, source, NULL, &reader, &result.err);
    if (result.code != CS_OK)
    {
        assert_null(reader);
        return result;
    }
    result.opened = true;
    result.code = read_blocks(env, reader, &result);
    cs_avro_reader_close(reader);
    return result;
}

read_result
read_file_bytes(const cs_buffer *bytes)
{
    test_file file = {.bytes = *bytes};
    cs_source source = test_file_source(&file);

    return read_all(cs_malloc_env(), &source);
}
