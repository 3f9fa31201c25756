/*
 * loader/row_stage.c
 *     Rows on their way through a temporary table, from which they are inserted with
 *     ON CONFLICT.
 *
 * The table is made in the caller's transaction and emptied outside of the savepoint, so
 * that the server cuts the file short instead of making a new one for each chunk.
 */
#include "row_sender_parts.h"

#include "log.h"
#include "resources.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>

#define STAGE_NAME "clickstream_stage"
#define STAGE_START "TRUNCATE pg_temp." STAGE_NAME "; " SAVEPOINT_START
#define STAGE_AGAIN SAVEPOINT_UNDO "; " STAGE_START

/* The fields of a row of stage_plan.sql. */
enum plan_field
{
    PLAN_CREATE,
    PLAN_INSERT,
    PLAN_CLEAR,
    PLAN_KEYS
};

/* The names of the loaded columns as an array; false without memory. */
static bool
append_columns(const load_mapping *mapping, cs_buffer *out)
{
    cs_error err;
    cs_code code = CS_OK;

    for (size_t i = 0; i < mapping->count && code == CS_OK; i++)
    {
        code = cs_buffer_printf(out, &err, i == 0 ? "{\"" : "\",\"");
        for (const char *at = mapping->columns[i].name; *at != '\0' && code == CS_OK; at++)
            code = cs_buffer_printf(out, &err, *at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
    }
    return code == CS_OK && cs_buffer_printf(out, &err, "\"}") == CS_OK &&
           cs_buffer_append(out, "", 1, &err) == CS_OK;
}

/* Refuse an update: it is not clear by which key. */
static exit_status
refuse_update(const load_table *table, const char *keys)
{
    if (keys[0] != '\0')
    {
        log_error("table %s has several keys that rows could be updated by", table->qualified);
        log_detail("Its unique indexes are %s.", keys);
        log_hint("Make one of them the primary key, or load fewer columns.");
    }
    else
    {
        log_error("table %s has no key that rows could be updated by", table->qualified);
        log_detail("It takes a primary key or a unique index whose columns are all loaded, and that"
                   " is neither partial nor on expressions nor deferrable.");
    }
    return STATUS_USAGE;
}

/* Names are looked up in the catalog alone meanwhile. */
exit_status
sender_plan(const row_sender *sender, const char *sql, const char *extra, PGresult **plan)
{
    connection *server = sender->server;
    const char *path = server->search_path;
    const char *params[] = {sender->table->oid, sender->table->qualified, NULL, extra};
    exit_status status;
    cs_buffer columns;

    cs_buffer_init(&columns, loader_env());
    status = append_columns(sender->mapping, &columns) ? STATUS_OK : log_out_of_memory();
    params[2] = (const char *) columns.data;
    if (status == STATUS_OK)
        status = connection_run(
            server, "SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)", 0,
            NULL);
    if (status == STATUS_OK)
        status = connection_query(server, sql, extra != NULL ? 4 : 3, params, plan);
    cs_buffer_free(&columns);
    STATUS_TRY(status);
    status =
        connection_run(server, "SELECT pg_catalog.set_config('search_path', $1, true)", 1, &path);
    if (status != STATUS_OK)
        PQclear(*plan);
    return status;
}

/* Put the statements together. */
static exit_status
make_statements(row_sender *sender, const char *insert)
{
    load_table stage = {.schema = "pg_temp", .name = STAGE_NAME};
    char *copy = load_mapping_copy(sender->mapping, &stage, sender->server);
    int made = -1;

    sender->copied = STAGE_NAME;
    if (copy != NULL &&
        asprintf(&sender->start, STAGE_START "%s; %s" SAVEPOINT_END, copy, insert) >= 0)
        made = asprintf(&sender->start_again, STAGE_AGAIN "%s; %s" SAVEPOINT_END, copy, insert);
    free(copy);
    return made >= 0 ? STATUS_OK : log_out_of_memory();
}

exit_status
sender_stage(row_sender *sender)
{
    bool updates = sender->settings.on_conflict == CONFLICT_UPDATE;
    PGresult *plan = NULL;
    exit_status status;

    STATUS_TRY(sender_plan(sender, resource_stage_plan_sql, updates ? "update" : "nothing", &plan));
    if (PQgetisnull(plan, 0, PLAN_CLEAR))
        status = refuse_update(sender->table, PQgetvalue(plan, 0, PLAN_KEYS));
    else
        status = connection_run(sender->server, PQgetvalue(plan, 0, PLAN_CREATE), 0, NULL);
    if (status == STATUS_OK)
        status = make_statements(sender, PQgetvalue(plan, 0, PLAN_INSERT));
    PQclear(plan);
    sender->staged = status == STATUS_OK;
    return status;
}

bool
sender_unstage(row_sender *sender)
{
    return sender_run(sender, "DROP TABLE pg_temp." STAGE_NAME);
}
