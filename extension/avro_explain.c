/*
 * extension/avro_explain.c
 *     What EXPLAIN says of a scan of Avro files.
 */
#include "postgres.h"

#include "compat.h"

#include COMPAT_EXPLAIN_FORMAT_HEADER
#include COMPAT_EXPLAIN_STATE_HEADER

#include "avro_count.h"
#include "avro_fdw.h"
#include "avro_scan.h"

/* Numbers of files, and why some are not read. */
static void
explain_files(int files, int by_path, int by_time, ExplainState *es)
{
    ExplainPropertyInteger("Files", NULL, files, es);
    if (by_path > 0 || es->format != EXPLAIN_FORMAT_TEXT)
        ExplainPropertyInteger("Files Pruned by Path", NULL, by_path, es);
    if (by_time > 0 || es->format != EXPLAIN_FORMAT_TEXT)
        ExplainPropertyInteger("Files Pruned by Time", NULL, by_time, es);
}

/* The columns that are decoded, a value for each record at most. */
static void
explain_columns(const AvroTable *table, const List *decoded, ExplainState *es)
{
    List *names = NIL;

    for (int i = 0; i < table->num_columns; i++)
        if (list_member_int(decoded, table->columns[i].attnum))
            names = lappend(names, (char *) table->columns[i].name);
    if (names == NIL && es->format == EXPLAIN_FORMAT_TEXT)
        ExplainPropertyText("Columns Decoded", "none", es);
    else
        ExplainPropertyList("Columns Decoded", names, es);
}

/* What was done. */
static void
explain_progress(AvroScan *scan, ExplainState *es)
{
    avro_scan_share_progress(scan);
    avro_scan_collect(scan);
    ExplainPropertyInteger("Blocks Read", NULL, scan->total.blocks, es);
    ExplainPropertyInteger("Bytes Read", NULL, scan->total.bytes, es);
    ExplainPropertyInteger("Rows Skipped Before Decoding", NULL, scan->total.filtered, es);
    if (scan->table->options->ignore_errors)
        ExplainPropertyInteger("Records Refused", NULL, (int64) scan->total_refused, es);
}

/* A node that counts by block heads. */
static void
explain_count(const AvroCount *count, ExplainState *es)
{
    ExplainPropertyBool("Count From Block Headers", true, es);
    ExplainPropertyText("Avro Files", count->table->options->filename, es);
    if (!es->analyze)
        return;
    ExplainPropertyInteger("Files", NULL, count->table->num_files, es);
    ExplainPropertyInteger("Blocks", NULL, count->blocks, es);
}

void
avroExplainForeignScan(ForeignScanState *node, ExplainState *es)
{
    const ForeignScan *plan = (const ForeignScan *) node->ss.ps.plan;
    AvroScan *scan = node->fdw_state;
    List *planned;

    if (plan->scan.scanrelid == 0)
    {
        explain_count(node->fdw_state, es);
        return;
    }
    ExplainPropertyText("Avro Files", scan->table->options->filename, es);
    planned = list_nth(plan->fdw_private, AVRO_PRIVATE_FILES);
    if (scan->prepared)
        explain_files(scan->table->num_files,
                      avro_table_count_files(scan->table, AVRO_PRUNED_BY_PATH),
                      avro_table_count_files(scan->table, AVRO_PRUNED_BY_TIME), es);
    else
        explain_files(list_nth_int(planned, AVRO_PLANNED_FILES),
                      list_nth_int(planned, AVRO_PLANNED_BY_PATH),
                      list_nth_int(planned, AVRO_PLANNED_BY_TIME), es);
    explain_columns(scan->table, list_nth(plan->fdw_private, AVRO_PRIVATE_DECODED), es);
    if (es->analyze && scan->prepared)
        explain_progress(scan, es);
}
