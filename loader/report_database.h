/*
 * loader/report_database.h
 *     The rows of the session report from the database.
 */
#ifndef LOADER_REPORT_DATABASE_H
#define LOADER_REPORT_DATABASE_H

#include "connection.h"
#include "report_rows.h"

/* Ask the server; schema is NULL for the first of the search path. */
exit_status report_database_open(connection *server, const char *schema,
                                 const report_question *question, report_rows **rows);

#endif
