/*
 * extension/avro_fdw.c
 *     SQL: the handler of the foreign-data wrapper.
 */
#include "postgres.h"

#include "foreign/fdwapi.h"

#include "avro_import.h"
#include "avro_insert.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(avro_fdw_handler);

Datum
avro_fdw_handler(PG_FUNCTION_ARGS)
{
    FdwRoutine *routine = makeNode(FdwRoutine);

    routine->ImportForeignSchema = avroImportForeignSchema;
    routine->IsForeignRelUpdatable = avroIsForeignRelUpdatable;
    routine->PlanForeignModify = avroPlanForeignModify;
    routine->BeginForeignModify = avroBeginForeignModify;
    routine->BeginForeignInsert = avroBeginForeignInsert;
    routine->ExecForeignInsert = avroExecForeignInsert;
    routine->EndForeignModify = avroEndForeignModify;
    routine->EndForeignInsert = avroEndForeignInsert;
    PG_RETURN_POINTER(routine);
}
