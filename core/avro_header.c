/*
 * core/avro_header.c
 *     Reading the header of an object container file.
 */
#include "avro_reader.h"

/* The header is read in steps of this size: most headers take one. */
#define HEADER_AHEAD_BYTES ((size_t) 16 * 1024)

/* Report what was found wrong at the current position. */
static cs_code
fail_here(const cs_avro_reader *reader, cs_code code, cs_error *err)
{
    return cs_input_locate(&reader->input, reader->position.offset, code, err);
}

/* Read exactly len bytes of the header. */
static cs_code
read_bytes(cs_avro_reader *reader, size_t len, cs_error *err)
{
    uint64_t at = reader->position.offset;
    const uint8_t *data;
    size_t got;

    if (len > HEADER_AHEAD_BYTES)
        CS_TRY(cs_input_read(&reader->input, at, len, 0, &reader->header, "the header", err));
    else
    {
        CS_TRY(cs_input_peek(&reader->input, at, len, HEADER_AHEAD_BYTES, &data, &got, err));
        if (got < len)
            return cs_input_fail_truncated(&reader->input, at + got, "the header", err);
        CS_TRY(cs_buffer_append(&reader->header, data, len, err));
    }
    reader->position.offset += len;
    return CS_OK;
}

/* Read a long. */
static cs_code
read_long(cs_avro_reader *reader, int64_t *value, cs_error *err)
{
    uint64_t at = reader->position.offset;
    cs_slice bytes;
    cs_code code =
        cs_input_long(&reader->input, at, HEADER_AHEAD_BYTES, "the header", value, &bytes, err);

    if (code == CS_END)
        return cs_input_fail_truncated(&reader->input, at, "the header", err);
    if (code != CS_OK)
        return code;
    reader->position.offset += bytes.len;
    return cs_buffer_append(&reader->header, bytes.data, bytes.len, err);
}

/* Check the length of a metadata key or value. */
static cs_code
check_length(cs_avro_reader *reader, int64_t len, cs_error *err)
{
    size_t limit = reader->limits.max_header_bytes;
    size_t left = reader->header.len < limit ? limit - reader->header.len : 0;

    if (len < 0)
        return fail_here(reader,
                         cs_fail(err, CS_ERR_DATA, "a metadata entry has the negative length %lld",
                                 (long long) len),
                         err);
    CS_TRY(cs_input_check_left(&reader->input, reader->position.offset, (uint64_t) len,
                               "a metadata entry", err));
    if ((uint64_t) len <= left)
        return CS_OK;
    return fail_here(reader,
                     cs_fail(err, CS_ERR_LIMIT,
                             "a metadata entry of %lld bytes takes the header over the limit of "
                             "%zu bytes",
                             (long long) len, limit),
                     err);
}

/* Read a metadata key or value; *start is its place in the header buffer. */
static cs_code
read_entry_bytes(cs_avro_reader *reader, size_t *start, size_t *len, cs_error *err)
{
    int64_t declared;

    CS_TRY(read_long(reader, &declared, err));
    CS_TRY(check_length(reader, declared, err));
    *start = reader->header.len;
    *len = (size_t) declared;
    return read_bytes(reader, *len, err);
}

/* A terminated copy of len bytes of the header. */
static cs_code
copy_header_bytes(cs_avro_reader *reader, size_t start, size_t len, const uint8_t **copy,
                  cs_error *err)
{
    uint8_t *bytes = cs_allocate(reader->env, len + 1);

    *copy = bytes;
    if (bytes == NULL)
        return cs_fail_memory(err, len + 1);
    memcpy(bytes, reader->header.data + start, len);
    bytes[len] = '\0';
    return CS_OK;
}

/* Read one metadata entry. */
static cs_code
read_meta_entry(cs_avro_reader *reader, cs_error *err)
{
    cs_avro_meta *entry;
    const uint8_t *key;
    size_t key_start, key_len, start, len;

    if (reader->num_meta == CS_AVRO_MAX_META_ENTRIES)
        return fail_here(reader,
                         cs_fail(err, CS_ERR_LIMIT,
                                 "the header has more than the limit of %d metadata entries",
                                 CS_AVRO_MAX_META_ENTRIES),
                         err);
    CS_TRY(read_entry_bytes(reader, &key_start, &key_len, err));
    CS_TRY(read_entry_bytes(reader, &start, &len, err));
    CS_TRY(cs_grow_array(reader->env, (void **) &reader->meta, &reader->meta_capacity,
                         reader->num_meta + 1, sizeof(cs_avro_meta), err));
    entry = &reader->meta[reader->num_meta];
    CS_TRY(copy_header_bytes(reader, key_start, key_len, &key, err));
    *entry = (cs_avro_meta){.key = (const char *) key};
    reader->num_meta++;
    CS_TRY(copy_header_bytes(reader, start, len, &entry->value, err));
    entry->len = len;
    for (size_t i = 0; i + 1 < reader->num_meta; i++)
        if (strcmp(reader->meta[i].key, entry->key) == 0)
            return fail_here(
                reader,
                cs_fail(err, CS_ERR_DATA, "metadata key \"%.100s\" appears twice", entry->key),
                err);
    return CS_OK;
}

/* Read the metadata map: counted groups of entries up to an empty one. */
static cs_code
read_meta(cs_avro_reader *reader, cs_error *err)
{
    for (;;)
    {
        int64_t count, bytes;

        CS_TRY(read_long(reader, &count, err));
        if (count == 0)
            return CS_OK;
        if (count < 0) /* the group's size in bytes follows; it is not needed */
        {
            CS_TRY(read_long(reader, &bytes, err));
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        for (int64_t i = 0; i < count; i++) /* ends with the file at the latest */
            CS_TRY(read_meta_entry(reader, err));
    }
}

/* Find the codec and parse the schema that the metadata names. */
static cs_code
use_meta(cs_avro_reader *reader, cs_error *err)
{
    const cs_avro_meta *schema = cs_reader_find_meta(reader, "avro.schema");
    const cs_avro_meta *name = cs_reader_find_meta(reader, "avro.codec");
    cs_avro_codec codec = CS_CODEC_NULL;

    if (schema == NULL)
        return cs_fail(err, CS_ERR_DATA, "the header holds no schema");
    if (name != NULL &&
        !cs_avro_codec_find((cs_slice){(const char *) name->value, name->len}, &codec))
    {
        char known[CS_CODEC_LIST_SIZE];

        cs_codec_list(known);
        return cs_fail(err, CS_ERR_UNSUPPORTED,
                       "codec \"%.40s\" is not one that this version reads (%s)",
                       (const char *) name->value, known);
    }
    cs_codec_init(&reader->codec, reader->env, codec, 0);
    return cs_avro_schema_parse(reader->env, (const char *) schema->value, schema->len,
                                &reader->schema, err);
}

cs_code
cs_reader_read_header(cs_avro_reader *reader, cs_error *err)
{
    const uint8_t *data;
    size_t got;
    cs_code code;

    CS_TRY(cs_input_peek(&reader->input, 0, 1, HEADER_AHEAD_BYTES, &data, &got, err));
    if (got == 0)
        return fail_here(reader, cs_fail(err, CS_ERR_DATA, "file is empty"), err);
    CS_TRY(read_bytes(reader, CS_AVRO_MAGIC_BYTES, err));
    if (memcmp(reader->header.data, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES) != 0)
    {
        cs_fail(err, CS_ERR_DATA, "not an Avro object container file");
        return cs_input_locate(&reader->input, 0, CS_ERR_DATA, err);
    }
    CS_TRY(read_meta(reader, err));
    CS_TRY(read_bytes(reader, CS_AVRO_SYNC_BYTES, err));
    memcpy(reader->sync, reader->header.data + reader->header.len - CS_AVRO_SYNC_BYTES,
           CS_AVRO_SYNC_BYTES);
    code = use_meta(reader, err);
    return code == CS_OK ? CS_OK : cs_input_locate(&reader->input, 0, code, err);
}
