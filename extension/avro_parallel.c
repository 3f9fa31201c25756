/*
 * extension/avro_parallel.c
 *     A scan that workers share.
 *
 * The leader lists, prunes and binds, and puts the result into shared memory:
 * behind the struct follow the bytes lost of each file, one byte for each file
 * that says whether it is kept, the reader's schema as JSON text, and the
 * paths, each terminated. Workers list nothing themselves: a file that appears
 * meanwhile must not be read by some of them only.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "storage/shmem.h"

#include "compat.h"

#include "avro_fdw.h"
#include "avro_scan.h"

#define TRANCHE_NAME "AvroScan"
#define TRANCHE_SHMEM "clickstream avro scan"

/* What lies in the shared memory of a parallel query. */
typedef struct AvroParallel
{
    AvroShared shared;
    int num_files;
    Size schema_len;
    Size kept_offset; /* from the start of this struct */
    Size schema_offset;
    Size paths_offset;
    uint64 lost[FLEXIBLE_ARRAY_MEMBER];
} AvroParallel;

/* The tranche of our locks: one for the whole server, found by name. */
static int
lock_tranche(void)
{
    static int tranche = 0;
    int *shared;
    bool found;

    if (tranche != 0)
        return tranche;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    shared = ShmemInitStruct(TRANCHE_SHMEM, sizeof(int), &found);
    if (!found)
        *shared = LWLockNewTrancheId();
    LWLockRelease(AddinShmemInitLock);
    LWLockRegisterTranche(*shared, TRANCHE_NAME);
    tranche = *shared;
    return tranche;
}

/* Where the parts lie. */
static Size
lay_out(const AvroTable *table, AvroParallel *layout)
{
    Size size =
        add_size(offsetof(AvroParallel, lost), mul_size(sizeof(uint64), (Size) table->num_files));

    layout->num_files = table->num_files;
    layout->schema_len = table->schema != NULL ? table->schema->json_len : 0;
    layout->kept_offset = size;
    layout->schema_offset = add_size(size, (Size) table->num_files);
    layout->paths_offset = add_size(layout->schema_offset, layout->schema_len);
    size = layout->paths_offset;
    for (int i = 0; i < table->num_files; i++)
        size = add_size(size, strlen(table->files[i].path.path) + 1);
    return size;
}

Size
avroEstimateDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt)
{
    AvroScan *scan = node->fdw_state;
    AvroParallel layout;

    if (scan->prune->varies)
        scan->prepared = false;
    avro_scan_prepare(scan);
    /* A rescan may keep other files, but must not find another schema. */
    if (scan->prune->varies)
        avro_table_bind_all(scan->table);
    return lay_out(scan->table, &layout);
}

/* Say which files are kept, and start at the first one. */
static void
reset_place(AvroScan *scan, AvroParallel *parallel)
{
    char *kept = (char *) parallel + parallel->kept_offset;

    for (int i = 0; i < parallel->num_files; i++)
        kept[i] = scan->table->files[i].pruned == AVRO_KEPT;
    parallel->shared.file = 0;
    parallel->shared.started = false;
}

void
avroInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
    AvroScan *scan = node->fdw_state;
    const AvroTable *table = scan->table;
    AvroParallel *parallel = coordinate;
    char *path;

    memset(parallel, 0, sizeof(AvroParallel));
    lay_out(table, parallel);
    LWLockInitialize(&parallel->shared.lock, lock_tranche());
    pg_atomic_init_u64(&parallel->shared.refused, 0);
    memset(parallel->lost, 0, sizeof(uint64) * (Size) table->num_files);
    if (parallel->schema_len > 0)
        memcpy((char *) parallel + parallel->schema_offset, table->schema->json,
               parallel->schema_len);
    path = (char *) parallel + parallel->paths_offset;
    for (int i = 0; i < table->num_files; i++)
    {
        Size size = strlen(table->files[i].path.path) + 1;

        memcpy(path, table->files[i].path.path, size);
        path += size;
    }
    reset_place(scan, parallel);
    avro_scan_rewind(scan);
    scan->shared = &parallel->shared;
    scan->lost = parallel->lost;
    scan->parallel = true;
}

void
avroReInitializeDSMForeignScan(ForeignScanState *node, ParallelContext *pcxt, void *coordinate)
{
    AvroScan *scan = node->fdw_state;

    if (scan->prune->varies)
    {
        scan->prepared = false;
        avro_scan_prepare(scan);
    }
    avro_scan_share_progress(scan);
    avro_scan_collect(scan);
    avro_scan_rewind(scan);
    reset_place(scan, coordinate);
}

void
avroInitializeWorkerForeignScan(ForeignScanState *node, shm_toc *toc, void *coordinate)
{
    AvroScan *scan = node->fdw_state;
    AvroParallel *parallel = coordinate;
    const char *kept = (const char *) parallel + parallel->kept_offset;
    const char *path = (const char *) parallel + parallel->paths_offset;
    const char **paths = palloc_array(const char *, parallel->num_files + 1);

    lock_tranche();
    for (int i = 0; i < parallel->num_files; i++)
    {
        paths[i] = path;
        path += strlen(path) + 1;
    }
    avro_table_set_files(scan->table, paths, parallel->num_files);
    for (int i = 0; i < parallel->num_files; i++)
        scan->table->files[i].pruned = kept[i] ? AVRO_KEPT : AVRO_PRUNED_BY_PATH;
    if (parallel->schema_len > 0)
        avro_table_set_schema(scan->table, (const char *) parallel + parallel->schema_offset,
                              parallel->schema_len);
    avro_scan_decide(scan);
    scan->shared = &parallel->shared;
    scan->lost = parallel->lost;
    scan->parallel = true;
    scan->prepared = true;
}

void
avroShutdownForeignScan(ForeignScanState *node)
{
    AvroScan *scan = node->fdw_state;

    if (((ForeignScan *) node->ss.ps.plan)->scan.scanrelid == 0 || !scan->parallel)
        return;
    avro_scan_share_progress(scan);
    if (IsParallelWorker())
        return;
    avro_scan_collect(scan);
    /* The shared memory is about to go. */
    scan->parallel = false;
    scan->shared = &scan->local;
    scan->lost = scan->local_lost;
    scan->in_block = false;
}
