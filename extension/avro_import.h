/*
 * extension/avro_import.h
 *     IMPORT FOREIGN SCHEMA from Avro files.
 */
#ifndef CLICKSTREAM_AVRO_IMPORT_H
#define CLICKSTREAM_AVRO_IMPORT_H

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "compat.h"

/* FDW callback: the CREATE FOREIGN TABLE command for one table over all files. */
List *avroImportForeignSchema(ImportForeignSchemaStmt *statement, Oid server);

#endif
