/*
 * extension/avro_analyze.c
 *     ANALYZE of an Avro table.
 *
 * The heads of all blocks are read, which gives the number of rows exactly. As
 * many blocks as rows are wanted are then chosen at random from all files, and
 * rows from these by a reservoir: the server's own way with tables.
 */
#include "postgres.h"

#include <math.h>
#include <sys/stat.h>

#include "access/htup_details.h"
#include "commands/vacuum.h"
#include "common/pg_prng.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/sampling.h"

#include "compat.h"

#include "avro_fdw.h"
#include "avro_scan.h"

/* The rows being collected. */
typedef struct Reservoir
{
    HeapTuple *rows;
    int wanted;
    int count;
    double seen;
    double to_skip; /* negative: to be drawn */
    ReservoirStateData state;
    MemoryContext context; /* of the rows */
} Reservoir;

/* The blocks of all files, drawn from in their order. */
typedef struct BlockList
{
    BlockSamplerData sampler;
    BlockNumber next;  /* the block drawn, by its place among all */
    BlockNumber place; /* the one that the scan comes to */
} BlockList;

/* Count blocks and rows of all files; damaged ones are for the scan to tell. */
static double
count_blocks(AvroTable *table, BlockNumber *blocks)
{
    double rows = 0;
    double count = 0;

    for (int i = 0; i < table->num_files; i++)
    {
        AvroFile *file = avro_file_open(table->files[i].path.path, &table->options->limits);
        cs_avro_totals totals;
        cs_error err;

        compat_vacuum_delay_point();
        if (cs_avro_reader_count(file->reader, &totals, &err) != CS_OK &&
            !table->options->ignore_errors)
            avro_raise(table->files[i].path.path, NULL, NULL, &err);
        rows += (double) totals.records;
        count += (double) totals.blocks;
        avro_file_close(file);
    }
    *blocks = (BlockNumber) Min(count, MaxBlockNumber);
    return rows;
}

/* Take a row into the reservoir, or pass over it. */
static void
offer_row(Reservoir *reservoir, TupleTableSlot *slot)
{
    MemoryContext old = MemoryContextSwitchTo(reservoir->context);

    if (reservoir->count < reservoir->wanted)
        reservoir->rows[reservoir->count++] = ExecCopySlotHeapTuple(slot);
    else
    {
        if (reservoir->to_skip < 0)
            reservoir->to_skip =
                reservoir_get_next_S(&reservoir->state, reservoir->seen, reservoir->wanted);
        if (reservoir->to_skip <= 0)
        {
            int place =
                (int) (reservoir->wanted * sampler_random_fract(&reservoir->state.randstate));

            heap_freetuple(reservoir->rows[place]);
            reservoir->rows[place] = ExecCopySlotHeapTuple(slot);
        }
        reservoir->to_skip--;
    }
    reservoir->seen++;
    MemoryContextSwitchTo(old);
}

/* Offer all rows of the block that was loaded. */
static void
offer_block(AvroScan *scan, TupleTableSlot *slot, Reservoir *reservoir)
{
    MemoryContext old = MemoryContextSwitchTo(scan->row.context);

    avro_scan_enter_block(scan);
    for (;;)
    {
        MemoryContextReset(scan->row.context);
        ExecClearTuple(slot);
        ExecStoreVirtualTuple(slot);
        if (!avro_scan_block_row(scan, slot))
            break;
        offer_row(reservoir, slot);
    }
    ExecClearTuple(slot);
    MemoryContextSwitchTo(old);
}

/* Read the blocks of the open file that were drawn. */
static void
sample_file(AvroScan *scan, TupleTableSlot *slot, BlockList *list, Reservoir *reservoir)
{
    cs_avro_reader *reader = scan->file->reader;
    cs_avro_head head;
    cs_error err;
    cs_code code;

    while (list->next != InvalidBlockNumber)
    {
        compat_vacuum_delay_point();
        code = cs_avro_reader_next_head(reader, &head, &err);
        if (code == CS_END)
            return;
        if (code == CS_OK && list->place++ != list->next)
            continue;
        if (code == CS_OK)
        {
            list->next = BlockSampler_HasMore(&list->sampler) ? BlockSampler_Next(&list->sampler)
                                                              : InvalidBlockNumber;
            code = cs_avro_reader_load(reader, &head, &scan->block, &err);
        }
        if (code == CS_OK)
            offer_block(scan, slot, reservoir);
        else
            avro_scan_leave_block(scan, &err, 0);
    }
}

/* Collect a sample of the rows: an AcquireSampleRowsFunc. */
static int
acquire_sample(Relation relation, int elevel, HeapTuple *rows, int wanted, double *total_rows,
               double *total_dead_rows)
{
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "avro analyze", ALLOCSET_DEFAULT_SIZES);
    Reservoir reservoir = {rows, wanted, .to_skip = -1, .context = CurrentMemoryContext};
    MemoryContext old = MemoryContextSwitchTo(context);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), &TTSOpsVirtual);
    AvroTable *table = avro_table_open(RelationGetRelid(relation), RelationGetDescr(relation),
                                       bms_make_singleton(0));
    AvroScan *scan = avro_scan_make(table);
    BlockNumber blocks;
    BlockList list = {0};

    table->options->reject_limit = 0;
    avro_table_list(table);
    avro_table_bind(table);
    scan->lost = scan->local_lost = palloc0_array(uint64, table->num_files + 1);
    avro_row_init(&scan->row, AllocSetContextCreate(context, "avro row", ALLOCSET_DEFAULT_SIZES),
                  table->options->ignore_errors);
    memset(slot->tts_isnull, true, sizeof(bool) * (Size) slot->tts_tupleDescriptor->natts);
    *total_rows = count_blocks(table, &blocks);
    *total_dead_rows = 0;
    BlockSampler_Init(&list.sampler, blocks, wanted, pg_prng_uint32(&pg_global_prng_state));
    reservoir_init_selection_state(&reservoir.state, wanted);
    list.next =
        BlockSampler_HasMore(&list.sampler) ? BlockSampler_Next(&list.sampler) : InvalidBlockNumber;
    for (int i = 0; i < table->num_files && list.next != InvalidBlockNumber; i++)
    {
        avro_scan_open(scan, i);
        sample_file(scan, slot, &list, &reservoir);
    }
    ereport(elevel, (errmsg("\"%s\": %d files with %u blocks hold %.0f rows; %d rows in sample",
                            RelationGetRelationName(relation), table->num_files, blocks,
                            *total_rows, reservoir.count)));
    ExecDropSingleTupleTableSlot(slot);
    MemoryContextSwitchTo(old);
    MemoryContextDelete(context);
    return reservoir.count;
}

bool
avroAnalyzeForeignTable(Relation relation, AcquireSampleRowsFunc *function,
                        BlockNumber *total_pages)
{
    AvroOptions *options = avro_options_get(RelationGetRelid(relation));
    AvroPaths *paths = avro_paths(options->filename);
    double bytes = 0;

    for (int i = 0; i < paths->count; i++)
    {
        struct stat status;

        if (stat(paths->items[i].path, &status) < 0)
            ereport(ERROR, (errcode_for_file_access(),
                            errmsg("could not stat file \"%s\": %m", paths->items[i].path)));
        bytes += (double) status.st_size;
    }
    *total_pages = (BlockNumber) Min(Max(ceil(bytes / BLCKSZ), 1), MaxBlockNumber);
    *function = acquire_sample;
    return true;
}
