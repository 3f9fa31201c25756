/*
 * loader/encode_output.c
 *     Which record goes into which file, and where a file ends.
 *
 * Records come in runs, in the order of the log: most packed into a block by the
 * thread that made them; short ones not, they are collected for each partition and
 * packed here. A file's lines are hashed in the same order, as they come, so that a
 * part ends only where nothing is pending: whether a pending run still fits is
 * decided by what it takes at most.
 *
 * A log may jump between partitions as it likes. Only so many of their files are
 * open at a time; others sleep, and are opened again when a block of theirs is
 * written. What is pending is bounded: beyond that, the longer ones are written.
 */
#include "encode_output.h"

#include "encode_files.h"
#include "log.h"
#include "meta_time.h"
#include "stop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_AWAKE 100
#define MAX_PARTITIONS 5000
#define MAX_PENDING_BYTES ((size_t) 8 * 1024 * 1024)

/* The bytes that a block takes at most: no codec makes more of its records. */
#define BLOCK_BOUND(records) ((records) + (records) / 4 + 1024)

/* Finish the open file of a group: what only the end tells is written into its header. */
static exit_status
finish_file(const encode_output *output, output_file *file)
{
    const log_schema *schema = output->context->schema;
    bool is_stretch = output->job->stretch != NULL;
    char min_text[24], max_text[24], sum[HASH_TEXT_SIZE];
    cs_avro_text_meta meta[] = {
        {SOURCE_SUM_KEY, sum}, {MIN_TIME_KEY, min_text}, {MAX_TIME_KEY, max_text}};
    cs_error err;

    if (!hash_finish(&file->hash, sum))
        return log_out_of_memory();
    hash_free(&file->hash);
    snprintf(min_text, sizeof(min_text), "%" PRId64, log_schema_time(schema, file->min_time));
    snprintf(max_text, sizeof(max_text), "%" PRId64, log_schema_time(schema, file->max_time));
    /* two stretches of a log may hold the same lines, and are not the same */
    if (cs_avro_writer_finish(file->writer, meta + (is_stretch ? 1 : 0),
                              (file->records > 0 ? 3 : 1) - (is_stretch ? 1 : 0), &err) != CS_OK)
        return log_core_error(&err, file->name);
    cs_avro_writer_free(file->writer);
    file->writer = NULL;
    return file_sink_finish(&file->sink);
}

/* A group by its place. */
static output_group *
group_at(const encode_output *output, size_t place)
{
    return output->groups.items[place];
}

/* Have a free place among the files that are awake. */
static exit_status
make_way(encode_output *output)
{
    output_group *oldest = NULL;

    if (output->num_awake < MAX_AWAKE)
        return STATUS_OK;
    for (size_t i = 0; i < output->groups.count; i++)
    {
        output_group *group = group_at(output, i);

        if (group->file != NULL && group->file->sink.fd >= 0 &&
            (oldest == NULL || group->last_used < oldest->last_used))
            oldest = group;
    }
    output->num_awake--;
    return file_sink_sleep(&oldest->file->sink);
}

/* Have a group's file open, as it is to be written to. */
static exit_status
wake(encode_output *output, output_group *group)
{
    group->last_used = ++output->clock;
    if (group->file->sink.fd >= 0)
        return STATUS_OK;
    STATUS_TRY(make_way(output));
    output->num_awake++;
    return file_sink_wake(&group->file->sink);
}

/* Write a block to a group's file. */
static exit_status
write_block(encode_output *output, output_group *group, cs_buffer *block)
{
    cs_error err;

    STATUS_TRY(wake(output, group));
    if (cs_avro_writer_append(group->file->writer, block, &err) != CS_OK)
        return log_core_error(&err, group->file->name);
    return STATUS_OK;
}

/* Write what is pending as a block. */
static exit_status
flush(encode_output *output, output_group *group)
{
    cs_slice records = {(const char *) group->pending.data, group->pending.len};
    cs_error err;

    if (group->num_pending == 0)
        return STATUS_OK;
    if (cs_avro_pack(output->packer, records, group->num_pending, &output->block, &err) != CS_OK)
        return log_core_error(&err, group->file->name);
    output->pending_bytes -= group->pending.len;
    group->num_pending = 0;
    cs_buffer_free(&group->pending);
    return write_block(output, group, &output->block);
}

/* Write what is pending where that is not less than on the average. */
static exit_status
flush_longer(encode_output *output)
{
    size_t least = output->pending_bytes / output->groups.count;

    for (size_t i = 0; i < output->groups.count; i++)
        if (group_at(output, i)->pending.len >= least)
            STATUS_TRY(flush(output, group_at(output, i)));
    return STATUS_OK;
}

/* Finish a group's file; lines that come later go into another. */
static exit_status
close_group(encode_output *output, output_group *group)
{
    STATUS_TRY(flush(output, group));
    STATUS_TRY(wake(output, group));
    STATUS_TRY(finish_file(output, group->file));
    group->file = NULL;
    output->num_awake--;
    return STATUS_OK;
}

/* Begin to write a file that has its name. */
static exit_status
start_file(const encode_output *output, output_file *file)
{
    const encode_context *context = output->context;
    const encode_stretch *stretch = output->job->stretch;
    cs_avro_writer_options options = {.codec = context->codec};
    cs_sink sink;
    cs_error err;

    if (!file_sink_may_create(file->name, context->replace))
        return STATUS_USAGE;
    if (stretch != NULL)
    {
        options.meta = stretch->meta;
        options.num_meta = stretch->num_meta;
    }
    STATUS_TRY(file_sink_open(&file->sink, file->name, context->replace));
    sink = file_sink_as_core(&file->sink);
    if (cs_avro_writer_open(loader_env(), &sink, context->schema->avro, &options, &file->writer,
                            &err) != CS_OK)
        return log_core_error(&err, file->name);
    hash_start(&file->hash);
    if (context->max_file_bytes > 0 &&
        cs_avro_writer_size(file->writer) + BLOCK_BOUND(PIECE_BYTES) > context->max_file_bytes)
    {
        log_error("--max-file-size is too small: the header of a file takes %" PRIu64 " bytes",
                  cs_avro_writer_size(file->writer));
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

/* Begin the next file of a group. */
static exit_status
open_group(encode_output *output, output_group *group)
{
    output_file *file;

    STATUS_TRY(make_way(output));
    STATUS_TRY(pointer_list_add(&output->files, calloc(1, sizeof(output_file))));
    file = output->files.items[output->files.count - 1];
    file->sink.fd = -1;
    group->file = file;
    group->last_used = ++output->clock;
    STATUS_TRY(output_make_name(output, group->partition, ++group->num_parts, &file->name));
    output->num_awake++;
    return start_file(output, file);
}

/* Go on with another file unless this one has room for so many more bytes. */
static exit_status
make_room(encode_output *output, output_group *group, uint64_t bytes)
{
    uint64_t limit = output->context->max_file_bytes;

    if (limit == 0 || cs_avro_writer_size(group->file->writer) + bytes <= limit)
        return STATUS_OK;
    STATUS_TRY(close_group(output, group));
    return open_group(output, group);
}

/* Hash the lines of a run; in a partition, those that were refused are not among them. */
static void
hash_run(const encode_output *output, const encode_piece *piece, const piece_run *run,
         hash_stream *hash)
{
    const char *text = piece->text.data;
    size_t at = run->text_start;

    for (size_t i = 0; i < piece->num_rejects && output->context->partition != PARTITION_NONE; i++)
    {
        const piece_reject *line = &piece->rejects[i];

        if (line->start < at || line->start >= run->text_end)
            continue;
        hash_add(hash, text + at, line->start - at);
        at = line->end;
    }
    hash_add(hash, text + at, run->text_end - at);
}

/* Count the records of a run in its file. */
static void
count_run(output_file *file, const piece_run *run)
{
    if (run->count == 0)
        return;
    if (file->records == 0 || run->min_time < file->min_time)
        file->min_time = run->min_time;
    if (file->records == 0 || run->max_time > file->max_time)
        file->max_time = run->max_time;
    file->records += run->count;
}

/* Write a run that is packed. */
static exit_status
add_packed(encode_output *output, output_group *group, encode_piece *piece, const piece_run *run)
{
    cs_buffer *block = &piece->blocks[run->block];

    STATUS_TRY(flush(output, group));
    STATUS_TRY(make_room(output, group, block->len + CS_AVRO_SYNC_BYTES));
    hash_run(output, piece, run, &group->file->hash);
    count_run(group->file, run);
    return write_block(output, group, block);
}

/* Collect a run that is not. */
static exit_status
add_pending(encode_output *output, output_group *group, const encode_piece *piece,
            const piece_run *run)
{
    size_t len = run->record_end - run->record_start;
    cs_error err;

    if (group->pending.len + len > CS_AVRO_BLOCK_BYTES)
        STATUS_TRY(flush(output, group));
    STATUS_TRY(make_room(output, group, BLOCK_BOUND(group->pending.len + len)));
    hash_run(output, piece, run, &group->file->hash);
    count_run(group->file, run);
    if (cs_buffer_append(&group->pending, piece->records.data + run->record_start, len, &err) !=
        CS_OK)
        return log_core_error(&err, group->file->name);
    group->num_pending += run->count;
    output->pending_bytes += len;
    return output->pending_bytes > MAX_PENDING_BYTES ? flush_longer(output) : STATUS_OK;
}

/* The place of a partition's group among the others, or where it has to go. */
static size_t
find_place(const encode_output *output, int64_t partition)
{
    size_t low = 0, high = output->groups.count;

    while (low < high)
    {
        size_t middle = low + (high - low) / 2;

        if (group_at(output, middle)->partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Put a new group in its place. */
static exit_status
add_group(encode_output *output, int64_t partition, size_t place)
{
    void **items;
    output_group *group;

    if (output->groups.count == MAX_PARTITIONS)
    {
        log_error("%s: the log has lines of more than %d %s", output->job->output, MAX_PARTITIONS,
                  output->context->partition == PARTITION_HOUR ? "hours" : "days");
        log_hint("Encode it in parts%s.",
                 output->context->partition == PARTITION_HOUR ? ", or with --partition day" : "");
        return STATUS_REFUSED;
    }
    group = calloc(1, sizeof(output_group));
    STATUS_TRY(pointer_list_add(&output->groups, group));
    items = output->groups.items;
    memmove(items + place + 1, items + place, (output->groups.count - 1 - place) * sizeof(*items));
    items[place] = group;
    group->partition = partition;
    cs_buffer_init(&group->pending, loader_env());
    return STATUS_OK;
}

/* The group of a partition, made if it is new, with an open file. */
static exit_status
find_group(encode_output *output, int64_t partition, output_group **group)
{
    size_t place = find_place(output, partition);

    if (place == output->groups.count || group_at(output, place)->partition != partition)
        STATUS_TRY(add_group(output, partition, place));
    *group = group_at(output, place);
    return (*group)->file != NULL ? STATUS_OK : open_group(output, *group);
}

exit_status
encode_output_open(encode_output *output, const encode_context *context, const encode_job *job)
{
    output_group *group;
    cs_error err;

    memset(output, 0, sizeof(*output));
    output->context = context;
    output->job = job;
    cs_buffer_init(&output->block, loader_env());
    if (cs_avro_packer_open(loader_env(), context->codec, 0, &output->packer, &err) != CS_OK)
        return log_core_error(&err, job->output);
    return context->partition == PARTITION_NONE ? find_group(output, 0, &group) : STATUS_OK;
}

exit_status
encode_output_add(encode_output *output, encode_piece *piece)
{
    for (size_t i = 0; i < piece->num_runs; i++)
    {
        const piece_run *run = &piece->runs[i];
        output_group *group;

        STATUS_TRY(find_group(output, run->partition, &group));
        STATUS_TRY(run->block >= 0 ? add_packed(output, group, piece, run)
                                   : add_pending(output, group, piece, run));
    }
    return STATUS_OK;
}

exit_status
encode_output_finish(encode_output *output)
{
    for (size_t i = 0; i < output->groups.count; i++)
        if (group_at(output, i)->file != NULL)
            STATUS_TRY(close_group(output, group_at(output, i)));
    return STATUS_OK;
}

/* Free the files; what was not published is removed. */
static void
free_files(encode_output *output)
{
    for (size_t i = 0; i < output->files.count; i++)
    {
        output_file *file = output->files.items[i];

        cs_avro_writer_free(file->writer);
        hash_free(&file->hash);
        file_sink_discard(&file->sink);
        free(file->name);
        free(file);
    }
    free(output->files.items);
}

void
encode_output_free(encode_output *output)
{
    free_files(output);
    for (size_t i = 0; i < output->groups.count; i++)
    {
        cs_buffer_free(&group_at(output, i)->pending);
        free(group_at(output, i));
    }
    free(output->groups.items);
    output_free_directories(output);
    cs_avro_packer_free(output->packer);
    if (output->context != NULL)
        cs_buffer_free(&output->block);
}
