/*
 * loader/serve_metrics.c
 *     Counting requests, and showing the counts in the text form of OpenMetrics.
 */
#include "serve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const route_names[NUM_ROUTES] = {
    [ROUTE_PAGE] = "/",
    [ROUTE_OPENAPI] = "/openapi.json",
    [ROUTE_HEALTH] = "/healthz",
    [ROUTE_METRICS] = "/metrics",
    [ROUTE_RECOMMEND] = "/recommend/{user_id}",
    [ROUTE_SIMILAR] = "/similar/{item_id}",
    [ROUTE_REPORT] = "/report",
    [ROUTE_OTHER] = "other",
};

void
serve_metrics_add(serve_metrics *metrics, serve_route route, unsigned status, double seconds)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->requests[route][status / 100 % 6]++;
    metrics->seconds[route] += seconds;
    pthread_mutex_unlock(&metrics->lock);
}

/* Print the counts of a route. */
static void
print_route(FILE *out, const serve_metrics *metrics, serve_route route)
{
    for (int hundred = 2; hundred < 6; hundred++)
        if (metrics->requests[route][hundred] > 0)
            fprintf(out, "clickstream_requests_total{route=\"%s\",status=\"%dxx\"} %" PRIu64 "\n",
                    route_names[route], hundred, metrics->requests[route][hundred]);
}

/* Print the counts of connections. */
static void
print_guests(FILE *out, serve_guests *guests)
{
    uint64_t sent_off;
    int open;

    serve_guests_count(guests, &open, &sent_off);
    fprintf(out, "# TYPE clickstream_connections gauge\n"
                 "# HELP clickstream_connections HTTP connections that are open.\n");
    fprintf(out, "clickstream_connections %d\n", open);
    fprintf(out, "# TYPE clickstream_connections_closed counter\n"
                 "# HELP clickstream_connections_closed Slow ones closed to make room.\n");
    fprintf(out, "clickstream_connections_closed_total %" PRIu64 "\n", sent_off);
}

char *
serve_metrics_text(serve_metrics *metrics, serve_guests *guests)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    print_guests(out, guests);
    pthread_mutex_lock(&metrics->lock);
    fprintf(out, "# TYPE clickstream_requests counter\n"
                 "# HELP clickstream_requests Requests answered.\n");
    for (int route = 0; route < NUM_ROUTES; route++)
        print_route(out, metrics, (serve_route) route);
    fprintf(out, "# TYPE clickstream_request_seconds counter\n"
                 "# UNIT clickstream_request_seconds seconds\n"
                 "# HELP clickstream_request_seconds Time spent answering.\n");
    for (int route = 0; route < NUM_ROUTES; route++)
        fprintf(out, "clickstream_request_seconds_total{route=\"%s\"} %.6f\n", route_names[route],
                metrics->seconds[route]);
    pthread_mutex_unlock(&metrics->lock);
    fprintf(out, "# EOF\n");
    if (fclose(out) != 0)
    {
        free(text);
        return NULL;
    }
    return text;
}
