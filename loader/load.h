/*
 * loader/load.h
 *     What the parts of load share.
 */
#ifndef LOADER_LOAD_H
#define LOADER_LOAD_H

#include "connection.h"
#include "load_table.h"
#include "rejects.h"
#include "row_source.h"

/* What all files of a run share. */
typedef struct load_context
{
    connection *server;
    const char *table;  /* as the user called it; NULL: by the file */
    const char *schema; /* NULL: not given */
    bool again;
    row_format format;
    const mapping_request *mapping;
    reject_budget *budget;
    reject_file *rejects;
} load_context;

/* Load one file, in one transaction. */
exit_status load_file(const load_context *context, const char *name);

/*
 * Report a failed COPY or COMMIT: STATUS_REFUSED where the server refuses the
 * data itself. *row is the row's number in the COPY, 0 if the server does not say;
 * table is the table's name as the COPY gave it, rows how many were sent.
 */
exit_status load_report_failure(const connection *server, PGresult *result, const char *table,
                                int64_t rows, int64_t *row);

#endif
