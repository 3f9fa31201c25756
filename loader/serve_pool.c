/*
 * loader/serve_pool.c
 *     The connections of the service, and what a query's failure means to a client.
 */
#include "serve.h"

#include "clock.h"
#include "log.h"
#include "resources.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

serve_answer
serve_error(unsigned status, const char *message)
{
    json_t *object = json_pack("{s:s}", "error", message);
    serve_answer answer = {.status = status, .type = SERVE_JSON};

    answer.body = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    answer.fixed = "{\"error\":\"no memory\"}";
    json_decref(object);
    return answer;
}

/* Set a connection up: where names are looked up, limits, and that nothing is written. */
static exit_status
set_session(connection *server, const char *given)
{
    const char *schema;
    char *extension;
    PGresult *result;
    bool missing;

    STATUS_TRY(connection_extension(server, &extension));
    PQfreemem(extension);
    STATUS_TRY(connection_schema(server, given, &schema));
    STATUS_TRY(connection_query(server, resource_serve_session_sql, 2,
                                (const char *const[]){schema, SERVE_STATEMENT_TIMEOUT}, &result));
    missing = PQntuples(result) == 0;
    PQclear(result);
    if (!missing)
        return STATUS_OK;
    log_error("schema \"%s\" does not exist", schema);
    return STATUS_USAGE;
}

/* Open the connection of an entry. */
static exit_status
open_entry(serve_pool *pool, pool_entry *entry)
{
    exit_status status = connection_open(&entry->server, pool->settings);

    STATUS_TRY(status);
    status = set_session(&entry->server, pool->schema);
    entry->open = status == STATUS_OK;
    if (!entry->open)
        connection_close(&entry->server);
    return status;
}

/*
 * Open the connection of an entry, but not right after one that could not be opened: while
 * the database is away, requests in any number make few attempts, and few messages.
 */
static bool
reopen_entry(serve_pool *pool, pool_entry *entry)
{
    bool is_resting;

    pthread_mutex_lock(&pool->lock);
    is_resting = clock_now(CLOCK_MONOTONIC) < pool->rests_until;
    pthread_mutex_unlock(&pool->lock);
    if (is_resting)
        return false;
    if (open_entry(pool, entry) == STATUS_OK)
        return true;
    pthread_mutex_lock(&pool->lock);
    pool->rests_until = clock_now(CLOCK_MONOTONIC) + SERVE_REST_MILLISECONDS * CLOCK_SECOND / 1000;
    pthread_mutex_unlock(&pool->lock);
    return false;
}

exit_status
serve_pool_open(serve_pool *pool, const connection_settings *settings, const char *schema,
                int count)
{
    pthread_condattr_t attributes;

    *pool = (serve_pool){.settings = settings, .schema = schema, .count = count};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->returned, &attributes);
    pthread_condattr_destroy(&attributes);
    return open_entry(pool, &pool->entries[0]);
}

void
serve_pool_close(serve_pool *pool)
{
    for (int i = 0; i < pool->count; i++)
        if (pool->entries[i].open)
            connection_close(&pool->entries[i].server);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->lock);
}

/* Find an entry that nobody uses, an open one if there is; NULL if all are in use. */
static pool_entry *
find_free(serve_pool *pool)
{
    pool_entry *found = NULL;

    for (int i = 0; i < pool->count; i++)
        if (!pool->entries[i].taken && (found == NULL || !found->open))
            found = &pool->entries[i];
    return found;
}

/* Take a free entry; NULL if there is none for too long. */
static pool_entry *
take_entry(serve_pool *pool)
{
    struct timespec until;
    pool_entry *entry;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SERVE_WAIT_SECONDS;
    pthread_mutex_lock(&pool->lock);
    while ((entry = find_free(pool)) == NULL)
        if (pthread_cond_timedwait(&pool->returned, &pool->lock, &until) != 0)
            break;
    if (entry != NULL)
        entry->taken = true;
    pthread_mutex_unlock(&pool->lock);
    return entry;
}

/* Give an entry back. */
static void
return_entry(serve_pool *pool, pool_entry *entry)
{
    pthread_mutex_lock(&pool->lock);
    entry->taken = false;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->lock);
}

serve_answer
serve_failure(connection *server, PGresult *result)
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

/* Ask on an open entry; close it where it cannot be used again. */
static serve_answer
ask_entry(pool_entry *entry, serve_task ask, const void *ctx)
{
    serve_answer answer = ask(&entry->server, ctx);

    if (PQtransactionStatus(entry->server.pg) != PQTRANS_IDLE || entry->server.cancelled)
    {
        connection_close(&entry->server);
        entry->open = false;
    }
    return answer;
}

serve_answer
serve_ask(serve_pool *pool, serve_task ask, const void *ctx)
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
        if (!entry->open && !reopen_entry(pool, entry))
            break;
        free(answer.body);
        answer = ask_entry(entry, ask, ctx);
        /* a connection that was lost while idle deserves a second try, as all queries only read */
        if (entry->open || !was_open)
            break;
    }
    return_entry(pool, entry);
    return answer;
}

/* A query that gives one text. */
typedef struct text_query
{
    const char *sql;
    int count;
    const char *const *params;
} text_query;

/* serve_task of serve_query */
static serve_answer
ask_text(connection *server, const void *ctx)
{
    const text_query *query = ctx;
    PGresult *result = connection_execute(server, query->sql, query->count, query->params);
    serve_answer answer = {.status = 200, .type = SERVE_JSON};

    if (connection_failed(result))
        return serve_failure(server, result);
    answer.body = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "null");
    PQclear(result);
    return answer.body != NULL ? answer : serve_error(500, "no memory");
}

serve_answer
serve_query(serve_pool *pool, const char *sql, int count, const char *const *params)
{
    return serve_ask(pool, ask_text, &(text_query){sql, count, params});
}
