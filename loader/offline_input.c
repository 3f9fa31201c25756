/*
 * loader/offline_input.c
 *     Handing out chunks of files to threads, and their turns.
 */
#include "offline_input.h"

#include "avro_text.h"
#include "log.h"
#include "progress.h"
#include "record_file.h"
#include "stop.h"
#include "utf8.h"

#include <stdlib.h>

#define NO_CHUNK INT64_MAX /* the number of a chunk while there is none */

exit_status
offline_input_open(offline_input *input, char **names, int num_files, int num_readers,
                   int64_t max_rejects, const char *rejects)
{
    memset(input, 0, sizeof(*input));
    pthread_mutex_init(&input->lock, NULL);
    pthread_cond_init(&input->moved, NULL);
    cs_buffer_init(&input->carry, loader_env());
    input->names = names;
    input->num_files = num_files;
    input->budget.limit = max_rejects;
    input->counts = calloc((size_t) num_files, sizeof(input_counts));
    input->readers = calloc((size_t) num_readers, sizeof(input_reader));
    if (input->counts == NULL || input->readers == NULL)
        return log_out_of_memory();
    for (; input->num_readers < num_readers; input->num_readers++)
    {
        input_reader *reader = &input->readers[input->num_readers];

        reader->input = input;
        reader->chunk.number = NO_CHUNK;
        reader->open_file = -1;
        cs_buffer_init(&reader->buffer, loader_env());
    }
    return reject_file_open(&input->rejects, rejects, false, true);
}

/* Free the plan of all columns. */
static void
forget_full_plan(input_reader *reader)
{
    cs_avro_plan_free(reader->full_plan);
    reader->full_plan = NULL;
}

/* Close the Avro file that a thread has open. */
static void
close_own_file(input_reader *reader)
{
    if (reader->open_file < 0)
        return;
    forget_full_plan(reader);
    avro_file_close(&reader->avro);
    file_source_close(&reader->file);
    reader->open_file = -1;
}

/* Close the file that is being handed out. */
static void
close_current(offline_input *input)
{
    if (!input->is_open)
        return;
    if (!input->is_text)
        avro_file_close(&input->avro);
    file_source_close(&input->file);
    input->is_open = false;
}

exit_status
offline_input_close(offline_input *input, exit_status status)
{
    close_current(input);
    for (int i = 0; i < input->num_readers; i++)
    {
        close_own_file(&input->readers[i]);
        cs_buffer_free(&input->readers[i].buffer);
    }
    free(input->readers);
    free(input->counts);
    cs_buffer_free(&input->carry);
    pthread_cond_destroy(&input->moved);
    pthread_mutex_destroy(&input->lock);
    return reject_file_close(&input->rejects, status == STATUS_OK || status == STATUS_REFUSED,
                             status);
}

/* Look at the first bytes of a file: they go to the carry. */
static exit_status
peek(offline_input *input)
{
    cs_error err;

    input->carry.len = 0;
    if (cs_buffer_reserve(&input->carry, READ_BUFFER_BYTES, &err) != CS_OK)
        return log_core_error(&err, NULL);
    while (input->carry.len < CS_AVRO_MAGIC_BYTES)
    {
        int64_t got = file_source_read(&input->file, input->carry.data + input->carry.len,
                                       CS_AVRO_MAGIC_BYTES - input->carry.len);

        if (got < 0)
            return file_source_fail(&input->file);
        if (got == 0)
            break;
        input->carry.len += (size_t) got;
    }
    return STATUS_OK;
}

/* True if the file begins with this. */
static bool
begins_with(const offline_input *input, const char *magic)
{
    return input->carry.len >= strlen(magic) &&
           memcmp(input->carry.data, magic, strlen(magic)) == 0;
}

/* Begin with a text log; a byte order mark is passed over. */
static void
begin_text(offline_input *input)
{
    size_t mark = begins_with(input, UTF8_MARK) ? UTF8_MARK_BYTES : 0;

    input->is_text = true;
    input->in_tail = false;
    input->lines = 0;
    input->carry.len -= mark;
    memmove(input->carry.data, input->carry.data + mark, input->carry.len);
}

/* Tell what an open file is. */
static exit_status
begin_file(offline_input *input)
{
    cs_slice ahead = {NULL, 0};

    STATUS_TRY(peek(input));
    if (!begins_with(input, CS_AVRO_MAGIC))
    {
        begin_text(input);
        return STATUS_OK;
    }
    if (input->file.inflate != NULL)
    {
        log_error("%s: an Avro file is compressed as a whole", input->file.name);
        log_hint("Avro has codecs of its own: decompress the file, or pipe it in.");
        return STATUS_REFUSED;
    }
    if (input->file.size < 0) /* a file of known size is read by position */
        ahead = (cs_slice){(const char *) input->carry.data, input->carry.len};
    input->is_text = false;
    return avro_file_open(&input->avro, &input->file, ahead);
}

/* Open the current file. */
static exit_status
open_current(offline_input *input)
{
    exit_status status;

    STATUS_TRY(file_source_open(&input->file, input->names[input->current]));
    status = file_source_decompress(&input->file);
    if (status == STATUS_OK)
        status = begin_file(input);
    if (status == STATUS_OK)
        input->is_open = true;
    else
        file_source_close(&input->file);
    return status;
}

/* Wait, with the lock held, until all chunks before this one are done. False if one has failed. */
static bool
wait_turn(input_reader *reader)
{
    offline_input *input = reader->input;

    for (int i = 0; i < input->num_readers; i++)
        while (input->status == STATUS_OK && input->readers[i].chunk.number < reader->chunk.number)
            pthread_cond_wait(&input->moved, &input->lock);
    reader->has_turn = input->status == STATUS_OK;
    return reader->has_turn;
}

/* The same without the lock. */
static bool
take_turn(input_reader *reader)
{
    bool mine;

    if (reader->has_turn)
        return true;
    pthread_mutex_lock(&reader->input->lock);
    mine = wait_turn(reader);
    pthread_mutex_unlock(&reader->input->lock);
    return mine;
}

/* Keep a block of a pipe, whose reader goes on. */
static cs_code
copy_block(input_reader *reader, const cs_avro_block *block, cs_error *err)
{
    cs_buffer *buffer = &reader->buffer;

    buffer->len = 0;
    CS_TRY(cs_buffer_append(buffer, block->data, block->len + CS_AVRO_BLOCK_SLACK, err));
    reader->chunk.block = *block;
    reader->chunk.block.data = buffer->data;
    reader->chunk.is_loaded = true;
    return CS_OK;
}

/* Take the next block of the open Avro file; CS_END at its end. */
static cs_code
take_block(offline_input *input, input_reader *reader, cs_error *err)
{
    cs_avro_block block;

    reader->chunk.is_text = false;
    reader->chunk.is_loaded = false;
    if (input->file.size >= 0)
        return cs_avro_reader_next_head(input->avro.reader, &reader->chunk.head, err);
    CS_TRY(cs_avro_reader_next(input->avro.reader, &block, err));
    return copy_block(reader, &block, err);
}

/* Take a chunk of the open file; *end at its end. */
static exit_status
take_chunk(offline_input *input, input_reader *reader, bool *end)
{
    cs_error err;
    cs_code code;

    reader->chunk.number = input->next_number++;
    reader->chunk.file = input->current;
    *end = false;
    if (input->is_text)
        return text_take(input, reader, end);
    code = take_block(input, reader, &err);
    *end = code == CS_END;
    if (code == CS_OK || (*end && input->file.size >= 0))
        return STATUS_OK;
    if (!wait_turn(reader)) /* others may still use what comes from a pipe, and its plan */
        return input->status;
    if (*end)
        return STATUS_OK;
    return stop_requested() ? STATUS_INTERRUPTED : log_core_error(&err, input->file.name);
}

/* The bytes of a chunk in its file. */
static int64_t
chunk_bytes(const input_chunk *chunk)
{
    if (chunk->is_text)
        return (int64_t) chunk->text.len;
    if (chunk->is_loaded)
        return (int64_t) (chunk->block.end_offset - chunk->block.offset);
    return (int64_t) (chunk->head.end_offset - chunk->head.offset);
}

/* Count the chunk that is done. */
static void
end_chunk(input_reader *reader)
{
    const input_counts *from = &reader->counts;
    input_counts *to = &reader->input->counts[reader->chunk.file];
    int64_t read;

    if (reader->chunk.number != NO_CHUNK)
    {
        to->events += from->events;
        to->without_user += from->without_user;
        to->without_time += from->without_time;
        to->rejected += from->rejected;
        read = from->events + from->without_user + from->without_time + from->rejected;
        to->read += read;
        progress_add(read, chunk_bytes(&reader->chunk));
    }
    memset(&reader->counts, 0, sizeof(reader->counts));
    reader->chunk.number = NO_CHUNK;
    reader->has_turn = false;
    pthread_cond_broadcast(&reader->input->moved);
}

/* As input_next, with the lock held. */
static exit_status
next_chunk(input_reader *reader, bool *end)
{
    offline_input *input = reader->input;
    int ended;

    while (input->status == STATUS_OK && input->current < input->num_files)
    {
        if (stop_requested())
            return STATUS_INTERRUPTED;
        if (!input->is_open)
            STATUS_TRY(open_current(input));
        STATUS_TRY(take_chunk(input, reader, end));
        if (!*end)
            return STATUS_OK;
        ended = reader->chunk.file;
        end_chunk(reader);
        if (ended != input->current)
            continue; /* while this thread waited, another one has gone on */
        close_current(input);
        input->current++;
    }
    *end = true;
    return STATUS_OK;
}

exit_status
input_next(input_reader *reader, bool *end)
{
    exit_status status;

    pthread_mutex_lock(&reader->input->lock);
    end_chunk(reader);
    status = next_chunk(reader, end);
    if (status != STATUS_OK && reader->input->status == STATUS_OK)
        reader->input->status = status; /* at once: others are not to try the same */
    pthread_mutex_unlock(&reader->input->lock);
    return status;
}

void
input_fail(input_reader *reader, exit_status status)
{
    offline_input *input = reader->input;

    pthread_mutex_lock(&input->lock);
    if (input->status == STATUS_OK)
        input->status = status;
    reader->chunk.number = NO_CHUNK;
    pthread_cond_broadcast(&input->moved);
    pthread_mutex_unlock(&input->lock);
}

exit_status
input_reject(input_reader *reader, reject *item)
{
    if (!take_turn(reader))
        return reader->input->status;
    item->file = input_name(reader);
    reader->counts.rejected++;
    STATUS_TRY(reject_file_add(&reader->input->rejects, item));
    return reject_budget_spend(&reader->input->budget, item);
}

/* Have the chunk's file open. */
static exit_status
open_own_file(input_reader *reader)
{
    exit_status status;

    if (reader->open_file == reader->chunk.file)
        return STATUS_OK;
    close_own_file(reader);
    STATUS_TRY(file_source_open(&reader->file, input_name(reader)));
    status = avro_file_open(&reader->avro, &reader->file, (cs_slice){NULL, 0});
    if (status == STATUS_OK)
        reader->open_file = reader->chunk.file;
    else
        file_source_close(&reader->file);
    return status;
}

exit_status
input_load_block(input_reader *reader, cs_avro_block *block, const cs_avro_plan **plan)
{
    cs_error err;

    if (reader->chunk.is_loaded)
    {
        *block = reader->chunk.block;
        *plan = reader->input->avro.plan;
        return STATUS_OK;
    }
    STATUS_TRY(open_own_file(reader));
    *plan = reader->avro.plan;
    if (cs_avro_reader_load(reader->avro.reader, &reader->chunk.head, block, &err) == CS_OK)
        return STATUS_OK;
    return input_report(reader, &err);
}

exit_status
input_report(input_reader *reader, const cs_error *err)
{
    if (stop_requested())
        return STATUS_INTERRUPTED;
    return take_turn(reader) ? log_core_error(err, input_name(reader)) : reader->input->status;
}

/* The plan that decodes all columns; NULL with err filled in. */
static const cs_avro_plan *
full_plan(input_reader *reader, const cs_avro_schema *schema, cs_error *err)
{
    int *wanted = record_all_columns(schema->num_fields);

    if (wanted == NULL)
    {
        cs_fail(err, CS_ERR_MEMORY, "out of memory");
        return NULL;
    }
    if (cs_avro_plan_make(loader_env(), schema, NULL, wanted, schema->num_fields, NULL,
                          &reader->full_plan, err) != CS_OK)
        reader->full_plan = NULL;
    free(wanted);
    return reader->full_plan;
}

/* Append all columns of the record at a cursor as JSON. */
static cs_code
append_record(const cs_avro_schema *schema, cs_avro_cursor cursor, cs_buffer *text, bool *exact,
              cs_error *err)
{
    cs_value *values = calloc(schema->num_fields + 1, sizeof(cs_value));
    cs_code code;

    if (values == NULL)
        return cs_fail(err, CS_ERR_MEMORY, "out of memory");
    code = cs_avro_cursor_next(&cursor, values, err);
    if (code == CS_OK || code == CS_ERR_RANGE)
        code = avro_record_text(schema, cursor.plan, values, text, exact, err);
    free(values);
    return code;
}

exit_status
input_reject_record(input_reader *reader, const cs_avro_cursor *before, size_t size,
                    const char *reason, const char *column)
{
    bool loaded = reader->chunk.is_loaded;
    const cs_avro_schema *schema =
        cs_avro_reader_schema(loaded ? reader->input->avro.reader : reader->avro.reader);
    cs_avro_cursor cursor = *before;
    reject item = {.block = before->block->index,
                   .record = before->block->first_record + before->done,
                   .reason = reason,
                   .column = column};
    exit_status status;
    cs_buffer text;
    bool exact = true;
    cs_code code;
    cs_error err;

    cs_buffer_init(&text, loader_env());
    if (loaded)
        forget_full_plan(reader); /* it is of another file */
    cursor.plan = reader->full_plan != NULL ? reader->full_plan : full_plan(reader, schema, &err);
    code = cursor.plan == NULL ? err.code : append_record(schema, cursor, &text, &exact, &err);
    item.text = (cs_slice){(const char *) text.data, text.len};
    if (!exact)
        item.bytes = (cs_slice){(const char *) before->at, size};
    status = code == CS_OK ? input_reject(reader, &item) : input_report(reader, &err);
    cs_buffer_free(&text);
    if (loaded)
        forget_full_plan(reader); /* the pipe's schema may go before the thread does */
    return status;
}
