/*
 * loader/report.c
 *     The command report: the session report from the database, or from files.
 */
#include "argument.h"
#include "commands.h"
#include "log.h"
#include "offline_report.h"
#include "report_database.h"

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
    line_format_settings input;
    const char *prefix;
    const char *mapping;
    int64_t jobs;
    const char *memory;
    int64_t max_rejects;
    const char *rejects;
} report_settings;

#define FRAME_OVERLAP 1 /* index into frame_names */

static const char *const frame_names[] = {"start", "overlap", NULL};
static const char *const format_names[] = {"table", "csv", "json", "html", NULL};
static const report_ops *const formats[] = {&report_table_ops, &report_csv_ops, &report_json_ops,
                                            &report_html_ops};

static const report_settings defaults = {.jobs = OFFLINE_JOBS_CHOSEN};

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
     "table (default), csv, json, or html: one page\nwith totals and charts", format_names},
    {"timezone", 0, OPTION_TEXT, offsetof(report_settings, timezone), "ZONE",
     "time zone of the times shown, and of those\ngiven without an offset (default: " ENV_TIMEZONE
     ", else\n" DEFAULT_TIMEZONE ")",
     NULL},
    {"schema", 0, OPTION_TEXT, offsetof(report_settings, schema), "SCHEMA",
     "schema of the report and its tables (default:\nthe first of the search path)", NULL},
    {"mapping", 0, OPTION_TEXT, offsetof(report_settings, mapping), "FILE",
     "with FILEs: CSV or Avro of campaign_id and\nreward_id; without it no reward is driven", NULL},
    {"input-format", 0, OPTION_CHOICE, offsetof(report_settings, input.kind), "FORMAT",
     "with FILEs: of those that are logs: plain\n(default), combined (Apache, nginx; common, too), "
     "or\njson: one object a line",
     line_format_names},
    {"user-field", 0, OPTION_CHOICE, offsetof(report_settings, input.user), "FIELD", LINE_USER_HELP,
     line_user_names},
    {"field", 0, OPTION_LIST, offsetof(report_settings, input.fields), "NAME=KEY", LINE_FIELD_HELP,
     NULL},
    {"path-prefix", 0, OPTION_TEXT, offsetof(report_settings, prefix), "PREFIX",
     "with FILEs: views are GET PREFIX/campaigns/ID,\nissues POST PREFIX/rewards/ID", NULL},
    {"jobs", 'j', OPTION_COUNT, offsetof(report_settings, jobs), "N",
     "with FILEs: threads, up to 64 (default: one for\neach processor)", NULL},
    {"memory", 0, OPTION_TEXT, offsetof(report_settings, memory), "SIZE",
     "with FILEs: what is beyond it goes to temporary\nfiles (default: " DEFAULT_REPORT_MEMORY ")",
     NULL},
    {"rejects", 0, OPTION_TEXT, offsetof(report_settings, rejects), "FILE",
     "with FILEs: write refused lines and records to\nthis file as JSON lines", NULL},
    {"max-rejects", 0, OPTION_COUNT, offsetof(report_settings, max_rejects), "N",
     "with FILEs: stop when more than N lines and\nrecords are refused (default: 0)", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Report an option that has no meaning here. */
static exit_status
refuse_option(const char *option, bool has_files)
{
    log_error("option \"--%s\" is for the report from %s", option,
              has_files ? "the database" : "files");
    if (has_files)
        log_hint("Without files on the command line the report comes from the database.");
    else
        log_hint("Name the Avro files or logs to report on behind the options.");
    return STATUS_USAGE;
}

/* Check that the options given go with the report's source. */
static exit_status
check_options(const report_settings *settings, bool has_files)
{
    const struct
    {
        const char *name;
        bool is_given;
        bool for_files;
    } given[] = {
        {"mapping", settings->mapping != NULL, true},
        {"input-format", settings->input.kind != LINE_PLAIN, true},
        {"user-field", settings->input.user != CS_COMBINED_USER, true},
        {"field", settings->input.fields.count > 0, true},
        {"path-prefix", settings->prefix != NULL, true},
        {"jobs", settings->jobs != defaults.jobs, true},
        {"memory", settings->memory != NULL, true},
        {"rejects", settings->rejects != NULL, true},
        {"max-rejects", settings->max_rejects > 0, true},
        {"schema", settings->schema != NULL, false},
        {"dbname", settings->connection.dbname != NULL, false},
        {"host", settings->connection.host != NULL, false},
        {"port", settings->connection.port != NULL, false},
        {"username", settings->connection.user != NULL, false},
    };

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        if (given[i].is_given && given[i].for_files != has_files)
            return refuse_option(given[i].name, has_files);
    return STATUS_OK;
}

/* What is asked for, wherever the answer comes from. */
static report_question
make_question(const report_settings *settings)
{
    const char *environment = getenv(ENV_TIMEZONE);
    const char *zone = settings->timezone;

    if (zone == NULL)
        zone = environment != NULL && environment[0] != '\0' ? environment : DEFAULT_TIMEZONE;
    return (report_question){.since = settings->since,
                             .until = settings->until,
                             .gap = settings->gap,
                             .overlap = settings->frame == FRAME_OVERLAP,
                             .timezone = zone,
                             .pairs = formats[settings->format]->pair != NULL};
}

/* True if a failure is that the server could not read this parameter, as it then says. */
static bool
is_unread(const PGresult *result, char parameter)
{
    static const char *const unread[] = {"22007", "22008", "22015"}; /* of times and intervals */
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *place = context != NULL ? strchr(context, '$') : NULL;

    for (size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); i++)
        if (connection_failed_with(result, unread[i]))
            return place != NULL && place[1] == parameter;
    return false;
}

/* Refuse the argument that the server could not read, in the words of reports from files. */
static exit_status
refuse_unread(const report_question *question, const PGresult *result)
{
    if (question->since != NULL && is_unread(result, REPORT_SINCE))
        return refuse_time_argument("from", question->since);
    if (question->until != NULL && is_unread(result, REPORT_UNTIL))
        return refuse_time_argument("to", question->until);
    if (question->gap != NULL && is_unread(result, REPORT_GAP))
        return refuse_gap_argument("gap", question->gap);
    return STATUS_OK;
}

/* report_server.failed: an argument that the server does not take is a usage error. */
static exit_status
report_failure(void *ctx, connection *server, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool missing = connection_failed_with(result, SQLSTATE_UNDEFINED_FUNCTION) ||
                   connection_failed_with(result, SQLSTATE_UNDEFINED_SCHEMA);
    bool argument = sqlstate != NULL && strncmp(sqlstate, "22", 2) == 0;
    exit_status status = refuse_unread(ctx, result);

    if (status != STATUS_OK)
    {
        PQclear(result);
        return status;
    }
    status = connection_report(server, result);
    if (missing && status == STATUS_SERVER)
        log_hint("\"%s init\" creates the report; \"--schema\" names the schema it is in.",
                 PROGRAM_NAME);
    return argument && status == STATUS_SERVER ? STATUS_USAGE : status;
}

/* The report from the database. */
static exit_status
report_from_database(const report_settings *settings, report_question *question)
{
    const report_ops *format = formats[settings->format];
    connection server;
    report_server asked = {&server, settings->schema, report_failure, question};
    report_rows *rows = NULL;
    exit_status status;

    STATUS_TRY(connection_open(&server, &settings->connection));
    status = report_database_open(&asked, question, &rows);
    if (status == STATUS_OK)
    {
        status = report_write(rows, format, question);
        rows->ops->close(rows);
    }
    connection_close(&server);
    return status;
}

/* The report from files. */
static exit_status
report_from_files(const report_settings *settings, const report_question *question,
                  const operand_list *files)
{
    const report_ops *format = formats[settings->format];
    offline_settings offline = {.files = files,
                                .format = &settings->input,
                                .prefix = settings->prefix,
                                .mapping = settings->mapping,
                                .jobs = settings->jobs,
                                .memory = settings->memory,
                                .max_rejects = settings->max_rejects,
                                .rejects = settings->rejects};
    report_rows *rows = NULL;
    exit_status status;

    STATUS_TRY(offline_report_open(&offline, question, format, &rows));
    status = report_write(rows, format, question);
    rows->ops->close(rows);
    return status;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *operands)
{
    const report_settings *settings = given;
    report_question question = make_question(settings);
    bool has_files = operands->count > 0;

    STATUS_TRY(check_options(settings, has_files));
    return has_files ? report_from_files(settings, &question, operands)
                     : report_from_database(settings, &question);
}

const command_spec report_command = {
    .name = "report",
    .arguments = "[FILE]...",
    .summary = "print the session report",
    .description =
        "One row for each session of a user: any requests count, as long as each pause\n"
        "is shorter than the gap; a pause of exactly the gap starts a new session. A\n"
        "view is GET /campaigns/ID, an issued reward is POST /rewards/ID. The lists hold\n"
        "distinct ids in the order of their first occurrence. A reward is driven by a\n"
        "campaign view if it was issued in the same session, strictly later than a view\n"
        "of a campaign that the table campaign_reward_mapping maps it to. A time frame\n"
        "[from, to) chooses sessions, and never cuts one. Requests without a user or\n"
        "without a time are in no session.\n\n"
        "With FILEs the report is made from them, without any server: Avro files and\n"
        "text logs, told apart by their content; \"-\" is standard input. The rows are the\n"
        "same. Temporary files, where memory does not do, go to the directory that\n"
        "TMPDIR names, else to /var/tmp.",
    .examples = "clickstream report -d shop --from 2024-03-01 --to 2024-04-01\n"
                "clickstream report --mapping mapping.csv --format csv http_log.avro\n"
                "clickstream report -d shop --format html --timezone Asia/Singapore \\\n"
                "    > page.html",
    .options = options,
    .connects = true,
    .may_have_operands = true,
    .settings_size = sizeof(report_settings),
    .defaults = &defaults,
    .run = run,
};
