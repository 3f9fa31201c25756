/*
 * loader/load_partitions.c
 *     Making the missing months of a partitioned log.
 *
 * What is missing is looked up first, so that a file which needs no new month,
 * nearly every one, takes no lock. The rest is SQL: partition.sql.
 */
#include "load_partitions.h"

#include "load_input.h"
#include "log.h"
#include "meta_time.h"
#include "resources.h"
#include "stop.h"

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

    *monthly = load_table_is_log(table);
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
    bool not_allowed = connection_failed_with(failure, SQLSTATE_NOT_ALLOWED);
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
    status = ask_function(server, table,
                          "SELECT %s.http_log_create_months($1::timestamptz, $2::timestamptz)",
                          times, &created);
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

/* The smallest and the largest time of a file's rows; without any min is greater than max. */
typedef struct time_span
{
    cs_time min;
    cs_time max;
} time_span;

/* Make the months of a span. */
static exit_status
ensure_span(connection *server, const load_table *table, const time_span *span)
{
    char texts[2][CS_TIME_TEXT_SIZE];
    const char *const times[] = {texts[0], texts[1]};
    int64_t missing = MAX_NEW_MONTHS + 1;

    if (span->min > span->max)
        return STATUS_OK;
    cs_time_format(span->min, texts[0]);
    cs_time_format(span->max, texts[1]);
    if (span->min >= FIRST_MONTH_TIME && span->max < END_MONTH_TIME)
        STATUS_TRY(ask_function(server, table,
                                "SELECT count(*) FROM"
                                " %s.http_log_missing_months($1::timestamptz, $2::timestamptz)",
                                times, &missing));
    if (missing > MAX_NEW_MONTHS)
        warn_of_span(table, times);
    else if (missing > 0)
        return create_months(server, table, times);
    return STATUS_OK;
}

/* The column of the times; NULL if the file has none. */
static const load_column *
time_column(const load_mapping *mapping)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->columns[i].name, TIME_COLUMN) == 0 &&
            mapping->columns[i].type->oid == TIMESTAMPTZOID)
            return &mapping->columns[i];
    return NULL;
}

/* Take a row's time into the span; one that the column does not take will be refused. */
static void
add_time(time_span *span, const load_column *column, const cs_value *value, cs_buffer *binary)
{
    uint64_t bits = 0;
    cs_time time;
    refusal why;

    binary->len = 0;
    if (value->kind == CS_VALUE_NULL || column->type->append(value, binary, &why) != CS_OK ||
        binary->len != sizeof(time))
        return;
    for (size_t i = 0; i < sizeof(bits); i++)
        bits = bits << 8 | binary->data[i];
    time = (cs_time) bits;
    if (!cs_time_valid(time))
        return; /* infinity */
    span->min = time < span->min ? time : span->min;
    span->max = time > span->max ? time : span->max;
}

/* Look at all rows. What the file breaks off with is left to the load to report. */
static exit_status
scan_rows(row_source *source, const load_mapping *mapping, time_span *span)
{
    const load_column *column = time_column(mapping);
    cs_value *values = calloc(mapping->num_values + 1, sizeof(cs_value));
    cs_code code = column != NULL && values != NULL ? CS_OK : CS_END;
    cs_buffer binary;
    refusal why;

    cs_buffer_init(&binary, loader_env());
    while (code == CS_OK || code == CS_ERR_RANGE)
    {
        code = source->ops->next(source, values, &why);
        if (code == CS_OK)
            add_time(span, column, &values[column->field], &binary);
    }
    cs_buffer_free(&binary);
    if (values == NULL)
        return log_out_of_memory();
    free(values);
    return code == CS_ERR_STOPPED ? STATUS_INTERRUPTED : STATUS_OK;
}

/* True if the field of the times is the one that the metadata tells of. */
static bool
has_meta_times(row_source *source, const load_mapping *mapping, time_span *span)
{
    const load_column *column = time_column(mapping);
    const cs_avro_reader *reader = row_source_reader(source);

    return reader != NULL && column != NULL &&
           strcmp(source->fields[column->field].name, TIME_COLUMN) == 0 &&
           meta_time_find(reader, MIN_TIME_KEY, &span->min) &&
           meta_time_find(reader, MAX_TIME_KEY, &span->max);
}

/* Find the span of a file. */
static exit_status
find_span(const load_table *table, row_source *source, const load_request *request, time_span *span)
{
    mapping_request wanted = request->mapping;
    load_mapping mapping;
    exit_status status;

    wanted.quiet = true;
    status = load_mapping_make(&mapping, table, source, &wanted);
    if (status == STATUS_OK && !has_meta_times(source, &mapping, span))
    {
        log_verbose("%s: looking for its first and last time", source->file->name);
        *span = (time_span){CS_TIME_END, CS_TIME_MIN};
        status = scan_rows(source, &mapping, span);
    }
    load_mapping_free(&mapping);
    return status;
}

exit_status
load_partitions_for_file(connection *server, const load_table *table, const char *name,
                         const load_request *request)
{
    time_span span;
    load_input input;
    exit_status status;
    bool monthly;

    STATUS_TRY(is_monthly(server, table, &monthly));
    if (!monthly)
        return STATUS_OK;
    STATUS_TRY(load_input_open(&input, name, &request->format));
    status = find_span(table, input.source, request, &span);
    load_input_close(&input);
    return status == STATUS_OK ? ensure_span(server, table, &span) : status;
}
