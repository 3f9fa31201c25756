/*
 * loader/report.c
 *     The command report: the session report from the database.
 */
#include "commands.h"
#include "connection.h"
#include "log.h"
#include "report_format.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct report_settings
{
    connection_settings connection;
    const char *since;
    const char *until;
    const char *gap;
    int frame;
    int format;
    const char *timezone;
    const char *schema;
} report_settings;

static const char *const frame_names[] = {"start", "overlap", NULL};
static const char *const format_names[] = {"table", "csv", "json", NULL};
static const report_ops *const formats[] = {&report_table_ops, &report_csv_ops, &report_json_ops};

static const option_spec options[] = {
    {"from", 0, OPTION_TEXT, offsetof(report_settings, since), "TIME", "sessions from this time on",
     NULL},
    {"to", 0, OPTION_TEXT, offsetof(report_settings, until), "TIME", "sessions before this time",
     NULL},
    {"gap", 0, OPTION_TEXT, offsetof(report_settings, gap), "INTERVAL",
     "a pause this long ends a session\n(default: 5 min)", NULL},
    {"frame", 0, OPTION_CHOICE, offsetof(report_settings, frame), "FRAME",
     "start: sessions that start in the time frame\n(default); overlap: sessions with any\n"
     "activity in it",
     frame_names},
    {"format", 0, OPTION_CHOICE, offsetof(report_settings, format), "FORMAT",
     "table (default), csv or json", format_names},
    {"timezone", 0, OPTION_TEXT, offsetof(report_settings, timezone), "ZONE",
     "time zone of the times shown, and of those\ngiven without an offset (default: " ENV_TIMEZONE
     ", else\n" DEFAULT_TIMEZONE ")",
     NULL},
    {"schema", 0, OPTION_TEXT, offsetof(report_settings, schema), "SCHEMA",
     "schema of the report and its tables (default:\nthe first of the search path)", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

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

/* Make the server print what report_format reads. */
static exit_status
set_session(connection *server, const report_settings *settings)
{
    const char *environment = getenv(ENV_TIMEZONE);
    const char *zone = settings->timezone;
    PGresult *result;

    if (zone == NULL)
        zone = environment != NULL && environment[0] != '\0' ? environment : DEFAULT_TIMEZONE;
    result = connection_execute(server,
                                "SELECT set_config('DateStyle', 'ISO, YMD', false),"
                                " set_config('IntervalStyle', 'postgres', false),"
                                " set_config('TimeZone', $1, false)",
                                1, &zone);
    if (connection_failed(result))
        return report_failure(server, result);
    PQclear(result);
    return STATUS_OK;
}

/* Write the rows as they arrive. */
static exit_status
write_rows(connection *server, report_writer *writer)
{
    PGresult *result;
    report_row row;

    while ((result = connection_next(server)) != NULL)
    {
        exit_status status = STATUS_OK;

        if (connection_failed(result))
            return report_failure(server, result);
        if (PQntuples(result) == 1)
        {
            report_row_read(&row, result);
            status = writer->ops->row(writer, &row);
        }
        PQclear(result);
        STATUS_TRY(status);
        if (stop_requested())
            return STATUS_INTERRUPTED;
    }
    return STATUS_OK;
}

/* Run the query and write its result. */
static exit_status
run_query(connection *server, const char *sql, const report_arguments *arguments,
          const report_ops *format)
{
    PGresult *failure = connection_start(server, sql, arguments->count, arguments->values);
    report_writer writer;
    exit_status status;

    if (failure != NULL)
        return report_failure(server, failure);
    report_writer_init(&writer, format);
    status = writer.ops->begin(&writer);
    if (status == STATUS_OK)
        status = write_rows(server, &writer);
    if (status == STATUS_OK)
        status = writer.ops->end(&writer);
    report_writer_free(&writer);
    return status;
}

/* Everything on the connection. */
static exit_status
report(connection *server, const report_settings *settings)
{
    report_arguments arguments = {.list = ""};
    const char *schema;
    exit_status status;
    char *sql;

    STATUS_TRY(connection_schema(server, settings->schema, &schema));
    STATUS_TRY(set_session(server, settings));
    add_argument(&arguments, "since", settings->since);
    add_argument(&arguments, "until", settings->until);
    add_argument(&arguments, "gap", settings->gap);
    add_argument(&arguments, "frame", frame_names[settings->frame]);
    sql = make_query(server, schema, &arguments);
    if (sql == NULL)
        return log_out_of_memory();
    status = run_query(server, sql, &arguments, formats[settings->format]);
    free(sql);
    return status;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *operands)
{
    const report_settings *settings = given;
    exit_status status;
    connection server;

    (void) operands;
    STATUS_TRY(connection_open(&server, &settings->connection));
    status = report(&server, settings);
    connection_close(&server);
    return status;
}

const command_spec report_command = {
    .name = "report",
    .arguments = "",
    .summary = "print the session report",
    .description =
        "One row for each session of a user: any requests count, as long as each pause\n"
        "is shorter than the gap; a pause of exactly the gap starts a new session. A\n"
        "view is GET /campaigns/ID, an issued reward is POST /rewards/ID. The lists hold\n"
        "distinct ids in the order of their first occurrence. A reward is driven by a\n"
        "campaign view if it was issued in the same session, strictly later than a view\n"
        "of a campaign that the table campaign_reward_mapping maps it to. A time frame\n"
        "[from, to) chooses sessions, and never cuts one. Requests without a user or\n"
        "without a time are in no session.",
    .options = options,
    .connects = true,
    .settings_size = sizeof(report_settings),
    .run = run,
};
