/*
 * loader/report_database.c
 *     The rows of the session report from the database.
 */
#include "report_database.h"

#include "log.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that our form may have more than the server's: five digits, and ":00". */
#define REPORT_TIME_GROWTH 9

typedef struct database_rows
{
    report_rows base;
    connection *server;
    PGresult *result; /* holds the row handed out last */
} database_rows;

/* The arguments of session_report that the user gave. */
typedef struct report_arguments
{
    const char *values[4];
    char list[128]; /* "since => $1, ..." */
    int count;
} report_arguments;

/* Add an argument unless it was not given. */
static void
add_argument(report_arguments *arguments, const char *name, const char *value)
{
    size_t len = strlen(arguments->list);

    if (value == NULL)
        return;
    arguments->values[arguments->count++] = value;
    snprintf(arguments->list + len, sizeof(arguments->list) - len, "%s%s => $%d",
             len > 0 ? ", " : "", name, arguments->count);
}

/* Make the query; NULL without memory. */
static char *
make_query(const connection *server, const char *schema, const report_arguments *arguments)
{
    char *quoted = connection_quote(server, schema);
    char *sql = NULL;

    if (quoted != NULL &&
        asprintf(&sql,
                 "SELECT user_id, session_start, session_end, campaigns, rewards_issued,"
                 " reward_driven_by_campaign_view FROM %s.session_report(%s)"
                 " ORDER BY user_id COLLATE \"C\", session_start",
                 quoted, arguments->list) < 0)
        sql = NULL;
    PQfreemem(quoted);
    return sql;
}

/* Report a failed query: an argument that the server does not take is a usage error. */
static exit_status
report_failure(const connection *server, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool missing = connection_failed_with(result, SQLSTATE_UNDEFINED_FUNCTION) ||
                   connection_failed_with(result, SQLSTATE_UNDEFINED_SCHEMA);
    bool argument = sqlstate != NULL && strncmp(sqlstate, "22", 2) == 0;
    exit_status status = connection_report(server, result);

    if (missing && status == STATUS_SERVER)
        log_hint("\"%s init\" creates the report; \"--schema\" names the schema it is in.",
                 PROGRAM_NAME);
    return argument && status == STATUS_SERVER ? STATUS_USAGE : status;
}

/* Make the server print what read_row reads. */
static exit_status
set_session(connection *server, const char *zone)
{
    PGresult *result = connection_execute(server,
                                "SELECT set_config('DateStyle', 'ISO, YMD', false),"
                                " set_config('IntervalStyle', 'postgres', false),"
                                " set_config('TimeZone', $1, false)",
                                1, &zone);
    if (connection_failed(result))
        return report_failure(server, result);
    PQclear(result);
    return STATUS_OK;
}

/* The length of the run of digits at text. */
static size_t
digits(const char *text)
{
    return strspn(text, "0123456789");
}

/*
 * Turn the server's ISO form of a time, "2024-03-10 08:00:00.5+08", into ours,
 * "2024-03-10T08:00:00.500000+08:00"; return the length. Text that is not of
 * that form ("infinity") is copied.
 */
static size_t
format_time(const char *text, char out[REPORT_TIME_SIZE])
{
    const char *space = strchr(text, ' ');
    const char *fraction, *offset, *rest;
    char micros[8] = "";
    size_t seconds_end;

    if (space == NULL || strlen(text) > REPORT_TIME_SIZE - REPORT_TIME_GROWTH)
        return (size_t) snprintf(out, REPORT_TIME_SIZE, "%s", text);
    seconds_end = strcspn(space, ".+-");
    fraction = space + seconds_end;
    offset = fraction;
    if (*fraction == '.')
    {
        offset = fraction + 1 + digits(fraction + 1);
        snprintf(micros, sizeof(micros), ".%.*s", (int) (offset - fraction - 1), fraction + 1);
        for (size_t len = strlen(micros); len < sizeof(micros) - 1; len++)
            micros[len] = '0';
    }
    /* the offset is +hh, +hh:mm or +hh:mm:ss, and may be followed by " BC" */
    rest = offset + strcspn(offset, " ");
    return (size_t) snprintf(out, REPORT_TIME_SIZE, "%.*sT%.*s%s%.*s%s%s", (int) (space - text),
                             text, (int) seconds_end - 1, space + 1, micros, (int) (rest - offset),
                             offset, rest - offset == 3 ? ":00" : "", rest);
}

/* Take a row of a query's result, its times in the form that the report shows. */
static void
read_row(report_row *row, const PGresult *result)
{
    row->pairs = NULL;
    row->num_pairs = 0;
    for (int i = 0; i < REPORT_COLUMNS; i++)
    {
        const char *text = PQgetvalue(result, 0, i);

        if (PQgetisnull(result, 0, i))
            row->cells[i] = (cs_slice){NULL, 0};
        else if (report_columns[i].type == REPORT_TIME)
            row->cells[i] = (cs_slice){row->times[i], format_time(text, row->times[i])};
        else
            row->cells[i] = (cs_slice){text, (size_t) PQgetlength(result, 0, i)};
    }
}

/* report_rows_ops.next */
static exit_status
next(report_rows *base, report_row *row, bool *end)
{
    database_rows *rows = (database_rows *) base;

    for (;;)
    {
        PQclear(rows->result);
        rows->result = connection_next(rows->server);
        *end = rows->result == NULL;
        if (*end)
            return STATUS_OK;
        if (connection_failed(rows->result))
        {
            PGresult *failure = rows->result;

            rows->result = NULL;
            return report_failure(rows->server, failure);
        }
        if (PQntuples(rows->result) == 1)
        {
            read_row(row, rows->result);
            return STATUS_OK;
        }
    }
}

/* report_rows_ops.close */
static void
close_rows(report_rows *base)
{
    database_rows *rows = (database_rows *) base;

    PQclear(rows->result);
    free(rows);
}

static const report_rows_ops ops = {next, NULL, close_rows};

/* Send the query. */
static exit_status
start_query(connection *server, const char *schema, const report_question *question)
{
    report_arguments arguments = {.list = ""};
    PGresult *failure;
    char *sql;

    add_argument(&arguments, "since", question->since);
    add_argument(&arguments, "until", question->until);
    add_argument(&arguments, "gap", question->gap);
    add_argument(&arguments, "frame", question->overlap ? "overlap" : "start");
    sql = make_query(server, schema, &arguments);
    if (sql == NULL)
        return log_out_of_memory();
    failure = connection_start(server, sql, arguments.count, arguments.values);
    free(sql);
    return failure == NULL ? STATUS_OK : report_failure(server, failure);
}

exit_status
report_database_open(connection *server, const char *schema, const report_question *question,
                     report_rows **out)
{
    database_rows *rows;

    STATUS_TRY(connection_schema(server, schema, &schema));
    STATUS_TRY(set_session(server, question->timezone));
    STATUS_TRY(start_query(server, schema, question));
    rows = calloc(1, sizeof(database_rows));
    if (rows == NULL)
        return log_out_of_memory();
    rows->base.ops = &ops;
    rows->server = server;
    *out = &rows->base;
    return STATUS_OK;
}
