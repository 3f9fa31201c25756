/*
 * loader/connection.c
 *     Talking to the server.
 *
 * The connection is non-blocking: whatever is sent is flushed, and whatever is
 * awaited is waited for, in loops that look at the stop flag.
 */
#include "connection.h"

#include "log.h"
#include "secret.h"
#include "stop.h"

#include <stdlib.h>
#include <string.h>

#define NUM_PARAMETERS 9

/* A COPY is silent for long, and the network before a cluster forgets silent connections. */
#define REDSHIFT_KEEPALIVE_SECONDS "60"

/* Tell the user what the server has to say, but not that a thing is there already. */
static void
receive_notice(void *ctx, const PGresult *notice)
{
    static const char *const expected[] = {"42P06", "42P07", "42710"}; /* duplicate objects */
    const char *sqlstate = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    bool is_warning = severity != NULL && strcmp(severity, "WARNING") == 0;

    (void) ctx;
    for (size_t i = 0; sqlstate != NULL && i < sizeof(expected) / sizeof(expected[0]); i++)
        if (strcmp(sqlstate, expected[i]) == 0)
            return;
    if (message != NULL)
        log_line(is_warning ? "warning" : "notice", message);
}

/* Say what the connection is to, with --verbose. */
static void
describe(PGconn *pg)
{
    const char *protocol = PQsslInUse(pg) ? PQsslAttribute(pg, "protocol") : NULL;

    log_verbose("connected to database \"%s\" at %s, port %s, as \"%s\": PostgreSQL %s, %s%s",
                PQdb(pg), PQhost(pg), PQport(pg), PQuser(pg),
                PQparameterStatus(pg, "server_version"), protocol != NULL ? "with " : "without TLS",
                protocol != NULL ? protocol : "");
}

/*
 * Say why there is no connection. The reason why a connection string cannot be read would
 * quote what is wrong with it, which may be in the password.
 */
static void
report_unconnected(const char *message, const char *dbname)
{
    bool is_string = dbname != NULL && strpbrk(dbname, "=:") != NULL;
    char *reason = NULL;
    PQconninfoOption *options = is_string ? PQconninfoParse(dbname, &reason) : NULL;

    if (reason != NULL)
    {
        secret_mask_quoted(reason);
        log_error("the connection string cannot be read: %.*s", (int) strcspn(reason, "\n"),
                  reason);
    }
    else
        log_error("%.*s", (int) (strlen(message) - (strchr(message, '\n') != NULL)), message);
    PQconninfoFree(options);
    PQfreemem(reason);
}

/*
 * Open the connection; a signal meanwhile ends the program. libpq does not keep the SQLSTATE
 * of a failure: that a server is there, but starts or stops, only its ping tells.
 */
static exit_status
connect_server(connection *server, const connection_settings *settings, bool redshift)
{
    /* the first ones give way to what a connection string says */
    const char *keywords[NUM_PARAMETERS + 1] = {"sslmode",
                                                "gssencmode",
                                                "keepalives_idle",
                                                "host",
                                                "port",
                                                "user",
                                                "dbname",
                                                "fallback_application_name",
                                                "client_encoding",
                                                NULL};
    const char *values[NUM_PARAMETERS + 1] = {redshift && getenv("PGSSLMODE") == NULL ? "require"
                                                                                      : NULL,
                                              redshift ? "disable" : NULL,
                                              redshift ? REDSHIFT_KEEPALIVE_SECONDS : NULL,
                                              settings->host,
                                              settings->port,
                                              settings->user,
                                              settings->dbname,
                                              PROGRAM_NAME,
                                              "UTF8",
                                              NULL};

    stop_immediately(true);
    server->pg = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(server->pg) != CONNECTION_OK)
        server->transient = PQpingParams(keywords, values, 1) == PQPING_REJECT;
    stop_immediately(false);
    if (server->pg == NULL)
        return log_out_of_memory();
    if (PQstatus(server->pg) != CONNECTION_OK)
    {
        report_unconnected(PQerrorMessage(server->pg), settings->dbname);
        return STATUS_SERVER;
    }
    PQsetNoticeReceiver(server->pg, receive_notice, NULL);
    if (PQsetnonblocking(server->pg, 1) != 0)
        return log_out_of_memory();
    describe(server->pg);
    return STATUS_OK;
}

/*
 * Learn the user's search path and put it aside. What changes how names are written, by
 * which the ledger knows tables, or how what we send is read, is as we expect it.
 */
static exit_status
pin_settings(connection *server)
{
    PGresult *result;

    STATUS_TRY(
        connection_query(server,
                         "SELECT pg_catalog.current_setting('search_path'),"
                         " pg_catalog.current_schema(),"
                         " pg_catalog.set_config('quote_all_identifiers', 'off', false),"
                         " pg_catalog.set_config('standard_conforming_strings', 'on', false),"
                         " pg_catalog.set_config('array_nulls', 'on', false),"
                         " pg_catalog.set_config('transform_null_equals', 'off', false)",
                         0, NULL, &result));
    server->search_path = strdup(PQgetvalue(result, 0, 0));
    if (!PQgetisnull(result, 0, 1))
        server->schema = strdup(PQgetvalue(result, 0, 1));
    PQclear(result);
    if (server->search_path == NULL)
        return log_out_of_memory();
    return connection_run(
        server, "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)", 0,
        NULL);
}

exit_status
connection_open(connection *server, const connection_settings *settings)
{
    exit_status status;

    memset(server, 0, sizeof(*server));
    status = connect_server(server, settings, false);
    if (status == STATUS_OK)
        status = pin_settings(server);
    if (status != STATUS_OK)
        connection_close(server);
    return status;
}

/* Tell what Redshift has to say only where everything is told: every COPY says how it went. */
static void
receive_information(void *ctx, const PGresult *notice)
{
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

    (void) ctx;
    if (message != NULL)
        log_verbose("server: %s", message);
}

/* Learn the schema that names without one are looked up in. */
static exit_status
read_schema(connection *server)
{
    PGresult *result;

    STATUS_TRY(connection_query(server, "SELECT current_schema()", 0, NULL, &result));
    if (!PQgetisnull(result, 0, 0))
        server->schema = strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return STATUS_OK;
}

exit_status
connection_open_redshift(connection *server, const connection_settings *settings)
{
    exit_status status;

    memset(server, 0, sizeof(*server));
    status = connect_server(server, settings, true);
    if (status == STATUS_OK)
        PQsetNoticeReceiver(server->pg, receive_information, NULL);
    if (status == STATUS_OK)
        status = read_schema(server);
    if (status != STATUS_OK)
        connection_close(server);
    return status;
}

/* Close; a zeroed or closed connection is fine. What is known of the last failure stays. */
void
connection_close(connection *server)
{
    PQfinish(server->pg);
    free(server->search_path);
    free(server->schema);
    *server = (connection){.transient = server->transient};
}

/* Ask the server to end what it is doing. */
static void
cancel(connection *server)
{
    PGcancel *request = PQgetCancel(server->pg);
    char message[256];

    server->cancelled = true;
    if (request != NULL)
        PQcancel(request, message, sizeof(message));
    PQfreeCancel(request);
}

/*
 * Wait until the server has something for us, or with POLLOUT takes something.
 * On a signal the running statement is cancelled and waited for; false if it
 * does not end in time.
 */
static bool
wait_server(connection *server, short events)
{
    int fd = PQsocket(server->pg);

    if (fd < 0 || server->given_up)
        return false;
    if (!server->cancelled)
    {
        if (wait_for(fd, events, -1) == WAIT_READY)
            return true;
        cancel(server);
    }
    for (int waited = 0; waited < CANCEL_WAIT_MILLISECONDS; waited += STOP_POLL_MILLISECONDS)
    {
        struct pollfd ready = {.fd = fd, .events = events};

        if (poll(&ready, 1, STOP_POLL_MILLISECONDS) > 0)
            return true;
    }
    server->given_up = true;
    return false;
}

/* True if nothing more will be heard of the server. */
static bool
is_lost(const connection *server)
{
    return server->given_up || PQstatus(server->pg) == CONNECTION_BAD;
}

/* True if something has come from the server that libpq has not read. */
static bool
has_input(const connection *server)
{
    struct pollfd ready = {.fd = PQsocket(server->pg), .events = POLLIN};

    return poll(&ready, 1, 0) > 0;
}

/* Send what libpq holds back; false if the connection is lost. */
static bool
flush(connection *server)
{
    for (;;)
    {
        int left = PQflush(server->pg);

        if (left <= 0)
            return left == 0;
        if (!wait_server(server, POLLIN | POLLOUT))
            return false;
        server->answered = server->answered || has_input(server);
        if (PQconsumeInput(server->pg) == 0)
            return false;
    }
}

PGresult *
connection_next(connection *server)
{
    while (PQisBusy(server->pg))
        if (!wait_server(server, POLLIN) || PQconsumeInput(server->pg) == 0)
            return PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
    return PQgetResult(server->pg);
}

/* Send a statement; NULL, or the failure. */
static PGresult *
send_statement(connection *server, const char *sql, int count, const char *const *params)
{
    int sent;

    if (stop_requested())
        return PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
    sent = params == NULL ? PQsendQuery(server->pg, sql)
                          : PQsendQueryParams(server->pg, sql, count, NULL, params, NULL, NULL, 0);
    if (!sent || !flush(server))
        return PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
    return NULL;
}

PGresult *
connection_start(connection *server, const char *sql, int count, const char *const *params)
{
    PGresult *result = send_statement(server, sql, count, params);

    if (result == NULL)
        PQsetSingleRowMode(server->pg);
    return result;
}

PGresult *
connection_execute(connection *server, const char *sql, int count, const char *const *params)
{
    PGresult *result = send_statement(server, sql, count, params);
    PGresult *next;

    if (result != NULL)
        return result;
    while ((next = connection_next(server)) != NULL)
    {
        if (result != NULL && connection_failed(result))
        {
            PQclear(next); /* the first failure is the one that counts */
            if (is_lost(server))
                break;
            continue;
        }
        PQclear(result);
        result = next;
        if (PQresultStatus(result) == PGRES_COPY_IN || is_lost(server))
            break;
    }
    return result != NULL ? result : PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
}

bool
connection_failed(const PGresult *result)
{
    switch (PQresultStatus(result))
    {
        case PGRES_COMMAND_OK:
        case PGRES_TUPLES_OK:
        case PGRES_SINGLE_TUPLE:
        case PGRES_COPY_IN:
        case PGRES_EMPTY_QUERY:
            return false;
        default:
            return true;
    }
}

bool
connection_failed_with(const PGresult *result, const char *sqlstate)
{
    const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return found != NULL && strcmp(found, sqlstate) == 0;
}

/* Print a field of a failure, if it has it. */
static void
report_field(const PGresult *result, int field, const char *label)
{
    const char *text = PQresultErrorField(result, field);

    if (text != NULL)
        log_line(label, text);
}

/*
 * True if Redshift says that transactions were in each other's way (its error 1023), or
 * that S3, which it asks, has a bad moment: neither has a SQLSTATE of its own.
 */
static bool
redshift_may_pass(const char *message)
{
    static const char *const words[] = {"SlowDown", "InternalError", "ServiceUnavailable",
                                        "RequestTimeout"};

    if (strncmp(message, "1023", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(message, "S3ServiceException") != NULL && strstr(message, words[i]) != NULL)
            return true;
    return false;
}

/* True if a failure may be gone when the same is tried again a little later. */
static bool
may_pass(const connection *server, const char *sqlstate, const char *message)
{
    /* connection exceptions, shutdown and start, serialization, deadlock, too many connections */
    static const char *const passing[] = {"08", "57P", "40001", "40P01", "53300"};

    if (PQstatus(server->pg) == CONNECTION_BAD)
        return true;
    for (size_t i = 0; sqlstate != NULL && i < sizeof(passing) / sizeof(passing[0]); i++)
        if (strncmp(sqlstate, passing[i], strlen(passing[i])) == 0)
            return true;
    return message != NULL && redshift_may_pass(message);
}

exit_status
connection_report(connection *server, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    server->transient = may_pass(server, sqlstate, message);
    if (stop_requested() || (server->said != NULL && atomic_exchange(server->said, true)))
    {
        PQclear(result);
        return stop_requested() ? STATUS_INTERRUPTED : STATUS_SERVER;
    }
    if (message == NULL)
    {
        message = PQerrorMessage(server->pg);
        log_error("%.*s", (int) strcspn(message, "\n"), message[0] ? message : "connection lost");
    }
    else
        log_error("%s (SQLSTATE %s)", message, sqlstate != NULL ? sqlstate : "unknown");
    report_field(result, PG_DIAG_MESSAGE_DETAIL, "detail");
    report_field(result, PG_DIAG_MESSAGE_HINT, "hint");
    report_field(result, PG_DIAG_CONTEXT, "context");
    PQclear(result);
    return STATUS_SERVER;
}

exit_status
connection_query(connection *server, const char *sql, int count, const char *const *params,
                 PGresult **result)
{
    PGresult *answer = connection_execute(server, sql, count, params);
    bool failed = connection_failed(answer);

    *result = failed ? NULL : answer;
    return failed ? connection_report(server, answer) : STATUS_OK;
}

exit_status
connection_run(connection *server, const char *sql, int count, const char *const *params)
{
    PGresult *result;

    STATUS_TRY(connection_query(server, sql, count, params, &result));
    PQclear(result);
    return STATUS_OK;
}

exit_status
connection_use_schema(connection *server, const char *schema, bool in_transaction)
{
    const char *params[] = {schema, in_transaction ? "t" : "f"};

    return connection_run(server,
                          "SELECT pg_catalog.set_config('search_path',"
                          " pg_catalog.quote_ident($1) operator(pg_catalog.||) ', pg_temp', $2)",
                          2, params);
}

bool
connection_holds_unicode(const connection *server)
{
    const char *encoding = PQparameterStatus(server->pg, "server_encoding");

    return encoding == NULL || strcmp(encoding, "UTF8") == 0 || strcmp(encoding, "SQL_ASCII") == 0;
}

void
connection_rollback(connection *server)
{
    PGTransactionStatusType state = PQtransactionStatus(server->pg);
    int fd;

    if (state != PQTRANS_INTRANS && state != PQTRANS_INERROR)
        return; /* lost, or busy with what was not ended in time: closing it rolls back */
    if (!PQsendQuery(server->pg, "ROLLBACK"))
        return;
    fd = PQsocket(server->pg);
    while (PQflush(server->pg) == 1 || PQisBusy(server->pg))
    {
        struct pollfd ready = {.fd = fd, .events = POLLIN};

        if (poll(&ready, 1, CANCEL_WAIT_MILLISECONDS) <= 0 || PQconsumeInput(server->pg) == 0)
            return;
    }
    for (PGresult *result; (result = PQgetResult(server->pg)) != NULL;)
        PQclear(result);
}

bool
connection_copy_put(connection *server, const void *data, size_t len)
{
    return !stop_requested() && PQputCopyData(server->pg, data, (int) len) == 1 && flush(server) &&
           !stop_requested();
}

bool
connection_copy_answered(connection *server)
{
    bool answered = server->answered || has_input(server);

    server->answered = false;
    return answered;
}

bool
connection_copy_close(connection *server, const char *reason)
{
    return PQputCopyEnd(server->pg, reason) == 1 && flush(server);
}

PGresult *
connection_copy_result(connection *server)
{
    PGresult *result = NULL;
    PGresult *next;

    while ((next = connection_next(server)) != NULL)
    {
        if (result == NULL || (!connection_failed(result) &&
                               (connection_failed(next) || PQcmdTuples(next)[0] != '\0')))
        {
            PQclear(result);
            result = next;
        }
        else
            PQclear(next);
        if (is_lost(server))
            break;
    }
    return result != NULL ? result : PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
}

PGresult *
connection_copy_end(connection *server, const char *reason)
{
    if (!connection_copy_close(server, reason))
        return PQmakeEmptyPGresult(server->pg, PGRES_FATAL_ERROR);
    return connection_copy_result(server);
}

char *
connection_quote(const connection *server, const char *name)
{
    return PQescapeIdentifier(server->pg, name, strlen(name));
}

exit_status
connection_schema(const connection *server, const char *given, const char **schema)
{
    *schema = given != NULL ? given : server->schema;
    if (*schema != NULL)
        return STATUS_OK;
    log_error("no schema has been selected: none of the search path exists");
    log_hint("Name one with \"--schema\".");
    return STATUS_USAGE;
}

exit_status
connection_extension(connection *server, char **schema)
{
    PGresult *result;

    STATUS_TRY(connection_query(server,
                                "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n"
                                " ON n.oid = e.extnamespace WHERE e.extname = 'clickstream'",
                                0, NULL, &result));
    *schema = NULL;
    if (PQntuples(result) == 0)
    {
        PQclear(result);
        log_error("the extension is not in this database");
        log_hint("\"%s init\" creates it.", PROGRAM_NAME);
        return STATUS_SERVER;
    }
    *schema = connection_quote(server, PQgetvalue(result, 0, 0));
    PQclear(result);
    return *schema != NULL ? STATUS_OK : log_out_of_memory();
}
