/*
 * loader/init.c
 *     The command init: extension, tables and reports, in one transaction.
 */
#include "commands.h"
#include "connection.h"
#include "log.h"
#include "redshift.h"
#include "resources.h"

#include <stdlib.h>
#include <string.h>

typedef struct init_settings
{
    connection_settings connection;
    const char *schema;
    int target; /* index into target_names */
    int partition;
} init_settings;

/* How http_log is to be partitioned; the first is the default. */
enum
{
    PARTITION_NONE,
    PARTITION_MONTH
};

static const char *const partition_names[] = {"none", "month", NULL};

static const char *const target_names[] = {"postgres", "redshift", NULL};

static const option_spec options[] = {
    {"schema", 0, OPTION_TEXT, offsetof(init_settings, schema), "SCHEMA",
     "schema to put everything in; made if it does\nnot exist (default: the first of the\n"
     "search path)",
     NULL},
    {"target", 0, OPTION_CHOICE, offsetof(init_settings, target), "TARGET",
     "postgres (default) or redshift", target_names},
    {"partition", 0, OPTION_CHOICE, offsetof(init_settings, partition), "HOW",
     "none: http_log is made as one table (default);\nmonth: as a partition for each month, which "
     "load\nmakes when it is needed",
     partition_names},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Run `command name`, the name being quoted. */
static exit_status
run_with_name(connection *server, const char *command, const char *name)
{
    char *quoted = connection_quote(server, name);
    char *sql = NULL;
    exit_status status;

    if (quoted == NULL || asprintf(&sql, "%s %s", command, quoted) < 0)
        status = log_out_of_memory();
    else
        status = connection_run(server, sql, 0, NULL);
    PQfreemem(quoted);
    free(sql);
    return status;
}

/* Report the first difference in the shape of an existing table. */
static exit_status
report_shape(const char *schema, const PGresult *differences)
{
    const char *table = PQgetvalue(differences, 0, 0);
    const char *column = PQgetvalue(differences, 0, 1);

    if (strcmp(PQgetvalue(differences, 0, 4), "t") != 0)
        log_error("\"%s.%s\" exists and is not a table", schema, table);
    else if (PQgetisnull(differences, 0, 3))
        log_error("table \"%s.%s\" exists without column \"%s\" of type %s", schema, table, column,
                  PQgetvalue(differences, 0, 2));
    else
        log_error("table \"%s.%s\" exists with column \"%s\" of type %s instead of %s", schema,
                  table, column, PQgetvalue(differences, 0, 3), PQgetvalue(differences, 0, 2));
    log_hint("Rename or alter the table, or name another schema with \"--schema\".");
    return STATUS_SERVER;
}

/*
 * Set the search path: a schema (NULL: that of temporary tables) to find and make
 * everything in, then that of the extension. Temporary tables of the user's come last.
 */
static exit_status
set_search_path(connection *server, const char *schema)
{
    return connection_run(
        server,
        "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ',"
        " coalesce(pg_catalog.quote_ident($1), 'pg_temp'), pg_catalog.quote_ident(nspname),"
        " 'pg_temp'), true)"
        " FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE extname = 'clickstream'",
        1, &schema);
}

/* Bring an extension of another version than ours to the one that the server has. */
static exit_status
upgrade_extension(connection *server)
{
    const char *version = CLICKSTREAM_VERSION;
    PGresult *found;
    bool differs;

    STATUS_TRY(connection_query(
        server, "SELECT FROM pg_extension WHERE extname = 'clickstream' AND extversion <> $1", 1,
        &version, &found));
    differs = PQntuples(found) > 0;
    PQclear(found);
    return differs ? connection_run(server, "ALTER EXTENSION clickstream UPDATE", 0, NULL)
                   : STATUS_OK;
}

/* Bring tables of an older version to their present shape. */
static exit_status
upgrade_tables(connection *server, const char *schema)
{
    PGresult *found;
    bool exists;

    STATUS_TRY(connection_query(server,
                                "SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                                " WHERE nspname = $1 AND relname = 'load_batch' AND relkind = 'r'",
                                1, &schema, &found));
    exists = PQntuples(found) > 0;
    PQclear(found);
    if (!exists)
        return STATUS_OK;
    STATUS_TRY(set_search_path(server, schema));
    return connection_run(server, resource_upgrade_sql, 0, NULL);
}

/* Compare existing tables with what they should be. */
static exit_status
check_shapes(connection *server, const char *schema)
{
    PGresult *differences;
    exit_status status;

    STATUS_TRY(connection_run(server, "SAVEPOINT shapes", 0, NULL));
    STATUS_TRY(set_search_path(server, NULL));
    STATUS_TRY(connection_run(server, resource_tables_sql, 0, NULL));
    STATUS_TRY(connection_run(server, "SET LOCAL search_path = pg_catalog, pg_temp", 0, NULL));
    STATUS_TRY(connection_query(server, resource_shape_check_sql, 1, &schema, &differences));
    status = PQntuples(differences) > 0 ? report_shape(schema, differences) : STATUS_OK;
    PQclear(differences);
    if (status == STATUS_OK)
        status = connection_run(server, "ROLLBACK TO shapes; RELEASE shapes", 0, NULL);
    return status;
}

/* Make http_log partitioned by month, or see that it is. */
static exit_status
create_partitioned(connection *server, const char *schema)
{
    PGresult *found;
    bool differs;

    STATUS_TRY(set_search_path(server, schema));
    STATUS_TRY(connection_run(server, resource_http_log_month_sql, 0, NULL));
    STATUS_TRY(connection_query(server, resource_partition_check_sql, 1, &schema, &found));
    differs = PQntuples(found) == 0;
    PQclear(found);
    if (!differs)
        return STATUS_OK;
    log_error("table \"%s.http_log\" exists and is not partitioned by range of \"timestamp\"",
              schema);
    log_hint("Rename it, run this again, and insert its rows into the new table; or name another "
             "schema with \"--schema\".");
    return STATUS_SERVER;
}

/* Create what is missing; names without a schema lead to ours and to the extension's. */
static exit_status
create_objects(connection *server, const char *schema)
{
    const char *const scripts[] = {
        resource_tables_sql,
        resource_session_mark_sql,
        resource_partition_sql,
        resource_session_state_sql,
        resource_session_report_sql,
        resource_campaign_conversions_sql,
        resource_forget_sql,
        resource_unload_sql,
        resource_campaign_engagement_sql,
        resource_weekly_rewards_sql,
        resource_reward_interaction_sql,
    };

    STATUS_TRY(set_search_path(server, schema));
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        STATUS_TRY(connection_run(server, scripts[i], 0, NULL));
    return STATUS_OK;
}

/* Refuse what others own and could change afterwards. */
static exit_status
check_owners(connection *server, const char *schema)
{
    PGresult *strange;
    bool found;

    STATUS_TRY(connection_run(server, "SET LOCAL search_path = pg_catalog, pg_temp", 0, NULL));
    STATUS_TRY(connection_query(server, resource_init_owners_sql, 1, &schema, &strange));
    found = PQntuples(strange) > 0;
    if (found)
    {
        log_error("%s belongs to role \"%s\"", PQgetvalue(strange, 0, 0),
                  PQgetvalue(strange, 0, 1));
        log_detail("That role could change what runs with the rights of others.");
        log_hint("Change its owner, drop it, or name another schema with \"--schema\"; or run this "
                 "as that role.");
    }
    PQclear(strange);
    return found ? STATUS_SERVER : STATUS_OK;
}

/* Everything within the transaction. */
static exit_status
init_database(connection *server, const init_settings *settings)
{
    const char *schema;

    STATUS_TRY(connection_schema(server, settings->schema, &schema));
    STATUS_TRY(connection_run(server, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", 0, NULL));
    STATUS_TRY(connection_run(server, "SELECT pg_advisory_xact_lock(" INIT_LOCK_KEY ")", 0, NULL));
    if (settings->schema != NULL)
        STATUS_TRY(run_with_name(server, "CREATE SCHEMA IF NOT EXISTS", schema));
    STATUS_TRY(
        run_with_name(server, "CREATE EXTENSION IF NOT EXISTS clickstream WITH SCHEMA", schema));
    STATUS_TRY(upgrade_extension(server));
    STATUS_TRY(upgrade_tables(server, schema));
    STATUS_TRY(check_shapes(server, schema));
    if (settings->partition == PARTITION_MONTH)
        STATUS_TRY(create_partitioned(server, schema));
    STATUS_TRY(create_objects(server, schema));
    STATUS_TRY(check_owners(server, schema));
    STATUS_TRY(connection_run(server, "COMMIT", 0, NULL));
    log_summary("%s: extension, tables and reports are in place in schema \"%s\"", PQdb(server->pg),
                schema);
    return STATUS_OK;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *operands)
{
    const init_settings *settings = given;
    exit_status status;
    connection server;

    (void) operands;
    if (strcmp(target_names[settings->target], "redshift") == 0)
    {
        if (settings->partition == PARTITION_NONE)
            return redshift_init(&settings->connection, settings->schema);
        log_error("\"--partition\" does not go with \"--target redshift\"");
        return STATUS_USAGE;
    }
    STATUS_TRY(connection_open(&server, &settings->connection));
    status = init_database(&server, settings);
    if (status != STATUS_OK)
        connection_rollback(&server);
    connection_close(&server);
    return status;
}

const command_spec init_command = {
    .name = "init",
    .arguments = "",
    .summary = "create the extension, tables and reports",
    .description = "Creates in the database what load and report need: the extension clickstream,\n"
                   "the tables, and the functions that make the reports. May be run again at any\n"
                   "time: what exists stays, and a table of another shape is an error.",
    .examples = "clickstream init -d shop\n"
                "clickstream init -d archive --schema web --partition month",
    .options = options,
    .connects = true,
    .settings_size = sizeof(init_settings),
    .run = run,
};
