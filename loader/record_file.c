/*
 * loader/record_file.c
 *     Reading an Avro file forward, on request past damage.
 */
#include "record_file.h"

#include "log.h"
#include "progress.h"
#include "stop.h"

#include <stdlib.h>
#include <unistd.h>

exit_status
record_file_open(record_file *input, const char *name, int64_t max_block_bytes)
{
    cs_avro_limits limits = cs_avro_default_limits;
    cs_error err;

    memset(input, 0, sizeof(*input));
    input->file.fd = -1;
    input->loss.records_known = true;
    if (max_block_bytes > 0)
        limits.max_block_bytes = (size_t) max_block_bytes;
    STATUS_TRY(file_source_open(&input->file, name));
    if (lseek(input->file.fd, 0, SEEK_CUR) != 0)
        input->file.size = -1; /* a pipe, or standard input of which a part was read before */
    input->source = file_source_as_core(&input->file);
    if (cs_avro_reader_open(loader_env(), &input->source, &limits, &input->reader, &err) != CS_OK)
        return log_core_error(&err, name);
    return STATUS_OK;
}

/* Close the file; fine where it was not opened. */
void
record_file_close(record_file *input)
{
    if (input->reader != NULL)
        cs_avro_reader_close(input->reader);
    input->reader = NULL;
    file_source_close(&input->file);
}

bool
record_file_seekable(const record_file *input)
{
    return input->file.size >= 0;
}

/* Read the next block that has records. */
static cs_code
next_block(record_file *input, cs_error *err)
{
    CS_TRY(cs_avro_reader_next(input->reader, &input->block, err));
    cs_avro_cursor_init(&input->cursor, input->plan, &input->block);
    progress_add(input->block.records, (int64_t) (input->block.end_offset - input->shown_offset));
    input->shown_offset = input->block.end_offset;
    input->in_block = true;
    input->blocks++;
    return CS_OK;
}

cs_code
record_file_next(record_file *input, cs_value *values, cs_error *err)
{
    for (;;)
    {
        cs_code code;

        if (!input->in_block)
            CS_TRY(next_block(input, err));
        input->record = input->cursor.at;
        code = cs_avro_cursor_parse(&input->cursor, values, err);
        if (code == CS_OK)
            input->records++;
        if (code != CS_END)
            return code;
        input->in_block = false;
    }
}

cs_code
record_file_salvage(record_file *input, cs_error *err)
{
    cs_avro_loss loss;

    CS_TRY(cs_avro_reader_resync(input->reader, &loss, err));
    if (input->in_block)
        loss.records -= input->cursor.done;
    input->in_block = false;
    input->loss.records += loss.records;
    input->loss.records_known &= loss.records_known;
    input->loss.blocks += loss.blocks;
    input->loss.bytes += loss.bytes;
    return CS_OK;
}

bool
record_file_can_salvage(cs_code code)
{
    return code == CS_ERR_DATA || code == CS_ERR_LIMIT;
}

exit_status
record_file_fail(const record_file *input, cs_error *err)
{
    cs_avro_position next;

    if (input->in_block && err->offset < 0)
    {
        err->offset = (int64_t) input->block.offset;
        err->record = input->block.first_record + input->cursor.done - 1;
    }
    cs_avro_reader_tell(input->reader, &next);
    return log_block_error(err, input->file.name,
                           input->in_block ? input->block.index : next.index);
}

exit_status
record_file_plan(const record_file *input, const cs_avro_schema *schema, const int *wanted,
                 size_t count, cs_avro_plan **plan)
{
    const cs_avro_schema *own = cs_avro_reader_schema(input->reader);
    cs_error err;

    if (cs_avro_plan_make(loader_env(), own, schema, wanted, count, NULL, plan, &err) == CS_OK)
        return STATUS_OK;
    return log_core_error(&err, input->file.name);
}

exit_status
schema_load(const char *name, cs_avro_schema **schema)
{
    cs_buffer text;
    exit_status status;
    cs_error err;

    cs_buffer_init(&text, loader_env());
    status = file_read_all(name, CS_AVRO_MAX_HEADER_BYTES, &text);
    if (status == STATUS_OK && cs_avro_schema_parse(loader_env(), (const char *) text.data,
                                                    text.len, schema, &err) != CS_OK)
        status = log_core_error(&err, name);
    cs_buffer_free(&text);
    return status;
}

int *
record_all_columns(size_t count)
{
    int *columns = malloc((count + 1) * sizeof(int));

    for (size_t i = 0; columns != NULL && i < count; i++)
        columns[i] = (int) i;
    return columns;
}
