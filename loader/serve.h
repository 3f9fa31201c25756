/*
 * loader/serve.h
 *     What the parts of serve share.
 */
#ifndef LOADER_SERVE_H
#define LOADER_SERVE_H

#include "connection.h"

#include <pthread.h>

#define SERVE_MAX_WORKERS 64
#define SERVE_MAX_ITEMS 1000 /* of one answer */
#define SERVE_MAX_ROWS 10000 /* of one report */
#define SERVE_MAX_CONNECTIONS 256
#define SERVE_FEW_CONNECTIONS 192 /* beyond these the slowest are closed */
#define SERVE_IDLE_SECONDS 10     /* a connection that sends nothing for so long is closed */
#define SERVE_HEADER_BYTES 32768  /* of a request's line and headers, and of our answer's */
#define SERVE_STATEMENT_TIMEOUT "5s"
#define SERVE_WAIT_SECONDS 10 /* for a connection of the pool */
#define SERVE_STACK_BYTES (512 * 1024)
#define SERVE_REST_MILLISECONDS 200 /* after a connection that could not be opened */
#define SERVE_CONNECT_TIMEOUT "5"
#define SERVE_JSON "application/json"
#define SERVE_HTML "text/html; charset=utf-8"

/* The routes, for counting. */
typedef enum serve_route
{
    ROUTE_PAGE,
    ROUTE_OPENAPI,
    ROUTE_HEALTH,
    ROUTE_METRICS,
    ROUTE_RECOMMEND,
    ROUTE_SIMILAR,
    ROUTE_REPORT,
    ROUTE_OTHER,
    NUM_ROUTES
} serve_route;

/* A connection of the pool. */
typedef struct pool_entry
{
    connection server;
    bool open;
    bool taken;
} pool_entry;

/* Connections, taken for one request each; who finds none free waits. */
typedef struct serve_pool
{
    const connection_settings *settings;
    const char *schema; /* of the reports; NULL: the user's first */
    pthread_mutex_t lock;
    pthread_cond_t returned; /* an entry was */
    pool_entry entries[SERVE_MAX_WORKERS];
    int count;
    int64_t rests_until; /* no connection is opened before */
} serve_pool;

/* Requests so far, by route and by hundred of their status. */
typedef struct serve_metrics
{
    pthread_mutex_t lock;
    uint64_t requests[NUM_ROUTES][6];
    double seconds[NUM_ROUTES];
} serve_metrics;

/* An HTTP connection. */
typedef struct serve_guest serve_guest;

/* Those that are open. */
typedef struct serve_guests
{
    pthread_mutex_t lock;
    serve_guest *oldest; /* who has gone longest without a whole exchange */
    serve_guest *newest;
    int count;         /* of those who may stay */
    uint64_t sent_off; /* so far */
} serve_guests;

/* The service. */
typedef struct service
{
    serve_pool pool;
    serve_guests guests;
    serve_metrics metrics;
    const char *model; /* asked where a request names none; NULL: it must */
    const char *token; /* that requests must bear; NULL: none */
} service;

/* What a request is answered with. */
typedef struct serve_answer
{
    unsigned status;
    const char *type; /* of the content */
    char *body;       /* allocated, or NULL for fixed */
    const char *fixed;
    const char *policy; /* what the content may do in a browser; NULL: nothing */
} serve_answer;

/* What is asked for at /report; NULL where it is not said. */
typedef struct serve_report_request
{
    const char *from;
    const char *to;
    const char *format;
    const char *accept; /* the header */
} serve_report_request;

/* Asks a server, on a connection that is idle before, and should be afterwards. */
typedef serve_answer (*serve_task)(connection *server, const void *ctx);

/* Open as many connections; the first one must succeed. */
exit_status serve_pool_open(serve_pool *pool, const connection_settings *settings,
                            const char *schema, int count);
void serve_pool_close(serve_pool *pool);

/*
 * Ask on a connection of the pool, which is opened anew where it was lost: the task may be
 * run twice. What it leaves busy, or in a transaction, is closed.
 */
serve_answer serve_ask(serve_pool *pool, serve_task ask, const void *ctx);

/* Run a query that gives one text, which is JSON. */
serve_answer serve_query(serve_pool *pool, const char *sql, int count, const char *const *params);

/*
 * What a failed query means: an argument's fault is told, anything else only logged. Clears
 * the result.
 */
serve_answer serve_failure(connection *server, PGresult *result);

/* The sessions as JSON, or the report's page. */
serve_answer serve_report(serve_pool *pool, const serve_report_request *asked);

/* An answer of {"error": message}. */
serve_answer serve_error(unsigned status, const char *message);

/* Count a request. */
void serve_metrics_add(serve_metrics *metrics, serve_route route, unsigned status, double seconds);

/* All counts in the text form of OpenMetrics; NULL without memory. */
char *serve_metrics_text(serve_metrics *metrics, serve_guests *guests);

void serve_guests_init(serve_guests *guests);
void serve_guests_destroy(serve_guests *guests);

/*
 * A connection is there; where there are too many the slowest are closed. NULL, which all
 * below take, without memory: it can stay as it likes.
 */
serve_guest *serve_guest_enter(serve_guests *guests, int socket);

/* Its socket is about to be closed. */
void serve_guest_leave(serve_guests *guests, serve_guest *guest);

/* Making its answer begins, or ends. */
void serve_guest_answered(serve_guests *guests, serve_guest *guest, bool is_answered);

/* The answer was taken. */
void serve_guest_done(serve_guests *guests, serve_guest *guest);

/* How many are open, and how many were closed to make room. */
void serve_guests_count(serve_guests *guests, int *open, uint64_t *sent_off);

struct MHD_Daemon;
struct sockaddr;

/*
 * Start the HTTP library; flags, of its enumeration, say with which threads. metrics.lock and
 * guests are ready before. NULL with errno if it cannot listen on the address.
 */
struct MHD_Daemon *serve_daemon(service *running, const struct sockaddr *address, unsigned flags);

/* Answer requests on this address until a signal asks to stop. */
exit_status serve_http(service *running, const char *address, int port);

#endif
