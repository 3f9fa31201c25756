/*
 * core/avro_read.c
 *     Reading an object container file, block by block.
 *
 * The source is read forward through one small buffer; a block's bytes go
 * straight into the block buffer. Every length is compared with the bytes left
 * in the file (where the source knows its size) and with a named limit before
 * memory is asked for; from a pipe, memory grows only as bytes arrive.
 */
#include "avro_codec.h"
#include "avro_container.h"
#include "varint.h"

#include <errno.h>

#define READ_BUFFER_BYTES (64 * 1024)
#define GROW_STEP_BYTES (1024 * 1024)

struct cs_avro_reader
{
    const cs_env *env;
    cs_source source;

    /* The stream */
    uint8_t *buffer; /* READ_BUFFER_BYTES */
    size_t at;       /* next byte in buffer */
    size_t end;      /* bytes in buffer */
    uint64_t offset; /* of buffer[end] in the file */

    /* The header */
    cs_buffer header; /* its raw bytes, sync marker included */
    cs_avro_meta *meta;
    size_t num_meta;
    size_t meta_capacity;
    cs_avro_schema *schema;
    uint8_t sync[CS_AVRO_SYNC_BYTES];

    /* The current block */
    cs_codec_state codec;
    cs_buffer stored;       /* as in the file */
    cs_buffer decompressed; /* unused for the codec null */
    int64_t next_index;
    int64_t next_record;
};

/* The file position of the next byte to be read. */
static uint64_t
position(const cs_avro_reader *reader)
{
    return reader->offset - (reader->end - reader->at);
}

/* Say where err happened, unless a deeper place said so already. */
static cs_code
locate(const cs_avro_reader *reader, uint64_t offset, cs_code code, cs_error *err)
{
    err->file = reader->source.name;
    if (err->offset < 0)
        err->offset = (int64_t) offset;
    return code;
}

/* Read up to len bytes from the source; CS_END if there are none. */
static cs_code
read_some(cs_avro_reader *reader, void *data, size_t len, size_t *got, cs_error *err)
{
    int64_t n = reader->source.read_at(reader->source.ctx, reader->offset, data, len);

    if (n < 0)
    {
        int saved = errno;

        cs_fail(err, CS_ERR_IO, "could not read: %s", strerror(saved));
        err->sys_errno = saved;
        return locate(reader, reader->offset, CS_ERR_IO, err);
    }
    reader->offset += (uint64_t) n;
    *got = (size_t) n;
    return n == 0 ? CS_END : CS_OK;
}

/* Make at least one byte available; CS_END at the end of the file. */
static cs_code
fill(cs_avro_reader *reader, cs_error *err)
{
    if (reader->at < reader->end)
        return CS_OK;
    reader->at = reader->end = 0;
    return read_some(reader, reader->buffer, READ_BUFFER_BYTES, &reader->end, err);
}

/* Report that the file ends inside what. */
static cs_code
fail_truncated(cs_avro_reader *reader, const char *what, cs_error *err)
{
    cs_fail(err, CS_ERR_DATA, "file is truncated: it ends inside %s", what);
    return locate(reader, position(reader), CS_ERR_DATA, err);
}

/* Append exactly len bytes to out, taking memory only as bytes arrive. */
static cs_code
read_bytes(cs_avro_reader *reader, size_t len, cs_buffer *out, const char *what, cs_error *err)
{
    while (len > 0)
    {
        size_t step = len < GROW_STEP_BYTES || reader->source.size >= 0 ? len : GROW_STEP_BYTES;
        size_t got;
        cs_code code;

        CS_TRY(cs_buffer_reserve(out, step, err));
        if (reader->at < reader->end)
        {
            got = reader->end - reader->at < step ? reader->end - reader->at : step;
            memcpy(out->data + out->len, reader->buffer + reader->at, got);
            reader->at += got;
            code = CS_OK;
        }
        else
            code = read_some(reader, out->data + out->len, step, &got, err);
        if (code == CS_END)
            return fail_truncated(reader, what, err);
        if (code != CS_OK)
            return code;
        out->len += got;
        len -= got;
    }
    return CS_OK;
}

/*
 * Read a long. CS_END if the file ends before its first byte. The raw bytes are
 * appended to copy unless that is NULL.
 */
static cs_code
read_long(cs_avro_reader *reader, int64_t *value, cs_buffer *copy, const char *what, cs_error *err)
{
    uint8_t bytes[CS_VARINT_MAX_BYTES];
    uint64_t raw;
    size_t len = 0;

    do
    {
        cs_code code;

        if (len == sizeof(bytes))
            break;
        code = fill(reader, err);
        if (code == CS_END && len > 0)
            return fail_truncated(reader, what, err);
        if (code != CS_OK)
            return code;
        bytes[len] = reader->buffer[reader->at++];
    } while (bytes[len++] & 0x80);

    if (cs_varint_get(bytes, bytes + len, &raw) == NULL)
    {
        cs_fail(err, CS_ERR_DATA, "%s is not a valid number", what);
        return locate(reader, position(reader) - len, CS_ERR_DATA, err);
    }
    *value = cs_unzigzag(raw);
    return copy != NULL ? cs_buffer_append(copy, bytes, len, err) : CS_OK;
}

/* Check a length against the limit and the bytes left in the file. */
static cs_code
check_length(cs_avro_reader *reader, int64_t len, size_t limit, const char *what, cs_error *err)
{
    cs_code code = CS_OK;

    if (len < 0)
        code = cs_fail(err, CS_ERR_DATA, "%s has the negative length %lld", what, (long long) len);
    else if (reader->source.size >= 0 &&
             (uint64_t) len > (uint64_t) reader->source.size - position(reader))
        code = cs_fail(err, CS_ERR_DATA,
                       "file is truncated or damaged: %s of %lld bytes, but %lld bytes are left",
                       what, (long long) len,
                       (long long) ((uint64_t) reader->source.size - position(reader)));
    else if ((uint64_t) len > limit)
        code = cs_fail(err, CS_ERR_LIMIT, "%s of %lld bytes is over the limit of %zu bytes", what,
                       (long long) len, limit);
    return code == CS_OK ? CS_OK : locate(reader, position(reader), code, err);
}

/* Like read_long, for a place where the file must not end. */
static cs_code
read_header_long(cs_avro_reader *reader, int64_t *value, cs_error *err)
{
    cs_code code = read_long(reader, value, &reader->header, "the header", err);

    return code == CS_END ? fail_truncated(reader, "the header", err) : code;
}

/* Read a metadata key or value; *start is its place in the header buffer. */
static cs_code
read_header_bytes(cs_avro_reader *reader, size_t *start, size_t *len, cs_error *err)
{
    int64_t declared;
    size_t limit = 0;

    CS_TRY(read_header_long(reader, &declared, err));
    if (reader->header.len < CS_AVRO_MAX_HEADER_BYTES)
        limit = CS_AVRO_MAX_HEADER_BYTES - reader->header.len;
    CS_TRY(check_length(reader, declared, limit, "a metadata entry", err));
    *start = reader->header.len;
    *len = (size_t) declared;
    return read_bytes(reader, *len, &reader->header, "the header", err);
}

/* A terminated copy of len bytes of the header. */
static cs_code
copy_header_bytes(cs_avro_reader *reader, size_t start, size_t len, char **copy, cs_error *err)
{
    *copy = cs_allocate(reader->env, len + 1);
    if (*copy == NULL)
        return cs_fail_memory(err, len + 1);
    memcpy(*copy, reader->header.data + start, len);
    (*copy)[len] = '\0';
    return CS_OK;
}

/* Read one metadata entry. */
static cs_code
read_meta_entry(cs_avro_reader *reader, cs_error *err)
{
    cs_avro_meta *entry;
    size_t key_start, key_len, start, len;

    if (reader->num_meta == CS_AVRO_MAX_META_ENTRIES)
    {
        cs_fail(err, CS_ERR_LIMIT, "the header has more than the limit of %d metadata entries",
                CS_AVRO_MAX_META_ENTRIES);
        return locate(reader, position(reader), CS_ERR_LIMIT, err);
    }
    CS_TRY(read_header_bytes(reader, &key_start, &key_len, err));
    CS_TRY(read_header_bytes(reader, &start, &len, err));
    CS_TRY(cs_grow_array(reader->env, (void **) &reader->meta, &reader->meta_capacity,
                         reader->num_meta + 1, sizeof(cs_avro_meta), err));
    entry = &reader->meta[reader->num_meta];
    CS_TRY(copy_header_bytes(reader, key_start, key_len, &entry->key, err));
    entry->value = NULL;
    reader->num_meta++;
    CS_TRY(copy_header_bytes(reader, start, len, (char **) &entry->value, err));
    entry->len = len;
    for (size_t i = 0; i + 1 < reader->num_meta; i++)
        if (strcmp(reader->meta[i].key, entry->key) == 0)
        {
            cs_fail(err, CS_ERR_DATA, "metadata key \"%.100s\" appears twice", entry->key);
            return locate(reader, position(reader), CS_ERR_DATA, err);
        }
    return CS_OK;
}

/* Read the metadata map: counted groups of entries up to an empty one. */
static cs_code
read_meta(cs_avro_reader *reader, cs_error *err)
{
    for (;;)
    {
        int64_t count, bytes;

        CS_TRY(read_header_long(reader, &count, err));
        if (count == 0)
            return CS_OK;
        if (count < 0) /* the group's size in bytes follows; it is not needed */
        {
            CS_TRY(read_header_long(reader, &bytes, err));
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        for (int64_t i = 0; i < count; i++) /* ends with the file at the latest */
            CS_TRY(read_meta_entry(reader, err));
    }
}

/* Find a metadata entry, NULL if absent. */
static const cs_avro_meta *
find_meta(const cs_avro_reader *reader, const char *key)
{
    for (size_t i = 0; i < reader->num_meta; i++)
        if (strcmp(reader->meta[i].key, key) == 0)
            return &reader->meta[i];
    return NULL;
}

/* Find the codec and parse the schema that the metadata names. */
static cs_code
use_meta(cs_avro_reader *reader, cs_error *err)
{
    const cs_avro_meta *schema = find_meta(reader, "avro.schema");
    const cs_avro_meta *name = find_meta(reader, "avro.codec");
    cs_avro_codec codec = CS_CODEC_NULL;

    if (schema == NULL)
        return cs_fail(err, CS_ERR_DATA, "the header holds no schema");
    if (name != NULL &&
        !cs_avro_codec_find((cs_slice){(const char *) name->value, name->len}, &codec))
        return cs_fail(err, CS_ERR_UNSUPPORTED,
                       "codec \"%.40s\" is not one that this version reads (null, deflate)",
                       (const char *) name->value);
    cs_codec_init(&reader->codec, codec);
    return cs_avro_schema_parse(reader->env, (const char *) schema->value, schema->len,
                                &reader->schema, err);
}

/* Read the header up to and including the sync marker. */
static cs_code
read_header(cs_avro_reader *reader, cs_error *err)
{
    cs_code code = fill(reader, err);

    if (code == CS_END)
    {
        cs_fail(err, CS_ERR_DATA, "file is empty");
        return locate(reader, 0, CS_ERR_DATA, err);
    }
    if (code != CS_OK)
        return code;
    CS_TRY(read_bytes(reader, CS_AVRO_MAGIC_BYTES, &reader->header, "the header", err));
    if (memcmp(reader->header.data, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES) != 0)
    {
        cs_fail(err, CS_ERR_DATA, "not an Avro object container file");
        return locate(reader, 0, CS_ERR_DATA, err);
    }
    CS_TRY(read_meta(reader, err));
    CS_TRY(read_bytes(reader, CS_AVRO_SYNC_BYTES, &reader->header, "the header", err));
    memcpy(reader->sync, reader->header.data + reader->header.len - CS_AVRO_SYNC_BYTES,
           CS_AVRO_SYNC_BYTES);
    code = use_meta(reader, err);
    return code == CS_OK ? CS_OK : locate(reader, 0, code, err);
}

cs_code
cs_avro_reader_open(const cs_env *env, const cs_source *source, cs_avro_reader **out, cs_error *err)
{
    cs_avro_reader *reader = cs_allocate(env, sizeof(cs_avro_reader));
    cs_code code;

    *out = NULL;
    if (reader == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_reader));
    memset(reader, 0, sizeof(*reader));
    reader->env = env;
    reader->source = *source;
    reader->next_record = 1;
    cs_buffer_init(&reader->header, env);
    cs_buffer_init(&reader->stored, env);
    cs_buffer_init(&reader->decompressed, env);
    reader->buffer = cs_allocate(env, READ_BUFFER_BYTES);
    code =
        reader->buffer != NULL ? read_header(reader, err) : cs_fail_memory(err, READ_BUFFER_BYTES);
    if (code != CS_OK)
    {
        cs_avro_reader_close(reader);
        return code;
    }
    *out = reader;
    return CS_OK;
}

/* Free the reader; NULL is fine. The source is the caller's to close. */
void
cs_avro_reader_close(cs_avro_reader *reader)
{
    if (reader == NULL)
        return;
    for (size_t i = 0; i < reader->num_meta; i++)
    {
        cs_release(reader->env, reader->meta[i].key);
        cs_release(reader->env, reader->meta[i].value);
    }
    cs_release(reader->env, reader->meta);
    cs_avro_schema_free(reader->schema);
    cs_codec_free(&reader->codec);
    cs_buffer_free(&reader->header);
    cs_buffer_free(&reader->stored);
    cs_buffer_free(&reader->decompressed);
    cs_release(reader->env, reader->buffer);
    reader->env->release(reader->env->ctx, reader);
}

/* Read a block's header, bytes and marker into block and reader->stored. */
static cs_code
read_block(cs_avro_reader *reader, cs_avro_block *block, cs_error *err)
{
    int64_t size;
    cs_code code;

    block->offset = position(reader);
    CS_TRY(read_long(reader, &block->records, NULL, "a block's record count", err));
    code = read_long(reader, &size, NULL, "a block's size", err);
    if (code == CS_END)
        return fail_truncated(reader, "a block", err);
    if (code != CS_OK)
        return code;
    if (block->records < 0)
        return cs_fail(err, CS_ERR_DATA, "block declares the negative record count %lld",
                       (long long) block->records);
    CS_TRY(check_length(reader, size, CS_AVRO_MAX_BLOCK_BYTES, "a block", err));
    reader->stored.len = 0;
    CS_TRY(read_bytes(reader, (size_t) size + CS_AVRO_SYNC_BYTES, &reader->stored, "a block", err));
    reader->stored.len -= CS_AVRO_SYNC_BYTES;
    if (memcmp(reader->stored.data + reader->stored.len, reader->sync, CS_AVRO_SYNC_BYTES) != 0)
    {
        cs_fail(err, CS_ERR_DATA, "block does not end with the file's sync marker");
        return locate(reader, position(reader) - CS_AVRO_SYNC_BYTES, CS_ERR_DATA, err);
    }
    block->end_offset = position(reader);
    block->index = reader->next_index++;
    return CS_OK;
}

/* Decompress the block where needed and check that its records can fit. */
static cs_code
unpack_block(cs_avro_reader *reader, cs_avro_block *block, cs_error *err)
{
    size_t min_bytes = reader->schema->min_record_bytes;
    const cs_buffer *bytes = &reader->stored;

    /* An empty block may lack even the bytes that a codec makes of nothing. */
    if (reader->codec.codec != CS_CODEC_NULL && (block->records > 0 || bytes->len > 0))
    {
        cs_slice stored = {(const char *) reader->stored.data, reader->stored.len};

        CS_TRY(cs_codec_decompress(&reader->codec, stored, CS_AVRO_MAX_BLOCK_BYTES,
                                   &reader->decompressed, err));
        bytes = &reader->decompressed;
    }
    block->data = bytes->data;
    block->len = bytes->len;
    if (min_bytes > 0 && (uint64_t) block->records > block->len / min_bytes)
        return cs_fail(err, CS_ERR_DATA,
                       "block declares %lld records, but its %zu bytes hold fewer",
                       (long long) block->records, block->len);
    if (min_bytes == 0 && block->records > CS_AVRO_MAX_EMPTY_RECORDS)
        return cs_fail(err, CS_ERR_LIMIT,
                       "block declares %lld records of no bytes, the limit is %d",
                       (long long) block->records, CS_AVRO_MAX_EMPTY_RECORDS);
    if (block->records == 0 && block->len > 0)
        return cs_fail(err, CS_ERR_DATA, "block declares no records, but holds %zu bytes",
                       block->len);
    return CS_OK;
}

cs_code
cs_avro_reader_next(cs_avro_reader *reader, cs_avro_block *block, cs_error *err)
{
    do
    {
        cs_code code;

        CS_TRY(cs_poll(reader->env, err));
        code = read_block(reader, block, err);
        if (code == CS_OK)
            code = unpack_block(reader, block, err);
        if (code == CS_END)
            return CS_END;
        if (code != CS_OK)
            return locate(reader, block->offset, code, err);
    } while (block->records == 0);
    block->first_record = reader->next_record;
    reader->next_record += block->records;
    return CS_OK;
}

const cs_avro_schema *
cs_avro_reader_schema(const cs_avro_reader *reader)
{
    return reader->schema;
}

cs_avro_codec
cs_avro_reader_codec(const cs_avro_reader *reader)
{
    return reader->codec.codec;
}

const cs_avro_meta *
cs_avro_reader_meta(const cs_avro_reader *reader, size_t *count)
{
    *count = reader->num_meta;
    return reader->meta;
}

const char *
cs_avro_reader_meta_text(const cs_avro_reader *reader, const char *key)
{
    const cs_avro_meta *entry = find_meta(reader, key);

    return entry != NULL ? (const char *) entry->value : NULL;
}

cs_slice
cs_avro_reader_header(const cs_avro_reader *reader)
{
    return (cs_slice){(const char *) reader->header.data, reader->header.len};
}
