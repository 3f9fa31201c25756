/*
 * loader/serve.c
 *     The command serve: recommendations and the report over HTTP.
 */
#include "serve.h"

#include "commands.h"
#include "log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 8080
#define DEFAULT_WORKERS 4
#define ENV_TOKEN "CLICKSTREAM_TOKEN"
#define MIN_TOKEN_BYTES 16

typedef struct serve_settings
{
    connection_settings connection;
    const char *address;
    const char *http_port;
    const char *workers;
    const char *model;
    const char *schema;
} serve_settings;

static const option_spec options[] = {
    {"listen", 0, OPTION_TEXT, offsetof(serve_settings, address), "ADDRESS",
     "IP address to listen on (default: " DEFAULT_ADDRESS ");\nany but a loopback address needs a "
     "token",
     NULL},
    {"http-port", 0, OPTION_TEXT, offsetof(serve_settings, http_port), "PORT",
     "port to listen on (default: 8080; 0: any that is\nfree)", NULL},
    {"workers", 0, OPTION_TEXT, offsetof(serve_settings, workers), "N",
     "requests that ask the database at once, each on a\nconnection of its own (default: 4)", NULL},
    {"model", 'm', OPTION_TEXT, offsetof(serve_settings, model), "MODEL",
     "model for requests that name none", NULL},
    {"schema", 0, OPTION_TEXT, offsetof(serve_settings, schema), "SCHEMA",
     "schema of the report and its tables (default:\nthe first of the search path)", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* Read a number from an option. */
static exit_status
take_number(const char *name, const char *given, int least, int most, int *number)
{
    char *end;
    long value;

    if (given == NULL)
        return STATUS_OK;
    value = strtol(given, &end, 10);
    if (*given < '0' || *given > '9' || *end != '\0' || value < least || value > most)
    {
        log_error("option \"--%s\" takes a number from %d to %d, not \"%s\"", name, least, most,
                  given);
        return STATUS_USAGE;
    }
    *number = (int) value;
    return STATUS_OK;
}

/* True if only this machine reaches the address. */
static bool
is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* Take the token from the environment; needed where others reach us. */
static exit_status
take_token(const char *address, const char **token)
{
    *token = getenv(ENV_TOKEN);
    if (*token != NULL && (*token)[0] == '\0')
        *token = NULL;
    if (*token == NULL && !is_loopback(address))
    {
        log_error("others than this machine reach %s: a token is needed", address);
        log_hint("Put one into the environment variable " ENV_TOKEN
                 "; requests then need \"Authorization: Bearer TOKEN\".");
        return STATUS_USAGE;
    }
    if (*token != NULL && strlen(*token) < MIN_TOKEN_BYTES)
    {
        log_error("the token in " ENV_TOKEN " is shorter than %d bytes", MIN_TOKEN_BYTES);
        return STATUS_USAGE;
    }
    for (const char *at = *token; at != NULL && *at != '\0'; at++)
        if (iscntrl((unsigned char) *at))
        {
            log_error("the token in " ENV_TOKEN " holds a control character");
            log_hint("No request could bear it: a header is one line.");
            return STATUS_USAGE;
        }
    return STATUS_OK;
}

/* The command. */
static exit_status
run(const void *given, const operand_list *operands)
{
    const serve_settings *settings = given;
    const char *address = settings->address != NULL ? settings->address : DEFAULT_ADDRESS;
    int port = DEFAULT_PORT, workers = DEFAULT_WORKERS;
    service running = {.model = settings->model};
    exit_status status;

    (void) operands;
    STATUS_TRY(take_number("http-port", settings->http_port, 0, 65535, &port));
    STATUS_TRY(take_number("workers", settings->workers, 1, SERVE_MAX_WORKERS, &workers));
    STATUS_TRY(take_token(address, &running.token));
    setenv("PGCONNECT_TIMEOUT", SERVE_CONNECT_TIMEOUT, 0);
    STATUS_TRY(serve_pool_open(&running.pool, &settings->connection, settings->schema, workers));
    status = serve_http(&running, address, port);
    serve_pool_close(&running.pool);
    return status;
}

const command_spec serve_command = {
    .name = "serve",
    .arguments = "",
    .summary = "answer over HTTP what to offer next",
    .description =
        "GET /recommend/USER_ID?n=10, /similar/ITEM_ID?n=10, /report?from=TIME&to=TIME\n"
        "(and &format=html: as a page), /healthz, /metrics, /openapi.json, and a page to\n"
        "try it at /. Ends on SIGINT or SIGTERM. Nothing is written to the database. With\n"
        "a token in the environment variable CLICKSTREAM_TOKEN all but /healthz needs\n"
        "\"Authorization: Bearer TOKEN\".",
    .examples = "clickstream serve -d shop -m rewards\n"
                "CLICKSTREAM_TOKEN=... clickstream serve -d shop --listen 192.0.2.7",
    .options = options,
    .connects = true,
    .settings_size = sizeof(serve_settings),
    .run = run,
};
