/*
 * loader/load_failure.h
 *     What a failure of the server's says about the rows it was sent.
 */
#ifndef LOADER_LOAD_FAILURE_H
#define LOADER_LOAD_FAILURE_H

#include "connection.h"
#include "load_table.h"

/* A row that a failure names. */
typedef struct named_row
{
    int64_t number;     /* in the COPY, from 1; 0 if none is named */
    bool certain;       /* nothing but the COPY itself can have named it */
    const char *column; /* that was being read, NULL if that is not certain; the mapping's */
} named_row;

/* True if a failure is about the data: of the kinds that a row can cause. */
bool failure_blames_data(const PGresult *result);

/* What a COPY was about that has failed. */
typedef struct failed_copy
{
    const char *table; /* its name */
    const load_mapping *mapping;
    int64_t rows; /* that were sent */
} failed_copy;

/* The row that a failed COPY names. */
named_row failure_row(const PGresult *result, const failed_copy *copy);

/* Why the server refuses a row, kept until the rows before it are in place. */
typedef struct row_failure
{
    const char *sqlstate;
    const char *column; /* NULL if none is named */
    char reason[CS_ERROR_MESSAGE_SIZE];
} row_failure;

/*
 * Keep why the server refuses a row: from the parts of its message, of which each may be NULL or
 * empty, or from a result, which may not say itself which column is to blame. NULL without memory.
 * Freed with free().
 */
row_failure *row_failure_make(const char *sqlstate, const char *column, const char *message,
                              const char *detail);
row_failure *row_failure_of(const PGresult *result, const char *column);

/* True if a row is refused for what it is, whatever other rows there are. */
bool row_failure_lies_in_row(const row_failure *failure);

/*
 * Report a failed COPY or COMMIT, and clear its result: STATUS_REFUSED where the server
 * refuses the data itself.
 */
exit_status load_report_failure(connection *server, PGresult *result);

#endif
