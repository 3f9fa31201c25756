/*
 * loader/load_failure.h
 *     What a failure of the server's says about the rows it was sent.
 */
#ifndef LOADER_LOAD_FAILURE_H
#define LOADER_LOAD_FAILURE_H

#include "connection.h"
#include "row_source.h"

/* A row that a failure names. */
typedef struct named_row
{
    int64_t number; /* in the COPY, from 1; 0 if none is named */
    bool certain;   /* nothing but the COPY itself can have named it */
} named_row;

/* True if a failure is about the data: of the kinds that a row can cause. */
bool failure_blames_data(const PGresult *result);

/* The row that a failed COPY names; table is the table's name, rows how many were sent. */
named_row failure_row(const PGresult *result, const char *table, int64_t rows);

/* Say why the server refuses a row. SQLSTATE and column are borrowed from the result. */
void failure_reason(const PGresult *result, refusal *why);

/*
 * Report a failed COPY or COMMIT, and clear its result: STATUS_REFUSED where the server
 * refuses the data itself.
 */
exit_status load_report_failure(connection *server, PGresult *result);

#endif
