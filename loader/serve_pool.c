/*
 * loader/serve_pool.c
 *     The connections of the service, and what a query's failure means to a client.
 */
#include "serve.h"

#include "log.h"
#include "resources.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

serve_answer
serve_error(unsigned status, const char *message)
{
    json_t *object = json_pack("{s:s}", "error", message);
    serve_answer answer = {.status = status, .type = "application/json"};

    answer.body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    answer.fixed = "{\"error\":\"no memory\"}";
    json_decref(object);
    return answer;
}

/* Open the connection of an entry and set it up. */
static exit_status
open_entry(serve_pool *pool, pool_entry *entry)
{
    exit_status status = connection_open(&entry->server, pool->settings);
    const char *schema;

    STATUS_TRY(status);
    status = connection_schema(&entry->server, pool->schema, &schema);
    if (status == STATUS_OK)
        status = connection_run(&entry->server, resource_serve_session_sql, 2,
                                (const char *const[]){schema, SERVE_STATEMENT_TIMEOUT});
    entry->open = status == STATUS_OK;
    if (!entry->open)
        connection_close(&entry->server);
    return status;
}

exit_status
serve_pool_open(serve_pool *pool, const connection_settings *settings, const char *schema,
                int count)
{
    *pool = (serve_pool){.settings = settings, .schema = schema, .count = count};
    pthread_mutex_init(&pool->lock, NULL);
    return open_entry(pool, &pool->entries[0]);
}

void
serve_pool_close(serve_pool *pool)
{
    for (int i = 0; i < pool->count; i++)
        if (pool->entries[i].open)
            connection_close(&pool->entries[i].server);
    pthread_mutex_destroy(&pool->lock);
}

/* Take an entry that nobody else uses, an open one if there is; NULL if all are in use. */
static pool_entry *
take_entry(serve_pool *pool)
{
    pool_entry *free_entry = NULL;

    pthread_mutex_lock(&pool->lock);
    for (int i = 0; i < pool->count; i++)
        if (!pool->entries[i].taken && (free_entry == NULL || !free_entry->open))
            free_entry = &pool->entries[i];
    if (free_entry != NULL)
        free_entry->taken = true;
    pthread_mutex_unlock(&pool->lock);
    return free_entry;
}

/* Give an entry back. */
static void
return_entry(serve_pool *pool, pool_entry *entry)
{
    pthread_mutex_lock(&pool->lock);
    entry->taken = false;
    pthread_mutex_unlock(&pool->lock);
}

/* What a failed query means: an argument's fault is told, anything else only logged. */
static serve_answer
answer_failure(connection *server, PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    serve_answer answer;

    if (sqlstate != NULL && message != NULL && strcmp(sqlstate, "42704") == 0)
        answer = serve_error(404, message);
    else if (sqlstate != NULL && message != NULL && strncmp(sqlstate, "22", 2) == 0)
        answer = serve_error(400, message);
    else if (sqlstate != NULL && strcmp(sqlstate, "57014") == 0)
        answer = serve_error(503, "the query took too long");
    else
    {
        connection_report(server, result);
        return serve_error(503, "the database cannot answer");
    }
    PQclear(result);
    return answer;
}

/* Run the query on an open entry. */
static serve_answer
query_entry(pool_entry *entry, const char *sql, int count, const char *const *params)
{
    PGresult *result = connection_execute(&entry->server, sql, count, params);
    serve_answer answer = {.status = 200, .type = "application/json"};

    if (connection_failed(result))
        answer = answer_failure(&entry->server, result);
    else
    {
        answer.body = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "null");
        PQclear(result);
        if (answer.body == NULL)
            answer = serve_error(500, "no memory");
    }
    if (PQstatus(entry->server.pg) != CONNECTION_OK || entry->server.cancelled)
    {
        connection_close(&entry->server);
        entry->open = false;
    }
    return answer;
}

serve_answer
serve_query(serve_pool *pool, const char *sql, int count, const char *const *params)
{
    pool_entry *entry = take_entry(pool);
    serve_answer answer;
    bool was_open;

    if (entry == NULL)
        return serve_error(503, "too many requests at once");
    was_open = entry->open;
    answer = serve_error(503, "the database cannot be reached");
    for (int attempt = 0; attempt < 2; attempt++)
    {
        if (!entry->open && open_entry(pool, entry) != STATUS_OK)
            break;
        free(answer.body);
        answer = query_entry(entry, sql, count, params);
        /* a connection that was lost while idle deserves a second try, as all queries only read */
        if (entry->open || !was_open)
            break;
    }
    return_entry(pool, entry);
    return answer;
}
