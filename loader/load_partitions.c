/*
 * loader/load_partitions.c
 *     Making the missing months of a partitioned log.
 *
 * What is missing is looked up first, so that a file which needs no new month,
 * nearly every one, takes no lock. The rest is SQL: partition.sql.
 */
#include "load_partitions.h"

#include "log.h"
#include "resources.h"

#include <stdlib.h>

/* More than these are hardly meant: a time somewhere in the file is wrong. */
#define MAX_NEW_MONTHS 240

/* The years that months are made for. */
#define FIRST_MONTH_TIME (cs_days_from_date(1, 1, 1) * CS_DAY)
#define END_MONTH_TIME (cs_days_from_date(10000, 1, 1) * CS_DAY)

/* True if the table is the log of its ledger, partitioned by time. */
static exit_status
is_monthly(connection *server, const load_table *table, bool *monthly)
{
    const char *schema = table->schema;
    PGresult *found;

    *monthly =
        strcmp(table->name, DEFAULT_TABLE) == 0 && strcmp(table->schema, table->ledger_schema) == 0;
    if (!*monthly)
        return STATUS_OK;
    STATUS_TRY(connection_query(server, resource_partition_check_sql, 1, &schema, &found));
    *monthly = PQntuples(found) > 0;
    PQclear(found);
    return STATUS_OK;
}

/* Say why a function of partition.sql failed, and what can be done. */
static exit_status
report_failure(connection *server, PGresult *failure)
{
    bool older = connection_failed_with(failure, SQLSTATE_UNDEFINED_FUNCTION);
    bool not_allowed = connection_failed_with(failure, "42501"); /* insufficient privilege */
    exit_status status = connection_report(server, failure);

    if (older)
        log_hint("\"%s init\" brings what an older version has made up to date.", PROGRAM_NAME);
    if (not_allowed)
        log_hint("The owner of the table can make months ahead, with http_log_create_months().");
    return status;
}

/* Ask a function of partition.sql, given the first and the last time, for a number. */
static exit_status
ask_function(connection *server, const load_table *table, const char *format,
             const char *const times[2], int64_t *number)
{
    char *schema = connection_quote(server, table->ledger_schema);
    char *sql = NULL;
    PGresult *result;

    if (schema == NULL || asprintf(&sql, format, schema) < 0)
    {
        PQfreemem(schema);
        return log_out_of_memory();
    }
    result = connection_execute(server, sql, 2, times);
    PQfreemem(schema);
    free(sql);
    if (connection_failed(result))
        return report_failure(server, result);
    *number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return STATUS_OK;
}

/* Make the months, in a transaction. */
static exit_status
create_months(connection *server, const load_table *table, const char *const times[2])
{
    int64_t created = 0;
    exit_status status;

    STATUS_TRY(connection_run(server, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", 0, NULL));
    status =
        ask_function(server, table, "SELECT %s.http_log_create_months($1, $2)", times, &created);
    if (status == STATUS_OK)
        status = connection_run(server, "COMMIT", 0, NULL);
    if (status != STATUS_OK)
        connection_rollback(server);
    else
        log_verbose("%s: made partitions for %lld months", table->qualified, (long long) created);
    return status;
}

/* Say that months will be missing. */
static void
warn_of_span(const load_table *table, const char *const times[2])
{
    log_warning("no partitions of %s are made for times from %s to %s: too many months",
                table->qualified, times[0], times[1]);
    log_hint("Rows without a partition are refused; http_log_create_months(since, until) makes "
             "those that are wanted.");
}

exit_status
load_partitions_ensure(connection *server, const load_table *table, cs_time min, cs_time max)
{
    char texts[2][CS_TIME_TEXT_SIZE];
    const char *const times[] = {texts[0], texts[1]};
    int64_t missing = MAX_NEW_MONTHS + 1;
    bool monthly;

    STATUS_TRY(is_monthly(server, table, &monthly));
    if (!monthly || min > max)
        return STATUS_OK;
    cs_time_format(min, texts[0]);
    cs_time_format(max, texts[1]);
    if (min >= FIRST_MONTH_TIME && max < END_MONTH_TIME)
        STATUS_TRY(ask_function(server, table,
                                "SELECT count(*) FROM %s.http_log_missing_months($1, $2)", times,
                                &missing));
    if (missing > MAX_NEW_MONTHS)
        warn_of_span(table, times);
    else if (missing > 0)
        return create_months(server, table, times);
    return STATUS_OK;
}
