/*
 * test/fuzz/container_fuzz.c
 *     A whole Avro file of any codec: read forward, as from a pipe, and by heads, going on
 *     behind damage; what reads well is written again and reads the same.
 */
#include "records.h"

#include "meta_time.h"

#define MAX_RESYNCS 1000

/* What was read of a file. */
typedef struct file_sum
{
    cs_code end;     /* CS_END: nothing was wrong */
    int64_t records; /* declared by the good blocks */
    cs_buffer bytes; /* of these blocks */
} file_sum;

/* An error of the reader: in which file, and where. */
static void
check_file_error(cs_slice file, cs_code code, const cs_error *err)
{
    fuzz_check_error(code, err);
    fuzz_check(err->file != NULL && strcmp(err->file, FUZZ_FILE_NAME) == 0, "(%s)", err->message);
    fuzz_check(err->offset >= 0 && (uint64_t) err->offset <= file.len, "(%s)", err->message);
}

/* Go on behind a damaged block; false where that is not possible. */
static bool
go_on(cs_avro_reader *reader, cs_slice file, bool sized)
{
    cs_avro_position before, after;
    cs_avro_loss loss;
    cs_error err;
    cs_code code;

    cs_avro_reader_tell(reader, &before);
    code = cs_avro_reader_resync(reader, &loss, &err);
    if (code != CS_OK)
    {
        check_file_error(file, code, &err);
        fuzz_check(!sized, "(%s)", err.message);
        return false;
    }
    cs_avro_reader_tell(reader, &after);
    fuzz_check(loss.bytes > 0 && loss.offset + loss.bytes == after.offset);
    fuzz_check(after.offset >= before.offset && after.offset <= file.len);
    fuzz_check(after.record >= before.record && after.index >= before.index);
    fuzz_check(loss.blocks >= 0 && loss.records >= 0);
    return true;
}

/* Read all blocks. */
static void
read_blocks(cs_avro_reader *reader, cs_slice file, bool sized, file_sum *sum)
{
    records_plans plans;
    cs_avro_block block;
    uint64_t end = 0;
    cs_error err;
    int64_t records;
    size_t resyncs = 0;

    records_plan(&plans, cs_avro_reader_schema(reader), NULL);
    sum->end = CS_END;
    for (;;)
    {
        cs_code code = cs_avro_reader_next(reader, &block, &err);

        if (code == CS_END)
            break;
        if (code == CS_OK)
        {
            fuzz_check(block.offset >= end && block.end_offset > block.offset);
            fuzz_check(block.end_offset <= file.len && block.records > 0);
            fuzz_check(block.len <= records_limits.max_block_bytes);
            end = block.end_offset;
            code = records_read(&plans, &block, &records, &err);
            if (code == CS_OK)
            {
                sum->records += block.records;
                fuzz_check_ok(cs_buffer_append(&sum->bytes, block.data, block.len, &err), &err, "");
                continue;
            }
        }
        else
            check_file_error(file, code, &err);
        sum->end = code;
        fuzz_check(++resyncs < MAX_RESYNCS);
        if ((code != CS_ERR_DATA && code != CS_ERR_LIMIT) || !go_on(reader, file, sized))
            break;
    }
    records_free(&plans);
}

/* Count by the heads alone, then read block by block through heads: both see the same. */
static void
read_by_heads(cs_avro_reader *reader, cs_slice file)
{
    cs_avro_position start;
    cs_avro_totals totals;
    cs_avro_block block;
    cs_avro_head head;
    cs_error err;
    cs_code code, next;
    int64_t records = 0;

    cs_avro_reader_tell(reader, &start);
    code = cs_avro_reader_count(reader, &totals, &err);
    if (code != CS_OK)
        check_file_error(file, code, &err);
    cs_avro_reader_seek(reader, &start);
    while ((next = cs_avro_reader_next_head(reader, &head, &err)) == CS_OK)
    {
        records += head.records;
        if (cs_avro_reader_load(reader, &head, &block, &err) != CS_OK)
            check_file_error(file, err.code, &err);
    }
    fuzz_check(next == (code == CS_OK ? CS_END : code));
    fuzz_check(code != CS_OK || records == totals.records);
    cs_avro_reader_seek(reader, &start);
}

/* Read the metadata as those do who ask for it. */
static void
read_meta(const cs_avro_reader *reader, cs_slice file)
{
    cs_time time;
    size_t count;
    const cs_avro_meta *meta = cs_avro_reader_meta(reader, &count);

    for (size_t i = 0; i < count; i++)
        fuzz_check(cs_avro_reader_meta_text(reader, meta[i].key) == (const char *) meta[i].value);
    fuzz_check(cs_avro_reader_header(reader).len <= file.len);
    for (int i = 0; i < 2; i++)
        if (meta_time_find(reader, i == 0 ? MIN_TIME_KEY : MAX_TIME_KEY, &time))
            fuzz_check(cs_time_valid(time));
}

/* Read what was written: one block, of the same records. */
static void
check_written(cs_slice bytes, const file_sum *sum)
{
    fuzz_file file = {.bytes = bytes};
    cs_source source = fuzz_source(&file, true);
    cs_avro_reader *reader;
    cs_avro_block block;
    cs_error err;

    fuzz_check_ok(cs_avro_reader_open(fuzz_env(), &source, NULL, &reader, &err), &err, "reading");
    fuzz_check_ok(cs_avro_reader_next(reader, &block, &err), &err, "reading the block");
    fuzz_check(block.records == sum->records);
    fuzz_check_same((cs_slice){(const char *) block.data, block.len}, fuzz_slice(&sum->bytes),
                    "the block");
    fuzz_check(cs_avro_reader_next(reader, &block, &err) == CS_END);
    cs_avro_reader_close(reader);
}

/* Write the records that were read, and read what was written: it is good and the same. */
static void
write_again(const cs_avro_reader *reader, const file_sum *sum)
{
    cs_avro_writer_options options = {.codec = cs_avro_reader_codec(reader)};
    cs_avro_packer *packer;
    cs_avro_writer *writer;
    cs_buffer written, packed;
    cs_sink sink = fuzz_sink(&written);
    cs_error err;

    cs_buffer_init(&written, fuzz_env());
    cs_buffer_init(&packed, fuzz_env());
    fuzz_check_ok(cs_avro_packer_open(fuzz_env(), options.codec, 0, &packer, &err), &err, "packer");
    fuzz_check_ok(cs_avro_pack(packer, fuzz_slice(&sum->bytes), sum->records, &packed, &err), &err,
                  "packing");
    cs_avro_packer_free(packer);
    fuzz_check_ok(cs_avro_writer_open(fuzz_env(), &sink, cs_avro_reader_schema(reader), &options,
                                      &writer, &err),
                  &err, "writer");
    fuzz_check_ok(cs_avro_writer_append(writer, &packed, &err), &err, "writing");
    fuzz_check_ok(cs_avro_writer_finish(writer, NULL, 0, &err), &err, "finishing");
    cs_avro_writer_free(writer);
    cs_buffer_free(&packed);
    check_written(fuzz_slice(&written), sum);
    cs_buffer_free(&written);
}

/* Read a file from a source that knows its size, or does not. */
static void
read_file(cs_slice bytes, bool sized, file_sum *sum)
{
    fuzz_file file = {.bytes = bytes, .max_read = sized ? 0 : 100};
    cs_source source = fuzz_source(&file, sized);
    cs_avro_reader *reader;
    cs_error err;
    cs_code code = cs_avro_reader_open(fuzz_env(), &source, &records_limits, &reader, &err);

    cs_buffer_init(&sum->bytes, cs_malloc_env());
    sum->records = 0;
    sum->end = code;
    fuzz_check((code == CS_OK) == (reader != NULL));
    if (code != CS_OK)
    {
        check_file_error(bytes, code, &err);
        return;
    }
    if (sized)
        read_by_heads(reader, bytes);
    read_meta(reader, bytes);
    read_blocks(reader, bytes, sized, sum);
    if (sized && sum->end == CS_END && sum->records > 0)
        write_again(reader, sum);
    cs_avro_reader_close(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cs_slice bytes = {(const char *) data, size};
    file_sum sized, piped;

    read_file(bytes, true, &sized);
    read_file(bytes, false, &piped);
    fuzz_check((sized.end == CS_END) == (piped.end == CS_END));
    if (sized.end == CS_END)
        fuzz_check_same(fuzz_slice(&sized.bytes), fuzz_slice(&piped.bytes), "both readings");
    cs_buffer_free(&sized.bytes);
    cs_buffer_free(&piped.bytes);
    return 0;
}
