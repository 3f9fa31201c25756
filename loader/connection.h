/*
 * loader/connection.h
 *     A connection to the server: libpq behind one struct.
 *
 * Every wait can be interrupted: the running statement is cancelled, and the
 * function returns as if the server had refused it. After connecting, the
 * search path is pg_catalog alone; the user's own is kept for looking up names
 * and for what runs while rows are copied. Settings that change what our statements
 * and data mean are pinned, whatever role, database or PGOPTIONS say.
 */
#ifndef LOADER_CONNECTION_H
#define LOADER_CONNECTION_H

#include "defaults.h"
#include "options.h"

#include <libpq-fe.h>
#include <stdatomic.h>

#define SQLSTATE_UNDEFINED_FUNCTION "42883"
#define SQLSTATE_UNDEFINED_SCHEMA "3F000"
#define SQLSTATE_UNDEFINED_COLUMN "42703"
#define SQLSTATE_NOT_ALLOWED "42501"

typedef struct connection
{
    PGconn *pg;
    char *search_path; /* the user's own */
    char *schema;      /* the first schema of it that exists; NULL if none does */
    bool answered;     /* something came while a COPY's data was sent */
    bool cancelled;    /* a cancel request was sent, because of a signal */
    bool given_up;     /* it was not answered in time */
    bool transient;    /* the failure that was reported last may pass by itself */
    atomic_bool *said; /* shared by connections of which only the first to fail reports; or NULL */
} connection;

exit_status connection_open(connection *server, const connection_settings *settings);

/*
 * Open a connection to Amazon Redshift: encrypted unless the user says otherwise, and
 * nothing is set that it may not know. The search path stays the user's own.
 */
exit_status connection_open_redshift(connection *server, const connection_settings *settings);
void connection_close(connection *server);

/*
 * Run a statement with text parameters, or without any (params NULL) several
 * statements. Never NULL; connection_failed tells. The caller clears the result.
 */
PGresult *connection_execute(connection *server, const char *sql, int count,
                             const char *const *params);

/* True if the result is that of a failure. */
bool connection_failed(const PGresult *result);

/* True if the result is a failure with this SQLSTATE. */
bool connection_failed_with(const PGresult *result, const char *sqlstate);

/* Report a failure and clear its result: STATUS_SERVER or STATUS_INTERRUPTED. */
exit_status connection_report(connection *server, PGresult *result);

/* Like connection_execute, but reports a failure; *result is the caller's to clear, NULL then. */
exit_status connection_query(connection *server, const char *sql, int count,
                             const char *const *params, PGresult **result);

/* Like connection_query, for statements whose result is of no interest. */
exit_status connection_run(connection *server, const char *sql, int count,
                           const char *const *params);

/* Send a query whose rows are fetched one by one with connection_next; NULL, or its failure. */
PGresult *connection_start(connection *server, const char *sql, int count,
                           const char *const *params);

/* The next result of what was sent, NULL behind the last one. */
PGresult *connection_next(connection *server);

/* Look names up in a schema, then among temporary tables: in this transaction, or in the session.
 */
exit_status connection_use_schema(connection *server, const char *schema, bool in_transaction);

/* True if the database holds every character: UTF8, or SQL_ASCII, which looks at none. */
bool connection_holds_unicode(const connection *server);

/* End a transaction that failed; quiet where the connection is gone. */
void connection_rollback(connection *server);

/* Send data in a COPY FROM STDIN; false if the connection is lost or a signal asks to stop. */
bool connection_copy_put(connection *server, const void *data, size_t len);

/*
 * True if the server has said something while data was sent: a notice, or that the COPY
 * failed. libpq tells that only when the COPY is ended.
 */
bool connection_copy_answered(connection *server);

/*
 * End a COPY, with a reason if it shall fail. The result, the caller's to clear, is that of
 * the first failure, else of the last statement that counted rows: others may follow the COPY
 * in its query.
 */
PGresult *connection_copy_end(connection *server, const char *reason);

/* The same in two steps, so that other work can be done meanwhile: false if the connection is lost.
 */
bool connection_copy_close(connection *server, const char *reason);
PGresult *connection_copy_result(connection *server);

/* A name as SQL, quoted where needed; freed with PQfreemem. NULL without memory. */
char *connection_quote(const connection *server, const char *name);

/* The schema to work in: the given one, or the user's first. Reports if there is none. */
exit_status connection_schema(const connection *server, const char *given, const char **schema);

/* The schema of the extension, quoted; freed with PQfreemem. Reports if it is not there. */
exit_status connection_extension(connection *server, char **schema);

#endif
