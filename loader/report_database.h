/*
 * loader/report_database.h
 *     The rows of the session report from the database.
 */
#ifndef LOADER_REPORT_DATABASE_H
#define LOADER_REPORT_DATABASE_H

#include "connection.h"
#include "report_rows.h"

/* The parameters of the queries that hold what the user typed. */
#define REPORT_SINCE '1'
#define REPORT_UNTIL '2'
#define REPORT_GAP '3'

/* The server that is asked, and what to do where it refuses. */
typedef struct report_server
{
    connection *server;
    const char *schema; /* NULL: the first of the search path */

    /* Say why a query failed, and clear its result. */
    exit_status (*failed)(void *ctx, connection *server, PGresult *failure);
    void *ctx;
} report_server;

/*
 * Ask for the rows. Where the question wants pairs a transaction is open from then on, also
 * after a failure.
 */
exit_status report_database_open(const report_server *asked, const report_question *question,
                                 report_rows **rows);

#endif
