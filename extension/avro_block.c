/*
 * extension/avro_block.c
 *     Which block a scan reads next, and what becomes of those that are damaged.
 *
 * The place in the files is held under a lock where workers share it, but only
 * while the head of the next block is read: the block itself is read without.
 * A file is opened without the lock too, by each process that comes to it.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "compat.h"

#include "avro_scan.h"
#include "core_bridge.h"

#define MAX_FILES_REPORTED 10

/* Lock the place that is shared with others. */
static inline void
lock_place(AvroScan *scan)
{
    if (scan->parallel)
        LWLockAcquire(&scan->shared->lock, LW_EXCLUSIVE);
}

/* Give it free. */
static inline void
unlock_place(AvroScan *scan)
{
    if (scan->parallel)
        LWLockRelease(&scan->shared->lock);
}

/* Add, under the lock. */
static void
share_locked(AvroScan *scan)
{
    AvroProgress *done = &scan->shared->done;

    done->blocks += scan->progress.blocks;
    done->bytes += scan->progress.bytes;
    done->filtered += scan->progress.filtered;
    scan->progress = (AvroProgress){0};
}

void
avro_scan_share_progress(AvroScan *scan)
{
    lock_place(scan);
    share_locked(scan);
    unlock_place(scan);
}

void
avro_scan_collect(AvroScan *scan)
{
    AvroShared *shared = scan->shared;
    uint64 refused;

    lock_place(scan);
    refused = pg_atomic_exchange_u64(&shared->refused, 0);
    scan->total.blocks += shared->done.blocks;
    scan->total.bytes += shared->done.bytes;
    scan->total.filtered += shared->done.filtered;
    shared->done = (AvroProgress){0};
    /* A scan that starts again meets the same damage again. */
    scan->total_refused = Max(scan->total_refused, refused);
    if (scan->total_lost == NULL)
        scan->total_lost = MemoryContextAllocZero(
            scan->table->context, sizeof(uint64) * (Size) (scan->table->num_files + 1));
    for (int i = 0; i < scan->table->num_files; i++)
    {
        scan->total_lost[i] = Max(scan->total_lost[i], scan->lost[i]);
        scan->lost[i] = 0;
    }
    unlock_place(scan);
}

void
avro_scan_count_refused(AvroScan *scan, int64 records)
{
    int64 limit = scan->table->options->reject_limit;
    uint64 refused = pg_atomic_fetch_add_u64(&scan->shared->refused, records) + (uint64) records;

    if (limit > 0 && refused > (uint64) limit)
        ereport(ERROR,
                (errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
                 errmsg("skipped more than the reject_limit of %lld records due to data errors",
                        (long long) limit),
                 errhint("Raise the option \"reject_limit\" of the foreign table, or remove it to "
                         "tolerate any number.")));
}

/* True if the table tolerates an error, and the file can be read on behind it. */
static bool
tolerated(const AvroScan *scan, const cs_error *err)
{
    return scan->table->options->ignore_errors &&
           (err->code == CS_ERR_DATA || err->code == CS_ERR_LIMIT || err->code == CS_ERR_RANGE ||
            err->code == CS_ERR_UNSUPPORTED);
}

/* Raise what is wrong with the open file. */
static void
raise_error(AvroScan *scan, cs_error *err)
{
    const cs_avro_block *block = scan->row.block;

    if (err->record == 0)
        err->record = scan->row.record;
    scan->row.block = NULL; /* the message says where */
    avro_raise(scan->row.path, block, NULL, err);
}

/*
 * Count what a salvage has passed over, less the records that were read before. Where
 * that leaves none, as in a block that holds more than it declares, its bytes count.
 */
static void
count_loss(AvroScan *scan, const cs_avro_loss *loss, int64 records_read)
{
    if (!loss->records_known || loss->records <= records_read)
    {
        lock_place(scan);
        scan->lost[scan->file_index] += loss->bytes;
        unlock_place(scan);
    }
    avro_scan_count_refused(scan, Max(loss->records - records_read, 0));
}

void
avro_scan_leave_block(AvroScan *scan, cs_error *err, int64 records_read)
{
    cs_avro_loss loss;

    if (!tolerated(scan, err))
        raise_error(scan, err);
    if (cs_avro_reader_resync(scan->file->reader, &loss, err) != CS_OK)
        raise_error(scan, err);
    count_loss(scan, &loss, records_read);
}

/* The next file that is kept, from the shared place on; the place is locked. */
static int
current_file(AvroScan *scan)
{
    AvroShared *shared = scan->shared;

    while (shared->file < scan->table->num_files &&
           scan->table->files[shared->file].pruned != AVRO_KEPT)
        shared->file++;
    return shared->file;
}

/* Read the next head of the open file and move the shared place behind it. */
static cs_code
advance(AvroScan *scan, cs_avro_head *head, cs_avro_loss *loss, cs_error *err)
{
    AvroShared *shared = scan->shared;
    cs_avro_reader *reader = scan->file->reader;
    cs_code code;

    cs_avro_reader_seek(reader, shared->started ? &shared->position : &scan->start);
    code = cs_avro_reader_next_head(reader, head, err);
    if (code == CS_END)
    {
        shared->file++;
        shared->started = false;
        return code;
    }
    if (code != CS_OK)
    {
        /* Under the lock: others must not meet the same damage. */
        if (!tolerated(scan, err) || cs_avro_reader_resync(reader, loss, err) != CS_OK)
            return code;
        err->code = CS_OK;
    }
    cs_avro_reader_tell(reader, &shared->position);
    shared->started = true;
    return code;
}

/* Find the next block; false behind the last one of the last file. */
static bool
claim_head(AvroScan *scan, cs_avro_head *head)
{
    cs_avro_loss loss;
    cs_error err;
    cs_code code;
    int file;

    for (;;)
    {
        CHECK_FOR_INTERRUPTS();
        lock_place(scan);
        file = current_file(scan);
        if (file >= scan->table->num_files || file != scan->file_index)
        {
            unlock_place(scan);
            if (file >= scan->table->num_files)
                return false;
            avro_scan_open(scan, file);
            continue;
        }
        code = advance(scan, head, &loss, &err);
        share_locked(scan);
        unlock_place(scan);
        if (code == CS_OK)
            return true;
        if (code == CS_END)
            continue;
        if (err.code != CS_OK)
            raise_error(scan, &err);
        count_loss(scan, &loss, 0);
    }
}

bool
avro_scan_next_block(AvroScan *scan)
{
    cs_avro_head head;
    cs_error err;

    while (claim_head(scan, &head))
    {
        scan->progress.blocks++;
        scan->progress.bytes += (int64) (head.end_offset - head.offset);
        if (cs_avro_reader_load(scan->file->reader, &head, &scan->block, &err) == CS_OK)
        {
            avro_scan_enter_block(scan);
            return true;
        }
        avro_scan_leave_block(scan, &err, 0);
    }
    return false;
}

/* List the files of which bytes were lost whose records are not known. */
static char *
describe_lost(const AvroScan *scan)
{
    StringInfoData text;
    int listed = 0;

    initStringInfo(&text);
    for (int i = 0; i < scan->table->num_files; i++)
    {
        if (scan->total_lost[i] == 0 || listed++ >= MAX_FILES_REPORTED)
            continue;
        if (text.len > 0)
            appendStringInfoChar(&text, '\n');
        appendStringInfo(&text,
                         "File \"%s\" has %llu damaged bytes whose records could not be counted.",
                         scan->table->files[i].path.path, (unsigned long long) scan->total_lost[i]);
    }
    if (listed > MAX_FILES_REPORTED)
        appendStringInfo(&text, "\n%d more files have such bytes.", listed - MAX_FILES_REPORTED);
    return text.data;
}

void
avro_scan_report_refused(const AvroScan *scan)
{
    char *lost = describe_lost(scan);

    if (scan->total_refused == 0 && lost[0] == '\0')
        return;
    ereport(NOTICE,
            (scan->total_refused > 0
                 ? errmsg_plural("%llu record was skipped due to data errors",
                                 "%llu records were skipped due to data errors",
                                 scan->total_refused, (unsigned long long) scan->total_refused)
                 : errmsg("damaged data was skipped"),
             lost[0] != '\0' ? errdetail_internal("%s", lost) : 0));
}
