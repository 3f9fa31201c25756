/*
 * loader/redshift_file.c
 *     A file held against Redshift's limits, and what is staged of it.
 *
 * All records are read once. Where blocks, codec and all are as Redshift takes them,
 * the blocks are staged as they stand in the file; else the records are copied, byte
 * for byte, into new blocks in a temporary file. Every staged file gets a header of
 * our own: the schema with the columns' names, the codec, the source's marker. So the
 * same source always gives the same bytes, and what an earlier run uploaded is known.
 */
#include "redshift.h"

#include "avro_decode.h"
#include "file_sink.h"
#include "meta_time.h"
#include "record_file.h"
#include "redshift_limits.h"
#include "stop.h"
#include "varint.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Of blocks that are written anew. */
#define STAGED_CODEC CS_CODEC_SNAPPY

/* A look at all records. */
typedef struct inspection
{
    redshift_file *file;
    const redshift_mapping *mapping;
    const cs_avro_schema *schema;
    cs_avro_plan *plan;
    cs_value *values;
    const char *repair; /* why the blocks are written anew; NULL: they are not */
} inspection;

/* Hash the header, and the whole file. */
static exit_status
identify(redshift_file *file)
{
    s3_content all = {
        .fd = file->source.fd, .len = (uint64_t) file->source.size, .name = file->name};

    if (!hash_bytes(cs_avro_reader_header(file->reader), file->file_id))
        return log_out_of_memory();
    file->source_sha256 = cs_avro_reader_meta_text(file->reader, SOURCE_SUM_KEY);
    return s3_content_hash(&all, file->checksum);
}

/* Refuse what is no Avro file on a disk. */
static exit_status
check_kind(const redshift_file *file)
{
    if (file->source.size < 0)
    {
        log_error("could not load \"%s\": it is not a regular file", file->name);
        return STATUS_REFUSED;
    }
    if (file_is_avro(file->source.fd))
        return STATUS_OK;
    log_error("%s: not an Avro file: only these are loaded into Redshift", file->name);
    log_hint("\"%s encode\" makes one of a log.", PROGRAM_NAME);
    return STATUS_REFUSED;
}

exit_status
redshift_file_open(redshift_file *file, const char *name)
{
    struct stat info;
    cs_source source;
    cs_error err;

    memset(file, 0, sizeof(*file));
    file->name = name;
    cs_buffer_init(&file->header, loader_env());
    STATUS_TRY(file_source_open(&file->source, name));
    STATUS_TRY(check_kind(file));
    if (fstat(file->source.fd, &info) == 0)
        file->modified = info.st_mtim;
    source = file_source_as_core(&file->source);
    if (cs_avro_reader_open(loader_env(), &source, NULL, &file->reader, &err) != CS_OK)
        return log_core_error(&err, name);
    return identify(file);
}

/* Close; one that could not be opened is fine. */
void
redshift_file_close(redshift_file *file)
{
    cs_avro_reader_close(file->reader);
    file_source_close(&file->source);
    if (file->spool != NULL)
        fclose(file->spool);
    cs_buffer_free(&file->header);
    free(file->blocks);
    memset(file, 0, sizeof(*file));
    file->source.fd = -1;
}

bool
redshift_file_unchanged(const redshift_file *file)
{
    struct stat info;

    return fstat(file->source.fd, &info) == 0 && (int64_t) info.st_size == file->source.size &&
           info.st_mtim.tv_sec == file->modified.tv_sec &&
           info.st_mtim.tv_nsec == file->modified.tv_nsec;
}

/* Keep a block. */
static exit_status
add_block(redshift_file *file, uint64_t offset, uint64_t end, int64_t records)
{
    cs_error err;

    if (cs_grow_array(loader_env(), (void **) &file->blocks, &file->blocks_capacity,
                      file->num_blocks + 1, sizeof(staged_block), &err) != CS_OK)
        return log_core_error(&err, file->name);
    file->blocks[file->num_blocks++] = (staged_block){offset, end - offset, records};
    return STATUS_OK;
}

/* Report a record that Redshift would refuse. */
static exit_status
refuse_record(const inspection *state, int64_t record, const char *column, const char *problem)
{
    log_error("%s: record %" PRId64 "%s%s%s %s", state->file->name, record,
              column != NULL ? ", column \"" : "", column != NULL ? column : "",
              column != NULL ? "\"," : "", problem);
    return STATUS_REFUSED;
}

/* Check the values of a record. */
static exit_status
check_values(const inspection *state, const cs_avro_cursor *cursor, int64_t record)
{
    char problem[160];
    cs_error err;

    for (size_t i = 0; i < state->schema->num_fields; i++)
    {
        const redshift_column *column = state->mapping->columns[i];
        cs_value *value = &state->values[i];

        if (cs_avro_cursor_finish(cursor, i, value, &err) != CS_OK)
            return refuse_record(state, record, column->name, err.message);
        if (value->kind == CS_VALUE_NULL && column->not_null)
            return refuse_record(state, record, column->name,
                                 "is NULL, and the column must not be: Redshift would refuse it");
        if (value->kind != CS_VALUE_STRING || column->kind != REDSHIFT_TEXT ||
            value->as.bytes.len <= (size_t) column->max_bytes)
            continue;
        snprintf(problem, sizeof(problem),
                 "has %zu bytes, and %s takes %" PRId64 ": Redshift would refuse it",
                 value->as.bytes.len, column->type, column->max_bytes);
        return refuse_record(state, record, column->name, problem);
    }
    return STATUS_OK;
}

/* Check all records of a block. */
static exit_status
check_records(inspection *state, const cs_avro_block *block)
{
    cs_avro_cursor cursor;
    cs_error err;
    cs_code code;

    cs_avro_cursor_init(&cursor, state->plan, block);
    for (;;)
    {
        const uint8_t *begin = cursor.at;

        code = cs_avro_cursor_parse(&cursor, state->values, &err);
        if (code == CS_END)
            return STATUS_OK;
        if (code != CS_OK)
        {
            err.offset = err.offset < 0 ? (int64_t) block->offset : err.offset;
            return log_block_error(&err, state->file->name, block->index);
        }
        state->file->records++;
        if (cursor.at - begin > REDSHIFT_MAX_ROW_BYTES)
            return refuse_record(state, state->file->records, NULL,
                                 "is larger than 4 MiB: Redshift would refuse it");
        STATUS_TRY(check_values(state, &cursor, state->file->records));
    }
}

/* Look whether a block can be staged as it stands. */
static void
check_block(inspection *state, const cs_avro_block *block)
{
    if (block->index != (int64_t) state->file->num_blocks && state->repair == NULL)
        state->repair = "has empty blocks, of which Redshift's documentation does not speak";
    if (!redshift_takes_block(block))
        state->repair = "has blocks larger than 4 MiB, which Redshift would refuse";
}

/* Read the whole file. */
static exit_status
inspect(inspection *state)
{
    redshift_file *file = state->file;
    cs_avro_codec codec = cs_avro_reader_codec(file->reader);
    cs_avro_block block;
    cs_error err;
    cs_code code;

    if (!redshift_knows_codec(codec))
        state->repair = "has a codec that Redshift would refuse";
    while ((code = cs_avro_reader_next(file->reader, &block, &err)) == CS_OK)
    {
        check_block(state, &block);
        STATUS_TRY(check_records(state, &block));
        STATUS_TRY(add_block(file, block.offset, block.end_offset, block.records));
    }
    return code == CS_END ? STATUS_OK : log_core_error(&err, file->name);
}

/* cs_sink on the spool. */
static bool
write_spool(void *ctx, uint64_t offset, const void *data, size_t len)
{
    return file_write_all(fileno(ctx), data, len, (int64_t) offset);
}

/* Copy the records of all blocks that hold some. */
static cs_code
copy_records(const inspection *state, cs_avro_writer *writer, cs_error *err)
{
    cs_avro_reader *reader = state->file->reader;
    cs_avro_position begin = {.offset = state->file->blocks[0].offset};
    cs_avro_block block;
    cs_avro_cursor cursor;
    cs_code code;

    cs_avro_reader_seek(reader, &begin);
    while ((code = cs_avro_reader_next(reader, &block, err)) == CS_OK)
    {
        cs_avro_cursor_init(&cursor, state->plan, &block);
        for (;;)
        {
            const uint8_t *record = cursor.at;

            code = cs_avro_cursor_parse(&cursor, state->values, err);
            if (code == CS_END)
                break;
            if (code == CS_OK)
                code = cs_buffer_append(cs_avro_writer_buffer(writer), record,
                                        (size_t) (cursor.at - record), err);
            if (code == CS_OK)
                code = cs_avro_writer_add(writer, err);
            if (code != CS_OK)
                return code;
        }
    }
    return code == CS_END ? cs_avro_writer_finish(writer, NULL, 0, err) : code;
}

/* Learn where the blocks of the spool lie. */
static exit_status
list_spool(redshift_file *file)
{
    file_source source = {.name = file->name, .fd = fileno(file->spool), .size = -1};
    cs_avro_reader *reader = NULL;
    struct stat info;
    cs_source core;
    cs_avro_head head;
    cs_error err;
    cs_code code;
    exit_status status = STATUS_OK;

    if (fstat(source.fd, &info) == 0)
        source.size = (int64_t) info.st_size;
    core = file_source_as_core(&source);
    file->num_blocks = 0;
    code = cs_avro_reader_open(loader_env(), &core, NULL, &reader, &err);
    while (code == CS_OK && status == STATUS_OK)
    {
        code = cs_avro_reader_next_head(reader, &head, &err);
        if (code != CS_OK)
            break;
        if (head.end_offset - head.offset > REDSHIFT_MAX_BLOCK_BYTES)
        {
            log_error("%s: record %" PRId64 " takes a block larger than 4 MiB: Redshift would "
                      "refuse the file",
                      file->name, head.first_record);
            status = STATUS_REFUSED;
        }
        else
            status = add_block(file, head.offset, head.end_offset, head.records);
    }
    if (status == STATUS_OK && code != CS_END)
        status = log_core_error(&err, "temporary file");
    cs_avro_reader_close(reader);
    return status;
}

/* Write the records into new blocks, in a temporary file. */
static exit_status
rewrite(const inspection *state)
{
    redshift_file *file = state->file;
    cs_slice header = cs_avro_reader_header(file->reader);
    cs_avro_writer_options options = {.codec = STAGED_CODEC,
                                      .sync = (const uint8_t *) header.data + header.len -
                                              CS_AVRO_SYNC_BYTES};
    cs_sink sink = {.name = "temporary file", .write_at = write_spool};
    cs_avro_writer *writer;
    cs_error err;
    cs_code code;

    log_summary("%s: %s: its records are staged in new blocks", file->name, state->repair);
    file->spool = tmpfile();
    if (file->spool == NULL)
    {
        log_error("could not create a temporary file: %s", strerror(errno));
        return STATUS_SERVER;
    }
    sink.ctx = file->spool;
    code = cs_avro_writer_open(loader_env(), &sink, state->schema, &options, &writer, &err);
    if (code == CS_OK)
        code = copy_records(state, writer, &err);
    cs_avro_writer_free(writer);
    if (code != CS_OK)
        return log_core_error(&err, file->name);
    return list_spool(file);
}

/* The schema with the columns' names; freed by the caller, NULL without memory. */
static char *
staged_schema(const inspection *state)
{
    const cs_avro_schema *schema = state->schema;
    json_t *root, *fields;
    char *text = NULL;

    if (!state->mapping->renames)
        return strndup(schema->json, schema->json_len);
    root = json_loadb(schema->json, schema->json_len, 0, NULL);
    fields = json_object_get(root, "fields");
    for (size_t i = 0; i < state->mapping->count; i++)
        json_object_set_new(json_array_get(fields, i), "name",
                            json_string(state->mapping->columns[i]->name));
    if (root != NULL)
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* Append a length and bytes, as Avro has them. */
static cs_code
append_counted(cs_buffer *out, const char *data, size_t len, cs_error *err)
{
    uint8_t bytes[CS_VARINT_MAX_BYTES];
    uint8_t *end = cs_varint_put(bytes, cs_zigzag((int64_t) len));

    CS_TRY(cs_buffer_append(out, bytes, (size_t) (end - bytes), err));
    return cs_buffer_append(out, data, len, err);
}

/* Build the header of the staged files. */
static cs_code
append_header(cs_buffer *out, cs_slice schema, cs_avro_codec codec, const char *sync, cs_error *err)
{
    static const uint8_t two_entries = 4, no_more = 0; /* as Avro counts */
    cs_slice name = cs_slice_of(cs_avro_codec_name(codec));

    CS_TRY(cs_buffer_append(out, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES, err));
    CS_TRY(cs_buffer_append(out, &two_entries, 1, err));
    CS_TRY(append_counted(out, "avro.schema", strlen("avro.schema"), err));
    CS_TRY(append_counted(out, schema.data, schema.len, err));
    CS_TRY(append_counted(out, "avro.codec", strlen("avro.codec"), err));
    CS_TRY(append_counted(out, name.data, name.len, err));
    CS_TRY(cs_buffer_append(out, &no_more, 1, err));
    return cs_buffer_append(out, sync, CS_AVRO_SYNC_BYTES, err);
}

/* Make the header of the staged files. */
static exit_status
make_header(const inspection *state)
{
    redshift_file *file = state->file;
    cs_slice header = cs_avro_reader_header(file->reader);
    cs_avro_codec codec = file->spool != NULL ? STAGED_CODEC : cs_avro_reader_codec(file->reader);
    char *schema = staged_schema(state);
    cs_error err;
    cs_code code;

    if (schema == NULL)
        return log_out_of_memory();
    file->header.len = 0;
    code = append_header(&file->header, cs_slice_of(schema), codec,
                         header.data + header.len - CS_AVRO_SYNC_BYTES, &err);
    free(schema);
    if (code != CS_OK)
        return log_core_error(&err, file->name);
    if (header.len > REDSHIFT_MAX_HEADER_BYTES)
        log_summary("%s: has a header of %zu bytes, which Redshift would refuse: it is staged "
                    "without the metadata",
                    file->name, header.len);
    if (file->header.len <= REDSHIFT_MAX_HEADER_BYTES)
        return STATUS_OK;
    log_error("%s: its schema has %zu bytes, and Redshift refuses headers of more than %d",
              file->name, file->header.len, REDSHIFT_MAX_HEADER_BYTES);
    log_hint("Leave out documentation in the schema.");
    return STATUS_REFUSED;
}

/* Compile the plan, inspect, repair. */
static exit_status
prepare(inspection *state)
{
    size_t count = state->schema->num_fields;
    int *wanted = record_all_columns(count);
    cs_error err;
    cs_code code;

    state->values = calloc(count + 1, sizeof(cs_value));
    if (wanted == NULL || state->values == NULL)
    {
        free(wanted);
        return log_out_of_memory();
    }
    code = cs_avro_plan_make(loader_env(), state->schema, NULL, wanted, count, NULL, &state->plan,
                             &err);
    free(wanted);
    if (code != CS_OK)
        return log_core_error(&err, state->file->name);
    STATUS_TRY(inspect(state));
    if (state->file->records == 0)
        return STATUS_OK;
    if (state->repair != NULL)
        STATUS_TRY(rewrite(state));
    if (state->mapping->renames)
        log_summary("%s: has capitals in names of fields, for which Redshift would load NULL: they "
                    "are staged in lower case",
                    state->file->name);
    return make_header(state);
}

exit_status
redshift_file_prepare(redshift_file *file, const redshift_mapping *mapping)
{
    inspection state = {
        .file = file, .mapping = mapping, .schema = cs_avro_reader_schema(file->reader)};
    exit_status status = prepare(&state);

    cs_avro_plan_free(state.plan);
    free(state.values);
    return status;
}
