/*
 * extension/avro_scan.c
 *     The scan of an Avro table: from the plan to rows.
 *
 * The clauses of the query stay in the plan, where EXPLAIN shows them, but are
 * evaluated here and not by the executor: the scan takes them over when it
 * begins. What they remove is counted where the executor would have counted it.
 *
 * Memory: the table, with its files and schemas, lives as long as the scan; the
 * open file, its plan and conversions in a context that is reset from file to
 * file; values of a row in the row's buffer (avro_convert.h), which the next row
 * uses again.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"

#include "avro_count.h"
#include "avro_fdw.h"
#include "avro_scan.h"

/* What became of a record. */
typedef enum RowResult
{
    ROW_MADE,
    ROW_FILTERED,
    ROW_REFUSED
} RowResult;

/* Finish and convert one column; false if it is refused. */
static inline bool
make_column(AvroScan *scan, AvroScanColumn *column, TupleTableSlot *slot)
{
    cs_value *value = &scan->values[column->value];
    cs_error err;

    scan->row.column = column->column->name;
    if (!column->again && unlikely(cs_avro_cursor_finish(&scan->cursor, (size_t) column->value,
                                                         value, &err) != CS_OK))
        return avro_refuse_core(&column->convert, &err);
    slot->tts_isnull[column->at] = value->kind == CS_VALUE_NULL;
    if (value->kind == CS_VALUE_NULL)
        return avro_convert_null(&column->convert);
    return column->convert.function(&column->convert, value, &slot->tts_values[column->at]);
}

/* Make columns, in their order, from *done up to a place. */
static inline bool
make_columns(AvroScan *scan, TupleTableSlot *slot, int *done, int until)
{
    for (; *done < until; (*done)++)
        if (!make_column(scan, scan->order[*done], slot))
            return false;
    scan->row.column = NULL;
    return true;
}

/* Set the columns that are not taken from the record. */
static inline void
set_fixed(AvroScan *scan, TupleTableSlot *slot)
{
    for (int i = 0; i < scan->num_fixed; i++)
    {
        AvroScanColumn *column = scan->fixed[i];

        slot->tts_values[column->at] = column->column->source == AVRO_SOURCE_ROW
                                           ? Int64GetDatum(scan->row.record)
                                           : column->fixed;
        slot->tts_isnull[column->at] = column->fixed_null;
    }
}

/* Make a row of the record that was parsed last. */
static inline RowResult
make_row(AvroScan *scan, TupleTableSlot *slot)
{
    int done = 0;

    scan->row.at = scan->row.buffer;
    if (scan->num_fixed > 0)
        set_fixed(scan, slot);
    for (int i = 0; i < scan->num_clauses; i++)
    {
        AvroClause *clause = &scan->clauses[i];

        if (clause->decided)
            continue;
        if (!make_columns(scan, slot, &done, clause->until))
            return ROW_REFUSED;
        if (!ExecQual(clause->state, scan->econtext))
            return ROW_FILTERED;
    }
    return make_columns(scan, slot, &done, scan->num_order) ? ROW_MADE : ROW_REFUSED;
}

bool
avro_scan_block_row(AvroScan *scan, TupleTableSlot *slot)
{
    cs_error err;

    for (;;)
    {
        cs_code code;

        CHECK_FOR_INTERRUPTS();
        code = cs_avro_cursor_parse(&scan->cursor, scan->values, &err);
        scan->row.record = scan->block.first_record + scan->cursor.done - 1;
        if (code == CS_END)
            break;
        if (unlikely(code != CS_OK))
        {
            avro_scan_leave_block(scan, &err, scan->cursor.done);
            break;
        }
        switch (make_row(scan, slot))
        {
            case ROW_MADE:
                return true;
            case ROW_FILTERED:
                scan->progress.filtered++;
                InstrCountFiltered1(scan->plan_state, 1);
                break;
            case ROW_REFUSED:
                avro_scan_count_refused(scan, 1);
                break;
        }
        MemoryContextReset(scan->row.context);
    }
    scan->in_block = false;
    scan->row.block = NULL;
    scan->row.record = 0;
    return false;
}

/* Make the next row; false behind the last one. */
static bool
next_row(AvroScan *scan, TupleTableSlot *slot)
{
    for (;;)
    {
        if (!scan->in_block && !avro_scan_next_block(scan))
            return false;
        if (avro_scan_block_row(scan, slot))
            return true;
    }
}

void
avro_scan_enter_block(AvroScan *scan)
{
    cs_avro_cursor_init(&scan->cursor, scan->plan, &scan->block);
    scan->in_block = true;
    scan->row.block = &scan->block;
    for (int i = 0; i < scan->num_fixed; i++)
        if (scan->fixed[i]->column->source == AVRO_SOURCE_BLOCK)
            scan->fixed[i]->fixed = Int64GetDatum(scan->block.index);
}

/* Where a column of the open file comes from; the fields wanted so far are in wanted. */
static void
place_column(AvroScan *scan, int place, int *wanted, int *num_wanted)
{
    const AvroTableFile *file = &scan->table->files[scan->file_index];
    AvroScanColumn *column = &scan->columns[place];

    *column = (AvroScanColumn){.column = &scan->table->columns[place], .value = -1};
    column->at = column->column->attnum - 1;
    if (avro_table_fixed(column->column, file))
        column->fixed = avro_table_fixed_value(column->column, file, &column->fixed_null);
    else if (column->column->source == AVRO_SOURCE_FIELD)
    {
        column->fixed_null = column->column->field < 0;
        if (column->fixed_null)
            return;
        for (column->value = 0; column->value < *num_wanted; column->value++)
            if (wanted[column->value] == column->column->field)
                return;
        wanted[(*num_wanted)++] = column->column->field;
    }
}

/* Append the columns among attnums (NULL: all) to the order in which they are made. */
static void
append_order(AvroScan *scan, const Bitmapset *attnums)
{
    for (int i = 0; i < scan->table->num_columns; i++)
    {
        AvroScanColumn *column = &scan->columns[i];
        bool placed = column->value < 0 || (attnums != NULL && !bms_is_member(0, attnums) &&
                                            !bms_is_member(column->column->attnum, attnums));

        for (int j = 0; j < scan->num_order && !placed; j++)
        {
            placed = scan->order[j] == column;
            column->again |= scan->order[j]->value == column->value && !placed;
        }
        if (!placed)
            scan->order[scan->num_order++] = column;
    }
}

/* Find the order in which columns are made, and how many each clause needs. */
static void
order_columns(AvroScan *scan)
{
    scan->num_order = 0;
    scan->num_fixed = 0;
    for (int i = 0; i < scan->table->num_columns; i++)
        if (scan->columns[i].value < 0)
            scan->fixed[scan->num_fixed++] = &scan->columns[i];
    for (int i = 0; i < scan->num_clauses; i++)
    {
        AvroClause *clause = &scan->clauses[i];

        if (!clause->decided && !bms_is_empty(clause->attnums))
            append_order(scan, clause->attnums);
        clause->until = scan->num_order;
    }
    append_order(scan, NULL);
}

void
avro_scan_open(AvroScan *scan, int index)
{
    const AvroTable *table = scan->table;
    const char *path = table->files[index].path.path;
    int *wanted;
    int num_wanted = 0;
    MemoryContext old;
    cs_error err;

    scan->file_index = -1;
    scan->row.path = NULL;
    MemoryContextReset(scan->file_context);
    old = MemoryContextSwitchTo(scan->file_context);
    scan->file = avro_file_open(path, &table->options->limits);
    scan->file_index = index;
    scan->row.path = path;
    cs_avro_reader_tell(scan->file->reader, &scan->start);
    wanted = palloc_array(int, table->num_columns + 1);
    for (int i = 0; i < table->num_columns; i++)
        place_column(scan, i, wanted, &num_wanted);
    scan->values = palloc0_array(cs_value, num_wanted + 1);
    if (cs_avro_plan_make(&scan->file->env, cs_avro_reader_schema(scan->file->reader),
                          table->schema, wanted, (size_t) num_wanted, &table->options->limits,
                          &scan->plan, &err) != CS_OK)
        avro_raise(path, NULL, NULL, &err);
    for (int i = 0; i < table->num_columns; i++)
    {
        AvroScanColumn *column = &scan->columns[i];
        cs_avro_shape shape;

        if (column->value < 0)
            continue;
        shape = cs_avro_plan_shape(scan->plan, (size_t) column->value);
        avro_convert_compile(&column->convert, &scan->row, column->column, &shape, scan->plan);
    }
    order_columns(scan);
    MemoryContextSwitchTo(old);
}

/* Say where in the files a row stands that an error is about. */
static void
row_error_context(void *argument)
{
    const AvroScan *scan = argument;
    const AvroRow *row = &scan->row;

    if (row->path == NULL || row->block == NULL || row->record == 0)
        return;
    if (row->column != NULL)
        errcontext("file \"%s\", block %lld at byte %llu, record %lld, column \"%s\"", row->path,
                   (long long) row->block->index, (unsigned long long) row->block->offset,
                   (long long) row->record, row->column);
    else
        errcontext("file \"%s\", block %lld at byte %llu, record %lld", row->path,
                   (long long) row->block->index, (unsigned long long) row->block->offset,
                   (long long) row->record);
}

AvroScan *
avro_scan_make(AvroTable *table)
{
    AvroScan *scan = palloc0_object(AvroScan);

    scan->table = table;
    scan->file_index = -1;
    scan->shared = &scan->local;
    pg_atomic_init_u64(&scan->local.refused, 0);
    scan->columns = palloc0_array(AvroScanColumn, table->num_columns + 1);
    scan->order = palloc0_array(AvroScanColumn *, table->num_columns + 1);
    scan->fixed = palloc0_array(AvroScanColumn *, table->num_columns + 1);
    scan->file_context =
        AllocSetContextCreate(CurrentMemoryContext, "avro file", ALLOCSET_DEFAULT_SIZES);
    return scan;
}

/* Take over the clauses of the plan. */
static void
take_clauses(AvroScan *scan, ForeignScanState *node)
{
    ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    List *pruning = list_nth(plan->fdw_private, AVRO_PRIVATE_PRUNING);
    List *prunable = NIL;
    ListCell *cell;

    scan->clauses = palloc0_array(AvroClause, list_length(plan->scan.plan.qual) + 1);
    foreach (cell, plan->scan.plan.qual)
    {
        AvroClause *clause = &scan->clauses[scan->num_clauses++];

        clause->expression = lfirst(cell);
        clause->attnums = avro_attnums(clause->expression, scan->varno);
        clause->prunes = list_member_int(pruning, foreach_current_index(cell));
        if (clause->prunes)
            prunable = lappend(prunable, clause->expression);
    }
    scan->prune = avro_prune_make(scan->table, prunable, &node->ss, scan->varno);

    /* A subplan is registered with the node when it is compiled: that must not happen twice. */
    if (contain_subplans((Node *) plan->scan.plan.qual))
    {
        scan->num_clauses = 1;
        scan->clauses[0] = (AvroClause){
            .state = node->ss.ps.qual,
            .expression = (Node *) plan->scan.plan.qual,
            .attnums = avro_attnums((Node *) plan->scan.plan.qual, scan->varno),
        };
    }
    else
        for (int i = 0; i < scan->num_clauses; i++)
            scan->clauses[i].state =
                ExecInitQual(list_make1(scan->clauses[i].expression), &node->ss.ps);
    node->ss.ps.qual = NULL;
}

/* The columns that the plan says are needed. */
static Bitmapset *
needed_columns(const ForeignScan *plan)
{
    Bitmapset *attnums = NULL;
    ListCell *cell;

    foreach (cell, (List *) list_nth(plan->fdw_private, AVRO_PRIVATE_COLUMNS))
        attnums = bms_add_member(attnums, lfirst_int(cell));
    return attnums;
}

/* True if the node counts rows by block headers (avro_count.c). */
static inline bool
is_count(const ForeignScanState *node)
{
    return ((const ForeignScan *) node->ss.ps.plan)->scan.scanrelid == 0;
}

void
avroBeginForeignScan(ForeignScanState *node, int eflags)
{
    ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
    Relation relation = node->ss.ss_currentRelation;
    AvroScan *scan;
    MemoryContext context;
    MemoryContext old;

    if (is_count(node))
    {
        avro_count_begin(node, eflags);
        return;
    }
    context =
        AllocSetContextCreate(node->ss.ps.state->es_query_cxt, "avro scan", ALLOCSET_DEFAULT_SIZES);
    old = MemoryContextSwitchTo(context);
    scan = avro_scan_make(avro_table_open(RelationGetRelid(relation), RelationGetDescr(relation),
                                          needed_columns(plan)));
    scan->plan_state = &node->ss.ps;
    scan->econtext = node->ss.ps.ps_ExprContext;
    scan->varno = plan->scan.scanrelid;
    node->fdw_state = scan;
    memset(node->ss.ss_ScanTupleSlot->tts_isnull, true,
           sizeof(bool) * (Size) RelationGetDescr(relation)->natts);
    if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
    {
        avro_row_init(&scan->row, scan->econtext->ecxt_per_tuple_memory,
                      scan->table->options->ignore_errors);
        take_clauses(scan, node);
    }
    MemoryContextSwitchTo(old);
}

void
avro_scan_decide(AvroScan *scan)
{
    for (int i = 0; i < scan->num_clauses; i++)
    {
        AvroClause *clause = &scan->clauses[i];
        bool decided =
            clause->prunes && avro_prune_decides(scan->table, clause->expression, scan->varno);

        /* The order of the columns of the open file may be another one now. */
        if (decided != clause->decided)
            scan->file_index = -1;
        clause->decided = decided;
    }
}

void
avro_scan_prepare(AvroScan *scan)
{
    const cs_avro_schema *schema = scan->table->schema;

    if (scan->prepared)
        return;
    avro_prune_run(scan->prune, scan->econtext);
    if (scan->table->schema != schema)
        scan->file_index = -1;
    avro_scan_decide(scan);
    if (scan->lost == NULL)
        scan->lost = scan->local_lost = MemoryContextAllocZero(
            scan->table->context, sizeof(uint64) * (Size) (scan->table->num_files + 1));
    scan->prepared = true;
}

TupleTableSlot *
avroIterateForeignScan(ForeignScanState *node)
{
    TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
    AvroScan *scan = node->fdw_state;
    ErrorContextCallback callback;
    bool found;

    if (is_count(node))
        return avro_count_iterate(node);
    if (unlikely(!scan->prepared))
        avro_scan_prepare(scan);
    callback = (ErrorContextCallback){error_context_stack, row_error_context, scan};
    error_context_stack = &callback;
    ExecClearTuple(slot);
    ExecStoreVirtualTuple(slot);
    scan->econtext->ecxt_scantuple = slot;
    found = next_row(scan, slot);
    error_context_stack = callback.previous;
    return found ? slot : ExecClearTuple(slot);
}

void
avro_scan_rewind(AvroScan *scan)
{
    scan->in_block = false;
    scan->row.block = NULL;
    scan->row.record = 0;
    if (scan->parallel)
        return; /* the others may be on their way already */
    avro_scan_share_progress(scan);
    avro_scan_collect(scan);
    scan->shared->file = 0;
    scan->shared->started = false;
}

void
avroReScanForeignScan(ForeignScanState *node)
{
    AvroScan *scan = node->fdw_state;

    if (is_count(node))
    {
        avro_count_rescan(node);
        return;
    }
    if (scan->prepared)
        avro_scan_rewind(scan);
    if (node->ss.ps.chgParam != NULL && scan->prune->varies && !scan->parallel)
        scan->prepared = false;
}

void
avroEndForeignScan(ForeignScanState *node)
{
    AvroScan *scan = node->fdw_state;

    if (scan == NULL || is_count(node))
        return;
    /* A worker that shares the scan leaves the telling to the leader. */
    if (scan->prepared && !(scan->parallel && IsParallelWorker()))
    {
        avro_scan_share_progress(scan);
        avro_scan_collect(scan);
        avro_scan_report_refused(scan);
    }
    if (scan->prune != NULL)
        ExecDropSingleTupleTableSlot(scan->prune->slot);
    MemoryContextDelete(scan->table->context);
}
