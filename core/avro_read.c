/*
 * core/avro_read.c
 *     Reading an object container file, block by block.
 *
 * A block is found by the length of the one before it. Before one is believed,
 * its numbers are checked against each other, against the bytes left in the file
 * (where the source knows its size) and against the limits, and its end marker is
 * looked at: by load with the block's bytes, by next_head with the head of the
 * block behind it. So either way a block costs one read.
 */
#include "avro_reader.h"

/* Blocks up to this size are read several at once and used where they lie. */
#define SMALL_BLOCK_BYTES (CS_INPUT_WINDOW_BYTES / 4)

/* No codec makes more than this of nothing. */
#define EMPTY_STORED_BYTES 64

const cs_avro_limits cs_avro_default_limits = {
    .max_header_bytes = CS_AVRO_MAX_HEADER_BYTES,
    .max_block_bytes = CS_AVRO_MAX_BLOCK_BYTES,
    .max_empty_items = CS_AVRO_MAX_EMPTY_ITEMS,
    .max_depth = CS_AVRO_MAX_DEPTH,
};

cs_code
cs_avro_reader_open(const cs_env *env, const cs_source *source, const cs_avro_limits *limits,
                    cs_avro_reader **out, cs_error *err)
{
    cs_avro_reader *reader = cs_allocate(env, sizeof(cs_avro_reader));
    cs_code code;

    *out = NULL;
    if (reader == NULL)
        return cs_fail_memory(err, sizeof(cs_avro_reader));
    memset(reader, 0, sizeof(*reader));
    reader->env = env;
    reader->limits = limits != NULL ? *limits : cs_avro_default_limits;
    reader->position.record = 1;
    reader->small_blocks = true;
    cs_codec_init(&reader->codec, env, CS_CODEC_NULL, 0);
    cs_buffer_init(&reader->header, env);
    cs_buffer_init(&reader->stored, env);
    cs_buffer_init(&reader->decompressed, env);
    code = cs_input_open(&reader->input, env, source, err);
    if (code == CS_OK)
        code = cs_reader_read_header(reader, err);
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
        cs_release(reader->env, (void *) reader->meta[i].key);
        cs_release(reader->env, (void *) reader->meta[i].value);
    }
    cs_release(reader->env, reader->meta);
    cs_avro_schema_free(reader->schema);
    cs_codec_free(&reader->codec);
    cs_buffer_free(&reader->header);
    cs_buffer_free(&reader->stored);
    cs_buffer_free(&reader->decompressed);
    cs_input_close(&reader->input);
    cs_release(reader->env, reader);
}

cs_code
cs_reader_read_head(cs_avro_reader *reader, size_t ahead, cs_avro_head *head, int64_t *size,
                    cs_error *err)
{
    cs_avro_input *input = &reader->input;
    uint64_t at = head->offset;
    cs_slice bytes;
    cs_code code;

    CS_TRY(cs_input_long(input, at, ahead, "a block's record count", &head->records, &bytes, err));
    at += bytes.len;
    code = cs_input_long(input, at, ahead, "a block's size", size, &bytes, err);
    if (code == CS_END)
        return cs_input_fail_truncated(input, at, "a block", err);
    head->data_offset = at + bytes.len;
    return code;
}

/* The fewest bytes that a record can take. Where that is none, no record takes any. */
static uint64_t
min_record_bytes(const cs_avro_reader *reader)
{
    return reader->schema->root->min_bytes;
}

/* Report that a block has no room for its records. */
static cs_code
fail_fewer(int64_t records, uint64_t bytes, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "block declares %lld records, but its %llu bytes hold fewer",
                   (long long) records, (unsigned long long) bytes);
}

/* Check that so many records can be in a block of this size. */
static cs_code
check_records(const cs_avro_reader *reader, int64_t records, int64_t size, cs_error *err)
{
    const cs_avro_limits *limits = &reader->limits;
    bool plain = reader->codec.codec == CS_CODEC_NULL;
    uint64_t min_bytes = min_record_bytes(reader);
    uint64_t most = plain ? (uint64_t) size : limits->max_block_bytes;

    if (records < 0)
        return cs_fail(err, CS_ERR_DATA, "block declares the negative record count %lld",
                       (long long) records);
    if (records == 0 && size > (plain ? 0 : EMPTY_STORED_BYTES))
        return cs_fail(err, CS_ERR_DATA, "block declares no records, but holds %lld bytes",
                       (long long) size);
    if (min_bytes == 0 && records > limits->max_empty_items)
        return cs_fail(err, CS_ERR_LIMIT,
                       "block declares %lld records of no bytes, the limit is %lld",
                       (long long) records, (long long) limits->max_empty_items);
    if (min_bytes == 0 || (uint64_t) records <= most / min_bytes)
        return CS_OK;
    if (plain)
        return fail_fewer(records, most, err);
    return cs_fail(err, CS_ERR_LIMIT,
                   "block declares %lld records, more than the limit of %llu bytes holds",
                   (long long) records, (unsigned long long) most);
}

/* Check a block's size against the bytes left in the file and the limit. */
static cs_code
check_size(const cs_avro_reader *reader, uint64_t data_offset, uint64_t size, cs_error *err)
{
    size_t limit = reader->limits.max_block_bytes;

    CS_TRY(cs_input_check_left(&reader->input, data_offset, size, "a block", err));
    if (size <= limit)
        return CS_OK;
    return cs_fail(err, CS_ERR_LIMIT, "a block of %llu bytes is over the limit of %zu bytes",
                   (unsigned long long) size, limit);
}

/* Read and check the head of the next block, whatever it holds. */
static cs_code
next_block(cs_avro_reader *reader, size_t ahead, cs_error *err)
{
    const cs_avro_position *position = &reader->position;
    cs_avro_head *head = &reader->touched;
    int64_t size;

    reader->state = CS_BLOCK_NONE;
    CS_TRY(cs_poll(reader->env, err));
    *head = (cs_avro_head){
        .index = position->index, .offset = position->offset, .first_record = position->record};
    if (position->num_ahead > 0)
        cs_input_offer(&reader->input, position->offset, position->ahead, position->num_ahead);
    if (cs_input_is_behind(&reader->input, position->offset))
        return cs_input_fail_truncated(&reader->input, (uint64_t) reader->input.source.size,
                                       "the block before", err);
    reader->state = CS_BLOCK_BEGUN;
    CS_TRY(cs_reader_read_head(reader, ahead, head, &size, err));
    if (size < 0)
        return cs_fail(err, CS_ERR_DATA, "a block has the negative length %lld", (long long) size);
    CS_TRY(check_records(reader, head->records, size, err));
    head->size = (size_t) size;
    head->end_offset = head->data_offset + (uint64_t) size + CS_AVRO_SYNC_BYTES;
    reader->state = CS_BLOCK_HEAD;
    return check_size(reader, head->data_offset, (uint64_t) size, err);
}

cs_code
cs_reader_find_marker(cs_avro_reader *reader, uint64_t end_offset, bool *found, cs_error *err)
{
    uint64_t at = end_offset - CS_AVRO_SYNC_BYTES;
    const uint8_t *data;
    size_t got;

    CS_TRY(
        cs_input_peek(&reader->input, at, CS_AVRO_SYNC_BYTES, HEAD_AHEAD_BYTES, &data, &got, err));
    if (got < CS_AVRO_SYNC_BYTES)
        return cs_input_fail_truncated(&reader->input, at + got, "a block", err);
    *found = memcmp(data, reader->sync, CS_AVRO_SYNC_BYTES) == 0;
    return CS_OK;
}

/* Report that something else stands where the block's end marker should. */
static cs_code
fail_marker(const cs_avro_reader *reader, const cs_avro_head *head, cs_error *err)
{
    cs_fail(err, CS_ERR_DATA, "block does not end with the file's sync marker");
    return cs_input_locate(&reader->input, head->end_offset - CS_AVRO_SYNC_BYTES, CS_ERR_DATA, err);
}

/* Look whether the block touched ends with the marker. */
static cs_code
check_marker(cs_avro_reader *reader, cs_error *err)
{
    bool found;

    CS_TRY(cs_reader_find_marker(reader, reader->touched.end_offset, &found, err));
    if (!found)
        return fail_marker(reader, &reader->touched, err);
    reader->state = CS_BLOCK_SOUND;
    return CS_OK;
}

/* Let the next block be the one behind this one. */
static cs_code
pass_block(cs_avro_reader *reader, const cs_avro_head *head, cs_error *err)
{
    cs_avro_position *position = &reader->position;
    const cs_avro_input *input = &reader->input;
    int64_t record;

    if (__builtin_add_overflow(head->first_record, head->records, &record))
        return cs_fail(err, CS_ERR_LIMIT, "the blocks declare more records than can be counted");
    *position =
        (cs_avro_position){.offset = head->end_offset, .index = head->index + 1, .record = record};
    if (position->offset >= input->start && position->offset < input->start + input->len)
    {
        size_t known = (size_t) (input->start + input->len - position->offset);

        position->num_ahead = known < CS_AVRO_HEAD_BYTES ? (uint8_t) known : CS_AVRO_HEAD_BYTES;
        memcpy(position->ahead, input->window + (position->offset - input->start),
               position->num_ahead);
    }
    return CS_OK;
}

/* Fill in what a block says about itself. */
static void
describe_block(const cs_avro_head *head, cs_avro_block *block)
{
    *block = (cs_avro_block){.index = head->index,
                             .offset = head->offset,
                             .end_offset = head->end_offset,
                             .records = head->records,
                             .first_record = head->first_record};
}

/*
 * Read the bytes of the block touched with its marker, which is checked. Where
 * the blocks behind it are wanted too, ahead bytes may be read at once.
 */
static cs_code
read_stored(cs_avro_reader *reader, size_t ahead, cs_slice *stored, cs_error *err)
{
    const cs_avro_head *head = &reader->touched;
    size_t len = head->size + CS_AVRO_SYNC_BYTES;
    const uint8_t *data;
    size_t got;

    if (len <= SMALL_BLOCK_BYTES)
    {
        CS_TRY(cs_input_peek(&reader->input, head->data_offset, len, ahead, &data, &got, err));
        if (got < len)
            return cs_input_fail_truncated(&reader->input, head->data_offset + got, "a block", err);
    }
    else
    {
        reader->stored.len = 0;
        CS_TRY(cs_input_read(&reader->input, head->data_offset, len,
                             ahead > 0 ? CS_AVRO_HEAD_BYTES : 0, &reader->stored, "a block", err));
        data = reader->stored.data;
    }
    if (memcmp(data + head->size, reader->sync, CS_AVRO_SYNC_BYTES) != 0)
        return fail_marker(reader, head, err);
    reader->state = CS_BLOCK_SOUND;
    *stored = (cs_slice){(const char *) data, head->size};
    return CS_OK;
}

/* Decompress where needed. Behind stored bytes stands the marker, which is slack enough. */
static cs_code
unpack(cs_avro_reader *reader, cs_slice stored, size_t limit, cs_avro_block *block, cs_error *err)
{
    block->data = (const uint8_t *) stored.data;
    block->len = stored.len;
    if (reader->codec.codec == CS_CODEC_NULL)
        return CS_OK;
    CS_TRY(cs_codec_decompress(&reader->codec, stored, limit, &reader->decompressed, err));
    block->data = reader->decompressed.data;
    block->len = reader->decompressed.len;
    return CS_OK;
}

/* Read and decompress the block touched; its head has been checked. */
static cs_code
load_touched(cs_avro_reader *reader, size_t ahead, cs_avro_block *block, cs_error *err)
{
    uint64_t min_bytes = min_record_bytes(reader);
    cs_slice stored;

    describe_block(&reader->touched, block);
    CS_TRY(read_stored(reader, ahead, &stored, err));
    CS_TRY(unpack(reader, stored, reader->limits.max_block_bytes, block, err));
    if (min_bytes > 0 && (uint64_t) block->records > block->len / min_bytes)
        return fail_fewer(block->records, block->len, err);
    return CS_OK;
}

/*
 * Check the block touched, which has no records, and pass over it: nothing must
 * come out of it. It may lack even the bytes that a codec makes of nothing.
 */
static cs_code
pass_empty(cs_avro_reader *reader, size_t ahead, cs_error *err)
{
    const cs_avro_head *head = &reader->touched;
    cs_avro_block block;
    cs_slice stored;
    cs_code code;

    CS_TRY(read_stored(reader, ahead, &stored, err));
    if (stored.len > 0)
    {
        code = unpack(reader, stored, EMPTY_STORED_BYTES, &block, err);
        if (code == CS_ERR_LIMIT || (code == CS_OK && block.len > 0))
            return cs_fail(err, CS_ERR_DATA, "block declares no records, but is not empty");
        if (code != CS_OK)
            return code;
    }
    return pass_block(reader, head, err);
}

/* Say at which block err happened. */
static cs_code
locate(cs_avro_reader *reader, cs_code code, cs_error *err)
{
    if (code == CS_END)
        reader->state = CS_BLOCK_NONE;
    if (code == CS_OK || code == CS_END)
        return code;
    return cs_input_locate(&reader->input, reader->touched.offset, code, err);
}

cs_code
cs_avro_reader_next(cs_avro_reader *reader, cs_avro_block *block, cs_error *err)
{
    size_t ahead = reader->small_blocks ? CS_INPUT_WINDOW_BYTES : HEAD_AHEAD_BYTES;
    cs_code code;

    while ((code = next_block(reader, ahead, err)) == CS_OK && reader->touched.records == 0)
    {
        code = pass_empty(reader, ahead, err);
        if (code != CS_OK)
            break;
    }
    if (code == CS_OK)
        code = load_touched(reader, CS_INPUT_WINDOW_BYTES, block, err);
    reader->small_blocks = reader->touched.size <= SMALL_BLOCK_BYTES;
    if (code == CS_OK)
        code = pass_block(reader, &reader->touched, err);
    return locate(reader, code, err);
}

/* Check and pass over the next block, whatever it holds, without reading its contents. */
static cs_code
step_over(cs_avro_reader *reader, cs_error *err)
{
    cs_code code;

    if (!cs_input_sized(&reader->input))
        return cs_fail(err, CS_ERR_ARGUMENT, "blocks can be passed over only in a regular file");
    code = next_block(reader, HEAD_AHEAD_BYTES, err);
    if (code == CS_OK && reader->touched.records == 0)
        code = pass_empty(reader, HEAD_AHEAD_BYTES, err);
    else if (code == CS_OK)
    {
        code = check_marker(reader, err);
        if (code == CS_OK)
            code = pass_block(reader, &reader->touched, err);
    }
    return locate(reader, code, err);
}

cs_code
cs_avro_reader_next_head(cs_avro_reader *reader, cs_avro_head *head, cs_error *err)
{
    do
        CS_TRY(step_over(reader, err));
    while (reader->touched.records == 0);
    *head = reader->touched;
    return CS_OK;
}

cs_code
cs_avro_reader_load(cs_avro_reader *reader, const cs_avro_head *head, cs_avro_block *block,
                    cs_error *err)
{
    cs_code code = cs_poll(reader->env, err);

    if (code != CS_OK)
        return code;
    reader->touched = *head;
    reader->state = CS_BLOCK_HEAD;
    code = check_size(reader, head->data_offset, head->size, err);
    if (code == CS_OK)
        code = load_touched(reader, 0, block, err);
    return locate(reader, code, err);
}

cs_code
cs_avro_reader_count(cs_avro_reader *reader, cs_avro_totals *totals, cs_error *err)
{
    cs_code code;

    memset(totals, 0, sizeof(*totals));
    while ((code = step_over(reader, err)) == CS_OK)
    {
        const cs_avro_head *head = &reader->touched;

        totals->records += head->records;
        totals->blocks += head->records > 0;
        totals->empty_blocks += head->records == 0;
        totals->bytes += head->size;
    }
    return code == CS_END ? CS_OK : code;
}

void
cs_avro_reader_tell(const cs_avro_reader *reader, cs_avro_position *position)
{
    *position = reader->position;
}

void
cs_avro_reader_seek(cs_avro_reader *reader, const cs_avro_position *position)
{
    reader->position = *position;
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

const cs_avro_limits *
cs_avro_reader_limits(const cs_avro_reader *reader)
{
    return &reader->limits;
}

const cs_avro_meta *
cs_avro_reader_meta(const cs_avro_reader *reader, size_t *count)
{
    *count = reader->num_meta;
    return reader->meta;
}

const cs_avro_meta *
cs_reader_find_meta(const cs_avro_reader *reader, const char *key)
{
    for (size_t i = 0; i < reader->num_meta; i++)
        if (strcmp(reader->meta[i].key, key) == 0)
            return &reader->meta[i];
    return NULL;
}

const char *
cs_avro_reader_meta_text(const cs_avro_reader *reader, const char *key)
{
    const cs_avro_meta *entry = cs_reader_find_meta(reader, key);

    return entry != NULL ? (const char *) entry->value : NULL;
}

cs_slice
cs_avro_reader_header(const cs_avro_reader *reader)
{
    return (cs_slice){(const char *) reader->header.data, reader->header.len};
}
