/*
 * loader/serve_report.c
 *     The session report of the service: rows as JSON, or the page of `report --format html`.
 *
 * The JSON is one text that the server makes, of so many sessions at most. The page counts
 * all sessions: rows are read one by one and none is kept, so its memory and size do not
 * follow their number; the time of its statements is limited as that of others.
 */
#include "serve.h"

#include "report_database.h"
#include "resources.h"
#include "stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORMAT_HTML "html"
#define FORMAT_JSON "json"

/* The page is text, shapes and a style sheet of its own. */
#define REPORT_POLICY                                                                      \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors 'none'"

/* A media type that we have. */
typedef struct media_type
{
    const char *name;
    const char *family; /* what stands for all of its kind */
} media_type;

static const media_type html_type = {"text/html", "text/*"};
static const media_type json_type = {SERVE_JSON, "application/*"};

/* True if text is the name, in any case. */
static bool
is_name(cs_slice text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

/* Take what stands before a separator off a text, without the blanks around it. */
static cs_slice
take_part(cs_slice *text, char separator)
{
    const char *end = memchr(text->data, separator, text->len);
    cs_slice part = {text->data, end != NULL ? (size_t) (end - text->data) : text->len};
    size_t taken = part.len + (end != NULL);

    *text = (cs_slice){text->data + taken, text->len - taken};
    while (part.len > 0 && strchr(" \t", part.data[0]) != NULL)
        part = (cs_slice){part.data + 1, part.len - 1};
    while (part.len > 0 && strchr(" \t", part.data[part.len - 1]) != NULL)
        part.len--;
    return part;
}

/* The weight among the parameters of a media range; 1 if none is given, 0 if it is none. */
static double
read_weight(cs_slice parameters)
{
    while (parameters.len > 0)
    {
        cs_slice parameter = take_part(&parameters, ';');
        char number[8];
        double weight;

        if (parameter.len < 2 || strncasecmp(parameter.data, "q=", 2) != 0)
            continue;
        snprintf(number, sizeof(number), "%.*s", (int) parameter.len - 2, parameter.data + 2);
        weight = strtod(number, NULL);
        return weight >= 0 && weight <= 1 ? weight : 0;
    }
    return 1;
}

/* The weight that an Accept header gives a type: that of the closest range that holds it. */
static double
accept_weight(const char *accept, const media_type *type)
{
    cs_slice ranges = cs_slice_of(accept);
    double weight = 0;
    int closest = 0;

    while (ranges.len > 0)
    {
        cs_slice parameters = take_part(&ranges, ',');
        cs_slice range = take_part(&parameters, ';');
        int close = is_name(range, type->name)     ? 3
                    : is_name(range, type->family) ? 2
                    : is_name(range, "*/*")        ? 1
                                                   : 0;

        if (close <= closest)
            continue;
        closest = close;
        weight = read_weight(parameters);
    }
    return weight;
}

/* report_server.failed: keep what the failure means to the client. */
static exit_status
keep_failure(void *ctx, connection *server, PGresult *failure)
{
    serve_answer *answer = ctx;

    free(answer->body);
    *answer = serve_failure(server, failure);
    return STATUS_SERVER;
}

/* Read rows and pairs into the page. */
static exit_status
make_page(const report_server *asked, const report_question *question, cs_buffer *page)
{
    report_rows *rows = NULL;
    exit_status status;

    STATUS_TRY(report_database_open(asked, question, &rows));
    status = report_make_page(rows, question, page);
    rows->ops->close(rows);
    return status;
}

/* End the transaction; what the server still sends of a failed query is read and forgotten. */
static void
end_transaction(connection *server)
{
    while (PQtransactionStatus(server->pg) == PQTRANS_ACTIVE)
    {
        PGresult *left = connection_next(server);

        PQclear(left);
        if (left == NULL || PQstatus(server->pg) != CONNECTION_OK || server->cancelled)
            break;
    }
    connection_rollback(server);
}

/* What the page is about. */
typedef struct page_task
{
    report_question question;
    const char *schema; /* of the report; NULL: the user's first */
} page_task;

/* serve_task of the page */
static serve_answer
ask_page(connection *server, const void *ctx)
{
    const page_task *task = ctx;
    serve_answer answer = serve_error(503, "the database cannot answer");
    report_server asked = {server, task->schema, keep_failure, &answer};
    cs_buffer page;
    cs_error err;

    cs_buffer_init(&page, loader_env());
    if (make_page(&asked, &task->question, &page) != STATUS_OK)
        cs_buffer_free(&page);
    else if (cs_buffer_append(&page, "", 1, &err) != CS_OK)
        cs_buffer_free(&page);
    else
    {
        free(answer.body);
        answer = (serve_answer){
            .status = 200, .type = SERVE_HTML, .body = (char *) page.data, .policy = REPORT_POLICY};
    }
    end_transaction(server);
    return answer;
}

/* Ask for the page. */
static serve_answer
report_page_answer(serve_pool *pool, const serve_report_request *asked)
{
    page_task task = {.schema = pool->schema};

    task.question = (report_question){
        .since = asked->from, .until = asked->to, .timezone = DEFAULT_TIMEZONE, .pairs = true};
    return serve_ask(pool, ask_page, &task);
}

/* Ask for the rows. */
static serve_answer
report_json_answer(serve_pool *pool, const serve_report_request *asked)
{
    char limit[16];
    const char *params[] = {asked->from, asked->to, limit};

    snprintf(limit, sizeof(limit), "%d", SERVE_MAX_ROWS);
    return serve_query(pool, resource_serve_report_sql, 3, params);
}

serve_answer
serve_report(serve_pool *pool, const serve_report_request *asked)
{
    const char *accept = asked->accept != NULL ? asked->accept : "";
    const char *format = asked->format;

    if (format == NULL)
        format = accept_weight(accept, &html_type) > accept_weight(accept, &json_type)
                     ? FORMAT_HTML
                     : FORMAT_JSON;
    if (strcmp(format, FORMAT_HTML) == 0)
        return report_page_answer(pool, asked);
    if (strcmp(format, FORMAT_JSON) == 0)
        return report_json_answer(pool, asked);
    return serve_error(400, "format must be " FORMAT_JSON " or " FORMAT_HTML);
}
