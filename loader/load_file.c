/*
 * loader/load_file.c
 *     Planning a file, and ending it.
 */
#include "load_file.h"

#include "load_partitions.h"
#include "log.h"
#include "progress.h"

#include <inttypes.h>
#include <stdlib.h>

ledger_key
load_file_key(const load_file *file)
{
    return (ledger_key){&file->table, file->name, file->file_id, file->source_sha256};
}

/* Look up the table. */
static exit_status
find_table(load_file *file, const load_request *request, connection *server)
{
    exit_status status;

    STATUS_TRY(connection_run(server, "BEGIN", 0, NULL));
    status = load_table_find(&file->table, server, file->table_name, request->schema);
    if (status == STATUS_OK)
        status = connection_run(server, "COMMIT", 0, NULL);
    else
        connection_rollback(server);
    STATUS_TRY(status);
    if (request->freeze && file->table.is_partitioned)
    {
        log_error("\"--freeze\" does not go with a partitioned table: %s is one",
                  file->table.qualified);
        return STATUS_USAGE;
    }
    return connection_use_schema(server, file->table.ledger_schema, false);
}

/* Copy what the ledger knows the file by, and which table such a file goes to. */
static exit_status
identify(load_file *file, const load_request *request, const row_source *source)
{
    memcpy(file->file_id, source->file_id, sizeof(file->file_id));
    if (source->source_sha256 != NULL)
    {
        file->source_sha256 = strdup(source->source_sha256);
        if (file->source_sha256 == NULL)
            return log_out_of_memory();
    }
    file->table_name = request->table != NULL ? request->table : source->table;
    if (file->table_name == NULL)
        file->table_name = DEFAULT_TABLE;
    return STATUS_OK;
}

/* Hash a stretch of a file. */
static exit_status
hash_stretch(const char *name, uint64_t start, uint64_t end, char sum[HASH_TEXT_SIZE])
{
    hash_stream hash = {NULL, false};
    uint8_t *buffer = malloc(READ_BUFFER_BYTES);
    exit_status status = STATUS_OK;
    file_source file;
    cs_source core;

    if (buffer == NULL)
        return log_out_of_memory();
    status = file_source_open(&file, name);
    hash_start(&hash);
    if (status == STATUS_OK)
        core = file_source_as_core(&file);
    while (status == STATUS_OK && start < end)
    {
        size_t want = end - start < READ_BUFFER_BYTES ? (size_t) (end - start) : READ_BUFFER_BYTES;
        int64_t got = core.read_at(core.ctx, start, buffer, want);

        if (got < 0)
            status = file_source_fail(&file);
        if (got <= 0)
            break;
        hash_add(&hash, buffer, (size_t) got);
        start += (uint64_t) got;
    }
    if (status == STATUS_OK && !hash_finish(&hash, sum))
        status = log_out_of_memory();
    file_source_close(&file);
    hash_free(&hash);
    free(buffer);
    return status;
}

/* Check that what was loaded of the file still stands in it. */
static exit_status
check_batch(const load_file *file, const ledger_batch *batch)
{
    char sum[HASH_TEXT_SIZE];

    if (batch->checksum[0] == '\0')
        return STATUS_OK;
    STATUS_TRY(hash_stretch(file->name, batch->start_offset, batch->end_offset, sum));
    if (strcmp(sum, batch->checksum) == 0)
        return STATUS_OK;
    return load_input_refuse_changed(file->name, file->table.qualified, batch->load_id,
                                     batch->loaded_at);
}

/* Add a range; NULL without memory. */
static block_range *
add_range(load_file *file)
{
    size_t size = (file->num_ranges + 1) * sizeof(block_range);
    block_range *ranges = realloc(file->ranges, size);

    if (ranges == NULL)
        return NULL;
    file->ranges = ranges;
    memset(&ranges[file->num_ranges], 0, sizeof(block_range));
    return &ranges[file->num_ranges++];
}

/* Where the plan stands in a file of blocks. */
typedef struct plan_walk
{
    load_file *file;
    cs_avro_reader *reader;
    const ledger_batch *done; /* what is loaded, in order */
    size_t num_done;
    int64_t batch_rows; /* 0: no limit */
    block_range *open;  /* the range that grows; NULL: none */
} plan_walk;

/* End the open range at a position. */
static void
end_range(plan_walk *walk, const cs_avro_position *position)
{
    if (walk->open == NULL)
        return;
    walk->open->end_block = position->index;
    walk->open->end_offset = position->offset;
    walk->open = NULL;
}

/* Begin a range at a position; that of the first block has the header. */
static exit_status
begin_range(plan_walk *walk, const cs_avro_position *position)
{
    block_range *range = add_range(walk->file);

    if (range == NULL)
        return log_out_of_memory();
    range->first_block = position->index;
    range->start_offset = position->index == 0 ? 0 : position->offset;
    range->position = *position;
    range->position.num_ahead = 0; /* so that the batch reads, and hashes, all of its bytes */
    walk->open = range;
    return STATUS_OK;
}

/* The batch that holds a block, NULL if none does. */
static const ledger_batch *
batch_with(const plan_walk *walk, int64_t block)
{
    for (size_t i = 0; i < walk->num_done; i++)
        if (walk->done[i].first_block <= block && block < walk->done[i].end_block)
            return &walk->done[i];
    return NULL;
}

/* Take one block into the plan. */
static exit_status
plan_block(plan_walk *walk, const cs_avro_position *before, const cs_avro_head *head)
{
    bool is_full = walk->batch_rows > 0 && walk->open != NULL &&
                   walk->open->records + head->records > walk->batch_rows &&
                   walk->open->records > 0;

    if (batch_with(walk, head->index) != NULL)
    {
        end_range(walk, before);
        return STATUS_OK;
    }
    if (is_full)
        end_range(walk, before);
    if (walk->open == NULL)
    {
        cs_avro_position start = *before;

        /* a batch that ends behind empty blocks has them */
        for (size_t i = 0; i < walk->num_done; i++)
            if (walk->done[i].end_block > start.index && walk->done[i].end_block <= head->index)
            {
                start.index = walk->done[i].end_block;
                start.offset = walk->done[i].end_offset;
            }
        STATUS_TRY(begin_range(walk, &start));
    }
    walk->open->records += head->records;
    return STATUS_OK;
}

/* Find the blocks that are not loaded yet, and group them. */
static exit_status
plan_blocks(plan_walk *walk)
{
    cs_avro_position before;
    cs_avro_head head;
    exit_status status = STATUS_OK;
    cs_error err;
    cs_code code;

    cs_avro_reader_tell(walk->reader, &before);
    while ((code = cs_avro_reader_next_head(walk->reader, &head, &err)) == CS_OK)
    {
        STATUS_TRY(plan_block(walk, &before, &head));
        cs_avro_reader_tell(walk->reader, &before);
    }
    if (code != CS_END)
        return log_core_error(&err, walk->file->name);
    cs_avro_reader_tell(walk->reader, &before);
    /* a file without records is loaded, too: it has a batch without rows */
    if (walk->file->num_ranges == 0 && walk->num_done == 0)
        status = begin_range(walk, &before);
    end_range(walk, &before);
    return status;
}

/* The blocks of an Avro file, or the one of a text. */
static exit_status
plan_ranges(load_file *file, const load_request *request, const ledger_batch *done, size_t num_done)
{
    plan_walk walk = {.file = file,
                      .reader = row_source_reader(file->input.source),
                      .done = done,
                      .num_done = num_done,
                      .batch_rows = request->batch_rows};
    block_range *all;

    if (walk.reader != NULL)
        return plan_blocks(&walk);
    if (num_done > 0)
        return STATUS_OK;
    all = add_range(file);
    if (all == NULL)
        return log_out_of_memory();
    all->end_block = 1;
    return STATUS_OK;
}

/* Check what is loaded of the file, and plan the rest; the file's lock is ours. */
static exit_status
plan_rest(load_file *file, const load_request *request, const ledger_batch *batches, size_t count)
{
    int64_t skipped = -file->bytes_ended;

    for (size_t i = 0; i < count; i++)
    {
        STATUS_TRY(check_batch(file, &batches[i]));
        skipped += (int64_t) (batches[i].end_offset - batches[i].start_offset);
        file->rows_before += batches[i].rows_read;
        file->rejected_before += batches[i].rows_rejected;
    }
    progress_skip(skipped - file->bytes_skipped);
    file->bytes_skipped = skipped;
    if (count > 0 && file->known_load == 0)
        file->known_load = strtoll(batches[0].load_id, NULL, 10);
    if (count > 0)
        file->last_before = batches[count - 1];
    file->loads_before = count;
    file->rows_before -= file->counts.read;
    file->rejected_before -= file->counts.rejected;
    return plan_ranges(file, request, batches, count);
}

/* True if what is planned has records of a file's, and none of it is loaded. */
static bool
brings_first_records(const load_file *file)
{
    bool brings = false;

    for (size_t i = 0; i < file->num_ranges; i++)
        brings = brings || file->ranges[i].records > 0;
    return brings && file->rows_before + file->counts.read == 0;
}

/* True if the table is to be emptied for a file, unless that was done by an earlier run. */
static bool
may_empty(const load_file *file, const load_request *request)
{
    return request->truncate && file == file->first && file->ranges_ended == 0;
}

/* Ask the ledger, and plan. */
static exit_status
plan_by_ledger(load_file *file, const load_request *request, connection *server,
               const operand_list *names)
{
    ledger_key key = load_file_key(file);
    ledger_batch *batches;
    exit_status status;
    size_t count;

    if (may_empty(file, request))
    {
        bool done;

        STATUS_TRY(ledger_truncated(server, &key, names, &done));
        file->truncate = !done;
        if (done && !request->dry_run)
            STATUS_TRY(ledger_share(server, &file->table));
    }
    else if (request->dry_run) /* the first file's emptying was taken back */
        file->truncate = file->first->truncate &&
                         strcmp(file->first->table.qualified, file->table.qualified) == 0;
    if (file->truncate) /* the ledger will be emptied with the table */
        return plan_ranges(file, request, NULL, 0);
    STATUS_TRY(ledger_batches(server, &key, &batches, &count));
    status = plan_rest(file, request, batches, count);
    free(batches);
    if (status == STATUS_OK && brings_first_records(file) && !request->again)
        status = ledger_check_source(server, &key);
    return status;
}

/* Plan a file that is open. */
static exit_status
plan_open_file(load_file *file, const load_request *request, connection *server,
               const operand_list *names, bool wait, bool *busy)
{
    ledger_key key;
    bool taken;

    STATUS_TRY(identify(file, request, file->input.source));
    STATUS_TRY(find_table(file, request, server));
    key = load_file_key(file);
    STATUS_TRY(
        ledger_enter(server, &key, may_empty(file, request) && !request->dry_run, wait, &taken));
    if (taken)
        STATUS_TRY(ledger_lock(server, &key, wait, &taken));
    *busy = !taken;
    if (*busy)
        return STATUS_OK;
    STATUS_TRY(plan_by_ledger(file, request, server, names));
    if (file->num_ranges > 0 && !request->dry_run)
        STATUS_TRY(load_partitions_for_file(server, &file->table, file->name, request));
    file->ranges_left = file->num_ranges;
    file->state = FILE_OPEN;
    return STATUS_OK;
}

exit_status
load_file_plan(load_file *file, const load_request *request, connection *server,
               const operand_list *names, bool wait, bool *busy)
{
    exit_status status;

    load_file_forget(file);
    if (!cs_utf8_valid(file->name, strlen(file->name)))
    {
        log_error("%s: the file's name is not valid UTF-8", file->name);
        return STATUS_USAGE;
    }
    STATUS_TRY(load_input_open(&file->input, file->name, &request->format));
    status = plan_open_file(file, request, server, names, wait, busy);
    if (status == STATUS_OK && !*busy && row_source_reader(file->input.source) == NULL &&
        file->num_ranges > 0)
        return STATUS_OK; /* a text stays open for its batch */
    load_input_close(&file->input);
    return status;
}

exit_status
load_file_recall(load_file *file, const load_request *request, connection *server)
{
    ledger_key key;
    bool there;

    if (file->known_load == 0)
        return STATUS_OK;
    load_table_free(&file->table);
    STATUS_TRY(find_table(file, request, server));
    key = load_file_key(file);
    STATUS_TRY(ledger_enter(server, &key, false, true, &there));
    STATUS_TRY(ledger_has(server, file->known_load, &there));
    if (there)
        return STATUS_OK;
    log_warning("%s: what was loaded of it is gone from %s: loading it anew", file->name,
                file->table.qualified);
    STATUS_TRY(ledger_leave(server, &file->table));
    load_file_reset(file);
    return STATUS_OK;
}

/* What so many records are called. */
static const char *
records(int64_t count)
{
    return count == 1 ? "record" : "records";
}

/* Say what this run did with a file. */
static void
print_summary(const load_file *file, const load_request *request)
{
    const row_counts *counts = &file->counts;
    int64_t skipped = counts->read - counts->loaded - counts->rejected;
    char skipped_text[64] = "", loads[64] = "";

    if (skipped != 0)
        snprintf(skipped_text, sizeof(skipped_text), " + %" PRId64 " skipped%s", skipped,
                 request->on_conflict == CONFLICT_FAIL ? " by triggers" : "");
    if (request->dry_run)
        snprintf(loads, sizeof(loads), "dry run: nothing was loaded");
    else if (file->last_load == file->first_load)
        snprintf(loads, sizeof(loads), "load %" PRId64, file->first_load);
    else
        snprintf(loads, sizeof(loads), "%zu loads up to %" PRId64, file->ranges_ended,
                 file->last_load);
    log_summary("%s: read %" PRId64 " %s = %" PRId64 " loaded + %" PRId64 " rejected%s into %s"
                " (%s)",
                file->name, counts->read, records(counts->read), counts->loaded, counts->rejected,
                skipped_text, file->table.qualified, loads);
    if (file->rows_before > 0)
        log_summary(
            "%s: %" PRId64 " %s of it had been read by earlier loads, %" PRId64 " of them rejected",
            file->name, file->rows_before, records(file->rows_before), file->rejected_before);
    if (counts->rejected > 0 && !request->dry_run)
        log_summary("%s: rejected records are in the table load_reject", file->name);
    if (counts->without_user > 0)
        log_summary("%s: %" PRId64 " %s without a user %s in no session", file->name,
                    counts->without_user, records(counts->without_user),
                    counts->without_user == 1 ? "is" : "are");
}

/* Say that nothing was left to be loaded. */
static void
print_loaded(load_file *file)
{
    const ledger_batch *last = &file->last_before;
    bool knows_loads = load_table_knows_loads(&file->table);
    char loads[64] = "load";

    file->was_elsewhere = last->elsewhere;
    if (file->loads_before > 1)
        snprintf(loads, sizeof(loads), "%zu loads up to", file->loads_before);
    log_summary("%s: already loaded into %s (%s %s, %s): nothing to do; \"%s unload%s\" takes it "
                "out of the %s",
                file->name, file->table.qualified, loads, last->load_id, last->loaded_at,
                PROGRAM_NAME, knows_loads && !last->elsewhere ? "" : " --force",
                knows_loads ? "table" : "ledger");
}

exit_status
load_file_end(load_file *file, const load_request *request, connection *server)
{
    ledger_key key = load_file_key(file);

    if (file->ranges_ended > 0)
        print_summary(file, request);
    else
        print_loaded(file);
    file->state = FILE_DONE;
    load_input_close(&file->input);
    STATUS_TRY(connection_use_schema(server, file->table.ledger_schema, false));
    return ledger_unlock(server, &key);
}

exit_status
load_file_rejects(const load_file *file, const load_request *request, connection *server,
                  reject_file *rejects)
{
    ledger_key key = load_file_key(file);

    if (file->table.qualified == NULL)
        return STATUS_OK; /* not looked at */
    if (file->truncate && (request->dry_run || file->ranges_ended == 0))
        return STATUS_OK; /* what the ledger has is of the rows that were to go */
    STATUS_TRY(connection_use_schema(server, file->table.ledger_schema, false));
    return ledger_write_rejects(server, &key, rejects);
}

void
load_file_forget(load_file *file)
{
    load_input_close(&file->input);
    load_table_free(&file->table);
    free(file->source_sha256);
    free(file->ranges);
    file->source_sha256 = NULL;
    file->ranges = NULL;
    file->num_ranges = file->ranges_taken = file->ranges_left = 0;
    file->truncate = false;
    file->rows_before = file->rejected_before = 0;
    file->state = FILE_WAITING;
}

void
load_file_reset(load_file *file)
{
    progress_add(-file->counts.read, -file->bytes_ended);
    progress_skip(-file->bytes_skipped);
    load_file_forget(file);
    *file = (load_file){.name = file->name, .first = file->first};
}
