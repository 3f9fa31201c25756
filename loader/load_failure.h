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

/* Why the server refuses a row, kept until the rows before it are in place. */
typedef struct row_failure
{
    const char *sqlstate;
    const char *column; /* NULL if none is named */
    char reason[CS_ERROR_MESSAGE_SIZE];
} row_failure;

/*
 * Keep why the server refuses a row: from the parts of its message, of which each may be NULL or
 * empty, or from a result. NULL without memory. Freed with free().
 */
row_failure *row_failure_make(const char *sqlstate, const char *column, const char *message,
                              const char *detail);
row_failure *row_failure_of(const PGresult *result);

/* True if a row is refused for what it is, whatever other rows there are. */
bool row_failure_lies_in_row(const row_failure *failure);

/*
 * Report a failed COPY or COMMIT, and clear its result: STATUS_REFUSED where the server
 * refuses the data itself.
 */
exit_status load_report_failure(connection *server, PGresult *result);

#endif
