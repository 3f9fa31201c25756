/*
 * test/fuzz/http_fuzz.c
 *     What a client sends to the service, behind a byte that says whether it wants a token:
 *     through libmicrohttpd, on a pair of sockets, without threads. The database is ours.
 */
#include "fuzz.h"

#include "serve.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_TURNS 10000 /* of the library, for one client */
#define MAX_ANSWER_BYTES ((size_t) 1 << 20)
#define TOKEN "0123456789abcdef"

static service running;
static struct MHD_Daemon *http;

/* As the service's; serve_pool.c, which asks a server, is not linked. */
serve_answer
serve_error(unsigned status, const char *message)
{
    json_t *object = json_pack("{s:s}", "error", message);
    serve_answer answer = {.status = status, .type = SERVE_JSON};

    answer.body = json_dumps(object, JSON_COMPACT);
    fuzz_check(answer.body != NULL, "(%s)", message);
    json_decref(object);
    return answer;
}

/* What would go to the database is text, and few digits where a number is asked for. */
serve_answer
serve_query(serve_pool *pool, const char *sql, int count, const char *const *params)
{
    json_t *list = json_array();
    serve_answer answer = {.status = 200, .type = SERVE_JSON};

    fuzz_check(pool == &running.pool && sql != NULL && list != NULL);
    for (int i = 0; i < count; i++)
    {
        fuzz_check(params[i] == NULL || cs_utf8_valid(params[i], strlen(params[i])));
        json_array_append_new(list, params[i] != NULL ? json_string(params[i]) : json_null());
    }
    if (count == 4)
    {
        fuzz_check(params[0] != NULL && params[1] != NULL && params[1][0] != '\0');
        fuzz_check(strspn(params[2], "0123456789") == strlen(params[2]));
        fuzz_check(atoi(params[2]) >= 0 && atoi(params[2]) <= SERVE_MAX_ITEMS);
        fuzz_check(strcmp(params[3], "true") == 0 || strcmp(params[3], "false") == 0);
    }
    answer.body = json_dumps(list, JSON_COMPACT);
    fuzz_check(answer.body != NULL);
    json_decref(list);
    return answer;
}

/* The page is asked for in another way. */
serve_answer
serve_ask(serve_pool *pool, serve_task ask, const void *ctx)
{
    fuzz_check(pool == &running.pool && ask != NULL && ctx != NULL);
    return (serve_answer){.status = 200, .type = SERVE_HTML, .fixed = "<!DOCTYPE html>"};
}

/* Where a query failed; none does. */
serve_answer
serve_failure(connection *server, PGresult *result)
{
    (void) server;
    (void) result;
    return serve_error(503, "the database cannot answer");
}

/* Start the service. */
static void
start(void)
{
    pthread_mutex_init(&running.metrics.lock, NULL);
    serve_guests_init(&running.guests);
    http = serve_daemon(&running, NULL, MHD_USE_NO_LISTEN_SOCKET);
    fuzz_check(http != NULL, "(%s)", strerror(errno));
}

/* Check the first answer of those that came: its status is one that we know. */
static void
check_answer(const char *text, size_t len)
{
    static const char *const known[] = {"100", "200", "400", "401", "404", "405",
                                        "413", "414", "421", "431", "501", "505"};
    bool found = len == 0 || strncmp(text, "HTTP/1.", 7) != 0;

    fuzz_check(len == 0 || (len > 12 && strncmp(text, "HTTP/1.", 7) == 0), "(%s)", text);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        found |= strncmp(text + 9, known[i], 3) == 0;
    fuzz_check(found, "(%.100s)", text);
}

/* Read what there is of answers; false at their end. */
static bool
read_answers(int client, char *text, size_t *len)
{
    ssize_t got = recv(client, text + *len, MAX_ANSWER_BYTES - *len, MSG_DONTWAIT);

    if (got > 0)
        *len += (size_t) got;
    fuzz_check(*len < MAX_ANSWER_BYTES, "(the answers do not end)");
    text[*len] = '\0';
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Send a request, or several, and take the answers, until the service closes. */
static void
converse(cs_slice request)
{
    static char text[MAX_ANSWER_BYTES + 1];
    const struct sockaddr_in address = {.sin_family = AF_INET};
    size_t len = 0;
    int ends[2], turns = 0;

    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    text[0] = '\0';
    fuzz_check(send(ends[0], request.data, request.len, 0) == (ssize_t) request.len);
    fuzz_check(shutdown(ends[0], SHUT_WR) == 0);
    fuzz_check(MHD_add_connection(http, ends[1], (const struct sockaddr *) &address,
                                  sizeof(address)) == MHD_YES);
    do
    {
        fuzz_check(++turns < MAX_TURNS, "(the service does not close)");
        fuzz_check(MHD_run(http) == MHD_YES);
    } while (read_answers(ends[0], text, &len));
    close(ends[0]);
    MHD_run(http);
    check_answer(text, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    uint8_t choice = fuzz_take_byte(&input);
    cs_slice request = fuzz_take_rest(&input);
    uint64_t sent_off;
    char *metrics;
    int open;

    if (http == NULL)
        start();
    running.token = (choice & 1) != 0 ? TOKEN : NULL;
    running.model = (choice & 2) != 0 ? "model" : NULL;
    if (request.len > 0)
        converse(request);
    serve_guests_count(&running.guests, &open, &sent_off);
    fuzz_check(open == 0 && sent_off == 0);
    metrics = serve_metrics_text(&running.metrics, &running.guests);
    fuzz_check(metrics != NULL && strstr(metrics, "# EOF\n") != NULL);
    free(metrics);
    fuzz_free(request);
    return 0;
}
