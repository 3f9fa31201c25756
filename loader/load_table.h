/*
 * loader/load_table.h
 *     The table that is loaded, and which field goes to which of its columns.
 */
#ifndef LOADER_LOAD_TABLE_H
#define LOADER_LOAD_TABLE_H

#include "connection.h"
#include "copy_encoder.h"
#include "row_source.h"

/* A table, as the server describes it. */
typedef struct load_table
{
    char *oid; /* as text, for parameters */
    char *schema;
    char *name;
    char *qualified;     /* schema and name, quoted where needed */
    char *ledger_schema; /* where load_batch and load_reject are */
    PGresult *columns;   /* see table_columns.sql */
} load_table;

/* Look a table up, in the running transaction. */
exit_status load_table_find(load_table *table, connection *server, const char *name,
                            const char *schema);
void load_table_free(load_table *table);

/* Which columns are loaded. */
typedef struct load_mapping
{
    load_column *columns;
    size_t count;
    size_t num_values; /* of a row: the fields of the file, and the load's id if add_load_id */
    bool add_load_id;
    int user_field; /* that goes to the column user_id, -1 if none does */
} load_mapping;

/* Match the fields of a source with the columns of a table. */
exit_status load_mapping_make(load_mapping *mapping, const load_table *table,
                              const row_source *source);
void load_mapping_free(load_mapping *mapping);

/* The COPY statement; NULL without memory. Freed by the caller. */
char *load_mapping_copy(const load_mapping *mapping, const load_table *table,
                        const connection *server);

#endif
