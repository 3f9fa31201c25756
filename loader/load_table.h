/*
 * loader/load_table.h
 *     The table that is loaded, and which field goes to which of its columns.
 */
#ifndef LOADER_LOAD_TABLE_H
#define LOADER_LOAD_TABLE_H

#include "connection.h"
#include "copy_encoder.h"
#include "options.h"
#include "row_source.h"

/* A table, as the server describes it. */
typedef struct load_table
{
    char *oid; /* as text, for parameters */
    char *schema;
    char *name;
    char *qualified;     /* schema and name, quoted where needed */
    char *ledger_schema; /* where load_batch and load_reject are */
    bool is_partitioned;
    PGresult *columns; /* see table_columns.sql: a row for each, */
} load_table;

/* and these are its fields. */
enum column_field
{
    COLUMN_NAME,
    COLUMN_OID,
    COLUMN_TYPE,
    COLUMN_NOT_NULL,
    COLUMN_GENERATED,
    COLUMN_DELIMITER /* of an array's items; NULL: it is no array */
};

/* Look a table up, in the running transaction. */
exit_status load_table_find(load_table *table, connection *server, const char *name,
                            const char *schema);
void load_table_free(load_table *table);

/* True if it has the column load_id, by which rows are known to be a load's. */
bool load_table_knows_loads(const load_table *table);

/* True if the table is the log of its ledger: sessions are made of its rows. */
bool load_table_is_log(const load_table *table);

/* What the user asks for; all zero: every field goes to the column of its name. */
typedef struct mapping_request
{
    option_list map;     /* of "field=column" */
    const char *columns; /* "a,b,c": load only these; NULL: a column for every field */
    bool quiet;          /* what is left out has been said before */
} mapping_request;

/* Which columns are loaded. */
typedef struct load_mapping
{
    load_column *columns;
    size_t count;
    size_t num_values; /* of a row: the fields of the file, and the load's id if add_load_id */
    bool add_load_id;
    int user_field;  /* that goes to the column user_id, -1 if none does */
    copy_form form;  /* what suits all columns */
    int text_column; /* the first whose binary form is not known, -1 if there is none */
} load_mapping;

/*
 * Match the fields of a source with the columns of a table, and tell the source which are
 * wanted. It must outlive the mapping.
 */
exit_status load_mapping_make(load_mapping *mapping, const load_table *table, row_source *source,
                              const mapping_request *request);
void load_mapping_free(load_mapping *mapping);

/* The COPY statement; NULL without memory. Freed by the caller. */
char *load_mapping_copy(const load_mapping *mapping, const load_table *table,
                        const connection *server);

#endif
