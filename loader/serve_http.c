/*
 * loader/serve_http.c
 *     Requests and answers, on libmicrohttpd.
 *
 * Each HTTP connection has a thread of its own, so that one whose answer takes long holds up
 * nobody else; what asks the database waits for a connection of the pool. A request is known by its
 * path alone: only the routes here reach the database, each with one statement whose values are
 * parameters. Bodies are not read.
 */
#include "serve.h"

#include "clock.h"
#include "log.h"
#include "resources.h"
#include "stop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define DEFAULT_ITEMS "10"
#define BEARER "Bearer "
#define MAX_ARGUMENTS 3     /* of a route */
#define SHOWN_NAME_BYTES 60 /* of an argument, in a message */

/* What a browser may do with an answer, and with the page, whose script asks this service. */
#define NO_POLICY "default-src 'none'; frame-ancestors 'none'"
#define PAGE_POLICY                                                               \
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* One request. */
typedef struct request
{
    service *running;
    struct MHD_Connection *http;
    const char *path;
    serve_route route;
} request;

/* The arguments that a route has. */
typedef struct argument_names
{
    const char *names[MAX_ARGUMENTS];
    const char *list; /* of them, to end a message with */
} argument_names;

static const argument_names route_arguments[NUM_ROUTES] = {
    [ROUTE_PAGE] = {{"user"}, ": there is only user"},
    [ROUTE_OPENAPI] = {{NULL}, ": there are none here"},
    [ROUTE_HEALTH] = {{NULL}, ": there are none here"},
    [ROUTE_METRICS] = {{NULL}, ": there are none here"},
    [ROUTE_RECOMMEND] = {{"n", "model", "titles"}, ": there are n, model and titles"},
    [ROUTE_SIMILAR] = {{"n", "model", "titles"}, ": there are n, model and titles"},
    [ROUTE_REPORT] = {{"from", "to", "format"}, ": there are from, to and format"},
};

/* A request's arguments being looked at. */
typedef struct argument_check
{
    const request *asked;
    bool seen[MAX_ARGUMENTS];
    serve_answer refusal; /* status 0: none so far */
} argument_check;

/* An argument of the query string, NULL if it is not given. */
static const char *
argument(const request *asked, const char *name)
{
    return MHD_lookup_connection_value(asked->http, MHD_GET_ARGUMENT_KIND, name);
}

/* True if the text can be sent to the server. */
static bool
is_text(const char *text)
{
    return text == NULL || cs_utf8_valid(text, strlen(text));
}

/* Fail with a message about an argument; the beginning of a long name does. */
static serve_answer
refuse_argument(const char *what, const char *name, const char *rest)
{
    char message[SHOWN_NAME_BYTES + 128];
    size_t len = strnlen(name, SHOWN_NAME_BYTES);

    if (!is_text(name))
        return serve_error(400, "the request is not valid UTF-8");
    while (len == SHOWN_NAME_BYTES && (name[len] & 0xC0) == 0x80)
        len--; /* not inside a character */
    snprintf(message, sizeof(message), "%s \"%.*s\"%s", what, (int) len, name, rest);
    return serve_error(400, message);
}

/* MHD_KeyValueIterator: refuse an argument that the route has not, or that is there twice. */
static enum MHD_Result
check_argument(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    argument_check *check = ctx;
    const argument_names *known = &route_arguments[check->asked->route];
    int which = 0;

    (void) kind;
    if (name[0] == '\0' && value == NULL)
        return MHD_YES; /* nothing between two ampersands */
    while (which < MAX_ARGUMENTS && known->names[which] != NULL &&
           strcmp(known->names[which], name) != 0)
        which++;
    if (which == MAX_ARGUMENTS || known->names[which] == NULL)
        check->refusal = refuse_argument("unknown argument", name, known->list);
    else if (value == NULL)
        check->refusal = refuse_argument("argument", name, " has no value");
    else if (check->seen[which])
        check->refusal = refuse_argument("argument", name, " is given more than once");
    else
    {
        check->seen[which] = true;
        return MHD_YES;
    }
    return MHD_NO;
}

/* The answer to a request with an argument that is not understood; status 0 if there is none. */
static serve_answer
check_arguments(const request *asked)
{
    argument_check check = {.asked = asked};

    if (asked->route != ROUTE_OTHER)
        MHD_get_connection_values(asked->http, MHD_GET_ARGUMENT_KIND, check_argument, &check);
    return check.refusal;
}

/* The page to try the service. */
static serve_answer
answer_page(void)
{
    return (serve_answer){
        .status = 200, .type = SERVE_HTML, .fixed = resource_page_html, .policy = PAGE_POLICY};
}

/* The description for programs. */
static serve_answer
answer_openapi(void)
{
    return (serve_answer){.status = 200, .type = SERVE_JSON, .fixed = resource_openapi_json};
}

/* The number of items that is asked for, NULL if that is none or too large. */
static const char *
item_count(const request *asked)
{
    const char *given = argument(asked, "n");
    size_t len;

    if (given == NULL)
        return DEFAULT_ITEMS;
    len = strlen(given);
    if (len < 1 || len > 4 || strspn(given, "0123456789") != len || atoi(given) > SERVE_MAX_ITEMS)
        return NULL;
    return given;
}

/* Answer from a model: sql takes the model, the rest of the path, the count, and titles. */
static serve_answer
answer_model(const request *asked, const char *sql, const char *subject)
{
    const char *model = argument(asked, "model"), *titles = argument(asked, "titles");
    const char *count = item_count(asked);
    const char *params[4];

    if (model == NULL)
        model = asked->running->model;
    if (model == NULL)
        return serve_error(400, "name a model: ?model=");
    if (count == NULL)
        return serve_error(400, "n must be a whole number from 0 to 1000");
    if (titles == NULL)
        titles = "false";
    if (strcmp(titles, "true") != 0 && strcmp(titles, "false") != 0)
        return serve_error(400, "titles must be true or false");
    if (!is_text(model) || !is_text(subject))
        return serve_error(400, "the request is not valid UTF-8");
    params[0] = model;
    params[1] = subject;
    params[2] = count;
    params[3] = titles;
    return serve_query(&asked->running->pool, sql, 4, params);
}

/* Answer with sessions. */
static serve_answer
answer_report(const request *asked)
{
    serve_report_request report = {
        argument(asked, "from"), argument(asked, "to"), argument(asked, "format"),
        MHD_lookup_connection_value(asked->http, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT)};

    if (!is_text(report.from) || !is_text(report.to))
        return serve_error(400, "the request is not valid UTF-8");
    return serve_report(&asked->running->pool, &report);
}

/* Answer with the counts. */
static serve_answer
answer_metrics(const request *asked)
{
    serve_answer answer = {.status = 200, .type = METRICS_TYPE, .fixed = "# EOF\n"};

    answer.body = serve_metrics_text(&asked->running->metrics, &asked->running->guests);
    return answer;
}

/* The rest of a path behind a prefix, NULL if it does not begin so or nothing is left. */
static const char *
path_rest(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(path, prefix, len) == 0 && path[len] != '\0' ? path + len : NULL;
}

/* Find the route of a path. */
static serve_route
find_route(const char *path)
{
    if (strcmp(path, "/") == 0)
        return ROUTE_PAGE;
    if (strcmp(path, "/openapi.json") == 0)
        return ROUTE_OPENAPI;
    if (strcmp(path, "/healthz") == 0)
        return ROUTE_HEALTH;
    if (strcmp(path, "/metrics") == 0)
        return ROUTE_METRICS;
    if (strcmp(path, "/report") == 0)
        return ROUTE_REPORT;
    if (path_rest(path, "/recommend/") != NULL)
        return ROUTE_RECOMMEND;
    if (path_rest(path, "/similar/") != NULL)
        return ROUTE_SIMILAR;
    return ROUTE_OTHER;
}

/* Answer a request that may be answered. */
static serve_answer
answer_route(const request *asked)
{
    switch (asked->route)
    {
        case ROUTE_PAGE:
            return answer_page();
        case ROUTE_OPENAPI:
            return answer_openapi();
        case ROUTE_HEALTH:
            return serve_query(&asked->running->pool, resource_serve_health_sql, 0, NULL);
        case ROUTE_METRICS:
            return answer_metrics(asked);
        case ROUTE_RECOMMEND:
            return answer_model(asked, resource_serve_recommend_sql,
                                path_rest(asked->path, "/recommend/"));
        case ROUTE_SIMILAR:
            return answer_model(asked, resource_serve_similar_sql,
                                path_rest(asked->path, "/similar/"));
        case ROUTE_REPORT:
            return answer_report(asked);
        default:
            return serve_error(404, "there is nothing at this path");
    }
}

/* True if both texts are the same, in a time that does not tell where they differ. */
static bool
same_secret(const char *given, const char *secret)
{
    size_t len = strlen(secret), given_len = strlen(given);
    unsigned char differ = given_len != len;

    for (size_t i = 0; i < len; i++)
        differ |= (unsigned char) (secret[i] ^ (i < given_len ? given[i] : 0));
    return differ == 0;
}

/* True if the request bears the token, where there is one. */
static bool
is_allowed(const request *asked)
{
    const char *token = asked->running->token, *given;

    if (token == NULL || asked->route == ROUTE_HEALTH)
        return true;
    given =
        MHD_lookup_connection_value(asked->http, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    return given != NULL && strncasecmp(given, BEARER, strlen(BEARER)) == 0 &&
           same_secret(given + strlen(BEARER), token);
}

/* Hand an answer to the library. */
static enum MHD_Result
send_answer(const request *asked, const serve_answer *answer)
{
    const char *text = answer->body != NULL ? answer->body : answer->fixed;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *) text,
        answer->body != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    if (response == NULL)
    {
        free(answer->body);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "X-Frame-Options", "DENY");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Content-Security-Policy",
                            answer->policy != NULL ? answer->policy : NO_POLICY);
    if (asked->route == ROUTE_REPORT)
        MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (answer->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (answer->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    result = MHD_queue_response(asked->http, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* True if the request comes with a body. */
static bool
has_body(const request *asked)
{
    const char *length =
        MHD_lookup_connection_value(asked->http, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *coding = MHD_lookup_connection_value(asked->http, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_TRANSFER_ENCODING);

    return coding != NULL || (length != NULL && strcmp(length, "0") != 0);
}

/* True if each percent sign begins the code of a byte. A NUL is none: it would end the text. */
static bool
is_well_escaped(const char *uri)
{
    for (const char *at = uri; (at = strchr(at, '%')) != NULL; at++)
        if (cs_hex_digit(at[1]) < 0 || cs_hex_digit(at[2]) < 0 || (at[1] == '0' && at[2] == '0'))
            return false;
    return true;
}

/*
 * True if the header Host names this machine. A name of somebody else's that leads here is how a
 * page of his makes a visitor's browser read what we say (DNS rebinding).
 */
static bool
is_host_ours(const request *asked)
{
    const char *host =
        MHD_lookup_connection_value(asked->http, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    size_t len = host == NULL ? 0 : strcspn(host, ":");
    unsigned char address[sizeof(struct in6_addr)];
    char name[INET6_ADDRSTRLEN];

    if (len == 0 || host[0] == '[')
        return true; /* HTTP/1.0, or an IPv6 address: no name */
    if (len >= sizeof(name))
        return false;
    memcpy(name, host, len);
    name[len] = '\0';
    return strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, address) == 1;
}

/* What the state of a request is before its headers are looked at, where its URI is bad. */
static char bad_uri;

/* MHD_OPTION_URI_LOG_CALLBACK: look at the URI as it was sent; what is returned is the state. */
static void *
note_uri(void *ctx, const char *uri, struct MHD_Connection *http)
{
    (void) ctx;
    (void) http;
    return is_well_escaped(uri) ? NULL : &bad_uri;
}

/* The answer to a request that is refused by its headers; status 0 if it is not. */
static serve_answer
refuse_request(const request *asked, const char *method, bool has_bad_uri)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return serve_error(MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is answered");
    if (has_body(asked))
        return serve_error(MHD_HTTP_CONTENT_TOO_LARGE, "a request may not have a body");
    if (!is_allowed(asked))
        return serve_error(MHD_HTTP_UNAUTHORIZED, "the request bears no valid token");
    if (asked->running->token == NULL && !is_host_ours(asked))
        return serve_error(MHD_HTTP_MISDIRECTED_REQUEST,
                           "without a token only localhost and addresses are answered for");
    if (has_bad_uri)
        return serve_error(MHD_HTTP_BAD_REQUEST, "the path or an argument is not percent-encoded");
    return (serve_answer){.status = 0};
}

/* What we know of a connection. */
static serve_guest *
guest_of(struct MHD_Connection *http)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* MHD_NotifyConnectionCallback: a connection comes, or goes; its socket is open both times. */
static void
note_connection(void *ctx, struct MHD_Connection *http, void **guest,
                enum MHD_ConnectionNotificationCode what)
{
    service *running = ctx;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (what == MHD_CONNECTION_NOTIFY_CLOSED)
        serve_guest_leave(&running->guests, *guest);
    else
        *guest = info != NULL ? serve_guest_enter(&running->guests, info->connect_fd) : NULL;
}

/* MHD_RequestCompletedCallback */
static void
note_exchange(void *ctx, struct MHD_Connection *http, void **state,
              enum MHD_RequestTerminationCode how)
{
    service *running = ctx;

    (void) state;
    (void) how;
    serve_guest_done(&running->guests, guest_of(http));
}

/*
 * MHD_AccessHandlerCallback. It is called twice: with the headers, where a request that is
 * refused is answered, which closes its connection; and at the request's end.
 */
static enum MHD_Result
handle_request(void *ctx, struct MHD_Connection *http, const char *path, const char *method,
               const char *version, const char *body, size_t *body_size, void **state)
{
    request asked = {.running = ctx, .http = http, .path = path, .route = find_route(path)};
    int64_t start = clock_now(CLOCK_MONOTONIC);
    serve_answer answer;

    (void) version;
    (void) body;
    *body_size = 0;
    if (*state != asked.running)
    {
        answer = refuse_request(&asked, method, *state == &bad_uri);
        *state = asked.running;
        if (answer.status == 0)
            return MHD_YES;
    }
    else
    {
        serve_guest_answered(&asked.running->guests, guest_of(http), true);
        answer = check_arguments(&asked);
        if (answer.status == 0)
            answer = answer_route(&asked);
        serve_guest_answered(&asked.running->guests, guest_of(http), false);
    }
    serve_metrics_add(&asked.running->metrics, asked.route, answer.status,
                      clock_seconds_since(start));
    return send_answer(&asked, &answer);
}

/* The library's own complaints are about bad requests: they are the clients' business. */
static void
ignore_message(void *ctx, const char *format, va_list args)
{
    (void) ctx;
    (void) format;
    (void) args;
}

struct MHD_Daemon *
serve_daemon(service *running, const struct sockaddr *address, unsigned flags)
{
    return MHD_start_daemon(flags | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle_request, running,
                            MHD_OPTION_EXTERNAL_LOGGER, ignore_message, NULL, MHD_OPTION_SOCK_ADDR,
                            address, MHD_OPTION_THREAD_STACK_SIZE, (size_t) SERVE_STACK_BYTES,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned) SERVE_MAX_CONNECTIONS,
                            MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) SERVE_IDLE_SECONDS,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) SERVE_HEADER_BYTES,
                            MHD_OPTION_NOTIFY_CONNECTION, note_connection, running,
                            MHD_OPTION_NOTIFY_COMPLETED, note_exchange, running,
                            MHD_OPTION_URI_LOG_CALLBACK, note_uri, NULL, MHD_OPTION_END);
}

/* The port that is listened on. */
static int
bound_port(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info != NULL ? info->port : 0;
}

exit_status
serve_http(service *running, const char *address, int port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t) port)};
    bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    bool is_six = !is_four && inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
    struct MHD_Daemon *daemon;

    if (!is_four && !is_six)
    {
        log_error("\"%s\" is not an IP address", address);
        return STATUS_USAGE;
    }
    stop_in_order();
    pthread_mutex_init(&running->metrics.lock, NULL);
    serve_guests_init(&running->guests);
    daemon = serve_daemon(
        running, is_four ? (const struct sockaddr *) &four : (const struct sockaddr *) &six,
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD |
            (is_six ? MHD_USE_IPv6 : 0));
    if (daemon == NULL)
    {
        log_error("could not listen on %s, port %d: %s", address, port, strerror(errno));
        return STATUS_SERVER;
    }
    log_summary("listening on http://%s%s%s:%d/", is_six ? "[" : "", address, is_six ? "]" : "",
                bound_port(daemon));
    while (!stop_requested())
        poll(NULL, 0, STOP_POLL_MILLISECONDS);
    MHD_stop_daemon(daemon);
    serve_guests_destroy(&running->guests);
    pthread_mutex_destroy(&running->metrics.lock);
    return STATUS_OK;
}
