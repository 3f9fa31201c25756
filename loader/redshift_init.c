/*
 * loader/redshift_init.c
 *     The tables and reports of sql/redshift, in one transaction.
 */
#include "redshift.h"

#include "resources.h"

/* In the order in which they need each other. */
static const char *const scripts[] = {
    resource_redshift_tables_sql,
    resource_redshift_session_event_sql,
    resource_redshift_session_items_sql,
    resource_redshift_session_report_sql,
    resource_redshift_sessions_sql,
    resource_redshift_refresh_sessions_sql,
    resource_redshift_campaign_engagement_sql,
    resource_redshift_weekly_rewards_sql,
};

/* Everything within the transaction. */
static exit_status
create_objects(connection *server, const char *given)
{
    const char *schema;

    STATUS_TRY(connection_schema(server, given, &schema));
    STATUS_TRY(redshift_run(server, "BEGIN"));
    if (given != NULL)
        STATUS_TRY(redshift_run(server, "CREATE SCHEMA IF NOT EXISTS %n", schema));
    STATUS_TRY(redshift_run(server, "SET search_path TO %n", schema));
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
        STATUS_TRY(connection_run(server, scripts[i], 0, NULL));
    STATUS_TRY(redshift_run(server, "COMMIT"));
    log_summary("%s: tables and reports are in place in schema \"%s\"", PQdb(server->pg), schema);
    return STATUS_OK;
}

exit_status
redshift_init(const connection_settings *settings, const char *schema)
{
    connection server;
    exit_status status;

    STATUS_TRY(connection_open_redshift(&server, settings));
    status = create_objects(&server, schema);
    if (status != STATUS_OK)
        connection_rollback(&server);
    connection_close(&server);
    return status;
}
