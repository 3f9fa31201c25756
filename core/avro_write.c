/*
 * core/avro_write.c
 *     Writing an object container file.
 *
 * What finish puts into the header (smallest and largest timestamp, the
 * source's checksum) is known only after the last record, but the header comes
 * first. So blocks start behind a header of a fixed size, and the value of the
 * key clickstream.writer is padded with spaces until the real one fills it.
 */
#include "avro_codec.h"
#include "avro_container.h"
#include "avro_encode.h"
#include "varint.h"

#include <errno.h>
#include <sys/random.h>

#define WRITER_KEY "clickstream.writer"
#define WRITER_VALUE "clickstream " CS_VERSION

#define RESERVED_KEYS "avro."

/* From 64 to 8,191 bytes a value's length takes two bytes. */
#define WRITER_MIN_BYTES 64

/* What turns records into a block. */
struct cs_avro_packer
{
    cs_codec_state codec;
    cs_buffer compressed;
};

struct cs_avro_writer
{
    const cs_env *env;
    cs_sink sink;
    const cs_avro_schema *schema;
    uint8_t sync[CS_AVRO_SYNC_BYTES];
    cs_buffer meta; /* the entries given at open, encoded */
    size_t num_meta;
    size_t header_bytes; /* fixed when the writer is opened */
    uint64_t offset;     /* where the next block goes */

    /* The block being filled */
    cs_avro_packer packer;
    size_t block_bytes; /* cut before it is larger than this */
    cs_buffer records;
    size_t counted_bytes; /* the bytes of the records counted */
    int64_t num_records;
    cs_buffer block; /* as written */
};

/* Append a metadata entry. */
static cs_code
append_meta(cs_buffer *out, const char *key, const char *value, size_t len, cs_error *err)
{
    CS_TRY(cs_avro_encode_bytes(cs_slice_of(key), out, err));
    return cs_avro_encode_bytes((cs_slice){value, len}, out, err);
}

/* Make a packer that does not compress. */
static void
init_packer(cs_avro_packer *packer, const cs_env *env)
{
    cs_codec_init(&packer->codec, env, CS_CODEC_NULL, 0);
    cs_buffer_init(&packer->compressed, env);
}

/* Free what a packer holds. */
static void
free_packer(cs_avro_packer *packer)
{
    cs_codec_free(&packer->codec);
    cs_buffer_free(&packer->compressed);
}

cs_code
cs_avro_packer_open(const cs_env *env, cs_avro_codec codec, int level, cs_avro_packer **out,
                    cs_error *err)
{
    cs_avro_packer *packer;

    *out = NULL;
    CS_TRY(cs_codec_check_level(codec, level, err));
    packer = cs_allocate(env, sizeof(cs_avro_packer));
    if (packer == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_packer));
    init_packer(packer, env);
    cs_codec_init(&packer->codec, env, codec, level);
    *out = packer;
    return CS_OK;
}

/* Free the packer; NULL is fine. */
void
cs_avro_packer_free(cs_avro_packer *packer)
{
    if (packer == NULL)
        return;
    free_packer(packer);
    cs_release(packer->codec.env, packer);
}

cs_code
cs_avro_pack(cs_avro_packer *packer, cs_slice records, int64_t count, cs_buffer *block,
             cs_error *err)
{
    if (packer->codec.codec != CS_CODEC_NULL)
    {
        CS_TRY(cs_codec_compress(&packer->codec, records, &packer->compressed, err));
        records = (cs_slice){(const char *) packer->compressed.data, packer->compressed.len};
    }
    block->len = 0;
    CS_TRY(cs_avro_encode_long(count, block, err));
    return cs_avro_encode_bytes(records, block, err);
}

/* Build the header, its writer entry padded to writer_bytes. */
static cs_code
build_header(const cs_avro_writer *writer, const cs_avro_text_meta *meta, size_t count,
             size_t writer_bytes, cs_buffer *out, cs_error *err)
{
    char padded[WRITER_MIN_BYTES + CS_AVRO_FINISH_META_BYTES];
    const char *codec = cs_avro_codec_name(writer->packer.codec.codec);

    memset(padded, ' ', sizeof(padded));
    memcpy(padded, WRITER_VALUE, strlen(WRITER_VALUE));
    CS_TRY(cs_buffer_append(out, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES, err));
    CS_TRY(cs_avro_encode_long((int64_t) (writer->num_meta + count) + 3, out, err));
    CS_TRY(append_meta(out, "avro.schema", writer->schema->json, writer->schema->json_len, err));
    CS_TRY(append_meta(out, "avro.codec", codec, strlen(codec), err));
    CS_TRY(cs_buffer_append(out, writer->meta.data, writer->meta.len, err));
    for (size_t i = 0; i < count; i++)
        CS_TRY(append_meta(out, meta[i].key, meta[i].value, strlen(meta[i].value), err));
    CS_TRY(append_meta(out, WRITER_KEY, padded, writer_bytes, err));
    CS_TRY(cs_avro_encode_long(0, out, err));
    return cs_buffer_append(out, writer->sync, CS_AVRO_SYNC_BYTES, err);
}

/* Write to the sink. */
static cs_code
write_bytes(cs_avro_writer *writer, uint64_t offset, const cs_buffer *bytes, cs_error *err)
{
    int saved;

    if (writer->sink.write_at(writer->sink.ctx, offset, bytes->data, bytes->len))
        return CS_OK;
    saved = errno;
    cs_fail(err, CS_ERR_IO, "could not write: %s", strerror(saved));
    err->sys_errno = saved;
    err->file = writer->sink.name;
    err->offset = (int64_t) offset;
    return CS_ERR_IO;
}

/* Choose a sync marker and lay out the header. */
static cs_code
start_file(cs_avro_writer *writer, const uint8_t *sync, cs_error *err)
{
    cs_buffer header;
    cs_code code;

    if (sync != NULL)
        memcpy(writer->sync, sync, sizeof(writer->sync));
    else if (getrandom(writer->sync, sizeof(writer->sync), 0) != (ssize_t) sizeof(writer->sync))
        return cs_fail(err, CS_ERR_IO, "could not get random bytes: %s", strerror(errno));
    cs_buffer_init(&header, writer->env);
    code =
        build_header(writer, NULL, 0, WRITER_MIN_BYTES + CS_AVRO_FINISH_META_BYTES, &header, err);
    writer->header_bytes = header.len;
    writer->offset = header.len;
    cs_buffer_free(&header);
    return code;
}

/* True if there is an entry of this key among those given at open. */
static bool
has_key(const cs_avro_writer *writer, const char *key)
{
    const uint8_t *at = writer->meta.data;
    const uint8_t *end = at + writer->meta.len;
    bool is_key = true;

    for (; at < end; is_key = !is_key) /* keys and values take turns */
    {
        uint64_t len = 0;

        at = cs_varint_get(at, end, &len);
        len = (uint64_t) cs_unzigzag(len);
        if (is_key && cs_slice_is((cs_slice){(const char *) at, (size_t) len}, key))
            return true;
        at += len;
    }
    return false;
}

/* Refuse a key that is ours or the specification's, or was given at open. */
static cs_code
check_key(const cs_avro_writer *writer, const char *key, cs_error *err)
{
    if (strncmp(key, RESERVED_KEYS, strlen(RESERVED_KEYS)) == 0 || strcmp(key, WRITER_KEY) == 0)
        return cs_fail(err, CS_ERR_ARGUMENT, "metadata key \"%.100s\" is reserved", key);
    if (writer->meta.len > 0 && has_key(writer, key))
        return cs_fail(err, CS_ERR_ARGUMENT, "metadata key \"%.100s\" is given twice", key);
    return CS_OK;
}

/* Check the options and take over what is kept of them. */
static cs_code
use_options(cs_avro_writer *writer, const cs_avro_writer_options *options, cs_error *err)
{
    if (options->block_bytes > CS_AVRO_BLOCK_BYTES_MAX)
        return cs_fail(err, CS_ERR_ARGUMENT, "block size of %zu bytes is over the limit of %d",
                       options->block_bytes, CS_AVRO_BLOCK_BYTES_MAX);
    CS_TRY(cs_codec_check_level(options->codec, options->level, err));
    cs_codec_init(&writer->packer.codec, writer->env, options->codec, options->level);
    if (options->block_bytes > 0)
        writer->block_bytes = options->block_bytes;
    for (; writer->num_meta < options->num_meta; writer->num_meta++)
    {
        const cs_avro_meta *entry = &options->meta[writer->num_meta];

        CS_TRY(check_key(writer, entry->key, err));
        CS_TRY(
            append_meta(&writer->meta, entry->key, (const char *) entry->value, entry->len, err));
    }
    return CS_OK;
}

cs_code
cs_avro_writer_open(const cs_env *env, const cs_sink *sink, const cs_avro_schema *schema,
                    const cs_avro_writer_options *options, cs_avro_writer **out, cs_error *err)
{
    static const cs_avro_writer_options defaults = {.codec = CS_CODEC_NULL};
    cs_avro_writer *writer = cs_allocate(env, sizeof(cs_avro_writer));
    cs_code code;

    *out = NULL;
    if (writer == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_writer));
    memset(writer, 0, sizeof(*writer));
    writer->env = env;
    writer->sink = *sink;
    writer->schema = schema;
    writer->block_bytes = CS_AVRO_BLOCK_BYTES;
    init_packer(&writer->packer, env);
    cs_buffer_init(&writer->meta, env);
    cs_buffer_init(&writer->records, env);
    cs_buffer_init(&writer->block, env);
    if (options == NULL)
        options = &defaults;
    code = use_options(writer, options, err);
    if (code == CS_OK)
        code = start_file(writer, options->sync, err);
    if (code != CS_OK)
    {
        cs_avro_writer_free(writer);
        return code;
    }
    *out = writer;
    return CS_OK;
}

cs_buffer *
cs_avro_writer_buffer(cs_avro_writer *writer)
{
    return &writer->records;
}

/* Write a packed block, putting the sync marker behind it. */
static cs_code
write_block(cs_avro_writer *writer, cs_buffer *block, cs_error *err)
{
    CS_TRY(cs_poll(writer->env, err));
    CS_TRY(cs_buffer_append(block, writer->sync, CS_AVRO_SYNC_BYTES, err));
    CS_TRY(write_bytes(writer, writer->offset, block, err));
    writer->offset += block->len;
    block->len -= CS_AVRO_SYNC_BYTES;
    return CS_OK;
}

/* Compress and write the records counted; what stands behind them stays. */
static cs_code
flush_block(cs_avro_writer *writer, cs_error *err)
{
    cs_slice data = {(const char *) writer->records.data, writer->counted_bytes};

    if (writer->num_records == 0)
        return CS_OK;
    CS_TRY(cs_avro_pack(&writer->packer, data, writer->num_records, &writer->block, err));
    CS_TRY(write_block(writer, &writer->block, err));
    writer->records.len -= writer->counted_bytes;
    if (writer->records.len > 0)
        memmove(writer->records.data, writer->records.data + writer->counted_bytes,
                writer->records.len);
    writer->counted_bytes = 0;
    writer->num_records = 0;
    return CS_OK;
}

cs_code
cs_avro_writer_append(cs_avro_writer *writer, cs_buffer *block, cs_error *err)
{
    CS_TRY(flush_block(writer, err));
    return write_block(writer, block, err);
}

/* The bytes of the file so far, its header counted. */
uint64_t
cs_avro_writer_size(const cs_avro_writer *writer)
{
    return writer->offset;
}

cs_code
cs_avro_writer_add(cs_avro_writer *writer, cs_error *err)
{
    if (writer->records.len > writer->block_bytes)
        CS_TRY(flush_block(writer, err));
    writer->counted_bytes = writer->records.len;
    writer->num_records++;
    if (writer->records.len >= writer->block_bytes ||
        writer->num_records == CS_AVRO_MAX_EMPTY_ITEMS) /* of no bytes */
        return flush_block(writer, err);
    return CS_OK;
}

cs_code
cs_avro_writer_finish(cs_avro_writer *writer, const cs_avro_text_meta *meta, size_t count,
                      cs_error *err)
{
    cs_buffer header;
    cs_code code;

    for (size_t i = 0; i < count; i++)
        CS_TRY(check_key(writer, meta[i].key, err));
    CS_TRY(flush_block(writer, err));
    cs_buffer_init(&header, writer->env);
    code = build_header(writer, meta, count, WRITER_MIN_BYTES, &header, err);
    if (code == CS_OK && header.len > writer->header_bytes)
        code = cs_fail(err, CS_ERR_LIMIT, "metadata takes more than %d bytes",
                       CS_AVRO_FINISH_META_BYTES);
    if (code == CS_OK)
    {
        size_t writer_bytes = WRITER_MIN_BYTES + (writer->header_bytes - header.len);

        header.len = 0;
        code = build_header(writer, meta, count, writer_bytes, &header, err);
    }
    if (code == CS_OK)
        code = write_bytes(writer, 0, &header, err);
    cs_buffer_free(&header);
    return code;
}

/* Free the writer; NULL is fine. */
void
cs_avro_writer_free(cs_avro_writer *writer)
{
    if (writer == NULL)
        return;
    free_packer(&writer->packer);
    cs_buffer_free(&writer->meta);
    cs_buffer_free(&writer->records);
    cs_buffer_free(&writer->block);
    cs_release(writer->env, writer);
}
