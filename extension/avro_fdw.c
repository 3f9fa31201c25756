/*
 * extension/avro_fdw.c
 *     The handler of the foreign-data wrapper avro_fdw.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

#include "avro_fdw.h"
#include "avro_import.h"
#include "avro_insert.h"

PG_FUNCTION_INFO_V1(avro_fdw_handler);

/* avro_fdw_handler() */
Datum
avro_fdw_handler(PG_FUNCTION_ARGS)
{
    FdwRoutine *routine = makeNode(FdwRoutine);

    routine->GetForeignRelSize = avroGetForeignRelSize;
    routine->GetForeignPaths = avroGetForeignPaths;
    routine->GetForeignPlan = avroGetForeignPlan;
    routine->GetForeignUpperPaths = avroGetForeignUpperPaths;
    routine->IsForeignScanParallelSafe = avroIsForeignScanParallelSafe;

    routine->BeginForeignScan = avroBeginForeignScan;
    routine->IterateForeignScan = avroIterateForeignScan;
    routine->ReScanForeignScan = avroReScanForeignScan;
    routine->EndForeignScan = avroEndForeignScan;
    routine->ExplainForeignScan = avroExplainForeignScan;

    routine->EstimateDSMForeignScan = avroEstimateDSMForeignScan;
    routine->InitializeDSMForeignScan = avroInitializeDSMForeignScan;
    routine->ReInitializeDSMForeignScan = avroReInitializeDSMForeignScan;
    routine->InitializeWorkerForeignScan = avroInitializeWorkerForeignScan;
    routine->ShutdownForeignScan = avroShutdownForeignScan;

    routine->AnalyzeForeignTable = avroAnalyzeForeignTable;
    routine->ImportForeignSchema = avroImportForeignSchema;

    routine->PlanForeignModify = avroPlanForeignModify;
    routine->BeginForeignModify = avroBeginForeignModify;
    routine->ExecForeignInsert = avroExecForeignInsert;
    routine->EndForeignModify = avroEndForeignModify;
    routine->BeginForeignInsert = avroBeginForeignInsert;
    routine->EndForeignInsert = avroEndForeignInsert;
    routine->IsForeignRelUpdatable = avroIsForeignRelUpdatable;

    PG_RETURN_POINTER(routine);
}
