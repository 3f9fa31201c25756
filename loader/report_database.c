/*
 * loader/report_database.c
 *     The rows of the session report from the database.
 */
#include "report_database.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes that our form may have more than the server's: five digits, and ":00". */
#define REPORT_TIME_GROWTH 9

#define OFFSET_NAME_SIZE 32

typedef struct database_rows
{
    report_rows base;
    report_server asked;
    const report_question *question;
    bool asked_pairs; /* the query for the pairs was sent */
    PGresult *result; /* holds the row, or pair, handed out last */
} database_rows;

/* The columns of the query for pairs */
enum
{
    PAIR_CAMPAIGN,
    PAIR_NAME,
    PAIR_REWARD,
    PAIR_SESSIONS
};

/* All arguments, of exactly their types: no other function of the name is nearer. */
#define ARGUMENTS                                                                     \
    "(coalesce($1::timestamptz, '-infinity'), coalesce($2::timestamptz, 'infinity')," \
    " coalesce($3::interval, '5 min'), $4::text)"
#define ROWS_QUERY                                                           \
    "SELECT user_id, session_start, session_end, campaigns, rewards_issued," \
    " reward_driven_by_campaign_view FROM %s.session_report" ARGUMENTS       \
    " ORDER BY user_id COLLATE \"C\", session_start"
#define PAIRS_QUERY                                          \
    "SELECT campaign_id, campaign_name, reward_id, sessions" \
    " FROM %s.campaign_conversions" ARGUMENTS " ORDER BY campaign_id, reward_id"

#define ZONE_QUERY                                  \
    "SELECT FROM pg_catalog.pg_timezone_names AS z" \
    " WHERE pg_catalog.lower(z.name) OPERATOR(pg_catalog.=) pg_catalog.lower($1::text)"

/* Make the query of pairs, or of rows; NULL without memory. */
static char *
make_query(const connection *server, const char *schema, bool pairs)
{
    char *quoted = connection_quote(server, schema);
    char *sql = NULL;

    if (quoted != NULL &&
        (pairs ? asprintf(&sql, PAIRS_QUERY, quoted) : asprintf(&sql, ROWS_QUERY, quoted)) < 0)
        sql = NULL;
    PQfreemem(quoted);
    return sql;
}

/* Say why a query failed, in the asker's way, and clear its result. */
static exit_status
report_failure(const report_server *asked, PGresult *failure)
{
    return asked->failed(asked->ctx, asked->server, failure);
}

/*
 * Refuse a name that the server takes for a rule of POSIX ("UTC+3" is west of UTC there) because
 * it is no zone's. Such a rule has a digit.
 */
static exit_status
check_zone(const report_server *asked, const char *name)
{
    PGresult *result;
    bool exists;

    if (strpbrk(name, "0123456789") == NULL)
        return STATUS_OK;
    result = connection_execute(asked->server, ZONE_QUERY, 1, &name);
    if (connection_failed(result))
        return report_failure(asked, result);
    exists = PQntuples(result) > 0;
    PQclear(result);
    return exists ? STATUS_OK : report_zone_refuse(name);
}

/* Write the name that the server has for an offset: <+08:00>-08:00. */
static void
name_offset(int32_t offset, char name[OFFSET_NAME_SIZE])
{
    char east = offset < 0 ? '-' : '+', west = offset < 0 ? '+' : '-';
    int minutes = abs(offset) / 60;

    snprintf(name, OFFSET_NAME_SIZE, "<%c%02d:%02d>%c%02d:%02d", east, minutes / 60, minutes % 60,
             west, minutes / 60, minutes % 60);
}

/* Make the server print what read_row reads. */
static exit_status
set_session(const report_server *asked, const char *zone)
{
    char name[OFFSET_NAME_SIZE];
    PGresult *result;
    int32_t offset;

    if (report_zone_offset(zone, &offset))
    {
        name_offset(offset, name);
        zone = name;
    }
    else
        STATUS_TRY(check_zone(asked, zone));
    result = connection_execute(asked->server,
                                "SELECT pg_catalog.set_config('DateStyle', 'ISO, YMD', false),"
                                " pg_catalog.set_config('IntervalStyle', 'postgres', false),"
                                " pg_catalog.set_config('TimeZone', $1, false)",
                                1, &zone);
    if (connection_failed(result))
        return report_failure(asked, result);
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
    bool is_short;

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
    /* the offset is +hh, +hh:mm or +hh:mm:ss, hh up to 167, and may be followed by " BC" */
    rest = offset + strcspn(offset, " ");
    is_short = memchr(offset, ':', (size_t) (rest - offset)) == NULL;
    return (size_t) snprintf(out, REPORT_TIME_SIZE, "%.*sT%.*s%s%.*s%s%s", (int) (space - text),
                             text, (int) seconds_end - 1, space + 1, micros, (int) (rest - offset),
                             offset, is_short ? ":00" : "", rest);
}

/* Take a row of a query's result, its times in the form that the report shows. */
static void
read_row(report_row *row, const PGresult *result)
{
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

/* Read the next row of a query into rows->result. */
static exit_status
next_result(database_rows *rows, bool *end)
{
    for (;;)
    {
        PQclear(rows->result);
        rows->result = connection_next(rows->asked.server);
        *end = rows->result == NULL;
        if (*end)
            return STATUS_OK;
        if (connection_failed(rows->result))
        {
            PGresult *failure = rows->result;

            rows->result = NULL;
            return report_failure(&rows->asked, failure);
        }
        if (PQntuples(rows->result) == 1)
            return STATUS_OK;
    }
}

/* report_rows_ops.next */
static exit_status
next(report_rows *base, report_row *row, bool *end)
{
    database_rows *rows = (database_rows *) base;

    STATUS_TRY(next_result(rows, end));
    if (!*end)
        read_row(row, rows->result);
    return STATUS_OK;
}

/* Send the query for pairs, or for rows. */
static exit_status
start_query(const report_server *asked, const report_question *question, bool pairs)
{
    const char *params[] = {question->since, question->until, question->gap,
                            question->overlap ? "overlap" : "start"};
    char *sql = make_query(asked->server, asked->schema, pairs);
    PGresult *failure;

    if (sql == NULL)
        return log_out_of_memory();
    failure = connection_start(asked->server, sql, 4, params);
    free(sql);
    return failure == NULL ? STATUS_OK : report_failure(asked, failure);
}

/* The number in a column of a pair. */
static int64_t
pair_number(const PGresult *result, int column)
{
    return strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

/* report_rows_ops.next_pair */
static exit_status
next_pair(report_rows *base, report_pair *pair, bool *end)
{
    database_rows *rows = (database_rows *) base;
    const PGresult *result;

    if (!rows->asked_pairs)
        STATUS_TRY(start_query(&rows->asked, rows->question, true));
    rows->asked_pairs = true;
    STATUS_TRY(next_result(rows, end));
    if (*end)
        return STATUS_OK;
    result = rows->result;
    *pair = (report_pair){.campaign = pair_number(result, PAIR_CAMPAIGN),
                          .reward = pair_number(result, PAIR_REWARD),
                          .sessions = pair_number(result, PAIR_SESSIONS)};
    if (!PQgetisnull(result, 0, PAIR_NAME))
        pair->name = (cs_slice){PQgetvalue(result, 0, PAIR_NAME),
                                (size_t) PQgetlength(result, 0, PAIR_NAME)};
    return STATUS_OK;
}

/* report_rows_ops.close */
static void
close_rows(report_rows *base)
{
    database_rows *rows = (database_rows *) base;

    PQclear(rows->result);
    free(rows);
}

static const report_rows_ops ops = {next, NULL, next_pair, close_rows};

exit_status
report_database_open(const report_server *asked, const report_question *question, report_rows **out)
{
    report_server named = *asked;
    database_rows *rows;

    STATUS_TRY(connection_schema(named.server, asked->schema, &named.schema));
    STATUS_TRY(set_session(&named, question->timezone));
    if (question->pairs) /* rows and pairs shall be of one moment */
        STATUS_TRY(connection_run(named.server, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                                  0, NULL));
    STATUS_TRY(start_query(&named, question, false));
    rows = calloc(1, sizeof(database_rows));
    if (rows == NULL)
        return log_out_of_memory();
    rows->base.ops = &ops;
    rows->asked = named;
    rows->question = question;
    *out = &rows->base;
    return STATUS_OK;
}
