/*
 * loader/load_table.c
 *     Looking up a table. What goes to its columns is in load_mapping.c.
 */
#include "load_table.h"

#include "log.h"
#include "resources.h"

#include <stdlib.h>

#define QUOTING_HINT                                                                            \
    "A name is written as in SQL: what is not of small letters, digits and _ is quoted, as in " \
    "--table '\"Web Log\"' or --table '\"my shop\".visits'."

/* True if a name may lack the quotes that it would need. */
static bool
may_need_quotes(const char *name)
{
    return name[0] != '"' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.$")] != '\0';
}

/* Report that there is no such table, or no ledger for it. */
static exit_status
report_missing(const char *name, const char *schema, bool found)
{
    if (found)
        log_error("the tables load_batch and load_reject do not exist");
    else if (schema != NULL)
        log_error("table \"%s\" does not exist in schema \"%s\"", name, schema);
    else
        log_error("table \"%s\" does not exist", name);
    if (!found && may_need_quotes(name))
    {
        log_hint(QUOTING_HINT);
        return STATUS_SERVER;
    }
    log_hint("\"%s init\" creates http_log and the other tables of the project; \"--schema\" names"
             " the schema of a table.",
             PROGRAM_NAME);
    return STATUS_SERVER;
}

/* Report that the look-up failed: perhaps because the name is none in SQL. */
static exit_status
report_failure(connection *server, PGresult *result, const char *name)
{
    static const char *const states[] = {"42602", "42601", "0A000"}; /* syntax, dots, database */

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (connection_failed_with(result, states[i]))
        {
            log_error("\"%s\" of option \"--table\" is not a table's name", name);
            log_detail("%s", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
            log_hint(QUOTING_HINT);
            PQclear(result);
            return STATUS_USAGE;
        }
    return connection_report(server, result);
}

/* Copy what table_find.sql found. */
static exit_status
keep_table(load_table *table, const PGresult *result)
{
    char **members[] = {&table->oid, &table->schema, &table->name, &table->qualified,
                        &table->ledger_schema};

    for (int i = 0; i < 5; i++)
    {
        *members[i] = strdup(PQgetvalue(result, 0, i));
        if (*members[i] == NULL)
            return log_out_of_memory();
    }
    table->is_partitioned = strcmp(PQgetvalue(result, 0, 5), "t") == 0;
    return STATUS_OK;
}

exit_status
load_table_find(load_table *table, connection *server, const char *name, const char *schema)
{
    const char *params[] = {name, schema, server->search_path};
    exit_status status;
    PGresult *result;

    memset(table, 0, sizeof(*table));
    result = connection_execute(server, resource_table_find_sql, 3, params);
    if (connection_failed(result))
        return report_failure(server, result, name);
    if (PQntuples(result) == 0 || PQgetisnull(result, 0, 4))
        status = report_missing(name, schema, PQntuples(result) > 0);
    else
        status = keep_table(table, result);
    PQclear(result);
    STATUS_TRY(status);
    STATUS_TRY(connection_use_schema(server, table->ledger_schema, true));
    params[0] = table->oid;
    return connection_query(server, resource_table_columns_sql, 1, params, &table->columns);
}

bool
load_table_is_log(const load_table *table)
{
    return strcmp(table->name, DEFAULT_TABLE) == 0 &&
           strcmp(table->schema, table->ledger_schema) == 0;
}

/* Free the description. */
void
load_table_free(load_table *table)
{
    free(table->oid);
    free(table->schema);
    free(table->name);
    free(table->qualified);
    free(table->ledger_schema);
    PQclear(table->columns);
    memset(table, 0, sizeof(*table));
}
